#include "test/sim/cluster.h"

#include <string.h>

#include "test/harness.h"

static struct cluster *c;
static size_t told; /* of the story, compared already */
static struct text lines;

static void open_cluster(const struct cluster_options *options)
{
    c = cluster_new(options);
    told = 0;
}

static void close_cluster(void)
{
    ck_assert_str_eq(text_string(&c->judge.faults), "");
    cluster_free(c);
}

/* Compares what seats did since the last call: lines with `|` and `>`, without what they received. */
static void expect(const char *story)
{
    text_init(&lines, 1 << 20);
    const char *at = cluster_story(c) + told;
    while (*at != 0) {
        const char *end = strchr(at, '\n') + 1;
        const char *mark = strchr(at, ']') + 4;
        if (*mark != '<')
            text_put(&lines, bytes_of(at, (size_t)(end - at)));
        at = end;
    }
    told = (size_t)(at - cluster_story(c));
    ck_assert_str_eq(text_string(&lines), story);
    text_release(&lines);
}

/* Skips what happened. */
static void skip(void)
{
    told = strlen(cluster_story(c));
}

START_TEST(four_seats_decide_a_block)
{
    struct cluster_options options = cluster_quiet(4);
    open_cluster(&options);
    cluster_submit(c, 1);
    cluster_run(c, 1000);
    expect("[    0] 0 | started at height 0 in view 0\n"
           "[    0] 1 | started at height 0 in view 0\n"
           "[    0] 2 | started at height 0 in view 0\n"
           "[    0] 3 | started at height 0 in view 0\n"
           "[    6] 0 | proposes 1 in view 0\n"
           "[    6] 0 > prepare 1 in view 0\n"
           "[   19] 2 > prepare 1 in view 0\n"
           "[   21] 3 > prepare 1 in view 0\n"
           "[   22] 1 > prepare 1 in view 0\n"
           "[   30] 1 > commit 1 in view 0\n"
           "[   30] 3 > commit 1 in view 0\n"
           "[   32] 0 > commit 1 in view 0\n"
           "[   32] 2 > commit 1 in view 0\n"
           "[   41] 0 | committed 1 in view 0\n"
           "[   41] 2 | committed 1 in view 0\n"
           "[   43] 1 | committed 1 in view 0\n"
           "[   43] 3 | committed 1 in view 0\n");
    close_cluster();
}
END_TEST

START_TEST(an_idle_chain_has_a_heartbeat)
{
    struct cluster_options options = cluster_quiet(4);
    open_cluster(&options);
    cluster_run(c, 5999);
    skip();
    cluster_run(c, 7000);
    expect("[ 6004] 0 | proposes 1 in view 0\n"
           "[ 6004] 0 > prepare 1 in view 0\n"
           "[ 6017] 1 > prepare 1 in view 0\n"
           "[ 6017] 3 > prepare 1 in view 0\n"
           "[ 6019] 2 > prepare 1 in view 0\n"
           "[ 6028] 2 > commit 1 in view 0\n"
           "[ 6028] 3 > commit 1 in view 0\n"
           "[ 6028] 0 > commit 1 in view 0\n"
           "[ 6028] 1 > commit 1 in view 0\n"
           "[ 6039] 0 | committed 1 in view 0\n"
           "[ 6039] 1 | committed 1 in view 0\n"
           "[ 6039] 2 | committed 1 in view 0\n"
           "[ 6039] 3 | committed 1 in view 0\n");
    close_cluster();
}
END_TEST

START_TEST(a_silent_primary_is_replaced)
{
    struct cluster_options options = cluster_quiet(4);
    open_cluster(&options);
    cluster_cut(c, 0);
    cluster_submit(c, 14);
    cluster_run(c, 2000);
    skip();
    cluster_run(c, 2300);
    expect("[ 2002] 2 | no progress in view 0\n"
           "[ 2002] 2 > view-change 1\n"
           "[ 2004] 1 | no progress in view 0\n"
           "[ 2004] 1 > view-change 1\n"
           "[ 2009] 3 | no progress in view 0\n"
           "[ 2009] 3 > view-change 1\n"
           "[ 2021] 1 | entered view 1 of 1\n"
           "[ 2023] 1 | proposes 1 in view 1\n"
           "[ 2023] 1 > prepare 1 in view 1\n"
           "[ 2031] 2 | entered view 1 of 1\n"
           "[ 2031] 3 | entered view 1 of 1\n"
           "[ 2037] 2 > prepare 1 in view 1\n"
           "[ 2039] 3 > prepare 1 in view 1\n"
           "[ 2048] 3 > commit 1 in view 1\n"
           "[ 2050] 1 > commit 1 in view 1\n"
           "[ 2050] 2 > commit 1 in view 1\n"
           "[ 2061] 2 | committed 1 in view 1\n"
           "[ 2061] 1 | committed 1 in view 1\n"
           "[ 2061] 3 | committed 1 in view 1\n");
    close_cluster();
}
END_TEST

