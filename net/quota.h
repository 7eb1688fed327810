/* Requests a second from one address: a bucket of tokens each, which holds two seconds' worth.
 *
 * Memory is bounded: QUOTA_ADDRESSES buckets. A new address takes the bucket, of the few that its
 * hash allows, that was used longest ago, and starts full; so addresses that come and go can't
 * starve one that is at work. Plain memory. Not for several threads at once. */
#ifndef NET_QUOTA_H
#define NET_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_ADDRESSES    1024
#define QUOTA_ADDRESS_SIZE 46 /* an IPv6 address in text, and the zero */

struct quota_bucket {
    char address[QUOTA_ADDRESS_SIZE]; /* "": free */
    uint64_t filled_ms;               /* when tokens were last added */
    uint64_t tokens;                  /* in thousandths of a request */
};

struct quota {
    uint32_t per_s; /* 0: no limit */
    struct quota_bucket buckets[QUOTA_ADDRESSES];
};

void quota_init(struct quota *quota, uint32_t per_s);

/* Takes a token of `address`. False if it has none left. `now_ms` never goes back. */
bool quota_take(struct quota *quota, const char *address, uint64_t now_ms);

#endif
