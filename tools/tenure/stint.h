/* A worker's stint at one segment: it trains from the last good checkpoint, keeps each leaf's state as it goes, and comes back to any leaf
 * whose state is asked for.
 *
 *     stint_init --> [leaf 0] --stint_reach(n)--> [leaf n] --stint_reach(m)--> [leaf m]     m < n too
 *
 * The state of a leaf is copied, and a thread of its own hashes and keeps the copy while the next interval is trained; the leaf is filled in
 * when that thread is done, at the next leaf or before stint_reach returns.
 *
 * The log is told where it went on, and what was wrong with a checkpoint. The leaves are the same however often the worker was killed on the way. */
#ifndef TOOLS_TENURE_STINT_H
#define TOOLS_TENURE_STINT_H

#include "tools/sys/thread.h"
#include "tools/tenure/checkpoint.h"
#include "trainer/segment.h"

struct stint {
    struct checkpoints *checkpoints;   /* borrowed */
    struct segment *segment;           /* borrowed */
    const struct segment_watch *watch; /* borrowed; may be NULL */
    struct state start;                /* at leaf 0; owned */
    struct state state;                /* at `leaf`; owned */
    struct state copy;                 /* of the leaf that the scribe has in hand; owned */
    struct thread scribe;              /* hashes and keeps `copy` */
    uint32_t scribed;                  /* that leaf; 0: none */
    struct trace_leaf *leaves;         /* the caller's */
    uint32_t leaf, leaf_count;
    uint32_t resumed; /* the last leaf that a checkpoint gave; 0: none */
    uint32_t damaged; /* checkpoints found damaged, and removed */
    uint32_t unkept;  /* leaves whose state could not be kept, for the reason in `fault` */
    struct fault fault;
};

/* At the segment's start. Takes `start`, also when it fails; `leaves` has room for all of the segment's. `watch` is told of each step and of
 * each leaf after 0 that is trained here, when its root is known. The stint must not move in memory. ERR_LIMIT when there is no memory. */
MUST_USE enum err stint_init_take(struct stint *stint, struct checkpoints *checkpoints,
                                  struct segment *segment, const struct segment_watch *watch,
                                  struct state *start, struct trace_leaf *leaves,
                                  struct fault *fault);
void stint_release(struct stint *stint);

/* Brings stint->state to leaf `leaf`, by training from the nearest state before it that is known. A state that can't be kept is no error: it
 * can be computed again. Errors of segment_advance, and what watch->leaf answers; then the stint may only be released. With ERR_CORRUPT all
 * leaves are filled: the trace ends in a divergence. */
MUST_USE enum err stint_reach(struct stint *stint, uint32_t leaf, struct fault *fault);

#endif
