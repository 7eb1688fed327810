#include "trainer/delta.h"

#include "trainer/kernel.h"

#include <string.h>

#define MAGIC 0x1.8p23f /* adding and subtracting it rounds to an integer, half to even */
#define SMALL 0x1p-100f

uint32_t delta_block_count(uint32_t count)
{
    return (count + DELTA_BLOCK - 1) / DELTA_BLOCK;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* 2^e for -126 <= e <= 127. */
static float power_of(int e)
{
    uint32_t bits = (uint32_t)(e + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof(power));
    return power;
}

size_t delta_size(uint32_t count, uint8_t bits)
{
    return ((size_t)count * bits + 7) / 8;
}

/* The least e with most <= top * 2^e, clamped. */
static int exponent_of(float most, float top)
{
    int e = DELTA_EXPONENT_MIN;
    while (e < DELTA_EXPONENT_MAX && most > top * power_of(e))
        e++;
    return e;
}

/* q[count] isn't packed yet. */
static bool compress_block(int8_t *q, int8_t *exponent, float *residue, const float *anchor,
                           const float *parameters, uint32_t count, float top)
{
    float x[DELTA_BLOCK], most = 0;
    bool finite = true;
    for (uint32_t i = 0; i < count; i++) {
        x[i] = (anchor[i] - parameters[i]) + residue[i];
        float size = __builtin_fabsf(x[i]);
        most = size > most ? size : most;
        finite = finite && (bits_of(x[i]) & 0x7f800000u) != 0x7f800000u;
    }
    int e = exponent_of(most, top);
    float step = power_of(e), inverse = power_of(-e);
    for (uint32_t i = 0; i < count; i++) {
        float scaled = x[i] * inverse;
        scaled = scaled > top ? top : scaled;
        scaled = scaled < -top ? -top : scaled;
        float rounded = (scaled + MAGIC) - MAGIC;
        float lost = x[i] - rounded * step; /* the product is exact */
        q[i] = (int8_t)rounded;
        residue[i] = __builtin_fabsf(lost) < SMALL ? 0 : lost;
    }
    *exponent = (int8_t)e;
    return finite;
}

/* Two to a byte; an odd last one has 0 beside it. */
static void pack_halves(int8_t *out, const int8_t *q, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += 2) {
        uint8_t high = i + 1 < count ? (uint8_t)q[i + 1] : 0;
        out[i / 2] = (int8_t)(((uint8_t)q[i] & 15) | (uint8_t)(high << 4));
    }
}

bool delta_compress(int8_t *q, int8_t *exponents, float *residue, const float *anchor,
                    const float *parameters, uint32_t count, uint8_t bits)
{
    uint32_t before = kernel_control_set();
    bool finite = true;
    for (uint32_t from = 0; finite && from < count; from += DELTA_BLOCK) {
        uint32_t size = count - from < DELTA_BLOCK ? count - from : DELTA_BLOCK;
        int8_t whole[DELTA_BLOCK];
        finite = compress_block(whole, exponents + from / DELTA_BLOCK, residue + from,
                                anchor + from, parameters + from, size, bits == 8 ? 127 : 7);
        if (bits == 8)
            memcpy(q + from, whole, size);
        else
            pack_halves(q + from / 2, whole, size);
    }
    kernel_control_restore(before);
    return finite;
}
