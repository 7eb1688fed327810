/* Blocks: a header, whose digest names the block, and a body, the list of its transactions.
 *
 * The header carries the roots *after* its execution, so a quorum of votes for its digest is a
 * quorum for the state too. Its view, proposer and time are those of the first proposal and never
 * change (DESIGN 5). Height 0 is genesis: no body, no votes. */
#ifndef LEDGER_BLOCK_H
#define LEDGER_BLOCK_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/record.h"
#include "base/units.h"

/* The first protocol version, and the newest that this program knows. A rule that changes what a block gives is a new version; the rules of
 * all versions since the first stay, for those who replay. Governance says from which height on one counts (contracts/governance.h). */
#define BLOCK_VERSION        1
#define BLOCK_VERSION_NEWEST 1

/* A packed header's size at most. */
#define BLOCK_HEADER_BYTES 384

struct block_header {
    uint8_t version;                 /* of the protocol: BLOCK_VERSION..BLOCK_VERSION_NEWEST */
    struct digest chain;             /* genesis digest */
    uint64_t height;                 /* parent's + 1 */
    uint64_t view;                   /* of the first proposal */
    struct digest parent;            /* header digest; zero for height 0 */
    uint64_t time_ms;                /* above the parent's */
    uint8_t proposer;                /* seat in the set that certifies this block */
    struct digest tx_root;           /* RFC 6962, leaves are whole transactions */
    struct digest receipt_root;      /* RFC 6962 (ledger/receipt.h) */
    struct digest state_root;        /* sparse tree (ledger/sparse.h), after this block */
    struct digest set_digest;        /* the validators that certify this block */
    struct digest next_set_digest;   /* the validators that certify the next one */
    struct digest parameters_digest; /* after this block */
};

struct block_item {
    struct bytes tx; /* ledger/tx.h, signature included */
};

struct block_body {
    struct block_item *items;
    uint32_t item_count; /* <= LIMIT_BLOCK_TXS */
};

extern const struct record block_header_record;
extern const struct record block_item_record;
extern const struct record block_body_record;

/* Size of a packed body that has `count` transactions of `tx_bytes` bytes in all, at most. */
size_t block_body_size(uint32_t count, size_t tx_bytes);

/* The bytes of `header`, at most BLOCK_HEADER_BYTES, and its digest. Returns the size. */
size_t block_header_pack(uint8_t out[BLOCK_HEADER_BYTES], struct digest *digest,
                         const struct block_header *header);

/* ERR_MALFORMED or ERR_LIMIT for anything else than one header of a version that this program knows. */
MUST_USE enum err block_header_unpack(struct block_header *header, struct bytes raw,
                                      struct fault *fault);

/* The body's list borrows from `raw` and comes from `arena`. */
MUST_USE enum err block_body_unpack(struct arena *arena, struct block_body *body, struct bytes raw,
                                    struct fault *fault);

struct digest block_tx_root(const struct block_body *body);

/* What a header must satisfy against its parent's, whatever its body: version, chain, height,
 * parent, time, set. ERR_MISMATCH and a sentence otherwise. Pure. */
MUST_USE enum err block_check(const struct block_header *header, const struct block_header *parent,
                              const struct digest *parent_digest, struct fault *fault);

#endif
