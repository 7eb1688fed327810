#include "tools/tenured/footprint.h"

#include <string.h>

#include "net/peer.h"
#include "test/harness.h"

static struct settings settings = {
    .verifiers = 2, .api_connections = 512, .store_cache_mb = 24};

static uint64_t part(const struct footprint *footprint, const char *name)
{
    for (uint32_t i = 0; i < footprint->count; i++)
        if (strcmp(footprint->parts[i].name, name) == 0)
            return footprint->parts[i].bytes;
    ck_abort_msg("%s", name);
    return 0;
}

START_TEST(the_total_is_the_sum_of_the_parts)
{
    struct footprint footprint;
    uint64_t sum = 0;
    footprint_of(&footprint, &settings, 4);
    for (uint32_t i = 0; i < footprint.count; i++)
        sum += footprint.parts[i].bytes;
    ck_assert_uint_eq(footprint.total_bytes, sum);
    ck_assert_uint_eq(part(&footprint, "peers: unsent"),
                      3ull * (PEER_VOTES_QUEUE_BYTES + PEER_BULK_QUEUE_BYTES));
}
END_TEST

START_TEST(it_follows_the_configuration)
{
    struct footprint four, seven, busy;
    struct settings more = settings;
    more.api_connections = 1024;
    more.store_cache_mb = 100;
    footprint_of(&four, &settings, 4);
    footprint_of(&seven, &settings, 7);
    footprint_of(&busy, &more, 4);
    ck_assert_uint_eq(part(&seven, "peers: to be checked"),
                      2 * part(&four, "peers: to be checked"));
    ck_assert_uint_eq(part(&busy, "API: connections"), 2 * part(&four, "API: connections"));
    ck_assert_uint_eq(part(&busy, "database: what was read"), 100u << 20);
    footprint_of(&four, &settings, 1);
    ck_assert_uint_eq(part(&four, "peers: unsent"), 0);
}
END_TEST

HARNESS_MAIN("footprint", the_total_is_the_sum_of_the_parts, it_follows_the_configuration)
