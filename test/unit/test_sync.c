#include "consensus/sync.h"

#include "test/unit/council.h"

static struct council c;

/* A seat that suspects nobody, with a STATUS each second. */
static void set_up(void)
{
    council_init(&c, 4, 1);
    c.config.timeout_ms = c.config.timeout_max_ms = c.config.block_interval_max_ms = 1000000000;
    c.config.status_interval_ms = 1000;
    consensus_free(c.core);
    c.core = consensus_new(&c.config);
    council_start(&c, &c.genesis, NULL);
}

static void status_from(uint8_t seat, struct message_status status)
{
    status.set = c.committee.digest;
    council_message(&c, council_seal(&c, MESSAGE_STATUS, seat,
                                     council_pack(&c, &message_status_record, &status)));
}

static void vote_from(enum message_tag tag, uint8_t seat, const struct council_block *block)
{
    struct ballot ballot = council_ballot(&c, block, 0, &digest_zero);
    council_message(&c, council_vote(&c, tag, seat, &ballot));
}

static struct council_block commit_one(void)
{
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    vote_from(MESSAGE_PREPARE, 0, &one);
    vote_from(MESSAGE_PREPARE, 2, &one);
    vote_from(MESSAGE_COMMIT, 0, &one);
    vote_from(MESSAGE_COMMIT, 2, &one);
    text_clear(&c.story);
    return one;
}

START_TEST(a_lower_height_is_answered_with_the_proof_of_mine)
{
    set_up();
    commit_one();
    status_from(3, (struct message_status){.active = true});
    council_expect(&c, "send decided to 8\n");
    council_close(&c);
}
END_TEST

START_TEST(what_a_seat_lacks_is_sent_again_and_no_more)
{
    set_up();
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    vote_from(MESSAGE_PREPARE, 0, &one);
    vote_from(MESSAGE_PREPARE, 2, &one);
    text_clear(&c.story);
    const struct message_slot lacks_commit = {.digest = one.block.digest, .prepares = 7};
    struct message_slot slots[1] = {lacks_commit};
    status_from(0, (struct message_status){.active = true, .slots = slots, .slot_count = 1});
    council_expect(&c, "send commit to 1\n");
    status_from(3, (struct message_status){.active = true});
    council_expect(&c, "send pre-prepare to 8\nsend prepare to 8\nsend commit to 8\n");
    council_close(&c);
}
END_TEST

START_TEST(a_seat_in_a_lower_view_gets_my_view_change)
{
    set_up();
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    one.block.time_ms = 0; /* not later than its parent */
    council_pack_block(&one);
    council_hear(&c);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_tick(&c, 125);
    status_from(3, (struct message_status){.active = true});
    council_expect(&c, "send view-change to 8\n");
    council_tick(&c, 125);
    status_from(3, (struct message_status){.view = {1}, .changes = 2}); /* holds it */
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_seat_that_lacks_the_new_view_gets_it)
{
    set_up();
    struct certificate genesis = council_genesis_certificate(&c);
    struct bytes body = council_change(&c, 2, &genesis, NULL, 0);
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 2, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 3, body)};
    struct digest digest;
    council_message(&c, council_new_view(&c, 2, changes, &digest));
    text_clear(&c.story);
    status_from(3, (struct message_status){.view = {1}, .active = true});
    council_expect(&c, "send new-view to 8\n");
    council_close(&c);
}
END_TEST

START_TEST(heights_are_believed_from_f_and_one)
{
    set_up();
    status_from(3, (struct message_status){.height = {5}, .active = true});
    council_tick(&c, 10000);
    council_expect(&c, "");
    status_from(2, (struct message_status){.height = {3}, .active = true});
    council_expect(&c, "");
    council_tick(&c, 250);
    council_expect(&c, "catch up 1..3 from c\n");
    council_tick(&c, 999);
    council_expect(&c, "");
    council_tick(&c, 1); /* asked again */
    council_expect(&c, "catch up 1..3 from c\n");
    council_close(&c);
}
END_TEST

