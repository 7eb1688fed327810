#include "consensus/evidence.h"

#include "test/unit/council.h"

static struct council c;
static struct council_block one, other, two;
static struct ballot in_0, other_in_0, in_3;
static struct certificate genesis;
static struct evidence_finding found;

static void set_up(void)
{
    council_init(&c, 4, 0);
    const struct digest new_view = digest_of("new view", 8);
    one = council_block(&c, &c.genesis, 0, 0);
    other = council_block(&c, &c.genesis, 0, 1);
    two = council_block(&c, &one, 0, 0);
    in_0 = council_ballot(&c, &one, 0, &digest_zero);
    other_in_0 = council_ballot(&c, &other, 0, &digest_zero);
    in_3 = council_ballot(&c, &one, 3, &new_view);
    genesis = council_genesis_certificate(&c);
}

static enum err checked(struct bytes first, struct bytes second)
{
    const struct evidence evidence = {first, second};
    return evidence_check(&c.arena, &c.context, &found,
                          council_pack(&c, &evidence_record, &evidence), NULL);
}

static struct bytes prepare(uint8_t seat, const struct ballot *ballot)
{
    return council_vote(&c, MESSAGE_PREPARE, seat, ballot);
}

static struct bytes commit(uint8_t seat, const struct ballot *ballot)
{
    return council_vote(&c, MESSAGE_COMMIT, seat, ballot);
}

static struct bytes change(uint8_t seat, uint64_t view, const struct certificate *committed,
                           struct message_prepared *prepared, uint32_t count)
{
    struct bytes body = council_change(&c, view, committed, prepared, count);
    struct message_envelope envelope = council_sign(&c, MESSAGE_VIEW_CHANGE, seat, body);
    struct message_view_change read;
    struct message_brief brief;
    ck_assert_int_eq(record_unpack(&c.arena, &message_view_change_record, &read, body, NULL),
                     ERR_NONE);
    message_brief(&brief, &read, body);
    envelope.body = council_pack(&c, &message_brief_record, &brief);
    return message_seal(&c.arena, MESSAGE_VIEW_CHANGE, &envelope);
}

static void expect_found(enum evidence_kind kind, uint64_t view, uint64_t height)
{
    ck_assert_int_eq(found.kind, kind);
    ck_assert_uint_eq(found.seat.n, 2);
    ck_assert_uint_eq(found.view.n, view);
    ck_assert_uint_eq(found.height.n, height);
    ck_assert(digest_equal(&found.set, &c.committee.digest));
}

START_TEST(two_votes_of_a_kind_are_evidence)
{
    set_up();
    ck_assert_int_eq(checked(prepare(2, &in_0), prepare(2, &other_in_0)), ERR_NONE);
    expect_found(EVIDENCE_TWO_STATEMENTS, 0, 1);
    ck_assert_int_eq(checked(commit(2, &in_0), commit(2, &other_in_0)), ERR_NONE);
    expect_found(EVIDENCE_TWO_STATEMENTS, 0, 1);
    struct ballot elsewhere = in_3;
    elsewhere.new_view = digest_of("other", 5);
    ck_assert_int_eq(checked(commit(2, &in_3), commit(2, &elsewhere)), ERR_NONE);
    expect_found(EVIDENCE_TWO_STATEMENTS, 3, 1);
    council_close(&c);
}
END_TEST

