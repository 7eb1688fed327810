#include "net/quota.h"

#include <stdio.h>
#include <string.h>

#define QUOTA_PROBES 4

void quota_init(struct quota *quota, uint32_t per_s)
{
    memset(quota, 0, sizeof(*quota));
    quota->per_s = per_s;
}

/* The address's bucket, made if need be. FNV-1a. */
static struct quota_bucket *bucket_of(struct quota *quota, const char *address, uint64_t now_ms)
{
    uint32_t hash = 2166136261u;
    for (const char *c = address; *c != 0; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;

    struct quota_bucket *oldest = NULL;
    for (uint32_t i = 0; i < QUOTA_PROBES; i++) {
        struct quota_bucket *bucket = &quota->buckets[(hash + i) % QUOTA_ADDRESSES];
        if (strcmp(bucket->address, address) == 0)
            return bucket;
        if (oldest == NULL || bucket->filled_ms < oldest->filled_ms)
            oldest = bucket;
    }
    snprintf(oldest->address, sizeof(oldest->address), "%s", address);
    oldest->filled_ms = now_ms;
    oldest->tokens = (uint64_t)quota->per_s * 2000;
    return oldest;
}

bool quota_take(struct quota *quota, const char *address, uint64_t now_ms)
{
    if (quota->per_s == 0)
        return true;
    struct quota_bucket *bucket = bucket_of(quota, address, now_ms);
    uint64_t full = (uint64_t)quota->per_s * 2000, elapsed = now_ms - bucket->filled_ms;
    bucket->filled_ms = now_ms;
    bucket->tokens = elapsed >= 2000 ? full : bucket->tokens + elapsed * quota->per_s;
    if (bucket->tokens > full)
        bucket->tokens = full;
    if (bucket->tokens < 1000)
        return false;
    bucket->tokens -= 1000;
    return true;
}
