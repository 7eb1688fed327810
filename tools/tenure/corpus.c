#include "tools/tenure/corpus.h"

#include "base/check.h"
#include "base/limits.h"
#include "tools/sys/file.h"

#include <stdlib.h>
#include <string.h>

/* A file of as many tokens as one may hold. */
#define FILE_BYTES_MAX (TOKENS_HEADER_BYTES + 2 * (size_t)TOKENS_COUNT_MAX)

static enum err load_tokens(struct corpus *corpus, const char *path, struct fault *fault)
{
    size_t size;
    enum err err = file_read(&corpus->tokens, &size, path, FILE_BYTES_MAX, fault);

    if (err)
        return err;
    err = tokens_init(&corpus->data, bytes_of(corpus->tokens, size), fault);
    if (err) {
        struct fault why = *fault;
        corpus_release(corpus);
        return fault_set(fault, err, "%s: %s", path, why.text);
    }
    return ERR_NONE;
}

enum err corpus_load(struct corpus *corpus, const char *folder, enum corpus_split split,
                     struct fault *fault)
{
    bool training = split == CORPUS_TRAINING;
    char path[FILE_PATH_SIZE];
    enum err err = file_join(path, folder, training ? "train.bin" : "val.bin", fault);

    *corpus = (struct corpus){0};
    if (err)
        return err;
    if (file_exists(path))
        return load_tokens(corpus, path, fault);
    err = images_load(&corpus->images, folder, training ? "train" : "t10k", fault);
    if (!err)
        corpus->data = corpus->images.data;
    else if (err == ERR_NOT_FOUND) {
        struct fault why = *fault;
        return fault_set(fault, err, "there is no %s, and %s", path, why.text);
    }
    return err;
}

/* Images and labels lie one behind the other, and the header of the images says where they end. */
static enum err read_images(struct corpus *corpus, struct bytes all, struct fault *fault)
{
    size_t size = 16;

    if (all.size < 16)
        return fault_set(fault, ERR_MALFORMED, "the blob is neither images nor tokens");
    for (int i = 4; i < 16; i += 4)
        if (__builtin_mul_overflow(i == 4 ? 1 : size, bytes_get_u32(all.data + i), &size))
            size = SIZE_MAX - 16;
    size = size > all.size - 16 ? all.size : size + 16;
    return dataset_init(&corpus->data, bytes_of(all.data, size),
                        bytes_of(all.data + size, all.size - size), fault);
}

enum err corpus_fetch(struct corpus *corpus, struct client *client, const struct digest *root,
                      struct fault *fault)
{
    static const uint8_t images[] = {0, 0, 8, 3}; /* IDX: bytes in three dimensions */
    struct bytes all;
    enum err err;

    *corpus = (struct corpus){0};
    err = transfer_fetch(client, &corpus->blob, root, TRANSFER_CHUNKS_MAX, fault);
    if (err)
        return err;
    all = bytes_of(corpus->blob.data, corpus->blob.offsets[corpus->blob.chunk_count]);
    err = all.size >= sizeof(images) && !memcmp(all.data, images, sizeof(images))
              ? read_images(corpus, all, fault)
              : tokens_init(&corpus->data, all, fault);
    if (!err && !digest_equal(&corpus->data.root, root))
        err = fault_set(fault, ERR_MALFORMED, "the blob's chunks are not those of a data set");
    if (err)
        corpus_release(corpus);
    return err;
}

/* Cuts one file into chunks behind those that are there. */
static void cut(struct transfer_blob *blob, struct bytes file)
{
    for (size_t at = 0; at < file.size; blob->chunk_count++) {
        size_t size = file.size - at < LIMIT_CHUNK_BYTES ? file.size - at : LIMIT_CHUNK_BYTES;
        uint64_t from = blob->offsets[blob->chunk_count];
        memcpy(blob->data + from, file.data + at, size);
        blob->offsets[blob->chunk_count + 1] = from + size;
        at += size;
    }
}

enum err corpus_push(const struct corpus *corpus, struct client *client, struct fault *fault)
{
    struct bytes first = corpus->images.pixels, second = corpus->images.labels;
    struct transfer_blob blob = {0};
    struct digest root;
    uint64_t chunks;
    enum err err;

    if (corpus->tokens)
        first = bytes_of(corpus->tokens, TOKENS_HEADER_BYTES + 2 * (size_t)corpus->data.count);
    chunks = dataset_chunk_count(first, second);
    if (chunks > TRANSFER_CHUNKS_MAX)
        return fault_set(fault, ERR_LIMIT, "%zu bytes of data are more than the nodes take",
                         first.size + second.size);
    blob.data = malloc(first.size + second.size + 1);
    blob.offsets = calloc(chunks + 1, sizeof(blob.offsets[0]));
    CHECK(blob.data != NULL);
    CHECK(blob.offsets != NULL);
    cut(&blob, first);
    cut(&blob, second);
    err = transfer_push(client, &root, &blob, UINT32_MAX, fault);
    CHECK(err || digest_equal(&root, &corpus->data.root));
    transfer_release(&blob);
    return err;
}

void corpus_release(struct corpus *corpus)
{
    images_release(&corpus->images);
    free(corpus->tokens);
    transfer_release(&corpus->blob);
    *corpus = (struct corpus){0};
}
