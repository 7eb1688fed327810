/* The table of peers of net/peer.h: who has which place, and what a place has, a lane each: the connection that counts, and the dialler
 * of a lane that we dial.
 *
 *     state      made by         left by
 *     free       place_free      place_admit: taken
 *     taken      place_admit     place_vacate: leaving
 *     leaving    place_vacate    place_stop, and then, when none of its lanes is dialling any more, place_free
 *
 * For net/peer.c, which has the connections and decides what is dialled when. It guards the table by its mutex: each function here requires
 * it, but for place_init, place_release and place_stop. Nothing here calls back or closes a connection. */
#ifndef NET_PLACE_H
#define NET_PLACE_H

#include <pthread.h>

#include "net/link.h"
#include "net/peer.h"

struct nng_aio;
struct nng_stream_dialer;

struct place_lane {
    struct peer_net *net;
    uint8_t place, lane;
    pthread_mutex_t
        telling; /* held during callbacks of this lane, so that they come one at a time */

    /* Guarded by the net's mutex. */
    struct link *link; /* the one that counts; NULL or open */
    uint64_t changed_ms;
    struct nng_stream_dialer *dialler; /* of a lane that we dial */
    struct nng_aio *dial_aio;
    bool dialling;       /* a dial is under way */
    struct link *trying; /* what it gave, until it is open */
    uint64_t due_ms;
    uint32_t delay_ms;
};

struct place_slot { /* guarded by the net's mutex, but for its lanes' own */
    bool taken;
    bool calls; /* it dials us */
    struct sign_public public;
    char *name;
    struct place_lane lanes[PEER_LANES];
    struct link_usage past; /* of connections that are gone */
};

struct place_table {
    struct place_slot slots[PEER_PLACES];
};

/* What place_vacate finds at most: in each lane the connection that counts, and one that is tried. */
#define PLACE_LINKS (2 * PEER_LANES)

/* All free. Requires a zeroed table; keeps `net` for who looks at a lane. */
void place_init(struct place_table *table, struct peer_net *net);

/* Frees what the places hold. Requires that nothing is dialled or told any more. */
void place_release(struct place_table *table);

/* Is the slot that of the link's peer? Requires an open link. */
bool place_is_of(const struct place_slot *slot, const struct link *link);

/* The lane that an open link belongs to; NULL if its peer was dismissed. */
struct place_lane *place_lane_of(struct place_table *table, const struct link *link);

/* Fills `known` with the keys of those that dial us; how many. */
uint32_t place_callers(const struct place_table *table, struct sign_public known[LINK_CALLERS_MAX]);

/* A lane that we dial is dialled again after a while, and the next time after twice as long. */
void place_dial_later(struct place_lane *lane);

/* Takes a connection that ended out of its lane, which may be dialled again. */
void place_forget(struct place_table *table, const struct link *link);

/* Adds what a connection that ended has carried to what its peer did. */
void place_count(struct place_slot *slot, const struct link_usage *usage);

/* As peer_admit, for a peer that dials us (`calls`) or one that we dial: then `dialled` is told of each dial's end, with its lane.
 * On failure the slot is free. */
MUST_USE enum err place_admit(struct place_slot *slot, const struct peer_member *member, bool calls,
                              void (*dialled)(void *lane), struct fault *fault);

/* Nobody's from now on: fills `links` with its connections, each with a reference for the caller; how many. Requires a taken slot. */
uint32_t place_vacate(struct place_slot *slot, struct link *links[PLACE_LINKS]);

/* Ends the dials under way; `dialled` follows. Without the mutex. */
void place_stop(struct place_slot *slot);

/* Frees what place_admit made. Requires that nothing is dialled. */
void place_free(struct place_slot *slot);

/* As peer_status. */
void place_status(const struct place_slot *slot, struct peer_state *state, uint64_t now_ms);

#endif
