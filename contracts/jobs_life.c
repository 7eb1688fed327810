#include "contracts/jobs.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/attempt.h"
#include "contracts/audit.h"
#include "contracts/claim.h"
#include "contracts/dispute.h"
#include "contracts/due.h"
#include "contracts/matching.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/parameters.h"
#include "contracts/path.h"
#include "contracts/round.h"
#include "contracts/share.h"
#include "contracts/validator.h"
#include "trainer/state.h"

static struct jobs_counter counter_get(struct view_state *view)
{
    struct jobs_counter counter = {0};
    (void)view_load(view, bytes_text("job_count"), &jobs_counter_record, &counter);
    return counter;
}

static void counter_put(struct view_state *view, const struct jobs_counter *counter)
{
    view_save(view, bytes_text("job_count"), &jobs_counter_record, counter);
}

/* Adds `change` to the account's open jobs; how many it has then. */
static uint32_t count_open(struct view_state *view, const struct address *account, int change)
{
    struct jobs_count count = {0};
    struct path path = path_account("ordering/", account);
    (void)view_load(view, path_key(&path), &jobs_count_record, &count);
    count.open = (uint32_t)((int64_t)count.open + change);
    if (count.open > 0)
        view_save(view, path_key(&path), &jobs_count_record, &count);
    else
        view_delete(view, path_key(&path));
    return count.open;
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct jobs_job *job, uint8_t reason)
{
    struct event_job event = {.job = id, .consumer = job->consumer, .reason = reason};
    event_add(run->events, tag, &event);
}

/* --- submit and cancel --- */

bool jobs_has_time(const struct catalog_run *run, const struct jobs_job *job)
{
    struct parameters parameters;
    uint32_t auditors = validator_faulty(validator_count(run->view)) + 1;
    return parameters_get(run->view, &parameters) &&
           run->context->time_ms + job->terms.segment_ms +
                   audit_longest_ms(job, &parameters, auditors) <=
               job->terms.deadline_ms;
}

/* The least time that an honest machine needs: to be in a block, to move states, and to replay what the audits of all slots replay, since a
 * round's segments are committed at the same time and each may come to the same replayer. And a whole segment, when it is challenged, in
 * JOBS_TIME_MAX_MS. */
static bool has_clocks(const struct jobs_job *job, const struct parameters *parameters)
{
    const struct jobs_submit *t = &job->terms;
    __uint128_t rate =
        (__uint128_t)parameters->replay_mmacs * 1000; /* multiply-adds a millisecond */
    __uint128_t work = 0;
    uint64_t moved_kib = 0;
    for (uint16_t w = 0; w < t->workers; w++) {
        struct share share = share_of(job, w);
        work += share.audit_work;
        moved_kib += share.moved_kib;
    }
    uint64_t moved_ms = moved_kib * 1000 / parameters->transfer_kib,
             worker_ms = SHARE_STATES * job->state_kib * 1000 / parameters->transfer_kib;
    return t->segment_ms >= parameters->answer_ms && t->segment_ms >= worker_ms &&
           t->replay_ms >= parameters->answer_ms && t->replay_ms >= moved_ms &&
           rate * (t->replay_ms - moved_ms) >= work && rate * JOBS_TIME_MAX_MS >= job->work;
}

static bool terms_hold(const struct jobs_job *job, uint64_t now)
{
    const struct jobs_submit *t = &job->terms;
    return !units_amount_is_zero(&t->price_max) && t->rounds >= 1 && t->rounds <= JOBS_ROUNDS_MAX &&
           t->workers >= 1 && t->workers <= JOBS_WORKERS_MAX && t->start_root_count == t->workers &&
           t->quorum >= 1 && t->quorum <= t->workers && t->sample <= JOBS_DRAWN_MAX &&
           share_check(job) && !units_amount_is_zero(&t->stake) &&
           t->segment_ms <= JOBS_TIME_MAX_MS && t->replay_ms <= JOBS_TIME_MAX_MS &&
           t->round_ms >= t->segment_ms && t->round_ms <= JOBS_TIME_MAX_MS &&
           t->deadline_ms > now && t->deadline_ms - now <= JOBS_LIFE_MS;
}

/* What follows from the program. BAD_PROGRAM, OUT_OF_BOUNDS. */
static enum verdict read_program(const struct catalog_run *run, struct jobs_job *job,
                                 const struct parameters *parameters)
{
    struct program program;
    if (program_unpack(run->view->arena, &program, job->terms.program, NULL) != ERR_NONE)
        return VERDICT_BAD_PROGRAM;
    if (!share_measure(job, &program) || job->intervals > JOBS_INTERVALS_MAX ||
        job->terms.memory_mib < program_memory_mib(&program) ||
        parameters->replay_mib < program_memory_mib(&program) ||
        state_chunk_count(&program, STATE_SEGMENT) > JOBS_CHUNKS_MAX)
        return VERDICT_OUT_OF_BOUNDS;
    return VERDICT_OK;
}

