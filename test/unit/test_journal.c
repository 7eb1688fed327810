#include "consensus/journal.h"

#include <stdio.h>

#include "test/unit/council.h"

static struct council c;

static void vote_from(enum message_tag tag, uint8_t seat, const struct council_block *block)
{
    struct ballot ballot = council_ballot(&c, block, 0, &digest_zero);
    council_message(&c, council_vote(&c, tag, seat, &ballot));
}

static void propose(const struct council_block *block)
{
    council_message(&c, council_pre_prepare(&c, block, &digest_zero));
}

static void change_from(uint8_t seat, uint64_t view)
{
    struct certificate genesis = council_genesis_certificate(&c);
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, seat,
                                     council_change(&c, view, &genesis, NULL, 0)));
}

START_TEST(votes_are_signed_again_and_their_block_executed)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    vote_from(MESSAGE_PREPARE, 0, &one);
    vote_from(MESSAGE_PREPARE, 2, &one);
    council_restart(&c, &c.genesis, NULL);
    council_expect(
        &c,
        "sign prepare 1 in view 0 after 0\nsign commit 1 in view 0 after 0\nexecute 1 from 5\n");
    vote_from(MESSAGE_COMMIT, 0, &one);
    vote_from(MESSAGE_COMMIT, 3, &one);
    council_expect(&c, "commit 1\n");
    council_close(&c);
}
END_TEST

START_TEST(no_second_vote_for_a_height_after_a_restart)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block other = council_block(&c, &c.genesis, 0, 1);
    propose(&one);
    council_restart(&c, &c.genesis, NULL);
    text_clear(&c.story);
    propose(&other);
    ck_assert_int_eq(c.out.ignored, NARRATE_CONFLICT);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_primary_proposes_the_same_block_again)
{
    council_open(&c, 4, 0);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_step(&c, (struct event){.kind = EVENT_WORK,
                                    .as.work = {.buildable = true, .due_ms = UINT64_MAX}});
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {1, council_header(&one), false}});
    council_restart(&c, &c.genesis, NULL);
    council_expect(&c, "sign pre-prepare 1 in view 0 after 0\nsign prepare 1 in view 0 after "
                       "0\nexecute 1 from 0\n");
    council_close(&c);
}
END_TEST

/* The body of the VIEW-CHANGE that the last step signs. */
static struct bytes signed_change(void)
{
    for (uint32_t i = 0; i < c.out.count; i++)
        if (c.out.list[i].kind == ACTION_SIGN && c.out.list[i].as.sign.tag == MESSAGE_VIEW_CHANGE)
            return c.out.list[i].as.sign.body;
    return bytes_of(NULL, 0);
}

START_TEST(a_view_change_is_signed_again_as_it_was)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    vote_from(MESSAGE_PREPARE, 0, &one);
    vote_from(MESSAGE_PREPARE, 2, &one);
    c.echo = false;
    council_tick(&c, 7000);
    struct bytes body = signed_change();
    body.data = arena_copy(&c.arena, body.data, body.size);
    council_restart(&c, &c.genesis, NULL);
    struct bytes again = signed_change();
    ck_assert(body.size != 0);
    ck_assert(bytes_equal(body, again));
    council_close(&c);
}
END_TEST

START_TEST(no_vote_in_a_view_that_was_left_before_the_crash)
{
    council_open(&c, 4, 1);
    council_tick(&c, 6000);
    council_restart(&c, &c.genesis, NULL);
    council_expect(&c, "sign view-change 0 in view 1 after 0\n");
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    ck_assert_int_eq(c.out.ignored, NARRATE_OTHER_VIEW);
    council_close(&c);
}
END_TEST

START_TEST(an_entered_view_is_found_again)
{
    council_open(&c, 4, 1);
    change_from(2, 1);
    change_from(3, 1);
    council_restart(&c, &c.genesis, NULL);
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.view.n, 1);
    ck_assert(summary.active);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_made_new_view_is_signed_again)
{
    council_open(&c, 4, 1);
    c.echo = false;
    change_from(2, 1);
    change_from(3, 1);
    change_from(1, 1);
    council_restart(&c, &c.genesis, NULL);
    council_expect(&c, "sign view-change 0 in view 1 after 0\nsign new-view 0 in view 1 after 0\n");
    council_close(&c);
}
END_TEST

