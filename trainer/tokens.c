#include "trainer/tokens.h"

#include "base/check.h"
#include "trainer/philox.h"

#include <string.h>

static uint32_t word_at(struct bytes file, uint32_t index)
{
    const uint8_t *p = file.data + 4 * index;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void tokens_header(uint8_t out[TOKENS_HEADER_BYTES], uint32_t count)
{
    const uint32_t words[] = {TOKENS_MAGIC, TOKENS_VERSION, count};
    memset(out, 0, TOKENS_HEADER_BYTES);
    for (uint32_t i = 0; i < 12; i++)
        out[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

static enum err read_header(struct dataset *dataset, struct bytes file, struct fault *fault)
{
    if (file.size < TOKENS_HEADER_BYTES || word_at(file, 0) != TOKENS_MAGIC)
        return fault_set(fault, ERR_MALFORMED, "tokens: no file of 16-bit tokens with a header");
    if (word_at(file, 1) != TOKENS_VERSION)
        return fault_set(fault, ERR_MALFORMED, "tokens: version %u; only %u is known",
                         word_at(file, 1), TOKENS_VERSION);
    uint32_t count = word_at(file, 2);
    if (count < 2 || count > TOKENS_COUNT_MAX)
        return fault_set(fault, ERR_MALFORMED, "tokens: %u of them; 2 to %u are possible", count,
                         TOKENS_COUNT_MAX);
    for (uint32_t i = 3; i < TOKENS_HEADER_BYTES / 4; i++)
        if (word_at(file, i) != 0)
            return fault_set(fault, ERR_MALFORMED, "tokens: header word %u is %u, not 0", i,
                             word_at(file, i));
    if (file.size - TOKENS_HEADER_BYTES != 2 * (size_t)count)
        return fault_set(fault, ERR_MALFORMED,
                         "tokens: %zu bytes, not the %zu that its header tells", file.size,
                         TOKENS_HEADER_BYTES + 2 * (size_t)count);
    dataset->count = count;
    dataset->tokens = file.data + TOKENS_HEADER_BYTES;
    return ERR_NONE;
}

enum err tokens_init(struct dataset *dataset, struct bytes file, struct fault *fault)
{
    struct dataset made = {.kind = DATASET_TOKENS};
    enum err err = read_header(&made, file, fault);
    if (err)
        return err;
    for (uint32_t i = 0; i < made.count; i++)
        if (tokens_at(&made, i) >= made.classes)
            made.classes = tokens_at(&made, i) + 1u;
    made.root = dataset_root(file, bytes_of(NULL, 0));
    *dataset = made;
    return ERR_NONE;
}

uint16_t tokens_at(const struct dataset *dataset, uint32_t index)
{
    const uint8_t *p = dataset->tokens + 2 * (size_t)index;
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t tokens_sample(const struct dataset *dataset, uint32_t length, uint64_t seed,
                       uint32_t round, uint16_t slot, uint32_t step, uint32_t row)
{
    CHECK(length <= dataset->count);
    return philox_below(seed, philox_stream_samples(round, slot), dataset_position(step, row),
                        dataset->count - length + 1);
}

void tokens_read(const struct dataset *dataset, uint32_t from, uint32_t length, uint16_t *tokens,
                 uint16_t *labels)
{
    CHECK((uint64_t)from + length < dataset->count);
    for (uint32_t i = 0; i < length; i++) {
        tokens[i] = tokens_at(dataset, from + i);
        labels[i] = tokens_at(dataset, from + i + 1);
    }
}
