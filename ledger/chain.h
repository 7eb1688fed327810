/* The chain of one node: what is committed, what is executed above it, and how a block gets from
 * one to the other.
 *
 *     a block is   made by                      then
 *     held         chain_hold                   its bytes survive a crash; it may be executed
 *     executed     chain_build, chain_execute   it has an overlay; the header's roots are our own
 *     committed    chain_commit                 in the store, synced; rivals, and what descends
 *                                               from them, are gone
 *     dropped      chain_discard, or a rival    held bytes stay until their height is committed
 *                  was committed
 *
 * The store is only ever moved by one atomic batch a block, so a crash at any point leaves the
 * chain at one height, whole; held bodies and consensus' own log tell what to execute again.
 *
 * Everything here is for one thread (the executor), which owns the pool too. Other threads read
 * what is committed through ledger/history.h, at the same time and without waiting. */
#ifndef LEDGER_CHAIN_H
#define LEDGER_CHAIN_H

#include "contracts/contracts.h"
#include "contracts/view.h"
#include "ledger/block.h"
#include "ledger/overlay.h"
#include "ledger/pool.h"
#include "ledger/reader.h"
#include "ledger/store.h"

struct chain;

/* Opens the chain of `genesis` (a packed genesis record, contracts/genesis.h) in the folder `path`;
 * an empty folder becomes one at height 0. Checks that the head's header, body, receipts, root
 * page and index agree. ERR_MISMATCH: the folder is of another chain or of a newer version;
 * ERR_MALFORMED: no genesis record; ERR_CORRUPT, ERR_IO as store.h. The fault says which and what
 * to do. */
MUST_USE enum err chain_open(struct chain **chain, const char *path, struct bytes genesis,
                             struct fault *fault);

/* The same with as much memory for what the store has read; chain_open takes CHAIN_CACHE_BYTES, the hot part of a small state. */
#define CHAIN_CACHE_BYTES (24u << 20)
MUST_USE enum err chain_open_cached(struct chain **chain, const char *path, struct bytes genesis,
                                    size_t cache_bytes, struct fault *fault);

/* Who reads evidence for the contracts; constant from then on. Set before the first block is built or executed: without it all
 * evidence is refused, and a node that refuses what others accept forks. */
void chain_judge(struct chain *chain, const struct contracts_judge *judge);

/* NULL is fine. Every history must be closed. What isn't committed is lost, except what is held. */
void chain_close(struct chain *chain);

/* A block that this node has executed or committed last. Borrowed: while it is the head, or in the
 * overlay. */
struct chain_tip {
    struct digest digest; /* of the header */
    struct block_header header;
    struct bytes header_raw;
    struct bytes body_raw; /* empty for the committed head */
};

struct digest chain_genesis(const struct chain *chain);        /* `chain` in every record */
const struct chain_tip *chain_head(const struct chain *chain); /* committed and durable */

/* The block `digest` if it is the head or executed; ERR_NOT_FOUND otherwise. */
MUST_USE enum err chain_tip(const struct chain *chain, struct chain_tip *tip,
                            const struct digest *digest);

/* The protocol version that the next block must have, by the committed state. Above BLOCK_VERSION_NEWEST this program can't go on. */
MUST_USE enum err chain_next_version(struct chain *chain, uint8_t *version);

/* What a proposal is made of. */
struct chain_proposal {
    struct digest parent; /* the head or an executed block */
    struct view view;     /* of the proposal */
    struct seat proposer;
    uint64_t time_ms;               /* above the parent's */
    const struct bytes *candidates; /* whole transactions, signatures checked, in order */
    size_t candidate_count;
    size_t count_max; /* of transactions; at most LIMIT_BLOCK_TXS */
    size_t bytes_max; /* of the body; at most LIMIT_BLOCK_BYTES */
};

/* Executes as many of the candidates as may be in a block now, in order, leaving out the others,
 * and makes block and header of it. The block is executed then, and *tip tells it. ERR_NOT_FOUND:
 * no such parent; ERR_NOT_NOW: the block's protocol version isn't known here; ERR_LIMIT: no memory, or too many
 * uncommitted blocks; ERR_CORRUPT, ERR_IO from the store: the node must stop. */
