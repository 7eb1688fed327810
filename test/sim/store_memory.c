#include "test/sim/store_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/store.h"

struct pair {
    size_t key_size, value_size;
    uint8_t *key; /* owned, the value behind it */
};

struct family {
    struct pair *pairs; /* ascending keys; owned */
    size_t count, room;
};

struct store {
    struct family families[STORE_FAMILIES];
    uint32_t snapshots;
};

struct change {
    enum store_family family;
    bool is_deletion;
    struct pair pair;
};

struct store_batch {
    struct change *list; /* owned */
    size_t count, room;
};

struct store_cursor {
    struct family *family;
    size_t at; /* family->count or more: nowhere */
};

static struct bytes key_of(const struct pair *pair)
{
    return bytes_of(pair->key, pair->key_size);
}

/* The first pair whose key is `key` or above. */
static size_t place_of(const struct family *family, struct bytes key)
{
    size_t low = 0, high = family->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (bytes_compare(key_of(&family->pairs[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct family *family, size_t place, struct bytes key)
{
    return place < family->count && bytes_equal(key_of(&family->pairs[place]), key);
}

static struct pair pair_new(struct bytes key, struct bytes value)
{
    struct pair pair = {key.size, value.size, malloc(key.size + value.size + 1)};
    CHECK(pair.key);
    memcpy(pair.key, key.data, key.size);
    if (value.size)
        memcpy(pair.key + key.size, value.data, value.size);
    return pair;
}

struct store *store_memory_new(void)
{
    struct store *store = calloc(1, sizeof(*store));
    CHECK(store);
    return store;
}

void store_memory_free(struct store *store)
{
    for (int f = 0; f < STORE_FAMILIES; f++) {
        for (size_t i = 0; i < store->families[f].count; i++)
            free(store->families[f].pairs[i].key);
        free(store->families[f].pairs);
    }
    free(store);
}

void store_memory_path(char path[STORE_MEMORY_PATH], const struct store *store)
{
    snprintf(path, STORE_MEMORY_PATH, "%p", (const void *)store);
}

enum err store_open(struct store **store, const char *path, size_t cache_bytes, struct fault *fault)
{
    (void)cache_bytes;
    void *found;
    if (sscanf(path, "%p", &found) != 1)
        return fault_set(fault, ERR_IO, "%s: no store in memory", path);
    *store = found;
    return ERR_NONE;
}

void store_close(struct store *store)
{
    CHECK(!store || !store->snapshots);
}

struct store_snapshot *store_snapshot_new(struct store *store)
{
    store->snapshots++;
    return (struct store_snapshot *)store;
}

void store_snapshot_free(struct store *store, struct store_snapshot *snapshot)
{
    CHECK((struct store_snapshot *)store == snapshot);
    store->snapshots--;
}

enum err store_get(struct arena *arena, struct store *store, const struct store_snapshot *snapshot,
                   enum store_family family, struct bytes key, struct bytes *value,
                   struct fault *fault)
{
    (void)snapshot;
    const struct family *keys = &store->families[family];
    const size_t place = place_of(keys, key);
    if (!is_at(keys, place, key))
        return ERR_NOT_FOUND;
    const struct pair *pair = &keys->pairs[place];
    const uint8_t *copy = arena_copy(arena, pair->key + pair->key_size, pair->value_size);
    if (!copy)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    *value = bytes_of(copy, pair->value_size);
    return ERR_NONE;
}

/* --- cursors --- */

struct store_cursor *store_cursor_new(struct store *store, const struct store_snapshot *snapshot,
                                      enum store_family family)
{
    (void)snapshot;
    struct store_cursor *cursor = malloc(sizeof(*cursor));
    CHECK(cursor);
    *cursor = (struct store_cursor){&store->families[family], SIZE_MAX};
    return cursor;
}

void store_cursor_free(struct store_cursor *cursor)
{
    free(cursor);
}

bool store_cursor_seek(struct store_cursor *cursor, struct bytes key)
{
    cursor->at = place_of(cursor->family, key);
    return cursor->at < cursor->family->count;
}

bool store_cursor_seek_back(struct store_cursor *cursor, struct bytes key)
{
    const size_t place = place_of(cursor->family, key);
    cursor->at = is_at(cursor->family, place, key) ? place : place - 1;
    return cursor->at < cursor->family->count;
}

bool store_cursor_next(struct store_cursor *cursor)
{
    cursor->at++;
    return cursor->at < cursor->family->count;
}

bool store_cursor_back(struct store_cursor *cursor)
{
    cursor->at--;
    return cursor->at < cursor->family->count;
}

struct bytes store_cursor_key(const struct store_cursor *cursor)
{
    CHECK(cursor->at < cursor->family->count);
    return key_of(&cursor->family->pairs[cursor->at]);
}

enum err store_cursor_value(const struct store_cursor *cursor, struct bytes *value,
                            struct fault *fault)
{
    (void)fault;
    CHECK(cursor->at < cursor->family->count);
    const struct pair *pair = &cursor->family->pairs[cursor->at];
    *value = bytes_of(pair->key + pair->key_size, pair->value_size);
    return ERR_NONE;
}

enum err store_cursor_err(const struct store_cursor *cursor, struct fault *fault)
{
    (void)cursor;
    (void)fault;
    return ERR_NONE;
}

/* --- batches --- */

struct store_batch *store_batch_new(struct store *store)
{
    (void)store;
    struct store_batch *batch = calloc(1, sizeof(*batch));
    CHECK(batch);
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (!batch)
        return;
    store_batch_clear(batch);
    free(batch->list);
    free(batch);
}

void store_batch_clear(struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        free(batch->list[i].pair.key);
    batch->count = 0;
}

static void add(struct store_batch *batch, const struct change *change)
{
    if (batch->count == batch->room) {
        batch->room = batch->room ? 2 * batch->room : 64;
        batch->list = realloc(batch->list, batch->room * sizeof(*batch->list));
        CHECK(batch->list);
    }
    batch->list[batch->count++] = *change;
}

void store_batch_put(struct store_batch *batch, enum store_family family, struct bytes key,
                     struct bytes value)
{
    add(batch, &(struct change){family, false, pair_new(key, value)});
}

void store_batch_delete(struct store_batch *batch, enum store_family family, struct bytes key)
{
    add(batch, &(struct change){family, true, pair_new(key, bytes_of(NULL, 0))});
}

/* The pair is the family's now. */
static void put_take(struct family *family, size_t place, const struct pair *pair)
{
    if (is_at(family, place, key_of(pair))) {
        free(family->pairs[place].key);
        family->pairs[place] = *pair;
        return;
    }
    if (family->count == family->room) {
        family->room = family->room ? 2 * family->room : 64;
        family->pairs = realloc(family->pairs, family->room * sizeof(*family->pairs));
        CHECK(family->pairs);
    }
    memmove(&family->pairs[place + 1], &family->pairs[place],
            (family->count - place) * sizeof(*family->pairs));
    family->pairs[place] = *pair;
    family->count++;
}

static void delete (struct family *family, size_t place)
{
    free(family->pairs[place].key);
    family->count--;
    memmove(&family->pairs[place], &family->pairs[place + 1],
            (family->count - place) * sizeof(*family->pairs));
}

enum err store_write(struct store *store, struct store_batch *batch, struct fault *fault)
{
    (void)fault;
    CHECK(!store->snapshots);
    for (size_t i = 0; i < batch->count; i++) {
        struct change *change = &batch->list[i];
        struct family *family = &store->families[change->family];
        const struct bytes key = key_of(&change->pair);
        const size_t place = place_of(family, key);
        if (!change->is_deletion) {
            put_take(family, place, &change->pair);
            continue;
        }
        if (is_at(family, place, key))
            delete (family, place);
        free(change->pair.key);
    }
    batch->count = 0;
    return ERR_NONE;
}
