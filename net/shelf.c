#include "net/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#define SHELF_PATH_SIZE 4096

static int found_compare(const void *a, const void *b)
{
    const struct shelf_file *x = a, *y = b;
    if (x->when.tv_sec != y->when.tv_sec)
        return x->when.tv_sec < y->when.tv_sec ? -1 : 1;
    return (x->when.tv_nsec > y->when.tv_nsec) - (x->when.tv_nsec < y->when.tv_nsec);
}

/* Reads one folder of files; what isn't named by a digest is a leftover, and removed. */
static enum err scan_folder(struct shelf *shelf, const char *path, unsigned kind,
                            struct fault *fault)
{
    DIR *directory = opendir(path);
    if (directory == NULL && errno == ENOENT)
        return ERR_NONE;
    if (directory == NULL)
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
    enum err err = ERR_NONE;
    const struct dirent *entry;
    while (err == ERR_NONE && (entry = readdir(directory)) != NULL) {
        struct shelf_file found = {.kind = kind};
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        if (!bytes_from_hex(found.id.bytes, DIGEST_SIZE, entry->d_name)) {
            unlinkat(dirfd(directory), entry->d_name, 0);
            continue;
        }
        if (fstatat(dirfd(directory), entry->d_name, &st, 0) != 0)
            continue;
        found.when = st.st_mtim;
        found.size = (uint64_t)st.st_size;
        if (shelf->count == shelf->room) {
            size_t room = shelf->room == 0 ? 1024 : shelf->room * 2;
            struct shelf_file *files = realloc(shelf->files, room * sizeof(*files));
            if (files == NULL) {
                err = fault_set(fault, ERR_LIMIT, "out of memory");
                break;
            }
            shelf->files = files;
            shelf->room = room;
        }
        shelf->files[shelf->count++] = found;
    }
    closedir(directory);
    return err;
}

static enum err folder_make(const char *path, struct fault *fault)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return fault_set(fault, ERR_IO, "can't make the folder %s: %s", path, strerror(errno));
    return ERR_NONE;
}

enum err shelf_scan(struct shelf *shelf, const char *directory, const char *const kinds[],
                    unsigned kind_count, struct fault *fault)
{
    char path[SHELF_PATH_SIZE];
    enum err err = folder_make(directory, fault);
    *shelf = (struct shelf){0};
    for (unsigned kind = 0; kind < kind_count && err == ERR_NONE; kind++) {
        snprintf(path, sizeof(path), "%s/%s", directory, kinds[kind]);
        err = folder_make(path, fault);
        for (unsigned i = 0; i < 256 && err == ERR_NONE; i++) {
            snprintf(path, sizeof(path), "%s/%s/%02x", directory, kinds[kind], i);
            err = scan_folder(shelf, path, kind, fault);
        }
    }
    if (err == ERR_NONE && shelf->count > 0)
        qsort(shelf->files, shelf->count, sizeof(*shelf->files), found_compare);
    return err;
}

void shelf_release(struct shelf *shelf)
{
    free(shelf->files);
    *shelf = (struct shelf){0};
}