START_TEST(when_nothing_moves_anybody_is_asked)
{
    set_up();
    council_tick(&c, 1000);
    commit_one();
    council_tick(&c, c.config.block_interval_max_ms + 999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "catch up 2..9 from d\n");
    council_tick(&c, 999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "catch up 2..9 from d\n");
    council_close(&c);
}
END_TEST

START_TEST(one_certificate_is_believed)
{
    set_up();
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    struct ballot ballot = council_ballot(&c, &two, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &two, &certificate));
    council_expect(&c, "");
    council_tick(&c, 250);
    council_expect(&c, "catch up 1..2 from 5\n");
    ballot = council_ballot(&c, &one, 0, &digest_zero);
    certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &one, &certificate));
    council_expect(&c, "execute 1 from 5\ncommit 1\nexecute 2 from 5\ncommit 2\n");
    council_close(&c);
}
END_TEST

START_TEST(a_vote_above_the_window_tells_a_height)
{
    set_up();
    struct council_block far = c.genesis;
    for (int i = 0; i < 3 * BOUNDS_WINDOW; i++)
        far = council_block(&c, &far, 0, 0);
    vote_from(MESSAGE_PREPARE, 2, &far);
    vote_from(MESSAGE_PREPARE, 3, &far);
    ck_assert_int_eq(c.out.ignored, NARRATE_FAR_HEIGHT);
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.target.n, 2 * BOUNDS_WINDOW);
    council_close(&c);
}
END_TEST

/* My PREPARE was there before the NEW-VIEW was, and dropped. Just before, it was told of that NEW-VIEW. */
START_TEST(who_enters_my_view_is_answered_once_over_the_ration)
{
    set_up();
    struct certificate genesis = council_genesis_certificate(&c);
    struct bytes body = council_change(&c, 2, &genesis, NULL, 0);
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 2, body),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 3, body)};
    struct digest digest;
    council_message(&c, council_new_view(&c, 2, changes, &digest));
    struct council_block one = council_block(&c, &c.genesis, 2, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest));
    text_clear(&c.story);
    status_from(3, (struct message_status){.view = {1}, .active = true});
    council_expect(&c, "send new-view to 8\n");
    status_from(3, (struct message_status){.view = {2}, .active = true});
    council_expect(&c, "send pre-prepare to 8\nsend prepare to 8\n");
    status_from(3, (struct message_status){.view = {2}, .active = true});
    ck_assert_int_eq(c.out.ignored, NARRATE_TOO_SOON);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

/* Anybody can replay an old STATUS of a seat, just before its next one. */
START_TEST(an_old_status_does_not_use_up_the_answer_to_a_new_one)
{
    set_up();
    commit_one();
    status_from(3, (struct message_status){.view = {1}, .active = true});
    council_tick(&c, 200);
    status_from(3, (struct message_status){.active = true}); /* of view 0 */
    text_clear(&c.story);
    status_from(3, (struct message_status){.view = {1}, .active = true});
    council_expect(&c, "send decided to 8\n");
    status_from(3, (struct message_status){.active = true});
    ck_assert_int_eq(c.out.ignored, NARRATE_TOO_SOON);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(answers_are_rationed)
{
    set_up();
    commit_one();
    status_from(3, (struct message_status){.active = true});
    council_expect(&c, "send decided to 8\n");
    council_tick(&c, 124);
    status_from(3, (struct message_status){.active = true});
    ck_assert_int_eq(c.out.ignored, NARRATE_TOO_SOON);
    council_expect(&c, "");
    council_tick(&c, 1);
    status_from(3, (struct message_status){.active = true});
    council_expect(&c, "send decided to 8\n");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("sync", a_lower_height_is_answered_with_the_proof_of_mine,
             what_a_seat_lacks_is_sent_again_and_no_more,
             a_seat_in_a_lower_view_gets_my_view_change, a_seat_that_lacks_the_new_view_gets_it,
             heights_are_believed_from_f_and_one, when_nothing_moves_anybody_is_asked,
             one_certificate_is_believed,
             a_vote_above_the_window_tells_a_height,
             an_old_status_does_not_use_up_the_answer_to_a_new_one, answers_are_rationed,
             who_enters_my_view_is_answered_once_over_the_ration)
