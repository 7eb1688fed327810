#include "ledger/layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const struct record_field header_fields[] = {
    RECORD_BYTES(struct layout_header, header, BLOCK_HEADER_BYTES),
    RECORD_BYTES(struct layout_header, certificate, LAYOUT_CERTIFICATE_BYTES),
    RECORD_UINT_MAX(struct layout_header, root_kind, SPARSE_NODE),
    RECORD_UINT(struct layout_header, root_height),
};
const struct record layout_header_record =
    RECORD(struct layout_header, "stored_header", header_fields);

static const struct record_field held_fields[] = {
    RECORD_BYTES(struct layout_held, header, BLOCK_HEADER_BYTES),
    RECORD_BYTES(struct layout_held, body, LIMIT_BLOCK_BYTES),
};
const struct record layout_held_record = RECORD(struct layout_held, "held_block", held_fields);

/* --- keys --- */

static void add(struct layout_key *key, const void *data, size_t size)
{
    CHECK(key->size + size <= sizeof(key->bytes));
    if (size)
        memcpy(key->bytes + key->size, data, size);
    key->size += size;
}

static void add_u8(struct layout_key *key, uint8_t value)
{
    add(key, &value, 1);
}

static void add_u64(struct layout_key *key, uint64_t value)
{
    uint8_t bytes[8];
    bytes_put_u64(bytes, value);
    add(key, bytes, sizeof(bytes));
}

struct layout_key layout_height(uint64_t height)
{
    struct layout_key key = {.size = 0};
    add_u64(&key, height);
    return key;
}

struct layout_key layout_past(struct bytes state_key, uint64_t height)
{
    struct layout_key key = {.size = 0};
    CHECK(state_key.size <= LIMIT_KEY_BYTES);
    add_u8(&key, (uint8_t)state_key.size);
    add(&key, state_key.data, state_key.size);
    add_u64(&key, height);
    return key;
}

struct layout_key layout_page(const struct sparse_place *place)
{
    struct layout_key key = {.size = 0};
    add_u8(&key, place->depth);
    add(&key, place->path.bytes, (place->depth + 1u) / 2);
    add_u64(&key, place->height);
    return key;
}

static struct layout_key named(char kind, const void *name, size_t size)
{
    struct layout_key key = {.size = 0};
    add_u8(&key, (uint8_t)kind);
    add(&key, name, size);
    return key;
}

struct layout_key layout_block(const struct digest *digest)
{
    return named('b', digest->bytes, DIGEST_SIZE);
}

struct layout_key layout_tx(const struct digest *id)
{
    return named('t', id->bytes, DIGEST_SIZE);
}

struct layout_key layout_party(const struct address *account, uint64_t height)
{
    struct layout_key key = named('a', account->bytes, ADDRESS_SIZE);
    add_u64(&key, height);
    return key;
}

struct layout_key layout_held_at(uint64_t height, const struct digest *digest)
{
    struct layout_key key = layout_height(height);
    add(&key, digest->bytes, DIGEST_SIZE);
    return key;
}

struct bytes layout_bytes(const struct layout_key *key)
{
    return bytes_of(key->bytes, key->size);
}

/* --- a block --- */

static void put(struct store_batch *batch, enum store_family family, struct layout_key key,
                struct bytes value)
{
    store_batch_put(batch, family, layout_bytes(&key), value);
}

/* The packed list of receipts that are packed already: a record with one list. */
static enum err put_receipts(struct arena *arena, struct store_batch *batch,
                             const struct overlay_entry *entry)
{
    size_t room = 16;
    for (uint32_t i = 0; i <= entry->tx_count; i++)
        room += entry->receipts[i].size;
    uint8_t *packed = arena_alloc(arena, room);
    if (!packed)
        return ERR_LIMIT;
    struct pack_writer writer;
    pack_init(&writer, packed, room);
    pack_array(&writer, 1);
    pack_array(&writer, entry->tx_count + 1);
    for (uint32_t i = 0; i <= entry->tx_count; i++) {
        memcpy(packed + writer.used, entry->receipts[i].data, entry->receipts[i].size);
        writer.used += entry->receipts[i].size;
    }
    put(batch, STORE_RECEIPTS, layout_height(entry->header.height), bytes_of(packed, writer.used));
    return ERR_NONE;
}

