#include "consensus/plan.h"

#include "base/check.h"

/* The prepared block of the highest view at `height`; NULL: there is none. */
static const struct message_prepared *highest(const struct message_new_view *m, uint64_t height)
{
    const struct message_prepared *best = NULL;
    for (uint32_t i = 0; i < m->change_count; i++) {
        for (uint32_t j = 0; j < m->read[i].prepared_count; j++) {
            const struct message_prepared *prepared = &m->read[i].prepared[j];
            if (prepared->block.height.n != height)
                continue;
            if (best == NULL ||
                prepared->certificate.ballot.view.n > best->certificate.ballot.view.n)
                best = prepared;
        }
    }
    return best;
}

void plan_make(struct plan *plan, const struct message_new_view *m)
{
    CHECK(m->change_count >= 1);

    *plan = (struct plan){.base = &m->read[0].committed};
    for (uint32_t i = 1; i < m->change_count; i++)
        if (m->read[i].committed.ballot.height.n > plan->base->ballot.height.n)
            plan->base = &m->read[i].committed;
    for (uint32_t i = 0; i < m->change_count; i++)
        if (m->read[i].committed.ballot.height.n == plan->base->ballot.height.n)
            plan->holders |= COMMITTEE_BIT(m->changes[i].from.n);

    const struct digest *parent = &plan->base->ballot.digest;
    while (plan->count < BOUNDS_WINDOW) {
        const struct message_prepared *best =
            highest(m, plan->base->ballot.height.n + 1 + plan->count);
        if (best == NULL || !digest_equal(&best->block.parent, parent))
            return;
        plan->chosen[plan->count++] = best;
        parent = &best->block.digest;
    }
}
