/* A block's header and body in memory, shared between threads and never changed; and the shelf on which the driver keeps those that
 * aren't committed yet. */
#ifndef TOOLS_TENURED_PARCEL_H
#define TOOLS_TENURED_PARCEL_H

#include <stdatomic.h>

#include "base/digest.h"
#include "base/limits.h"
#include "base/units.h"

struct parcel {
    atomic_uint holders;
    struct digest digest; /* of the header */
    struct bytes header, body;
    uint8_t data[];
};

/* A copy with one holder; NULL when memory is short. */
struct parcel *parcel_new(struct bytes header, struct bytes body);

struct parcel *parcel_hold(struct parcel *parcel);
void parcel_drop(struct parcel *parcel); /* NULL is fine */

/* What one peer may put on the shelf: the heights in flight of two views, and a few of the largest bodies. */
#define PARCEL_SHELF_COUNT 16
#define PARCEL_SHELF_BYTES (16u << 20)

/* Rooms: one for each peer's place (net/peer.h), and our own. */
#define PARCEL_ROOMS    (2 * LIMIT_VALIDATORS + 1)
#define PARCEL_ROOM_OWN (PARCEL_ROOMS - 1)

/* Bodies by digest. In each room a new one pushes out the oldest. For one thread. */
struct parcel_shelf {
    struct parcel *parcels[PARCEL_ROOMS][PARCEL_SHELF_COUNT]; /* oldest first, then NULL */
};

/* Takes over the caller's hold. */
void parcel_shelf_put(struct parcel_shelf *shelf, unsigned room, struct parcel *parcel);

/* Borrowed; NULL if it isn't there. */
struct parcel *parcel_shelf_get(const struct parcel_shelf *shelf, const struct digest *digest);

void parcel_shelf_remove(struct parcel_shelf *shelf, const struct digest *digest);
void parcel_shelf_clear(struct parcel_shelf *shelf);

#endif
