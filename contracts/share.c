#include "contracts/share.h"

#include "base/check.h"
#include "base/limits.h"
#include "contracts/amount.h"
#include "trainer/state.h"

bool share_measure(struct jobs_job *job, const struct program *program)
{
    job->steps = program->steps;
    job->interval = program->interval;
    job->intervals = trace_leaf_count(program->steps, program->interval) - 1;
    job->state_kib = state_chunk_count(program, STATE_SEGMENT) * (LIMIT_CHUNK_BYTES / 1024);
    return program_work(&job->work, program);
}

bool share_check(const struct jobs_job *job)
{
    const struct jobs_submit *terms = &job->terms;
    if (job->steps < 1 || job->interval < 1 || terms->sample > job->intervals ||
        (terms->share_count != 0 && terms->share_count != terms->workers))
        return false;
    for (uint32_t w = 0; w < terms->share_count; w++) {
        uint32_t steps = terms->shares[w].steps;
        if (steps < 1 || steps > job->steps ||
            (steps != job->steps && steps % job->interval != 0) ||
            trace_leaf_count(steps, job->interval) - 1 < terms->sample)
            return false;
    }
    return true;
}

struct share share_of(const struct jobs_job *job, uint16_t slot)
{
    const struct jobs_submit *terms = &job->terms;
    struct share share = {
        .steps = slot < terms->share_count ? terms->shares[slot].steps : job->steps,
        .price_max = terms->price_max,
        .stake = terms->stake,
    };
    struct amount left;
    share.intervals = trace_leaf_count(share.steps, job->interval) - 1;
    share.replayed = terms->sample == 0 ? share.intervals : terms->sample;
    share.work = job->work / job->steps * share.steps; /* each step is as much work as another */
    uint64_t each = share.work / share.intervals, rest = share.work % share.intervals;
    share.audit_work =
        each * share.replayed + (rest * share.replayed + share.intervals - 1) / share.intervals;
    share.moved_kib = job->state_kib * (terms->sample == 0 ? SHARE_STATES : terms->sample + 1u);
    CHECK(amount_share(&share.price_max, &terms->price_max, share.steps, job->steps));
    CHECK(amount_share(&left, &terms->stake, job->steps - share.steps, job->steps));
    CHECK(amount_sub(&share.stake, &terms->stake, &left));
    return share;
}

struct amount share_stake(uint64_t work, const struct parameters *parameters)
{
    struct amount stake;
    CHECK(amount_share(&stake, &parameters->stake_min, work,
                       SCHEDULE_UNIT)); /* below 2^128 x 2^64 */
    return stake;
}

bool share_budget(struct amount *budget, const struct jobs_job *job)
{
    struct amount round = units_zero, fees;
    for (uint16_t w = 0; w < job->terms.workers; w++) {
        struct share share = share_of(job, w);
        if (!amount_mul(&fees, &job->terms.replay_fee, (uint64_t)share.replayed * job->auditors) ||
            !amount_add(&fees, &fees, &share.price_max) || !amount_add(&round, &round, &fees))
            return false;
    }
    return amount_mul(budget, &round, job->terms.rounds);
}
