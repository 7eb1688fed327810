#include "consensus/verify.h"

#include "test/unit/council.h"

static struct council c;
static struct council_block one;
static struct certificate genesis;

static void set_up(uint8_t count)
{
    council_init(&c, count, 0);
    one = council_block(&c, &c.genesis, 0, 0);
    genesis = council_genesis_certificate(&c);
}

static enum err checked(struct bytes raw)
{
    struct message message;
    return verify_message(&c.arena, &c.context, &message, raw, NULL);
}

static struct bytes vote_of(uint8_t from, const struct ballot *ballot)
{
    return council_vote(&c, MESSAGE_PREPARE, from, ballot);
}

START_TEST(every_kind_of_message_passes)
{
    set_up(4);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    struct message_prepared prepared = council_prepared(&c, &one, 0, &digest_zero);
    struct bytes change = council_change(&c, 2, &genesis, &prepared, 1);
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, change),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 1, change),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 3, change)};
    struct message_status status = {.set = c.committee.digest, .view = {3}};
    struct digest digest;
    ck_assert_int_eq(checked(council_pre_prepare(&c, &one, &digest_zero)), ERR_NONE);
    ck_assert_int_eq(checked(vote_of(3, &ballot)), ERR_NONE);
    ck_assert_int_eq(checked(council_vote(&c, MESSAGE_COMMIT, 3, &ballot)), ERR_NONE);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_NONE);
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_NONE);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_STATUS, 1,
                                          council_pack(&c, &message_status_record, &status))),
                     ERR_NONE);
    ck_assert_int_eq(checked(council_decided(&c, &one, &certificate)), ERR_NONE);
    council_close(&c);
}
END_TEST

START_TEST(a_vote_counts_for_its_signer_kind_and_chain_only)
{
    set_up(4);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct bytes body = council_pack(&c, &ballot_record, &ballot);
    struct message_envelope vote = council_sign(&c, MESSAGE_PREPARE, 2, body);
    ck_assert_int_eq(checked(message_seal(&c.arena, MESSAGE_PREPARE, &vote)), ERR_NONE);
    ck_assert_int_eq(checked(message_seal(&c.arena, MESSAGE_COMMIT, &vote)), ERR_SIGNATURE);
    vote.from.n = 3;
    ck_assert_int_eq(checked(message_seal(&c.arena, MESSAGE_PREPARE, &vote)), ERR_SIGNATURE);
    vote.from.n = 4;
    ck_assert_int_eq(checked(message_seal(&c.arena, MESSAGE_PREPARE, &vote)), ERR_SIGNATURE);
    vote.from.n = 2;
    struct bytes sealed = message_seal(&c.arena, MESSAGE_PREPARE, &vote);
    c.context.chain.bytes[0] ^= 1;
    ck_assert_int_eq(checked(sealed), ERR_SIGNATURE);
    council_close(&c);
}
END_TEST

