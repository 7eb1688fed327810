/* Clients' connections to the HTTP server, and which of them goes when there are too many. Plain memory; the server's mutex guards it.
 *
 * A client that doesn't say a whole request keeps nobody out: when its address, or all together, have as many connections as they may, the
 * oldest one without a whole request is ended for the next that comes. Only when all of them are at work the newcomer goes. */
#ifndef NET_GUEST_H
#define NET_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "net/quota.h"

struct http_exchange;

/* One connection, from the library's first word of it to its last. */
struct guest {
    struct guest *next, *previous;
    struct http_exchange *exchange; /* the request under way, or NULL */
    int fd;
    char address[QUOTA_ADDRESS_SIZE];
    bool loopback;
    bool trusted;         /* its certificate was found good */
    bool whole;           /* its request is here with its body: it is the server's turn */
    bool leaving;         /* was told to go */
    uint64_t deadline_ms; /* when it is cut off; UINT64_MAX: never */
};

struct guest_list {
    struct guest *newest;
    uint32_t count;
};

void guest_enter(struct guest_list *list, struct guest *guest);
void guest_leave(struct guest_list *list, struct guest *guest);

/* Who goes because `guest`, which is in the list, has come; NULL: there is room for all. It is marked `leaving`. */
struct guest *guest_victim(struct guest_list *list, struct guest *guest, uint32_t address_max,
                           uint32_t count_max);

#endif
