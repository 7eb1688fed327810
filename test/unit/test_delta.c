#include "trainer/delta.h"

#include <math.h>
#include <string.h>

#include "test/harness.h"

#define COUNT 2500u /* three blocks, the last of 452 */

static float anchor[COUNT], parameters[COUNT], residue[COUNT];
static int8_t q[COUNT], exponents[3];

static void clear(void)
{
    memset(anchor, 0, sizeof(anchor));
    memset(parameters, 0, sizeof(parameters));
    memset(residue, 0, sizeof(residue));
    memset(q, 99, sizeof(q));
}

/* One number alone in its block. */
static void compress_one(float x)
{
    clear();
    anchor[0] = x;
    ck_assert(delta_compress(q, exponents, residue, anchor, parameters, COUNT, 8));
}

START_TEST(the_exponent_is_the_least_that_fits_127)
{
    compress_one(127 * 0x1p-10f);
    ck_assert_int_eq(exponents[0], -10);
    ck_assert_int_eq(q[0], 127);
    compress_one(nextafterf(127 * 0x1p-10f, 1));
    ck_assert_int_eq(exponents[0], -9);
    ck_assert_int_eq(q[0], 64);
    compress_one(-127 * 0x1p-10f);
    ck_assert_int_eq(exponents[0], -10);
    ck_assert_int_eq(q[0], -127);
}
END_TEST

START_TEST(exponents_are_clamped_and_the_rest_is_kept)
{
    compress_one(0x1p-50f);
    ck_assert_int_eq(exponents[0], DELTA_EXPONENT_MIN);
    ck_assert_int_eq(q[0], 0);
    ck_assert(residue[0] == 0x1p-50f);
    compress_one(-300);
    ck_assert_int_eq(exponents[0], DELTA_EXPONENT_MAX);
    ck_assert_int_eq(q[0], -127);
    ck_assert(residue[0] == -173);
    compress_one(0);
    ck_assert_int_eq(exponents[0], DELTA_EXPONENT_MIN);
    compress_one(0x1p-101f);
    ck_assert_msg(residue[0] == 0, "what is small must not be carried");
}
END_TEST

START_TEST(halves_round_to_even)
{
    clear();
    anchor[0] = 127;
    for (int i = 0; i < 6; i++) {
        anchor[1 + i] = (float)i + 0.5f;
        anchor[7 + i] = -(float)i - 0.5f;
    }
    static const int8_t want[] = {127, 0, 2, 2, 4, 4, 6, 0, -2, -2, -4, -4, -6};
    ck_assert(delta_compress(q, exponents, residue, anchor, parameters, COUNT, 8));
    ck_assert_int_eq(exponents[0], 0);
    for (int i = 0; i < 13; i++)
        ck_assert_int_eq(q[i], want[i]);
    ck_assert(residue[1] == 0.5f);
    ck_assert(residue[2] == -0.5f);
}
END_TEST

