/* Snapshots: the state of one committed height as chunks of leaves, each provable by itself against the certified state root.
 *
 * A chunk holds *all* leaves of the closed interval [from, to] of positions, H(key), in ascending order, and the proofs of what is at
 * `from` and at `to` (sparse.h). The subtrees that hang between the two paths must be exactly the chunk's leaves, so none can be left
 * out, added or changed, not at its ends either; and the next chunk begins at to + 1, so none can be lost between two.
 *
 *     root           from's path turns left, to's path turns right
 *       /  \         a  what hangs right of from's path, below the fork    must be made of the leaves
 *      /    \        b  what hangs left of to's path, below the fork       must be made of the leaves
 *     /\ a b /\      all else is outside, and only its digests are known
 *
 * Positions are cut into SNAPSHOT_RANGES equal ranges, which can be fetched at once. In a range a chunk ends with the leaf with which
 * its bytes reach SNAPSHOT_CHUNK_BYTES, or at the range's end. So every honest node cuts the same chunks of a height, byte for byte, and
 * a dishonest one can't make somebody fetch endless tiny ones.
 *
 * All that a chunk claims is hostile until snapshot_check: counts and sizes are bounded before memory is taken. */
#ifndef LEDGER_SNAPSHOT_H
#define LEDGER_SNAPSHOT_H

#include "ledger/history.h"

/* 16: as many as peers that would be asked at once in a large consortium, and a chunk each is little for a small state. */
#define SNAPSHOT_RANGES 16

/* A chunk is full with the leaf that reaches it: a quarter of a second on a slow line of 2 Mbit/s. */
#define SNAPSHOT_CHUNK_BYTES 65536

/* The largest packed chunk: full but one byte, the largest leaf, as many heads as the smallest leaves have, two proofs. */
#define SNAPSHOT_PACKED_BYTES                                                                      \
    (7 * SNAPSHOT_CHUNK_BYTES / 2 + LIMIT_KEY_BYTES + LIMIT_VALUE_BYTES +                          \
     2 * LIMIT_SPARSE_PATH * (DIGEST_SIZE + 2) + 1024)

/* Memory that unpacking and checking any chunk takes at most. */
#define SNAPSHOT_ARENA_BYTES (8u << 20)

struct snapshot_leaf {
    struct bytes key;   /* the state's key; its position is H(key) */
    struct bytes value; /* never empty */
};

struct snapshot_chunk {
    struct digest from, to;       /* positions, inclusive, both of one range */
    struct snapshot_leaf *leaves; /* by ascending position */
    uint32_t leaf_count;
    struct sparse_proof left, right; /* of what is at `from` and at `to` */
};

extern const struct record snapshot_chunk_record;

/* The first and the last position of a range, < SNAPSHOT_RANGES; the range of a position; the position behind one. The last position of
 * all has none behind it: CHECK. */
struct digest snapshot_first(unsigned range);
struct digest snapshot_last(unsigned range);
unsigned snapshot_range(const struct digest *position);
struct digest snapshot_behind(const struct digest *position);

/* Unpacks `packed`, which it borrows, and checks that it is the chunk that begins at `from` in the state with this root. Pure.
 * ERR_MALFORMED, ERR_LIMIT: no chunk; ERR_MISMATCH: not this one, or not all of it; the fault says what is wrong. ERR_LIMIT also when the
 * arena has less than SNAPSHOT_ARENA_BYTES. */
MUST_USE enum err snapshot_check(struct arena *arena, struct snapshot_chunk *chunk,
                                 struct bytes packed, const struct digest *root,
                                 const struct digest *from, struct fault *fault);

/* Cuts the chunk that begins at `from` from the state after block `height`, while the node goes on. ERR_NOT_FOUND: that state isn't here;
 * the store's errors as in history.h; ERR_LIMIT: less than SNAPSHOT_ARENA_BYTES. */
MUST_USE enum err snapshot_cut(struct arena *arena, struct history *history, struct bytes *packed,
                               struct height height, const struct digest *from,
                               struct fault *fault);

#endif
