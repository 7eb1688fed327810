#include "base/merkle.h"

#include <string.h>

#include "base/check.h"

struct digest merkle_leaf(const void *data, size_t size)
{
    static const uint8_t prefix = 0x00;
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, &prefix, 1);
    digest_add(&stream, data, size);
    return digest_end(&stream);
}

struct digest merkle_node(const struct digest *left, const struct digest *right)
{
    uint8_t node[1 + 2 * DIGEST_SIZE] = {0x01};
    memcpy(node + 1, left->bytes, DIGEST_SIZE);
    memcpy(node + 1 + DIGEST_SIZE, right->bytes, DIGEST_SIZE);
    return digest_of(node, sizeof(node));
}

struct digest merkle_root(const struct digest *leaves, uint64_t count)
{
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint64_t i = 0; i < count; i++)
        merkle_add(&merkle, &leaves[i]);
    return merkle_end(&merkle);
}

void merkle_init(struct merkle *merkle)
{
    merkle->count = 0;
}

void merkle_add(struct merkle *merkle, const struct digest *leaf)
{
    /* As in a binary counter: each 1 at the end of count is a subtree of the size that has just
     * been completed. */
    struct digest root = *leaf;
    int top = __builtin_popcountll(merkle->count);
    for (uint64_t count = merkle->count; count & 1; count >>= 1)
        root = merkle_node(&merkle->stack[--top], &root);
    merkle->stack[top] = root;
    merkle->count++;
}

struct digest merkle_end(const struct merkle *merkle)
{
    if (merkle->count == 0)
        return digest_of(NULL, 0);
    int top = __builtin_popcountll(merkle->count) - 1;
    struct digest root = merkle->stack[top];
    while (top > 0)
        root = merkle_node(&merkle->stack[--top], &root);
    return root;
}

static const struct record_field proof_fields[] = {
    RECORD_UINT(struct merkle_proof, index),
    RECORD_UINT_MAX(struct merkle_proof, count, UINT64_C(1) << 32),
    RECORD_DIGESTS(struct merkle_proof, path, path_count, LIMIT_MERKLE_PATH),
};

const struct record merkle_proof_record = RECORD(struct merkle_proof, "merkle_proof", proof_fields);

/* The largest power of two below `count`. Requires count > 1. */
static uint64_t left_count(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

bool merkle_prove(struct arena *arena, struct merkle_proof *proof, const struct digest *leaves,
                  uint64_t count, uint64_t index)
{
    CHECK(index < count);
    struct digest path[LIMIT_MERKLE_PATH]; /* from the root down */
    uint32_t depth = 0;
    const struct digest *first = leaves;
    uint64_t at = index;
    for (uint64_t left = 0, size = count; size > 1; depth++) {
        left = left_count(size);
        if (at < left) {
            path[depth] = merkle_root(first + left, size - left);
            size = left;
        } else {
            path[depth] = merkle_root(first, left);
            first += left;
            at -= left;
            size -= left;
        }
    }
    struct digest *upwards = arena_array(arena, depth, sizeof(*upwards));
    if (!upwards)
        return false;
    for (uint32_t i = 0; i < depth; i++)
        upwards[i] = path[depth - 1 - i];
    *proof = (struct merkle_proof){index, count, upwards, depth};
    return true;
}

/* RFC 9162 section 2.1.3.2: `at` and `last` climb from the leaf and from the last leaf, level by
 * level. */
bool merkle_verify(const struct digest *root, const struct digest *leaf,
                   const struct merkle_proof *proof)
{
    if (proof->index >= proof->count)
        return false;
    uint64_t at = proof->index;
    uint64_t last = proof->count - 1;
    struct digest result = *leaf;
    for (uint32_t i = 0; i < proof->path_count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            result = merkle_node(&proof->path[i], &result);
            while (!(at & 1) && at != 0) { /* a lone subtree rose without a sibling */
                at >>= 1;
                last >>= 1;
            }
        } else {
            result = merkle_node(&result, &proof->path[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && digest_equal(&result, root);
}
