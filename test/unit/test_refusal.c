#include <stdio.h>

#include "net/refusal.h"
#include "test/harness.h"

START_TEST(a_host_and_reason_are_told_once_in_ten_minutes)
{
    struct refusal_list list = {0};
    ck_assert(refusal_is_new(&list, "10.0.0.1:4000", "no certificate", 1000));
    ck_assert(!refusal_is_new(&list, "10.0.0.1:4001", "no certificate", 2000));
    ck_assert(refusal_is_new(&list, "10.0.0.1:4002", "another chain", 2000));
    ck_assert(refusal_is_new(&list, "10.0.0.2:4000", "no certificate", 2000));
    ck_assert(!refusal_is_new(&list, "10.0.0.1:4003", "no certificate", 1000 + REFUSAL_MS - 1));
    ck_assert(refusal_is_new(&list, "10.0.0.1:4003", "no certificate", 1000 + REFUSAL_MS));
}
END_TEST

START_TEST(memory_is_bounded_and_the_oldest_is_forgotten)
{
    struct refusal_list list = {0};
    char address[32];
    for (int i = 0; i <= REFUSAL_MAX; i++) {
        snprintf(address, sizeof(address), "10.0.0.%d:1", i);
        ck_assert(refusal_is_new(&list, address, "x", 5));
    }
    ck_assert(!refusal_is_new(&list, "10.0.0.1:1", "x", 5));
    ck_assert(refusal_is_new(&list, "10.0.0.0:1", "x", 5));
}
END_TEST

START_TEST(the_host_of_an_address_excludes_the_port)
{
    ck_assert_uint_eq(refusal_host_size("127.0.0.1:80"), 9);
    ck_assert_uint_eq(refusal_host_size("[::1]:80"), 5);
    ck_assert_uint_eq(refusal_host_size("unknown"), 7);
}
END_TEST

HARNESS_MAIN("refusal", a_host_and_reason_are_told_once_in_ten_minutes,
             memory_is_bounded_and_the_oldest_is_forgotten,
             the_host_of_an_address_excludes_the_port)
