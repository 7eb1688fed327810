/* The close of a round (DESIGN 8.4): the weighted mean of the workers' deltas in exact integers,
 * then one outer Nesterov step.
 *
 * Integer addition has no rounding, so the order in which workers are added doesn't matter. */
#ifndef TRAINER_AGGREGATE_H
#define TRAINER_AGGREGATE_H

#include "trainer/state.h"

/* Largest sum of weights: with it the sum of 127 * 2^40 each stays below 2^63. */
#define AGGREGATE_WEIGHT_MAX 32768u

struct aggregate {
    const struct program *program; /* borrowed */
    uint32_t round;                /* of all that is added */
    uint32_t weight;               /* sum so far, <= AGGREGATE_WEIGHT_MAX */
    uint32_t count;                /* parameters */
    struct digest program_digest;
    struct digest data;
    int64_t *sum; /* [count], sum of weight * q * 2^(e + 40); owned, from the heap */
};

/* An empty sum for the round that `global` begins. ERR_LIMIT when there is no memory. */
MUST_USE enum err aggregate_init(struct aggregate *aggregate, const struct program *program,
                                 const struct state *global, struct fault *fault);
void aggregate_release(struct aggregate *aggregate);

/* Adds a verified end state with weight ceil(steps / interval). The caller adds each slot once.
 * ERR_MISMATCH when it is no end state of this program, data and round, ERR_LIMIT when the weights
 * pass their bound, ERR_MALFORMED when an exponent is out of its range; then nothing was added. */
MUST_USE enum err aggregate_add(struct aggregate *aggregate, const struct state *end,
                                struct fault *fault);

/* Makes `global`, the state that the round began with, the one that the next round begins with:
 *
 *     g = (sum / weight) * 2^-40
 *     outer = fma(mu, outer, g)
 *     parameters = fma(-rate, fma(mu, outer, g), parameters)
 *
 * with +0 for a new value below 2^-100 in magnitude. ERR_NOT_NOW when nothing was added or `global` is of
 * another round, ERR_CORRUPT with `global` unspecified when a result isn't finite. */
MUST_USE enum err aggregate_finish(const struct aggregate *aggregate, struct state *global,
                                   struct fault *fault);

#endif
