/* The validators that decide: who sits where, how many faults they bear, how many make a quorum.
 * (DESIGN 5; PBFT 3) */
#ifndef CONSENSUS_COMMITTEE_H
#define CONSENSUS_COMMITTEE_H

#include "base/digest.h"
#include "base/limits.h"
#include "base/sign.h"
#include "base/units.h"

/* A set of seats as bits: seat 0 is bit 0. */
#define COMMITTEE_BIT(seat) (UINT64_C(1) << (seat))

/* The seat of one that sits in none. */
#define COMMITTEE_NO_SEAT 255

struct committee {
    struct digest digest; /* as headers name this set; its form is the ledger's */
    uint8_t count;        /* n, 1..LIMIT_VALIDATORS */
    uint64_t vacant;      /* bits of seats whose member was proven guilty: they count in n, and sign nothing */
    struct sign_public keys[LIMIT_VALIDATORS]; /* by seat */
};

/* Without vacant seats. Requires 1 <= count <= LIMIT_VALIDATORS. */
void committee_init(struct committee *committee, const struct digest *digest,
                    const struct sign_public *keys, uint8_t count);

/* f = floor((n - 1) / 3): how many may do anything at all. */
uint8_t committee_faults(const struct committee *committee);

/* ceil((n + f + 1) / 2): any two quorums share f + 1 seats, and the correct ones alone are one. */
uint8_t committee_quorum(const struct committee *committee);

/* Bits of all seats. */
uint64_t committee_all(const struct committee *committee);

/* Who proposes in `view`: view mod n, or the next seat that isn't vacant. */
struct seat committee_primary(const struct committee *committee, struct view view);

/* Seats in a set of bits. */
uint8_t committee_size(uint64_t seats);

/* The largest `x` such that at least `count` of the n values are >= x. Requires 1 <= count <=
 * committee->count. With count = f + 1, a correct seat is at x or above, whatever f liars claim. */
uint64_t committee_reached(const struct committee *committee,
                           const uint64_t values[LIMIT_VALIDATORS], uint8_t count);

#endif
