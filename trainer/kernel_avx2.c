/* The operators 8 elements at a time: AVX2 and FMA. A tile is 4 x 24, 12 of the 16 registers. */
#include "trainer/kernel_table.h"

#include <immintrin.h>

#define WIDTH      8
#define TILE_ROWS  4
#define BLOCK_ROWS 64
#define PACKS_LEFT 1
#define TABLE      kernel_avx2_table

typedef __m256 vec;

static inline vec v_all(float x)
{
    return _mm256_set1_ps(x);
}

/* All ones in the first n places. */
static inline __m256i places(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vec v_load(const float *p, size_t n)
{
    return n == WIDTH ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, places(n));
}

static inline void v_store(float *p, vec v, size_t n)
{
    if (n == WIDTH)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, places(n), v);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec v_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

static inline vec v_sqrt(vec a)
{
    return _mm256_sqrt_ps(a);
}

static inline vec v_more(vec a, vec b, vec x, vec y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

static inline vec v_abs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vec v_power(vec t)
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127)), 23));
}

#include "trainer/kernel_turn.inc"

#include "trainer/kernel_body.inc"
