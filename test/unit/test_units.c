#include "base/units.h"

#include <stdio.h>
#include <string.h>

#include "test/seed.h"
#include "test/harness.h"

#define MAX_TEXT  "115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define OVER_TEXT "115792089237316195423570985008687907853269984665640564039457584007913129639936"

START_TEST(amounts_are_written_in_decimal)
{
    static const uint64_t values[] = {0, 9, 10, 999999999, 1000000000, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[AMOUNT_TEXT_SIZE], expected[32];
        struct amount amount = units_amount(values[i]);
        units_amount_text(text, &amount);
        snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
        ck_assert_str_eq(text, expected);
    }
    struct amount most;
    char text[AMOUNT_TEXT_SIZE];
    memset(most.be, 0xff, sizeof(most.be));
    units_amount_text(text, &most);
    ck_assert_str_eq(text, MAX_TEXT);
}
END_TEST

START_TEST(text_of_an_amount_reads_back)
{
    uint64_t seed = 3;
    for (int i = 0; i < 2000; i++) {
        struct amount amount = units_zero, back;
        char text[AMOUNT_TEXT_SIZE];
        size_t size = seed_next(&seed) % 33;
        seed_fill(&seed, amount.be + 32 - size, size);
        units_amount_text(text, &amount);
        ck_assert(units_amount_parse(&back, text));
        ck_assert_int_eq(units_amount_compare(&amount, &back), 0);
    }
}
END_TEST

START_TEST(other_than_a_number_of_256_bits_is_refused)
{
    static const char *const bad[] = {"",    " 1",  "1 ",      "-1",           "+1",
                                      "1e3", "0x1", OVER_TEXT, (MAX_TEXT "0"), ("9" MAX_TEXT)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct amount amount = units_amount(7), seven = units_amount(7);
        ck_assert_msg(!units_amount_parse(&amount, bad[i]), "%s", bad[i]);
        ck_assert_int_eq(units_amount_compare(&amount, &seven), 0);
    }
    struct amount amount;
    ck_assert(units_amount_parse(&amount, MAX_TEXT));
    ck_assert_uint_eq(amount.be[0], 0xff);
}
END_TEST

START_TEST(order_is_numerical)
{
    struct amount low = units_amount(255), high = units_amount(256);
    ck_assert_int_lt(units_amount_compare(&low, &high), 0);
    ck_assert_int_gt(units_amount_compare(&high, &low), 0);
    ck_assert(!units_amount_is_zero(&low));
    ck_assert(units_amount_is_zero(&units_zero));
}
END_TEST

HARNESS_MAIN("units", amounts_are_written_in_decimal, text_of_an_amount_reads_back,
             other_than_a_number_of_256_bits_is_refused, order_is_numerical)
