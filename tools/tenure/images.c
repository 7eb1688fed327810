#include "tools/tenure/images.h"

#include "tools/sys/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Read in one piece; zlib reads files that aren't compressed as they are. */
static enum err unzip(uint8_t **out, struct bytes *content, const char *path, struct fault *fault)
{
    gzFile file = gzopen(path, "rb");
    size_t room = 16u << 20, used = 0;
    uint8_t *data = file ? malloc(room) : NULL;
    int got = 0;

    while (data && (got = gzread(file, data + used, (unsigned)(room - used))) > 0) {
        used += (size_t)got;
        if (used == room) {
            uint8_t *grown = room < IMAGES_BYTES_MAX ? realloc(data, room *= 2) : NULL;
            if (!grown)
                free(data);
            data = grown;
        }
    }
    if (file)
        gzclose_r(file);
    if (!file)
        return fault_set(fault, ERR_IO, "%s can't be read", path);
    if (!data)
        return fault_set(fault, ERR_LIMIT,
                         "%s has more than %u bytes unzipped, or there is no memory for it", path,
                         IMAGES_BYTES_MAX);
    if (got < 0) {
        free(data);
        return fault_set(fault, ERR_MALFORMED, "%s can't be unzipped: it is damaged", path);
    }
    *out = data;
    *content = bytes_of(data, used);
    return ERR_NONE;
}

static enum err read_part(uint8_t **out, struct bytes *content, const char *folder,
                          const char *split, const char *part, struct fault *fault)
{
    char path[FILE_PATH_SIZE];

    for (int zipped = 1; zipped >= 0; zipped--) {
        int size = snprintf(path, sizeof(path), "%s/%s-%s-ubyte%s", folder, split, part,
                            zipped ? ".gz" : "");
        if (size >= (int)sizeof(path))
            return fault_set(fault, ERR_LIMIT, "the folder's name is too long: %s", folder);
        if (file_exists(path))
            return unzip(out, content, path, fault);
    }
    return fault_set(fault, ERR_NOT_FOUND,
                     "%s[.gz] is missing; Debian has it in the package dataset-fashion-mnist",
                     path);
}

enum err images_load(struct images *images, const char *folder, const char *split,
                     struct fault *fault)
{
    struct images made = {0};
    enum err err = read_part(&made.pixels_file, &made.pixels, folder, split, "images-idx3", fault);

    if (!err)
        err = read_part(&made.labels_file, &made.labels, folder, split, "labels-idx1", fault);
    if (!err)
        err = dataset_init(&made.data, made.pixels, made.labels, fault);
    if (err)
        images_release(&made);
    else
        *images = made;
    return err;
}

void images_release(struct images *images)
{
    free(images->pixels_file);
    free(images->labels_file);
    *images = (struct images){0};
}