START_TEST(votes_survive_a_crash_of_all)
{
    struct cluster_options options = cluster_quiet(4);
    open_cluster(&options);
    cluster_submit(c, 1);
    cluster_run(c, 35); /* all have sent COMMIT, none has arrived */
    skip();
    for (uint8_t seat = 0; seat < 4; seat++)
        cluster_cut(c, seat);
    for (uint8_t seat = 0; seat < 4; seat++)
        cluster_crash(c, seat);
    cluster_heal(c);
    cluster_cut(c, 0);
    for (uint8_t seat = 1; seat < 4; seat++)
        cluster_restart(c, seat);
    cluster_run(c, 100);
    expect("[   35] 1 | started at height 0 in view 0\n"
           "[   35] 1 > prepare 1 in view 0\n"
           "[   35] 1 > commit 1 in view 0\n"
           "[   35] 2 | started at height 0 in view 0\n"
           "[   35] 2 > prepare 1 in view 0\n"
           "[   35] 2 > commit 1 in view 0\n"
           "[   35] 3 | started at height 0 in view 0\n"
           "[   35] 3 > prepare 1 in view 0\n"
           "[   35] 3 > commit 1 in view 0\n"
           "[   41] 2 | committed 1 in view 0\n"
           "[   43] 1 | committed 1 in view 0\n"
           "[   43] 3 | committed 1 in view 0\n");
    close_cluster();
}
END_TEST

START_TEST(a_prepared_block_is_proposed_again)
{
    struct cluster_options options = cluster_quiet(4);
    open_cluster(&options);
    cluster_submit(c, 1);
    cluster_run(c, 28); /* all have sent PREPARE, no COMMIT gets out */
    for (uint8_t seat = 0; seat < 4; seat++)
        cluster_cut(c, seat);
    skip();
    cluster_run(c, 2020);
    cluster_heal(c);
    cluster_cut(c, 0);
    cluster_run(c, 3300);
    expect("[   30] 1 > commit 1 in view 0\n"
           "[   30] 3 > commit 1 in view 0\n"
           "[   32] 0 > commit 1 in view 0\n"
           "[   32] 2 > commit 1 in view 0\n"
           "[ 2004] 0 | no progress in view 0\n"
           "[ 2004] 0 > view-change 1\n"
           "[ 2017] 1 | no progress in view 0\n"
           "[ 2017] 1 > view-change 1\n"
           "[ 2017] 2 | no progress in view 0\n"
           "[ 2017] 2 > view-change 1\n"
           "[ 2017] 3 | no progress in view 0\n"
           "[ 2017] 3 > view-change 1\n"
           "[ 3021] 1 | entered view 1 of 1 with 1 block from 1 again\n"
           "[ 3021] 1 > prepare 1 in view 1\n"
           "[ 3031] 2 | entered view 1 of 1 with 1 block from 1 again\n"
           "[ 3031] 2 > prepare 1 in view 1\n"
           "[ 3031] 3 | entered view 1 of 1 with 1 block from 1 again\n"
           "[ 3031] 3 > prepare 1 in view 1\n"
           "[ 3042] 3 > commit 1 in view 1\n"
           "[ 3042] 1 > commit 1 in view 1\n"
           "[ 3042] 2 > commit 1 in view 1\n"
           "[ 3053] 2 | committed 1 in view 1\n"
           "[ 3053] 1 | committed 1 in view 1\n"
           "[ 3053] 3 | committed 1 in view 1\n");
    close_cluster();
}
END_TEST

START_TEST(a_crashed_seat_comes_back_with_its_promises)
{
    struct cluster_options options = cluster_quiet(4);
    open_cluster(&options);
    cluster_submit(c, 1);
    cluster_run(c, 28); /* all have sent PREPARE */
    cluster_crash(c, 2);
    skip();
    cluster_restart(c, 2);
    cluster_run(c, 100);
    expect("[   28] 2 | started at height 0 in view 0\n"
           "[   28] 2 > prepare 1 in view 0\n"
           "[   30] 1 > commit 1 in view 0\n"
           "[   30] 3 > commit 1 in view 0\n"
           "[   32] 0 > commit 1 in view 0\n"
           "[   33] 2 > commit 1 in view 0\n"
           "[   41] 0 | committed 1 in view 0\n"
           "[   41] 2 | committed 1 in view 0\n"
           "[   43] 1 | committed 1 in view 0\n"
           "[   43] 3 | committed 1 in view 0\n");
    close_cluster();
}
END_TEST

