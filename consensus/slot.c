#include "consensus/slot.h"

#include "base/check.h"

#include <string.h>

void slot_reset(struct slot *slot, struct height height)
{
    memset(slot, 0, sizeof(*slot));
    slot->height = height;
}

void slot_leave_view(struct slot *slot)
{
    slot->open = false;
    slot->fresh = false;
    slot->has_pre_prepare = false;
    slot->prepares.voters = 0;
    slot->commits.voters = 0;
    slot->my_prepare = false;
    slot->my_commit = false;
}

void slot_block_keep(struct slot_block *kept, const struct consensus_block *block,
                     struct bytes header)
{
    CHECK(header.size >= 1);
    CHECK(header.size <= BOUNDS_HEADER_BYTES);

    kept->block = *block;
    kept->size = (uint16_t)header.size;
    memcpy(kept->header, header.data, header.size);
}

struct bytes slot_block_header(const struct slot_block *kept)
{
    return bytes_of(kept->header, kept->size);
}

bool slot_has_block(const struct slot *slot)
{
    return slot->held.size != 0;
}

void slot_hold(struct slot *slot, const struct consensus_block *block, struct bytes header)
{
    CHECK(block->height.n == slot->height.n);

    slot_block_keep(&slot->held, block, header);
    slot->run = SLOT_IDLE;
    slot->open = false;
    slot->fresh = false;
    slot->has_pre_prepare = false;
}

void slot_drop(struct slot *slot)
{
    slot->held.size = 0;
    slot->run = SLOT_IDLE;
    slot->open = false;
    slot->fresh = false;
    slot->has_pre_prepare = false;
}

enum slot_vote slot_votes_add(struct slot_votes *votes, struct seat seat,
                              const struct digest *digest, const struct sign_signature *signature)
{
    CHECK(seat.n < LIMIT_VALIDATORS);

    const uint64_t bit = COMMITTEE_BIT(seat.n);
    if (votes->voters & bit)
        return digest_equal(&votes->digests[seat.n], digest) ? SLOT_REPEATED : SLOT_CONFLICT;
    votes->voters |= bit;
    votes->digests[seat.n] = *digest;
    votes->signatures[seat.n] = *signature;
    return SLOT_COUNTED;
}

uint64_t slot_votes_for(const struct slot_votes *votes, const struct digest *digest)
{
    uint64_t seats = 0;
    for (uint64_t left = votes->voters; left != 0; left &= left - 1) {
        const uint8_t seat = (uint8_t)__builtin_ctzll(left);
        if (digest_equal(&votes->digests[seat], digest))
            seats |= COMMITTEE_BIT(seat);
    }
    return seats;
}

void slot_prove(struct slot_proof *proof, const struct slot_votes *votes,
                const struct ballot *ballot, uint8_t quorum)
{
    const uint64_t seats = slot_votes_for(votes, &ballot->digest);
    CHECK(committee_size(seats) >= quorum);
    CHECK(quorum <= BOUNDS_QUORUM);

    proof->here = true;
    proof->ballot = *ballot;
    proof->voters = 0;
    uint64_t left = seats;
    for (uint8_t i = 0; i < quorum; i++, left &= left - 1) {
        const uint8_t seat = (uint8_t)__builtin_ctzll(left);
        proof->voters |= COMMITTEE_BIT(seat);
        memcpy(proof->signatures + (size_t)i * SIGN_SIGNATURE_SIZE, votes->signatures[seat].bytes,
               SIGN_SIGNATURE_SIZE);
    }
}

void slot_proof_keep(struct slot_proof *proof, const struct certificate *certificate)
{
    CHECK(certificate->signatures.size <= sizeof(proof->signatures));

    proof->here = true;
    proof->ballot = certificate->ballot;
    proof->voters = certificate->voters;
    if (certificate->signatures.size != 0)
        memcpy(proof->signatures, certificate->signatures.data, certificate->signatures.size);
}

struct certificate slot_proof_certificate(const struct slot_proof *proof)
{
    CHECK(proof->here);

    return (struct certificate){
        .ballot = proof->ballot,
        .voters = proof->voters,
        .signatures = bytes_of(proof->signatures,
                               (size_t)committee_size(proof->voters) * SIGN_SIGNATURE_SIZE)};
}
