/* One seat of a simulated cluster: its core, and what a driver keeps for it: log, blocks, overlays, chain, pool.
 *
 * What is on disk survives station_crash: the log (disk.h), bodies that it names, and the chain up to `durable`.
 * Nothing here sends or waits; cluster.c performs the actions. */
#ifndef TEST_SIM_STATION_H
#define TEST_SIM_STATION_H

#include "test/sim/disk.h"
#include "test/sim/toy.h"

/* A block that isn't committed, or its body alone. */
struct station_block {
    struct digest digest; /* of the header; zero: only a body that somebody sent */
    uint64_t height;      /* 0: only a body */
    struct digest parent, root, body_digest;
    uint8_t header[TOY_HEADER_BYTES];
    size_t header_size;
    struct toy_body body;
    bool executed; /* there is an overlay */
    bool on_disk;
};

struct station_decided {
    struct digest digest, root, body_digest;
    uint8_t header[TOY_HEADER_BYTES];
    size_t header_size;
    struct toy_body body;
    struct disk_bytes certificate;
};

struct station_signing {
    struct action_sign sign;
    struct disk_bytes body; /* what sign.body points at */
};

struct station_order { /* an EXECUTE that isn't answered */
    uint64_t ticket;
    struct consensus_block block;
    uint8_t header[TOY_HEADER_BYTES];
    size_t header_size;
    uint64_t holders;
    bool running;         /* the answer is on its way ... */
    struct toy_body body; /* ... for this body */
};

#define STATION_POOL_MAX 128

struct station_waiting { /* a number in the pool */
    uint64_t number;
    uint64_t since_ms; /* Unix time at which it came */
    uint64_t passed;   /* committed blocks that had room for it */
};

struct station_mark {  /* what is known of a number */
    bool done;         /* in the chain */
    bool pending;      /* in the pool */
    uint16_t overlays; /* executed blocks that hold it and aren't durable */
};

struct station {
    struct seat seat;
    bool alive;
    uint32_t
        life; /* counts restarts, so that what was scheduled before a crash is known as stale */
    struct consensus *core;
    struct consensus_config config;
    struct arena arena; /* of one step */

    struct disk disk;
    struct event_start opened;        /* how much of the log was there at the last start */
    struct station_signing *signings; /* that wait for the log */
    size_t signing_count;

    struct station_block *blocks;
    size_t block_count;
    struct station_decided *chain; /* by height; [0] is genesis */
    uint64_t chain_count, durable; /* durable: height on disk */

    struct station_order *orders;
    size_t order_count;
    struct station_waiting *pool;
    size_t pool_count;
    struct station_mark *marks; /* by number */
    size_t mark_room;
    uint64_t tick_ms; /* of the earliest TICK that is scheduled; UINT64_MAX: none */
};

/* `config` is copied, its seat replaced. The core isn't started. */
void station_init(struct station *station, struct seat seat, const struct consensus_config *config,
                  const struct toy_header *genesis);
void station_release(struct station *station);

/* Loses the core and all that isn't on disk; but of the log's records that wait for a sync, the first `kept` made it. */
void station_crash(struct station *station, size_t kept);

/* A new core, that has read back what can be read of its log; feed EVENT_START with station_start. */
void station_restart(struct station *station);
struct event station_start(const struct station *station);

/* --- log --- */

/* The log is on disk through `sequence`, with the bodies it names. */
void station_synced(struct station *station, uint64_t sequence);

void station_queue_sign(struct station *station, const struct action_sign *sign);

/* The next signature that waits for nothing more: free signing->body.data. False if there is none. */
bool station_next_sign(struct station *station, struct station_signing *signing);

/* --- blocks --- */
struct station_block *station_find(const struct station *station, const struct digest *digest);
bool station_body(const struct station *station, const struct digest *body_digest,
                  struct toy_body *body);
void station_keep_body(struct station *station, const struct toy_body *body);
void station_discard(struct station *station, const struct digest *digest);

/* What is wrong with a liar's block; its header agrees with its body all the same. */
enum station_flaw {
    STATION_SOUND,
    STATION_WRONG_ROOT,
    STATION_TWICE, /* holds a number twice */
    STATION_USED,  /* holds one that is in the chain */
};

/* Builds a block on an executed parent: false when nothing waits and `empty_too` isn't asked, or the parent is gone. */
bool station_build(struct station *station, const struct action_build *build, uint64_t time_ms,
                   enum station_flaw flaw, struct station_block **block);

/* Answers an order whose body is here: false if the order or the parent is gone meanwhile. */
bool station_execute(struct station *station, uint64_t ticket, enum event_verdict *verdict);

/* Final: from overlay to chain; `durable` follows later. Requires that it was executed. */
struct station_decided *station_commit(struct station *station, const struct action_commit *commit);

/* The chain is on disk through `height`: what was kept to decide it is dropped. */
void station_on_disk(struct station *station, uint64_t height);

/* --- pool --- */
/* False if the pool is full. */
bool station_submit(struct station *station, uint64_t number, uint64_t clock_ms);
struct event_work station_work(struct station *station);

#endif
