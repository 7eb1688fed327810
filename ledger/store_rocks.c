#include "ledger/store.h"

#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>

#include "base/check.h"
#include "base/digest.h"

/* Eight of 32 bytes: a flipped bit passes once in 2^64. */
#define CHECK_SIZE 8

/* All families together, so that memory doesn't grow with their number. */
#define WRITE_BUFFER_BYTES (32u << 20)

/* Files kept open: an index and a filter each. */
#define OPEN_FILES_MAX 256

/* RocksDB's own log in the folder stays empty (InfoLogLevel FATAL): on a full disk it fails to write there that the disk is full, and
 * the next line of that log aborts the process. What went wrong is in the faults. */
#define INFO_LOG_FATAL 4

/* A crash while a batch is being written leaves a torn tail, which was never acknowledged: it is dropped. Damage anywhere before
 * the tail is an error (kTolerateCorruptedTailRecords). */
#define WAL_TOLERATE_TAIL 0

/* By number; the first is the one that RocksDB itself insists on. */
static const char *const family_names[STORE_FAMILIES] = {
    [STORE_META] = "default",      [STORE_HEADERS] = "headers", [STORE_BODIES] = "bodies",
    [STORE_RECEIPTS] = "receipts", [STORE_VALUES] = "values",   [STORE_PAST] = "past",
    [STORE_PAGES] = "pages",       [STORE_KEYS] = "keys",       [STORE_INDEX] = "index",
    [STORE_HELD] = "held",
};

struct store {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_readoptions_t *now;
    rocksdb_writeoptions_t *synced;
    rocksdb_column_family_handle_t *families[STORE_FAMILIES];
    bool failed; /* a write didn't go through */
};

struct store_snapshot {
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *options;
};

struct store_cursor {
    rocksdb_iterator_t *iterator;
    enum store_family family;
};

struct store_batch {
    struct store *store; /* borrowed */
    rocksdb_writebatch_t *batch;
};

/* --- faults --- */

/* Takes RocksDB's sentence. */
static enum err fault_rocks_take(struct fault *fault, const char *what, char *sentence)
{
    enum err code = strncmp(sentence, "Corruption", 10) ? ERR_IO : ERR_CORRUPT;
    fault_set(fault, code, "%s: %s", what, sentence);
    rocksdb_free(sentence);
    return code;
}

static enum err fault_corrupt(struct fault *fault, enum store_family family, struct bytes key,
                              const char *why)
{
    char hex[2 * 64 + 1];
    bytes_to_hex(hex, bytes_of(key.data, key.size < 64 ? key.size : 64));
    return fault_set(fault, ERR_CORRUPT,
                     "store: %s, key %s: %s; restore this folder or fetch the chain anew",
                     family_names[family], hex, why);
}

/* --- values with their check --- */

static void check_of(uint8_t check[CHECK_SIZE], enum store_family family, struct bytes key,
                     struct bytes value)
{
    uint8_t head[5] = {(uint8_t)family};
    bytes_put_u32(head + 1, (uint32_t)key.size);
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, head, sizeof(head));
    digest_add(&stream, key.data, key.size);
    digest_add(&stream, value.data, value.size);
    struct digest digest = digest_end(&stream);
    memcpy(check, digest.bytes, CHECK_SIZE);
}

static enum err check_value(enum store_family family, struct bytes key, struct bytes stored,
                            struct bytes *value, struct fault *fault)
{
    if (stored.size < CHECK_SIZE)
        return fault_corrupt(fault, family, key, "the value is cut short");
    struct bytes inner = bytes_of(stored.data + CHECK_SIZE, stored.size - CHECK_SIZE);
    uint8_t check[CHECK_SIZE];
    check_of(check, family, key, inner);
    if (memcmp(check, stored.data, CHECK_SIZE))
        return fault_corrupt(fault, family, key, "the value contradicts its check");
    *value = inner;
    return ERR_NONE;
}

/* --- opening --- */

static rocksdb_options_t *options_new(size_t cache_bytes)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_db_write_buffer_size(options, WRITE_BUFFER_BYTES);
    rocksdb_options_set_write_buffer_size(options, WRITE_BUFFER_BYTES / 4);
    rocksdb_options_set_max_total_wal_size(options, 2 * WRITE_BUFFER_BYTES);
    rocksdb_options_set_max_open_files(options, OPEN_FILES_MAX);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_compression(
        options, rocksdb_no_compression); /* hashes and signatures don't shrink */
    rocksdb_options_set_wal_recovery_mode(options, WAL_TOLERATE_TAIL);
    rocksdb_options_set_info_log_level(options, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);

    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(cache_bytes);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_cache_destroy(cache); /* the table options hold it */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    return options;
}

