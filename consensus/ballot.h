/* What PREPARE and COMMIT sign, and the certificate that a quorum of them makes. (DESIGN 5)
 *
 * The kind is in the domain of the signature, the chain in what sign_digest() covers. All
 * signatures of one certificate are over the same ballot: also the same view and the same NEW-VIEW.
 */
#ifndef CONSENSUS_BALLOT_H
#define CONSENSUS_BALLOT_H

#include "base/record.h"
#include "consensus/bounds.h"
#include "consensus/committee.h"

struct ballot {
    struct digest set;      /* of the voting validators */
    struct height height;   /* of the block, >= 1 */
    struct view view;       /* in which is voted, >= the view in the block's header */
    struct digest digest;   /* of the block's header */
    struct digest new_view; /* digest of the NEW-VIEW that opened `view`; zero in view 0 */
};

extern const struct record ballot_record;

bool ballot_equal(const struct ballot *a, const struct ballot *b);

/* The packed ballot, which is the body that is signed. Returns its size. */
size_t ballot_pack(uint8_t body[BOUNDS_BALLOT_BYTES], const struct ballot *ballot);

/* Exactly a quorum of signatures over one ballot. For the block that the set starts above, and for nothing else, a certificate
 * without voters. */
struct certificate {
    struct ballot ballot;
    uint64_t voters;         /* bits of seats */
    struct bytes signatures; /* 64 bytes a voter, by ascending seat; borrowed */
};

extern const struct record ballot_certificate_record;

#endif
