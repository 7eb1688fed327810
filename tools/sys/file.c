#include "tools/sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end or `room` bytes. */
static ssize_t file_read_some(int descriptor, uint8_t *out, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t got = read(descriptor, out + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

enum err file_read(uint8_t **data, size_t *size, const char *path, size_t size_max,
                   struct fault *fault)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                         strerror(errno));

    enum err err = ERR_NONE;
    uint8_t *buffer = NULL;
    ssize_t got = 0;
    struct stat status;
    if (fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode)) {
        err = fault_set(fault, ERR_IO, "%s: is not a file", path);
        goto done;
    }
    /* What is no regular file (a pipe) has no size; then the bound is the room. */
    size_t room = S_ISREG(status.st_mode) ? (size_t)status.st_size : size_max;
    if (room > size_max) {
        err = fault_set(fault, ERR_LIMIT, "%s: is larger than %zu bytes", path, size_max);
        goto done;
    }
    buffer = malloc(room + 1);
    if (!buffer) {
        err = fault_set(fault, ERR_LIMIT, "%s: no memory for %zu bytes", path, room);
        goto done;
    }
    got = file_read_some(descriptor, buffer, room);
    if (got < 0)
        err = fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
done:
    close(descriptor);
    if (err) {
        free(buffer);
        return err;
    }
    buffer[got] = 0;
    *data = buffer;
    *size = (size_t)got;
    return ERR_NONE;
}

static bool file_put_all(int descriptor, struct bytes content)
{
    while (content.size > 0) {
        ssize_t put = write(descriptor, content.data, content.size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content.data += put;
        content.size -= (size_t)put;
    }
    return true;
}

enum err file_sync_folder(const char *path, struct fault *fault)
{
    char folder[FILE_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (size >= sizeof(folder))
        return fault_set(fault, ERR_LIMIT, "%s: the path is too long", path);
    memcpy(folder, slash && size > 0 ? path : slash ? "/" : ".", size > 0 ? size : 1);
    folder[size > 0 ? size : 1] = 0;

    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return fault_set(fault, ERR_IO, "%s: %s", folder, strerror(errno));
    int failed = fsync(descriptor);
    enum err err =
        failed ? fault_set(fault, ERR_IO, "%s: sync: %s", folder, strerror(errno)) : ERR_NONE;
    close(descriptor);
    return err;
}

/* Puts `content` into place: by rename, or by a link that fails when there is something already. */
static enum err file_place(const char *path, struct bytes content, mode_t mode, bool is_new,
                           struct fault *fault)
{
    char beside[FILE_PATH_SIZE + 16];
    int written = snprintf(beside, sizeof(beside), "%s.new-%d", path, (int)getpid());
    if (written < 0 || (size_t)written >= sizeof(beside))
        return fault_set(fault, ERR_LIMIT, "%s: the path is too long", path);

    int descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (descriptor < 0)
        return fault_set(fault, ERR_IO, "%s: %s", beside, strerror(errno));
    bool ok = fchmod(descriptor, mode) == 0 && file_put_all(descriptor, content) &&
              fsync(descriptor) == 0;
    int reason = errno;
    ok = close(descriptor) == 0 && ok;
    if (!ok) {
        unlink(beside);
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(reason));
    }
    int failed = is_new ? link(beside, path) : rename(beside, path);
    reason = errno;
    if (failed || is_new)
        unlink(beside);
    if (failed && reason == EEXIST)
        return fault_set(fault, ERR_NOT_NOW, "%s: is there already", path);
    if (failed)
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(reason));
    return file_sync_folder(path, fault);
}

enum err file_write(const char *path, struct bytes content, mode_t mode, struct fault *fault)
{
    return file_place(path, content, mode, false, fault);
}

enum err file_create(const char *path, struct bytes content, mode_t mode, struct fault *fault)
{
    return file_place(path, content, mode, true, fault);
}

enum err file_make_folder(const char *path, mode_t mode, struct fault *fault)
{
    char part[FILE_PATH_SIZE];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part))
        return fault_set(fault, ERR_LIMIT, "%s: no path of 1 to %zu characters", path,
                         sizeof(part) - 1);
    for (size_t end = 1; end <= size; end++) {
        if (path[end] != '/' && path[end] != 0)
            continue;
        memcpy(part, path, end);
        part[end] = 0;
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return fault_set(fault, ERR_IO, "%s: %s", part, strerror(errno));
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return fault_set(fault, ERR_IO, "%s: is there, but is no folder", path);
    return ERR_NONE;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static enum err file_failed(const char *path, struct fault *fault)
{
    return fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
}

enum err file_remove_folder(const char *path, struct fault *fault)
{
    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOENT ? ERR_NONE : file_failed(path, fault);
    enum err err = ERR_NONE;
    for (struct dirent *entry; !err && (entry = readdir(folder));) {
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!self && unlinkat(dirfd(folder), entry->d_name, 0))
            err = file_failed(path, fault);
    }
    closedir(folder);
    if (!err && rmdir(path))
        err = file_failed(path, fault);
    return err;
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat, (void)flag, (void)ftw;
    return remove(path);
}

enum err file_remove_tree(const char *path, struct fault *fault)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return file_failed(path, fault);
    return ERR_NONE;
}

enum err file_rename(const char *from, const char *to, struct fault *fault)
{
    if (rename(from, to))
        return file_failed(from, fault);
    return file_sync_folder(to, fault);
}

enum err file_join(char path[FILE_PATH_SIZE], const char *folder, const char *name,
                   struct fault *fault)
{
    int written = snprintf(path, FILE_PATH_SIZE, "%s/%s", folder, name);
    if (written < 0 || written >= FILE_PATH_SIZE)
        return fault_set(fault, ERR_LIMIT, "%s/%s: the path is too long", folder, name);
    return ERR_NONE;
}

enum err file_lock(int *descriptor, const char *path, struct fault *fault)
{
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (opened < 0)
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        int reason = errno;
        close(opened);
        if (reason == EWOULDBLOCK)
            return fault_set(fault, ERR_BUSY, "%s: another process holds it", path);
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(reason));
    }
    *descriptor = opened;
    return ERR_NONE;
}
