#include "ledger/ics23.h"

#include <string.h>

#include "base/check.h"

/* Protocol Buffers, wire format: a field's number and type, then its length and bytes. */
#define WIRE_VARINT 0
#define WIRE_BYTES  2

/* HashOp.SHA256 */
#define HASH_SHA256 1

/* An InnerOp with its field and length at most: hash, prefix of 33 bytes, suffix of 32. */
#define INNER_OP_BYTES 80

/* All of an ExistenceProof but key, value and path; and the envelopes around it. */
#define REST_BYTES 128

struct writer {
    uint8_t *data;
    size_t used;
    size_t size;
};

static void add_raw(struct writer *writer, const void *data, size_t size)
{
    CHECK(size <= writer->size - writer->used);
    if (size)
        memcpy(writer->data + writer->used, data, size);
    writer->used += size;
}

static void add_varint(struct writer *writer, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    add_raw(writer, bytes, size);
}

static void add_number(struct writer *writer, unsigned field, uint64_t value)
{
    add_varint(writer, field << 3 | WIRE_VARINT);
    add_varint(writer, value);
}

static void add_bytes(struct writer *writer, unsigned field, struct bytes value)
{
    add_varint(writer, field << 3 | WIRE_BYTES);
    add_varint(writer, value.size);
    add_raw(writer, value.data, value.size);
}

static struct bytes written(const struct writer *writer)
{
    return bytes_of(writer->data, writer->used);
}

static void add_leaf_op(struct writer *writer)
{
    uint8_t room[16];
    struct writer op = {room, 0, sizeof(room)};
    add_number(&op, 1, HASH_SHA256);
    add_number(&op, 2, HASH_SHA256);
    add_number(&op, 3, HASH_SHA256);
    add_bytes(&op, 5, bytes_of("\0", 1));
    add_bytes(writer, 3, written(&op));
}

/* One step up: our side is what the sibling's isn't. */
static void add_inner_op(struct writer *writer, const struct digest *sibling, bool we_are_right)
{
    uint8_t room[INNER_OP_BYTES], prefix[1 + DIGEST_SIZE] = {1};
    struct writer op = {room, 0, sizeof(room)};
    memcpy(prefix + 1, sibling->bytes, DIGEST_SIZE);
    add_number(&op, 1, HASH_SHA256);
    add_bytes(&op, 2, bytes_of(prefix, we_are_right ? sizeof(prefix) : 1));
    if (!we_are_right)
        add_bytes(&op, 3, bytes_of(sibling->bytes, DIGEST_SIZE));
    add_bytes(writer, 4, written(&op));
}

static size_t existence_size(const struct ics23_leaf *leaf)
{
    return leaf->key.size + leaf->value.size + leaf->proof.path_count * (size_t)INNER_OP_BYTES +
           REST_BYTES;
}

/* An ExistenceProof as `field` of what `writer` writes. False when the arena is full. */
static bool add_existence(struct arena *arena, struct writer *writer, unsigned field,
                          const struct ics23_leaf *leaf)
{
    CHECK(leaf->proof.end == SPARSE_END_SELF);
    size_t size = existence_size(leaf);
    struct writer proof = {arena_alloc(arena, size), 0, size};
    if (!proof.data)
        return false;
    add_bytes(&proof, 1, leaf->key);
    add_bytes(&proof, 2, leaf->value);
    add_leaf_op(&proof);
    struct digest position = digest_of(leaf->key.data, leaf->key.size);
    for (uint32_t i = 0; i < leaf->proof.path_count; i++)
        add_inner_op(&proof, &leaf->proof.path[i],
                     sparse_page_bit(&position, leaf->proof.path_count - 1 - i));
    add_bytes(writer, field, written(&proof));
    return true;
}

struct bytes ics23_presence(struct arena *arena, const struct ics23_leaf *leaf)
{
    size_t size = existence_size(leaf) + REST_BYTES;
    struct writer writer = {arena_alloc(arena, size), 0, size};
    if (!writer.data || !add_existence(arena, &writer, 1, leaf))
        return bytes_of(NULL, 0);
    return written(&writer);
}

struct bytes ics23_absence(struct arena *arena, struct bytes key, const struct ics23_leaf *left,
                           const struct ics23_leaf *right)
{
    size_t size = key.size + REST_BYTES + (left ? existence_size(left) : 0) +
                  (right ? existence_size(right) : 0);
    struct writer proof = {arena_alloc(arena, size), 0, size};
    struct writer writer = {arena_alloc(arena, size + REST_BYTES), 0, size + REST_BYTES};
    if (!proof.data || !writer.data)
        return bytes_of(NULL, 0);
    add_bytes(&proof, 1, key);
    if ((left && !add_existence(arena, &proof, 2, left)) ||
        (right && !add_existence(arena, &proof, 3, right)))
        return bytes_of(NULL, 0);
    add_bytes(&writer, 2, written(&proof));
    return written(&writer);
}
