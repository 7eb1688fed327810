#include "contracts/due.h"

#include "test/unit/market.h"

static struct market m;

static void begin(void)
{
    m = (struct market){.count = 0};
    m.source = (struct view_source){&m, market_source_get, market_source_next};
    arena_init(&m.arena, 1u << 26);
    view_init(&m.view, &m.source, &m.arena);
}

START_TEST(timers_fire_in_order_of_time_and_only_once)
{
    struct due due;
    struct path after = {.size = 0};
    begin();
    due_set(&m.view, DUE_SLOT, 5, 1, 0, 300);
    due_set(&m.view, DUE_JOB, 5, 0, 0, 100);
    due_set(&m.view, DUE_OFFER, 9, 0, 0, 200);
    ck_assert_uint_eq(due_first(&m.view), 100);
    ck_assert(!due_take(&m.view, DUE_DEADLINES, 99, &after, &due));
    ck_assert(due_take(&m.view, DUE_DEADLINES, 200, &after, &due));
    ck_assert_int_eq(due.kind, DUE_JOB);
    ck_assert(due_take(&m.view, DUE_DEADLINES, 200, &after, &due));
    ck_assert_int_eq(due.kind, DUE_OFFER);
    ck_assert_uint_eq(due.object, 9);
    ck_assert(!due_take(&m.view, DUE_DEADLINES, 200, &after, &due));
    ck_assert_uint_eq(due_first(&m.view), 300);
    market_release(&m);
}
END_TEST

START_TEST(a_timer_is_moved_and_stopped)
{
    begin();
    due_set(&m.view, DUE_SLOT, 5, 1, 0, 300);
    due_set(&m.view, DUE_SLOT, 5, 1, 300, 400);
    ck_assert_uint_eq(due_first(&m.view), 400);
    due_set(&m.view, DUE_SLOT, 5, 1, 400, 0);
    ck_assert_uint_eq(due_first(&m.view), UINT64_MAX);
    ck_assert_ptr_null(view_write(&m.view, NULL));
    market_release(&m);
}
END_TEST

START_TEST(a_timer_set_for_a_time_that_passed_waits_for_the_next_walk)
{
    struct due due;
    struct path after = {.size = 0}, again = {.size = 0};
    begin();
    due_set(&m.view, DUE_SLOT, 5, 1, 0, 300);
    ck_assert(due_take(&m.view, DUE_DEADLINES, 300, &after, &due));
    due_set(&m.view, DUE_SLOT, 5, 1, 0, 300);
    ck_assert(!due_take(&m.view, DUE_DEADLINES, 300, &after, &due));
    ck_assert(due_take(&m.view, DUE_DEADLINES, 300, &again, &due));
    market_release(&m);
}
END_TEST

START_TEST(each_queue_is_taken_alone)
{
    struct due due;
    struct path after = {.size = 0};
    begin();
    due_set(&m.view, DUE_STATEMENT, 1, 0, 0, 100);
    due_set(&m.view, DUE_SEARCH, 2, 1, 0, 200);
    due_set(&m.view, DUE_SLOT, 2, 0, 0, 300);
    ck_assert_uint_eq(due_first(&m.view), 100);
    ck_assert(due_take(&m.view, DUE_DEADLINES, 300, &after, &due));
    ck_assert_int_eq(due.kind, DUE_SLOT);
    after.size = 0;
    ck_assert(due_take(&m.view, DUE_MATCHES, 300, &after, &due));
    ck_assert_int_eq(due.kind, DUE_SEARCH);
    ck_assert(!due_take(&m.view, DUE_MATCHES, 300, &after, &due));
    after.size = 0;
    ck_assert(due_take(&m.view, DUE_STATEMENTS, 300, &after, &due));
    ck_assert_int_eq(due.kind, DUE_STATEMENT);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("due", each_queue_is_taken_alone, timers_fire_in_order_of_time_and_only_once, a_timer_is_moved_and_stopped,
             a_timer_set_for_a_time_that_passed_waits_for_the_next_walk)
