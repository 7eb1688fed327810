#include "net/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/merkle.h"
#include "net/bucket.h"
#include "net/shelf.h"
#include "net/stock.h"

#define BLOB_BYTES_MIN (4u << 20)
#define BLOB_PATH_SIZE 4096

enum blob_kind { BLOB_CHUNK = 0, BLOB_MANIFEST = 1 };

struct blob_store {
    char directory[BLOB_PATH_SIZE - 128];
    pthread_mutex_t mutex; /* guards all of it, and the files */
    struct stock stock;
    struct blob_usage usage; /* without what the stock counts */
    struct bucket *bucket;   /* object storage; NULL: none */
};

static const char *const blob_folders[] = {"chunks", "manifests"};

/* --- files --- */

static void path_of(char path[BLOB_PATH_SIZE], const struct blob_store *store, enum blob_kind kind,
                    const struct digest *id, const char *suffix)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, id);
    snprintf(path, BLOB_PATH_SIZE, "%s/%s/%.2s/%s%s", store->directory, blob_folders[kind], text,
             text, suffix);
}

static void drop(struct blob_store *store, uint32_t at)
{
    char path[BLOB_PATH_SIZE];
    path_of(path, store, store->stock.entries[at].kind, &store->stock.entries[at].id, "");
    unlink(path);
    stock_gone(&store->stock, at);
}

static bool write_all(int fd, struct bytes data)
{
    while (data.size > 0) {
        ssize_t count = write(fd, data.data, data.size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        data = bytes_of(data.data + count, data.size - (size_t)count);
    }
    return true;
}

static enum err file_write(const struct blob_store *store, enum blob_kind kind,
                           const struct digest *id, struct bytes data)
{
    char path[BLOB_PATH_SIZE], new[BLOB_PATH_SIZE];
    path_of(path, store, kind, id, "");
    path_of(new, store, kind, id, ".new");
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT) { /* the first file in its folder */
        *strrchr(new, '/') = 0;
        if (mkdir(new, 0755) != 0)
            return ERR_IO;
        path_of(new, store, kind, id, ".new");
        fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    }
    if (fd < 0)
        return ERR_IO;
    bool written = write_all(fd, data);
    written = close(fd) == 0 && written && rename(new, path) == 0;
    if (!written)
        unlink(new);
    return written ? ERR_NONE : ERR_IO;
}

/* Exactly `size` bytes, in `arena`. ERR_CORRUPT when the file has another size or is gone. */
static enum err file_read(struct arena *arena, const struct blob_store *store, enum blob_kind kind,
                          const struct digest *id, uint64_t size, struct bytes *data)
{
    char path[BLOB_PATH_SIZE];
    uint8_t *out = arena_alloc(arena, size + 1);
    if (out == NULL)
        return ERR_LIMIT;
    path_of(path, store, kind, id, "");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_CORRUPT : ERR_IO;
    size_t have = 0;
    ssize_t count = 1;
    while (have <= size && count > 0) {
        count = read(fd, out + have, size + 1 - have);
        have += count > 0 ? (size_t)count : 0;
    }
    close(fd);
    if (count < 0)
        return ERR_IO;
    *data = bytes_of(out, have);
    return have == size ? ERR_NONE : ERR_CORRUPT;
}

static struct digest content_id(enum blob_kind kind, struct bytes data)
{
    if (kind == BLOB_CHUNK)
        return merkle_leaf(data.data, data.size);
    return merkle_root((const struct digest *)data.data, data.size / DIGEST_SIZE);
}

/* Writes a file, pushing others out. The mutex is held. */
static enum err keep(struct blob_store *store, enum blob_kind kind, const struct digest *id,
                     struct bytes data, bool far)
{
    uint32_t at = stock_find(&store->stock, kind, id);
    if (at != STOCK_NONE && store->stock.entries[at].here) {
        stock_touch(&store->stock, at);
        store->stock.entries[at].far |= far;
        return ERR_NONE;
    }
    if (!stock_grow(&store->stock))
        return ERR_LIMIT;
    while (store->stock.bytes + data.size > store->usage.bytes_max) {
        drop(store, store->stock.near.oldest);
        store->usage.evicted++;
    }
    enum err err = file_write(store, kind, id, data);
    if (err != ERR_NONE)
        return err;
    at = stock_find(&store->stock, kind,
                    id); /* which may have been far alone, and forgotten for others */
    if (at == STOCK_NONE)
        at = stock_add(&store->stock, kind, id);
    stock_here(&store->stock, at, data.size);
    store->stock.entries[at].far |= far;
    return ERR_NONE;
}

