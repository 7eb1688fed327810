#include "contracts/attempt.h"

#include "base/merkle.h"
#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/audit.h"
#include "contracts/dispute.h"
#include "contracts/due.h"
#include "contracts/matching.h"
#include "contracts/path.h"
#include "contracts/round.h"
#include "contracts/settlement.h"
#include "contracts/share.h"
#include "contracts/validator.h"

bool attempt_load(struct attempt *attempt, const struct catalog_run *run, uint64_t job,
                  uint16_t slot)
{
    attempt->run = run;
    attempt->id = job;
    attempt->number = slot;
    attempt->seats = (uint8_t)validator_seats(run->view);
    attempt->validators = validator_count(run->view);
    attempt->auditors = validator_faulty(attempt->validators) + 1;
    attempt->fees = units_zero;
    return jobs_get_slot(run->view, job, slot, &attempt->slot) &&
           jobs_get(run->view, job, &attempt->job) &&
           jobs_get_progress(run->view, job, &attempt->progress) &&
           parameters_get(run->view, &attempt->parameters);
}

enum verdict attempt_find(struct attempt *attempt, const struct catalog_run *run,
                          const struct jobs_segment *segment, uint32_t statuses)
{
    if (!attempt_load(attempt, run, segment->job, segment->slot))
        return VERDICT_NOT_FOUND;
    const struct jobs_slot *slot = &attempt->slot;
    if (slot->round != segment->round || slot->attempt != segment->attempt)
        return VERDICT_STALE;
    if (!(statuses >> slot->status & 1))
        return VERDICT_WRONG_STATE;
    if (run->context->time_ms >= slot->deadline_ms)
        return VERDICT_TOO_LATE;
    return VERDICT_OK;
}

struct jobs_segment attempt_segment(const struct attempt *attempt)
{
    return (struct jobs_segment){
        .job = attempt->id,
        .round = attempt->slot.round,
        .slot = attempt->number,
        .attempt = attempt->slot.attempt,
    };
}

static void set_timer(struct attempt *attempt, uint64_t deadline_ms)
{
    struct jobs_slot *slot = &attempt->slot;
    due_set(attempt->run->view, slot->status == JOBS_SLOT_WAITING ? DUE_SEARCH : DUE_SLOT,
            attempt->id, attempt->number, slot->deadline_ms, deadline_ms);
    slot->deadline_ms = deadline_ms;
}

void attempt_status(struct attempt *attempt, enum jobs_slot_status status, uint64_t deadline_ms)
{
    set_timer(attempt, 0); /* another status may have it in another queue */
    attempt->slot.status = (uint8_t)status;
    attempt->slot.since_ms = attempt->run->context->time_ms;
    attempt_extend(attempt, deadline_ms);
}

void attempt_extend(struct attempt *attempt, uint64_t deadline_ms)
{
    set_timer(attempt, deadline_ms);
    jobs_put_slot(attempt->run->view, attempt->id, attempt->number, &attempt->slot);
    jobs_put_progress(attempt->run->view, attempt->id, &attempt->progress);
}

void attempt_emit(const struct attempt *attempt, enum event_tag tag, enum leases_reason reason,
                  const struct amount *amount)
{
    const struct jobs_slot *slot = &attempt->slot;
    struct event_segment event = {
        .job = attempt->id,
        .round = slot->round,
        .slot = attempt->number,
        .attempt = slot->attempt,
        .worker = slot->worker,
        .reason = (uint8_t)reason,
        .amount = *amount,
        .trace_root = slot->trace_root,
        .end_root = slot->end_root,
    };
    event_add(attempt->run->events, tag, &event);
}

void attempt_begin(struct attempt *attempt)
{
    struct jobs_slot *slot = &attempt->slot;
    CHECK(slot->leased);
    slot->trace_root = digest_zero;
    slot->end_root = digest_zero;
    slot->trained = 0;
    slot->diverged = false;
    slot->seats = 0;
    slot->summoned = false;
    slot->claimed = false;
    slot->planted = false;
    attempt_status(attempt, JOBS_SLOT_TRAINING,
                   attempt->run->context->time_ms + attempt->job.terms.segment_ms);
    attempt_emit(attempt, EVENT_SEGMENT_STARTED, LEASES_OPEN, &units_zero);
}

/* --- waiting for a machine --- */

