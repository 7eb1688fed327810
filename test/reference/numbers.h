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

float lanes(const float *x, size_t count, bool square);
float sum_long(const float *x, size_t count, bool square); /* count <= 2^28 */
float norm(const float *x, size_t count);

float exp_down(float x);    /* x <= 0 */
float log_normal(float x);  /* x normal, > 0 */

/* The loss of each row and the gradient of their mean, [rows][classes]. */
void cross_entropy(float *loss, float *gradient, const float *x, const uint8_t *labels, size_t rows, size_t classes);

struct words {
    uint32_t w[4];
};
struct words philox(uint64_t seed, uint64_t stream, uint64_t index);

uint32_t below(uint64_t seed, uint64_t stream, uint64_t position, uint32_t bound);

#endif
