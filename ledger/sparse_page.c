#include "ledger/sparse_page.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

/* --- hashes and positions --- */

static struct digest hash_pair(uint8_t prefix, const struct digest *a, const struct digest *b)
{
    uint8_t bytes[1 + 2 * DIGEST_SIZE];
    bytes[0] = prefix;
    memcpy(bytes + 1, a->bytes, DIGEST_SIZE);
    memcpy(bytes + 1 + DIGEST_SIZE, b->bytes, DIGEST_SIZE);
    return digest_of(bytes, sizeof(bytes));
}

struct digest sparse_page_leaf(const struct digest *key, const struct digest *value)
{
    return hash_pair(0, key, value);
}

struct digest sparse_page_parent(const struct digest *left, const struct digest *right)
{
    return hash_pair(1, left, right);
}

unsigned sparse_page_bit(const struct digest *key, unsigned level)
{
    return (key->bytes[level / 8] >> (7 - level % 8)) & 1;
}

/* The slot of `key` in a page that has `depth` pages above it. */
unsigned sparse_page_slot(const struct digest *key, unsigned depth)
{
    return depth % 2 ? key->bytes[depth / 2] & 15 : key->bytes[depth / 2] >> 4;
}

struct sparse_place sparse_page_place(const struct digest *key, unsigned depth, uint64_t height)
{
    struct sparse_place place = {.depth = (uint8_t)depth, .height = height};
    memcpy(place.path.bytes, key->bytes, (depth + 1) / 2);
    if (depth % 2)
        place.path.bytes[depth / 2] &= 0xf0;
    return place;
}

bool sparse_page_same(const struct sparse_node *a, const struct sparse_node *b)
{
    return a->kind == b->kind && digest_equal(&a->digest, &b->digest);
}

static struct sparse_node node_above(const struct sparse_node *left,
                                     const struct sparse_node *right)
{
    if (left->kind == SPARSE_EMPTY && right->kind != SPARSE_NODE)
        return *right;
    if (right->kind == SPARSE_EMPTY && left->kind != SPARSE_NODE)
        return *left;
    return (struct sparse_node){SPARSE_NODE, sparse_page_parent(&left->digest, &right->digest)};
}

/* Hashes the nodes above the slots whose bit is set in `dirty`. */
void sparse_page_hash(struct sparse_page *page, uint32_t dirty)
{
    uint32_t nodes = dirty << SPARSE_PAGE_SLOTS;
    for (unsigned i = SPARSE_PAGE_SLOTS - 1; i >= 1; i--) {
        if (!(nodes & (3u << 2 * i)))
            continue;
        page->nodes[i] = node_above(&page->nodes[2 * i], &page->nodes[2 * i + 1]);
        nodes |= 1u << i;
    }
}

/* The slot that holds the lone leaf below node `i`. */
unsigned sparse_page_find(const struct sparse_page *page, unsigned i)
{
    while (i < SPARSE_PAGE_SLOTS)
        i = page->nodes[2 * i].kind == SPARSE_LEAF ? 2 * i : 2 * i + 1;
    CHECK(page->nodes[i].kind == SPARSE_LEAF);
    return i - SPARSE_PAGE_SLOTS;
}

void sparse_page_put(struct sparse_node *node, struct sparse_slot *slot,
                          const struct digest *key, const struct digest *value)
{
    *slot = (struct sparse_slot){.key = *key, .value = *value};
    *node = (struct sparse_node){SPARSE_LEAF, sparse_page_leaf(key, value)};
}

/* The page below one of `place`'s slots. */
struct sparse_place sparse_page_below(const struct sparse_place *place, unsigned slot,
                                       uint64_t height)
{
    struct sparse_place below = *place;
    below.path.bytes[place->depth / 2] |= (uint8_t)(place->depth % 2 ? slot : slot << 4);
    below.depth++;
    below.height = height;
    return below;
}

/* --- pages as bytes --- */

size_t sparse_page_pack(uint8_t out[SPARSE_PAGE_BYTES], const struct sparse_page *page)
{
    uint32_t kinds = 0;
    size_t size = 4;
    for (unsigned i = 0; i < SPARSE_PAGE_SLOTS; i++) {
        const struct sparse_slot *slot = &page->slots[i];
        enum sparse_kind kind = page->nodes[SPARSE_PAGE_SLOTS + i].kind;
        kinds |= (uint32_t)kind << 2 * i;
        if (kind == SPARSE_LEAF) {
            memcpy(out + size, slot->key.bytes, DIGEST_SIZE);
            memcpy(out + size + DIGEST_SIZE, slot->value.bytes, DIGEST_SIZE);
            size += 2 * DIGEST_SIZE;
        } else if (kind == SPARSE_NODE) {
            memcpy(out + size, page->nodes[SPARSE_PAGE_SLOTS + i].digest.bytes, DIGEST_SIZE);
            bytes_put_u64(out + size + DIGEST_SIZE, slot->height);
            size += DIGEST_SIZE + 8;
        }
    }
    bytes_put_u32(out, kinds);
    return size;
}

enum err sparse_page_unpack(struct sparse_page *page, struct bytes in)
{
    if (in.size < 4)
        return ERR_MALFORMED;
    uint32_t kinds = bytes_get_u32(in.data);
    const uint8_t *at = in.data + 4, *end = in.data + in.size;
    memset(page, 0, sizeof(*page));
    for (unsigned i = 0; i < SPARSE_PAGE_SLOTS; i++) {
        struct sparse_node *node = &page->nodes[SPARSE_PAGE_SLOTS + i];
        unsigned kind = kinds >> 2 * i & 3;
        size_t size = kind == SPARSE_LEAF   ? 2 * DIGEST_SIZE
                      : kind == SPARSE_NODE ? DIGEST_SIZE + 8
                                            : 0;
        if (kind > SPARSE_NODE || (size_t)(end - at) < size)
            return ERR_MALFORMED;
        if (kind == SPARSE_LEAF) {
            struct digest key, value;
            memcpy(key.bytes, at, DIGEST_SIZE);
            memcpy(value.bytes, at + DIGEST_SIZE, DIGEST_SIZE);
            sparse_page_put(node, &page->slots[i], &key, &value);
        } else if (kind == SPARSE_NODE) {
            node->kind = SPARSE_NODE;
            memcpy(node->digest.bytes, at, DIGEST_SIZE);
            page->slots[i].height = bytes_get_u64(at + DIGEST_SIZE);
        }
        at += size;
    }
    if (at != end)
        return ERR_MALFORMED;
    sparse_page_hash(page, 0xffff);
    return ERR_NONE;
}
