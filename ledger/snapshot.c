#include "ledger/snapshot.h"

#include <string.h>

#include "base/check.h"

/* A leaf has at least one byte of key and one of value. */
#define LEAVES_MAX (SNAPSHOT_CHUNK_BYTES / 2)

static const struct record_field leaf_fields[] = {
    RECORD_BYTES(struct snapshot_leaf, key, LIMIT_KEY_BYTES),
    RECORD_BYTES(struct snapshot_leaf, value, LIMIT_VALUE_BYTES),
};
static const struct record leaf_record = RECORD(struct snapshot_leaf, "leaf", leaf_fields);

static const struct record_field chunk_fields[] = {
    RECORD_FIXED(struct snapshot_chunk, from, RECORD_AS_HEX),
    RECORD_FIXED(struct snapshot_chunk, to, RECORD_AS_HEX),
    RECORD_LIST(struct snapshot_chunk, leaves, leaf_count, LEAVES_MAX, &leaf_record),
    RECORD_ONE(struct snapshot_chunk, left, &sparse_proof_record),
    RECORD_ONE(struct snapshot_chunk, right, &sparse_proof_record),
};
const struct record snapshot_chunk_record =
    RECORD(struct snapshot_chunk, "snapshot chunk", chunk_fields);

/* --- positions --- */

struct digest snapshot_first(unsigned range)
{
    CHECK(range < SNAPSHOT_RANGES);
    struct digest first = digest_zero;
    first.bytes[0] = (uint8_t)(range << 4);
    return first;
}

struct digest snapshot_last(unsigned range)
{
    struct digest last;
    memset(last.bytes, 0xff, sizeof(last.bytes));
    last.bytes[0] = snapshot_first(range).bytes[0] | 15;
    return last;
}

unsigned snapshot_range(const struct digest *position)
{
    return position->bytes[0] >> 4;
}

struct digest snapshot_behind(const struct digest *position)
{
    struct digest behind = *position;
    size_t i = DIGEST_SIZE;
    do
        CHECK(i > 0);
    while (++behind.bytes[--i] == 0);
    return behind;
}

/* Leading bits that two positions have in common. */
static unsigned common_bits(const struct digest *a, const struct digest *b)
{
    unsigned level = 0;
    while (level < 8 * DIGEST_SIZE && sparse_page_bit(a, level) == sparse_page_bit(b, level))
        level++;
    return level;
}

/* --- the check --- */

struct check {
    const struct snapshot_chunk *chunk;
    const struct digest *root;
    struct sparse_change *leaves; /* H(key), H(value) */
    size_t at;                    /* leaves that have found their place, from the first on */
};

/* The digest of a subtree, `level` bits below the top, that has just these leaves. */
static struct digest subtree(const struct sparse_change *leaves, size_t count, unsigned level)
{
    if (count == 0)
        return digest_zero;
    if (count == 1)
        return sparse_page_leaf(&leaves->key, &leaves->value);
    size_t split = 0;
    while (split < count && !sparse_page_bit(&leaves[split].key, level))
        split++;
    struct digest left = subtree(leaves, split, level + 1),
                  right = subtree(leaves + split, count - split, level + 1);
    return sparse_page_parent(&left, &right);
}

/* The leaves under the sibling at `level` of the path to `position` must be the next ones of the chunk, and no more. */
static bool takes_sibling(struct check *check, const struct digest *position, unsigned level,
                          const struct sparse_proof *proof)
{
    const struct snapshot_chunk *chunk = check->chunk;
    const struct sparse_change *first = check->leaves + check->at;
    size_t count = 0;
    while (check->at + count < chunk->leaf_count &&
           common_bits(&first[count].key, position) == level)
        count++;
    struct digest digest = subtree(first, count, level + 1);
    check->at += count;
    return digest_equal(&digest, &proof->path[proof->path_count - 1 - level]);
}

