/* Numbers that a seed alone determines (splitmix64: Steele, Lea, Flood 2014), for tests of properties: a failure is its seed. */
#ifndef TEST_SEED_H
#define TEST_SEED_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t seed_next(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void seed_fill(uint64_t *seed, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = (uint8_t)seed_next(seed);
}

#endif
