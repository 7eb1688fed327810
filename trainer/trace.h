/* What a worker commits of a segment (DESIGN 8.4): the state after every C steps and the witness
 * that it was trained.
 *
 *     leaf 0           leaf 1             leaf 2       ...   leaf ceil(H/C)
 *     start state      state after C      after 2C           end state, with the compressed delta
 *     witness zero     of steps 0..C-1    of C..2C-1         of the rest
 *
 * A program may diverge: in some step the loss, the gradient's norm or a parameter isn't finite. That is as exact as any other result, and
 * the trace says so: the leaf of the interval in which it happens is trace_diverged of its steps before that, all later leaves are
 * trace_diverged of zero, and there is no end state.
 *
 * The trace root is the RFC 6962 root over these leaves. All here is cheap and needs no floating
 * point, so that contracts use it too. */
#ifndef TRAINER_TRACE_H
#define TRAINER_TRACE_H

#include "base/digest.h"
#include "base/record.h"

struct trace_leaf {
    struct digest state_root; /* of the state at this point (trainer/state.h) */
    struct digest witness;    /* of the interval that ends here; zero in leaf 0 */
};

extern const struct record trace_leaf_record;

/* The leaf of an interval that diverged. Its state root is SHA-256("tenure/diverged/1"), which no state has; `witness` is of the steps before
 * the one that isn't finite, or zero in the intervals after it. */
struct trace_leaf trace_diverged(const struct digest *witness);
bool trace_is_diverged(const struct trace_leaf *leaf);

bool trace_leaf_equal(const struct trace_leaf *a, const struct trace_leaf *b);

/* merkle_leaf(state root | witness). */
struct digest trace_leaf_digest(const struct trace_leaf *leaf);

/* 1 + ceil(steps / interval). Requires steps >= 1 and interval >= 1. */
uint32_t trace_leaf_count(uint32_t steps, uint32_t interval);

/* Steps done at leaf `index`: min(index * interval, steps). */
uint32_t trace_step(uint32_t steps, uint32_t interval, uint32_t index);

/* The root over `count` >= 1 leaves. */
struct digest trace_root(const struct trace_leaf *leaves, uint32_t count);

/* A witness in the making: SHA-256 over, for each step of the interval, the loss and the gradient
 * norm as binary32, little-endian. */
struct trace_witness {
    struct digest_stream stream;
};

void trace_witness_init(struct trace_witness *witness);
void trace_witness_add(struct trace_witness *witness, float loss, float norm);
struct digest trace_witness_end(struct trace_witness *witness);

#endif
