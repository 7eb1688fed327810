#include "consensus/slot.h"

#include "test/unit/council.h"

static struct slot slot;
static const struct digest red = {{1}}, blue = {{2}};

static enum slot_vote vote(uint8_t seat, const struct digest *digest)
{
    const struct sign_signature signature = {{(uint8_t)(seat + 1)}};
    return slot_votes_add(&slot.prepares, (struct seat){seat}, digest, &signature);
}

START_TEST(the_first_vote_of_a_seat_counts)
{
    slot_reset(&slot, (struct height){7});
    ck_assert_int_eq(vote(63, &red), SLOT_COUNTED);
    ck_assert_int_eq(vote(63, &red), SLOT_REPEATED);
    ck_assert_int_eq(vote(63, &blue), SLOT_CONFLICT);
    ck_assert_int_eq(vote(0, &blue), SLOT_COUNTED);
    ck_assert_uint_eq(slot_votes_for(&slot.prepares, &red), UINT64_C(1) << 63);
    ck_assert_uint_eq(slot_votes_for(&slot.prepares, &blue), 1);
}
END_TEST

START_TEST(a_proof_has_the_lowest_seats_that_agree)
{
    slot_reset(&slot, (struct height){7});
    vote(5, &red);
    vote(1, &blue);
    vote(2, &red);
    vote(0, &red);
    vote(9, &red);
    const struct ballot ballot = {.height = {7}, .digest = red};
    slot_prove(&slot.lock, &slot.prepares, &ballot, 3);
    struct certificate certificate = slot_proof_certificate(&slot.lock);
    ck_assert_uint_eq(certificate.voters, COMMITTEE_BIT(0) | COMMITTEE_BIT(2) | COMMITTEE_BIT(5));
    ck_assert_uint_eq(certificate.signatures.size, 3 * SIGN_SIGNATURE_SIZE);
    ck_assert_uint_eq(certificate.signatures.data[0], 1);
    ck_assert_uint_eq(certificate.signatures.data[SIGN_SIGNATURE_SIZE], 3);
    ck_assert_uint_eq(certificate.signatures.data[2 * SIGN_SIGNATURE_SIZE], 6);
    struct slot_proof copy = {0};
    slot_proof_keep(&copy, &certificate);
    struct certificate again = slot_proof_certificate(&copy);
    ck_assert(bytes_equal(again.signatures, certificate.signatures));
}
END_TEST

START_TEST(leaving_a_view_keeps_what_outlives_it)
{
    struct council c;
    council_init(&c, 4, 0);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    slot_reset(&slot, (struct height){1});
    slot_hold(&slot, &one.block, council_header(&one));
    slot.run = SLOT_VALID;
    slot.open = true;
    slot.my_prepare = slot.my_commit = true;
    slot.lock.here = slot.decided.here = true;
    vote(1, &one.block.digest);
    slot_leave_view(&slot);
    ck_assert(!slot.open && !slot.my_prepare && !slot.my_commit);
    ck_assert_uint_eq(slot.prepares.voters, 0);
    ck_assert(slot_has_block(&slot) && slot.run == SLOT_VALID && slot.lock.here &&
              slot.decided.here);
    slot_drop(&slot);
    ck_assert(!slot_has_block(&slot) && slot.run == SLOT_IDLE && slot.lock.here);
    council_close(&c);
}
END_TEST

HARNESS_MAIN("slot", the_first_vote_of_a_seat_counts, a_proof_has_the_lowest_seats_that_agree,
             leaving_a_view_keeps_what_outlives_it)
