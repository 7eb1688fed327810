/* The threads that check what comes from outside, before any other thread sees it.
 *
 *     peers' votes lane --> votes queue --> one thread    --> driver
 *     peers' bulk lane  --+
 *     admitted batches  --+> bulk queue  --> many threads  --> driver, executor
 *
 * Votes have a thread of their own, so that no block body delays them and one peer's messages keep their order. Each peer has a share of
 * each queue; when it is used up the peer's lane rests (net/peer.h) and TCP holds it back. */
#ifndef TOOLS_TENURED_VERIFIER_H
#define TOOLS_TENURED_VERIFIER_H

#include <stdatomic.h>

#include "consensus/verify.h"
#include "net/peer.h"
#include "tools/sys/queue.h"
#include "tools/sys/thread.h"
#include "tools/tenured/intake.h"

#define VERIFIER_THREADS_MAX 64

/* Records of one peer under way on a lane: votes of a few heights with what a view change adds; bodies of the heights in flight and
 * lists of transactions. */
#define VERIFIER_SHARE_VOTES 512
#define VERIFIER_SHARE_BULK  16

/* The same in bytes: two of the largest messages; bodies of the heights in flight. A record is let in when nothing else of its peer is. */
#define VERIFIER_SHARE_VOTES_BYTES (4u << 20)
#define VERIFIER_SHARE_BULK_BYTES  (16u << 20)

/* Batches of transactions under way in the node. */
#define VERIFIER_BATCHES_MAX 4096

/* What one peer does wrong is logged once in so long. */
#define VERIFIER_LOG_MS 10000

/* What another set's members say is heeded once in so long. */
#define VERIFIER_STRANGE_MS 1000

struct node;

struct verifier {
    struct node *node;
    struct queue votes, bulk;
    struct thread threads[VERIFIER_THREADS_MAX + 1]; /* the first is for votes */
    unsigned thread_count;
    atomic_uint shares[PEER_PLACES][PEER_LANES]; /* records of a peer under way */
    atomic_size_t share_bytes[PEER_PLACES][PEER_LANES];
    atomic_uint batches;                   /* under way, anywhere in the node */
    atomic_ullong view, height;            /* for verify_context; the driver's */
    atomic_ullong logged_ms[PEER_PLACES];  /* when something of this peer was refused and logged */
    atomic_ullong strange_ms[PEER_PLACES]; /* when it sent something of another set */
};

MUST_USE enum err verifier_init(struct verifier *verifier, struct node *node);
MUST_USE enum err verifier_start(struct verifier *verifier, struct fault *fault);

/* A record from a peer, copied. False: its share is used up, or the node stops. One lane of a peer is for one thread at a time. */
bool verifier_record(struct verifier *verifier, struct place from, enum peer_lane lane, uint8_t tag,
                     struct bytes body);

/* A client's batch. False: too many are under way, or the node stops. */
bool verifier_batch(struct verifier *verifier, struct api_batch *batch);

/* An admitted batch comes back from the executor for its signatures. Takes it over. */
void verifier_signatures_take(struct verifier *verifier, struct intake *intake);

/* A batch is done with, answered or not. Takes it over. */
void verifier_finish_take(struct verifier *verifier, struct intake *intake);

/* The threads end; what waits is dropped, and clients are answered. */
void verifier_stop(struct verifier *verifier);
void verifier_release(struct verifier *verifier);

#endif
