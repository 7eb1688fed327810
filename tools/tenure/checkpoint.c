#include "tools/tenure/checkpoint.h"

#include "base/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAF_SIZE  (2 * DIGEST_SIZE)
#define ENTRY_SIZE 12 /* before a chunk's bytes */

enum err checkpoint_open(struct checkpoints *checkpoints, const char *folder, uint64_t bytes_max,
                         struct fault *fault)
{
    char lock[FILE_PATH_SIZE];
    enum err err;

    *checkpoints = (struct checkpoints){.bytes_max = bytes_max, .lock = -1};
    if (strlen(folder) + DIGEST_TEXT_SIZE + 16 > FILE_PATH_SIZE)
        return fault_set(fault, ERR_LIMIT, "%s: the path is too long", folder);
    strcpy(checkpoints->folder, folder);
    err = file_make_folder(folder, 0700, fault);
    if (!err)
        err = file_join(lock, folder, "lock", fault);
    return err ? err : file_lock(&checkpoints->lock, lock, fault);
}

void checkpoint_close(struct checkpoints *checkpoints)
{
    if (checkpoints->lock >= 0)
        close(checkpoints->lock);
    checkpoints->lock = -1;
}

/* --- what lies there --- */

/* The files of one segment. */
struct shelf {
    char path[FILE_PATH_SIZE];
    uint32_t leaves[PROGRAM_INTERVALS_MAX]; /* ascending */
    uint32_t count;
    uint64_t bytes;
    struct timespec changed; /* a file came or went */
};

/* A leaf's number in decimal digits; 0 for any other name. */
static uint32_t leaf_of(const char *name)
{
    uint32_t leaf = 0;

    for (; *name >= '0' && *name <= '9' && leaf <= PROGRAM_INTERVALS_MAX; name++)
        leaf = leaf * 10 + (uint32_t)(*name - '0');
    return *name == 0 && leaf <= PROGRAM_INTERVALS_MAX ? leaf : 0;
}

static void add_leaf(struct shelf *shelf, uint32_t leaf)
{
    uint32_t at = shelf->count++;

    for (; at > 0 && shelf->leaves[at - 1] > leaf; at--)
        shelf->leaves[at] = shelf->leaves[at - 1];
    shelf->leaves[at] = leaf;
}

/* Lists a segment's folder; nothing when there is none. A file that was in the making when its process was killed is removed. */
static void shelf_read(struct shelf *shelf, const struct checkpoints *checkpoints, const char *name)
{
    struct stat status;
    DIR *folder;

    memset(shelf, 0, sizeof(*shelf));
    snprintf(shelf->path, sizeof(shelf->path), "%.*s/%.64s", FILE_PATH_SIZE - 66,
             checkpoints->folder, name);
    folder = opendir(shelf->path);
    if (!folder)
        return;
    if (!fstat(dirfd(folder), &status))
        shelf->changed = status.st_mtim;
    for (struct dirent *entry; (entry = readdir(folder));) {
        uint32_t leaf = leaf_of(entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        if (!leaf || shelf->count == PROGRAM_INTERVALS_MAX ||
            fstatat(dirfd(folder), entry->d_name, &status, 0)) {
            unlinkat(dirfd(folder), entry->d_name, 0);
            continue;
        }
        add_leaf(shelf, leaf);
        shelf->bytes += (uint64_t)status.st_size;
    }
    closedir(folder);
}

static void file_of(char path[FILE_PATH_SIZE + 16], const struct shelf *shelf, uint32_t leaf)
{
    snprintf(path, FILE_PATH_SIZE + 16, "%s/%u", shelf->path, leaf);
}

static void shelf_remove(const struct shelf *shelf, uint32_t leaf)
{
    char path[FILE_PATH_SIZE + 16];

    file_of(path, shelf, leaf);
    unlink(path);
}

/* --- room --- */

/* Bytes of all segments; *oldest is the one untouched longest, `own` apart; its path is empty when there is none. */
static uint64_t look_around(const struct checkpoints *checkpoints, const char *own,
                            struct shelf *oldest)
{
    DIR *folder = opendir(checkpoints->folder);
    uint64_t bytes = 0;
    struct shelf shelf;

    oldest->path[0] = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strlen(entry->d_name) + 1 != DIGEST_TEXT_SIZE)
            continue;
        shelf_read(&shelf, checkpoints, entry->d_name);
        bytes += shelf.bytes;
        if (strcmp(entry->d_name, own) == 0)
            continue;
        if (!oldest->path[0] || shelf.changed.tv_sec < oldest->changed.tv_sec ||
            (shelf.changed.tv_sec == oldest->changed.tv_sec &&
             shelf.changed.tv_nsec < oldest->changed.tv_nsec))
            *oldest = shelf;
    }
    if (folder)
        closedir(folder);
    return bytes;
}

