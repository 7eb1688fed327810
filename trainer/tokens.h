/* Text as numbers: the token files that nanoGPT-style tools write. 256 little-endian 32-bit integers
 * (20240520, version 1, count of tokens, then zeros), then each token in 16 bits, little-endian.
 *
 * The result is a struct dataset of kind DATASET_TOKENS; its root is the merkle root over the file's
 * 64 KiB chunks (dataset_chunk with empty labels). The library opens no file. */
#ifndef TRAINER_TOKENS_H
#define TRAINER_TOKENS_H

#include "trainer/dataset.h"

#define TOKENS_HEADER_BYTES 1024u
#define TOKENS_MAGIC        20240520u
#define TOKENS_VERSION      1u
#define TOKENS_COUNT_MAX    (1u << 30)

/* The header of a file of `count` tokens, for who writes one. */
void tokens_header(uint8_t out[TOKENS_HEADER_BYTES], uint32_t count);

/* Reads a file's bytes, which must outlive the data set, and computes its root. ERR_MALFORMED with
 * a sentence for another header, a size that isn't the header's, or fewer than two tokens; then
 * *dataset is untouched. */
MUST_USE enum err tokens_init(struct dataset *dataset, struct bytes file, struct fault *fault);

/* Token `index` < count. */
uint16_t tokens_at(const struct dataset *dataset, uint32_t index);

/* Where the sequence of row `row` of a step begins, for sequences that take `length` tokens: each
 * place equally likely (NUMERICS.md, order of samples). Requires length <= count. */
uint32_t tokens_sample(const struct dataset *dataset, uint32_t length, uint64_t seed,
                       uint32_t round, uint16_t slot, uint32_t step, uint32_t row);

/* Writes tokens [from, from + length) and, one place on, the labels that follow them. Requires
 * from + length < count. */
void tokens_read(const struct dataset *dataset, uint32_t from, uint32_t length, uint16_t *tokens,
                 uint16_t *labels);

#endif