static bool has_time(const struct attempt *attempt)
{
    uint64_t now = attempt->run->context->time_ms;
    return attempt->progress.ending == LEASES_OPEN &&
           now + attempt->job.terms.segment_ms <= attempt->progress.round_deadline_ms &&
           jobs_has_time(attempt->run, &attempt->job);
}

static void miss(struct attempt *attempt)
{
    attempt_status(attempt, JOBS_SLOT_MISSED, 0);
    attempt_emit(attempt, EVENT_SEGMENT_MISSED, LEASES_OPEN, &units_zero);
    round_settle(attempt->run, attempt->id);
}

void attempt_wait(struct attempt *attempt)
{
    CHECK(!attempt->slot.leased);
    if (!has_time(attempt)) {
        miss(attempt);
        return;
    }
    attempt_status(attempt, JOBS_SLOT_WAITING, attempt->run->context->time_ms);
    attempt_emit(attempt, EVENT_SEGMENT_WAITING, LEASES_OPEN, &units_zero);
}

/* One more look for a machine; the slot's timer has fired. */
static void match(struct attempt *attempt)
{
    struct schedule_pick *picks;
    uint64_t now = attempt->run->context->time_ms;
    if (!has_time(attempt)) {
        miss(attempt);
        return;
    }
    switch (matching_find(attempt->run, attempt->id, attempt->number, attempt->progress.lease,
                          &picks)) {
    case SCHEDULE_NONE:
        attempt_extend(attempt, now + matching_retry_ms(&attempt->parameters,
                                                        now - attempt->slot.since_ms));
        return;
    case SCHEDULE_LIMIT:
        attempt_extend(attempt, now);
        return;
    case SCHEDULE_FOUND:
        break;
    }
    uint32_t item;
    struct share share = share_of(&attempt->job, attempt->number);
    if (leases_add(attempt->run, attempt->progress.lease, picks[0].offer, attempt->number,
                   &picks[0].price, &share.stake, &item) != VERDICT_OK) {
        miss(attempt); /* the lease has had all the items that it may have */
        return;
    }
    struct leases_item leased;
    if (!leases_get_item(attempt->run->view, attempt->progress.lease, item, &leased))
        return;
    attempt->slot.leased = true;
    attempt->slot.item = item;
    attempt->slot.worker = leased.provider;
    attempt_begin(attempt);
}

/* --- ending --- */

void attempt_result(const struct attempt *attempt, const struct jobs_result *result)
{
    struct jobs_segment segment = attempt_segment(attempt);
    jobs_put_result(attempt->run->view, &segment, result);
}

/* Frees what replayers and voters hold, and keeps what became of the attempt. */
static void conclude(struct attempt *attempt, enum leases_reason reason,
                     const struct amount *slashed, const struct attempt_evidence *evidence)
{
    const struct jobs_slot *slot = &attempt->slot;
    struct jobs_result result = {
        .worker = slot->worker,
        .lease = attempt->progress.lease,
        .item = slot->item,
        .reason = (uint8_t)reason,
        .ended_ms = attempt->run->context->time_ms,
        .start_root = slot->start_root,
        .residue_root = slot->residue_root,
        .trace_root = slot->trace_root,
        .end_root = slot->end_root,
        .fees = attempt->fees,
        .slashed = *slashed,
        .decided = evidence != NULL,
    };
    if (evidence) {
        result.answer = evidence->answer;
        result.committed = evidence->committed;
    }
    CHECK(amount_add(&attempt->progress.fees, &attempt->progress.fees, &attempt->fees));
    audit_close(attempt);
    dispute_close(attempt);
    attempt_result(attempt, &result);
    attempt_emit(attempt, EVENT_SEGMENT_REJECTED, reason, slashed);
}

void attempt_lost(struct attempt *attempt, enum leases_reason reason, const struct amount *slashed,
                  const struct attempt_evidence *evidence)
{
    conclude(attempt, reason, slashed, evidence);
    leases_end_item(attempt->run, attempt->progress.lease, attempt->slot.item, reason);
    attempt->slot.leased = false;
    attempt->slot.worker = address_zero;
    attempt->slot.trace_root = digest_zero;
    attempt->slot.end_root = digest_zero;
    attempt->slot.attempt++;
    attempt_wait(attempt);
}

