/* State transfer: a node that is new, or too far behind for catch-up (catchup.h), fetches the state of one committed height from several
 * peers, and starts from there.
 *
 *     IDLE      far behind, or one whom we asked for blocks has none      -> ASKING
 *     ASKING    a second for offers (bids.h), a few times                 -> FETCHING, if f + 1 members offer one height, and this node is
 *                                                                            far behind or f + 1 of them say that the next block is gone
 *                                                                         -> else IDLE for a while
 *     FETCHING  ranges of the state (ledger/snapshot.h), a chunk each at  -> the import is whole: the node starts again on it
 *               a time, from all who offered the same header              -> fewer than f + 1 have it: IDLE, and the import goes on later
 *                                                                         -> it is damaged (incoming.h): IDLE, and it begins anew later
 *
 * What counts is proven: the header by its certificate, against the set that certifies it, and each chunk against the header's state root;
 * and what members *say* (where blocks begin, who has what) counts from f + 1 of them, others say nothing. A member is one of the newest
 * set that is proven to follow what is committed here (lineage.h): who has blocks of a later set is asked for the boundaries before it. Who sends what isn't so is named in
 * the log and asked no more; who is silent loses its turn, and a minute; the others are asked for the same.
 *
 * Catch-up by blocks rests only while the state is on its way *and* this node is far behind, by what consensus knows for sure. The folders
 * are fetched.h's.
 *
 * A thread of its own does all of it, and serves others too, so neither consensus nor a transaction's check ever waits for it: chunks are
 * cut from a frozen view of the store, travel on the bulk lane, take at most half a core, and a peer has at most STATESYNC_ASKED_MAX
 * requests waiting. */
#ifndef TOOLS_TENURED_STATESYNC_H
#define TOOLS_TENURED_STATESYNC_H

#include <stdatomic.h>

#include "ledger/import.h"
#include "net/peer.h"
#include "tools/sys/queue.h"
#include "tools/sys/thread.h"
#include "tools/tenured/bids.h"
#include "tools/tenured/holds.h"
#include "tools/tenured/lineage.h"

/* Heights that are offered: multiples of it, so that peers whose heads differ by a few offer the same one. */
#define STATESYNC_EVERY 32

/* Records of a peer that wait here, requests and answers. */
#define STATESYNC_ASKED_MAX 8

/* Chunks under way from one peer: one travels while the next is cut. */
#define STATESYNC_UNDER_WAY 2

#define STATESYNC_OFFERS_MS 1000 /* for offers to come */
#define STATESYNC_TRIES     4    /* peers may not be connected yet */
#define STATESYNC_CHUNK_MS  5000 /* for a chunk to come */
#define STATESYNC_SILENT    3    /* chunks that didn't come, until a peer is passed over */
#define STATESYNC_MUTE_MS   60000 /* for so long */
#define STATESYNC_REST_MS   5000  /* between two attempts */
#define STATESYNC_HINT_MS   10000 /* for a SNAPSHOT to answer WANT_BLOCKS; what comes unasked says nothing */

struct node;

enum statesync_phase { STATESYNC_IDLE, STATESYNC_ASKING, STATESYNC_FETCHING };

/* A snapshot that peers have; `header` and `certificate` are in the arena. */
struct statesync_offer {
    struct height height;
    struct digest digest; /* of the header */
    struct bytes header, certificate;
};

/* What is known of a peer. */
struct statesync_peer {
    bool liar; /* never asked again in this place */
    unsigned silent;
    uint64_t muted_ms; /* not asked until then */
};

/* A chunk that was asked for. */
struct statesync_ask {
    bool open;
    struct place place;
    uint64_t until_ms;
};

struct statesync {
    struct node *node;
    struct queue queue;
    struct thread thread;
    atomic_uint
        shares[PEER_PLACES]; /* records of each peer that wait; at most STATESYNC_ASKED_MAX */
    atomic_bool active;           /* catch-up by blocks rests */
    atomic_bool blocks_too;       /* nobody had a snapshot: catch-up goes on while we ask again */
    atomic_uint ranges;           /* that are in, for people */
    atomic_ullong height;         /* of what is fetched, for people */
    atomic_ullong asked_ms[PEER_PLACES]; /* when each was asked for blocks last; 0: never */
    struct holds holds;                  /* what others fetch from here */

    enum statesync_phase phase; /* from here on the thread's own */
    uint64_t until_ms;
    unsigned tries;       /* ASKING: in vain so far */
    bool hinted;          /* somebody whom we asked has none of the blocks that we want */
    struct bids bids;     /* ASKING, FETCHING: who offers what, as it said and as we know so far */
    struct lineage lineage; /* whom we trust: the newest set that leads on from what is committed here */
    struct arena arena;   /* of `offer` */
    struct statesync_offer offer;
    struct import *import;
    struct statesync_ask asks[SNAPSHOT_RANGES];
    struct statesync_peer peers[PEER_PLACES];
    unsigned turn;
};

MUST_USE enum err statesync_init(struct statesync *statesync, struct node *node);
MUST_USE enum err statesync_start(struct statesync *statesync, struct fault *fault);

/* A record of a peer: a request, an offer or a chunk. Copied; dropped when its share is used up. Any thread. */
void statesync_record(struct statesync *statesync, struct place from, uint8_t tag,
                      struct bytes body);

/* Has a peer that asked for blocks that aren't here any more be offered a snapshot instead. Any thread. */
void statesync_refer(struct statesync *statesync, struct place place);

/* A peer is asked for blocks; its answer may be that they are gone. Any thread. */
void statesync_expect(struct statesync *statesync, struct place place);

/* Is this node so far behind that it fetches the state, so that asking for blocks is of no use? Not once an attempt has found nobody. Any
 * thread. */
bool statesync_takes_over(struct statesync *statesync);

/* Is the state on its way? Any thread. */
bool statesync_is_active(const struct statesync *statesync);

/* The lowest height that somebody fetches from here now; UINT64_MAX: none. Any thread. */
uint64_t statesync_needed(struct statesync *statesync);

void statesync_stop(struct statesync *statesync);
void statesync_release(struct statesync *statesync);

#endif
