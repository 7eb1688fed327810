/* The node's database: ordered keys in families, read by snapshots, written by atomic batches.
 * RocksDB stands behind it, in store_rocks.c alone.
 *
 * Every value is stored with eight bytes of SHA-256 over (family, key, value), and RocksDB checks
 * its own blocks and log. Bytes that fail either are ERR_CORRUPT with the family and key in the
 * fault; the caller stops and never goes on with them.
 *
 *     state    may do                             left by
 *     open     everything                         a failed write, store_close
 *     failed   read, close; a write is ERR_IO     store_close
 *
 * After a failed write nobody knows what the disk holds, so the store takes no other: the node
 * stops and opens it again. Reads and snapshots are for any thread; batches and writes for one at a
 * time. */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

/* One column family a purpose; the keys' layouts are ledger/layout.h. Stored by name; append only.
 */
enum store_family {
    STORE_META,     /* format version, genesis, head */
    STORE_HEADERS,  /* height -> header, certificate, root page */
    STORE_BODIES,   /* height -> body */
    STORE_RECEIPTS, /* height -> receipts */
    STORE_VALUES,   /* state key -> value now */
    STORE_PAST,     /* state key, height -> value written then */
    STORE_PAGES,    /* page of the state tree, height -> page */
    STORE_KEYS,     /* H(state key) -> state key */
    STORE_INDEX,    /* by block digest, transaction id, account */
    STORE_HELD,     /* height, digest -> bodies that are promised and not committed */
    STORE_FAMILIES, /* the count */
};

struct store;
struct store_snapshot;
struct store_cursor;
struct store_batch;

/* Opens the folder `path`, making it when it is missing. `cache_bytes` bounds the cache of blocks;
 * write buffers add 32 MiB at most. ERR_IO: it can't be opened (in use by another process, no
 * permission, disk full); ERR_CORRUPT: RocksDB refuses its files. */
MUST_USE enum err store_open(struct store **store, const char *path, size_t cache_bytes,
                             struct fault *fault);

/* Snapshots, cursors and batches must be gone; NULL is fine. A failed store is left as it is: its memory and its lock on the folder go
 * with the process. */
void store_close(struct store *store);

/* Makes of what is here now a store of its own in the folder `path`, which must not be there; files that don't change any more are linked
 * where the file system can. ERR_IO, ERR_CORRUPT; then a part may be there. */
MUST_USE enum err store_checkpoint(struct store *store, const char *path, struct fault *fault);

/* A frozen view. Cheap; pins old data while it lives. Never NULL. */
struct store_snapshot *store_snapshot_new(struct store *store);
void store_snapshot_free(struct store *store, struct store_snapshot *snapshot);

/* The value of `key`, in `arena`. `snapshot` NULL: now.
 * ERR_NOT_FOUND (fault untouched), ERR_CORRUPT, ERR_IO, ERR_LIMIT when the arena is full. */
MUST_USE enum err store_get(struct arena *arena, struct store *store,
                            const struct store_snapshot *snapshot, enum store_family family,
                            struct bytes key, struct bytes *value, struct fault *fault);

/* Walks a family in key order, over `snapshot` or (NULL) over the moment it was made. */
struct store_cursor *store_cursor_new(struct store *store, const struct store_snapshot *snapshot,
                                      enum store_family family);
void store_cursor_free(struct store_cursor *cursor);

/* Stands on the first key >= `key` / the last key <= `key`, or on the next / previous one. True if
 * there is one. False at the end and after an error: store_cursor_err tells. */
bool store_cursor_seek(struct store_cursor *cursor, struct bytes key);
bool store_cursor_seek_back(struct store_cursor *cursor, struct bytes key);
bool store_cursor_next(struct store_cursor *cursor);
bool store_cursor_back(struct store_cursor *cursor);

/* Where it stands; borrowed until it moves. store_cursor_value is ERR_CORRUPT when the check fails.
 */
struct bytes store_cursor_key(const struct store_cursor *cursor);
MUST_USE enum err store_cursor_value(const struct store_cursor *cursor, struct bytes *value,
                                     struct fault *fault);
MUST_USE enum err store_cursor_err(const struct store_cursor *cursor, struct fault *fault);

/* Changes that become visible and durable all at once or not at all. Reused by clear. */
struct store_batch *store_batch_new(struct store *store);
void store_batch_free(struct store_batch *batch);
void store_batch_clear(struct store_batch *batch);
void store_batch_put(struct store_batch *batch, enum store_family family, struct bytes key,
                     struct bytes value);
void store_batch_delete(struct store_batch *batch, enum store_family family, struct bytes key);

/* Writes the batch and returns when it is on disk. ERR_IO: the disk is full or failed; ERR_CORRUPT: RocksDB found damage while it
 * tidied up. Either way the store is failed from now on. */
MUST_USE enum err store_write(struct store *store, struct store_batch *batch, struct fault *fault);

#endif