START_TEST(a_seat_that_was_away_catches_up)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 50;
    open_cluster(&options);
    cluster_cut(c, 3);
    cluster_run(c, 3000);
    ck_assert_uint_eq(c->judge.height[3], 0);
    ck_assert_uint_gt(c->judge.height[0], 20);
    cluster_heal(c);
    cluster_run(c, 5000);
    ck_assert_uint_ge(c->judge.height[3] + 2, c->judge.height[0]);
    skip();
    cluster_run(c, 5500);
    ck_assert(strstr(cluster_story(c) + told, "3 > commit") != NULL); /* and votes again */
    close_cluster();
}
END_TEST

START_TEST(no_half_of_a_split_goes_on_and_a_healed_one_does)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 100;
    open_cluster(&options);
    cluster_run(c, 1000);
    cluster_split(c, 3);
    cluster_run(c, 1100);
    const uint64_t height = cluster_high(c);
    cluster_run(c, 20000);
    ck_assert_uint_eq(cluster_high(c), height);
    cluster_heal(c);
    cluster_run(c, 30000);
    ck_assert_uint_gt(cluster_low(c), height + 20);
    close_cluster();
}
END_TEST

START_TEST(all_power_fails_and_nothing_is_lost)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 30;
    open_cluster(&options);
    cluster_run(c, 1000);
    const uint64_t height = cluster_low(c);
    for (uint8_t seat = 0; seat < 4; seat++)
        cluster_crash(c, seat);
    for (uint8_t seat = 0; seat < 4; seat++)
        cluster_restart(c, seat);
    cluster_run(c, 5000);
    ck_assert_uint_gt(cluster_low(c), height + 20);
    close_cluster();
}
END_TEST

/* Without a quorum for this long, whatever time-outs ran meanwhile. */
static void outage(uint8_t count, uint64_t halves, bool power, uint64_t outage_ms)
{
    struct cluster_options options = cluster_quiet(count);
    options.client_ms = 50;
    open_cluster(&options);
    cluster_run(c, 3000);
    if (!power)
        cluster_split(c, halves);
    for (uint8_t seat = 0; power && seat < count; seat++)
        cluster_crash(c, seat);
    cluster_run(c, c->now_ms + outage_ms);
    for (uint8_t seat = 0; power && seat < count; seat++)
        cluster_restart(c, seat);
    cluster_heal(c);
    const uint64_t height = cluster_high(c);
    const uint64_t round_trip_ms = 2 * (options.delay_max_ms + options.disk_ms);
    cluster_run(c, c->now_ms + 2 * round_trip_ms + c->stations[0].config.timeout_ms);
    ck_assert_uint_gt(cluster_low(c), height);
    close_cluster();
}

START_TEST(after_an_outage_blocks_come_in_two_round_trips_and_a_timeout)
{
    for (uint64_t outage_ms = 1000; outage_ms < 100000; outage_ms *= 7) {
        outage(4, 3, false, outage_ms);
        outage(4, 10, false, outage_ms);
        outage(4, 0, true, outage_ms);
        outage(7, 7, true, outage_ms);
        outage(10, 31, false, outage_ms);
    }
}
END_TEST

/* n seats of which f are away decide; one more away, and none does. */
static void bears(uint8_t count, uint8_t faults)
{
    struct cluster_options options = cluster_quiet(count);
    options.client_ms = 100;
    open_cluster(&options);
    for (uint8_t seat = 0; seat < faults; seat++)
        cluster_crash(c, seat);
    cluster_run(c, 30000);
    const uint64_t height = cluster_high(c);
    ck_assert_uint_gt(height, 20);
    cluster_crash(c, faults);
    cluster_run(c, 30100); /* what was sent arrives */
    const uint64_t last = cluster_high(c);
    cluster_run(c, 60000);
    ck_assert_uint_eq(cluster_high(c), last);
    close_cluster();
}

START_TEST(four_bear_one)
{
    bears(4, 1);
}
END_TEST

START_TEST(five_bear_one)
{
    bears(5, 1);
}
END_TEST

START_TEST(six_bear_one_faulty_but_two_absent)
{
    bears(6, 2);
}
END_TEST

START_TEST(seven_bear_two)
{
    bears(7, 2);
}
END_TEST

START_TEST(one_decides_alone)
{
    struct cluster_options options = cluster_quiet(1);
    open_cluster(&options);
    cluster_submit(c, 1);
    cluster_run(c, 1000);
    expect("[    0] 0 | started at height 0 in view 0\n"
           "[   11] 0 | proposes 1 in view 0\n"
           "[   11] 0 > prepare 1 in view 0\n"
           "[   12] 0 > commit 1 in view 0\n"
           "[   13] 0 | committed 1 in view 0\n");
    close_cluster();
}
END_TEST

START_TEST(an_equivocating_primary_is_replaced)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 100;
    options.liars = 1;
    options.tricks = LIAR_EQUIVOCATES;
    open_cluster(&options);
    cluster_run(c, 30000);
    ck_assert_uint_gt(cluster_low(c), 20);
    close_cluster();
}
END_TEST

