#include "consensus/normal.h"

#include "test/unit/council.h"

static struct council c;

static void prepare_from(uint8_t seat, const struct council_block *block)
{
    struct ballot ballot = council_ballot(&c, block, 0, &digest_zero);
    council_message(&c, council_vote(&c, MESSAGE_PREPARE, seat, &ballot));
}

static void commit_from(uint8_t seat, const struct council_block *block)
{
    struct ballot ballot = council_ballot(&c, block, 0, &digest_zero);
    council_message(&c, council_vote(&c, MESSAGE_COMMIT, seat, &ballot));
}

static void propose(const struct council_block *block)
{
    council_message(&c, council_pre_prepare(&c, block, &digest_zero));
}

START_TEST(a_block_passes_three_quorums)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    council_expect(&c, "execute 1 from 1\npersist 1 with body\nsign prepare 1 in view 0 after 1\n");
    prepare_from(0, &one);
    council_expect(&c, "");
    prepare_from(2, &one);
    council_expect(&c, "persist 2 with body\nsign commit 1 in view 0 after 2\n");
    commit_from(0, &one);
    council_expect(&c, "");
    commit_from(3, &one);
    council_expect(&c, "commit 1\n");
    council_close(&c);
}
END_TEST

START_TEST(nothing_is_voted_before_it_was_executed)
{
    council_open(&c, 4, 1);
    c.echo = false;
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    prepare_from(0, &one);
    prepare_from(2, &one);
    prepare_from(3, &one);
    council_expect(&c, "execute 1 from 1\n");
    council_step(&c, (struct event){.kind = EVENT_EXECUTED, .as.executed = {1, EVENT_VALID}});
    council_expect(&c, "persist 1 with body\nsign prepare 1 in view 0 after 1\n"
                       "persist 2 with body\nsign commit 1 in view 0 after 2\n");
    council_close(&c);
}
END_TEST

START_TEST(an_invalid_block_gets_no_vote_and_ends_the_view)
{
    council_open(&c, 4, 1);
    c.echo = false;
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    council_step(&c, (struct event){.kind = EVENT_EXECUTED, .as.executed = {1, EVENT_INVALID}});
    council_expect(&c, "execute 1 from 1\npersist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(commit_waits_until_all_heights_below_are_prepared)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    propose(&one);
    propose(&two);
    council_expect(&c, "execute 1 from 1\npersist 1 with body\nsign prepare 1 in view 0 after 1\n"
                       "execute 2 from 1\npersist 2 with body\nsign prepare 2 in view 0 after 2\n");
    prepare_from(0, &two);
    prepare_from(2, &two);
    council_expect(&c, "");
    prepare_from(0, &one);
    prepare_from(2, &one);
    council_expect(&c, "persist 3 with body\nsign commit 1 in view 0 after 3\n"
                       "persist 4 with body\nsign commit 2 in view 0 after 4\n");
    commit_from(0, &two);
    commit_from(2, &two);
    council_expect(&c, "");
    commit_from(0, &one);
    commit_from(2, &one);
    council_expect(&c, "commit 1\ncommit 2\n");
    council_close(&c);
}
END_TEST

START_TEST(a_child_that_comes_first_waits_for_its_parent)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    propose(&two);
    council_expect(&c, "");
    propose(&one);
    council_expect(&c, "execute 1 from 1\npersist 1 with body\nsign prepare 1 in view 0 after 1\n"
                       "execute 2 from 1\npersist 2 with body\nsign prepare 2 in view 0 after 2\n");
    council_close(&c);
}
END_TEST

START_TEST(a_second_proposal_for_a_height_is_a_conflict)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block other = council_block(&c, &c.genesis, 0, 1);
    propose(&one);
    propose(&other);
    ck_assert_int_eq(c.out.ignored, NARRATE_CONFLICT);
    propose(&one);
    ck_assert_int_eq(c.out.ignored, NARRATE_REPEATED);
    prepare_from(3, &other);
    prepare_from(3, &one);
    ck_assert_int_eq(c.out.ignored, NARRATE_CONFLICT);
    prepare_from(3, &other);
    ck_assert_int_eq(c.out.ignored, NARRATE_REPEATED);
    council_close(&c);
}
END_TEST

START_TEST(repeated_votes_make_no_quorum)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    prepare_from(0, &one);
    council_expect(&c, "execute 1 from 1\npersist 1 with body\nsign prepare 1 in view 0 after 1\n");
    prepare_from(0, &one);
    ck_assert_int_eq(c.out.ignored, NARRATE_REPEATED);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(votes_for_different_blocks_make_no_quorum)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block other = council_block(&c, &c.genesis, 0, 1);
    propose(&one);
    council_expect(&c, "execute 1 from 1\npersist 1 with body\nsign prepare 1 in view 0 after 1\n");
    prepare_from(0, &one);
    prepare_from(2, &other);
    prepare_from(3, &other);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(nothing_is_heeded_above_the_last_block_of_a_set)
{
    council_open(&c, 4, 1);
    c.echo = true;
    struct council_block boundary = council_block(&c, &c.genesis, 0, 0);
    boundary.block.next_set = digest_of("other", 5);
    council_pack_block(&boundary);
    struct council_block above = council_block(&c, &boundary, 0, 0);
    propose(&above); /* overtakes: nobody knows yet what is below */
    ck_assert_int_eq(c.out.ignored, NARRATE_HEEDED);
    propose(&boundary);
    ck_assert_int_eq(c.out.ignored, NARRATE_HEEDED);
    struct council_block later = council_block(&c, &boundary, 0, 1);
    propose(&later);
    ck_assert_int_eq(c.out.ignored, NARRATE_BOUNDARY);
    ck_assert_ptr_nonnull(strstr(text_string(&c.story), "execute 1"));
    ck_assert_ptr_null(strstr(text_string(&c.story), "execute 2"));
    council_close(&c);
}
END_TEST