/* The leaf, if any, at the end of the path to `position` must be the next one of the chunk if it belongs there. */
static bool takes_end(struct check *check, const struct digest *position,
                      const struct sparse_proof *proof)
{
    const struct snapshot_chunk *chunk = check->chunk;
    const struct digest *key = proof->end == SPARSE_END_SELF ? position : &proof->other_key;
    if (proof->end == SPARSE_END_EMPTY || digest_compare(key, &chunk->from) < 0 ||
        digest_compare(key, &chunk->to) > 0)
        return true;
    if (check->at == chunk->leaf_count || !digest_equal(&check->leaves[check->at].key, key) ||
        (proof->end == SPARSE_END_OTHER &&
         !digest_equal(&check->leaves[check->at].value, &proof->other_value)))
        return false;
    check->at++;
    return true;
}

/* Does the proof lead from the root to what is at `position`? Its own leaf would be number `own`. */
static bool leads(const struct check *check, const struct digest *position, size_t own,
                  const struct sparse_proof *proof)
{
    bool other = proof->end == SPARSE_END_OTHER;
    if (!other && !(digest_is_zero(&proof->other_key) && digest_is_zero(&proof->other_value)))
        return false;
    if (proof->end != SPARSE_END_SELF)
        return sparse_lacks_at(check->root, position, proof);
    return check->chunk->leaf_count > 0 && digest_equal(&check->leaves[own].key, position) &&
           sparse_has_at(check->root, position, &check->leaves[own].value, proof);
}

/* All that is between the two paths is in the chunk, and nothing else is. */
static bool is_whole(struct check *check)
{
    const struct snapshot_chunk *chunk = check->chunk;
    const struct sparse_proof *left = &chunk->left, *right = &chunk->right;
    size_t last = chunk->leaf_count ? chunk->leaf_count - 1 : 0;
    if (!leads(check, &chunk->from, 0, left) || !leads(check, &chunk->to, last, right))
        return false;
    unsigned fork = common_bits(&chunk->from, &chunk->to);
    if (left->path_count <= fork || right->path_count <= fork) /* both end in one place */
        return left->path_count == right->path_count && takes_end(check, &chunk->from, left) &&
               check->at == chunk->leaf_count;
    bool whole = takes_end(check, &chunk->from, left);
    for (unsigned level = left->path_count; whole && level-- > fork + 1;)
        if (!sparse_page_bit(&chunk->from, level))
            whole = takes_sibling(check, &chunk->from, level, left);
    for (unsigned level = fork + 1; whole && level < right->path_count; level++)
        if (sparse_page_bit(&chunk->to, level))
            whole = takes_sibling(check, &chunk->to, level, right);
    return whole && takes_end(check, &chunk->to, right) && check->at == chunk->leaf_count;
}

/* Positions of the leaves: ascending, within the interval; and as many bytes as a chunk has. */
static enum err place_leaves(struct check *check, struct fault *fault)
{
    const struct snapshot_chunk *chunk = check->chunk;
    const struct digest end = snapshot_last(snapshot_range(&chunk->from));
    size_t bytes = 0;
    if (digest_compare(&chunk->to, &end) > 0)
        return fault_set(fault, ERR_MISMATCH, "a chunk that runs into the next range");
    for (uint32_t i = 0; i < chunk->leaf_count; i++) {
        const struct snapshot_leaf *leaf = &chunk->leaves[i];
        struct sparse_change *placed = &check->leaves[i];
        if (bytes >= SNAPSHOT_CHUNK_BYTES)
            return fault_set(fault, ERR_MISMATCH, "a chunk with more leaves than one has");
        if (leaf->key.size == 0 || leaf->value.size == 0)
            return fault_set(fault, ERR_MISMATCH, "a chunk with an empty key or value");
        bytes += leaf->key.size + leaf->value.size;
        placed->key = digest_of(leaf->key.data, leaf->key.size);
        placed->value = digest_of(leaf->value.data, leaf->value.size);
        if (i > 0 && digest_compare(&placed[-1].key, &placed->key) >= 0)
            return fault_set(fault, ERR_MISMATCH, "a chunk whose leaves aren't in order");
    }
    if (bytes < SNAPSHOT_CHUNK_BYTES && !digest_equal(&chunk->to, &end))
        return fault_set(fault, ERR_MISMATCH, "a chunk that is cut short");
    if (bytes >= SNAPSHOT_CHUNK_BYTES &&
        !digest_equal(&chunk->to, &check->leaves[chunk->leaf_count - 1].key))
        return fault_set(fault, ERR_MISMATCH, "a chunk that doesn't end with its last leaf");
    return ERR_NONE;
}

