/* Execution: a pure function (state view, block) -> (write set, receipts, roots). No clock, no disk; only what the source gives.
 *
 *     execute_begin, execute_genesis   what falls due at the block's start; or the state of height 0
 *     execute_tx                       once a transaction, in order; one that may not be in this block changes nothing and says why
 *     execute_end                      write set in key order, receipts, roots of both lists, digests of sets and parameters
 *
 * The primary offers candidates and leaves out what is refused; a replica takes any refusal for a bad block. Both thus go the same
 * way. The state root isn't here: the tree's pages aren't state (ledger/sparse.h; chain.c joins the two).
 *
 * A source that fails, or an arena that is full, is remembered and given back by execute_end: it means that this machine has no
 * result, never that a rule said no. */
#ifndef LEDGER_EXECUTE_H
#define LEDGER_EXECUTE_H

#include "base/merkle.h"
#include "contracts/contracts.h"
#include "contracts/event.h"
#include "contracts/genesis.h"
#include "contracts/view.h"
#include "ledger/overlay.h"
#include "ledger/tx.h"

/* What a block's execution gives. All of it is in the arena. */
struct execute_result {
    struct digest tx_root;
    struct digest receipt_root;
    struct digest next_set_digest;
    struct digest parameters_digest;
    struct overlay_value *values; /* the write set in key order */
    size_t value_count;
    struct bytes *receipts; /* packed; tx_count + 1 */
    struct overlay_tx *txs;
    uint32_t tx_count;
    struct overlay_party *parties;
    size_t party_count;
    struct address *revoked; /* accounts that were revoked in this block */
    size_t revoked_count;
};

/* A block in the making. */
struct execute {
    struct arena *arena; /* borrowed */
    struct context context;
    struct view_state view;
    struct events events; /* of the receipt in the making */
    struct merkle tx_leaves;
    struct merkle receipt_leaves;
    struct execute_result result;
    uint32_t tx_max;
    size_t party_room;
    enum err err; /* the first failure that isn't the view's */
};

/* Starts a block of at most `tx_max` transactions. `source` and `arena` must outlive *execute. */
void execute_begin(struct execute *execute, struct arena *arena, const struct view_source *source,
                   const struct context *context, uint32_t tx_max);

/* Starts height 0 instead. Requires an empty source. */
void execute_genesis(struct execute *execute, struct arena *arena, const struct view_source *source,
                     const struct context *context, const struct genesis *genesis);

/* TX_OK: it is in the block now, with a receipt, whatever its contracts said. Otherwise nothing has changed: a refusal of tx_check,
 * TX_UNKNOWN_SENDER, TX_REVOKED_SENDER, TX_NONCE_USED or TX_NONCE_GAP. The signature was checked before. tx->raw must live as long as
 * the arena. Requires fewer than tx_max transactions so far. */
MUST_USE enum tx_verdict execute_tx(struct execute *execute, const struct tx *tx);

/* The first failure so far, ERR_NONE if there is none. Ask it before a refusal is believed: what can't be read isn't found. */
MUST_USE enum err execute_err(const struct execute *execute);

/* Ends the block. Any error means that there is no result and that the node must stop (ERR_LIMIT: memory). */
MUST_USE enum err execute_end(struct execute *execute, struct execute_result *result,
                              struct fault *fault);

#endif
