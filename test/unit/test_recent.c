#include "tools/tenured/recent.h"

#include "test/harness.h"

static struct digest digest_number(uint32_t number)
{
    return digest_of(&number, sizeof(number));
}

START_TEST(the_last_ones_are_known)
{
    struct recent recent;
    ck_assert_int_eq(recent_init(&recent, 100), ERR_NONE);
    for (uint32_t i = 0; i < 1000; i++) {
        struct digest key = digest_number(i);
        recent_put(&recent, &key, (uint8_t)i);
        for (uint32_t back = 0; back < 100 && back <= i; back++) {
            struct digest known = digest_number(i - back);
            uint8_t value;
            ck_assert(recent_get(&recent, &known, &value));
            ck_assert_uint_eq(value, (uint8_t)(i - back));
        }
    }
    uint8_t untouched = 77;
    struct digest long_ago = digest_number(0);
    ck_assert(!recent_get(&recent, &long_ago, &untouched));
    ck_assert_uint_eq(untouched, 77);
    recent_release(&recent);
}
END_TEST

START_TEST(the_newest_value_counts)
{
    struct recent recent;
    ck_assert_int_eq(recent_init(&recent, 2), ERR_NONE);
    uint8_t value;
    struct digest key = digest_number(0);
    recent_put(&recent, &key, 1);
    for (uint32_t i = 1; i <= 2; i++) {
        struct digest other = digest_number(i);
        recent_put(&recent, &other, 9);
    }
    recent_put(&recent, &key, 2); /* the first value is in the elder generation */
    ck_assert(recent_get(&recent, &key, &value));
    ck_assert_uint_eq(value, 2);
    recent_release(&recent);
}
END_TEST

HARNESS_MAIN("recent", the_last_ones_are_known, the_newest_value_counts)
