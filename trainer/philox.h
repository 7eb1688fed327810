/* Random numbers as a function: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random
 * numbers: as easy as 1, 2, 3", 2011).
 *
 * A number is addressed by (seed, stream, index); there is no hidden state. */
#ifndef TRAINER_PHILOX_H
#define TRAINER_PHILOX_H

#include <stdint.h>

struct philox_block {
    uint32_t word[4];
};

/* Ten rounds with key (seed low, seed high) on counter (index low, index high, stream low, stream
 * high). */
struct philox_block philox(uint64_t seed, uint64_t stream, uint64_t index);

/* Streams, so that no two uses of a seed share numbers. */
uint64_t philox_stream_weights(uint32_t layer);
uint64_t philox_stream_samples(uint32_t round, uint16_t slot);
uint64_t philox_stream_drops(uint32_t round, uint16_t slot);

/* A number below `bound` (>= 1), each equally likely: the words of block (position << 16 |
 * attempt), attempt = 0, 1, ..., in order, the first that is >= 2^32 mod bound, modulo bound.
 * Requires position < 2^48. */
uint32_t philox_below(uint64_t seed, uint64_t stream, uint64_t position, uint32_t bound);

#endif
