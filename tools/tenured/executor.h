/* The thread that owns chain and pool: builds, executes and commits blocks, and lets transactions in.
 *
 * Jobs of the driver are done in the order given and come first; batches of transactions are taken a few at a time in between. After
 * each turn the driver hears what waits in the pool, if that changed. */
#ifndef TOOLS_TENURED_EXECUTOR_H
#define TOOLS_TENURED_EXECUTOR_H

#include <stdatomic.h>

#include "consensus/consensus.h"
#include "net/peer.h"
#include "tools/sys/queue.h"
#include "tools/sys/thread.h"
#include "tools/tenured/charges.h"
#include "tools/tenured/forward.h"
#include "tools/tenured/intake.h"
#include "tools/tenured/parcel.h"

/* A proposal of ours takes at most so much, so that a block is executed in a tenth of a second. */
#define EXECUTOR_BLOCK_TXS   2000
#define EXECUTOR_BLOCK_BYTES (2u << 20)

/* What waits longer is forwarded again, once in so long. */
#define EXECUTOR_REPEAT_MS 2000

/* Jobs that wait: a window of heights in every state, and what peers ask for. */
#define EXECUTOR_JOBS 4096

/* Jobs of one peer that wait or are at work: bodies of a few heights. All peers together leave most of the room to consensus. */
#define EXECUTOR_ASKED_MAX 4

/* Old blocks that go at once; twice as many when it is behind. */
#define EXECUTOR_PRUNE_BLOCKS 8

struct node;

enum executor_kind {
    EXECUTOR_BUILD,
    EXECUTOR_EXECUTE,
    EXECUTOR_COMMIT,
    EXECUTOR_DISCARD,
    EXECUTOR_WAKE,    /* batches wait */
    EXECUTOR_SERVE,   /* a peer wants a body that may be held here */
    EXECUTOR_TELL,    /* a peer wants to know what a block's execution wrote */
    EXECUTOR_COMPARE, /* a peer tells it */
};

struct executor_job {
    enum executor_kind kind;
    uint64_t ticket;       /* BUILD, EXECUTE */
    struct digest digest;  /* EXECUTE, COMMIT, DISCARD, SERVE; BUILD: of the parent */
    struct view view;      /* BUILD */
    struct seat seat;      /* BUILD: the proposer, us */
    uint64_t since;        /* BUILD, EXECUTE: of the set whose core asks; the answer goes to no other */
    bool empty_too;        /* BUILD */
    struct parcel *parcel; /* EXECUTE: NULL when the body may be held; owned */
    struct place place;    /* SERVE, TELL, COMPARE */
    uint8_t *data;         /* COMMIT: certificate, then NEW-VIEW; COMPARE: the record; owned */
    struct bytes record;
    struct bytes certificate, new_view;
    struct digest new_view_digest;
};

struct executor {
    struct node *node;
    struct queue jobs, batches;
    atomic_bool woken;                   /* a WAKE is among the jobs */
    atomic_uint asked[PEER_PLACES]; /* jobs of each peer; at most EXECUTOR_ASKED_MAX */
    struct thread thread;
    struct pool *pool;
    pthread_mutex_t mutex; /* of `stats` */
    struct pool_stats stats;
    struct recent fates; /* by transaction id: pending, or why it was dropped */
    struct arena arena;
    struct digest tip;      /* the block built or executed last */
    struct event_work work; /* as the driver heard it last */
    struct height start;    /* of the history, as the last pruning left it */
    uint64_t waiting_since; /* pool_stats.oldest_ms when passed_over was 0 */
    uint64_t passed_over;
    uint64_t repeated_ms; /* when waiting transactions were forwarded again */
    struct forward forward; /* what clients gave us, for the others */
    struct charges charges; /* what others are guilty of */
    atomic_ullong committed_txs; /* since the start */
};

MUST_USE enum err executor_init(struct executor *executor, struct node *node);
MUST_USE enum err executor_start(struct executor *executor, struct fault *fault);

/* Takes the job over. Never blocks: consensus has a bounded number of them; what a peer wants (SERVE and
 * later kinds) is dropped when EXECUTOR_ASKED_MAX of it are there. */
void executor_job_take(struct executor *executor, struct executor_job *job);

/* Takes a batch over: to be admitted, or (checked) added. Never blocks: batches are counted at the door. */
void executor_batch_take(struct executor *executor, struct intake *intake);

/* What a failed execution says: that this machine has no result (no memory, a disk that fails), so that the node must stop; false: that the
 * block is none that this node takes, or that it can't tell yet. A verdict on a block for want of memory would part honest nodes. */
bool executor_is_own_failure(enum err err);

/* What became of a transaction that isn't committed; any thread. */
enum api_fate executor_fate(struct executor *executor, const struct digest *id,
                            enum tx_verdict *reason);

/* What is in the pool; any thread. */
struct pool_stats executor_stats(struct executor *executor);

void executor_stop(struct executor *executor);
void executor_release(struct executor *executor);

#endif