START_TEST(nothing_is_lost_over_two_rounds)
{
    clear();
    for (uint32_t i = 0; i < COUNT; i++) {
        anchor[i] = (float)(i % 97) * 0x1p-9f;
        parameters[i] = (float)(i % 31) * 0x1p-12f;
    }
    float sent[COUNT] = {0};
    for (int round = 0; round < 2; round++) {
        ck_assert(delta_compress(q, exponents, residue, anchor, parameters, COUNT, 8));
        for (uint32_t i = 0; i < COUNT; i++)
            sent[i] += (float)q[i] * ldexpf(1, exponents[i / DELTA_BLOCK]);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        if (sent[i] + residue[i] != 2 * (anchor[i] - parameters[i]))
            ck_abort_msg("element %u: %a", i, (double)sent[i]);
}
END_TEST

START_TEST(blocks_don_t_influence_each_other)
{
    clear();
    anchor[0] = 100;
    anchor[1023] = 1;
    anchor[1024] = 0x1p-20f;
    anchor[2499] = 0x1p-30f;
    ck_assert_uint_eq(delta_block_count(COUNT), 3);
    ck_assert(delta_compress(q, exponents, residue, anchor, parameters, COUNT, 8));
    ck_assert_int_eq(exponents[0], 0);
    ck_assert_int_eq(exponents[1], -26);
    ck_assert_int_eq(exponents[2], -36);
    ck_assert_int_eq(q[1023], 1);
    ck_assert_int_eq(q[1024], 64);
    ck_assert_int_eq(q[2499], 64);
}
END_TEST

/* The same rule with 7 for 127, two elements to a byte. */
START_TEST(four_bits_hold_seven_and_two_share_a_byte)
{
    int8_t half[COUNT / 2];
    const float values[] = {7, -7, 0.5f, 1.5f, -2.5f, 3, 6.75f};
    static const int want[] = {7, -7, 0, 2, -2, 3, 7};

    clear();
    memcpy(anchor, values, sizeof(values));
    anchor[COUNT - 1] = -0x1p-30f;
    ck_assert_uint_eq(delta_size(COUNT, 4), COUNT / 2);
    ck_assert_uint_eq(delta_size(3, 4), 2);
    ck_assert(delta_compress(half, exponents, residue, anchor, parameters, COUNT, 4));
    ck_assert_int_eq(exponents[0], 0);
    ck_assert_int_eq(exponents[2], -32);
    for (uint32_t i = 0; i < 7; i++)
        ck_assert_int_eq(delta_at(half, i, 4), want[i]);
    ck_assert_int_eq((uint8_t)half[0], 0x97); /* 7 low, -7 high */
    ck_assert_int_eq(delta_at(half, COUNT - 1, 4), -4);
    ck_assert(residue[2] == 0.5f && residue[6] == -0.25f);
    anchor[0] = nextafterf(7, 8);
    ck_assert(delta_compress(half, exponents, residue, anchor, parameters, 3, 4));
    ck_assert_int_eq(exponents[0], 0); /* the largest there is: the rest is kept */
    ck_assert_int_eq(delta_at(half, 0, 4), 7);
    ck_assert_int_eq((uint8_t)half[1], 1); /* an odd last one: 0.5 + 0.5, and nothing beside it */
}
END_TEST

/* What one round loses the next ones send: 50 rounds send 50 times the change but for the last residue. */
START_TEST(error_feedback_makes_up_for_four_bits)
{
    double sent[COUNT] = {0};
    int8_t half[COUNT / 2];

    clear();
    for (uint32_t i = 0; i < COUNT; i++)
        anchor[i] = (float)(i * 7919 % 1000) * 0x1p-10f;
    for (int round = 0; round < 50; round++) {
        ck_assert(delta_compress(half, exponents, residue, anchor, parameters, COUNT, 4));
        for (uint32_t i = 0; i < COUNT; i++)
            sent[i] += ldexp(delta_at(half, i, 4), exponents[i / DELTA_BLOCK]);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        if (fabs(sent[i] + (double)residue[i] - 50.0 * (double)anchor[i]) > 1e-5)
            ck_abort_msg("element %u", i);
}
END_TEST

START_TEST(what_isn_t_finite_is_refused)
{
    const float bad[] = {INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 3; i++) {
        clear();
        parameters[2499] = bad[i];
        ck_assert(!delta_compress(q, exponents, residue, anchor, parameters, COUNT, 8));
    }
}
END_TEST

HARNESS_MAIN("delta", the_exponent_is_the_least_that_fits_127,
             exponents_are_clamped_and_the_rest_is_kept, halves_round_to_even,
             nothing_is_lost_over_two_rounds, blocks_don_t_influence_each_other,
             four_bits_hold_seven_and_two_share_a_byte, error_feedback_makes_up_for_four_bits,
             what_isn_t_finite_is_refused)
