#include "tools/tenure/rounds.h"

#include "base/check.h"
#include "contracts/share.h"
#include "trainer/aggregate.h"

#include <stdlib.h>
#include <string.h>

/* The residues that the next round's segments start from, by slot: those of verified end states, else the ones before. */
struct residues {
    struct state ends[JOBS_WORKERS_MAX];
    bool here[JOBS_WORKERS_MAX];
};

static void residues_free(struct residues *residues, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (residues->here[i])
            state_release(&residues->ends[i]);
    free(residues);
}

static enum err fetch_end(struct agent *agent, const struct agent_job *job,
                          struct residues *residues, uint32_t slot, const struct digest *root,
                          struct fault *fault)
{
    enum err err = workshop_fetch(&job->shop->workshop, &agent->desk.client, &residues->ends[slot],
                                  STATE_SEGMENT, root, fault);

    residues->here[slot] = !err;
    return err;
}

/* Adds every verified segment's delta to the sum, and keeps the residues. */
static enum err gather(struct agent *agent, const struct agent_job *job, struct residues *residues,
                       struct aggregate *aggregate, struct fault *fault)
{
    enum err err = ERR_NONE;

    for (uint32_t i = 0; i < job->slot_count && !err; i++) {
        const struct jobs_slot *slot = job->slots[i];
        if (slot->status == JOBS_SLOT_VERIFIED) {
            err = fetch_end(agent, job, residues, i, &slot->end_root, fault);
            if (!err)
                err = aggregate_add(aggregate, &residues->ends[i], fault);
        } else if (!digest_is_zero(&slot->residue_root)) {
            err = fetch_end(agent, job, residues, i, &slot->residue_root, fault);
        }
    }
    return err;
}

static enum err start_roots(const struct agent_job *job, const struct residues *residues,
                            const struct state *global, struct rounds_result *result,
                            struct fault *fault)
{
    const struct program *program = &job->shop->workshop.program;
    struct state start;
    enum err err;

    result->start_root_count = 0;
    if (job->progress.round + 1 == job->shop->terms.terms.rounds)
        return ERR_NONE;
    err = state_init(&start, program, STATE_SEGMENT, fault);
    if (err)
        return err;
    for (uint16_t i = 0; i < job->slot_count; i++) {
        const float *residue =
            residues->here[i] ? state_floats(&residues->ends[i], STATE_RESIDUE) : NULL;
        segment_start(&start, program, global, residue, i, share_of(&job->shop->terms, i).steps);
        result->start_roots[i] = state_root(&start);
    }
    result->start_root_count = job->slot_count;
    state_release(&start);
    return ERR_NONE;
}

/* From here on the shop's global state is the next round's, or none. */
static enum err advance(struct agent *agent, const struct agent_job *job,
                        const struct residues *residues, const struct aggregate *aggregate,
                        struct rounds_result *result, struct fault *fault)
{
    struct agent_shop *shop = job->shop;
    enum err err = aggregate_finish(aggregate, &shop->global, fault);

    if (!err) {
        result->global_root = state_root(&shop->global);
        err = workshop_push(&agent->desk.client, &shop->global, AGENT_COPIES, fault);
    }
    if (!err)
        err = start_roots(job, residues, &shop->global, result, fault);
    if (err) {
        state_release(&shop->global);
        shop->global_root = digest_zero;
    } else {
        shop->global_root = result->global_root;
    }
    return err;
}

enum err rounds_close(struct agent *agent, const struct agent_job *job,
                      struct rounds_result *result, struct fault *fault)
{
    struct residues *residues = calloc(1, sizeof(*residues));
    struct aggregate aggregate;
    enum err err;

    CHECK(residues != NULL);
    CHECK(job->slot_count <= JOBS_WORKERS_MAX);
    err = aggregate_init(&aggregate, &job->shop->workshop.program, &job->shop->global, fault);
    if (!err) {
        err = gather(agent, job, residues, &aggregate, fault);
        if (!err)
            err = advance(agent, job, residues, &aggregate, result, fault);
        aggregate_release(&aggregate);
    }
    residues_free(residues, job->slot_count);
    return err;
}
