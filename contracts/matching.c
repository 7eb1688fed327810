#include "contracts/matching.h"

#include "contracts/due.h"
#include "contracts/parameters.h"
#include "contracts/round.h"
#include "contracts/validator.h"

struct path matching_path(uint64_t job, uint16_t slot)
{
    return path_part("search/", job, slot);
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
    search.picks = arena_array(run->view->arena, SCHEDULE_PICKS_MAX, sizeof(*search.picks));
    if (!search.picks) {
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
    struct schedule_demand demand = {
        .consumer = job.consumer,
        .profile = PROGRAM_PROFILE,
        .memory_mib = job.terms.memory_mib,
        .work = job.work,
        .segment_ms = job.terms.segment_ms,
        .deadline_ms = job.terms.deadline_ms,
        .price_max = job.terms.price_max,
        .stake = job.terms.stake,
        .auditors = validator_faulty(validator_count(run->view)) + 1,
        .lease = lease,
    };
    enum schedule_outcome outcome = schedule_find(run, &demand, wanted, &search);
    if (outcome == SCHEDULE_LIMIT)
        view_save(run->view, path_key(&path), &schedule_search_record, &search);
    else
        view_delete(run->view, path_key(&path));
    *picks = search.picks;
    return outcome;
}

/* One lease over all the picks; false, with nothing changed, if one of them can't be had after all. */
static bool lease_all(const struct catalog_run *run, uint64_t id, const struct jobs_job *job,
                      struct jobs_progress *progress, const struct schedule_pick *picks)
{
    size_t savepoint = view_begin(run->view);
    uint32_t events = run->events->count;
    uint64_t lease = leases_open(run, id, &job->consumer, job->terms.deadline_ms);
    enum verdict verdict = VERDICT_OK;
    for (uint16_t w = 0; w < job->terms.workers && verdict == VERDICT_OK; w++) {
        struct jobs_slot slot = {.status = JOBS_SLOT_WAITING, .leased = true};
        struct leases_item item;
        verdict = leases_add(run, lease, picks[w].offer, w, &picks[w].price, &job->terms.stake,
                             &slot.item);
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

/* A job that waits long is looked at seldom: after an eighth of its age, an hour at most. */
static uint64_t retry_ms(const struct parameters *parameters, uint64_t age_ms)
{
    uint64_t wait_ms = age_ms / 8 < 3600000 ? age_ms / 8 : 3600000;
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
        outcome == SCHEDULE_LIMIT ? now : now + retry_ms(&parameters, now - job.submitted_ms);
    due_set(run->view, DUE_MATCH, id, 0, 0, progress.deadline_ms);
    jobs_put_progress(run->view, id, &progress);
}