MUST_USE enum err chain_build(struct chain *chain, struct chain_tip *tip,
                              const struct chain_proposal *proposal, struct fault *fault);

/* Executes a block whose transactions' signatures were checked, on its parent's overlay, and
 * compares every root. ERR_NONE also when it was executed before. ERR_NOT_FOUND: the parent isn't
 * the head or executed. ERR_MALFORMED: no block, or one that is too large for any machine; ERR_MISMATCH: a transaction that may
 * not be in it, or a header that isn't what this node computes: the fault names the first
 * difference. ERR_LIMIT (this machine has no memory, or too many uncommitted blocks), ERR_CORRUPT, ERR_IO: nothing is known of the block,
 * and the node must stop. */
MUST_USE enum err chain_execute(struct chain *chain, struct bytes header, struct bytes body,
                                struct fault *fault);

/* The write set of an executed block, in key order, or of a block whose execution differed from its
 * header the last time (so that two nodes can find the first key in which they differ). NULL and 0
 * if it isn't here. */
const struct overlay_value *chain_writes(const struct chain *chain, const struct digest *digest,
                                         size_t *count);

/* Forgets history: the chain then starts at a later height, at most `floor` (<= the head) and `blocks_max` above where it does now, by one
 * synced batch. What goes: those blocks with their receipts and indexes, and all pages and values that only older heights need. Headers of
 * block 0 and of boundaries stay. *start is where it starts now. */
MUST_USE enum err chain_prune(struct chain *chain, struct height *start, struct height floor,
                              unsigned blocks_max, struct fault *fault);

/* Makes an executed child of the head final, with its certificate, by one synced batch; then its
 * rivals are dropped, and `pool` (may be NULL) is told, with `now_ms` of the clock that pool_add uses. ERR_NOT_FOUND: not executed; ERR_MISMATCH:
 * no child of the head; ERR_IO: the disk failed, the node must stop. */
MUST_USE enum err chain_commit(struct chain *chain, struct pool *pool, uint64_t now_ms,
                               const struct digest *digest, struct bytes certificate,
                               struct fault *fault);

/* Drops an executed block and its descendants. Nothing happens if it isn't there. */
void chain_discard(struct chain *chain, const struct digest *digest);

/* Makes a block's bytes durable before anything is promised about it; on disk when this returns.
 * Holding twice changes nothing. */
MUST_USE enum err chain_hold(struct chain *chain, struct bytes header, struct bytes body,
                             struct fault *fault);

/* A held block's bytes, in `arena`; ERR_NOT_FOUND, also for a block that is executed but wasn't
 * held. */
MUST_USE enum err chain_held(struct arena *arena, struct chain *chain, const struct digest *digest,
                             struct bytes *header, struct bytes *body, struct fault *fault);

/* State after the head or an executed block, as contracts' getters read it: view_init(&view, &reader->source, arena). Release the
 * reader before the next commit or discard. ERR_NOT_FOUND: neither the head nor executed; then there is nothing to release. */
MUST_USE enum err chain_read(struct chain *chain, struct reader *reader,
                             const struct digest *digest);

/* The sender's account on the state after `digest`: TX_OK and its next nonce, TX_UNKNOWN_SENDER or
 * TX_REVOKED_SENDER. */
MUST_USE enum err chain_sender(struct chain *chain, const struct digest *digest,
                               const struct sign_public *sender, enum tx_verdict *verdict,
                               uint64_t *next_nonce);

/* Cheap admission: size, form, version, chain, expiry, sender, nonce, room. The signature is the
 * caller's to check, next. */
MUST_USE enum err chain_admit(struct arena *arena, struct chain *chain, const struct pool *pool,
                              struct tx *tx, struct bytes raw, enum tx_verdict *verdict,
                              struct fault *fault);

/* The store under it, for ledger/history.c. */
struct store *chain_store(struct chain *chain);

/* For pool_pick on top of `digest`; lives as long as nothing is committed or discarded. */
struct pool_nonces chain_nonces(struct chain *chain, const struct digest *digest);

#endif
