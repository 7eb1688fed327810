/* A fresh store made of a snapshot (snapshot.h), chunk by chunk, in any order of the ranges.
 *
 *     state        what a kill leaves                        left by
 *     unfinished   an import that goes on where it was       import_finish, when every range is in
 *     finished     a whole chain, for chain_open             nothing: chain_open's from then on
 *
 * A chunk, the pages of the tree that it makes, and how far its range has come are one synced batch; so is the end, which is refused unless
 * the tree that came out has exactly the header's state root. chain_open refuses an unfinished import.
 *
 * The chain then starts at the snapshot's height: of that block, and of the one above which its validator set decides, there are the
 * headers, and those of all boundaries with their certificates; of all else below there is nothing.
 * The header is the caller's to check: its certificate, and its chain. For one thread. */
#ifndef LEDGER_IMPORT_H
#define LEDGER_IMPORT_H

#include "ledger/snapshot.h"

struct import;

/* A block whose set of validators differs from the next one's. */
struct import_boundary {
    struct bytes header, certificate; /* packed */
};

/* What is imported; borrowed during import_open. */
struct import_target {
    struct bytes genesis; /* the packed genesis record */
    struct bytes
        header_base; /* packed header of the block above which its validator set decides: block 0, or a boundary */
    struct bytes header;      /* packed header of the snapshot's block, above 0 */
    struct bytes certificate; /* of that block, as chain_commit takes it */
    const struct import_boundary *boundaries; /* all up to the base, so that this node can show them to others, too */
    size_t boundary_count;
};

/* Begins an import in the folder `path`, made when it is missing, or goes on with the one that is there. ERR_MISMATCH: the folder holds
 * something else (another snapshot, a chain): remove it first; ERR_MALFORMED: no header; else as store_open. */
MUST_USE enum err import_open(struct import **import, const char *path,
                              const struct import_target *target, struct fault *fault);

/* The height of the unfinished import in the folder `path`, which is there; ERR_NOT_FOUND: it holds none; else as store_open. */
MUST_USE enum err import_height(const char *path, struct height *height, struct fault *fault);

/* NULL is fine. */
void import_close(struct import *import);

/* Where the range's next chunk begins; false when all of the range is in. */
bool import_next(const struct import *import, unsigned range, struct digest *from);

/* Ranges that are in, and leaves so far. */
unsigned import_ranges(const struct import *import);
uint64_t import_leaves(const struct import *import);

/* Checks a chunk that somebody sent for what import_next gave, and takes it in, durably. ERR_MALFORMED, ERR_LIMIT, ERR_MISMATCH: it isn't
 * that chunk, the fault says why, and nothing has changed; ERR_IO, ERR_CORRUPT: the store failed. */
MUST_USE enum err import_add(struct import *import, unsigned range, struct bytes packed,
                             struct fault *fault);

/* Makes it a whole chain. Requires all ranges (CHECK). ERR_CORRUPT: the store isn't what was put into it. */
MUST_USE enum err import_finish(struct import *import, struct fault *fault);

#endif