bool attempt_is_audited(const struct attempt *attempt)
{
    switch ((enum jobs_slot_status)attempt->slot.status) {
    case JOBS_SLOT_DRAWING:
    case JOBS_SLOT_SERVING:
    case JOBS_SLOT_SEALING:
    case JOBS_SLOT_OPENING:
    case JOBS_SLOT_CLAIMING:
    case JOBS_SLOT_VOTING:
        return true;
    case JOBS_SLOT_WAITING:
    case JOBS_SLOT_TRAINING:
    case JOBS_SLOT_VERIFIED:
    case JOBS_SLOT_DIVERGED:
    case JOBS_SLOT_MISSED:
        return false;
    }
    return false;
}

void attempt_abandon(struct attempt *attempt, enum leases_reason reason)
{
    switch ((enum jobs_slot_status)attempt->slot.status) {
    case JOBS_SLOT_VERIFIED:
    case JOBS_SLOT_DIVERGED:
    case JOBS_SLOT_MISSED:
        return;
    case JOBS_SLOT_WAITING:
        break;
    case JOBS_SLOT_TRAINING:
    case JOBS_SLOT_DRAWING:
    case JOBS_SLOT_SERVING:
    case JOBS_SLOT_SEALING:
    case JOBS_SLOT_OPENING:
    case JOBS_SLOT_CLAIMING:
    case JOBS_SLOT_VOTING:
        conclude(attempt, reason, &units_zero, NULL);
        break;
    }
    attempt_status(attempt, JOBS_SLOT_MISSED, 0);
}

void attempt_dismiss(const struct catalog_run *run, uint64_t job, uint16_t slot, uint32_t item,
                     enum leases_reason reason)
{
    struct attempt attempt;
    if (!attempt_load(&attempt, run, job, slot))
        return;
    bool is_at_work = attempt.progress.status == JOBS_RUNNING && attempt.slot.leased &&
                      attempt.slot.item == item &&
                      (attempt.slot.status == JOBS_SLOT_TRAINING || attempt_is_audited(&attempt));
    if (is_at_work) {
        attempt_lost(&attempt, reason, &units_zero, NULL);
        return;
    }
    leases_end_item(run, attempt.progress.lease, item, reason);
    if (attempt.slot.leased && attempt.slot.item == item) {
        attempt.slot.leased = false;
        jobs_put_slot(run->view, job, slot, &attempt.slot);
    }
}

/* --- methods --- */

bool attempt_is_worker(const struct attempt *attempt)
{
    return attempt->slot.leased && address_equal(&attempt->slot.worker, attempt->run->sender);
}

/* Intervals that somebody had to train: all but those behind a divergence. Requires a leaf. */
static uint16_t count_trained(const struct jobs_commit *args)
{
    struct trace_leaf behind = trace_diverged(&digest_zero);
    struct digest leaf = trace_leaf_digest(&behind);
    uint32_t last = args->leaf_count - 1;
    while (last > 0 && digest_equal(&args->leaves[last], &leaf))
        last--;
    return (uint16_t)last;
}

/* Leaf 0 is the leased start, the last one the end, and the root is theirs. */
static enum verdict check_trace(const struct attempt *attempt, const struct jobs_commit *args)
{
    if (args->leaf_count != share_of(&attempt->job, attempt->number).intervals + 1)
        return VERDICT_WRONG_LEAVES;
    struct trace_leaf start = {.state_root = attempt->slot.start_root, .witness = digest_zero};
    struct digest first = trace_leaf_digest(&start), last = trace_leaf_digest(&args->end);
    if (!digest_equal(&args->leaves[0], &first))
        return VERDICT_WRONG_START;
    if (!digest_equal(&args->leaves[args->leaf_count - 1], &last))
        return VERDICT_WRONG_END;
    if (count_trained(args) == 0)
        return VERDICT_WRONG_END;
    struct digest root = merkle_root(args->leaves, args->leaf_count);
    return digest_equal(&root, &args->trace_root) ? VERDICT_OK : VERDICT_WRONG_TRACE_ROOT;
}

enum verdict attempt_commit(const struct catalog_run *run, const void *in)
{
    const struct jobs_commit *args = in;
    struct attempt attempt;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment, 1u << JOBS_SLOT_TRAINING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!attempt_is_worker(&attempt))
        return VERDICT_NOT_WORKER;
    verdict = check_trace(&attempt, args);
    if (verdict != VERDICT_OK)
        return verdict;

    struct path path = path_part("trace/", attempt.id, attempt.number);
    struct jobs_trace trace = {
        .segment = args->segment, .leaves = args->leaves, .leaf_count = args->leaf_count};
    view_save(run->view, path_key(&path), &jobs_trace_record, &trace);
    attempt.slot.trace_root = args->trace_root;
    attempt.slot.end_root = args->end.state_root;
    attempt.slot.trained = count_trained(args);
    attempt.slot.diverged = trace_is_diverged(&args->end);
    attempt_emit(&attempt, EVENT_SEGMENT_COMMITTED, LEASES_OPEN, &units_zero);
    audit_proceed(&attempt);
    return VERDICT_OK;
}

