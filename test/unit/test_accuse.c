#include "consensus/accuse.h"

#include "test/unit/council.h"

static struct council c;
static struct council_block one, other;
static struct ballot ballot, rival;

/* Seat 1 of four, which holds block 1 of view 0 and voted for it. */
static void set_up(void)
{
    council_open(&c, 4, 1);
    one = council_block(&c, &c.genesis, 0, 0);
    other = council_block(&c, &c.genesis, 0, 1);
    ballot = council_ballot(&c, &one, 0, &digest_zero);
    rival = council_ballot(&c, &other, 0, &digest_zero);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    text_clear(&c.story);
}

static void vote(enum message_tag tag, uint8_t seat, const struct ballot *wanted)
{
    council_message(&c, council_vote(&c, tag, seat, wanted));
}

START_TEST(a_second_vote_is_told_once)
{
    set_up();
    vote(MESSAGE_PREPARE, 3, &ballot);
    vote(MESSAGE_PREPARE, 3, &ballot);
    council_expect(&c, "");
    vote(MESSAGE_PREPARE, 3, &rival);
    vote(MESSAGE_PREPARE, 3, &rival);
    council_expect(&c, "accuse 3 of two statements in view 0\n");
    council_close(&c);
}
END_TEST

START_TEST(a_second_proposal_is_told)
{
    set_up();
    council_message(&c, council_pre_prepare(&c, &other, &digest_zero));
    council_expect(&c, "accuse 0 of two statements in view 0\n");
    council_close(&c);
}
END_TEST

START_TEST(a_commit_and_a_prepare_that_differ_are_told_in_either_order)
{
    set_up();
    vote(MESSAGE_PREPARE, 3, &rival);
    vote(MESSAGE_COMMIT, 3, &ballot);
    vote(MESSAGE_COMMIT, 2, &ballot);
    vote(MESSAGE_PREPARE, 2, &rival);
    council_expect(&c, "accuse 3 of commit against prepare in view 0\n"
                       "accuse 2 of commit against prepare in view 0\n");
    council_close(&c);
}
END_TEST

START_TEST(a_vote_in_a_certificate_counts)
{
    set_up();
    vote(MESSAGE_COMMIT, 2, &rival);
    council_expect(&c, "");
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &one, &certificate));
    council_expect(&c, "accuse 2 of two statements in view 0\ncommit 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_second_view_change_is_told)
{
    set_up();
    struct certificate genesis = council_genesis_certificate(&c);
    struct message_prepared prepared = council_prepared(&c, &one, 0, &digest_zero);
    council_message(
        &c, council_seal(&c, MESSAGE_VIEW_CHANGE, 3, council_change(&c, 2, &genesis, NULL, 0)));
    council_expect(&c, "");
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 3,
                                     council_change(&c, 2, &genesis, &prepared, 1)));
    council_expect(&c, "accuse 3 of two view changes in view 2\n");
    /* a liar has views enough to fill a disk with */
    council_message(
        &c, council_seal(&c, MESSAGE_VIEW_CHANGE, 3, council_change(&c, 3, &genesis, NULL, 0)));
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 3,
                                     council_change(&c, 3, &genesis, &prepared, 1)));
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_forgotten_commit_is_told_in_either_order)
{
    set_up();
    struct certificate genesis = council_genesis_certificate(&c);
    struct bytes body = council_change(&c, 1, &genesis, NULL, 0);
    vote(MESSAGE_COMMIT, 3, &ballot);
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 3, body));
    council_expect(&c, "accuse 3 of commit forgotten in view 0\n");
    body = council_change(&c, 2, &genesis, NULL, 0);
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 2, body));
    text_clear(&c.story); /* joins view 1 */
    vote(MESSAGE_COMMIT, 2, &ballot);
    council_expect(&c, "accuse 2 of commit forgotten in view 0\n");
    council_close(&c);
}
END_TEST

START_TEST(a_forgotten_commit_in_a_new_view_is_told)
{
    set_up();
    struct certificate genesis = council_genesis_certificate(&c);
    struct bytes body = council_change(&c, 2, &genesis, NULL, 0);
    struct message_envelope changes[3];
    struct digest digest;
    for (uint8_t i = 0; i < 3; i++)
        changes[i] = council_sign(&c, MESSAGE_VIEW_CHANGE, i == 0 ? 0 : (uint8_t)(i + 1), body);
    vote(MESSAGE_COMMIT, 3, &ballot);
    council_message(&c, council_new_view(&c, 2, changes, &digest));
    council_expect(&c, "accuse 3 of commit forgotten in view 0\ndiscard\npersist 2\n");
    council_close(&c);
}
END_TEST

/* It has voted for one block when a quorum turns out to prepare another: it can't prepare that too, so it must not commit to it. */
START_TEST(nobody_commits_to_what_it_did_not_prepare)
{
    set_up();
    struct certificate decided = council_certificate(&c, MESSAGE_COMMIT, &rival);
    for (uint8_t seat = 0; seat < 4; seat++)
        if (seat != 1)
            vote(MESSAGE_PREPARE, seat, &rival);
    council_message(&c, council_decided(&c, &other, &decided));
    council_expect(&c, "discard\nexecute 1 from d\ncommit 1\n");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("accuse", a_second_vote_is_told_once, a_second_proposal_is_told,
             a_commit_and_a_prepare_that_differ_are_told_in_either_order,
             a_vote_in_a_certificate_counts, a_second_view_change_is_told,
             a_forgotten_commit_is_told_in_either_order, a_forgotten_commit_in_a_new_view_is_told,
             nobody_commits_to_what_it_did_not_prepare)
