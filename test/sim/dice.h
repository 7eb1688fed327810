/* Random numbers of a run: all of them follow from its seed. SplitMix64 (Steele, Lea and Flood, 2014). */
#ifndef TEST_SIM_DICE_H
#define TEST_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

void dice_init(struct dice *dice, uint64_t seed);
uint64_t dice_u64(struct dice *dice);

/* low..high, inclusive. Requires low <= high. */
uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high);

/* True in `per_mille` of 1,000 throws. */
bool dice_chance(struct dice *dice, uint32_t per_mille);

#endif
