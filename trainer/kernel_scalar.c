/* The operators one element at a time. The products still hold a tile of 4 x 3 independent sums in registers. */
#include "trainer/kernel_table.h"

#define WIDTH      1
#define TILE_ROWS  4
#define BLOCK_ROWS 64
#define PACKS_LEFT 0
#define SQUARE     1
#define TABLE      kernel_scalar_table

typedef float vec;

static inline vec v_all(float x)
{
    return x;
}

static inline vec v_load(const float *p, size_t n)
{
    (void)n;
    return *p;
}

static inline void v_store(float *p, vec v, size_t n)
{
    (void)n;
    *p = v;
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return __builtin_fmaf(a, b, c);
}

static inline vec v_add(vec a, vec b)
{
    return a + b;
}

static inline vec v_sub(vec a, vec b)
{
    return a - b;
}

static inline vec v_mul(vec a, vec b)
{
    return a * b;
}

static inline vec v_div(vec a, vec b)
{
    return a / b;
}

static inline vec v_sqrt(vec a)
{
    return __builtin_sqrtf(a);
}

static inline vec v_more(vec a, vec b, vec x, vec y)
{
    return a > b ? x : y;
}

static inline vec v_abs(vec a)
{
    return __builtin_fabsf(a);
}

static inline vec v_power(vec t)
{
    union {
        float number;
        uint32_t bits;
    } both = {.number = t};
    both.bits = (both.bits + 127) << 23;
    return both.number;
}

static inline void turn(float *out, size_t width, const float *b, size_t b_column)
{
    (void)width;
    (void)b_column;
    *out = *b;
}

#include "trainer/kernel_body.inc"
