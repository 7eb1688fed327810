#include "tools/tenured/opening.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/sys/file.h"

#define OPENING_FOLDER    "new-views"
#define OPENING_DIGITS    20
#define OPENING_NAME_SIZE (OPENING_DIGITS + 1 + DIGEST_TEXT_SIZE)

enum err opening_keep(const char *data, struct height height, const struct digest *digest,
                      struct bytes new_view, struct fault *fault)
{
    char folder[FILE_PATH_SIZE], path[FILE_PATH_SIZE], name[OPENING_NAME_SIZE];
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, digest);
    snprintf(name, sizeof(name), "%0*" PRIu64 "-%s", OPENING_DIGITS, height.n, text);
    enum err err = file_join(folder, data, OPENING_FOLDER, fault);
    if (!err)
        err = file_make_folder(folder, 0700, fault);
    if (!err)
        err = file_join(path, folder, name, fault);
    return err ? err : file_write(path, new_view, 0600, fault);
}

/* The height in a file's name; 0: it is none of ours. */
static uint64_t height_of(const char *name)
{
    uint64_t height = 0;
    if (strlen(name) != OPENING_NAME_SIZE - 1 || name[OPENING_DIGITS] != '-' ||
        strspn(name, "0123456789") != OPENING_DIGITS || sscanf(name, "%20" SCNu64, &height) != 1)
        return 0;
    return height;
}

/* The next name in the folder that is one of ours, with its height; NULL: no more. */
static const char *next_name(DIR *folder, uint64_t *height)
{
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        *height = height_of(entry->d_name);
        if (*height > 0)
            return entry->d_name;
    }
    return NULL;
}

enum err opening_prune(const char *data, struct height start, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    uint64_t height, last = 0; /* the highest that begins early enough */
    const char *name;
    enum err err = file_join(path, data, OPENING_FOLDER, fault);
    DIR *folder = err ? NULL : opendir(path);
    if (err || (!folder && errno == ENOENT))
        return err;
    if (!folder)
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
    while (next_name(folder, &height))
        if (height + OPENING_LATE <= start.n && height > last)
            last = height;
    rewinddir(folder);
    while (!err && (name = next_name(folder, &height)))
        if (height < last && unlinkat(dirfd(folder), name, 0) != 0)
            err = fault_set(fault, ERR_IO, "%s/%s: %s", path, name, strerror(errno));
    closedir(folder);
    return err;
}