START_TEST(a_primary_with_wrong_roots_is_replaced)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 100;
    options.liars = 1;
    options.tricks = LIAR_BAD_BLOCKS;
    open_cluster(&options);
    cluster_run(c, 30000);
    ck_assert_uint_gt(cluster_low(c), 20);
    close_cluster();
}
END_TEST

START_TEST(a_removed_member_serves_until_the_others_go_on_and_stops)
{
    struct cluster_options options = cluster_quiet(5);
    open_cluster(&options);
    cluster_move(c, &(struct motion){MOTION_REMOVE, 1, 0});
    cluster_run(c, 5000);
    ck_assert_uint_eq(judge_term(&c->judge, 2)->seating.count, 4);
    ck_assert(c->stations[1].dismissed && !c->stations[1].retired); /* nothing is above yet */
    ck_assert_uint_eq(c->stations[1].durable, 1);
    cluster_submit(c, 1);
    cluster_run(c, 10000);
    ck_assert(c->stations[1].retired);
    ck_assert(cluster_is_done(c));
    close_cluster();
}
END_TEST

START_TEST(a_member_that_slept_through_three_sets_finds_the_fourth)
{
    struct cluster_options options = cluster_quiet(4);
    options.spares = 3;
    open_cluster(&options);
    cluster_cut(c, 3);
    for (uint8_t i = 0; i < 3; i++) {
        cluster_move(c, &(struct motion){MOTION_ADD, 0, 4 + i});
        cluster_run(c, c->now_ms + 5000);
    }
    ck_assert_uint_eq(judge_term(&c->judge, UINT64_MAX)->seating.count, 7);
    ck_assert_uint_eq(c->judge.height[3], 0);
    cluster_heal(c);
    cluster_run(c, c->now_ms + 15000);
    ck_assert_uint_eq(c->stations[3].term.seating.count, 7);
    ck_assert(cluster_is_done(c));
    close_cluster();
}
END_TEST

START_TEST(a_member_away_for_longer_than_blocks_are_kept_takes_over_a_state)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 100;
    options.keep = 5;
    open_cluster(&options);
    cluster_cut(c, 3);
    cluster_run(c, 10000);
    ck_assert_uint_gt(cluster_high(c), 20);
    cluster_crash(c, 3);
    cluster_restart(c, 3);
    cluster_heal(c);
    cluster_run(c, 20000);
    ck_assert_uint_eq(c->coverage.counts[COVERAGE_JUMPS], 1);
    ck_assert_uint_ge(cluster_low(c) + 1, cluster_high(c));
    close_cluster();
}
END_TEST

START_TEST(a_proven_liar_loses_its_seat_and_a_spare_fills_it)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 100;
    options.liars = 2;
    options.tricks = LIAR_DOUBLE_VOTES;
    options.spares = 1;
    options.motion_ms = 1000;
    open_cluster(&options);
    cluster_run(c, 30000);
    ck_assert_uint_eq(c->judge.vacated, 1);
    ck_assert_uint_gt(cluster_low(c), 20);
    close_cluster();
}
END_TEST

START_TEST(the_same_seed_tells_the_same_story)
{
    struct cluster_options options = cluster_quiet(4);
    options.client_ms = 200;
    options.delay_max_ms = 80;
    options.loss = 100;
    struct cluster *twin = cluster_new(&options);
    open_cluster(&options);
    cluster_run(c, 20000);
    cluster_run(twin, 20000);
    ck_assert_str_eq(cluster_story(c), cluster_story(twin));
    cluster_free(twin);
    close_cluster();
}
END_TEST

HARNESS_MAIN("cluster", four_seats_decide_a_block, an_idle_chain_has_a_heartbeat,
             a_silent_primary_is_replaced, votes_survive_a_crash_of_all,
             a_prepared_block_is_proposed_again, a_crashed_seat_comes_back_with_its_promises,
             a_seat_that_was_away_catches_up, no_half_of_a_split_goes_on_and_a_healed_one_does,
             after_an_outage_blocks_come_in_two_round_trips_and_a_timeout,
             all_power_fails_and_nothing_is_lost, four_bear_one, five_bear_one,
             six_bear_one_faulty_but_two_absent, seven_bear_two, one_decides_alone,
             an_equivocating_primary_is_replaced, a_primary_with_wrong_roots_is_replaced,
             a_removed_member_serves_until_the_others_go_on_and_stops,
             a_member_that_slept_through_three_sets_finds_the_fourth,
             a_member_away_for_longer_than_blocks_are_kept_takes_over_a_state,
             a_proven_liar_loses_its_seat_and_a_spare_fills_it, the_same_seed_tells_the_same_story)