START_TEST(two_proposals_are_evidence)
{
    set_up();
    ck_assert_int_eq(checked(council_pre_prepare(&c, &one, &digest_zero),
                             council_pre_prepare(&c, &other, &digest_zero)),
                     ERR_NONE);
    ck_assert_int_eq(found.kind, EVIDENCE_TWO_STATEMENTS);
    ck_assert_uint_eq(found.seat.n, 0);
    ck_assert_uint_eq(found.height.n, 1);
    ck_assert_int_eq(checked(council_pre_prepare(&c, &one, &digest_zero),
                             council_pre_prepare(&c, &two, &digest_zero)),
                     ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(a_commit_against_ones_own_prepare_is_evidence)
{
    set_up();
    ck_assert_int_eq(checked(commit(2, &in_0), prepare(2, &other_in_0)), ERR_NONE);
    expect_found(EVIDENCE_COMMIT_AGAINST_PREPARE, 0, 1);
    ck_assert_int_eq(checked(prepare(2, &other_in_0), commit(2, &in_0)), ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(two_view_changes_for_one_view_are_evidence)
{
    set_up();
    struct message_prepared prepared = council_prepared(&c, &one, 0, &digest_zero);
    ck_assert_int_eq(checked(change(2, 4, &genesis, NULL, 0), change(2, 4, &genesis, &prepared, 1)),
                     ERR_NONE);
    expect_found(EVIDENCE_TWO_VIEW_CHANGES, 4, 0);
    ck_assert_int_eq(checked(change(2, 4, &genesis, NULL, 0), change(2, 5, &genesis, &prepared, 1)),
                     ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(a_commit_that_a_view_change_leaves_out_is_evidence)
{
    set_up();
    ck_assert_int_eq(checked(commit(2, &in_3), change(2, 4, &genesis, NULL, 0)), ERR_NONE);
    expect_found(EVIDENCE_COMMIT_FORGOTTEN, 3, 1);
    struct message_prepared old = council_prepared(&c, &one, 0, &digest_zero);
    ck_assert_int_eq(checked(commit(2, &in_3), change(2, 4, &genesis, &old, 1)), ERR_NONE);
    council_close(&c);
}
END_TEST

/* Two VIEW-CHANGEs of the largest set, each with certificates for a full window. */
START_TEST(evidence_is_small_whatever_the_view_changes_hold)
{
    council_init(&c, LIMIT_VALIDATORS, 0);
    genesis = council_genesis_certificate(&c);
    struct message_prepared prepared[BOUNDS_WINDOW];
    struct council_block block = c.genesis;
    for (uint32_t i = 0; i < BOUNDS_WINDOW; i++) {
        block = council_block(&c, &block, 0, 0);
        prepared[i] = council_prepared(&c, &block, 0, &digest_zero);
    }
    const uint32_t most = BOUNDS_WINDOW;
    ck_assert_uint_gt(2 * council_change(&c, 4, &genesis, prepared, most).size, LIMIT_TX_BYTES);
    const struct bytes first = change(2, 4, &genesis, prepared, most);
    const struct bytes second = change(2, 4, &genesis, prepared, most - 1);
    ck_assert_uint_lt(first.size + second.size, 1024);
    ck_assert_int_eq(checked(first, second), ERR_NONE);
    expect_found(EVIDENCE_TWO_VIEW_CHANGES, 4, 0);
    council_close(&c);
}
END_TEST

/* The digest in the brief is that of the whole body: nothing of it can be exchanged under the signature. */
START_TEST(a_signed_brief_is_of_one_body)
{
    set_up();
    const struct council_block twin = council_block(&c, &one, 0, 1);
    struct certificate committed = council_certificate(&c, MESSAGE_COMMIT, &in_0);
    struct message_prepared prepared = council_prepared(&c, &two, 0, &digest_zero);
    const struct bytes body = council_change(&c, 4, &committed, &prepared, 1);
    struct message_envelope envelope = council_sign(&c, MESSAGE_VIEW_CHANGE, 2, body);
    struct message message;
    struct bytes sealed = message_seal(&c.arena, MESSAGE_VIEW_CHANGE, &envelope);
    ck_assert_int_eq(verify_message(&c.arena, &c.context, &message, sealed, NULL), ERR_NONE);

    prepared = council_prepared(&c, &twin, 0, &digest_zero);
    envelope.body = council_change(&c, 4, &committed, &prepared, 1);
    sealed = message_seal(&c.arena, MESSAGE_VIEW_CHANGE, &envelope);
    ck_assert_int_eq(verify_message(&c.arena, &c.context, &message, sealed, NULL), ERR_SIGNATURE);
    council_close(&c);
}
END_TEST

START_TEST(what_correct_seats_sign_is_none)
{
    set_up();
    struct message_prepared prepared = council_prepared(&c, &one, 3, &in_3.new_view);
    struct certificate committed = council_certificate(&c, MESSAGE_COMMIT, &in_0);
    const struct ballot above = council_ballot(&c, &two, 0, &digest_zero);
    ck_assert_int_eq(checked(commit(2, &in_0), commit(2, &in_0)), ERR_MISMATCH);
    ck_assert_int_eq(checked(commit(2, &in_0), prepare(2, &in_0)), ERR_MISMATCH);
    ck_assert_int_eq(checked(commit(2, &in_0), commit(2, &above)), ERR_MISMATCH);
    ck_assert_int_eq(checked(prepare(2, &other_in_0), prepare(2, &in_3)), ERR_MISMATCH);
    ck_assert_int_eq(checked(commit(2, &in_3), prepare(2, &other_in_0)), ERR_MISMATCH);
    ck_assert_int_eq(checked(commit(2, &in_3), change(2, 4, &genesis, &prepared, 1)), ERR_MISMATCH);
    ck_assert_int_eq(checked(commit(2, &in_3), change(2, 4, &committed, NULL, 0)), ERR_MISMATCH);
    ck_assert_int_eq(checked(commit(2, &in_3), change(2, 3, &genesis, NULL, 0)), ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(nobody_is_guilty_of_what_others_signed)
{
    set_up();
    ck_assert_int_eq(checked(prepare(2, &in_0), prepare(3, &other_in_0)), ERR_MISMATCH);
    struct message_envelope forged =
        council_sign(&c, MESSAGE_PREPARE, 3, council_pack(&c, &ballot_record, &other_in_0));
    forged.from.n = 2;
    ck_assert_int_eq(checked(prepare(2, &in_0), message_seal(&c.arena, MESSAGE_PREPARE, &forged)),
                     ERR_SIGNATURE);
    council_close(&c);
}
END_TEST

START_TEST(evidence_names_its_set)
{
    set_up();
    struct ballot elsewhere[2] = {in_0, other_in_0};
    elsewhere[0].set = elsewhere[1].set = digest_of("another set", 11);
    const struct evidence evidence = {prepare(2, &elsewhere[0]), prepare(2, &elsewhere[1])};
    struct bytes packed = council_pack(&c, &evidence_record, &evidence);
    struct digest set;
    ck_assert_int_eq(evidence_set(&c.arena, &set, packed), ERR_NONE);
    ck_assert(digest_equal(&set, &elsewhere[0].set));
    ck_assert_int_eq(evidence_check(&c.arena, &c.context, &found, packed, NULL), ERR_MISMATCH);
    ck_assert_int_eq(checked(prepare(2, &in_0), prepare(2, &elsewhere[1])), ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(other_bytes_are_none)
{
    set_up();
    const struct message_status status = {.set = c.committee.digest};
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &in_0);
    struct bytes packed = council_pack(&c, &message_status_record, &status);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_STATUS, 2, packed), prepare(2, &in_0)),
                     ERR_MALFORMED);
    ck_assert_int_eq(checked(council_decided(&c, &one, &certificate), prepare(2, &in_0)),
                     ERR_MALFORMED);
    ck_assert_int_eq(checked(bytes_of("x", 1), prepare(2, &in_0)), ERR_MALFORMED);
    ck_assert_int_eq(evidence_check(&c.arena, &c.context, &found, bytes_of("\x92\xc4", 2), NULL),
                     ERR_MALFORMED);
    council_close(&c);
}
END_TEST

HARNESS_MAIN("evidence", two_votes_of_a_kind_are_evidence, two_proposals_are_evidence,
             a_commit_against_ones_own_prepare_is_evidence,
             two_view_changes_for_one_view_are_evidence,
             a_commit_that_a_view_change_leaves_out_is_evidence, evidence_is_small_whatever_the_view_changes_hold,
             a_signed_brief_is_of_one_body,
             what_correct_seats_sign_is_none,
             nobody_is_guilty_of_what_others_signed, evidence_names_its_set, other_bytes_are_none)
