#include "trainer/dataset.h"

#include "base/check.h"
#include "base/limits.h"
#include "trainer/kernel.h"
#include "trainer/philox.h"

#define IMAGES_MAGIC  0x00000803u
#define LABELS_MAGIC  0x00000801u
#define IMAGES_HEADER 16
#define LABELS_HEADER 8
#define COUNT_MAX     (1u << 24)
#define FEATURES_MAX  16384u

/* --- chunks --- */

static uint64_t chunks_of(size_t size)
{
    return (size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES;
}

uint64_t dataset_chunk_count(struct bytes images, struct bytes labels)
{
    return chunks_of(images.size) + chunks_of(labels.size);
}

struct bytes dataset_chunk(struct bytes images, struct bytes labels, uint64_t index)
{
    CHECK(index < dataset_chunk_count(images, labels));
    struct bytes file = images;
    if (index >= chunks_of(images.size)) {
        index -= chunks_of(images.size);
        file = labels;
    }
    size_t from = (size_t)index * LIMIT_CHUNK_BYTES, left = file.size - from;
    return bytes_of(file.data + from, left < LIMIT_CHUNK_BYTES ? left : LIMIT_CHUNK_BYTES);
}

struct digest dataset_root(struct bytes images, struct bytes labels)
{
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint64_t i = 0; i < dataset_chunk_count(images, labels); i++) {
        struct bytes chunk = dataset_chunk(images, labels, i);
        struct digest id = merkle_leaf(chunk.data, chunk.size);
        merkle_add(&merkle, &id);
    }
    return merkle_end(&merkle);
}

/* --- the files --- */

static enum err read_images(struct dataset *dataset, struct bytes file, struct fault *fault)
{
    if (file.size < IMAGES_HEADER || bytes_get_u32(file.data) != IMAGES_MAGIC)
        return fault_set(fault, ERR_MALFORMED,
                         "images: no IDX file of unsigned bytes in three dimensions");
    uint32_t count = bytes_get_u32(file.data + 4);
    uint64_t features = (uint64_t)bytes_get_u32(file.data + 8) * bytes_get_u32(file.data + 12);
    if (count < 1 || count > COUNT_MAX || features < 1 || features > FEATURES_MAX)
        return fault_set(fault, ERR_MALFORMED,
                         "images: %u samples of %llu bytes; 1 to %u of 1 to %u are possible", count,
                         (unsigned long long)features, COUNT_MAX, FEATURES_MAX);
    if (file.size - IMAGES_HEADER != count * features)
        return fault_set(fault, ERR_MALFORMED,
                         "images: %zu bytes, not the %llu that its header tells", file.size,
                         (unsigned long long)(IMAGES_HEADER + count * features));
    dataset->count = count;
    dataset->features = (uint32_t)features;
    dataset->pixels = file.data + IMAGES_HEADER;
    return ERR_NONE;
}

static enum err read_labels(struct dataset *dataset, struct bytes file, struct fault *fault)
{
    if (file.size < LABELS_HEADER || bytes_get_u32(file.data) != LABELS_MAGIC)
        return fault_set(fault, ERR_MALFORMED,
                         "labels: no IDX file of unsigned bytes in one dimension");
    uint32_t count = bytes_get_u32(file.data + 4);
    if (file.size - LABELS_HEADER != count)
        return fault_set(fault, ERR_MALFORMED,
                         "labels: %zu bytes, not the %llu that its header tells", file.size,
                         (unsigned long long)LABELS_HEADER + count);
    if (count != dataset->count)
        return fault_set(fault, ERR_MISMATCH, "labels: %u for %u images", count, dataset->count);
    dataset->labels = file.data + LABELS_HEADER;
    for (uint32_t i = 0; i < count; i++)
        if (dataset->labels[i] >= dataset->classes)
            dataset->classes = dataset->labels[i] + 1u;
    return ERR_NONE;
}

enum err dataset_init(struct dataset *dataset, struct bytes images, struct bytes labels,
                      struct fault *fault)
{
    struct dataset made = {0};
    enum err err = read_images(&made, images, fault);
    if (!err)
        err = read_labels(&made, labels, fault);
    if (err)
        return err;
    uint32_t before = kernel_control_set();
    for (int i = 0; i < 256; i++)
        made.value[i] = (float)i / 255.0f;
    kernel_control_restore(before);
    made.root = dataset_root(images, labels);
    *dataset = made;
    return ERR_NONE;
}

/* --- samples --- */

uint64_t dataset_position(uint32_t step, uint32_t row)
{
    CHECK(step < 1u << 20);
    CHECK(row < 1u << 27);
    return (uint64_t)step << 27 | row;
}

uint32_t dataset_sample(const struct dataset *dataset, uint64_t seed, uint32_t round, uint16_t slot,
                        uint32_t step, uint32_t row)
{
    return philox_below(seed, philox_stream_samples(round, slot), dataset_position(step, row),
                        dataset->count);
}

uint8_t dataset_read(const struct dataset *dataset, uint32_t index, float *out)
{
    CHECK(index < dataset->count);
    const uint8_t *pixels = dataset->pixels + (size_t)index * dataset->features;
    for (uint32_t i = 0; i < dataset->features; i++)
        out[i] = dataset->value[pixels[i]];
    return dataset->labels[index];
}