START_TEST(proposals_outside_view_window_or_clock_are_ignored)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block next_view = council_block(&c, &c.genesis, 4, 0);
    council_message(&c, council_pre_prepare(&c, &next_view, &one.block.digest));
    ck_assert_int_eq(c.out.ignored, NARRATE_OTHER_VIEW);

    struct council_block far = one;
    for (int i = 0; i < BOUNDS_WINDOW; i++)
        far = council_block(&c, &far, 0, 0);
    propose(&far);
    ck_assert_int_eq(c.out.ignored, NARRATE_FAR_HEIGHT);

    struct council_block future = council_block(&c, &c.genesis, 0, c.config.clock_bound_ms);
    propose(&future);
    ck_assert_int_eq(c.out.ignored, NARRATE_CLOCK);

    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_block_that_is_not_later_than_its_parent_ends_the_view)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    one.block.time_ms = c.genesis.block.time_ms;
    council_pack_block(&one);
    propose(&one);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_chain_of_one_decides_alone)
{
    council_open(&c, 1, 0);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_step(&c, (struct event){.kind = EVENT_WORK,
                                    .as.work = {.buildable = true, .due_ms = UINT64_MAX}});
    council_expect(&c, "build 1\n");
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {1, council_header(&one), false}});
    council_expect(&c, "persist 1 with body\nsign pre-prepare 1 in view 0 after 1\n"
                       "sign prepare 1 in view 0 after 1\n"
                       "persist 2 with body\nsign commit 1 in view 0 after 2\ncommit 1\n");
    council_tick(&c, 4000);
    council_expect(&c, "");
    council_tick(&c, 1000);
    council_expect(&c, "build 2 even empty\n");
    council_close(&c);
}
END_TEST

START_TEST(the_primary_chains_proposals_up_to_its_bound)
{
    council_init(&c, 4, 0);
    c.config.in_flight_max = 2;
    c.config.block_interval_min_ms = 0;
    consensus_free(c.core);
    c.core = consensus_new(&c.config);
    council_start(&c, &c.genesis, NULL);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    council_step(&c, (struct event){.kind = EVENT_WORK,
                                    .as.work = {.buildable = true, .due_ms = UINT64_MAX}});
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {1, council_header(&one), true}});
    council_expect(&c, "build 1\npersist 1 with body\nsign pre-prepare 1 in view 0 after 1\n"
                       "sign prepare 1 in view 0 after 1\nbuild 2\n");
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {2, council_header(&two), true}});
    council_expect(&c, "persist 2 with body\nsign pre-prepare 2 in view 0 after 2\n"
                       "sign prepare 2 in view 0 after 2\n");
    council_close(&c);
}
END_TEST

START_TEST(a_decided_block_replaces_what_was_held)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block other = council_block(&c, &c.genesis, 0, 1);
    struct council_block two = council_block(&c, &one, 0, 0);
    propose(&one);
    propose(&two);
    text_clear(&c.story);
    struct ballot ballot = council_ballot(&c, &other, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &other, &certificate));
    council_expect(&c, "discard\ndiscard\nexecute 1 from 5\ncommit 1\npersist 3\n"
                       "sign view-change 0 in view 1 after 3\n");
    council_close(&c);
}
END_TEST

START_TEST(a_certified_block_that_fails_here_stops_the_node)
{
    council_open(&c, 4, 1);
    c.echo = false;
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &one, &certificate));
    council_step(&c, (struct event){.kind = EVENT_EXECUTED, .as.executed = {1, EVENT_INVALID}});
    council_expect(&c, "execute 1 from 5\nhalt at 1\n");
    council_tick(&c, 100000);
    ck_assert_int_eq(c.out.ignored, NARRATE_HALTED);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("normal", a_block_passes_three_quorums, nothing_is_voted_before_it_was_executed,
             an_invalid_block_gets_no_vote_and_ends_the_view,
             commit_waits_until_all_heights_below_are_prepared,
             a_child_that_comes_first_waits_for_its_parent,
             a_second_proposal_for_a_height_is_a_conflict, repeated_votes_make_no_quorum,
             votes_for_different_blocks_make_no_quorum,
             proposals_outside_view_window_or_clock_are_ignored,
             nothing_is_heeded_above_the_last_block_of_a_set,
             a_block_that_is_not_later_than_its_parent_ends_the_view, a_chain_of_one_decides_alone,
             the_primary_chains_proposals_up_to_its_bound, a_decided_block_replaces_what_was_held,
             a_certified_block_that_fails_here_stops_the_node)
