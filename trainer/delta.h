/* Compressed differences of parameters: int8 or int4 in blocks of 1,024 with error feedback (DESIGN 8.4;
 * NUMERICS.md, deltas).
 *
 * A block of x holds an exponent e, the least with max|x| <= top * 2^e, clamped to
 * [DELTA_EXPONENT_MIN, DELTA_EXPONENT_MAX], and q = x * 2^-e rounded half to even, clamped to
 * +-top: 127 with 8 bits, 7 with 4, of which two stand in a byte, the first in its low half. What is lost, x - q * 2^e, is carried to the worker's next round.
 *
 * DESIGN 8.4 clamps e to [-60, -20], which would cap a difference at 127 * 2^-20 = 0.00012, while
 * AdamW at 1e-3 moves a parameter up to 0.2 in 200 steps. The same 41 exponents are placed at [-40,
 * 0] instead, so the exact sum of w * q * 2^(e + 40) still fits an int64: 127 * 2^40 * 2^15 < 2^63.
 */
#ifndef TRAINER_DELTA_H
#define TRAINER_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DELTA_BLOCK        1024u
#define DELTA_EXPONENT_MIN (-40)
#define DELTA_EXPONENT_MAX 0

/* Blocks of `count` elements: ceil(count / DELTA_BLOCK). */
uint32_t delta_block_count(uint32_t count);

/* Bytes of `count` elements of 8 or 4 bits. */
size_t delta_size(uint32_t count, uint8_t bits);

/* Element i. */
static inline int delta_at(const int8_t *q, uint32_t i, uint8_t bits)
{
    return bits == 8 ? q[i] : (((uint8_t)q[i / 2] >> 4 * (i % 2) & 15) ^ 8) - 8;
}

/* Compresses x[i] = (anchor[i] - parameters[i]) + residue[i], the pseudo-gradient, into q[delta_size]
 * and exponents[blocks], and replaces residue[count] by what was lost. False, with the outputs
 * unspecified, when an x isn't finite. */
bool delta_compress(int8_t *q, int8_t *exponents, float *residue, const float *anchor,
                    const float *parameters, uint32_t count, uint8_t bits);

#endif
