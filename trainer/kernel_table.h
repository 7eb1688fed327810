/* Between kernel.c, which cuts work into parts, and the files that do a part of it with one instruction set each.
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

/* Rows of a that are packed at once: 64 KiB. At least every kind's BLOCK_ROWS. */
#define KERNEL_ROWS 64u
#define KERNEL_ROOM ((KERNEL_COLUMNS + KERNEL_ROWS) * KERNEL_CHUNK) /* floats */

/* Which k an element of row i sums over. Chunks count from k = 0 all the same. */
enum kernel_reach {
    KERNEL_ALL,    /* all */
    KERNEL_SCORES, /* all, but only columns j <= i are wanted: the others hold anything */
    KERNEL_UP_TO,  /* k <= i; a_step is 1, row 0, and k reaches row_end - 1 */
    KERNEL_FROM,   /* k >= i; a_row is 1, row 0, and k reaches row_end - 1 */
};

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
    enum kernel_reach reach;
};

/* One head's part of attention over one sequence: its columns of arrays whose rows are tokens. */
struct kernel_head {
    const float *query; /* [tokens][size], rows `stride` apart; key and value likewise */
    const float *key;
    const float *value;
    size_t stride;
    size_t tokens;
    size_t size;   /* columns of a head */
    size_t across; /* distance of rows of the head's output and of its gradient */
    float scale;   /* 1 / sqrt(size) */
};

/* What layer normalisation keeps of each row. */
struct kernel_moments {
    float mean;
    float inverse; /* 1 / sqrt(variance + epsilon) */
};

/* See kernel.h for what each does; ranges are already cut. */
struct kernel_table {
    void (*product)(const struct kernel_product *product,
                    float *room); /* room[KERNEL_ROOM], 64-byte aligned */
    void (*column_sums)(float *out, const float *x, size_t m, size_t n, size_t column,
                        size_t column_end);
    void (*relu)(float *x, size_t count);
    void (*relu_back)(float *gradient, const float *y, size_t count);
    void (*add)(float *out, const float *a, const float *b, size_t count);
    void (*gelu)(float *out, const float *x, size_t count);
    void (*gelu_back)(float *gradient, const float *x, size_t count);
    void (*norm)(float *out, struct kernel_moments *moments, const float *x, const float *gain,
                 const float *bias, size_t rows, size_t n);
    void (*norm_back)(float *out, float *weighted, const float *base, const float *gradient,
                      const float *x, const struct kernel_moments *moments, const float *gain,
                      size_t rows, size_t n);
    /* room[tokens * tokens] holds the weights afterwards; pack[KERNEL_ROOM] */
    void (*attention)(float *out, const struct kernel_head *head, float *room, float *pack);
    /* room[2 * tokens * tokens]; query, key and value as in *head, rows `stride` apart */
    void (*attention_back)(float *query, float *key, float *value, const float *gradient,
                           const struct kernel_head *head, float *room, float *pack);
    void (*cross_entropy)(float *loss, float *gradient, const float *logits, const uint16_t *labels,
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

/* Calls body(work, index) for every index < count, on the caller's threads, each under the profile's control. */
void kernel_each(struct kernel *kernel, uint32_t count, void (*body)(void *work, uint32_t index),
                 void *work);

/* Cuts `count` into `parts` ranges at multiples of `unit`: where range `index` begins. The last ones may be empty. */
size_t kernel_cut(size_t count, size_t unit, uint32_t parts, uint32_t index);

/* Into how many parts `count` is worth cutting when one has at least `each_at_least`; 1..threads. */
uint32_t kernel_parts(const struct kernel *kernel, size_t count, size_t each_at_least);

/* Room for packing of part `index` < threads: [KERNEL_ROOM], 64-byte aligned. */
float *kernel_room(const struct kernel *kernel, uint32_t index);

extern const struct kernel_table kernel_scalar_table;
extern const struct kernel_table kernel_avx2_table;
extern const struct kernel_table kernel_avx512_table;
extern const struct kernel_table kernel_neon_table;

#endif
