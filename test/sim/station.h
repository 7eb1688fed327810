/* One node of a simulated cluster: its core, and what a driver keeps for it: log, blocks, ledger, and the set of validators that it
 * knows of.
 *
 *     member      sits in its term's set: votes
 *     follower    doesn't: a candidate, or one that was removed, whose core only observes and serves
 *     retired     was removed, and f + 1 of the set after it have a block of their own: stopped for ever
 *
 * What is on disk survives station_crash: the log (disk.h), bodies that it names, and the chain up to `durable`.
 * Nothing here sends or waits; cluster.c performs the actions. */
#ifndef TEST_SIM_STATION_H
#define TEST_SIM_STATION_H

#include "test/sim/books.h"
#include "test/sim/disk.h"

/* A block that isn't durable, or a body that somebody sent. */
struct station_block {
    struct digest digest; /* of the header; zero: only a body */
    uint64_t height;      /* 0: only a body */
    struct digest body_digest;
    uint8_t header[BOOKS_HEADER_BYTES];
    size_t header_size;
    struct disk_bytes body;
    bool on_disk;
};

struct station_decided {
    struct digest digest, body_digest;
    uint8_t header[BOOKS_HEADER_BYTES];
    size_t header_size;
    struct disk_bytes body, certificate;
};

struct station_signing {
    struct action_sign sign;
    struct disk_bytes body; /* what sign.body points at */
};

struct station_order { /* an EXECUTE that isn't answered */
    uint64_t ticket;
    struct digest digest, body_digest; /* of the header, and of the body that it names */
    uint8_t header[BOOKS_HEADER_BYTES];
    size_t header_size;
    uint64_t height;
    uint64_t holders;
    struct disk_bytes body; /* not empty: the answer is on its way for it; data owned */
};

struct station {
    uint8_t member;
    struct term term; /* after the last durable block */
    struct seat seat; /* in it, or none */
    bool dismissed;   /* sat in a set before, and now doesn't */
    bool retired;
    uint64_t heights[LIMIT_VALIDATORS]; /* that the seats of the term signed to have committed */
    uint64_t
        guessed_ms; /* when somebody of a set that isn't known here was last asked for blocks */
    bool alive;
    uint32_t
        life; /* counts restarts, so that what was scheduled before a crash is known as stale */
    struct consensus *core;
    struct consensus_config config;
    const struct books_kind *kind;
    struct arena arena; /* of one step */

    struct disk disk;
    struct station_signing *signings; /* that wait for the log */
    size_t signing_count;

    struct station_block *blocks;
    size_t block_count;
    struct station_decided *chain; /* by height; [0] is genesis */
    uint64_t chain_count, durable; /* durable: height on disk */
    uint64_t keep;                 /* blocks below that one which are kept to be served; 0: all */
    uint64_t oldest;               /* the lowest height that can be served */

    struct station_order *orders;
    size_t order_count;
    struct books *books;
    uint64_t tick_ms; /* of the earliest TICK that is scheduled; UINT64_MAX: none */
};

/* `config` is copied, its committee, base and seat replaced. The core isn't started. */
void station_init(struct station *station, uint8_t member, const struct consensus_config *config,
                  const struct books_world *world);
void station_release(struct station *station);

/* Loses the core and all that isn't on disk; but of the log's records that wait for a sync, the first `kept` made it. */
void station_crash(struct station *station, size_t kept);

/* A new core, that has read back what can be read of its log; feed EVENT_START with station_start. */
void station_restart(struct station *station);
struct event station_start(const struct station *station);

/* The last durable block is a boundary: a new core, of the next set, without what the one before waited for; feed it EVENT_START. */
bool station_is_at_boundary(const struct station *station);
void station_renew(struct station *station);

/* Takes over another's state, of a block far above: a new core, which reads the log again; feed it EVENT_START. What is below isn't here. */
void station_jump(struct station *station, struct bytes header, struct bytes certificate,
                  struct bytes state);

/* Stops for ever. */
void station_retire(struct station *station);

/* --- log --- */

/* The log is on disk through `sequence`, with the bodies it names. */
void station_synced(struct station *station, uint64_t sequence);

void station_queue_sign(struct station *station, const struct action_sign *sign);

/* The next signature that waits for nothing more: free signing->body.data. False if there is none. */
bool station_next_sign(struct station *station, struct station_signing *signing);

/* --- blocks --- */
struct station_block *station_find(const struct station *station, const struct digest *digest);

/* The body with this digest; data NULL if it isn't here. */
struct bytes station_body(const struct station *station, const struct digest *body_digest);

/* Keeps a body that somebody sent. False, and nothing is kept, if it is none. */
bool station_keep_body(struct station *station, struct digest *body_digest, struct bytes body);

void station_add_order(struct station *station, const struct action_execute *execute);
void station_discard(struct station *station, const struct digest *digest);

/* Builds a block: NULL when there is nothing to build, or the parent is gone. */
struct station_block *station_build(struct station *station, const struct books_order *order);

/* Answers an order whose body is here: false if the order or the parent is gone meanwhile. */
bool station_execute(struct station *station, uint64_t ticket, enum event_verdict *verdict);

/* Final; `durable` follows later. Requires that it was executed. */
struct station_decided *station_commit(struct station *station, const struct action_commit *commit);

/* The block at `height` is on disk: what was kept to decide it is dropped. */
void station_on_disk(struct station *station, uint64_t height, uint64_t now_ms);

#endif
