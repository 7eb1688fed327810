#include "net/stock.h"

#include "test/harness.h"

static struct stock stock;

static struct digest id_of(uint32_t n)
{
    return digest_of(&n, sizeof(n));
}

static uint32_t add(uint32_t n)
{
    struct digest id = id_of(n);
    ck_assert(stock_grow(&stock));
    return stock_add(&stock, 0, &id);
}

static uint32_t find(uint32_t n)
{
    struct digest id = id_of(n);
    return stock_find(&stock, 0, &id);
}

START_TEST(what_was_used_longest_ago_is_first)
{
    stock_init(&stock);
    for (uint32_t i = 0; i < 3; i++)
        stock_here(&stock, add(i), 10 + i);
    ck_assert_uint_eq(stock.near.oldest, find(0));
    stock_touch(&stock, find(0));
    ck_assert_uint_eq(stock.near.oldest, find(1));
    ck_assert_uint_eq(stock.bytes, 33);
    ck_assert_uint_eq(stock.files, 3);
    stock_gone(&stock, find(1));
    ck_assert_uint_eq(find(1), STOCK_NONE);
    ck_assert_uint_eq(stock.near.oldest, find(2));
    ck_assert_uint_eq(stock.bytes, 22);
    stock_release(&stock);
}
END_TEST

START_TEST(what_is_far_alone_is_known_up_to_a_bound)
{
    stock_init(&stock);
    stock.away_max = 2;
    for (uint32_t i = 0; i < 3; i++)
        stock_far(&stock, add(i));
    ck_assert_uint_eq(find(0), STOCK_NONE);
    stock_here(&stock, find(1), 5); /* that doesn't count against the bound */
    stock_far(&stock, add(3));
    ck_assert_uint_eq(stock.away.count, 2);
    stock_gone(&stock, find(1)); /* learned last now */
    ck_assert_uint_eq(find(2), STOCK_NONE);
    ck_assert(stock.entries[find(1)].far);
    stock_not_far(&stock, find(1));
    ck_assert_uint_eq(find(1), STOCK_NONE);
    stock_here(&stock, find(3), 5);
    stock_not_far(&stock, find(3));
    ck_assert_uint_ne(find(3), STOCK_NONE); /* its file is still here */
    stock_release(&stock);
}
END_TEST

START_TEST(entries_are_found_when_the_table_has_grown_and_are_used_again)
{
    struct digest id = id_of(7);
    stock_init(&stock);
    for (uint32_t i = 0; i < 5000; i++)
        stock_here(&stock, add(i), 1);
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert_uint_ne(find(i), STOCK_NONE);
    ck_assert_uint_eq(stock_find(&stock, 1, &id), STOCK_NONE); /* of another kind */
    for (uint32_t i = 0; i < 5000; i += 2)
        stock_gone(&stock, find(i));
    for (uint32_t i = 5000; i < 7500; i++)
        stock_here(&stock, add(i), 1);
    ck_assert_uint_eq(stock.entry_count, 5000);
    ck_assert_uint_eq(stock.files, 5000);
    stock_release(&stock);
}
END_TEST

HARNESS_MAIN("stock", what_was_used_longest_ago_is_first, what_is_far_alone_is_known_up_to_a_bound,
             entries_are_found_when_the_table_has_grown_and_are_used_again)
