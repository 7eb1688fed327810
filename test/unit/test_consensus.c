#include "consensus/consensus.h"

#include <stdlib.h>

#include "test/unit/council.h"

static struct council c;

START_TEST(the_same_events_give_the_same_actions)
{
    char *stories[2];
    for (int i = 0; i < 2; i++) {
        council_open(&c, 4, 1);
        struct council_block one = council_block(&c, &c.genesis, 0, 0);
        council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
        council_tick(&c, 6000);
        stories[i] = strdup(text_string(&c.story));
        council_close(&c);
    }
    ck_assert_str_eq(stories[0], stories[1]);
    ck_assert(strlen(stories[0]) > 0);
    free(stories[0]);
    free(stories[1]);
}
END_TEST

START_TEST(a_start_in_the_middle_goes_on_from_there)
{
    council_init(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_start(&c, &one, &certificate);
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.committed.n, 1);
    ck_assert_uint_eq(summary.durable.n, 1);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    ck_assert_int_eq(c.out.ignored, NARRATE_OLD_HEIGHT);
    council_message(&c, council_pre_prepare(&c, &two, &digest_zero));
    council_expect(&c, "execute 2 from 1\npersist 1 with body\nsign prepare 2 in view 0 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(the_summary_says_who_is_missing)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    council_message(&c, council_vote(&c, MESSAGE_PREPARE, 3, &ballot));
    council_message(&c, council_vote(&c, MESSAGE_COMMIT, 3, &ballot));
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.in_flight, 1);
    ck_assert_uint_eq(summary.prepares, 10);
    ck_assert_uint_eq(summary.commits, 8);
    ck_assert_uint_eq(summary.primary.n, 0);
    ck_assert(summary.active && !summary.halted);
    council_close(&c);
}
END_TEST

/* Commits that the disk hasn't yet keep the window where it is. */
START_TEST(a_slow_disk_holds_the_window)
{
    council_open(&c, 4, 1);
    c.echo = false;
    struct council_block block = c.genesis;
    for (int i = 0; i <= BOUNDS_WINDOW; i++) {
        block = council_block(&c, &block, 0, 0);
        struct ballot ballot = council_ballot(&c, &block, 0, &digest_zero);
        struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
        council_message(&c, council_decided(&c, &block, &certificate));
        if (i < BOUNDS_WINDOW)
            council_step(&c, (struct event){.kind = EVENT_EXECUTED,
                                            .as.executed = {(uint64_t)i + 1, EVENT_VALID}});
    }
    ck_assert_int_eq(c.out.ignored, NARRATE_FAR_HEIGHT);
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.committed.n, BOUNDS_WINDOW);
    ck_assert_uint_eq(summary.durable.n, 0);
    council_step(&c, (struct event){.kind = EVENT_COMMITTED, .as.committed = {1}});
    struct ballot ballot = council_ballot(&c, &block, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &block, &certificate));
    ck_assert_int_eq(c.out.ignored, NARRATE_HEEDED);
    council_close(&c);
}
END_TEST

START_TEST(a_late_answer_changes_nothing)
{
    council_open(&c, 4, 0);
    c.echo = false;
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_step(&c, (struct event){.kind = EVENT_WORK,
                                    .as.work = {.buildable = true, .due_ms = UINT64_MAX}});
    council_tick(&c, 6000);
    council_expect(&c, "build 1\npersist 1\nsign view-change 0 in view 1 after 1\n");
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {1, council_header(&one), false}});
    ck_assert_int_eq(c.out.ignored, NARRATE_STALE);
    council_expect(&c, "discard\n");
    council_step(&c, (struct event){.kind = EVENT_EXECUTED, .as.executed = {77, EVENT_INVALID}});
    ck_assert_int_eq(c.out.ignored, NARRATE_STALE);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_full_committee_works)
{
    council_open(&c, 64, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    for (uint8_t seat = 63; seat > 21; seat--) /* 42, and mine */
        council_message(&c, council_vote(&c, MESSAGE_PREPARE, seat, &ballot));
    for (uint8_t seat = 63; seat > 22; seat--)
        council_message(&c, council_vote(&c, MESSAGE_COMMIT, seat, &ballot));
    council_expect(&c, "execute 1 from 1\npersist 1 with body\nsign prepare 1 in view 0 after 1\n"
                       "persist 2 with body\nsign commit 1 in view 0 after 2\n");
    council_message(&c, council_vote(&c, MESSAGE_COMMIT, 22, &ballot));
    council_expect(&c, "commit 1\n");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("consensus", the_same_events_give_the_same_actions,
             a_start_in_the_middle_goes_on_from_there, the_summary_says_who_is_missing,
             a_slow_disk_holds_the_window, a_late_answer_changes_nothing, a_full_committee_works)
