/* Dropout (Srivastava et al., 2014): elements that are left out of one pass of training, and the others scaled so that sums keep their
 * expectation. Which ones is a function of seed, round, slot, step, micro-batch, place and element (NUMERICS.md, sections 5 and 6.2), so
 * the backward pass leaves out the same ones and a replay too. */
#ifndef TRAINER_DROPOUT_H
#define TRAINER_DROPOUT_H

#include "trainer/kernel.h"

#define DROPOUT_PLACES_MAX 256u /* in a model */

/* One micro-batch's; `threshold` 0 keeps everything. */
struct dropout {
    uint32_t threshold; /* an element is left out iff its random number is below */
    uint64_t seed;
    uint32_t round;
    uint16_t slot;
    uint32_t step;        /* < 2^20 */
    uint32_t micro_batch; /* < 2^10 */
};

/* out[i] = x[i] * keep or +0, for each i < count, which is below 2^28; `out` may be `x`. Requires place < DROPOUT_PLACES_MAX. */
void dropout_apply(const struct dropout *dropout, struct kernel *kernel, float *out, const float *x,
                   size_t count, uint32_t place);

#endif
