#include "test/sim/dice.h"

void dice_init(struct dice *dice, uint64_t seed)
{
    dice->state = seed;
}

uint64_t dice_u64(struct dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = dice->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high)
{
    return low + dice_u64(dice) % (high - low + 1);
}

bool dice_chance(struct dice *dice, uint32_t per_mille)
{
    return dice_u64(dice) % 1000 < per_mille;
}