/* A folder with families that this program doesn't know was written by a newer one. */
static enum err families_check(const rocksdb_options_t *options, const char *path,
                               struct fault *fault)
{
    char *sentence = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(options, path, &count, &sentence);
    if (sentence) { /* none there yet; opening says what else may be wrong */
        rocksdb_free(sentence);
        count = 0;
    }
    enum err err = ERR_NONE;
    for (size_t i = 0; i < count && !err; i++) {
        bool known = false;
        for (int family = 0; family < STORE_FAMILIES; family++)
            known |= !strcmp(names[i], family_names[family]);
        if (!known)
            err = fault_set(
                fault, ERR_MISMATCH,
                "%s: written by a newer version (it has %s): use that one or another folder", path,
                names[i]);
    }
    rocksdb_list_column_families_destroy(names, count);
    return err;
}

enum err store_open(struct store **out, const char *path, size_t cache_bytes, struct fault *fault)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return fault_set(fault, ERR_IO, "%s: the data folder can't be made: %s", path,
                         strerror(errno));
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return fault_set(fault, ERR_LIMIT, "%s: out of memory", path);
    store->options = options_new(cache_bytes);
    enum err err = families_check(store->options, path, fault);
    if (err)
        goto free_options;

    const rocksdb_options_t *each[STORE_FAMILIES];
    for (int i = 0; i < STORE_FAMILIES; i++)
        each[i] = store->options;
    char *sentence = NULL;
    store->db = rocksdb_open_column_families(store->options, path, STORE_FAMILIES, family_names,
                                             each, store->families, &sentence);
    if (sentence) {
        bool locked = strstr(sentence, "/LOCK: ") != NULL;
        err = fault_rocks_take(fault, path, sentence);
        if (locked)
            fault_set(fault, err,
                      "%s: the data folder is in use by another process; stop that one first",
                      path);
        goto free_options;
    }
    store->now = rocksdb_readoptions_create();
    store->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->synced, 1);
    *out = store;
    return ERR_NONE;

free_options:
    rocksdb_options_destroy(store->options);
    free(store);
    return err;
}

void store_close(struct store *store)
{
    if (!store || store->failed)
        return; /* RocksDB would write once more, and stops the process when that fails again */
    for (int i = 0; i < STORE_FAMILIES; i++)
        rocksdb_column_family_handle_destroy(store->families[i]);
    rocksdb_writeoptions_destroy(store->synced);
    rocksdb_readoptions_destroy(store->now);
    rocksdb_close(store->db);
    rocksdb_options_destroy(store->options);
    free(store);
}

enum err store_checkpoint(struct store *store, const char *path, struct fault *fault)
{
    char *sentence = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(store->db, &sentence);
    if (!sentence)
        rocksdb_checkpoint_create(checkpoint, path, 0, &sentence);
    if (checkpoint)
        rocksdb_checkpoint_object_destroy(checkpoint);
    return sentence ? fault_rocks_take(fault, path, sentence) : ERR_NONE;
}

/* --- reading --- */

struct store_snapshot *store_snapshot_new(struct store *store)
{
    struct store_snapshot *snapshot = malloc(sizeof(*snapshot));
    CHECK(snapshot);
    snapshot->snapshot = rocksdb_create_snapshot(store->db);
    snapshot->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(snapshot->options, snapshot->snapshot);
    return snapshot;
}

void store_snapshot_free(struct store *store, struct store_snapshot *snapshot)
{
    rocksdb_readoptions_destroy(snapshot->options);
    rocksdb_release_snapshot(store->db, snapshot->snapshot);
    free(snapshot);
}

static const rocksdb_readoptions_t *options_at(const struct store *store,
                                               const struct store_snapshot *snapshot)
{
    return snapshot ? snapshot->options : store->now;
}

enum err store_get(struct arena *arena, struct store *store, const struct store_snapshot *snapshot,
                   enum store_family family, struct bytes key, struct bytes *value,
                   struct fault *fault)
{
    char *sentence = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(store->db, options_at(store, snapshot), store->families[family],
                              (const char *)key.data, key.size, &sentence);
    if (sentence) {
        enum err err = fault_rocks_take(NULL, "", sentence);
        if (err == ERR_CORRUPT)
            return fault_corrupt(fault, family, key, "its block on disk is damaged");
        return fault_set(fault, err, "store: %s can't be read: the disk failed",
                         family_names[family]);
    }
    if (!slice)
        return ERR_NOT_FOUND;

