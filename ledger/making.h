/* How a block is made on top of another, which building and executing share; chain.c's own.
 *
 *     the parent's state  ->  execute.h: write set, receipts  ->  sparse.h: pages, state root  ->  header  ->  an overlay entry
 */
#ifndef LEDGER_MAKING_H
#define LEDGER_MAKING_H

#include "contracts/genesis.h"
#include "ledger/chain.h"
#include "ledger/pages.h"

/* What blocks are made on: the committed head, and the results above it. */
struct making_ground {
    struct store *store;
    struct pages *pages;
    struct digest genesis;
    const struct contracts_judge *judge; /* of evidence; NULL proves nothing */
    struct chain_tip head;
    struct sparse_root root; /* of the head's state */
    struct overlay overlay;
    struct overlay_entry *differing; /* the last execution that didn't give its header; owned */
};

/* The parent is ground->head or in ground->overlay, and the result goes there too. chain.h says the rest. */
MUST_USE enum err making_build(struct making_ground *ground, struct chain_tip *tip,
                               const struct chain_proposal *proposal, struct fault *fault);
MUST_USE enum err making_execute(struct making_ground *ground, struct bytes header,
                                 struct bytes body, struct fault *fault);

/* Block 0, for an empty store. Its entry has no parent and is the overlay's only one. */
MUST_USE enum err making_genesis(struct making_ground *ground, const struct genesis *genesis,
                                 struct fault *fault);

#endif
