/* The ledger under a node, of one of two kinds: numbers (toy.h), or the real chain with contracts and pool (estate.h).
 *
 *     built or executed (an overlay)  ->  durable: in the store, final  |  discarded
 *
 * A client's number n, from 1 up, is itself in a toy's block, and the n-th of a fixed list of transactions in a real one. */
#ifndef TEST_SIM_BOOKS_H
#define TEST_SIM_BOOKS_H

#include "base/record.h"
#include "consensus/consensus.h"
#include "test/sim/term.h"

#define BOOKS_HEADER_BYTES 384
#define BOOKS_START_MS     UINT64_C(1700000000000) /* Unix time at which runs begin; genesis is older */

/* A client's numbers go up to here. */
#define BOOKS_NUMBER_MAX 65536u

/* Numbers in a block: few, so that blocks fill. */
#define BOOKS_BLOCK_NUMBERS 8

/* What is wrong with a liar's block; its header agrees with its body all the same. */
enum books_flaw {
    BOOKS_SOUND,
    BOOKS_WRONG_ROOT,
    BOOKS_TWICE, /* holds a number twice */
    BOOKS_USED,  /* holds one that is in the chain */
};

struct books;

/* What all nodes of a run have in common. */
struct books_world {
    const struct books_kind *kind;
    struct term first;                  /* the set of block 1 */
    struct digest chain;                /* the genesis digest */
    uint8_t header[BOOKS_HEADER_BYTES]; /* of block 0 */
    size_t header_size;
    struct estate *estate; /* of the real kind; owned */
};

struct books_order {      /* of a block */
    struct digest parent; /* durable, or executed */
    struct height height;
    struct view view;
    struct seat proposer;
    uint64_t time_ms; /* not before the parent's, whatever is said here */
    bool empty_too;
    enum books_flaw flaw;
};

struct books_kind {
    subject_read *read;
    const struct record
        *header; /* how headers are packed: for liars, who change what they like in it */

    /* Fills *world for `count` seats; `sound`: transactions have real signatures. */
    void (*found)(struct books_world *world, uint8_t count, bool sound);
    void (*dissolve)(struct books_world *world);

    struct books *(*open)(const struct books_world *world); /* an empty one, at block 0 */
    void (*close)(struct books *books);
    void (*fail)(struct books *books); /* power: overlays and pool are lost */

    /* Of a body; false if it is none. And of the body that a header names. */
    bool (*body_digest)(struct arena *arena, struct digest *digest, struct bytes body);
    struct digest (*body_named)(struct bytes header);
    /* The numbers in a sound body. Returns how many, <= BOOKS_BLOCK_NUMBERS. */
    uint32_t (*numbers)(struct books *books, struct bytes body,
                        uint64_t numbers[BOOKS_BLOCK_NUMBERS]);

    /* Builds and executes. False when nothing waits and an empty one isn't asked for, or the parent is gone. Bytes are in the arena. */
    bool (*build)(struct books *books, struct arena *arena, const struct books_order *order,
                  struct bytes *header, struct bytes *body);
    /* False if the parent is gone. */
    bool (*execute)(struct books *books, struct arena *arena, struct bytes header,
                    struct bytes body, enum event_verdict *verdict);
    void (*discard)(struct books *books, const struct digest *digest);
    /* The body is kept over power failures until its height is durable. NULL: the kind doesn't care. */
    void (*hold)(struct books *books, struct bytes header, struct bytes body);
    /* An executed child of the last durable block is final, and on disk. */
    void (*durable)(struct books *books, const struct digest *digest, struct bytes certificate,
                    uint64_t now_ms);

    /* To the pool: false if it is full. Knows and used ones are fine. */
    bool (*submit)(struct books *books, uint64_t number, uint64_t now_ms);
    struct event_work (*work)(struct books *books);

    /* The set that certifies what follows the last durable block; its base is the caller's. NULL: it never changes, and motions are mere
     * numbers. */
    void (*term)(struct books *books, struct term *term);

    /* The state after the last durable block, as a node that was away long takes it over; and that taking over, by books that are behind it.
     * NULL: there is no such way. */
    struct bytes (*state)(const struct books *books, struct arena *arena);
    void (*take_over)(struct books *books, struct bytes state);

    /* Money adds up. NULL: there is none. */
    bool (*is_even)(struct books *books);
};

#endif
