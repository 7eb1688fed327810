/* A page of the state's tree (sparse.h): 15 nodes over 16 slots, its place, its bytes, and the hashes in it. Pure. */
#ifndef LEDGER_SPARSE_PAGE_H
#define LEDGER_SPARSE_PAGE_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"

/* 256 levels of bits, four to a page. */
#define SPARSE_PAGE_DEPTH 64

enum sparse_kind {
    SPARSE_EMPTY = 0,
    SPARSE_LEAF = 1, /* one leaf in the whole subtree */
    SPARSE_NODE = 2, /* two leaves or more */
};

struct sparse_node {
    enum sparse_kind kind;
    struct digest digest; /* zero when empty */
};

/* What hangs under a slot. */
struct sparse_slot {
    struct digest key;   /* leaf: H(key) */
    struct digest value; /* leaf: H(value) */
    uint64_t height;     /* node: the block that wrote the page below */
};

struct sparse_page {
    struct sparse_node nodes[32]; /* [1] is the top, [2i] and [2i + 1] the children of [i], [16..31]
                                     the slots; [0] unused */
    struct sparse_slot slots[16];
};

/* Names a page for ever. */
struct sparse_place {
    uint8_t depth;      /* pages above it, < SPARSE_PAGE_DEPTH; 0 is the root page */
    struct digest path; /* its first depth * 4 bits; the rest is zero */
    uint64_t height;    /* the block that wrote it */
};

/* As bytes: a u32 with two bits a slot (its kind), then per leaf key and value digests,
 * per node digest and height. */

#define SPARSE_PAGE_BYTES (4 + 16 * 64)

size_t sparse_page_pack(uint8_t out[SPARSE_PAGE_BYTES], const struct sparse_page *page);

/* Recomputes all 15 nodes, so the caller can compare page->nodes[1] with what the slot above says.
 * ERR_MALFORMED for bytes that are no page. */
MUST_USE enum err sparse_page_unpack(struct sparse_page *page, struct bytes in);

/* --- nodes --- */

/* Bit `level` of a position, < 256, from the most significant: 0 goes left. */
unsigned sparse_page_bit(const struct digest *key, unsigned level);

struct digest sparse_page_leaf(const struct digest *key, const struct digest *value);
struct digest sparse_page_parent(const struct digest *left, const struct digest *right);

bool sparse_page_same(const struct sparse_node *a, const struct sparse_node *b);

/* --- slots and places --- */

#define SPARSE_PAGE_SLOTS 16

/* The slot of `key` in a page that has `depth` pages above it; the page's place. */
unsigned sparse_page_slot(const struct digest *key, unsigned depth);
struct sparse_place sparse_page_place(const struct digest *key, unsigned depth, uint64_t height);

/* The place of the page below one of `place`'s slots. */
struct sparse_place sparse_page_below(const struct sparse_place *place, unsigned slot,
                                      uint64_t height);

/* Puts a lone leaf under a slot. */
void sparse_page_put(struct sparse_node *node, struct sparse_slot *slot, const struct digest *key,
                     const struct digest *value);

/* The slot that holds the lone leaf below node `i`. Requires one. */
unsigned sparse_page_find(const struct sparse_page *page, unsigned i);

/* Hashes the nodes above the slots whose bit is set in `dirty`. */
void sparse_page_hash(struct sparse_page *page, uint32_t dirty);

#endif