/* Commits blocks, each by the votes of all, until the log is rewritten. Returns the last one and its certificate. */
static struct council_block commit_many(struct certificate *certificate)
{
    struct council_block last = c.genesis;
    for (int i = 0; i < JOURNAL_REWRITE / 2; i++) {
        struct council_block next = council_block(&c, &last, 0, 0);
        propose(&next);
        vote_from(MESSAGE_PREPARE, 0, &next);
        vote_from(MESSAGE_PREPARE, 2, &next);
        vote_from(MESSAGE_COMMIT, 0, &next);
        vote_from(MESSAGE_COMMIT, 2, &next);
        last = next;
    }
    struct ballot ballot = council_ballot(&c, &last, 0, &digest_zero);
    *certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    return last;
}

START_TEST(a_long_log_is_rewritten_and_still_whole)
{
    council_open(&c, 4, 1);
    struct certificate certificate;
    struct council_block head = commit_many(&certificate);
    ck_assert_uint_eq(c.log_start, c.log_count);
    struct council_block next = council_block(&c, &head, 0, 0);
    struct council_block other = council_block(&c, &head, 0, 1);
    propose(&next);
    council_restart(&c, &head, &certificate);
    char wanted[80];
    snprintf(wanted, sizeof(wanted), "sign prepare %d in view 0 after 0\nexecute %d from 1\n",
             JOURNAL_REWRITE / 2 + 1, JOURNAL_REWRITE / 2 + 1);
    council_expect(&c, wanted);
    propose(&other);
    ck_assert_int_eq(c.out.ignored, NARRATE_CONFLICT);
    council_close(&c);
}
END_TEST

START_TEST(promises_live_through_a_rewrite)
{
    council_open(&c, 4, 1);
    struct certificate certificate;
    c.log_count = 0;
    struct council_block last = c.genesis, above, lone;
    /* one commit short of a rewrite, with a block above that is promised and prepared */
    for (int i = 0; i < JOURNAL_REWRITE / 2 - 1; i++) {
        struct council_block next = council_block(&c, &last, 0, 0);
        propose(&next);
        vote_from(MESSAGE_PREPARE, 0, &next);
        vote_from(MESSAGE_PREPARE, 2, &next);
        vote_from(MESSAGE_COMMIT, 0, &next);
        vote_from(MESSAGE_COMMIT, 2, &next);
        last = next;
    }
    lone = council_block(&c, &last, 0, 0);
    above = council_block(&c, &lone, 0, 0);
    propose(&lone);
    propose(&above);
    vote_from(MESSAGE_PREPARE, 0, &lone);
    vote_from(MESSAGE_PREPARE, 2, &lone);
    vote_from(MESSAGE_PREPARE, 0, &above);
    vote_from(MESSAGE_PREPARE, 2, &above);
    vote_from(MESSAGE_COMMIT, 0, &lone);
    text_clear(&c.story);
    vote_from(MESSAGE_COMMIT, 2, &lone);
    char wanted[160];
    snprintf(wanted, sizeof(wanted),
             "commit %d\npersist 67 with body\npersist 68 with body\nforget before 67 on %d\n",
             JOURNAL_REWRITE / 2, JOURNAL_REWRITE / 2);
    council_expect(&c, wanted);
    struct ballot ballot = council_ballot(&c, &lone, 0, &digest_zero);
    certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_restart(&c, &lone, &certificate);
    snprintf(
        wanted, sizeof(wanted),
        "sign prepare %d in view 0 after 0\nsign commit %d in view 0 after 0\nexecute %d from 5\n",
        JOURNAL_REWRITE / 2 + 1, JOURNAL_REWRITE / 2 + 1, JOURNAL_REWRITE / 2 + 1);
    council_expect(&c, wanted);
    council_close(&c);
}
END_TEST

