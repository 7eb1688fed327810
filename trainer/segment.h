/* A segment: one worker's steps of one round, a closed function (DESIGN 8.4)
 *
 *     (global state of the round, the slot's residue, program, data, round, slot, steps)
 *         -> (end state, trace)
 *
 * and its replay, interval by interval. Moments are zero at its start, so anybody can compute the
 * start root and take a lost worker's place.
 *
 *     run      segment_start --> [leaf 0] --segment_advance--> [leaf 1] --...--> [last leaf: compressed]
 *     replay   state_load(state of leaf j - 1) --segment_advance--> the same as leaf j? */
#ifndef TRAINER_SEGMENT_H
#define TRAINER_SEGMENT_H

#include "trainer/dataset.h"
#include "trainer/kernel.h"
#include "trainer/network.h"
#include "trainer/state.h"
#include "trainer/trace.h"

/* Who wants to know how it goes. Any member may be NULL. */
struct segment_watch {
    void *self;
    /* After each step; `step` counts from 0. Loss is the batch's mean before the step. */
    void (*step)(void *self, uint32_t step, float loss, float norm);
    /* At each leaf, with the state it commits to: the place to store or send its chunks
     * (state_chunk). Anything but ERR_NONE stops the run with that error. */
    enum err (*leaf)(void *self, uint32_t index, const struct trace_leaf *leaf,
                     struct state *state);
};

/* Working memory for a program on a data set. Borrows program, data and kernel; they must outlive
 * it. One thread at a time. */
struct segment {
    const struct program *program;
    const struct dataset *data;
    struct kernel *kernel;
    struct network network;       /* activations and gradients; owned */
    struct digest program_digest; /* of `program` */
};

/* ERR_MISMATCH with a sentence when the data doesn't fit the program (images or tokens, sizes
 * of samples, a label that is no class), ERR_LIMIT when there is no memory. */
MUST_USE enum err segment_init(struct segment *segment, const struct program *program,
                               const struct dataset *data, struct kernel *kernel,
                               struct fault *fault);
void segment_release(struct segment *segment);

/* Makes `start` the start state of slot `slot` in the global state's round. `start` is from
 * state_init for the same program. `residue` has P values, or is NULL for zero (round 0, or lost).
 * `steps` is the slot's H: program->steps or a multiple of program->interval, at most
 * PROGRAM_STEPS_MAX. A pure function: needs neither data nor kernel. */
void segment_start(struct state *start, const struct program *program, const struct state *global,
                   const float *residue, uint16_t slot, uint32_t steps);

/* Trains from state->step, which must be a leaf's and before the end, to the next leaf; in the last
 * interval the end is compressed too. *witness is the leaf's; its root is state_root of the state, or of
 * a copy while the next interval is trained already (streaming commitment, DESIGN 8.4). Errors and
 * `watch` as segment_advance; *witness is filled with ERR_CORRUPT, too. */
MUST_USE enum err segment_train(struct segment *segment, struct state *state,
                                struct digest *witness, const struct segment_watch *watch,
                                struct fault *fault);

/* Trains from state->step, which must be a leaf's and before the end, to the next leaf; in the last
 * interval the end is compressed too. Fills `leaf` with the state root and witness there. This is
 * all that a replay does. ERR_MISMATCH when the state is of another program or data set, ERR_NOT_NOW
 * when it is at its end or between two leaves, ERR_CORRUPT with a sentence that names the step when
 * the loss, the gradient norm or the delta isn't finite; then the state is unspecified, and `leaf` says
 * that it diverged (trainer/trace.h). `watch` may be NULL; its `leaf` isn't called. */
MUST_USE enum err segment_advance(struct segment *segment, struct state *state,
                                  struct trace_leaf *leaf, const struct segment_watch *watch,
                                  struct fault *fault);

/* Runs from the start state to the end: fills leaves[trace_leaf_count(state->steps,
 * program->interval)], all leaves in order passed to `watch` (which may be NULL). Requires
 * state->step 0. Errors as segment_advance, and what watch->leaf answers. */
MUST_USE enum err segment_run(struct segment *segment, struct state *state,
                              struct trace_leaf *leaves, const struct segment_watch *watch,
                              struct fault *fault);

#endif