START_TEST(impossible_votes_are_refused)
{
    set_up(4);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    ballot.height.n = 0;
    ck_assert_int_eq(checked(vote_of(1, &ballot)), ERR_MISMATCH);
    ballot = council_ballot(&c, &one, 0, &one.block.digest);
    ck_assert_int_eq(checked(vote_of(1, &ballot)), ERR_MISMATCH);
    ballot = council_ballot(&c, &one, 1, &digest_zero);
    ck_assert_int_eq(checked(vote_of(1, &ballot)), ERR_MISMATCH);
    ballot = council_ballot(&c, &one, 0, &digest_zero);
    ballot.set.bytes[0] ^= 1;
    ck_assert_int_eq(checked(vote_of(1, &ballot)), ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(the_largest_view_is_over_the_bound)
{
    set_up(4);
    struct ballot ballot = council_ballot(&c, &one, BOUNDS_VIEW_MAX, &one.block.digest);
    ck_assert_int_eq(checked(vote_of(1, &ballot)), ERR_NONE);
    struct bytes sealed = vote_of(1, &ballot);
    uint8_t *raw = arena_copy(&c.arena, sealed.data, sealed.size);
    for (size_t i = 0; i + 9 <= sealed.size; i++) /* cf 00 01 00 ..: the view */
        if (raw[i] == 0xcf && raw[i + 2] == 0x01)
            raw[i + 1] = 0xff;
    ck_assert_int_eq(checked(bytes_of(raw, sealed.size)), ERR_LIMIT);
    council_close(&c);
}
END_TEST

START_TEST(a_proposal_is_by_the_primary_and_fresh)
{
    set_up(4);
    struct council_block alien = council_block(&c, &c.genesis, 0, 0);
    alien.block.proposer.n = 1;
    council_pack_block(&alien);
    ck_assert_int_eq(checked(council_pre_prepare(&c, &alien, &digest_zero)), ERR_MISMATCH);
    struct message_pre_prepare old = {
        c.committee.digest, {4}, one.block.digest, council_header(&one), one.block};
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_PRE_PREPARE, 0,
                                          council_pack(&c, &message_pre_prepare_record, &old))),
                     ERR_MISMATCH);
    struct message_pre_prepare stolen = {
        c.committee.digest, {0}, digest_zero, council_header(&one), one.block};
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_PRE_PREPARE, 1,
                                          council_pack(&c, &message_pre_prepare_record, &stolen))),
                     ERR_MISMATCH);
    alien = council_block(&c, &c.genesis, 0, 0);
    alien.block.set.bytes[0] ^= 1;
    council_pack_block(&alien);
    ck_assert_int_eq(checked(council_pre_prepare(&c, &alien, &digest_zero)), ERR_MISMATCH);
    struct message_pre_prepare garbage = {
        c.committee.digest, {0}, digest_zero, bytes_text("no header"), one.block};
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_PRE_PREPARE, 0,
                                          council_pack(&c, &message_pre_prepare_record, &garbage))),
                     ERR_MALFORMED);
    council_close(&c);
}
END_TEST

START_TEST(a_certificate_is_exactly_a_quorum_of_distinct_signers)
{
    set_up(7);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate good = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    ck_assert_int_eq(checked(council_decided(&c, &one, &good)), ERR_NONE);

    struct certificate bad = good;
    bad.voters = good.voters >> 1; /* one fewer */
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_MISMATCH);
    bad.signatures.size -= SIGN_SIGNATURE_SIZE; /* and its signature */
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_MISMATCH);
    bad = good;
    bad.voters = (good.voters << 1) & ~UINT64_C(1); /* others than signed */
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_SIGNATURE);
    bad = good;
    bad.voters = (good.voters & ~UINT64_C(1)) | COMMITTEE_BIT(7); /* a seat that isn't */
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_MISMATCH);
    bad = good;
    bad.signatures.size -= SIGN_SIGNATURE_SIZE;
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_MISMATCH);
    bad = good;
    uint8_t *signatures = arena_copy(&c.arena, good.signatures.data, good.signatures.size);
    memcpy(signatures + SIGN_SIGNATURE_SIZE, signatures,
           SIGN_SIGNATURE_SIZE); /* one signer twice */
    bad.signatures.data = signatures;
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_SIGNATURE);
    bad = council_certificate(&c, MESSAGE_PREPARE, &ballot); /* another kind */
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_SIGNATURE);
    bad = good;
    bad.ballot.view.n = 1; /* another statement */
    bad.ballot.new_view = one.block.digest;
    ck_assert_int_eq(checked(council_decided(&c, &one, &bad)), ERR_SIGNATURE);
    council_close(&c);
}
END_TEST

