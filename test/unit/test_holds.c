#include "tools/tenured/holds.h"

#include "test/harness.h"

static struct holds holds;

static void note(uint8_t place, uint64_t height, uint64_t now_ms)
{
    holds_note(&holds, (struct place){place}, (struct height){height}, now_ms);
}

START_TEST(a_height_is_held_while_it_is_fetched_and_a_while_longer)
{
    holds_init(&holds);
    ck_assert_uint_eq(holds_lowest(&holds, 1000), UINT64_MAX);
    note(1, 64, 1000);
    note(2, 96, 2000);
    ck_assert_uint_eq(holds_lowest(&holds, 2000), 64);
    ck_assert_uint_eq(holds_lowest(&holds, 1000 + HOLDS_IDLE_MS - 1), 64);
    ck_assert_uint_eq(holds_lowest(&holds, 1000 + HOLDS_IDLE_MS), 96);
    ck_assert_uint_eq(holds_lowest(&holds, 2000 + HOLDS_IDLE_MS), UINT64_MAX);
    holds_release(&holds);
}
END_TEST

/* The attack: one chunk every 50 seconds, so that nothing is ever pruned. */
START_TEST(a_peer_that_never_stops_asking_holds_for_half_of_the_time)
{
    const uint64_t step_ms = 50000, end_ms = 20 * HOLDS_MS;
    uint64_t held = 0, steps = 0;
    holds_init(&holds);
    for (uint64_t now_ms = step_ms; now_ms < end_ms; now_ms += step_ms) {
        note(1, now_ms % 3 ? 64 : 65, now_ms); /* another height buys no time */
        held += holds_lowest(&holds, now_ms) != UINT64_MAX;
        steps++;
    }
    ck_assert_uint_gt(held, steps / 3);
    ck_assert_uint_le(held, steps / 2 + 1);
    holds_release(&holds);
}
END_TEST

START_TEST(one_peer_s_time_is_not_another_s)
{
    holds_init(&holds);
    note(1, 64, 1000);
    note(2, 96, HOLDS_MS + 1000);
    note(1, 64, HOLDS_MS + 1000);
    ck_assert_uint_eq(holds_lowest(&holds, HOLDS_MS + 1000), 96);
    holds_release(&holds);
}
END_TEST

/* However long others fetch, the disk doesn't fill. */
START_TEST(what_others_fetch_holds_pruning_back_within_a_bound)
{
    ck_assert_uint_eq(holds_floor(1000, 100, UINT64_MAX), 900);
    ck_assert_uint_eq(holds_floor(1000, 100, 950), 900);
    ck_assert_uint_eq(holds_floor(1000, 100, 850), 850);
    ck_assert_uint_eq(holds_floor(1000, 100, 10), 800);
    ck_assert_uint_eq(holds_floor(150, 100, 0), 0);
    ck_assert_uint_eq(holds_floor(50, 100, UINT64_MAX), 0);
}
END_TEST

HARNESS_MAIN("holds", a_height_is_held_while_it_is_fetched_and_a_while_longer,
             a_peer_that_never_stops_asking_holds_for_half_of_the_time,
             one_peer_s_time_is_not_another_s,
             what_others_fetch_holds_pruning_back_within_a_bound)
