/* The arithmetic of profile f32-v1 (NUMERICS.md), by the instructions that this CPU has.
 *
 * All kinds give the same bits for every input, shape and number of threads; they differ in speed
 * only. Code for an instruction set runs only after the CPU was asked for it (NEON is part of every
 * AArch64). Matrices are
 * row-major and dense; outputs don't overlap inputs unless said. Every thread's rounding and
 * denormal control (MXCSR, FPCR) is set to IEEE's defaults on entry, checked, and put back. */
#ifndef TRAINER_KERNEL_H
#define TRAINER_KERNEL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_kind {
    KERNEL_SCALAR, /* one element at a time, with the FMA instruction */
    KERNEL_AVX2,   /* 8 at a time */
    KERNEL_AVX512, /* 16 at a time */
    KERNEL_NEON,   /* 4 at a time */
};

#define KERNEL_KINDS 4

/* "scalar", "avx2", "avx512", "neon". */
const char *kernel_name(enum kernel_kind kind);

/* False, and *kind untouched, for any other name. */
bool kernel_parse(enum kernel_kind *kind, const char *name);

/* Whether this CPU can run it. An x86 without FMA can run none. */
bool kernel_is_supported(enum kernel_kind kind);

/* The fastest that this CPU can run, in *kind; false if none. */
bool kernel_best(enum kernel_kind *kind);

/* Sets this thread's rounding and denormal control to the profile's (to nearest even, subnormals
 * kept, no traps), CHECKs that it holds, and gives what it was for kernel_control_restore. All of
 * trainer/ that adds or multiplies stands between the two; the functions below do so themselves. */
uint32_t kernel_control_set(void);
void kernel_control_restore(uint32_t before);

/* A parallel for, which the caller owns: `each` calls body(work, index) once for every index <
 * count, on any threads in any order, and returns when all have returned. */
struct kernel_parallel {
    void *self;
    uint32_t threads; /* 1..KERNEL_THREADS_MAX: into how many parts work is cut */
    void (*each)(void *self, uint32_t count, void (*body)(void *work, uint32_t index), void *work);
};

#define KERNEL_THREADS_MAX 64u

struct kernel_table;

struct kernel {
    enum kernel_kind kind;
    const struct kernel_table *table;
    struct kernel_parallel parallel;
    void *memory; /* for packed operands, one room a thread; owned */
};

/* `parallel` NULL: everything runs in the caller's thread. ERR_USAGE with a sentence when the CPU
 * can't run `kind`, ERR_LIMIT when there is no memory. */
MUST_USE enum err kernel_init(struct kernel *kernel, enum kernel_kind kind,
                              const struct kernel_parallel *parallel, struct fault *fault);
void kernel_release(struct kernel *kernel);

/* --- products: k in chunks of 256, fma in ascending k from +0 a chunk, chunk sums added in
 * ascending order, the bias last --- */

/* out[m][n] = a[m][k] * b[k][n] (+ bias[n] unless NULL). Requires m, n, k >= 1. */
void kernel_gemm_nn(struct kernel *kernel, float *out, const float *a, const float *b,
                    const float *bias, size_t m, size_t n, size_t k);

/* out[m][n] = a[m][k] * transpose of b[n][k] (+ bias[n]). */
void kernel_gemm_nt(struct kernel *kernel, float *out, const float *a, const float *b,
                    const float *bias, size_t m, size_t n, size_t k);

/* out[m][n] = transpose of a[k][m] * b[k][n] (+ bias[n]). */
void kernel_gemm_tn(struct kernel *kernel, float *out, const float *a, const float *b,
                    const float *bias, size_t m, size_t n, size_t k);

/* out[n] = sum over the rows of x[m][n], as a product with ones. */
void kernel_column_sums(struct kernel *kernel, float *out, const float *x, size_t m, size_t n);

/* --- element by element --- */

/* x = x > 0 ? x : +0, in place. */
void kernel_relu(struct kernel *kernel, float *x, size_t count);

/* gradient = y > 0 ? gradient : +0, in place; y is relu's output. */
void kernel_relu_back(struct kernel *kernel, float *gradient, const float *y, size_t count);

/* out = a + b; `out` may be either. */
void kernel_add(struct kernel *kernel, float *out, const float *a, const float *b, size_t count);

/* out = gelu(x) in its tanh form (Hendrycks and Gimpel, 2016); `out` may be `x`. */
void kernel_gelu(struct kernel *kernel, float *out, const float *x, size_t count);

/* gradient = gradient * gelu'(x), in place. NaN beyond |x| = 0x1.53a9c4p43 (NUMERICS.md, section 4). */
void kernel_gelu_back(struct kernel *kernel, float *gradient, const float *x, size_t count);

/* For each row of logits[rows][classes]: loss[row] = log(sum of exp(x - max)) - (x[label] - max),
 * and gradient[rows][classes] = (softmax - one at the label) * (1 / total). `gradient` may be
 * `logits` itself. Requires labels[row] < classes and total >= rows: the rows that share a step. */
void kernel_cross_entropy(struct kernel *kernel, float *loss, float *gradient, const float *logits,
                          const uint16_t *labels, size_t rows, size_t classes, size_t total);

/* The numbers of one optimizer step; powers are those after this step's product. */
struct kernel_rates {
    float rate;
    float shrink; /* gradients are multiplied by it first: 1, or what brings a long one to its bound */
    float beta1;
    float beta2;
    float epsilon;
    float weight_decay;
    float beta1_power;
    float beta2_power;
};

/* One AdamW step over `count` parameters: updates parameters and both moments. */
void kernel_adamw(struct kernel *kernel, float *parameters, float *moment1, float *moment2,
                  const float *gradient, size_t count, const struct kernel_rates *rates);

/* One SGD step: moment = fma(beta1, moment, gradient), then decay and step. */
void kernel_sgd(struct kernel *kernel, float *parameters, float *moment, const float *gradient,
                size_t count, const struct kernel_rates *rates);

/* --- sums by 16 virtual lanes, a sum per 16,384 elements and then the same rule over those --- */

float kernel_sum(struct kernel *kernel, const float *x, size_t count);

/* The square root of the sum of squares, squares by fma. Requires count <= 2^28. */
float kernel_norm(struct kernel *kernel, const float *x, size_t count);

#endif
