#include "trainer/philox.h"

#include "base/check.h"

/* The paper's multipliers, and the steps of the key: the golden ratio and the square root of 3, less 1. */
#define MULTIPLY_0 0xd2511f53u
#define MULTIPLY_1 0xcd9e8d57u
#define KEY_STEP_0 0x9e3779b9u
#define KEY_STEP_1 0xbb67ae85u

struct philox_block philox(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    struct philox_block x = {
        {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)MULTIPLY_0 * x.word[0], p1 = (uint64_t)MULTIPLY_1 * x.word[2];
        x = (struct philox_block){{(uint32_t)(p1 >> 32) ^ x.word[1] ^ key0, (uint32_t)p1,
                                   (uint32_t)(p0 >> 32) ^ x.word[3] ^ key1, (uint32_t)p0}};
        key0 += KEY_STEP_0;
        key1 += KEY_STEP_1;
    }
    return x;
}

/* A stream is its use in the top byte, then 8 zero bits, a round or layer in 32, a slot in 16. */
#define USE_WEIGHTS 1ull
#define USE_SAMPLES 2ull
#define USE_DROPS   3ull

uint64_t philox_stream_weights(uint32_t layer)
{
    return USE_WEIGHTS << 56 | (uint64_t)layer << 16;
}

uint64_t philox_stream_samples(uint32_t round, uint16_t slot)
{
    return USE_SAMPLES << 56 | (uint64_t)round << 16 | slot;
}

uint64_t philox_stream_drops(uint32_t round, uint16_t slot)
{
    return USE_DROPS << 56 | (uint64_t)round << 16 | slot;
}

uint32_t philox_below(uint64_t seed, uint64_t stream, uint64_t position, uint32_t bound)
{
    CHECK(bound >= 1);
    CHECK(position < 1ull << 48);
    uint32_t refused = -bound % bound; /* 2^32 mod bound */
    for (uint64_t attempt = 0; attempt < 1u << 16; attempt++) {
        struct philox_block block = philox(seed, stream, position << 16 | attempt);
        for (int i = 0; i < 4; i++)
            if (block.word[i] >= refused)
                return block.word[i] % bound;
    }
    CHECK(!"65,536 blocks refused: each has less than one chance in 16");
    return 0;
}
