/* The judge of a run sees only what honest seats signed, sent, decided and read back from disk, never the inside of a core, and says
 * what should not have been. It checks with its own code, not with the core's:
 *
 *   agreement     no two honest seats decide different blocks at a height
 *   no gap        each seat decides heights one after another, also over restarts, and each block's parent is the one below
 *   certificates  what a seat decided with is a quorum's COMMITs over that block, of the set of its height, and the honest ones among them
 *                 signed just that
 *   sets          only members of an agreed set sign, in one set after another; only the guilty lose their seats by evidence; who was
 *                 removed leaves only when an honest member above its boundary doesn't need it any more
 *   validity      the judge's own ledger executes each block to the same header; no number is in two blocks, and money adds up; its proposer
 *                 was the primary of its view, and its time is above its parent's and not ahead of all clocks
 *   promises      no two different statements of a seat for one (kind, height, view), over restarts too; no COMMIT for another block
 *                 than the PREPARE; no vote below a view that it left; no VIEW-CHANGE that leaves out what it sent COMMIT for;
 *                 nothing signed before it was durable
 *   bounds        what a seat keeps on disk and in memory, and sends in a second */
#ifndef TEST_SIM_JUDGE_H
#define TEST_SIM_JUDGE_H

#include "base/text.h"
#include "consensus/consensus.h"
#include "test/sim/books.h"

struct judge_block {
    struct digest digest;
    uint64_t time_ms;
};

struct judge_promise { /* a slot of a hash table; tag 0: free */
    uint8_t tag, member;
    uint64_t since, height, view; /* since: the first height of the set */
    struct digest body;           /* of what was signed */
    struct digest digest;         /* of the block; else as `body` */
};

/* Heights about which a seat can have votes at the same time, twice. */
#define JUDGE_RING (2 * BOUNDS_WINDOW)

/* What a seat may keep and send, each several times what long runs have shown. */
#define JUDGE_RECORDS_MAX 1024 /* of the log */
#define JUDGE_BLOCKS_MAX                                                                           \
    192 /* not yet decided: rivals in a window of heights, and bodies that came unasked */
#define JUDGE_SENT_MAX 4000 /* messages in a second, for each seat that receives them */

struct judge_load {
    uint64_t records, blocks, orders, sent;
};

struct judge {
    const struct books_kind *kind;
    struct books *books; /* the judge's own, which executes what was agreed; owned */
    uint64_t liars;      /* bits of members of whom nothing is expected */
    struct term *terms;  /* agreed so far, the set of block 1 first; owned */
    size_t term_count;
    uint64_t vacated;          /* seats, by evidence */
    struct judge_block *chain; /* agreed so far, from height 0; owned */
    uint64_t chain_count, chain_room;
    uint64_t height[LIMIT_VALIDATORS]; /* decided by each */
    uint64_t since[LIMIT_VALIDATORS];  /* of the last set that each signed in ... */
    uint64_t left
        [LIMIT_VALIDATORS]; /* ... and the highest view there that it signed a VIEW-CHANGE for */
    struct judge_lock {
        uint64_t since, height, view;
    } locks[LIMIT_VALIDATORS][JUDGE_RING]; /* the last COMMIT of each, by height */
    struct judge_load most;                /* that any honest seat had */
    struct arena arena;                    /* of one call */
    struct judge_promise *promises;        /* owned */
    uint64_t promise_count, promise_room;  /* room is a power of two */
    uint64_t *numbers;                     /* in the agreed chain; a hash set, 0: free; owned */
    uint64_t number_count, number_room;
    struct text faults; /* a line each */
    uint32_t fault_count;
};

void judge_init(struct judge *judge, const struct books_world *world, uint64_t liars);
void judge_release(struct judge *judge);

/* The set that certifies this height, as far as is agreed: valid until the next boundary is. */
const struct term *judge_term(const struct judge *judge, uint64_t height);

/* A member signs, in the set that begins at `since`. `durable`: what it waits for is on its disk. */
void judge_signed(struct judge *judge, uint8_t member, const struct action_sign *sign,
                  uint64_t since, bool durable);

/* A member takes over the state after this block without having decided it: it must be one that was agreed, and new to it. */
void judge_jumped(struct judge *judge, uint8_t member, uint64_t height,
                  const struct digest *digest);

/* A removed one, not in the set that begins at `since`, stops. */
void judge_left(struct judge *judge, uint8_t member, uint64_t since);

/* A seat decides a block, with the certificate as packed. `latest_ms` is the latest Unix time at which it may have been proposed. */
void judge_decided(struct judge *judge, uint8_t member, struct bytes header, struct bytes body,
                   struct bytes certificate, uint64_t latest_ms);

/* What a seat holds now, and has sent to one other in the last second. */
void judge_weigh(struct judge *judge, uint8_t member, const struct judge_load *load);

/* A seat starts again and finds this height on its disk; `digest` is that block's. */
void judge_restarted(struct judge *judge, uint8_t member, uint64_t height,
                     const struct digest *digest);

/* True if `number` is in the agreed chain. */
bool judge_has(const struct judge *judge, uint64_t number);

/* Adds a fault that somebody else found. */
void judge_fault(struct judge *judge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