/* Removes the leaf that the fewest powers of two divide, so that those left stay evenly spread; never the last. */
static bool thin(const struct shelf *own)
{
    uint32_t victim = 0;

    for (uint32_t i = 0; i + 1 < own->count; i++) {
        uint32_t leaf = own->leaves[i];
        if (!victim || (leaf & -leaf) < (victim & -victim))
            victim = leaf;
    }
    if (victim)
        shelf_remove(own, victim);
    return victim != 0;
}

static enum err make_room(const struct checkpoints *checkpoints, const char *own, uint64_t size,
                          struct fault *fault)
{
    struct shelf oldest, mine;
    enum err err = ERR_NONE;

    while (!err && look_around(checkpoints, own, &oldest) + size > checkpoints->bytes_max) {
        if (oldest.path[0]) {
            err = file_remove_folder(oldest.path, fault);
            continue;
        }
        shelf_read(&mine, checkpoints, own);
        if (!thin(&mine))
            err = fault_set(fault, ERR_LIMIT, "%s: no room for a checkpoint of %llu bytes",
                            checkpoints->folder, (unsigned long long)size);
    }
    return err;
}

/* --- a file --- */

static bool is_changed(const struct state *start, const struct state *state, uint64_t chunk)
{
    return !digest_equal(&start->ids[chunk], &state->ids[chunk]);
}

static size_t size_of(const struct state *start, const struct state *state, uint32_t leaf)
{
    size_t size = DIGEST_SIZE + (leaf + 1u) * LEAF_SIZE;
    uint8_t room[LIMIT_CHUNK_BYTES];

    for (uint64_t i = 0; i < state->chunk_count; i++)
        if (is_changed(start, state, i))
            size += ENTRY_SIZE + state_chunk(state, i, room).size;
    return size;
}

static void fill(uint8_t *out, const struct state *start, const struct state *state,
                 const struct trace_leaf *leaves, uint32_t leaf)
{
    uint8_t *next = out + DIGEST_SIZE, room[LIMIT_CHUNK_BYTES];
    struct digest digest;

    for (uint32_t i = 0; i <= leaf; i++, next += LEAF_SIZE) {
        memcpy(next, leaves[i].state_root.bytes, DIGEST_SIZE);
        memcpy(next + DIGEST_SIZE, leaves[i].witness.bytes, DIGEST_SIZE);
    }
    for (uint64_t i = 0; i < state->chunk_count; i++) {
        if (!is_changed(start, state, i))
            continue;
        struct bytes chunk = state_chunk(state, i, room);
        bytes_put_u64(next, i);
        bytes_put_u32(next + 8, (uint32_t)chunk.size);
        memcpy(next + ENTRY_SIZE, chunk.data, chunk.size);
        next += ENTRY_SIZE + chunk.size;
    }
    digest = digest_of(out + DIGEST_SIZE, (size_t)(next - out) - DIGEST_SIZE);
    memcpy(out, digest.bytes, DIGEST_SIZE);
}

enum err checkpoint_save(struct checkpoints *checkpoints, const struct state *start,
                         const struct state *state, const struct trace_leaf *leaves, uint32_t leaf,
                         struct fault *fault)
{
    char own[DIGEST_TEXT_SIZE], path[FILE_PATH_SIZE], name[FILE_PATH_SIZE];
    enum err err;