/* Views come and go, and no block does: the log stays short. A rewrite that a crash cuts short: what was promised before it holds, wherever it
 * is cut. */
START_TEST(a_torn_rewrite_forgets_nothing)
{
    council_open(&c, 4, 1);
    uint64_t view = 0;
    for (; c.log_start == 0; view++) {
        ck_assert_uint_lt(c.log_count, JOURNAL_REWRITE);
        change_from(2, view + 1);
        change_from(3, view + 1);
    }
    ck_assert_uint_ne(view % 4, 1); /* ends wanting a view that others open */
    const uint64_t start = c.log_start, end = c.log_count;
    ck_assert_uint_eq(end - start + 1, 2); /* ENTERED and CHANGE */
    for (uint64_t cut = start - 1; cut <= end; cut++) {
        c.log_start = 1;
        c.log_count = cut;
        council_restart(&c, &c.genesis, NULL);
        struct consensus_summary summary;
        consensus_summarise(c.core, &summary);
        ck_assert_uint_eq(summary.view.n, view);
        ck_assert(!summary.active);
    }
    council_close(&c);
}
END_TEST

START_TEST(a_strange_log_is_refused)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    struct bytes record = c.log[0];
    struct consensus *core = consensus_new(&c.config);
    struct fault fault = {0};
    ck_assert_int_eq(consensus_recover(core, 0, record, &fault), ERR_CORRUPT);
    ck_assert_int_eq(consensus_recover(core, 5, record, &fault), ERR_NONE);
    ck_assert_int_eq(consensus_recover(core, 7, record, &fault), ERR_CORRUPT);
    ck_assert_int_eq(consensus_recover(core, 6, bytes_of(record.data, record.size - 1), &fault),
                     ERR_CORRUPT);
    ck_assert_str_eq(fault.text, "vote log: record 6 is none that this node wrote");
    uint8_t *raw = arena_copy(&c.arena, record.data, record.size);
    for (size_t i = 0; i < record.size * 8; i++) { /* never a crash, whatever the disk says */
        raw[i / 8] ^= (uint8_t)(1u << (i % 8));
        struct consensus *fresh = consensus_new(&c.config);
        enum err err = consensus_recover(fresh, 1, bytes_of(raw, record.size), NULL);
        ck_assert(err == ERR_NONE || err == ERR_CORRUPT);
        consensus_free(fresh);
        raw[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    consensus_free(core);
    council_close(&c);
}
END_TEST

START_TEST(a_muted_seat_does_not_vote)
{
    council_init(&c, 4, 1);
    struct event_start start = {
        .header = council_header(&c.genesis), .muted = true, .muted_height = {2}};
    council_step(&c, (struct event){.kind = EVENT_START, .as.start = start});
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    propose(&one);
    council_expect(&c, "execute 1 from 1\n");
    council_tick(&c, 100000);
    council_expect(&c, "");
    vote_from(MESSAGE_COMMIT, 0, &one);
    vote_from(MESSAGE_COMMIT, 2, &one);
    vote_from(MESSAGE_COMMIT, 3, &one);
    council_expect(&c, "commit 1\n");
    struct council_block two = council_block(&c, &one, 0, 0);
    c.clock_ms = two.block.time_ms;
    propose(&two);
    vote_from(MESSAGE_COMMIT, 0, &two);
    vote_from(MESSAGE_COMMIT, 2, &two);
    vote_from(MESSAGE_COMMIT, 3, &two);
    council_expect(&c, "execute 2 from 1\ncommit 2\n");
    council_tick(&c, 100000); /* now all that it may have voted for is committed */
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("journal", votes_are_signed_again_and_their_block_executed,
             no_second_vote_for_a_height_after_a_restart, a_primary_proposes_the_same_block_again,
             a_view_change_is_signed_again_as_it_was,
             no_vote_in_a_view_that_was_left_before_the_crash, an_entered_view_is_found_again,
             a_made_new_view_is_signed_again, a_long_log_is_rewritten_and_still_whole,
             promises_live_through_a_rewrite, a_torn_rewrite_forgets_nothing,
             a_strange_log_is_refused, a_muted_seat_does_not_vote)