static void name_of(char name[96], enum blob_kind kind, const struct digest *id)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, id);
    snprintf(name, 96, "%s/%s", blob_folders[kind], text);
}

/* To the bucket first: what is in the folder alone could be pushed out. */
static enum err put(struct blob_store *store, enum blob_kind kind, const struct digest *id,
                    struct bytes data)
{
    struct digest found = content_id(kind, data);
    if (!digest_equal(&found, id))
        return ERR_MISMATCH;

    pthread_mutex_lock(&store->mutex);
    uint32_t at = stock_find(&store->stock, kind, id);
    bool far = at != STOCK_NONE && store->stock.entries[at].far;
    pthread_mutex_unlock(&store->mutex);
    if (store->bucket && !far) {
        char name[96];
        name_of(name, kind, id);
        if (bucket_put(store->bucket, name, data, NULL) != ERR_NONE)
            return ERR_IO;
    }
    pthread_mutex_lock(&store->mutex);
    enum err err = keep(store, kind, id, data, store->bucket != NULL);
    pthread_mutex_unlock(&store->mutex);
    return err;
}

static enum err get_near(struct arena *arena, struct blob_store *store, enum blob_kind kind,
                         const struct digest *id, struct bytes *data)
{
    enum err err = ERR_NOT_FOUND;
    pthread_mutex_lock(&store->mutex);
    uint32_t at = stock_find(&store->stock, kind, id);
    if (at != STOCK_NONE && store->stock.entries[at].here) {
        stock_touch(&store->stock, at);
        err = file_read(arena, store, kind, id, store->stock.entries[at].size, data);
        if (err == ERR_NONE) {
            struct digest content = content_id(kind, *data);
            err = digest_equal(&content, id) ? ERR_NONE : ERR_CORRUPT;
        }
        if (err == ERR_CORRUPT) {
            store->usage.corrupt++;
            drop(store, at);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return err;
}

/* From the bucket, where another node may have put it; what comes is kept in the folder, if that takes it. */
static enum err get_far(struct arena *arena, struct blob_store *store, enum blob_kind kind,
                        const struct digest *id, struct bytes *data)
{
    size_t room = kind == BLOB_CHUNK ? LIMIT_CHUNK_BYTES : BLOB_CHUNKS_MAX * DIGEST_SIZE, size = 0;
    uint8_t *out = arena_alloc(arena, room);
    char name[96];
    if (out == NULL)
        return ERR_LIMIT;
    name_of(name, kind, id);
    enum err err = bucket_get(store->bucket, name, out, room, &size, NULL);
    struct digest found = content_id(kind, bytes_of(out, size));
    if (err == ERR_NONE && !digest_equal(&found, id))
        err = ERR_CORRUPT;
    if (err == ERR_NONE)
        *data = bytes_of(out, size);
    pthread_mutex_lock(&store->mutex);
    uint32_t at = stock_find(&store->stock, kind, id);
    if (err == ERR_NONE)
        (void)!keep(store, kind, id, *data, true);
    else if (err != ERR_IO && at != STOCK_NONE) /* so that it is missing, and can be put again */
        stock_not_far(&store->stock, at);
    store->usage.corrupt += err == ERR_CORRUPT;
    pthread_mutex_unlock(&store->mutex);
    return err == ERR_USAGE ? ERR_IO : err;
}

static enum err get(struct arena *arena, struct blob_store *store, enum blob_kind kind,
                    const struct digest *id, struct bytes *data)
{
    struct bytes found;
    enum err err = get_near(arena, store, kind, id, &found);
    if (store->bucket && (err == ERR_NOT_FOUND || err == ERR_CORRUPT))
        err = get_far(arena, store, kind, id, &found);
    if (err == ERR_NONE)
        *data = found;
    return err;
}

/* --- object storage --- */

struct blob_listing {
    struct blob_store *store;
    bool failed; /* out of memory */
};

/* What isn't ours, or has a size that none of ours has, isn't looked at. */
static void on_object(void *self, const char *name, uint64_t size)
{
    struct blob_listing *listing = self;
    struct digest id;
    for (int i = 0; i < 2; i++) {
        size_t skip = strlen(blob_folders[i]);
        if (strncmp(name, blob_folders[i], skip) != 0 || name[skip] != '/' || size == 0 ||
            !bytes_from_hex(id.bytes, DIGEST_SIZE, name + skip + 1))
            continue;
        enum blob_kind kind = (enum blob_kind)i;
        uint32_t at = stock_find(&listing->store->stock, kind, &id);
        if (at == STOCK_NONE && !stock_grow(&listing->store->stock)) {
            listing->failed = true;
            return;
        }
        if (at == STOCK_NONE)
            at = stock_add(&listing->store->stock, kind, &id);
        stock_far(&listing->store->stock, at);
    }
}

/* What was put while there was no bucket. A file that is found damaged here is dropped, as ever. */
static enum err send_files(struct blob_store *store, struct fault *fault)
{
    struct arena arena;
    enum err err = ERR_NONE;
    arena_init(&arena, 2 * BLOB_CHUNKS_MAX * DIGEST_SIZE);
    for (uint32_t at = store->stock.near.oldest, next; at != STOCK_NONE && err == ERR_NONE;
         at = next) {
        struct stock_entry *entry = &store->stock.entries[at];
        struct digest id = entry->id;
        struct bytes data;
        char name[96];
        next = entry->newer;
        if (entry->far)
            continue;
        arena_clear(&arena);
        name_of(name, entry->kind, &id);
        err = file_read(&arena, store, entry->kind, &id, entry->size, &data);
        struct digest found = err == ERR_NONE ? content_id(entry->kind, data) : id;
        if (err == ERR_CORRUPT || !digest_equal(&found, &id)) {
            store->usage.corrupt++;
            drop(store, at);
            err = ERR_NONE;
        } else if (err != ERR_NONE) {
            err = fault_set(fault, err, "%s/%s can't be read", store->directory, name);
        } else {
            err = bucket_put(store->bucket, name, data, fault);
            entry->far = err == ERR_NONE;
        }
    }
    arena_release(&arena);
    return err;
}

enum err blob_attach(struct blob_store *store, struct bucket *bucket, uint32_t known_max,
                     struct fault *fault)
{
    struct blob_listing listing = {.store = store};
    CHECK(store->bucket == NULL);
    store->stock.away_max = known_max;
    enum err err = bucket_list(bucket, &listing, on_object, fault);
    if (err == ERR_NONE && listing.failed)
        err = fault_set(fault, ERR_LIMIT, "out of memory");
    if (err != ERR_NONE)
        return err;
    store->bucket = bucket;
    return send_files(store, fault);
}

bool blob_has_bucket(const struct blob_store *store)
{
    return store->bucket != NULL;
}

/* --- opening --- */

enum err blob_open(struct blob_store **out, const char *directory, uint64_t bytes_max,
                   struct fault *fault)
{
    struct blob_store *store = calloc(1, sizeof(*store));
    struct shelf shelf = {0};
    if (store == NULL)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    pthread_mutex_init(&store->mutex, NULL);
    stock_init(&store->stock);
    store->usage.bytes_max = bytes_max;

    enum err err = ERR_NONE;
    int length = snprintf(store->directory, sizeof(store->directory), "%s", directory);
    if (length <= 0 || (size_t)length >= sizeof(store->directory))
        err = fault_set(fault, ERR_USAGE, "the blob folder's path is empty or too long");
    else if (bytes_max < BLOB_BYTES_MIN)
        err = fault_set(fault, ERR_USAGE, "the blob store needs at least %u bytes", BLOB_BYTES_MIN);
    else if (!stock_grow(&store->stock))
        err = fault_set(fault, ERR_LIMIT, "out of memory");
    if (err == ERR_NONE)
        err = shelf_scan(&shelf, directory, blob_folders, 2, fault);
    for (size_t i = 0; i < shelf.count && err == ERR_NONE; i++) {
        if (stock_grow(&store->stock))
            stock_here(
                &store->stock,
                stock_add(&store->stock, (enum blob_kind)shelf.files[i].kind, &shelf.files[i].id),
                shelf.files[i].size);
        else
            err = fault_set(fault, ERR_LIMIT, "out of memory");
    }
    shelf_release(&shelf);
    if (err != ERR_NONE) {
        blob_close(store);
        return err;
    }
    while (store->stock.bytes > bytes_max) {
        drop(store, store->stock.near.oldest);
        store->usage.evicted++;
    }
    *out = store;
    return ERR_NONE;
}

void blob_close(struct blob_store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_destroy(&store->mutex);
    stock_release(&store->stock);
    free(store);
}

/* --- chunks and manifests --- */

enum err blob_put_chunk(struct blob_store *store, const struct digest *id, struct bytes chunk)
{
    if (chunk.size == 0 || chunk.size > LIMIT_CHUNK_BYTES)
        return ERR_LIMIT;
    return put(store, BLOB_CHUNK, id, chunk);
}

enum err blob_get_chunk(struct arena *arena, struct blob_store *store, const struct digest *id,
                        struct bytes *chunk)
{
    return get(arena, store, BLOB_CHUNK, id, chunk);
}

enum err blob_open_chunk(struct blob_store *store, const struct digest *id, int *fd, uint64_t *size)
{
    char path[BLOB_PATH_SIZE];
    enum err err = ERR_NOT_FOUND;
    struct stat file;
    path_of(path, store, BLOB_CHUNK, id, "");

    pthread_mutex_lock(&store->mutex);
    uint32_t at = stock_find(&store->stock, BLOB_CHUNK, id);
    if (at != STOCK_NONE && store->stock.entries[at].here) {
        stock_touch(&store->stock, at);
        *size = store->stock.entries[at].size;
        *fd = open(path, O_RDONLY | O_CLOEXEC);
        err = *fd >= 0 ? ERR_NONE : errno == ENOENT ? ERR_CORRUPT : ERR_IO;
        if (err == ERR_NONE && (fstat(*fd, &file) != 0 || (uint64_t)file.st_size != *size)) {
            close(*fd);
            err = ERR_CORRUPT;
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return err;
}

enum err blob_put_manifest(struct blob_store *store, const struct digest *root,
                           const struct digest *ids, uint32_t count)
{
    if (count == 0 || count > BLOB_CHUNKS_MAX)
        return ERR_LIMIT;
    return put(store, BLOB_MANIFEST, root, bytes_of(ids, (size_t)count * DIGEST_SIZE));
}

enum err blob_get_manifest(struct arena *arena, struct blob_store *store, const struct digest *root,
                           const struct digest **ids, uint32_t *count)
{
    struct bytes data;
    enum err err = get(arena, store, BLOB_MANIFEST, root, &data);
    if (err != ERR_NONE)
        return err;
    *ids = (const struct digest *)data.data;
    *count = (uint32_t)(data.size / DIGEST_SIZE);
    return ERR_NONE;
}

bool blob_has_chunk(struct blob_store *store, const struct digest *id)
{
    uint32_t index;
    return blob_missing(store, &index, id, 1) == 0;
}

uint32_t blob_missing(struct blob_store *store, uint32_t *missing, const struct digest *ids,
                      uint32_t count)
{
    uint32_t found = 0;
    pthread_mutex_lock(&store->mutex);
    for (uint32_t i = 0; i < count; i++)
        if (stock_find(&store->stock, BLOB_CHUNK, &ids[i]) == STOCK_NONE)
            missing[found++] = i;
    pthread_mutex_unlock(&store->mutex);
    return found;
}

struct blob_usage blob_usage(struct blob_store *store)
{
    pthread_mutex_lock(&store->mutex);
    struct blob_usage usage = store->usage;
    usage.bytes = store->stock.bytes;
    usage.files = store->stock.files;
    pthread_mutex_unlock(&store->mutex);
    return usage;
}
