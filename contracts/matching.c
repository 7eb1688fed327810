#include "contracts/matching.h"

#include "contracts/due.h"
#include "contracts/parameters.h"
#include "contracts/round.h"
#include "contracts/share.h"
#include "contracts/validator.h"

struct path matching_path(uint64_t job, uint16_t slot)
{
    return path_part("search/", job, slot);
}

/* What the job asks for its `slot`, or for all from slot 0 on; NULL without memory. */
static struct schedule_demand *demands_of(const struct catalog_run *run, const struct jobs_job *job,
                                          uint16_t slot, uint32_t count, uint64_t lease)
{
    struct schedule_demand *demands = arena_array(run->view->arena, count, sizeof(*demands));
    for (uint32_t i = 0; demands && i < count; i++) {
        struct share share = share_of(job, (uint16_t)(slot == JOBS_WHOLE ? i : slot));
        demands[i] = (struct schedule_demand){
            .consumer = job->consumer,
            .profile = PROGRAM_PROFILE,
            .memory_mib = job->terms.memory_mib,
            .work = share.work,
            .segment_ms = job->terms.segment_ms,
            .deadline_ms = job->terms.deadline_ms,
            .price_max = share.price_max,
            .stake = share.stake,
            .auditors = validator_faulty(validator_count(run->view)) + 1,
            .lease = lease,
        };
    }
    return demands;
}

enum schedule_outcome matching_find(const struct catalog_run *run, uint64_t id, uint16_t slot,
                                    uint64_t lease, struct schedule_pick **picks)
{
    struct jobs_job job;
    struct schedule_search search = {.price = units_zero}, stored;
    struct path path = matching_path(id, slot);
    if (!jobs_get(run->view, id, &job))
        return SCHEDULE_NONE;
    uint32_t wanted = slot == JOBS_WHOLE ? job.terms.workers : 1;
    struct schedule_demand *demands = demands_of(run, &job, slot, wanted, lease);
    search.picks = arena_array(run->view->arena, SCHEDULE_PICKS_MAX, sizeof(*search.picks));
    if (!search.picks || !demands) {
        view_fail(run->view, ERR_LIMIT);
        return SCHEDULE_NONE;
    }
    if (view_load(run->view, path_key(&path), &schedule_search_record, &stored)) {
        search.price = stored.price;
        search.offer = stored.offer;
        search.pick_count = stored.pick_count;
        for (uint32_t i = 0; i < stored.pick_count; i++)
            search.picks[i] = stored.picks[i];
    }
    enum schedule_outcome outcome = schedule_find(run, demands, wanted, &search);
    if (outcome == SCHEDULE_LIMIT)
        view_save(run->view, path_key(&path), &schedule_search_record, &search);
    else
        view_delete(run->view, path_key(&path));
    *picks = search.picks;
    return outcome;
}

/* One lease over all the picks, which meet a demand each; false, with nothing changed, if one of them can't be had after all. */
static bool lease_all(const struct catalog_run *run, uint64_t id, const struct jobs_job *job,
                      struct jobs_progress *progress, const struct schedule_pick *picks)
{
    size_t savepoint = view_begin(run->view);
    uint32_t events = run->events->count;
    uint64_t lease = leases_open(run, id, &job->consumer, job->terms.deadline_ms);
    enum verdict verdict = VERDICT_OK;
    for (uint16_t i = 0; i < job->terms.workers && verdict == VERDICT_OK; i++) {
        struct jobs_slot slot = {.status = JOBS_SLOT_WAITING, .leased = true};
        struct leases_item item;
        uint16_t w = picks[i].demand;
        struct share share = share_of(job, w);
        verdict =
            leases_add(run, lease, picks[i].offer, w, &picks[i].price, &share.stake, &slot.item);
        if (verdict == VERDICT_OK && leases_get_item(run->view, lease, slot.item, &item)) {
            slot.worker = item.provider;
            jobs_put_slot(run->view, id, w, &slot);
        }
    }
    if (verdict != VERDICT_OK) {
        view_undo(run->view, savepoint);
        event_undo(run->events, events);
        return false;
    }
    view_keep(run->view, savepoint);
    progress->lease = lease;
    return true;
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct jobs_job *job)
{
    struct event_job event = {.job = id, .consumer = job->consumer};
    event_add(run->events, tag, &event);
}

uint64_t matching_retry_ms(const struct parameters *parameters, uint64_t waited_ms)
{
    uint64_t wait_ms = waited_ms / 8 < 3600000 ? waited_ms / 8 : 3600000;
    return wait_ms > parameters->match_retry_ms ? wait_ms : parameters->match_retry_ms;
}

void matching_job(const struct catalog_run *run, uint64_t id)
{
    struct jobs_job job;
    struct jobs_progress progress;
    struct parameters parameters;
    struct schedule_pick *picks;
    if (!jobs_get(run->view, id, &job) || !jobs_get_progress(run->view, id, &progress) ||
        !parameters_get(run->view, &parameters))
        return;
    if (!jobs_has_time(run, &job)) {
        jobs_end(run, id, LEASES_EXPIRED);
        return;
    }
    enum schedule_outcome outcome = matching_find(run, id, JOBS_WHOLE, 0, &picks);
    if (outcome == SCHEDULE_FOUND && lease_all(run, id, &job, &progress, picks)) {
        progress.deadline_ms = 0;
        progress.search = SCHEDULE_FOUND;
        jobs_put_progress(run->view, id, &progress);
        emit(run, EVENT_JOB_LEASED, id, &job);
        round_start(run, id, job.terms.start_roots);
        return;
    }
    if (outcome == SCHEDULE_NONE && progress.search != SCHEDULE_NONE)
        emit(run, EVENT_JOB_WAITING, id, &job);
    uint64_t now = run->context->time_ms;
    progress.search = (uint8_t)outcome;
    progress.deadline_ms =
        outcome == SCHEDULE_LIMIT ? now : now + matching_retry_ms(&parameters, now - job.submitted_ms);
    due_set(run->view, DUE_MATCH, id, 0, 0, progress.deadline_ms);
    jobs_put_progress(run->view, id, &progress);
}
