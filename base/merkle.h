/* Merkle trees of lists, as RFC 6962 section 2.1 defines them: leaf H(0x00 | data), node H(0x01 | left | right), the left subtree
 * the largest power of two below the count, the empty list H(""). */
#ifndef BASE_MERKLE_H
#define BASE_MERKLE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/record.h"

struct digest merkle_leaf(const void *data, size_t size);
struct digest merkle_node(const struct digest *left, const struct digest *right);

/* The root over leaf digests. */
struct digest merkle_root(const struct digest *leaves, uint64_t count);

/* A root in the making: O(log n) memory, plain, copyable. */
struct merkle {
    uint64_t count;                             /* leaves so far */
    struct digest stack[LIMIT_MERKLE_PATH];     /* roots of complete subtrees, one a set bit of count, largest first */
};

void merkle_init(struct merkle *merkle);
void merkle_add(struct merkle *merkle, const struct digest *leaf);

/* The root so far; more leaves may follow. */
struct digest merkle_end(const struct merkle *merkle);

/* That leaf `index` of `count` is under a root (RFC 6962 2.1.1). */
struct merkle_proof {
    uint64_t index;            /* < count */
    uint64_t count;            /* 1..2^32 */
    const struct digest *path; /* siblings from the leaf upwards; borrowed */
    uint32_t path_count;       /* <= LIMIT_MERKLE_PATH */
};

extern const struct record merkle_proof_record;

/* The proof for leaf `index`; its path is in `arena`. False when the arena is full. Requires index < count. */
bool merkle_prove(struct arena *arena, struct merkle_proof *proof, const struct digest *leaves, uint64_t count,
                  uint64_t index);

/* True only if `leaf` (a leaf digest) is at proof->index of a list of proof->count leaves with this root. Any proof is safe to ask. */
bool merkle_verify(const struct digest *root, const struct digest *leaf, const struct merkle_proof *proof);

#endif
