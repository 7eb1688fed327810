/* The judge of a run sees only what honest seats signed, decided and read back from disk, never the inside of a core, and says
 * what should not have been:
 *
 *   agreement     no two honest seats decide different blocks at a height
 *   no gap        each seat decides heights one after another, also over restarts, and each block's parent is the one below
 *   certificates  what a seat decided with is a quorum's signatures over that block
 *   validity      the block's root follows from its parent's and its body; no number is in two blocks
 *   promises      no two different statements of a seat for one (kind, height, view), over restarts too; no vote below a view that it left;
 *                 nothing signed before it was durable */
#ifndef TEST_SIM_JUDGE_H
#define TEST_SIM_JUDGE_H

#include "base/text.h"
#include "test/sim/toy.h"

struct judge_block {
    struct digest digest;
    struct digest root;
};

struct judge_promise { /* a slot of a hash table; tag 0: free */
    uint8_t tag, seat;
    uint64_t height, view;
    struct digest digest;
};

struct judge {
    const struct verify_context *context; /* borrowed; with toy_verify */
    uint64_t liars;                       /* bits of seats of which nothing is expected */
    struct judge_block *chain;            /* agreed so far, from height 0; owned */
    uint64_t chain_count, chain_room;
    uint64_t height[LIMIT_VALIDATORS];    /* decided by each */
    uint64_t left[LIMIT_VALIDATORS];      /* highest view that each signed a VIEW-CHANGE for */
    struct judge_promise *promises;       /* owned */
    uint64_t promise_count, promise_room; /* room is a power of two */
    uint64_t *numbers;                    /* in the agreed chain; a hash set, 0: free; owned */
    uint64_t number_count, number_room;
    struct text faults; /* a line each */
    uint32_t fault_count;
};

void judge_init(struct judge *judge, const struct verify_context *context, uint64_t liars);
void judge_release(struct judge *judge);

/* A seat signs. `durable`: what it waits for is on its disk. */
void judge_signed(struct judge *judge, struct seat seat, enum message_tag tag, uint64_t height,
                  uint64_t view, const struct digest *digest, bool durable);

/* A seat decides a block, with the certificate as packed. */
void judge_decided(struct judge *judge, struct seat seat, struct bytes header,
                   const struct toy_body *body, struct bytes certificate);

/* A seat starts again and finds this height on its disk; `digest` is that block's. */
void judge_restarted(struct judge *judge, struct seat seat, uint64_t height,
                     const struct digest *digest);

/* True if `number` is in the agreed chain. */
bool judge_has(const struct judge *judge, uint64_t number);

/* Adds a fault that somebody else found. */
void judge_fault(struct judge *judge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
