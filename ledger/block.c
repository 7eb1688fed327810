#include "ledger/block.h"

#include "base/check.h"
#include "base/merkle.h"

static const struct record_field header_fields[] = {
    RECORD_UINT(struct block_header, version),
    RECORD_FIXED(struct block_header, chain, RECORD_AS_HEX),
    RECORD_UINT(struct block_header, height),
    RECORD_UINT(struct block_header, view),
    RECORD_FIXED(struct block_header, parent, RECORD_AS_HEX),
    RECORD_UINT(struct block_header, time_ms),
    RECORD_UINT_MAX(struct block_header, proposer, LIMIT_VALIDATORS - 1),
    RECORD_FIXED(struct block_header, tx_root, RECORD_AS_HEX),
    RECORD_FIXED(struct block_header, receipt_root, RECORD_AS_HEX),
    RECORD_FIXED(struct block_header, state_root, RECORD_AS_HEX),
    RECORD_FIXED(struct block_header, set_digest, RECORD_AS_HEX),
    RECORD_FIXED(struct block_header, next_set_digest, RECORD_AS_HEX),
    RECORD_FIXED(struct block_header, parameters_digest, RECORD_AS_HEX),
};
const struct record block_header_record = RECORD(struct block_header, "header", header_fields);

static const struct record_field item_fields[] = {
    RECORD_BYTES(struct block_item, tx, LIMIT_TX_BYTES),
};
const struct record block_item_record = RECORD(struct block_item, "item", item_fields);

static const struct record_field body_fields[] = {
    RECORD_LIST(struct block_body, items, item_count, LIMIT_BLOCK_TXS, &block_item_record),
};
const struct record block_body_record = RECORD(struct block_body, "body", body_fields);

size_t block_body_size(uint32_t count, size_t tx_bytes)
{
    /* The record and the list: 1 + 5; an item: its array and its byte string's longest prefix. */
    return 6 + (size_t)count * 6 + tx_bytes;
}

size_t block_header_pack(uint8_t out[BLOCK_HEADER_BYTES], struct digest *digest,
                         const struct block_header *header)
{
    struct pack_writer writer;
    pack_init(&writer, out, BLOCK_HEADER_BYTES);
    record_pack(&writer, &block_header_record, header);
    CHECK(!writer.failed);
    *digest = digest_of(out, writer.used);
    return writer.used;
}

enum err block_header_unpack(struct block_header *header, struct bytes raw, struct fault *fault)
{
    if (raw.size > BLOCK_HEADER_BYTES)
        return fault_set(fault, ERR_LIMIT, "a header of %zu bytes; at most %d are allowed",
                         raw.size, BLOCK_HEADER_BYTES);
    struct arena none; /* a header has no lists */
    arena_init(&none, 0);
    enum err err = record_unpack(&none, &block_header_record, header, raw, fault);
    arena_release(&none);
    if (!err && (header->version < BLOCK_VERSION || header->version > BLOCK_VERSION_NEWEST))
        return fault_set(fault, ERR_MALFORMED, "a header of version %u; this program knows %d to %d",
                         header->version, BLOCK_VERSION, BLOCK_VERSION_NEWEST);
    return err;
}

enum err block_body_unpack(struct arena *arena, struct block_body *body, struct bytes raw,
                           struct fault *fault)
{
    if (raw.size > LIMIT_BLOCK_BYTES)
        return fault_set(fault, ERR_LIMIT, "a body of %zu bytes; at most %u are allowed", raw.size,
                         LIMIT_BLOCK_BYTES);
    return record_unpack(arena, &block_body_record, body, raw, fault);
}

struct digest block_tx_root(const struct block_body *body)
{
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint32_t i = 0; i < body->item_count; i++) {
        struct digest leaf = merkle_leaf(body->items[i].tx.data, body->items[i].tx.size);
        merkle_add(&merkle, &leaf);
    }
    return merkle_end(&merkle);
}

enum err block_check(const struct block_header *header, const struct block_header *parent,
                     const struct digest *parent_digest, struct fault *fault)
{
    unsigned long long height = header->height;
    if (!digest_equal(&header->chain, &parent->chain))
        return fault_set(fault, ERR_MISMATCH, "block %llu is of another chain", height);
    if (!digest_equal(&header->parent, parent_digest))
        return fault_set(fault, ERR_MISMATCH, "block %llu names another parent", height);
    if (header->height != parent->height + 1)
        return fault_set(fault, ERR_MISMATCH, "block %llu follows block %llu", height,
                         (unsigned long long)parent->height);
    if (header->time_ms <= parent->time_ms)
        return fault_set(fault, ERR_MISMATCH,
                         "block %llu has time %llu ms, its parent %llu ms: it must be later",
                         height, (unsigned long long)header->time_ms,
                         (unsigned long long)parent->time_ms);
    if (!digest_equal(&header->set_digest, &parent->next_set_digest))
        return fault_set(fault, ERR_MISMATCH,
                         "block %llu is certified by another set than its parent says", height);
    return ERR_NONE;
}
