/* Files read and written whole. Every failure names the path and what the system said. */
#ifndef TOOLS_SYS_FILE_H
#define TOOLS_SYS_FILE_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"

#define FILE_PATH_SIZE 512

/* The whole file in new memory with one zero byte behind it: free *data. ERR_NOT_FOUND, ERR_LIMIT
 * when it is over `size_max`, ERR_IO. */
MUST_USE enum err file_read(uint8_t **data, size_t *size, const char *path, size_t size_max,
                            struct fault *fault);

/* Replaces or creates `path` with `content`, all or nothing, also when the power fails: a temporary
 * file beside it is written, synced and renamed, and the folder is synced. ERR_IO (a full disk
 * included); then the old file stands. */
MUST_USE enum err file_write(const char *path, struct bytes content, mode_t mode,
                             struct fault *fault);

/* As file_write, but ERR_NOT_NOW when `path` is there already. */
MUST_USE enum err file_create(const char *path, struct bytes content, mode_t mode,
                              struct fault *fault);

/* Makes the folder and those above it where they are missing. */
MUST_USE enum err file_make_folder(const char *path, mode_t mode, struct fault *fault);

/* Makes renames and new names in the folder of `path` durable. */
MUST_USE enum err file_sync_folder(const char *path, struct fault *fault);

/* Removes a folder of files, none of which is a folder; nothing to do when there is none. ERR_IO. */
MUST_USE enum err file_remove_folder(const char *path, struct fault *fault);

/* Removes a folder with all that is in it, following no link; nothing to do when there is none. ERR_IO. */
MUST_USE enum err file_remove_tree(const char *path, struct fault *fault);

/* Renames, durably; `to` must not be there, or be a file or an empty folder. ERR_IO. */
MUST_USE enum err file_rename(const char *from, const char *to, struct fault *fault);

bool file_exists(const char *path);

/* folder/name in `path`. ERR_LIMIT when it doesn't fit. */
MUST_USE enum err file_join(char path[FILE_PATH_SIZE], const char *folder, const char *name,
                            struct fault *fault);

/* Takes the lock file `path` for this process until it ends or the descriptor is closed.
 * ERR_BUSY when another process holds it. */
MUST_USE enum err file_lock(int *descriptor, const char *path, struct fault *fault);

#endif