START_TEST(a_header_and_its_certificate_belong_together)
{
    set_up(4);
    struct council_block other = council_block(&c, &c.genesis, 0, 1);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    ck_assert_int_eq(checked(council_decided(&c, &other, &certificate)), ERR_MISMATCH);
    ballot.height.n = 2;
    certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    ck_assert_int_eq(checked(council_decided(&c, &one, &certificate)), ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(a_view_change_lists_a_window_of_the_past)
{
    set_up(4);
    struct council_block two = council_block(&c, &one, 0, 0);
    struct message_prepared first = council_prepared(&c, &one, 0, &digest_zero);
    struct message_prepared second = council_prepared(&c, &two, 0, &digest_zero);
    struct message_prepared pair[2] = {second, first};
    struct bytes change = council_change(&c, 1, &genesis, pair, 2);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_MISMATCH);
    pair[0] = first;
    change = council_change(&c, 1, &genesis, pair, 2);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_MISMATCH);
    pair[1] = second;
    change = council_change(&c, 1, &genesis, pair, 2);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_NONE);
    change = council_change(&c, 0, &genesis, NULL, 0);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_MISMATCH);

    struct message_prepared future = council_prepared(&c, &one, 1, &one.block.digest);
    change = council_change(&c, 1, &genesis, &future, 1);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_MISMATCH);
    change = council_change(&c, 2, &genesis, &future, 1);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_NONE);

    struct council_block far = one;
    for (int i = 0; i < BOUNDS_WINDOW; i++)
        far = council_block(&c, &far, 0, 0);
    struct message_prepared above = council_prepared(&c, &far, 0, &digest_zero);
    change = council_change(&c, 1, &genesis, &above, 1);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_MISMATCH);
    struct certificate other_genesis = genesis;
    other_genesis.ballot.digest = one.block.digest;
    change = council_change(&c, 1, &other_genesis, NULL, 0);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change)), ERR_MISMATCH);
    council_close(&c);
}
END_TEST

START_TEST(a_new_view_is_a_quorum_of_its_own_view)
{
    set_up(4);
    struct bytes two = council_change(&c, 2, &genesis, NULL, 0);
    struct bytes lower = council_change(&c, 1, &genesis, NULL, 0);
    struct bytes three = council_change(&c, 3, &genesis, NULL, 0);
    struct digest digest;
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, two),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 1, two),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 2, two)};
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_NONE);
    changes[1] = council_sign(&c, MESSAGE_VIEW_CHANGE, 1, three);
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_MISMATCH);
    changes[1] = council_sign(&c, MESSAGE_VIEW_CHANGE, 1, lower);
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_MISMATCH);
    changes[1] = changes[0];
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_MISMATCH);
    changes[1] = council_sign(&c, MESSAGE_PREPARE, 1, two);
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_SIGNATURE);

    changes[1] = council_sign(&c, MESSAGE_VIEW_CHANGE, 1, two);
    struct message_new_view few = {
        .set = c.committee.digest, .view = {2}, .changes = changes, .change_count = 2};
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_NEW_VIEW, 2,
                                          council_pack(&c, &message_new_view_record, &few))),
                     ERR_MISMATCH);
    few.change_count = 3;
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_NEW_VIEW, 1,
                                          council_pack(&c, &message_new_view_record, &few))),
                     ERR_MISMATCH);
    c.context.view.n = 3;
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_NOT_NOW);
    council_close(&c);
}
END_TEST

START_TEST(certificates_inside_are_each_checked_for_what_they_say)
{
    set_up(4);
    struct council_block two = council_block(&c, &one, 0, 0);
    struct message_prepared pair[2] = {council_prepared(&c, &one, 0, &digest_zero),
                                       council_prepared(&c, &two, 0, &digest_zero)};
    struct bytes good = council_change(&c, 2, &genesis, pair, 1);
    pair[1].certificate.signatures = pair[0].certificate.signatures; /* of another block */
    struct bytes bad = council_change(&c, 2, &genesis, pair, 2);
    ck_assert_int_eq(checked(council_seal(&c, MESSAGE_VIEW_CHANGE, 1, bad)), ERR_SIGNATURE);

    struct digest digest;
    struct message_envelope changes[3] = {council_sign(&c, MESSAGE_VIEW_CHANGE, 0, good),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 1, good),
                                          council_sign(&c, MESSAGE_VIEW_CHANGE, 2, good)};
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_NONE);
    changes[1] = council_sign(&c, MESSAGE_VIEW_CHANGE, 1, bad);
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_SIGNATURE);
    bad = council_change(&c, 2, &pair[0].certificate, NULL, 0); /* PREPAREs as COMMITs */
    changes[1] = council_sign(&c, MESSAGE_VIEW_CHANGE, 1, bad);
    ck_assert_int_eq(checked(council_new_view(&c, 2, changes, &digest)), ERR_SIGNATURE);
    council_close(&c);
}
END_TEST

