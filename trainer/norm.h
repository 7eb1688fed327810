/* Layer normalisation of rows (Ba, Kiros, Hinton, 2016), forward and backward (NUMERICS.md, section
 * 6.2):
 *
 *     h = (x - mean) / sqrt(variance + 1e-5),   out = h * gain + bias */
#ifndef TRAINER_NORM_H
#define TRAINER_NORM_H

#include "trainer/kernel.h"

struct kernel_moments;

/* Bytes that a row's moments take; the backward pass wants those of the forward one. */
size_t norm_moments_size(size_t rows);

/* out[rows][n] and the moments of x[rows][n]; gain and bias [n]. Requires 1 <= n <= 16384. */
void norm_forward(struct kernel *kernel, float *out, struct kernel_moments *moments, const float *x,
                  const float *gain, const float *bias, size_t rows, size_t n);

/* From gradient[rows][n] of the output: out = base + the gradient of x, or without `base` if it is
 * NULL; gain_gradient[n], bias_gradient[n]. `out` may be `base`. room[rows][n] is written. */
void norm_backward(struct kernel *kernel, float *out, float *gain_gradient, float *bias_gradient,
                   const float *base, const float *gradient, const float *x,
                   const struct kernel_moments *moments, const float *gain, float *room,
                   size_t rows, size_t n);

#endif
