/* The operators 4 elements at a time: NEON of AArch64. A tile is 8 x 12, 24 of the 32 registers. */
#include "trainer/kernel_table.h"

#include <arm_neon.h>

#define WIDTH      4
#define TILE_ROWS  8
#define BLOCK_ROWS 64
#define PACKS_LEFT 1
#define SQUARE     4
#define TABLE      kernel_neon_table

typedef float32x4_t vec;

static inline vec v_all(float x)
{
    return vdupq_n_f32(x);
}

static inline vec v_load(const float *p, size_t n)
{
    float place[WIDTH] = {0};
    if (n == WIDTH)
        return vld1q_f32(p);
    for (size_t i = 0; i < n; i++)
        place[i] = p[i];
    return vld1q_f32(place);
}

static inline void v_store(float *p, vec v, size_t n)
{
    float place[WIDTH];
    if (n == WIDTH) {
        vst1q_f32(p, v);
        return;
    }
    vst1q_f32(place, v);
    for (size_t i = 0; i < n; i++)
        p[i] = place[i];
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}

static inline vec v_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}

static inline vec v_sqrt(vec a)
{
    return vsqrtq_f32(a);
}

static inline vec v_more(vec a, vec b, vec x, vec y)
{
    return vbslq_f32(vcgtq_f32(a, b), x, y);
}

static inline vec v_abs(vec a)
{
    return vabsq_f32(a);
}

static inline vec v_power(vec t)
{
    return vreinterpretq_f32_s32(
        vshlq_n_s32(vaddq_s32(vreinterpretq_s32_f32(t), vdupq_n_s32(127)), 23));
}

static inline void turn(float *out, size_t width, const float *b, size_t b_column)
{
    float32x4x2_t even = vzipq_f32(vld1q_f32(b), vld1q_f32(b + 2 * b_column));
    float32x4x2_t odd = vzipq_f32(vld1q_f32(b + b_column), vld1q_f32(b + 3 * b_column));
    for (int i = 0; i < 2; i++) {
        float32x4x2_t rows = vzipq_f32(even.val[i], odd.val[i]);
        vst1q_f32(out + 2 * i * width, rows.val[0]);
        vst1q_f32(out + (2 * i + 1) * width, rows.val[1]);
    }
}

#include "trainer/kernel_body.inc"
