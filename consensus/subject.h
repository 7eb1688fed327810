/* What consensus knows of a block: a few fields of its header, and the header as opaque bytes. */
#ifndef CONSENSUS_SUBJECT_H
#define CONSENSUS_SUBJECT_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/units.h"

struct consensus_block {
    struct height height;
    struct view view; /* of its first proposal: never changes, whatever view votes on it later */
    struct seat proposer;   /* of its first proposal */
    uint64_t time_ms;       /* Unix time of its first proposal */
    struct digest digest;   /* of the header; names the block, and everything in it by its roots */
    struct digest parent;   /* the digest of the block below */
    struct digest set;      /* of the validators that certify this block */
    struct digest next_set; /* of those that certify the next one; differs from `set`: a boundary */
};

/* Reads a header: pure, total, and safe on hostile bytes (the ledger's, or a simulator's).
 * Fills every field of *block, with digest = the digest of these very bytes. False if they are no
 * header. */
typedef bool subject_read(const void *self, struct consensus_block *block, struct bytes header);

#endif
