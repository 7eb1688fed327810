/* The operators 16 elements at a time: AVX-512 F. A tile is 8 x 48, 24 of the 32 registers. */
#include "trainer/kernel_table.h"

#include <immintrin.h>

#define WIDTH      16
#define TILE_ROWS  8
#define BLOCK_ROWS 8
#define PACKS_LEFT 0
#define TABLE      kernel_avx512_table

typedef __m512 vec;

static inline vec v_all(float x)
{
    return _mm512_set1_ps(x);
}

static inline __mmask16 places(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline vec v_load(const float *p, size_t n)
{
    return n == WIDTH ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(places(n), p);
}

static inline void v_store(float *p, vec v, size_t n)
{
    if (n == WIDTH)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, places(n), v);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

static inline vec v_sqrt(vec a)
{
    return _mm512_sqrt_ps(a);
}

static inline vec v_more(vec a, vec b, vec x, vec y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), y, x);
}

static inline vec v_abs(vec a)
{
    return _mm512_abs_ps(a);
}

static inline vec v_power(vec t)
{
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_castps_si512(t), _mm512_set1_epi32(127)), 23));
}

#include "trainer/kernel_turn.inc"

#include "trainer/kernel_body.inc"
