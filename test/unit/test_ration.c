#include "tools/tenured/ration.h"

#include "test/harness.h"

static struct ration ration;
static const struct place a = {1}, b = {2};

START_TEST(a_peer_gets_a_burst_and_then_its_rate)
{
    ration_init(&ration);
    for (unsigned i = 0; i < 64; i++)
        ck_assert(ration_take(&ration, a, 1u << 20, 1000));
    ck_assert(!ration_take(&ration, a, 1u << 20, 1000));
    ck_assert(ration_take(&ration, b, 1u << 20, 1000)); /* its own account */
    unsigned taken = 0;
    for (uint64_t now_ms = 1001; now_ms <= 3000; now_ms++)
        taken += ration_take(&ration, a, 1u << 20, now_ms);
    ck_assert_uint_ge(taken, 63);
    ck_assert_uint_le(taken, 64); /* two seconds at 32 MiB */
    ration_release(&ration);
}
END_TEST

START_TEST(a_rest_saves_no_more_than_the_burst)
{
    ration_init(&ration);
    ck_assert(ration_take(&ration, a, RATION_BYTES_MAX, 0));
    ck_assert(ration_take(&ration, a, RATION_BYTES_MAX, 3600000));
    ck_assert(!ration_take(&ration, a, 1, 3600000));
    ck_assert(!ration_take(&ration, b, RATION_BYTES_MAX + 1, 3600000));
    ration_release(&ration);
}
END_TEST

HARNESS_MAIN("ration", a_peer_gets_a_burst_and_then_its_rate, a_rest_saves_no_more_than_the_burst)