    size_t size;
    const char *data = rocksdb_pinnableslice_value(slice, &size);
    struct bytes inner;
    enum err err = check_value(family, key, bytes_of(data, size), &inner, fault);
    if (!err) {
        void *copy = arena_copy(arena, inner.data, inner.size);
        if (copy)
            *value = bytes_of(copy, inner.size);
        else
            err = fault_set(fault, ERR_LIMIT, "store: a value of %zu bytes doesn't fit in memory",
                            inner.size);
    }
    rocksdb_pinnableslice_destroy(slice);
    return err;
}

struct store_cursor *store_cursor_new(struct store *store, const struct store_snapshot *snapshot,
                                      enum store_family family)
{
    struct store_cursor *cursor = malloc(sizeof(*cursor));
    CHECK(cursor);
    cursor->iterator =
        rocksdb_create_iterator_cf(store->db, options_at(store, snapshot), store->families[family]);
    cursor->family = family;
    return cursor;
}

void store_cursor_free(struct store_cursor *cursor)
{
    if (!cursor)
        return;
    rocksdb_iter_destroy(cursor->iterator);
    free(cursor);
}

bool store_cursor_seek(struct store_cursor *cursor, struct bytes key)
{
    rocksdb_iter_seek(cursor->iterator, (const char *)key.data, key.size);
    return rocksdb_iter_valid(cursor->iterator);
}

bool store_cursor_seek_back(struct store_cursor *cursor, struct bytes key)
{
    rocksdb_iter_seek_for_prev(cursor->iterator, (const char *)key.data, key.size);
    return rocksdb_iter_valid(cursor->iterator);
}

bool store_cursor_next(struct store_cursor *cursor)
{
    rocksdb_iter_next(cursor->iterator);
    return rocksdb_iter_valid(cursor->iterator);
}

bool store_cursor_back(struct store_cursor *cursor)
{
    rocksdb_iter_prev(cursor->iterator);
    return rocksdb_iter_valid(cursor->iterator);
}

struct bytes store_cursor_key(const struct store_cursor *cursor)
{
    size_t size;
    const char *data = rocksdb_iter_key(cursor->iterator, &size);
    return bytes_of(data, size);
}

enum err store_cursor_value(const struct store_cursor *cursor, struct bytes *value,
                            struct fault *fault)
{
    size_t size;
    const char *data = rocksdb_iter_value(cursor->iterator, &size);
    return check_value(cursor->family, store_cursor_key(cursor), bytes_of(data, size), value,
                       fault);
}

enum err store_cursor_err(const struct store_cursor *cursor, struct fault *fault)
{
    char *sentence = NULL;
    rocksdb_iter_get_error(cursor->iterator, &sentence);
    if (!sentence)
        return ERR_NONE;
    char what[64] = "store: ";
    strncat(what, family_names[cursor->family], sizeof(what) - strlen(what) - 1);
    return fault_rocks_take(fault, what, sentence);
}

/* --- writing --- */

struct store_batch *store_batch_new(struct store *store)
{
    struct store_batch *batch = malloc(sizeof(*batch));
    CHECK(batch);
    batch->store = store;
    batch->batch = rocksdb_writebatch_create();
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (!batch)
        return;
    rocksdb_writebatch_destroy(batch->batch);
    free(batch);
}

void store_batch_clear(struct store_batch *batch)
{
    rocksdb_writebatch_clear(batch->batch);
}

void store_batch_put(struct store_batch *batch, enum store_family family, struct bytes key,
                     struct bytes value)
{
    uint8_t check[CHECK_SIZE];
    check_of(check, family, key, value);
    const char *keys[1] = {(const char *)key.data};
    const char *values[2] = {(const char *)check, (const char *)value.data};
    size_t key_sizes[1] = {key.size}, value_sizes[2] = {CHECK_SIZE, value.size};
    rocksdb_writebatch_putv_cf(batch->batch, batch->store->families[family], 1, keys, key_sizes, 2,
                               values, value_sizes);
}

void store_batch_delete(struct store_batch *batch, enum store_family family, struct bytes key)
{
    rocksdb_writebatch_delete_cf(batch->batch, batch->store->families[family],
                                 (const char *)key.data, key.size);
}

enum err store_write(struct store *store, struct store_batch *batch, struct fault *fault)
{
    if (store->failed)
        return fault_set(
            fault, ERR_IO,
            "store: an earlier write failed; start the node again when the disk is well");
    char *sentence = NULL;
    rocksdb_write(store->db, store->synced, batch->batch, &sentence);
    if (!sentence)
        return ERR_NONE;
    store->failed = true;
    return fault_rocks_take(fault, "store: a block can't be written", sentence);
}
