#include "consensus/change.h"

#include "test/unit/council.h"

static struct council c;

static void change_from(uint8_t seat, uint64_t view)
{
    struct certificate genesis = council_genesis_certificate(&c);
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, seat,
                                     council_change(&c, view, &genesis, NULL, 0)));
}

static void vote_from(enum message_tag tag, uint8_t seat, const struct council_block *block,
                      uint64_t view, const struct digest *new_view)
{
    struct ballot ballot = council_ballot(&c, block, view, new_view);
    council_message(&c, council_vote(&c, tag, seat, &ballot));
}

/* A NEW-VIEW in which seats 0, 2 and 3 report the blocks as prepared in view 0, or nothing. */
static struct digest enter(uint64_t view, const struct council_block *blocks, uint32_t count)
{
    struct message_prepared prepared[BOUNDS_WINDOW];
    for (uint32_t i = 0; i < count; i++)
        prepared[i] = council_prepared(&c, &blocks[i], 0, &digest_zero);
    struct certificate genesis = council_genesis_certificate(&c);
    struct bytes body = council_change(&c, view, &genesis, prepared, count);
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 2, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 3, body)};
    struct digest digest;
    council_message(&c, council_new_view(&c, view, changes, &digest));
    return digest;
}

START_TEST(a_silent_primary_is_suspected_after_heartbeat_and_timeout)
{
    council_open(&c, 4, 1);
    council_tick(&c, 5999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_seat_that_hears_no_quorum_blames_nobody)
{
    council_init(&c, 4, 1);
    council_start(&c, &c.genesis, NULL);
    council_tick(&c, 1000000);
    council_expect(&c, "catch up 1..8 from d\n"); /* it only asks */
    council_hear(&c);
    council_tick(&c, 5999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_lonely_wish_goes_no_further)
{
    council_open(&c, 4, 1);
    council_tick(&c, 6000);
    text_clear(&c.story);
    council_tick(&c, 1000000);
    council_expect(&c, "catch up 1..8 from d\n"); /* it only asks */
    council_close(&c);
}
END_TEST

START_TEST(f_and_one_others_are_joined)
{
    council_open(&c, 4, 1);
    change_from(2, 7);
    council_expect(&c, "");
    change_from(3, 5);
    council_expect(&c, "persist 1\nsign view-change 0 in view 5 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_quorum_that_is_not_answered_wants_the_next_view)
{
    council_open(&c, 4, 1);
    change_from(2, 2);
    change_from(3, 2);
    council_expect(&c, "persist 1\nsign view-change 0 in view 2 after 1\n");
    council_tick(&c, 999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 2\nsign view-change 0 in view 3 after 2\n");
    change_from(2, 3);
    change_from(3, 3);
    council_tick(&c, 1999); /* doubled */
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 3\nsign view-change 0 in view 4 after 3\n");
    council_close(&c);
}
END_TEST

START_TEST(the_primary_opens_its_view_with_a_quorum)
{
    council_open(&c, 4, 1);
    change_from(2, 1);
    change_from(3, 1);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n"
                       "persist 2\nsign new-view 0 in view 1 after 2\npersist 3\n");
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.view.n, 1);
    ck_assert(summary.active);
    council_close(&c);
}
END_TEST

START_TEST(a_new_view_is_made_once)
{
    council_open(&c, 4, 1);
    c.echo = false; /* what I sign takes its time to come back */
    change_from(2, 1);
    change_from(3, 1);
    change_from(0, 1);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n"
                       "persist 2\nsign new-view 0 in view 1 after 2\n");
    council_tick(&c, 1);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_prepared_block_is_voted_on_again_without_executing_it_again)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    text_clear(&c.story);
    struct digest new_view = enter(2, &one, 1);
    council_expect(&c, "persist 2\npersist 3 with body\nsign prepare 1 in view 2 after 3\n");
    vote_from(MESSAGE_PREPARE, 0, &one, 2, &one.block.digest);
    ck_assert_int_eq(c.out.ignored, NARRATE_OTHER_NEW_VIEW);
    vote_from(MESSAGE_PREPARE, 0, &one, 2, &new_view);
    vote_from(MESSAGE_PREPARE, 2, &one, 2, &new_view);
    council_expect(&c, "persist 4 with body\nsign commit 1 in view 2 after 4\n");
    vote_from(MESSAGE_COMMIT, 0, &one, 2, &new_view);
    vote_from(MESSAGE_COMMIT, 2, &one, 2, &new_view);
    council_expect(&c, "commit 1 with its new view\n");
    council_close(&c);
}
END_TEST

START_TEST(what_i_sent_commit_for_is_in_my_view_change)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    vote_from(MESSAGE_PREPARE, 0, &one, 0, &digest_zero);
    vote_from(MESSAGE_PREPARE, 2, &one, 0, &digest_zero);
    vote_from(MESSAGE_COMMIT, 0, &one, 0, &digest_zero);
    text_clear(&c.story);
    change_from(2, 1); /* others prepared nothing ... */
    change_from(3, 1);
    council_expect(&c, "persist 3\nsign view-change 0 in view 1 after 3\n"
                       "persist 4\nsign new-view 0 in view 1 after 4\npersist 5\n"
                       "persist 6 with body\nsign prepare 1 in view 1 after 6\n");
    council_close(&c);
}
END_TEST

