/* Who has to go when too many have come that haven't shown yet what they want. Pure.
 *
 * Connections that say nothing, or say it slowly, must keep nobody out: neither those of other addresses nor, since one address may be
 * many machines (loopback, NAT), others of their own. So a bound on such connections is kept by ending one of them, not by turning the
 * newcomer away: of the address that has most, the one that came first. It had the longest time. */
#ifndef NET_LOBBY_H
#define NET_LOBBY_H

#include <stdbool.h>
#include <stdint.h>

struct lobby_guest {
    const char *address; /* host, or host:port */
    uint64_t came;       /* later ones have more */
};

/* True if both are of the same host, whatever the port. */
bool lobby_same_host(const char *a, const char *b);

bool lobby_is_loopback(const char *address);

/* The index of the one that goes. Requires count >= 1. */
uint32_t lobby_victim(const struct lobby_guest *guests, uint32_t count);

#endif