static int party_compare(const void *a, const void *b)
{
    const struct overlay_party *left = a, *right = b;
    int order = memcmp(left->account.bytes, right->account.bytes, ADDRESS_SIZE);
    return order ? order : (left->tx > right->tx) - (left->tx < right->tx);
}

/* One entry an account, so that a busy account costs one key a block. */
static enum err put_parties(struct arena *arena, struct store_batch *batch,
                            struct overlay_entry *entry)
{
    if (entry->party_count == 0)
        return ERR_NONE;
    qsort(entry->parties, entry->party_count, sizeof(*entry->parties), party_compare);
    uint8_t *list = arena_array(arena, entry->tx_count, LAYOUT_PARTY_SIZE);
    if (!list)
        return ERR_LIMIT;
    for (size_t first = 0, end; first < entry->party_count; first = end) {
        const struct address *account = &entry->parties[first].account;
        size_t size = 0;
        for (end = first;
             end < entry->party_count && address_equal(&entry->parties[end].account, account);
             end++) {
            uint32_t tx = entry->parties[end].tx;
            bytes_put_u32(list + size, tx);
            memcpy(list + size + 4, entry->txs[tx].id.bytes, DIGEST_SIZE);
            size += LAYOUT_PARTY_SIZE;
        }
        put(batch, STORE_INDEX, layout_party(account, entry->header.height), bytes_of(list, size));
    }
    return ERR_NONE;
}

static void put_state(struct store_batch *batch, const struct overlay_entry *entry)
{
    for (size_t i = 0; i < entry->value_count; i++) {
        const struct overlay_value *value = &entry->values[i];
        if (value->value.size)
            store_batch_put(batch, STORE_VALUES, value->key, value->value);
        else
            store_batch_delete(batch, STORE_VALUES, value->key);
        if (value->fresh) {
            struct digest position = digest_of(value->key.data, value->key.size);
            store_batch_put(batch, STORE_KEYS, bytes_of(position.bytes, DIGEST_SIZE), value->key);
        }
        put(batch, STORE_PAST, layout_past(value->key, entry->header.height), value->value);
    }
    for (size_t i = 0; i < entry->pages.count; i++) {
        uint8_t packed[SPARSE_PAGE_BYTES];
        size_t size = sparse_page_pack(packed, entry->pages.list[i].page);
        put(batch, STORE_PAGES, layout_page(&entry->pages.list[i].place), bytes_of(packed, size));
    }
}

enum err layout_put_block(struct arena *arena, struct store_batch *batch,
                          struct overlay_entry *entry, struct bytes certificate)
{
    uint64_t height = entry->header.height;
    uint8_t number[12];
    bytes_put_u64(number, height);
    store_batch_put(batch, STORE_META, bytes_text(LAYOUT_META_HEAD), bytes_of(number, 8));
    put(batch, STORE_INDEX, layout_block(&entry->digest), bytes_of(number, 8));
    for (uint32_t i = 0; i < entry->tx_count; i++) {
        bytes_put_u32(number + 8, i);
        put(batch, STORE_INDEX, layout_tx(&entry->txs[i].id), bytes_of(number, 12));
    }

    struct layout_header header = {entry->header_raw, certificate, (uint8_t)entry->root.top.kind,
                                   entry->root.height};
    struct bytes packed = record_bytes(arena, &layout_header_record, &header);
    if (!packed.data)
        return ERR_LIMIT;
    put(batch, STORE_HEADERS, layout_height(height), packed);
    put(batch, STORE_BODIES, layout_height(height), entry->body_raw);
    put_state(batch, entry);
    enum err err = put_receipts(arena, batch, entry);
    return err ? err : put_parties(arena, batch, entry);
}
