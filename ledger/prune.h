/* Forgetting history, a block at a time; chain.c's own.
 *
 * A chain that starts at height s has the state after s and later, and the blocks above s. A step makes it start at s + 1:
 *
 *     block s + 1      body, receipts, index of its transactions and of the accounts they concern
 *     block s          header and index, unless it is block 0 or a boundary (a later set's history begins there)
 *     tree after s     pages that the tree after s + 1 hasn't (sparse_differ)
 *     values           of keys that s + 1 changed, what was written up to s; of a key that is gone for good, all
 *
 * A step costs as much as its block changed. It is read from the store and collected in a batch, so a kill leaves it done or not. */
#ifndef LEDGER_PRUNE_H
#define LEDGER_PRUNE_H

#include "base/units.h"
#include "ledger/store.h"

/* Where the chain starts; 0: it has all. */
MUST_USE enum err prune_start(struct store *store, struct height *start, struct fault *fault);

/* Adds the step from `start` to start + 1, which is committed, to `batch`; the caller puts the new start. ERR_CORRUPT: something is missing
 * or damaged; ERR_IO; ERR_LIMIT: out of memory. */
MUST_USE enum err prune_step(struct store *store, struct store_batch *batch, struct height start,
                             struct fault *fault);

#endif
