/* Pending transactions: bounded, ordered, and each either committed or dropped with a reason.
 *
 *     state      made by                              left by
 *     ready      pool_add, or a gap that closes       pool_commit: its nonce is used (by it or by a
 *                                                     rival), or it expired; pool_revoke; pool_add: a head
 *                                                     evicts it, unless it is a head itself
 *     waiting    pool_add, with a gap of nonces       the gap closes; or as above; pool_add: what is ready
 *                before it                            at once evicts it
 *
 * An account's pending transactions are a run of nonces from its next committed one, with gaps up to
 * POOL_RUN_MAX ahead. Bounds are by count and bytes, for each account and in all; an account may hold
 * only so much whatever is free. The first to come with a nonce keeps it. Accounts take turns: the one
 * served longest ago is first, and one that has just arrived is last; within an account nonces decide.
 *
 * Room is for what can execute. What is ready as it arrives and finds no room evicts what waits; and a head (the
 * transaction with its account's next nonce) evicts the ends of others' runs too, but never a head. So nobody
 * shuts others out by nonces with gaps or by long runs: a head is refused only when the heads alone, one for an account,
 * fill the pool, and whichever transactions a primary was sent before, it takes the one that others wait for.
 * Who holds most loses first: of the account with the largest share of what waits (when nothing waits: of the longest
 * run), the one with the highest nonce; of equals, the account whose share changed last. One addition evicts no more
 * than its own bytes need.
 *
 * So two pools with the same history pick, and evict, the same.
 *
 * It reads no clock and no state: the caller tells time, height and nonces. For one thread (the one
 * that owns the chain). */
#ifndef LEDGER_POOL_H
#define LEDGER_POOL_H

#include "base/address.h"
#include "base/arena.h"
#include "ledger/tx.h"

/* Bounds, each about what a node works off in a few seconds. */
#define POOL_COUNT_MAX         16384
#define POOL_BYTES_MAX         (32u << 20)
#define POOL_ACCOUNT_COUNT_MAX 256
#define POOL_ACCOUNT_BYTES_MAX (1u << 20)

/* How far a nonce may be ahead of the account's next committed one. */
#define POOL_RUN_MAX 256

struct pool;

/* Told of every transaction that leaves without having been committed: TX_EXPIRED, TX_REPLACED,
 * TX_REVOKED_SENDER or TX_EVICTED.
 * May not call the pool. */
struct pool_listener {
    void *self;
    void (*dropped)(void *self, const struct digest *id, enum tx_verdict reason); /* may be NULL */
};

/* NULL when memory is short. */
struct pool *pool_new(struct pool_listener listener);
void pool_free(struct pool *pool);

/* Takes a copy of `tx`, which was checked, signature included. `next_nonce` is the sender's on the
 * last committed state and `height` that state's; `now_ms` any monotonic clock. TX_OK, TX_EXPIRED,
 * TX_NONCE_USED, TX_NONCE_GAP, TX_NONCE_TAKEN, TX_KNOWN, TX_ACCOUNT_FULL, TX_POOL_FULL; a refusal
 * changes nothing. */
MUST_USE enum tx_verdict pool_add(struct pool *pool, const struct tx *tx, uint64_t next_nonce,
                                  struct height height, uint64_t now_ms);

/* What pool_add would say, before the costly check of the signature. */
MUST_USE enum tx_verdict pool_would_add(const struct pool *pool, const struct tx *tx,
                                        uint64_t next_nonce, struct height height);

/* The sender's next nonce on the state that a block is built on (which may be ahead of the
 * committed one). */
struct pool_nonces {
    void *self;
    uint64_t (*next)(void *self, const struct address *sender, uint64_t committed);
};

/* Up to `count_max` whole transactions of `bytes_max` bytes in all that could execute in this
 * order: for each account, in turn, its run from the nonce that `nonces` gives. Bytes are borrowed
 * until the pool changes. Returns how many. */
size_t pool_pick(const struct pool *pool, struct bytes *list, size_t count_max, size_t bytes_max,
                 const struct pool_nonces *nonces);

/* A block was committed at `height` with these transactions: their nonces are used, and what can't
 * be in the next block any more expires. */
struct pool_used {
    struct address sender;
    uint64_t nonce;
    struct digest id;
};
void pool_commit(struct pool *pool, struct height height, const struct pool_used *used,
                 size_t count, uint64_t now_ms);

/* The account was revoked: all that it has pending can't execute any more, and is dropped. */
void pool_revoke(struct pool *pool, const struct address *sender);

/* The pending transaction `id`, whole, or size 0. */
struct bytes pool_get(const struct pool *pool, const struct digest *id);

/* Is there a transaction of `sender` with `nonce` here, whichever it is? */
bool pool_has_nonce(const struct pool *pool, const struct address *sender, uint64_t nonce);

struct pool_stats {
    size_t count; /* pending and waiting */
    size_t bytes;
    size_t executable;  /* those without a gap before them, on the last committed state */
    uint64_t oldest_ms; /* when the longest waiting head of an account became executable; UINT64_MAX
                           when none is */
};
struct pool_stats pool_stats(const struct pool *pool);

#endif
