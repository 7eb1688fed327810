/* The validator sets that lead from what this node has committed to the set that certifies what others have: the chain of boundaries, each
 * header certified by the set before it and naming the set after it. So who joins after blocks were pruned still trusts genesis alone:
 * headers of boundaries, their certificates and all former sets are kept for ever.
 *
 *     lineage_begin     the set that certifies the next block here
 *     lineage_advance   the set after it, when somebody has shown the boundary between the two
 *
 * For one thread. */
#ifndef TOOLS_TENURED_LINEAGE_H
#define TOOLS_TENURED_LINEAGE_H

#include "consensus/verify.h"
#include "ledger/history.h"
#include "ledger/import.h"
#include "tools/tenured/wire.h"

/* Changes of the set that are followed: as many as one a day for ten years. */
#define LINEAGE_MAX 4096

struct node;

struct lineage {
    struct arena arena;           /* of what follows */
    uint64_t since;               /* the first height that `committee` certifies; 0: not begun */
    struct digest base;           /* of the header of the block before */
    struct bytes base_header;     /* it */
    struct committee committee;   /* whom we trust */
    struct import_boundary *list; /* all boundaries up to the base */
    size_t count;                 /* <= LINEAGE_MAX */
};

/* Zeroed at first. */
void lineage_release(struct lineage *lineage);

/* Starts over, with the chain here. Errors of the store; ERR_LIMIT: more than LINEAGE_MAX changes, or no memory. */
MUST_USE enum err lineage_begin(struct lineage *lineage, struct history *history,
                                struct fault *fault);

/* Starts over if it isn't begun, or the chain here has come further by itself. False: the node has failed and says why. */
bool lineage_follow(struct lineage *lineage, struct node *node);

/* What certificates are checked against; borrows. `chain` is the genesis digest. */
struct verify_context lineage_context(const struct lineage *lineage, const struct digest *chain);

/* Takes the next boundary, if it is one. Requires a begun lineage. ERR_MISMATCH: of another place (a later one, or one that is known);
 * ERR_MALFORMED, ERR_SIGNATURE: a lie; ERR_LIMIT: too many. Nothing changes then. */
MUST_USE enum err lineage_advance(struct lineage *lineage, const struct digest *chain,
                                  const struct wire_boundary *boundary, struct fault *fault);

/* The first boundary above `height`, with its certificate, and the set that it makes, in `arena`: also when the blocks around it are gone.
 * ERR_NOT_FOUND: there is none here. Reads all sets that ever were. */
MUST_USE enum err lineage_boundary(struct arena *arena, struct history *history,
                                   struct history_block *block, struct validator_set *set,
                                   struct height height, struct fault *fault);

/* The first boundary above `height`, as others are told it, in `arena`; ERR_NOT_FOUND: there is none here. */
MUST_USE enum err lineage_tell(struct arena *arena, struct history *history,
                               struct wire_boundary *boundary, struct height height,
                               struct fault *fault);

/* Does the key decide in the newest set? */
bool lineage_has(const struct lineage *lineage, const struct sign_public *key);

#endif