    CHECK(leaf >= 1);
    CHECK(start->stale == 0);
    CHECK(state->stale == 0);
    size_t size = size_of(start, state, leaf);
    digest_text(own, &leaves[0].state_root);
    err = make_room(checkpoints, own, size, fault);
    if (!err)
        err = file_join(path, checkpoints->folder, own, fault);
    if (!err)
        err = file_make_folder(path, 0700, fault);
    if (err)
        return err;
    uint8_t *content = malloc(size);
    if (!content)
        return fault_set(fault, ERR_LIMIT, "no memory for a checkpoint of %zu bytes", size);
    fill(content, start, state, leaves, leaf);
    snprintf(name, sizeof(name), "%.*s/%u", FILE_PATH_SIZE - 16, path, leaf);
    err = file_write(name, bytes_of(content, size), 0600, fault);
    free(content);
    return err;
}

/* Points chunks[] at the file's, the others at the start state's. */
static bool read_chunks(struct bytes *chunks, const struct state *start, struct bytes in,
                        uint8_t room[LIMIT_CHUNK_BYTES])
{
    for (uint64_t i = 0; i < start->chunk_count; i++)
        chunks[i] = i > 0 ? state_chunk(start, i, room) : bytes_of(NULL, 0);
    while (in.size > ENTRY_SIZE) {
        uint64_t index = bytes_get_u64(in.data);
        size_t size = bytes_get_u32(in.data + 8);
        if (index >= start->chunk_count || size > in.size - ENTRY_SIZE)
            return false;
        chunks[index] = bytes_of(in.data + ENTRY_SIZE, size);
        in = bytes_of(in.data + ENTRY_SIZE + size, in.size - ENTRY_SIZE - size);
    }
    return in.size == 0 && chunks[0].data != NULL;
}

static bool read_all(const struct state *start, struct state *state, struct trace_leaf *leaves,
                     uint32_t leaf, struct bytes file)
{
    size_t head = DIGEST_SIZE + (leaf + 1u) * LEAF_SIZE;
    uint8_t room[LIMIT_CHUNK_BYTES];
    struct digest digest, begun = leaves[0].state_root;

    if (file.size < head)
        return false;
    digest = digest_of(file.data + DIGEST_SIZE, file.size - DIGEST_SIZE);
    if (memcmp(digest.bytes, file.data, DIGEST_SIZE) != 0 ||
        memcmp(begun.bytes, file.data + DIGEST_SIZE, DIGEST_SIZE) != 0)
        return false;
    for (uint32_t i = 1; i <= leaf; i++) {
        const uint8_t *from = file.data + DIGEST_SIZE + i * LEAF_SIZE;
        memcpy(leaves[i].state_root.bytes, from, DIGEST_SIZE);
        memcpy(leaves[i].witness.bytes, from + DIGEST_SIZE, DIGEST_SIZE);
    }
    struct bytes *chunks = calloc(start->chunk_count, sizeof(*chunks));
    CHECK(chunks != NULL);
    bool good = read_chunks(chunks, start, bytes_of(file.data + head, file.size - head), room) &&
                !state_load(state, &leaves[leaf].state_root, chunks, start->chunk_count, NULL);
    free(chunks);
    return good;
}

bool checkpoint_load(struct checkpoints *checkpoints, const struct state *start,
                     struct state *state, struct trace_leaf *leaves, uint32_t first, uint32_t last,
                     uint32_t *leaf, uint32_t *damaged)
{
    char own[DIGEST_TEXT_SIZE], path[FILE_PATH_SIZE + 16];
    struct shelf shelf;
    bool good = false;

    CHECK(first >= 1);
    digest_text(own, &leaves[0].state_root);
    shelf_read(&shelf, checkpoints, own);
    *damaged = 0;
    for (uint32_t i = shelf.count; i-- > 0 && shelf.leaves[i] >= first && !good;) {
        uint8_t *data = NULL;
        size_t size = 0;
        if (shelf.leaves[i] > last)
            continue;
        *leaf = shelf.leaves[i];
        file_of(path, &shelf, *leaf);
        good = !file_read(&data, &size, path, checkpoints->bytes_max, NULL) &&
               read_all(start, state, leaves, *leaf, bytes_of(data, size));
        free(data);
        if (!good) {
            shelf_remove(&shelf, *leaf);
            ++*damaged;
        }
    }
    return good;
}
