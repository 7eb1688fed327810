/* Who was turned away and why, so that each is told once and not with every attempt. Bounded
 * memory; the oldest is forgotten first. Plain memory: zero-initialise it. Not for several threads
 * at once. */
#ifndef NET_REFUSAL_H
#define NET_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pairs of host and reason that are remembered. */
#define REFUSAL_MAX 64

/* How long: a person who reads the log sees a stranger that keeps trying every ten minutes. */
#define REFUSAL_MS 600000

struct refusal {
    char host[64];     /* numeric, without port */
    char why[128];     /* cut */
    uint64_t until_ms; /* 0: free */
};

struct refusal_list {
    struct refusal items[REFUSAL_MAX];
    uint32_t next; /* the oldest */
};

/* Characters of `address` (host:port) before the port. */
size_t refusal_host_size(const char *address);

/* True if this host and reason are new, and remembers them until now_ms + REFUSAL_MS. */
bool refusal_is_new(struct refusal_list *list, const char *address, const char *why,
                    uint64_t now_ms);

#endif
