/* For tests of operators: hard values, every kernel that this CPU can run, and the parts of NUMERICS.md that they share, computed a second
 * time element by element. */
#ifndef TEST_UNIT_OPERATORS_H
#define TEST_UNIT_OPERATORS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness.h"
#include "trainer/kernel.h"

static uint64_t random_state = 88172645463325252ull;

static inline uint32_t number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static inline float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* What the values are drawn from. */
enum mix { ORDINARY, SMALL, WILD };

static inline float value(enum mix mix)
{
    float ordinary = ((float)(number() % 20001) - 10000) / 5000;
    uint32_t sign = number() & 0x80000000u, dice = number() % 12;
    if (mix == ORDINARY || dice < 6)
        return ordinary;
    if (dice < 8)
        return of_bits(sign); /* +0, -0 */
    if (dice < 10)
        return of_bits(sign | number() % 0x800000); /* subnormal */
    if (mix == SMALL || dice == 10)
        return of_bits(sign | (60 + number() % 20) << 23 |
                       number() % 0x800000); /* products of these are subnormal */
    return number() % 20 == 0 ? of_bits(sign | 0x7f800000u) : ordinary * 0x1p120f;
}

/* `count` values and 16 more that nobody may touch. */
static inline float *values(size_t count, enum mix mix)
{
    float *x = aligned_alloc(64, (count + 32) * sizeof(float) / 64 * 64 + 64);
    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < count; i++)
        x[i] = value(mix);
    for (size_t i = 0; i < 16; i++)
        x[count + i] = 12345.0f;
    return x;
}

/* Check notes every assertion, at the cost of a system call: so these look first and assert only what is wrong. */
static inline void expect_untouched(const float *x, size_t count)
{
    for (size_t i = 0; i < 16; i++)
        if (x[count + i] != 12345.0f)
            ck_abort_msg("place %zu after the end was written", i);
}

static inline void expect_same(const float *a, const float *b, size_t count, const char *what,
                               int kind)
{
    for (size_t i = 0; i < count; i++)
        if (bits_of(a[i]) != bits_of(b[i]))
            ck_abort_msg("%s: %s has %08x at %zu of %zu, not %08x", what,
                         kernel_name((enum kernel_kind)kind), bits_of(a[i]), i, count,
                         bits_of(b[i]));
}

static inline void expect_bits(float x, float y)
{
    if (bits_of(x) != bits_of(y))
        ck_abort_msg("%08x, not %08x", bits_of(x), bits_of(y));
}

/* Runs the parts last to first in one thread: that must not matter either. */
static inline void backwards(void *self, uint32_t count, void (*body)(void *work, uint32_t index),
                             void *work)
{
    (void)self;
    while (count-- > 0)
        body(work, count);
}

/* The kernel of a kind for 1..5 threads, made once; NULL where this CPU can't run it. */
static inline struct kernel *kernel_of(int kind, uint32_t threads)
{
    static struct kernel made[KERNEL_KINDS][6];
    struct kernel_parallel parallel = {NULL, threads, backwards};
    struct kernel *kernel = &made[kind][threads];
    if (!kernel_is_supported((enum kernel_kind)kind))
        return NULL;
    if (!kernel->table)
        ck_assert_int_eq(kernel_init(kernel, (enum kernel_kind)kind, &parallel, NULL), ERR_NONE);
    return kernel;
}

/* --- as NUMERICS.md writes it --- */

static inline float plain_exp(float x)
{
    if (x < -87)
        return 0;
    float t = fmaf(x, of_bits(0x3fb8aa3b), 12582912.0f), n = t - 12582912.0f;
    float r = fmaf(n, -of_bits(0x35bfbe8e), fmaf(n, -of_bits(0x3f317200), x));
    static const uint32_t c[] = {0x3ab511aa, 0x3c091d36, 0x3d2aac7a, 0x3e2aaa48,
                                 0x3efffffe, 0x3f800000, 0x3f800000};
    float p = of_bits(c[0]);
    for (int i = 1; i < 7; i++)
        p = fmaf(p, r, of_bits(c[i]));
    return p * of_bits((uint32_t)((int)n + 127) << 23);
}

static inline float plain_lanes(const float *x, size_t count, bool square)
{
    float lane[16] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i % 16] = square ? fmaf(x[i], x[i], lane[i % 16]) : lane[i % 16] + x[i];
    for (int w = 8; w > 0; w /= 2)
        for (int j = 0; j < w; j++)
            lane[j] += lane[j + w];
    return lane[0];
}

/* The sum of x[i] * y[i] by lanes. */
static inline float plain_dot(const float *x, const float *y, size_t count)
{
    float lane[16] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i % 16] = fmaf(x[i], y[i], lane[i % 16]);
    for (int w = 8; w > 0; w /= 2)
        for (int j = 0; j < w; j++)
            lane[j] += lane[j + w];
    return lane[0];
}

/* Element (i, j) of a product over k in [from, end): chunks count from 0. `a` and `b` step through their operands. */
static inline float plain_element(const float *a, size_t a_step, const float *b, size_t b_step,
                                  size_t from, size_t end)
{
    float total = 0;
    bool first = true;
    while (from < end) {
        size_t stop = from / 256 * 256 + 256 < end ? from / 256 * 256 + 256 : end;
        float sum = 0;
        for (; from < stop; from++)
            sum = fmaf(a[from * a_step], b[from * b_step], sum);
        total = first ? sum : total + sum;
        first = false;
    }
    return total;
}

#endif
