/* Where the ledger's validator set becomes the committee that consensus asks for votes. */
#ifndef TOOLS_SYS_ELECTORATE_H
#define TOOLS_SYS_ELECTORATE_H

#include "consensus/committee.h"
#include "contracts/validator.h"

/* The members of `set` in their order, under the digest by which headers name it; that is zero only when the arena is full. */
static inline void electorate_committee(struct committee *committee, struct arena *arena,
                                        const struct validator_set *set)
{
    struct sign_public keys[LIMIT_VALIDATORS];
    struct digest digest = validator_set_digest(arena, set);
    for (uint32_t i = 0; i < set->member_count; i++)
        keys[i] = set->members[i].public_key;
    committee_init(committee, &digest, keys, (uint8_t)set->member_count);
    for (uint32_t i = 0; i < set->member_count; i++)
        if (!sign_public_is_valid(&keys[i]))
            committee->vacant |= COMMITTEE_BIT(i);
}

#endif
