/* The one thread that runs consensus: events in, consensus_step, actions out in their order.
 *
 * It takes all events that wait, steps through them, makes the log durable once, and only then lets the signed messages leave (which come
 * back to the core as events, until it has nothing more to say). It sleeps until the core's deadline. */
#ifndef TOOLS_TENURED_DRIVER_H
#define TOOLS_TENURED_DRIVER_H

#include "consensus/consensus.h"
#include "tools/sys/queue.h"
#include "tools/sys/thread.h"
#include "tools/tenured/catchup.h"
#include "tools/tenured/parcel.h"

/* Events that wait; verifiers rest when it is full. */
#define DRIVER_QUEUE       8192
#define DRIVER_QUEUE_BYTES (32u << 20)

/* A body that doesn't come by itself is asked for, and again. */
#define DRIVER_ASK_FIRST_MS 100
#define DRIVER_ASK_AGAIN_MS 300

/* A node that has reached the height at which the chain halts serves its last block for so long. */
#define DRIVER_HALT_MS 2000

struct node;

enum driver_kind {
    DRIVER_MESSAGE,   /* verified; with a parcel: a decided block that was asked for */
    DRIVER_BODY,      /* parcel; `valid` unless a transaction in it isn't */
    DRIVER_WANT_BODY, /* digest, of something that isn't committed here */
    DRIVER_BUILT,     /* ticket, parcel or NULL, more */
    DRIVER_EXECUTED,  /* ticket, digest, verdict; or lacks_body */
    DRIVER_COMMITTED, /* height; renewed: the set or its candidates changed; halted: the next one is of a newer protocol */
    DRIVER_WORK,
    DRIVER_STRANGE, /* from: a peer that may be in a later set */
};

struct driver_event {
    enum driver_kind kind;
    struct place from;
    uint64_t
        since; /* MESSAGE, BUILT, EXECUTED: the set (its first height) that it belongs to; another core's is dropped */
    struct message message;
    struct arena arena; /* of the message */
    uint8_t *raw;       /* what the message borrows from; owned */
    size_t raw_size;
    struct parcel *parcel; /* owned */
    bool valid, more, lacks_body, renewed, halted;
    uint64_t ticket;
    struct digest digest;
    enum event_verdict verdict;
    struct height height;
    struct event_work work;
};

/* A block that is to be executed and whose body isn't here. */
struct driver_wait {
    struct action_execute execute; /* without its header */
    uint64_t ask_ms;               /* when to ask next */
    unsigned turn;
};

#define DRIVER_WAITS 64

/* Signatures between two syncs: DRIVER_SETTLE of them end a turn; what one step adds, and what comes back, is far less than the rest. */
#define DRIVER_SETTLE   128
#define DRIVER_PROMISES 1024

/* A signature that waits for the sync. */
struct driver_promise {
    enum message_tag tag;
    struct bytes body; /* in promise_arena */
    uint64_t after, to;
};

struct driver {
    struct node *node;
    struct queue queue;
    struct thread thread;
    struct consensus *consensus;
    struct actions actions;
    struct arena step_arena, promise_arena, own_arena;
    struct driver_promise promises[DRIVER_PROMISES];
    size_t promise_count;
    struct action_forget forget;
    struct driver_wait waits[DRIVER_WAITS];
    size_t wait_count;
    struct parcel_shelf shelf;
    struct catchup catchup;
    struct event_work work;             /* as the executor told it last */
    uint64_t heights[LIMIT_VALIDATORS]; /* committed by each seat, as it signed */
    uint64_t leave_ms;                      /* when a node that halted stops; 0: it didn't */
    struct height halt;                     /* where */
    bool renew;            /* set or candidates changed in a block that is durable now */
    pthread_mutex_t mutex; /* of what follows */
    struct consensus_summary summary;
};

/* Reads the log back into a new core. Requires chain, votelog, signer and committee of the node. */
MUST_USE enum err driver_init(struct driver *driver, struct node *node, struct fault *fault);
MUST_USE enum err driver_start(struct driver *driver, struct fault *fault);

/* A zeroed event; NULL when memory is short. */
struct driver_event *driver_event_new(enum driver_kind kind);
void driver_event_free(struct driver_event *event);

/* Takes it over, waiting while the queue is full. Not for the driver's own thread. */
void driver_post_take(struct driver *driver, struct driver_event *event);

/* The core's summary; any thread. */
void driver_summary(struct driver *driver, struct consensus_summary *summary);

/* One step of the core at the clocks' time, and what it asks for, in its order. The driver's own thread; for cores.c. */
void driver_step(struct driver *driver, struct event *event);

/* One sync for all that was promised; then it leaves. What comes back may promise more. False: the node has failed. The driver's own
 * thread; for cores.c. */
MUST_USE bool driver_settle(struct driver *driver);

void driver_stop(struct driver *driver);
void driver_release(struct driver *driver);

#endif
