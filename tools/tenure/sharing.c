#include "tools/tenure/sharing.h"

#include "base/check.h"
#include "contracts/share.h"
#include "tools/tenure/shortage.h"

/* The steps that a machine of this rate trains in the time; 0: not even what is drawn of a segment. */
static uint32_t steps_of(const struct jobs_job *job, uint64_t rate_mmacs)
{
    uint64_t each = job->work / job->steps;
    __uint128_t steps =
        (__uint128_t)rate_mmacs * 1000 * job->terms.segment_ms * SHARING_PERCENT / 100 / each;
    uint32_t intervals = (uint32_t)(steps < job->steps ? steps : job->steps) / job->interval;

    if (steps >= job->steps)
        return job->steps;
    return intervals < job->terms.sample ? 0 : intervals * job->interval;
}

/* How many slots of the offer fit for a share of so many steps. */
static uint32_t slots_of(const struct jobs_job *job, uint32_t steps,
                         const struct listing_offer *listed, uint64_t now_ms)
{
    struct jobs_job part = *job;
    struct jobs_steps share = {steps};
    struct shortage shortage = {0};

    part.terms.workers = 1;
    part.terms.shares = &share;
    part.terms.share_count = 1;
    struct schedule_demand demand = shortage_demand(&part, 0);
    shortage_add(&shortage, &demand, listed->offer, listed->machine, listed->provider, now_ms);
    return shortage.slots;
}

enum err sharing_by_rate(struct jobs_job *job, const struct listing *listing, struct fault *fault)
{
    uint32_t found = 0;
    bool is_equal = true;

    CHECK(job->terms.share_count == 0);
    for (uint32_t i = 0; i < listing->count && found < job->terms.workers; i++) {
        const struct listing_offer *listed = &listing->offers[i];
        uint32_t steps = steps_of(job, listed->machine->rate_mmacs);
        uint32_t slots = steps > 0 ? slots_of(job, steps, listed, listing->now_ms) : 0;
        for (; slots > 0 && found < job->terms.workers; slots--) {
            job->terms.shares[found++].steps = steps;
            is_equal = is_equal && steps == job->steps;
        }
    }
    if (found < job->terms.workers)
        return fault_set(fault, ERR_NOT_NOW,
                         "shares by rate: of %u machines only %u that fit are listed now",
                         job->terms.workers, found);
    job->terms.share_count = is_equal ? 0 : found;
    return ERR_NONE;
}