/* Counts the signatures that are checked. */
static uint64_t checks;

static bool counting(const void *self, struct seat seat, const struct sign_public *key,
                     const struct digest *digest, const struct sign_signature *signature)
{
    checks++;
    return council_verify(self, seat, key, digest, signature);
}

START_TEST(a_new_view_without_honest_view_changes_costs_little)
{
    set_up(64);
    const uint8_t quorum = committee_quorum(&c.committee);
    struct message_prepared prepared = council_prepared(&c, &one, 0, &digest_zero);
    struct bytes change = council_change(&c, 64, &genesis, &prepared, 1);
    struct message_envelope changes[BOUNDS_QUORUM];
    for (uint8_t i = 0; i < quorum; i++)
        changes[i] = council_sign(&c, MESSAGE_VIEW_CHANGE, i, change);
    struct digest digest;
    c.context.signature = counting;
    checks = 0;
    ck_assert_int_eq(checked(council_new_view(&c, 64, changes, &digest)), ERR_NONE);
    ck_assert_uint_eq(checks, 1u + quorum + quorum); /* equal certificates once */
    changes[quorum - 1].signature.bytes[5] ^= 1;
    checks = 0;
    ck_assert_int_eq(checked(council_new_view(&c, 64, changes, &digest)), ERR_SIGNATURE);
    ck_assert_uint_eq(checks, 1u + quorum);
    council_close(&c);
}
END_TEST

START_TEST(no_flipped_bit_passes)
{
    set_up(4);
    struct message_prepared prepared = council_prepared(&c, &one, 0, &digest_zero);
    struct bytes change = council_change(&c, 1, &genesis, &prepared, 1);
    struct bytes sealed = council_seal(&c, MESSAGE_VIEW_CHANGE, 1, change);
    uint8_t *raw = arena_copy(&c.arena, sealed.data, sealed.size);
    for (size_t i = 0; i < sealed.size * 8; i++) {
        raw[i / 8] ^= (uint8_t)(1u << (i % 8));
        ck_assert_int_ne(checked(bytes_of(raw, sealed.size)), ERR_NONE);
        raw[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t size = 0; size < sealed.size; size++)
        ck_assert_int_ne(checked(bytes_of(raw, size)), ERR_NONE);
    ck_assert_int_eq(checked(bytes_of(raw, sealed.size)), ERR_NONE);
    council_close(&c);
}
END_TEST

START_TEST(real_signatures_pass_the_real_check)
{
    set_up(1);
    struct sign_secret secret = {.bytes = {1}};
    ck_assert(sign_public_of(&c.committee.keys[0], &secret));
    c.context.signature = verify_ecdsa;
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct bytes body = council_pack(&c, &ballot_record, &ballot);
    struct digest digest = message_digest(NULL, MESSAGE_PREPARE, &c.context.chain, body);
    struct message_envelope vote = {{0}, body, sign_make(&secret, &digest)};
    ck_assert_int_eq(checked(message_seal(&c.arena, MESSAGE_PREPARE, &vote)), ERR_NONE);
    vote.signature.bytes[9] ^= 1;
    ck_assert_int_eq(checked(message_seal(&c.arena, MESSAGE_PREPARE, &vote)), ERR_SIGNATURE);
    council_close(&c);
}
END_TEST

HARNESS_MAIN("verify", every_kind_of_message_passes,
             a_vote_counts_for_its_signer_kind_and_chain_only, impossible_votes_are_refused,
             the_largest_view_is_over_the_bound, a_proposal_is_by_the_primary_and_fresh,
             a_certificate_is_exactly_a_quorum_of_distinct_signers,
             a_header_and_its_certificate_belong_together, a_view_change_lists_a_window_of_the_past,
             a_new_view_is_a_quorum_of_its_own_view,
             certificates_inside_are_each_checked_for_what_they_say,
             a_new_view_without_honest_view_changes_costs_little, no_flipped_bit_passes,
             real_signatures_pass_the_real_check)
