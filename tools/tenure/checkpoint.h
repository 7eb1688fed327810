/* A worker's checkpoints: the states that a segment went through, on its own disk, so that a worker killed at any point goes on with
 * the same bits, and can serve the start of an interval that an audit draws (DESIGN 8.4).
 *
 * All that a segment commits to is a function of its start state, so its checkpoints lie in a folder named after that state's root:
 *
 *     FOLDER/START ROOT/LEAF      "12": leaves 0..12 of the trace, and the state at leaf 12
 *
 *     SHA-256 of what follows     32 bytes
 *     leaves 0..LEAF              64 bytes each: state root, witness
 *     changed chunks              each: index (8 bytes), size (4), bytes; integers big-endian
 *
 * Only chunks that differ from the start state's are kept: parameters and moments, three fifths of a state. A file is put in place whole
 * or not at all. One that isn't what it was (its digest, or the state's root against its leaf) is removed and counts as not there. */
#ifndef TOOLS_TENURE_CHECKPOINT_H
#define TOOLS_TENURE_CHECKPOINT_H

#include "tools/sys/file.h"
#include "trainer/state.h"
#include "trainer/trace.h"

struct checkpoints {
    char folder[FILE_PATH_SIZE];
    uint64_t bytes_max; /* of all files */
    int lock;           /* a descriptor: one process has a folder */
};

/* Opens or makes the folder. ERR_BUSY when another process has it, ERR_IO, ERR_LIMIT for too long a path. */
MUST_USE enum err checkpoint_open(struct checkpoints *checkpoints, const char *folder,
                                  uint64_t bytes_max, struct fault *fault);
void checkpoint_close(struct checkpoints *checkpoints);

/* Keeps `state`, which is at leaf `leaf` >= 1 of the segment that begins with `start`; leaves[0..leaf] are known, and both states' ids are
 * fresh (state_root). Room is made by removing other segments, the one untouched longest first, then this one's leaves, odd ones first, but
 * never its last. ERR_LIMIT when that isn't enough, ERR_IO (a full disk included): then what was there is still there, or was removed. */
MUST_USE enum err checkpoint_save(struct checkpoints *checkpoints, const struct state *start,
                                  const struct state *state, const struct trace_leaf *leaves,
                                  uint32_t leaf, struct fault *fault);

/* The last good checkpoint among leaves first..last, 1 <= first: fills *leaf, leaves[1..*leaf] and `state`, which state_init made for the
 * same program. Requires leaves[0] to be that of `start`. *damaged counts those that were not good. False, with `state` and leaves
 * unspecified, when there is none. */
bool checkpoint_load(struct checkpoints *checkpoints, const struct state *start,
                     struct state *state, struct trace_leaf *leaves, uint32_t first, uint32_t last,
                     uint32_t *leaf, uint32_t *damaged);

#endif