static void start_waiting(const struct catalog_run *run, uint64_t id, const struct jobs_job *job)
{
    uint64_t now = run->context->time_ms;
    struct path path = path_1("job/", id), open_path = path_1("open/", id);
    struct jobs_open open = {.job = id};
    struct jobs_progress progress = {
        .status = JOBS_WAITING,
        .search = SCHEDULE_LIMIT,
        .global_root = job->terms.global_root,
        .deadline_ms = now,
    };
    view_save(run->view, path_key(&path), &jobs_job_record, job);
    view_save(run->view, path_key(&open_path), &jobs_open_record, &open);
    jobs_put_progress(run->view, id, &progress);
    due_set(run->view, DUE_JOB, id, 0, 0, job->terms.deadline_ms);
    due_set(run->view, DUE_MATCH, id, 0, 0, now); /* in the next block */
    emit(run, EVENT_JOB_SUBMITTED, id, job, LEASES_OPEN);
}

static enum verdict on_submit(const struct catalog_run *run, const void *in)
{
    struct jobs_job job = {
        .consumer = *run->sender,
        .terms = *(const struct jobs_submit *)in,
        .auditors = validator_faulty(validator_count(run->view)) + 1,
        .submitted_ms = run->context->time_ms,
    };
    struct amount budget;
    struct parameters parameters;
    if (!parameters_get(run->view, &parameters))
        return VERDICT_NOT_FOUND;
    enum verdict verdict = read_program(run, &job, &parameters);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!terms_hold(&job, run->context->time_ms) ||
        !has_clocks(&job, &parameters) ||
        units_amount_compare(&job.terms.replay_fee, &parameters.replay_fee_min) < 0 ||
        !jobs_has_time(run, &job))
        return VERDICT_OUT_OF_BOUNDS;
    struct amount stake = share_stake(job.work, &parameters);
    if (units_amount_compare(&job.terms.stake, &stake) < 0)
        return VERDICT_STAKE_TOO_LOW;
    if (!share_budget(&budget, &job))
        return VERDICT_OVERFLOW;
    if (units_amount_compare(&job.terms.budget, &budget) < 0)
        return VERDICT_BUDGET_TOO_SMALL;
    struct jobs_counter counter = counter_get(run->view);
    uint32_t open = count_open(run->view, run->sender, 1);
    if (counter.open >= JOBS_OPEN_MAX || open > JOBS_ACCOUNT_MAX)
        return VERDICT_TOO_MANY;
    counter.count++;
    counter.open++;
    counter_put(run->view, &counter);
    struct amount deposit;
    CHECK(amount_mul(&deposit, &parameters.job_deposit, open)); /* below 2^128 x 2^6 */
    verdict = credits_lock(run, jobs_escrow(counter.count), run->sender, &job.terms.budget);
    if (verdict == VERDICT_OK)
        verdict = credits_lock(run, jobs_deposit(counter.count), run->sender, &deposit);
    if (verdict == VERDICT_OK)
        start_waiting(run, counter.count, &job);
    return verdict;
}

static enum verdict on_cancel(const struct catalog_run *run, const void *in)
{
    const struct jobs_cancel *args = in;
    struct jobs_job job;
    struct jobs_progress progress;
    if (!jobs_get(run->view, args->job, &job) ||
        !jobs_get_progress(run->view, args->job, &progress))
        return VERDICT_NOT_FOUND;
    if (!address_equal(&job.consumer, run->sender))
        return VERDICT_NOT_OWNER;
    if (progress.status == JOBS_ENDED)
        return VERDICT_WRONG_STATE;
    if (progress.ending != LEASES_OPEN)
        return VERDICT_ALREADY_DONE;
    if (progress.status == JOBS_RUNNING) {
        progress.ending = LEASES_CANCELLED;
        jobs_put_progress(run->view, args->job, &progress);
        emit(run, EVENT_JOB_ENDING, args->job, &job, LEASES_CANCELLED);
    } else {
        jobs_end(run, args->job, LEASES_CANCELLED);
    }
    return VERDICT_OK;
}

/* --- what falls due --- */

