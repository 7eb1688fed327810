/* Causal attention of several heads: forward and backward (NUMERICS.md, section 6.2).
 *
 *     mixed [rows][3 * width]   of each row its query, key and value, each of heads * size values
 *     out   [rows][width]       of each head: the values of the rows up to this one, weighed by
 *                               softmax(query . key / sqrt(size))
 *
 * `rows` is sequences * tokens; a row sees its own sequence only. The weights aren't kept: the
 * backward pass computes them again, which costs less than their memory. */
#ifndef TRAINER_ATTENTION_H
#define TRAINER_ATTENTION_H

#include "trainer/kernel.h"

struct attention {
    size_t sequences;
    size_t tokens; /* of each sequence */
    size_t heads;
    size_t size; /* of a head; the width is heads * size */
};

/* Floats of working room that both passes take for a kernel of so many threads. */
size_t attention_room(const struct attention *shape, uint32_t threads);

void attention_forward(struct kernel *kernel, float *out, const float *mixed,
                       const struct attention *shape, float *room);

/* mixed_gradient [rows][3 * width] from gradient [rows][width] of `out`. */
void attention_backward(struct kernel *kernel, float *mixed_gradient, const float *gradient,
                        const float *mixed, const struct attention *shape, float *room);

#endif
