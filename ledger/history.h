/* Reading what is committed, from any thread: blocks, transactions, receipts, events, state and its
 * proofs, at one frozen height.
 *
 * A history is a snapshot of the store: it sees the chain as it was when it was opened, costs a
 * microsecond, and pins old data while it is open, so close it with the request. What is read is in
 * the caller's arena. Every function may also give ERR_CORRUPT (stop: the fault names the key),
 * ERR_IO, or ERR_LIMIT when the arena is full; ERR_NOT_FOUND leaves the fault alone. */
#ifndef LEDGER_HISTORY_H
#define LEDGER_HISTORY_H

#include "base/address.h"
#include "contracts/view.h"
#include "ledger/block.h"
#include "ledger/chain.h"
#include "ledger/receipt.h"
#include "ledger/sparse.h"
#include "ledger/tx.h"

struct history;

/* NULL and a fault if the store can't be read. Close before the chain. Not for two threads at once;
 * open one each. Closing NULL is fine. */
struct history *history_open(struct chain *chain, struct fault *fault);
void history_close(struct history *history);

/* The height it was frozen at. */
struct height history_height(const struct history *history);

/* The lowest height whose state is here. Blocks are here from the next one on, or, when it is 0, from 0 on; of what is below, and of block
 * `start` itself when it isn't 0, only headers may be. All else there is ERR_NOT_FOUND. */
struct height history_start(const struct history *history);

/* The packed genesis record. */
MUST_USE enum err history_genesis(struct arena *arena, struct history *history,
                                  struct bytes *genesis, struct fault *fault);

struct history_block {
    struct digest digest; /* of header_raw; checked */
    struct block_header header;
    struct bytes header_raw;
    struct bytes certificate; /* as chain_commit was given it; empty at height 0 */
    struct sparse_root root;  /* of the state after it */
};

/* Without the body. */
MUST_USE enum err history_block(struct arena *arena, struct history *history,
                                struct history_block *block, struct height height,
                                struct fault *fault);

/* The packed body (ledger/block.h); its root is checked against the header's. */
MUST_USE enum err history_body(struct arena *arena, struct history *history, struct bytes *body,
                               struct height height, struct fault *fault);

/* The height of the block with this header digest. */
MUST_USE enum err history_find_block(struct history *history, struct height *height,
                                     const struct digest *digest, struct fault *fault);

/* A block's receipts: receipt_list record, count = transactions + 1; their root is checked. */
MUST_USE enum err history_receipts(struct arena *arena, struct history *history,
                                   struct receipt_list *receipts, struct height height,
                                   struct fault *fault);

struct history_tx {
    struct height height;
    uint32_t index; /* in the block's body; its receipt is number index + 1 */
    struct digest id;
};

/* Where the transaction `id` is. */
MUST_USE enum err history_find_tx(struct history *history, struct history_tx *tx,
                                  const struct digest *id, struct fault *fault);

/* Transactions that `account` sent, or whose events name it, newest first, at most `count_max`;
 * those before `before` (NULL: from the end). Block 0 and receipts 0 have no transaction and aren't
 * listed. */
MUST_USE enum err history_account_txs(struct arena *arena, struct history *history,
                                      struct history_tx **list, size_t *count,
                                      const struct address *account,
                                      const struct history_tx *before, size_t count_max,
                                      struct fault *fault);

struct history_event {
    struct height height;
    uint32_t receipt;    /* 0: the block's own; else transaction receipt - 1 */
    uint32_t index;      /* in the receipt */
    uint64_t time_ms;    /* of the block */
    struct bytes packed; /* [tag, record] */
};

/* Events in order from `from` (inclusive; height, receipt and index count), at most `count_max`,
 * looking at no more than HISTORY_SCAN_BLOCKS blocks. *next is where to go on; beyond the head's
 * height when all is read. */
#define HISTORY_SCAN_BLOCKS 1024
MUST_USE enum err history_events(struct arena *arena, struct history *history,
                                 struct history_event **list, size_t *count,
                                 struct history_event *next, const struct history_event *from,
                                 size_t count_max, struct fault *fault);

/* State now: what contracts' getters read. Valid while the history is open. */
struct view_source history_source(struct history *history);

/* The value of a state key after block `height`; ERR_NOT_FOUND when it had none then, or when
 * height is above the frozen one. */
MUST_USE enum err history_value(struct arena *arena, struct history *history, struct bytes *value,
                                struct bytes key, struct height height, struct fault *fault);

/* The proof of presence or absence of `key` in the state after block `height`, against that
 * header's state root. */
MUST_USE enum err history_prove(struct arena *arena, struct history *history,
                                struct sparse_proof *proof, struct bytes key, struct height height,
                                struct fault *fault);

/* The same for any position in the tree, H(key). */
MUST_USE enum err history_prove_at(struct arena *arena, struct history *history,
                                   struct sparse_proof *proof, const struct digest *position,
                                   struct height height, struct fault *fault);

/* Calls `each` with the state's leaves after block `height`, in the order of H(key) from `from` on, until it gives anything but ERR_NONE,
 * which is given back. Key and value are borrowed until it returns. Not for a history that `each` reads. */
MUST_USE enum err history_walk(struct history *history, struct height height,
                               const struct digest *from, void *self,
                               enum err (*each)(void *self, const struct digest *position,
                                                struct bytes key, struct bytes value),
                               struct fault *fault);

/* The same as a packed CommitmentProof of ICS-23 (cosmos/ics23, proofs.proto), for its SmtSpec: the leaf's own proof, or those of its two
 * neighbours in the order of H(key). */
MUST_USE enum err history_ics23(struct arena *arena, struct history *history, struct bytes *packed,
                                struct bytes key, struct height height, struct fault *fault);

/* The keys that begin with `prefix` after `after` (size 0: from the first), in order, with their
 * values now; at most `count_max`. */
struct history_entry {
    struct bytes key;
    struct bytes value;
};
MUST_USE enum err history_list(struct arena *arena, struct history *history,
                               struct history_entry **list, size_t *count, struct bytes prefix,
                               struct bytes after, size_t count_max, struct fault *fault);

/* Checks every block from 0 on (links, bodies, receipts, index), and that the values now are exactly the leaves of the head's state tree,
 * with every page of it; `keys` is how many there are. ERR_CORRUPT names the first difference. Slow: for auditors. */
MUST_USE enum err history_audit(struct history *history, uint64_t *keys, struct fault *fault);

#endif
