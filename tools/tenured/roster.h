/* Who decides now, and whom we talk with: made from the state after the last committed block, never changed, shared between threads.
 *
 *     committee seat    number in the set that certifies the next block; what consensus calls a seat
 *     place             line in the net's table of peers (net/peer.h); it stays a peer's as long as we talk with it
 *
 * We talk with the members of the set; and, as guests, with
 * - the candidates of open proposals, so that they can catch up before they are voted in,
 * - those who sat in a set that is over, the ROSTER_FORMER that left last, as long as the state of that time is kept here: they serve what
 *   others lack, and one that was away hears whenever it comes back that it may go,
 * - those whom the configuration names with their keys: how a node that joins finds a set that genesis doesn't know.
 * Guests hear our STATUS and are served blocks; they vote on nothing.
 *
 * A peer's address is the configuration's, by name; else the state's, which governance wrote (contracts/seats.h). */
#ifndef TOOLS_TENURED_ROSTER_H
#define TOOLS_TENURED_ROSTER_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/units.h"
#include "consensus/committee.h"
#include "net/peer.h"

#define ROSTER_FORMER 16

#define ROSTER_NAME_SIZE    (LIMIT_TEXT_BYTES + 1)
#define ROSTER_ADDRESS_SIZE 256

#define ROSTER_NONE 255 /* no seat, no place */

struct node;

struct roster_line { /* a place */
    bool taken;
    uint8_t seat; /* in the committee; ROSTER_NONE: a guest */
    struct sign_public public;
    char name[ROSTER_NAME_SIZE];
    char address[ROSTER_ADDRESS_SIZE];
};

struct roster {
    atomic_uint holders;
    uint64_t since;            /* the first height that this committee certifies */
    struct digest base;        /* header digest of the block before */
    struct committee committee;
    struct seat seat;          /* ours; ROSTER_NONE: we only follow */
    bool dismissed;            /* we sat in a set before, and don't now; not asked for a node that starts in order to follow */
    struct sign_public before[LIMIT_VALIDATORS]; /* the keys of that set, as far as this process knew it */
    uint8_t before_count;
    char names[LIMIT_VALIDATORS][ROSTER_NAME_SIZE]; /* by committee seat */
    uint8_t places[LIMIT_VALIDATORS];               /* likewise; ROSTER_NONE: our own, or vacant */
    struct roster_line lines[PEER_PLACES];
};

/* A line of the configuration: "NAME HOST:PORT", or "NAME HOST:PORT KEY" of somebody whom this chain's state doesn't know yet. */
struct roster_peer {
    char name[ROSTER_NAME_SIZE];
    char address[ROSTER_ADDRESS_SIZE];
    bool has_key;
    struct sign_public key;
};

/* ERR_USAGE and a sentence if the line is none. */
MUST_USE enum err roster_read_peer(struct roster_peer *peer, const char *line,
                                   struct fault *fault);

/* The roster after the last committed block. `before` (NULL: none) is the one until now: what both talk with keeps its place. Errors of the
 * store, or ERR_LIMIT. */
MUST_USE enum err roster_make(struct roster **roster, struct node *node,
                              const struct roster *before, struct fault *fault);

/* Brings the net's table from `before` (NULL: empty) to `after`. An address that is none is logged, and its peer not talked with. */
void roster_connect(struct node *node, const struct roster *before, struct roster *after);

/* The node's roster, until roster_drop; any thread. */
struct roster *roster_hold(struct node *node);
void roster_drop(struct roster *roster);

/* Makes `roster` the node's, taking it over; the one before is dropped. */
void roster_publish_take(struct node *node, struct roster *roster);

/* Is the peer in the committee? Any thread. */
bool roster_is_member(struct node *node, struct place place);

/* The name of a peer, for people; any thread. */
void roster_name(struct node *node, struct place place, char name[ROSTER_NAME_SIZE]);

#endif
