#include "contracts/amount.h"

#include <string.h>

#include "base/bytes.h"
#include "test/harness.h"

static struct amount power(unsigned bit)
{
    struct amount amount = units_zero;
    amount.be[31 - bit / 8] = (uint8_t)(1u << bit % 8);
    return amount;
}

static struct amount most(void)
{
    struct amount amount;
    memset(amount.be, 0xff, sizeof(amount.be));
    return amount;
}

START_TEST(sums_carry_over_every_limb)
{
    for (unsigned bit = 0; bit < 255; bit++) {
        struct amount half = power(bit), whole = power(bit + 1), sum;
        ck_assert(amount_add(&sum, &half, &half));
        ck_assert_int_eq(units_amount_compare(&sum, &whole), 0);
        ck_assert(amount_sub(&sum, &sum, &half));
        ck_assert_int_eq(units_amount_compare(&sum, &half), 0);
    }
}
END_TEST

START_TEST(a_sum_over_256_bits_is_refused_and_writes_nothing)
{
    struct amount all = most(), one = units_amount(1), out = units_amount(7),
                  seven = units_amount(7);
    ck_assert(!amount_add(&out, &all, &one));
    ck_assert(!amount_add(&out, &all, &all));
    ck_assert(!amount_sub(&out, &one, &all));
    ck_assert(!amount_sub(&out, &units_zero, &one));
    ck_assert_int_eq(units_amount_compare(&out, &seven), 0);
    ck_assert(amount_add(&out, &all, &units_zero));
    ck_assert_int_eq(units_amount_compare(&out, &all), 0);
    ck_assert(amount_sub(&out, &all, &all));
    ck_assert(units_amount_is_zero(&out));
}
END_TEST

START_TEST(products_are_exact_up_to_256_bits)
{
    struct amount high = power(192), out, expected = power(255);
    ck_assert(amount_mul(&out, &high, 1ull << 63));
    ck_assert_int_eq(units_amount_compare(&out, &expected), 0);
    high = power(193);
    out = units_amount(7);
    ck_assert(!amount_mul(&out, &high, 1ull << 63));
    ck_assert_uint_eq(bytes_get_u64(out.be + 24), 7);
    struct amount all = most();
    ck_assert(!amount_mul(&out, &all, 2));
    ck_assert(amount_mul(&out, &all, 1));
    ck_assert(amount_mul(&out, &all, 0));
    ck_assert(units_amount_is_zero(&out));
}
END_TEST

START_TEST(shares_round_down_and_hold_the_product_exactly)
{
    struct amount ten = units_amount(10), out, all = most();
    ck_assert(amount_share(&out, &ten, 1, 3));
    ck_assert_uint_eq(bytes_get_u64(out.be + 24), 3);
    ck_assert(amount_share(&out, &all, 100, 100)); /* the product has more than 256 bits */
    ck_assert_int_eq(units_amount_compare(&out, &all), 0);
    ck_assert(!amount_share(&out, &all, 3, 2));
    ck_assert(amount_share(&out, &ten, UINT64_MAX, UINT64_MAX));
    ck_assert_uint_eq(bytes_get_u64(out.be + 24), 10);
    ck_assert(amount_share(&out, &units_zero, 5, 1));
    ck_assert(units_amount_is_zero(&out));
}
END_TEST

START_TEST(a_balance_is_even_only_when_both_sides_are_equal)
{
    struct amount_balance balance;
    struct amount all = most(), one = units_amount(1);
    amount_balance_init(&balance);
    for (int i = 0; i < 1000; i++)
        amount_balance_in(&balance, &all);
    for (int i = 0; i < 1000; i++)
        amount_balance_out(&balance, &all);
    ck_assert(amount_balance_is_even(&balance));
    amount_balance_in(&balance, &one);
    ck_assert(!amount_balance_is_even(&balance));
    amount_balance_out(&balance, &one);
    ck_assert(amount_balance_is_even(&balance));
}
END_TEST

HARNESS_MAIN("amount", sums_carry_over_every_limb,
             a_sum_over_256_bits_is_refused_and_writes_nothing, products_are_exact_up_to_256_bits,
             shares_round_down_and_hold_the_product_exactly,
             a_balance_is_even_only_when_both_sides_are_equal)
