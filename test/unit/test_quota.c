#include "net/quota.h"

#include <stdio.h>

#include "test/harness.h"

START_TEST(an_address_gets_its_rate_and_a_burst_of_two_seconds)
{
    static struct quota quota;
    quota_init(&quota, 10);
    uint32_t taken = 0;
    for (int i = 0; i < 100; i++)
        taken += quota_take(&quota, "10.0.0.1", 5000);
    ck_assert_uint_eq(taken, 20);
    ck_assert(!quota_take(&quota, "10.0.0.1", 5099));
    ck_assert(quota_take(&quota, "10.0.0.1", 5100));
    ck_assert(!quota_take(&quota, "10.0.0.1", 5100));

    /* Another address has its own, and a rest never saves more than the burst. */
    ck_assert(quota_take(&quota, "10.0.0.2", 5100));
    taken = 0;
    for (int i = 0; i < 100; i++)
        taken += quota_take(&quota, "10.0.0.1", 1000000);
    ck_assert_uint_eq(taken, 20);
}
END_TEST

START_TEST(many_addresses_cannot_refill_one_that_is_at_work)
{
    static struct quota quota;
    quota_init(&quota, 1);
    uint32_t taken = 0;
    char address[32];
    for (int i = 0; i < 5000; i++) {
        taken += quota_take(&quota, "10.0.0.1", 1000 + (uint64_t)i / 100);
        snprintf(address, sizeof(address), "10.1.%d.%d", i / 250, i % 250);
        quota_take(&quota, address, 1000 + (uint64_t)i / 100 - 1);
    }
    ck_assert_uint_eq(taken, 2);
}
END_TEST

START_TEST(no_rate_is_no_limit)
{
    static struct quota quota;
    quota_init(&quota, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert(quota_take(&quota, "10.0.0.1", 0));
}
END_TEST

HARNESS_MAIN("quota", an_address_gets_its_rate_and_a_burst_of_two_seconds,
             many_addresses_cannot_refill_one_that_is_at_work, no_rate_is_no_limit)
