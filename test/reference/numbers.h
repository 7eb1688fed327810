/* NUMERICS.md sections 1 to 5, one function a formula: products, sums, functions, random numbers. */
#ifndef TEST_REFERENCE_NUMBERS_H
#define TEST_REFERENCE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

float without_small(float x);

/* A matrix that is read as it lies or transposed: element (i, j) is at[i * row + j * column]. */
struct operand {
    const float *at;
    size_t row;
    size_t column;
};

/* out[m][n] = a[m][k] * b[k][n] + bias[n], which may be NULL. */
void product(float *out, struct operand a, struct operand b, const float *bias, size_t m, size_t n, size_t k);

/* An element of a causal product: only l in first .. last - 1 of a[l * a_step] * b[l * b_step]. */
float part(const float *a, size_t a_step, const float *b, size_t b_step, size_t first, size_t last);

float lanes(const float *x, size_t count, bool square);
float dot(const float *x, const float *y, size_t count);
float sum_long(const float *x, size_t count, bool square); /* count <= 2^28 */
float norm(const float *x, size_t count);

float exp_down(float x);    /* x <= 0 */
float log_normal(float x);  /* x normal, > 0 */

float gelu(float x);
float gelu_back(float gradient, float x);
float half_cosine(float x); /* 0 <= x <= 1 */

void softmax(float *x, size_t count, float scale);

/* The loss of each row, and the gradient [rows][classes] of the mean of `total` such rows. */
void cross_entropy(float *loss, float *gradient, const float *x, const uint32_t *labels, size_t rows, size_t classes,
                   size_t total);

struct words {
    uint32_t w[4];
};
struct words philox(uint64_t seed, uint64_t stream, uint64_t index);

uint32_t below(uint64_t seed, uint64_t stream, uint64_t position, uint32_t bound);

#endif
