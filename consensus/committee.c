#include "consensus/committee.h"

#include "base/check.h"

void committee_init(struct committee *committee, const struct digest *digest,
                    const struct sign_public *keys, uint8_t count)
{
    CHECK(count >= 1);
    CHECK(count <= LIMIT_VALIDATORS);

    *committee = (struct committee){.digest = *digest, .count = count};
    for (uint8_t i = 0; i < count; i++)
        committee->keys[i] = keys[i];
}

uint8_t committee_faults(const struct committee *committee)
{
    return (uint8_t)((committee->count - 1) / 3);
}

uint8_t committee_quorum(const struct committee *committee)
{
    return (uint8_t)((committee->count + committee_faults(committee) + 2) / 2);
}

uint64_t committee_all(const struct committee *committee)
{
    return committee->count == 64 ? UINT64_MAX : COMMITTEE_BIT(committee->count) - 1;
}

struct seat committee_primary(const struct committee *committee, struct view view)
{
    CHECK(committee->vacant != committee_all(committee));

    uint8_t seat = (uint8_t)(view.n % committee->count);
    while (committee->vacant & COMMITTEE_BIT(seat))
        seat = (uint8_t)((seat + 1) % committee->count);
    return (struct seat){seat};
}

uint8_t committee_size(uint64_t seats)
{
    return (uint8_t)__builtin_popcountll(seats);
}

uint64_t committee_reached(const struct committee *committee,
                           const uint64_t values[LIMIT_VALIDATORS], uint8_t count)
{
    CHECK(count >= 1);
    CHECK(count <= committee->count);

    uint64_t reached = 0;
    for (uint8_t i = 0; i < committee->count; i++) {
        uint8_t above = 0;
        for (uint8_t j = 0; j < committee->count; j++)
            above += values[j] >= values[i];
        if (above >= count && values[i] > reached)
            reached = values[i];
    }
    return reached;
}
