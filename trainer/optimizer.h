/* One optimizer step of a program: its learning rate, its bound on the gradient, and which tensors
 * decay (NUMERICS.md, section 7). */
#ifndef TRAINER_OPTIMIZER_H
#define TRAINER_OPTIMIZER_H

#include "trainer/kernel.h"
#include "trainer/state.h"

/* The learning rate of step `step` of a segment in round `round`. An mlp's is constant. A gpt's is a
 * function of t = round * program->steps + step alone: it rises over warm_up steps, and falls along
 * half a cosine to rate_last at `decay` (Loshchilov and Hutter, 2017). */
float optimizer_rate(const struct program *program, uint32_t round, uint32_t step);

/* (1 + cos(pi x)) / 2 for 0 <= x <= 1, within 0x1.4p-23. Stands under the profile's control. */
float optimizer_half_cosine(float x);

/* Updates the state's parameters, moments and powers of beta by `gradient` [P], whose norm is `norm`.
 * Marks nothing as changed and doesn't count the step. Stands under the profile's control. */
void optimizer_step(struct kernel *kernel, const struct program *program, struct state *state,
                    const float *gradient, float norm);

#endif
