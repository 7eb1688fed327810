/* Labelled samples from the IDX files of MNIST's kind: unsigned bytes, one label a sample.
 * (Format: big-endian magic 0x00000803 with count, rows, columns for images; 0x00000801 with count
 * for labels.)
 *
 * The library opens no file: the caller reads and, where needed, unzips them. */
#ifndef TRAINER_DATASET_H
#define TRAINER_DATASET_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/merkle.h"

enum dataset_kind {
    DATASET_IMAGES,
    DATASET_TOKENS, /* made and read by trainer/tokens.h */
};

struct dataset {
    enum dataset_kind kind;
    uint32_t count;        /* samples, 1 .. 2^24; or tokens */
    uint32_t features;     /* bytes a sample: rows * columns, 1 .. 16384; tokens: 0 */
    uint32_t classes;      /* largest label or token + 1 */
    const uint8_t *tokens; /* [count] in 16 bits, little-endian; images: NULL; borrowed */
    const uint8_t *pixels; /* [count][features]; borrowed */
    const uint8_t *labels; /* [count]; borrowed */
    struct digest root;    /* the data root, below */
    float value[256];      /* of a byte: byte / 255 as binary32 */
};

/* Reads the two files' bytes, which must outlive the data set, and computes the data root (about
 * 0.7 ms a MiB). ERR_MALFORMED with a sentence for a wrong magic, an impossible size, or a file
 * that is too short or too long; ERR_MISMATCH when the two files have different counts. Then
 * *dataset is untouched. */
MUST_USE enum err dataset_init(struct dataset *dataset, struct bytes images, struct bytes labels,
                               struct fault *fault);

/* The data root: merkle_root over the ids (merkle_leaf) of the 64 KiB chunks of the image file,
 * then those of the label file, which starts a new chunk. So it is also the root of the blob that
 * holds both. */
uint64_t dataset_chunk_count(struct bytes images, struct bytes labels);

/* Chunk `index` of that blob; borrows. Requires index < dataset_chunk_count. */
struct bytes dataset_chunk(struct bytes images, struct bytes labels, uint64_t index);

/* The root of such a blob. */
struct digest dataset_root(struct bytes images, struct bytes labels);

/* Where row `row` of step `step` stands in the stream of random numbers that draws samples. Requires
 * step < 2^20 and row < 2^27. */
uint64_t dataset_position(uint32_t step, uint32_t row);

/* The sample that row `row` of step `step`'s batch takes, < count: drawn with replacement, each
 * draw a function of (seed, round, slot, step, row) alone (NUMERICS.md, order of samples). */
uint32_t dataset_sample(const struct dataset *dataset, uint64_t seed, uint32_t round, uint16_t slot,
                        uint32_t step, uint32_t row);

/* Writes a sample as features float32 in [0, 1] and gives its label. Requires index < count. */
uint8_t dataset_read(const struct dataset *dataset, uint32_t index, float *out);

#endif
