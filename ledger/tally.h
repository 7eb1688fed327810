/* Are the values now exactly the leaves of the state's tree? For audits: it reads all of both. */
#ifndef LEDGER_TALLY_H
#define LEDGER_TALLY_H

#include "ledger/sparse.h"
#include "ledger/store.h"

/* Every value is in the tree with this root, and the tree has no more; every page of it is checked. `keys` is how many there are. ERR_CORRUPT
 * names the first difference; ERR_IO. */
MUST_USE enum err tally_check(struct store *store, const struct store_snapshot *snapshot,
                              const struct sparse_root *root, uint64_t *keys, struct fault *fault);

#endif
