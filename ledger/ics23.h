/* Proofs of the state in the form that ICS-23 libraries read: a CommitmentProof of cosmos/ics23's proofs.proto, for its SmtSpec.
 *
 *     CommitmentProof    { exist 1 | nonexist 2 }
 *     ExistenceProof     { key 1, value 2, leaf 3, path 4 ... }        from the leaf upwards
 *     NonExistenceProof  { key 1, left 2, right 3 }                    the neighbours in the order of H(key)
 *     LeafOp             { SHA256, SHA256 of key and of value, no length, prefix 00 }
 *     InnerOp            { SHA256, prefix 01 [sibling], suffix [sibling] }
 *
 * Pure; the bytes come from the arena, data NULL when it is full. */
#ifndef LEDGER_ICS23_H
#define LEDGER_ICS23_H

#include "base/arena.h"
#include "ledger/sparse.h"

/* A leaf with the proof of its presence. */
struct ics23_leaf {
    struct bytes key;
    struct bytes value;
    struct sparse_proof proof; /* SPARSE_END_SELF */
};

struct bytes ics23_presence(struct arena *arena, const struct ics23_leaf *leaf);

/* `left` and `right` are the leaves beside `key`; NULL: it would be the first, or the last. */
struct bytes ics23_absence(struct arena *arena, struct bytes key, const struct ics23_leaf *left,
                           const struct ics23_leaf *right);

#endif