void jobs_due_match(const struct catalog_run *run, uint64_t id)
{
    struct jobs_progress progress;
    if (!jobs_get_progress(run->view, id, &progress))
        return;
    switch ((enum jobs_status)progress.status) {
    case JOBS_WAITING:
        matching_job(run, id);
        return;
    case JOBS_CLOSING:
        jobs_end(run, id, LEASES_UNCLOSED);
        return;
    case JOBS_RUNNING:
    case JOBS_ENDED:
        return;
    }
}

/* --- the end --- */

void jobs_end(const struct catalog_run *run, uint64_t id, enum leases_reason reason)
{
    struct jobs_job job;
    struct jobs_progress progress;
    struct attempt attempt;
    if (!jobs_get(run->view, id, &job) || !jobs_get_progress(run->view, id, &progress))
        return;
    CHECK(progress.status != JOBS_ENDED);
    for (uint16_t w = 0; progress.lease != 0 && w < job.terms.workers; w++) {
        struct path path = matching_path(id, w);
        view_delete(run->view, path_key(&path));
        if (attempt_load(&attempt, run, id, w))
            attempt_abandon(&attempt, reason);
    }
    struct path search = matching_path(id, JOBS_WHOLE), open = path_1("open/", id);
    view_delete(run->view, path_key(&search));
    view_delete(run->view, path_key(&open));
    leases_end(run, progress.lease, reason);
    credits_unlock(run, jobs_escrow(id));
    credits_unlock(run, jobs_deposit(id));
    count_open(run->view, &job.consumer, -1);
    due_set(run->view, DUE_JOB, id, 0, job.terms.deadline_ms, 0);
    due_set(run->view, DUE_MATCH, id, 0, progress.deadline_ms, 0);
    progress.status = JOBS_ENDED;
    progress.reason = (uint8_t)reason;
    progress.deadline_ms = 0;
    progress.ended_ms = run->context->time_ms;
    jobs_put_progress(run->view, id, &progress);
    struct jobs_counter counter = counter_get(run->view);
    counter.open--;
    counter_put(run->view, &counter);
    emit(run, EVENT_JOB_ENDED, id, &job, (uint8_t)reason);
}

/* Gives up every slot whose worker hasn't committed; how many audits go on. */
static uint32_t give_up(const struct catalog_run *run, uint64_t id, const struct jobs_job *job)
{
    struct attempt attempt;
    uint32_t audits = 0;
    for (uint16_t w = 0; w < job->terms.workers && attempt_load(&attempt, run, id, w); w++) {
        if (attempt_is_audited(&attempt))
            audits++;
        else
            attempt_abandon(&attempt, LEASES_EXPIRED);
    }
    return audits;
}

void jobs_due_deadline(const struct catalog_run *run, uint64_t id)
{
    struct jobs_job job;
    struct jobs_progress progress;
    if (!jobs_get(run->view, id, &job) || !jobs_get_progress(run->view, id, &progress) ||
        progress.status == JOBS_ENDED)
        return;
    if (progress.status == JOBS_RUNNING && give_up(run, id, &job) > 0) {
        progress.ending = LEASES_EXPIRED;
        jobs_put_progress(run->view, id, &progress);
        emit(run, EVENT_JOB_ENDING, id, &job, LEASES_EXPIRED);
    } else {
        jobs_end(run, id, LEASES_EXPIRED);
    }
}

const struct catalog_method jobs_methods[JOBS_METHOD_COUNT] = {
    {JOBS_SUBMIT, "submit", &jobs_submit_record, MEMBERS_ROLE_CONSUMER, on_submit},
    {JOBS_CANCEL, "cancel", &jobs_cancel_record, MEMBERS_ROLE_CONSUMER, on_cancel},
    {JOBS_COMMIT, "commit", &jobs_commit_record, MEMBERS_ROLE_PROVIDER, attempt_commit},
    {JOBS_DRAW, "draw", &jobs_segment_record, 0, audit_draw},
    {JOBS_SERVE, "serve", &jobs_serve_record, MEMBERS_ROLE_PROVIDER, attempt_serve},
    {JOBS_SEAL, "seal", &jobs_seal_record, MEMBERS_ROLE_REPLAYER, audit_seal},
    {JOBS_OPEN, "open", &jobs_open_seal_record, MEMBERS_ROLE_REPLAYER, audit_open},
    {JOBS_VOTE, "vote", &jobs_cast_record, MEMBERS_ROLE_REPLAYER, dispute_vote},
    {JOBS_CLOSE, "close", &jobs_close_record, MEMBERS_ROLE_REPLAYER, round_close},
    {JOBS_DECLINE, "decline", &jobs_segment_record, MEMBERS_ROLE_PROVIDER, attempt_decline},
    {JOBS_CLAIM, "claim", &jobs_claim_record, MEMBERS_ROLE_PROVIDER, claim_make},
};
