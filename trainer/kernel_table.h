/* Between kernel.c, which cuts work into parts, and the three files that do a part of it with one instruction set each.
 * Not for others: use kernel.h. */
#ifndef TRAINER_KERNEL_TABLE_H
#define TRAINER_KERNEL_TABLE_H

#include "trainer/kernel.h"

/* The profile's numbers (NUMERICS.md). */
#define KERNEL_CHUNK 256u   /* of k in a product */
#define KERNEL_LANES 16u    /* virtual lanes of a sum */
#define KERNEL_PIECE 16384u /* elements in one sum of a long sum */
#define KERNEL_SMALL 0x1p-100f

/* Columns of b that are packed at once: 256 * 384 * 4 bytes is 384 KiB, which leaves most of a level 2 cache of 1 MiB. A multiple of
 * every kind's tile width. */
#define KERNEL_COLUMNS 384u
#define KERNEL_ROOM    (KERNEL_COLUMNS * KERNEL_CHUNK) /* floats */

/* out[m][n] = sum over k of a(i, k) * b(k, j) (+ bias), of which one part is rows [row, row_end) and columns [column, column_end).
 * a(i, k) is a[i * a_row + k * a_step], b(k, j) is b[k * b_step + j * b_column]. In each pair one stride is 1. */
struct kernel_product {
    float *out;
    const float *a;
    const float *b;
    const float *bias; /* [n] or NULL */
    size_t n;          /* row length of out */
    size_t k;          /* >= 1 */
    size_t a_row;
    size_t a_step;
    size_t b_step;
    size_t b_column;
    size_t row;
    size_t row_end;
    size_t column;
    size_t column_end;
};

/* See kernel.h for what each does; ranges are already cut. */
struct kernel_table {
    void (*product)(const struct kernel_product *product,
                    float *room); /* room[KERNEL_ROOM], 64-byte aligned */
    void (*column_sums)(float *out, const float *x, size_t m, size_t n, size_t column,
                        size_t column_end);
    void (*relu)(float *x, size_t count);
    void (*relu_back)(float *gradient, const float *y, size_t count);
    void (*cross_entropy)(float *loss, float *gradient, const float *logits, const uint8_t *labels,
                          size_t rows, size_t classes, float scale);
    void (*adamw)(float *parameters, float *moment1, float *moment2, const float *gradient,
                  size_t count, const struct kernel_rates *rates);
    void (*sgd)(float *parameters, float *moment, const float *gradient, size_t count,
                const struct kernel_rates *rates);
    float (*sum)(const float *x, size_t count);     /* by lanes; count <= KERNEL_PIECE */
    float (*squares)(const float *x, size_t count); /* likewise, of squares */
    void (*exp)(float *x, size_t count);            /* in place, for x <= 0; +0 below -87 */
    void (*log)(float *x, size_t count);            /* in place, for normal x > 0 */
};

extern const struct kernel_table kernel_scalar_table;
extern const struct kernel_table kernel_avx2_table;
extern const struct kernel_table kernel_avx512_table;

#endif
