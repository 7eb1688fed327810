#include "tools/tenure/agenda.h"

#include "test/harness.h"

static struct agenda agenda; /* of the test: each runs in a process of its own */

static struct agenda_task task(uint64_t job, uint64_t deadline_ms)
{
    return (struct agenda_task){.segment = {.job = job}, .deadline_ms = deadline_ms};
}

static struct agenda_task brief(uint64_t job, uint64_t deadline_ms)
{
    struct agenda_task made = task(job, deadline_ms);
    made.brief = true;
    return made;
}

static bool offer(struct agenda_task offered, uint64_t now_ms)
{
    return agenda_take(&agenda, &offered, now_ms);
}

/* A pass that finds these jobs; the number of the one that begins, 0 for none. */
static uint64_t pass(const struct agenda_task *found, uint32_t count, uint64_t now_ms)
{
    struct agenda_task begun;

    agenda_clear(&agenda);
    for (uint32_t i = 0; i < count; i++)
        ck_assert(!offer(found[i], now_ms));
    return agenda_begin(&agenda, &begun, now_ms) ? begun.segment.job : 0;
}

START_TEST(what_is_due_first_goes_first)
{
    struct agenda_task found[] = {task(1, 900), task(2, 300), task(3, 600)};

    ck_assert_uint_eq(pass(found, 3, 0), 2);
    ck_assert(!offer(found[0], 0));
    ck_assert(offer(found[1], 0));
}
END_TEST

START_TEST(work_is_done_once)
{
    struct agenda_task found = task(1, 900);

    ck_assert_uint_eq(pass(&found, 1, 0), 1);
    ck_assert(offer(found, 0));
    ck_assert(!offer(found, 0));
    ck_assert_uint_eq(pass(&found, 1, 0), 0); /* a pass inside of it */
}
END_TEST

START_TEST(only_what_is_due_before_interrupts)
{
    struct agenda_task slow = task(1, 500), urgent = task(2, 400), later = task(3, 600);

    ck_assert_uint_eq(pass(&slow, 1, 0), 1);
    ck_assert_uint_eq(pass(&later, 1, 0), 0);
    ck_assert_uint_eq(pass(&urgent, 1, 0), 2);
    ck_assert(offer(urgent, 0));
    ck_assert(!offer(slow, 0));
    agenda_end(&agenda, 0);
    ck_assert(agenda_is_running(&agenda, 1));
    ck_assert(!agenda_is_running(&agenda, 2));
}
END_TEST

START_TEST(what_is_brief_always_finds_a_place)
{
    struct agenda_task slow = task(1, 500), urgent = task(2, 400), soonest = task(3, 100);
    struct agenda_task found[] = {soonest, brief(4, 9999), brief(5, 8888)};

    ck_assert_uint_eq(pass(&slow, 1, 0), 1);
    ck_assert_uint_eq(pass(&urgent, 1, 0), 2);
    ck_assert_uint_eq(pass(&soonest, 1, 0), 0); /* the last place isn't for it */
    ck_assert_uint_eq(pass(found, 3, 0), 5);
    ck_assert(offer(found[2], 0));
    ck_assert_uint_eq(pass(found, 3, 0), 0); /* and one that is brief waits for another */
    ck_assert_uint_eq(agenda.depth, AGENDA_DEPTH);
}
END_TEST

/* 40 ms at a job that fails, then as much and a moment more for the one due later. */
START_TEST(what_was_just_tried_keeps_no_other_waiting)
{
    struct agenda_task found[] = {task(1, 100), task(2, 900)};
    uint64_t again_ms = 40 + 40 + AGENDA_REST_MS;

    ck_assert_uint_eq(pass(found, 2, 0), 1);
    agenda_end(&agenda, 40);
    ck_assert_uint_eq(pass(found, 2, 40), 2);
    agenda_end(&agenda, 50);
    ck_assert_uint_eq(pass(found, 1, again_ms - 1), 0);
    ck_assert_uint_eq(pass(found, 1, again_ms), 1);
}
END_TEST

START_TEST(a_deadline_that_moves_is_followed)
{
    struct agenda_task found = task(1, 500);

    ck_assert_uint_eq(pass(&found, 1, 0), 1);
    found.deadline_ms = 700;
    ck_assert(offer(found, 0));
    ck_assert(!agenda_is_late(&agenda, 699));
    ck_assert(agenda_is_late(&agenda, 700));
}
END_TEST

START_TEST(another_attempt_is_other_work)
{
    struct agenda_task found = task(1, 100);

    ck_assert_uint_eq(pass(&found, 1, 0), 1);
    agenda_end(&agenda, 40);
    found.segment.attempt++;
    ck_assert_uint_eq(pass(&found, 1, 40), 1);
}
END_TEST

START_TEST(work_is_late_when_its_deadline_has_come)
{
    struct agenda_task slow = task(1, 500), urgent = task(2, 400), ever = brief(3, 0);

    ck_assert_uint_eq(pass(&slow, 1, 0), 1);
    ck_assert_uint_eq(pass(&urgent, 1, 0), 2);
    ck_assert(!agenda_is_late(&agenda, 399));
    ck_assert(agenda_is_late(&agenda, 400));
    agenda_end(&agenda, 0);
    ck_assert(!agenda_is_late(&agenda, 400));
    ck_assert_uint_eq(pass(&ever, 1, 0), 3);
    ck_assert(!agenda_is_late(&agenda, UINT64_MAX));
}
END_TEST

HARNESS_MAIN("agenda", what_is_due_first_goes_first, work_is_done_once,
             only_what_is_due_before_interrupts, what_is_brief_always_finds_a_place,
             what_was_just_tried_keeps_no_other_waiting, a_deadline_that_moves_is_followed,
             another_attempt_is_other_work,
             work_is_late_when_its_deadline_has_come)