enum verdict attempt_decline(const struct catalog_run *run, const void *in)
{
    struct attempt attempt;
    enum verdict verdict = attempt_find(&attempt, run, in, 1u << JOBS_SLOT_TRAINING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!attempt_is_worker(&attempt))
        return VERDICT_NOT_WORKER;
    uint64_t begun_ms = attempt.slot.deadline_ms - attempt.job.terms.segment_ms;
    if (run->context->time_ms >= begun_ms + attempt.parameters.answer_ms)
        return VERDICT_TOO_LATE;
    attempt_lost(&attempt, LEASES_DECLINED, &units_zero, NULL);
    return VERDICT_OK;
}

/* The starts are exactly the drawn intervals' and the leaves that were committed. */
static enum verdict check_starts(const struct attempt *attempt, const struct jobs_serve *args)
{
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_trace trace;
    struct path path = path_part("trace/", attempt->id, attempt->number);
    if (args->start_count != audit_drawn(attempt, drawn))
        return VERDICT_WRONG_INTERVALS;
    if (!view_load(attempt->run->view, path_key(&path), &jobs_trace_record, &trace))
        return VERDICT_NOT_FOUND;
    for (uint32_t i = 0; i < args->start_count; i++) {
        if (args->starts[i].interval != drawn[i])
            return VERDICT_WRONG_INTERVALS;
        CHECK(drawn[i] < trace.leaf_count);
        struct digest leaf = trace_leaf_digest(&args->starts[i].leaf);
        if (!digest_equal(&leaf, &trace.leaves[drawn[i]]))
            return VERDICT_WRONG_START;
    }
    return VERDICT_OK;
}

enum verdict attempt_serve(const struct catalog_run *run, const void *in)
{
    const struct jobs_serve *args = in;
    struct attempt attempt;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment, 1u << JOBS_SLOT_SERVING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!attempt_is_worker(&attempt))
        return VERDICT_NOT_WORKER;
    verdict = check_starts(&attempt, args);
    if (verdict != VERDICT_OK)
        return verdict;

    struct path path = path_part("served/", attempt.id, attempt.number);
    struct jobs_served served = {
        .segment = args->segment, .starts = args->starts, .start_count = args->start_count};
    view_save(run->view, path_key(&path), &jobs_served_record, &served);
    attempt_emit(&attempt, EVENT_SEGMENT_SERVED, LEASES_OPEN, &units_zero);
    audit_proceed(&attempt);
    return VERDICT_OK;
}

/* --- deadlines --- */

static void fail_worker(struct attempt *attempt, enum leases_reason reason, uint8_t percent)
{
    struct amount slashed = settlement_slash(attempt, percent, NULL, 0);
    attempt_lost(attempt, reason, &slashed, NULL);
}

void attempt_due(const struct catalog_run *run, uint64_t job, uint16_t slot)
{
    struct attempt attempt;
    if (!attempt_load(&attempt, run, job, slot))
        return;
    attempt.slot.deadline_ms = 0; /* the timer is gone */
    switch ((enum jobs_slot_status)attempt.slot.status) {
    case JOBS_SLOT_WAITING:
        match(&attempt);
        return;
    case JOBS_SLOT_TRAINING:
        fail_worker(&attempt, LEASES_SILENT, attempt.parameters.slash_silent);
        return;
    case JOBS_SLOT_SERVING:
        fail_worker(&attempt, LEASES_WITHHELD, attempt.parameters.slash_withheld);
        return;
    case JOBS_SLOT_DRAWING:
    case JOBS_SLOT_SEALING:
    case JOBS_SLOT_OPENING:
        audit_mute(&attempt);
        return;
    case JOBS_SLOT_CLAIMING:
        attempt.slot.claimed = true;
        audit_proceed(&attempt);
        return;
    case JOBS_SLOT_VOTING:
        dispute_expire(&attempt);
        return;
    case JOBS_SLOT_VERIFIED:
    case JOBS_SLOT_DIVERGED:
    case JOBS_SLOT_MISSED:
        return;
    }
}
