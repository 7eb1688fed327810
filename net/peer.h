/* The other validators: authenticated, ordered, bounded delivery of records by (seat, lane, tag).
 *
 * Whom we talk with is a table that changes while the net is open: peer_admit, peer_dismiss. A place
 * in it is ours alone; what the peer is (a member of which set, a guest) is the owner's matter.
 *
 * Two connections a peer, a lane each: votes, and bulk, so that a block's body never delays a vote.
 * Of two peers the one with the lower key dials, always; so two that start at once make no
 * duplicates. A new connection that has proven who it is replaces the one before it (a peer that
 * crashed has left a dead one). What breaks is dialled again after 100 ms, doubling up to 5 s.
 *
 * Connections are nng's byte streams over TLS (`nng_stream_*`, "tls+tcp") rather than its
 * pair sockets: a stream has one peer, so the handshake's state, the counters and the queue belong
 * to it; a pair socket hides which pipe a message came from and takes the next peer when one
 * leaves. Framing is ours then, with a size checked before memory is taken (net/frame.h), so no
 * NNG_OPT_RECVMAXSZ is needed. Both sides demand a certificate of the consortium's CA; the dialler
 * also demands that it names the peer. nng 1.5.2 ignores a time-out while a TLS handshake waits to
 * write, so deadlines are kept here and end a connection by closing it.
 *
 * What is promised
 * - Records of one lane arrive once, in the order sent, while its connection lives. When it ends,
 *   what was queued or under way may be lost: the sender's protocol repeats (`connected` is the
 *   occasion).
 * - Queues are bounded (below). peer_send never blocks: what has no room is refused with ERR_BUSY
 *   and the queue stays as it was, so what was accepted first goes first.
 * - A receiver that has no room (`received` returns false) pauses that lane of that peer alone; TCP
 *   holds its sender back, and the record is offered again every PEER_RETRY_MS.
 * - Strangers cost a bounded amount: at most PEER_PENDING_MAX connections that haven't proven who
 *   they are (then the oldest of the address that has most is closed for the next one, so that the silent
 *   keep nobody out); PEER_ARRIVALS_PER_S from an address that isn't
 *   loopback; each at most PEER_HANDSHAKE_MS and 256 bytes a message. Each (host, reason) is told
 *   once in ten minutes (net/refusal.h).
 *
 * Threads: nng's own. Any thread may call peer_send and peer_status. Callbacks come from nng's
 * threads, one at a time for a lane of a peer, and must not block or call peer_close. */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sign.h"

enum peer_lane { PEER_VOTES = 0, PEER_BULK = 1 };
#define PEER_LANES 2

/* Unsent bytes a peer and lane: votes of ten seconds at 64 validators; four of the largest bodies, as
 * many as are ever in flight. */
#define PEER_VOTES_QUEUE_BYTES (4u << 20)
#define PEER_BULK_QUEUE_BYTES  (16u << 20)

#define PEER_PENDING_MAX 128 /* two lanes of 64 validators that all come back at once */
#define PEER_ARRIVALS_PER_S                                                                        \
    16 /* connections from one address, loopback excepted; a peer needs two */
#define PEER_HANDSHAKE_MS  5000
#define PEER_IDLE_MS       2000 /* a lane that has been silent for this long sends an empty frame */
#define PEER_SILENT_MS     6000 /* a lane that has received nothing for this long is closed */
#define PEER_RETRY_MS      2
#define PEER_REDIAL_MIN_MS 100
#define PEER_REDIAL_MAX_MS 5000

/* Peers at once: the members of a set, and as many guests. */
#define PEER_PLACES (2 * LIMIT_VALIDATORS)

/* A line of the table. */
struct place {
    uint8_t n; /* < PEER_PLACES */
};

struct peer_member {
    const char *name;    /* a DNS name that its certificate carries */
    const char *address; /* host:port where it listens */
    struct sign_public public;
};

/* The owner. `self` is handed to each. */
struct peer_owner {
    void *self;

    /* Signs a digest with our validator key. False if the signer can't. */
    bool (*sign)(void *self, struct sign_signature *signature, const struct digest *digest);

    /* A record from `from`; the body is borrowed. False: no room now, ask again. */
    bool (*received)(void *self, struct place from, enum peer_lane lane, uint8_t tag,
                     struct bytes body);

    /* A lane opened, or ended with a reason (not told of those that were dismissed). */
    void (*connected)(void *self, struct place place, enum peer_lane lane);
    void (*disconnected)(void *self, struct place place, enum peer_lane lane, const char *why);

    /* Somebody was turned away: `address` is host or host:port, `why` one sentence. */
    void (*refused)(void *self, const char *address, const char *why);
};

struct peer_options {          /* all borrowed during peer_open only */
    struct sign_public public; /* our own key */
    struct digest genesis;
    const char *listen;        /* host:port; the host may be 0.0.0.0 */
    const char *authority_pem; /* the consortium's CA */
    const char *certificate_pem, *key_pem;
    struct peer_owner owner;
};

struct peer_net;

/* Listens; nobody is admitted yet. ERR_USAGE: an address or certificate that can't be read; ERR_IO: the
 * port is in use or not ours to bind; both with a sentence. On success *net must be closed. */
MUST_USE enum err peer_open(struct peer_net **net, const struct peer_options *options,
                            struct fault *fault);

/* Ends all connections and returns when no callback runs or will run. NULL is allowed. */
void peer_close(struct peer_net *net);

/* Talks with `member` from now on: dials it, or lets it in. Requires a free place, and a key that is neither ours nor in the table.
 * ERR_USAGE: its address is none (only asked for if we dial); ERR_LIMIT: no memory. */
MUST_USE enum err peer_admit(struct peer_net *net, struct place place,
                             const struct peer_member *member, struct fault *fault);

/* Ends what there is with this peer, and the place is free when it returns. Not from a callback. Requires a taken place. */
void peer_dismiss(struct peer_net *net, struct place place);

/* Queues a copy of `body` for `to`. ERR_NOT_NOW: not connected, or dismissed; ERR_BUSY: its queue is full;
 * ERR_LIMIT: the record is larger than FRAME_RECORD_MAX. */
MUST_USE enum err peer_send(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                            struct bytes body);

/* A snapshot for people and metrics. */
struct peer_state {
    bool connected[PEER_LANES];
    uint64_t changed_ms[PEER_LANES]; /* since the last connect or disconnect */
    uint64_t queued_bytes[PEER_LANES];
    uint64_t sent_bytes, received_bytes; /* frames, of both lanes, since it was admitted */
    uint64_t dropped;                    /* sends refused with ERR_BUSY */
};

void peer_status(struct peer_net *net, struct place place, struct peer_state *state);

#endif
