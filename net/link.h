/* One connection to one peer, from the first byte inside TLS to the last: handshake, frames in,
 * frames out. For net/peer.c, which decides who is dialled and which connection counts.
 *
 *     state      made by                            left by
 *     greeting   link_new                           the peer's proof is right: open; anything else: ended
 *     open       its proof (events->opened)         an error, link_close: ended
 *     ended      events->ended, once                the last link_release frees it
 *
 * A link is counted: its maker holds one reference, and each transfer under way one. Reads form a
 * chain of callbacks, one at a time, and so do writes; both run on nng's threads. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sign.h"
#include "net/session.h"

struct link;
struct nng_stream;

/* Characters of the longest numeric address with brackets and port, and the zero. */
#define LINK_ADDRESS_SIZE 64

/* Of net/place.h's table. */
#define LINK_CALLERS_MAX (2 * LIMIT_VALIDATORS)

/* The other end of a stream as host:port, for people; a host of IPv6 in brackets. */
void link_remote(struct nng_stream *stream, char address[LINK_ADDRESS_SIZE]);

/* Called from the chain of reads, one at a time for a link, without any lock held. */
struct link_events {
    bool (*sign)(void *self, struct sign_signature *signature, const struct digest *digest);

    /* Who may come now, for the side that listens: fills `known`, returns how many. */
    uint32_t (*callers)(void *self, struct sign_public known[LINK_CALLERS_MAX]);

    void (*opened)(void *self, struct link *link);
    bool (*received)(void *self, struct link *link, uint8_t tag, struct bytes body);

    /* `opened`: whether it had been; `stranger`: it was turned away rather than lost. */
    void (*ended)(void *self, struct link *link, bool opened, bool stranger, const char *why);
};

struct link_options { /* what is pointed at outlives the link, but for `address` */
    const struct link_events *events;
    void *self;                /* for the events */
    struct nng_stream *stream; /* owned from here on, also when link_new fails */
    enum session_side side;
    uint8_t lane; /* of a dialler */
    const struct digest *genesis;
    const struct sign_public *identity; /* our own */
    struct sign_public callee;          /* who must be there, for the side that dials */
    const char *address;                 /* for people */
    uint32_t queue_bytes[SESSION_LANES]; /* bound of what is unsent */
};

/* Starts the handshake. NULL when memory or the system's random source fails. */
struct link *link_new(const struct link_options *options);

void link_retain(struct link *link);
void link_release(struct link *link);

/* Ends it with a reason; `ended` follows from one of nng's threads. Harmless when it has ended. */
void link_close(struct link *link, const char *why);

/* As peer_send. */
MUST_USE enum err link_send(struct link *link, uint8_t tag, struct bytes body);

/* To be called every half second or so: ends a link whose handshake takes too long or whose peer is
 * silent, and lets an idle one say that it is here. */
void link_tick(struct link *link, uint64_t now_ms);

const char *link_address(const struct link *link);
uint8_t link_lane(const struct link *link);                   /* of an open one */
const struct sign_public *link_peer(const struct link *link); /* of an open one */

struct link_usage {
    uint64_t sent_bytes, received_bytes, queued_bytes, dropped;
};

struct link_usage link_usage(struct link *link);

#endif
