/* What training and replaying a job needs, kept together: its program, its data, a kernel, and its states as blobs of the nodes. */
#ifndef TOOLS_TENURE_WORKSHOP_H
#define TOOLS_TENURE_WORKSHOP_H

#include "tools/sys/parallel.h"
#include "tools/tenure/corpus.h"
#include "trainer/kernel.h"
#include "trainer/program.h"
#include "trainer/segment.h"
#include "trainer/state.h"

struct workshop {
    struct arena arena; /* the program's layers */
    struct program program;
    struct corpus corpus;
    struct parallel *threads; /* the kernel's; NULL: one thread, the caller's */
    struct kernel kernel;
    struct segment segment;
    bool ready; /* data, kernel and segment are there */
};

/* A kernel's name, or NULL for the fastest that this CPU can run. ERR_USAGE with a sentence. */
MUST_USE enum err workshop_kernel(enum kernel_kind *kind, const char *name, struct fault *fault);

/* Opens for the packed program, to move states. Release with workshop_release, also after an error. */
MUST_USE enum err workshop_open(struct workshop *workshop, struct bytes program,
                                struct fault *fault);

/* Makes an open workshop ready to train: the data with root `data` are read from `folder`, or, when other ones or none are there,
 * fetched from the nodes; the kernel runs on `threads` threads. ERR_NOT_FOUND when neither has them; errors of segment_init. */
MUST_USE enum err workshop_furnish(struct workshop *workshop, struct client *client,
                                   const char *folder, const struct digest *data,
                                   enum kernel_kind kind, uint32_t threads, struct fault *fault);
void workshop_release(struct workshop *workshop);

/* Fetches the state with this root into `state`, which is initialised here: release it with state_release after ERR_NONE.
 * Errors of transfer_fetch and state_load. */
MUST_USE enum err workshop_fetch(struct workshop *workshop, struct client *client,
                                 struct state *state, enum state_kind kind,
                                 const struct digest *root, struct fault *fault);

/* Sends a state to `copies` nodes, so that it is still there when one of them isn't. */
MUST_USE enum err workshop_push(struct client *client, struct state *state, uint32_t copies,
                                struct fault *fault);

/* The start state of `slot` in the round of `global`: `residue_root` is the end state that holds the slot's residue, zero for none;
 * `steps` is the slot's H (contracts/share.h). `start` is initialised here. */
MUST_USE enum err workshop_start(struct workshop *workshop, struct client *client,
                                 struct state *start, const struct state *global,
                                 const struct digest *residue_root, uint16_t slot, uint32_t steps,
                                 struct fault *fault);

#endif