START_TEST(a_block_is_never_too_old_to_be_proposed_again)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    c.clock_ms += 10 * c.config.clock_bound_ms;
    enter(2, &one, 1);
    council_expect(&c, "persist 1\nexecute 1 from 1\npersist 2 with body\n"
                       "sign prepare 1 in view 2 after 2\n");
    council_close(&c);
}
END_TEST

START_TEST(what_the_new_view_did_not_choose_is_discarded)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    council_message(&c, council_pre_prepare(&c, &two, &digest_zero));
    text_clear(&c.story);
    enter(2, &one, 1);
    council_expect(&c,
                   "discard\npersist 3\npersist 4 with body\nsign prepare 1 in view 2 after 4\n");
    council_close(&c);
}
END_TEST

START_TEST(another_block_than_the_chosen_one_makes_room)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block other = council_block(&c, &c.genesis, 0, 1);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    text_clear(&c.story);
    enter(2, &other, 1);
    council_expect(&c, "discard\npersist 2\nexecute 1 from 1\npersist 3 with body\n"
                       "sign prepare 1 in view 2 after 3\n");
    council_close(&c);
}
END_TEST

START_TEST(fresh_proposals_begin_above_the_choice)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct digest new_view = enter(2, &one, 1);
    struct council_block other = council_block(&c, &c.genesis, 2, 1);
    council_message(&c, council_pre_prepare(&c, &other, &new_view));
    ck_assert_int_eq(c.out.ignored, NARRATE_NOT_FRESH);
    struct council_block two = council_block(&c, &one, 2, 0);
    text_clear(&c.story);
    council_message(&c, council_pre_prepare(&c, &two, &new_view));
    council_expect(&c, "execute 2 from 4\npersist 3 with body\nsign prepare 2 in view 2 after 3\n");
    council_close(&c);
}
END_TEST

START_TEST(no_vote_below_a_wanted_view)
{
    council_open(&c, 4, 1);
    council_tick(&c, 6000);
    text_clear(&c.story);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    ck_assert_int_eq(c.out.ignored, NARRATE_OTHER_VIEW);
    vote_from(MESSAGE_COMMIT, 0, &one, 0, &digest_zero);
    vote_from(MESSAGE_COMMIT, 2, &one, 0, &digest_zero);
    vote_from(MESSAGE_COMMIT, 3, &one, 0, &digest_zero);
    council_expect(&c, "");
    council_tick(&c, 25000); /* but what the others decided is fetched */
    council_expect(&c, "catch up 1..1 from d\n");
    council_close(&c);
}
END_TEST

START_TEST(decided_blocks_are_taken_while_no_view_is_open)
{
    council_open(&c, 4, 1);
    council_tick(&c, 6000);
    text_clear(&c.story);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate decided = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &one, &decided));
    council_expect(&c, "execute 1 from 5\ncommit 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_second_view_change_or_new_view_is_a_conflict)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct message_prepared prepared = council_prepared(&c, &one, 0, &digest_zero);
    struct certificate genesis = council_genesis_certificate(&c);
    change_from(2, 2);
    change_from(2, 2);
    ck_assert_int_eq(c.out.ignored, NARRATE_REPEATED);
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 2,
                                     council_change(&c, 2, &genesis, &prepared, 1)));
    ck_assert_int_eq(c.out.ignored, NARRATE_CONFLICT);
    enter(2, NULL, 0);
    ck_assert_int_eq(c.out.ignored, NARRATE_HEEDED);
    enter(2, NULL, 0);
    ck_assert_int_eq(c.out.ignored, NARRATE_REPEATED);
    enter(2, &one, 1);
    ck_assert_int_eq(c.out.ignored, NARRATE_CONFLICT);
    council_close(&c);
}
END_TEST

START_TEST(blocks_below_a_base_that_is_held_are_kept)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    council_message(&c, council_pre_prepare(&c, &two, &digest_zero));
    text_clear(&c.story);

    struct ballot ballot = council_ballot(&c, &two, 0, &digest_zero);
    struct certificate committed = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    struct bytes body = council_change(&c, 2, &committed, NULL, 0);
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 2, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 3, body)};
    struct digest digest;
    council_message(&c, council_new_view(&c, 2, changes, &digest));
    council_expect(&c, "persist 3\n");
    ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate first = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &one, &first));
    council_expect(&c, "commit 1\ncommit 2\n");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("change", a_silent_primary_is_suspected_after_heartbeat_and_timeout,
             a_lonely_wish_goes_no_further, a_seat_that_hears_no_quorum_blames_nobody,
             f_and_one_others_are_joined, a_quorum_that_is_not_answered_wants_the_next_view,
             the_primary_opens_its_view_with_a_quorum, a_new_view_is_made_once,
             a_prepared_block_is_voted_on_again_without_executing_it_again,
             what_i_sent_commit_for_is_in_my_view_change,
             a_block_is_never_too_old_to_be_proposed_again,
             what_the_new_view_did_not_choose_is_discarded,
             another_block_than_the_chosen_one_makes_room, fresh_proposals_begin_above_the_choice,
             no_vote_below_a_wanted_view, decided_blocks_are_taken_while_no_view_is_open,
             a_second_view_change_or_new_view_is_a_conflict,
             blocks_below_a_base_that_is_held_are_kept)