enum err snapshot_check(struct arena *arena, struct snapshot_chunk *chunk, struct bytes packed,
                        const struct digest *root, const struct digest *from, struct fault *fault)
{
    if (packed.size > SNAPSHOT_PACKED_BYTES)
        return fault_set(fault, ERR_LIMIT, "a chunk of %zu bytes", packed.size);
    enum err err = record_unpack(arena, &snapshot_chunk_record, chunk, packed, fault);
    if (err)
        return err;
    if (!digest_equal(&chunk->from, from) || digest_compare(from, &chunk->to) > 0)
        return fault_set(fault, ERR_MISMATCH, "a chunk of another place in the state");
    struct check check = {chunk, root,
                          arena_array(arena, chunk->leaf_count, sizeof(struct sparse_change)), 0};
    if (!check.leaves)
        return fault_set(fault, ERR_LIMIT, "no memory for a chunk of %u leaves", chunk->leaf_count);
    err = place_leaves(&check, fault);
    if (!err && !is_whole(&check))
        err = fault_set(fault, ERR_MISMATCH, "a chunk that isn't all that the state has there");
    return err;
}

/* --- cutting --- */

struct cut {
    struct arena *arena;
    struct snapshot_chunk *chunk;
    size_t bytes;
};

/* Gives ERR_BUSY when the chunk ends here. */
static enum err cut_leaf(void *self, const struct digest *position, struct bytes key,
                         struct bytes value)
{
    struct cut *cut = self;
    struct snapshot_chunk *chunk = cut->chunk;
    if (digest_compare(position, &chunk->to) > 0)
        return ERR_BUSY;
    struct snapshot_leaf leaf = {
        bytes_of(arena_copy(cut->arena, key.data, key.size), key.size),
        bytes_of(arena_copy(cut->arena, value.data, value.size), value.size),
    };
    if (!leaf.key.data || !leaf.value.data)
        return ERR_LIMIT;
    CHECK(chunk->leaf_count < LEAVES_MAX);
    chunk->leaves[chunk->leaf_count++] = leaf;
    cut->bytes += key.size + value.size;
    if (cut->bytes < SNAPSHOT_CHUNK_BYTES)
        return ERR_NONE;
    chunk->to = *position;
    return ERR_BUSY;
}

enum err snapshot_cut(struct arena *arena, struct history *history, struct bytes *packed,
                      struct height height, const struct digest *from, struct fault *fault)
{
    struct snapshot_chunk chunk = {
        .from = *from,
        .to = snapshot_last(snapshot_range(from)),
        .leaves = arena_array(arena, LEAVES_MAX, sizeof(struct snapshot_leaf)),
    };
    if (!chunk.leaves)
        return fault_set(fault, ERR_LIMIT, "no memory for a chunk");
    struct cut cut = {arena, &chunk, 0};
    enum err err = history_walk(history, height, from, &cut, cut_leaf, fault);
    if (err == ERR_BUSY)
        err = ERR_NONE;
    if (!err)
        err = history_prove_at(arena, history, &chunk.left, &chunk.from, height, fault);
    if (!err)
        err = history_prove_at(arena, history, &chunk.right, &chunk.to, height, fault);
    if (err)
        return err;
    *packed = record_bytes(arena, &snapshot_chunk_record, &chunk);
    return packed->data ? ERR_NONE : fault_set(fault, ERR_LIMIT, "no memory for a chunk");
}
