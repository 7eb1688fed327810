#include "contracts/jobs.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/attempt.h"
#include "contracts/audit.h"
#include "contracts/dispute.h"
#include "contracts/due.h"
#include "contracts/matching.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/parameters.h"
#include "contracts/path.h"
#include "contracts/round.h"
#include "contracts/validator.h"

#define LEAVES_MAX (JOBS_INTERVALS_MAX + 1)

static const struct record_field submit_fields[] = {
    RECORD_TEXT(struct jobs_submit, name, LIMIT_TEXT_BYTES),
    RECORD_BYTES(struct jobs_submit, program, PROGRAM_BYTES_MAX),
    RECORD_FIXED(struct jobs_submit, data_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_submit, global_root, RECORD_AS_HEX),
    RECORD_DIGESTS(struct jobs_submit, start_roots, start_root_count, JOBS_WORKERS_MAX),
    RECORD_UINT(struct jobs_submit, rounds),
    RECORD_UINT(struct jobs_submit, workers),
    RECORD_UINT(struct jobs_submit, quorum),
    RECORD_UINT(struct jobs_submit, memory_mib),
    RECORD_AMOUNT(struct jobs_submit, price_max),
    RECORD_AMOUNT(struct jobs_submit, replay_fee),
    RECORD_AMOUNT(struct jobs_submit, stake),
    RECORD_UINT(struct jobs_submit, sample),
    RECORD_UINT(struct jobs_submit, segment_ms),
    RECORD_UINT(struct jobs_submit, replay_ms),
    RECORD_UINT(struct jobs_submit, round_ms),
    RECORD_UINT(struct jobs_submit, deadline_ms),
    RECORD_AMOUNT(struct jobs_submit, budget),
};
const struct record jobs_submit_record = RECORD(struct jobs_submit, "submit", submit_fields);

static const struct record_field cancel_fields[] = {
    RECORD_UINT(struct jobs_cancel, job),
};
const struct record jobs_cancel_record = RECORD(struct jobs_cancel, "cancel", cancel_fields);

static const struct record_field segment_fields[] = {
    RECORD_UINT(struct jobs_segment, job),
    RECORD_UINT(struct jobs_segment, round),
    RECORD_UINT(struct jobs_segment, slot),
    RECORD_UINT(struct jobs_segment, attempt),
};
const struct record jobs_segment_record = RECORD(struct jobs_segment, "segment", segment_fields);

static const struct record_field commit_fields[] = {
    RECORD_ONE(struct jobs_commit, segment, &jobs_segment_record),
    RECORD_FIXED(struct jobs_commit, trace_root, RECORD_AS_HEX),
    RECORD_DIGESTS(struct jobs_commit, leaves, leaf_count, LEAVES_MAX),
    RECORD_ONE(struct jobs_commit, end, &trace_leaf_record),
};
const struct record jobs_commit_record = RECORD(struct jobs_commit, "commit", commit_fields);

static const struct record_field start_fields[] = {
    RECORD_UINT(struct jobs_start, interval),
    RECORD_ONE(struct jobs_start, leaf, &trace_leaf_record),
};
const struct record jobs_start_record = RECORD(struct jobs_start, "start", start_fields);

static const struct record_field serve_fields[] = {
    RECORD_ONE(struct jobs_serve, segment, &jobs_segment_record),
    RECORD_LIST(struct jobs_serve, starts, start_count, JOBS_INTERVALS_MAX, &jobs_start_record),
};
const struct record jobs_serve_record = RECORD(struct jobs_serve, "serve", serve_fields);

static const struct record_field seal_fields[] = {
    RECORD_ONE(struct jobs_seal, segment, &jobs_segment_record),
    RECORD_FIXED(struct jobs_seal, seal, RECORD_AS_HEX),
};
const struct record jobs_seal_record = RECORD(struct jobs_seal, "seal", seal_fields);

static const struct record_field answer_fields[] = {
    RECORD_UINT_MAX(struct jobs_answer, interval, JOBS_INTERVALS_MAX - 1),
    RECORD_ONE(struct jobs_answer, leaf, &trace_leaf_record),
};
const struct record jobs_answer_record = RECORD(struct jobs_answer, "answer", answer_fields);

static const struct record_field open_seal_fields[] = {
    RECORD_ONE(struct jobs_open_seal, segment, &jobs_segment_record),
    RECORD_LIST(struct jobs_open_seal, answers, answer_count, JOBS_INTERVALS_MAX,
                &jobs_answer_record),
    RECORD_FIXED(struct jobs_open_seal, nonce, RECORD_AS_HEX),
};
const struct record jobs_open_seal_record = RECORD(struct jobs_open_seal, "open", open_seal_fields);

static const struct record_field cast_fields[] = {
    RECORD_ONE(struct jobs_cast, segment, &jobs_segment_record),
    RECORD_ONE(struct jobs_cast, answer, &jobs_answer_record),
};
const struct record jobs_cast_record = RECORD(struct jobs_cast, "vote", cast_fields);

static const struct record_field close_fields[] = {
    RECORD_UINT(struct jobs_close, job),
    RECORD_UINT(struct jobs_close, round),
    RECORD_FIXED(struct jobs_close, global_root, RECORD_AS_HEX),
    RECORD_DIGESTS(struct jobs_close, start_roots, start_root_count, JOBS_WORKERS_MAX),
};
const struct record jobs_close_record = RECORD(struct jobs_close, "close", close_fields);

static const struct record_field job_fields[] = {
    RECORD_FIXED(struct jobs_job, consumer, RECORD_AS_ADDRESS),
    RECORD_ONE(struct jobs_job, terms, &jobs_submit_record),
    RECORD_UINT(struct jobs_job, steps),
    RECORD_UINT(struct jobs_job, interval),
    RECORD_UINT(struct jobs_job, intervals),
    RECORD_UINT(struct jobs_job, work),
    RECORD_UINT(struct jobs_job, auditors),
    RECORD_UINT(struct jobs_job, submitted_ms),
};
const struct record jobs_job_record = RECORD(struct jobs_job, "job", job_fields);

static const struct record_field progress_fields[] = {
    RECORD_UINT(struct jobs_progress, status),
    RECORD_UINT(struct jobs_progress, reason),
    RECORD_BOOL(struct jobs_progress, cancelling),
    RECORD_BOOL(struct jobs_progress, extended),
    RECORD_UINT(struct jobs_progress, search),
    RECORD_UINT(struct jobs_progress, lease),
    RECORD_UINT(struct jobs_progress, round),
    RECORD_FIXED(struct jobs_progress, global_root, RECORD_AS_HEX),
    RECORD_UINT(struct jobs_progress, round_opened_ms),
    RECORD_UINT(struct jobs_progress, round_deadline_ms),
    RECORD_UINT(struct jobs_progress, deadline_ms),
    RECORD_AMOUNT(struct jobs_progress, paid),
    RECORD_AMOUNT(struct jobs_progress, fees),
    RECORD_UINT(struct jobs_progress, ended_ms),
};
const struct record jobs_progress_record =
    RECORD(struct jobs_progress, "progress", progress_fields);

static const struct record_field slot_fields[] = {
    RECORD_UINT(struct jobs_slot, status),
    RECORD_UINT(struct jobs_slot, round),
    RECORD_UINT(struct jobs_slot, attempt),
    RECORD_BOOL(struct jobs_slot, leased),
    RECORD_UINT(struct jobs_slot, item),
    RECORD_FIXED(struct jobs_slot, worker, RECORD_AS_ADDRESS),
    RECORD_FIXED(struct jobs_slot, start_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_slot, residue_root, RECORD_AS_HEX),
    RECORD_UINT(struct jobs_slot, deadline_ms),
    RECORD_FIXED(struct jobs_slot, trace_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_slot, end_root, RECORD_AS_HEX),
    RECORD_UINT(struct jobs_slot, seats),
    RECORD_UINT(struct jobs_slot, disputed),
};
const struct record jobs_slot_record = RECORD(struct jobs_slot, "slot", slot_fields);

static const struct record_field trace_fields[] = {
    RECORD_ONE(struct jobs_trace, segment, &jobs_segment_record),
    RECORD_DIGESTS(struct jobs_trace, leaves, leaf_count, LEAVES_MAX),
};
const struct record jobs_trace_record = RECORD(struct jobs_trace, "trace", trace_fields);

static const struct record_field served_fields[] = {
    RECORD_ONE(struct jobs_served, segment, &jobs_segment_record),
    RECORD_LIST(struct jobs_served, starts, start_count, JOBS_INTERVALS_MAX, &jobs_start_record),
};
const struct record jobs_served_record = RECORD(struct jobs_served, "served", served_fields);

static const struct record_field drawn_fields[] = {
    RECORD_UINT_MAX(struct jobs_drawn, interval, JOBS_INTERVALS_MAX - 1),
};
const struct record jobs_drawn_record = RECORD(struct jobs_drawn, "drawn", drawn_fields);

static const struct record_field audit_fields[] = {
    RECORD_ONE(struct jobs_audit, segment, &jobs_segment_record),
    RECORD_FIXED(struct jobs_audit, replayer, RECORD_AS_ADDRESS),
    RECORD_UINT(struct jobs_audit, status),
    RECORD_BOOL(struct jobs_audit, drawn),
    RECORD_UINT(struct jobs_audit, epoch),
    RECORD_LIST(struct jobs_audit, intervals, interval_count, JOBS_DRAWN_MAX, &jobs_drawn_record),
    RECORD_FIXED(struct jobs_audit, seal, RECORD_AS_HEX),
    RECORD_ONE(struct jobs_audit, answer, &jobs_answer_record),
};
const struct record jobs_audit_record = RECORD(struct jobs_audit, "audit", audit_fields);

static const struct record_field vote_fields[] = {
    RECORD_ONE(struct jobs_vote, segment, &jobs_segment_record),
    RECORD_FIXED(struct jobs_vote, replayer, RECORD_AS_ADDRESS),
    RECORD_ONE(struct jobs_vote, answer, &jobs_answer_record),
};
const struct record jobs_vote_record = RECORD(struct jobs_vote, "cast_vote", vote_fields);

static const struct record_field ballot_fields[] = {
    RECORD_UINT(struct jobs_ballot, round),
    RECORD_FIXED(struct jobs_ballot, replayer, RECORD_AS_ADDRESS),
    RECORD_FIXED(struct jobs_ballot, global_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_ballot, result, RECORD_AS_HEX),
};
const struct record jobs_ballot_record = RECORD(struct jobs_ballot, "ballot", ballot_fields);

static const struct record_field open_fields[] = {
    RECORD_UINT(struct jobs_open, job),
};
const struct record jobs_open_record = RECORD(struct jobs_open, "open_job", open_fields);

static const struct record_field round_fields[] = {
    RECORD_FIXED(struct jobs_round, global_root, RECORD_AS_HEX),
    RECORD_UINT(struct jobs_round, opened_ms),
    RECORD_UINT(struct jobs_round, closed_ms),
    RECORD_UINT(struct jobs_round, included),
    RECORD_FIXED(struct jobs_round, next_root, RECORD_AS_HEX),
};
const struct record jobs_round_record = RECORD(struct jobs_round, "round", round_fields);

static const struct record_field result_fields[] = {
    RECORD_FIXED(struct jobs_result, worker, RECORD_AS_ADDRESS),
    RECORD_UINT(struct jobs_result, lease),
    RECORD_UINT(struct jobs_result, item),
    RECORD_UINT(struct jobs_result, reason),
    RECORD_UINT(struct jobs_result, ended_ms),
    RECORD_FIXED(struct jobs_result, trace_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_result, end_root, RECORD_AS_HEX),
    RECORD_AMOUNT(struct jobs_result, paid),
    RECORD_AMOUNT(struct jobs_result, fees),
    RECORD_AMOUNT(struct jobs_result, slashed),
    RECORD_BOOL(struct jobs_result, decided),
    RECORD_ONE(struct jobs_result, answer, &jobs_answer_record),
    RECORD_FIXED(struct jobs_result, committed, RECORD_AS_HEX),
};
const struct record jobs_result_record = RECORD(struct jobs_result, "result", result_fields);

static const struct record_field counter_fields[] = {
    RECORD_UINT(struct jobs_counter, count),
    RECORD_UINT(struct jobs_counter, open),
};
const struct record jobs_counter_record =
    RECORD(struct jobs_counter, "job_counter", counter_fields);

/* --- state --- */

bool jobs_get(struct view_state *view, uint64_t job, struct jobs_job *out)
{
    struct path path = path_1("job/", job);
    return view_load(view, path_key(&path), &jobs_job_record, out);
}

bool jobs_get_progress(struct view_state *view, uint64_t job, struct jobs_progress *out)
{
    struct path path = path_1("progress/", job);
    return view_load(view, path_key(&path), &jobs_progress_record, out);
}

void jobs_put_progress(struct view_state *view, uint64_t job, const struct jobs_progress *progress)
{
    struct path path = path_1("progress/", job);
    view_save(view, path_key(&path), &jobs_progress_record, progress);
}

bool jobs_get_slot(struct view_state *view, uint64_t job, uint16_t slot, struct jobs_slot *out)
{
    struct path path = path_part("slot/", job, slot);
    return view_load(view, path_key(&path), &jobs_slot_record, out);
}

void jobs_put_slot(struct view_state *view, uint64_t job, uint16_t slot,
                   const struct jobs_slot *state)
{
    struct path path = path_part("slot/", job, slot);
    view_save(view, path_key(&path), &jobs_slot_record, state);
}

struct credits_place jobs_escrow(uint64_t job)
{
    return (struct credits_place){.kind = CREDITS_ESCROW, .object = job, .part = 0};
}

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

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct jobs_job *job, uint8_t reason)
{
    struct event_job event = {.job = id, .consumer = job->consumer, .reason = reason};
    event_add(run->events, tag, &event);
}

/* --- seals, draws, work, budget --- */

static void add_u16(struct digest_stream *stream, uint16_t value)
{
    uint8_t be[2];
    bytes_put_u16(be, value);
    digest_add(stream, be, sizeof(be));
}

static void add_u32(struct digest_stream *stream, uint32_t value)
{
    uint8_t be[4];
    bytes_put_u32(be, value);
    digest_add(stream, be, sizeof(be));
}

static void add_segment(struct digest_stream *stream, const struct jobs_segment *segment)
{
    uint8_t be[8];
    bytes_put_u64(be, segment->job);
    digest_add(stream, be, sizeof(be));
    add_u32(stream, segment->round);
    add_u16(stream, segment->slot);
    add_u16(stream, segment->attempt);
}

struct digest jobs_seal_of(const struct digest *chain, const struct address *replayer,
                           const struct jobs_segment *segment, const struct jobs_answer *answers,
                           uint32_t count, const struct digest *nonce)
{
    static const char tag[] = "tenure/seal/1";
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, tag, sizeof(tag) - 1);
    digest_add(&stream, chain->bytes, DIGEST_SIZE);
    digest_add(&stream, replayer->bytes, ADDRESS_SIZE);
    add_segment(&stream, segment);
    add_u16(&stream, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        add_u16(&stream, answers[i].interval);
        digest_add(&stream, answers[i].leaf.state_root.bytes, DIGEST_SIZE);
        digest_add(&stream, answers[i].leaf.witness.bytes, DIGEST_SIZE);
    }
    digest_add(&stream, nonce->bytes, DIGEST_SIZE);
    return digest_end(&stream);
}

/* A number below `bound`, each equally likely; *tries counts the hashes. */
static uint64_t draw_below(uint64_t bound, uint32_t *tries, const struct digest *preimage,
                           const struct jobs_segment *segment, const struct digest *trace_root)
{
    static const char tag[] = "tenure/draw/1";
    uint64_t excess = (UINT64_MAX % bound + 1) % bound; /* 2^64 mod bound */
    for (;;) {
        struct digest_stream stream;
        digest_init(&stream);
        digest_add(&stream, tag, sizeof(tag) - 1);
        digest_add(&stream, preimage->bytes, DIGEST_SIZE);
        add_segment(&stream, segment);
        digest_add(&stream, trace_root->bytes, DIGEST_SIZE);
        add_u32(&stream, (*tries)++);
        struct digest hash = digest_end(&stream);
        uint64_t value = bytes_get_u64(hash.bytes);
        if (value <= UINT64_MAX - excess) /* fails with probability below 2^-55 */
            return value % bound;
    }
}

void jobs_draw_of(struct jobs_drawn *out, uint32_t k, uint32_t intervals,
                  const struct digest *preimage, const struct jobs_segment *segment,
                  const struct digest *trace_root)
{
    CHECK(1 <= k);
    CHECK(k <= JOBS_DRAWN_MAX);
    CHECK(k <= intervals);
    CHECK(intervals <= JOBS_INTERVALS_MAX);
    uint16_t list[JOBS_INTERVALS_MAX];
    uint32_t tries = 0;
    for (uint32_t i = 0; i < intervals; i++)
        list[i] = (uint16_t)i;
    for (uint32_t i = 0; i < k; i++) {
        uint32_t other =
            i + (uint32_t)draw_below(intervals - i, &tries, preimage, segment, trace_root);
        uint16_t taken = list[other];
        list[other] = list[i];
        list[i] = taken;
    }
    for (uint32_t i = 0; i < k; i++) { /* insertion sort: k is small */
        uint32_t at = i;
        for (; at > 0 && out[at - 1].interval > list[i]; at--)
            out[at] = out[at - 1];
        out[at].interval = list[i];
    }
}

bool jobs_work(uint64_t *work, const struct program *program)
{
    return program_work(work, program);
}

bool jobs_budget(struct amount *budget, const struct jobs_submit *terms, uint32_t intervals,
                 uint32_t auditors)
{
    uint64_t replayed = (uint64_t)(terms->sample == 0 ? intervals : terms->sample) * auditors;
    struct amount fees, segment;
    return amount_mul(&fees, &terms->replay_fee, replayed) &&
           amount_add(&segment, &terms->price_max, &fees) &&
           amount_mul(budget, &segment, (uint64_t)terms->rounds * terms->workers);
}

/* --- submit and cancel --- */

/* The least time that an honest machine needs: to be in a block, and to replay what an audit replays. */
static bool has_clocks(const struct jobs_job *job, const struct parameters *parameters)
{
    const struct jobs_submit *t = &job->terms;
    uint32_t replayed = t->sample == 0 ? job->intervals : t->sample;
    /* replay_ms x 10^6 a second, in 10^3 multiply-adds, >= work x replayed / intervals */
    return t->segment_ms >= parameters->answer_ms && t->replay_ms >= parameters->answer_ms &&
           (__uint128_t)t->replay_ms * JOBS_REPLAY_MMACS * 1000 * job->intervals >=
               (__uint128_t)job->work * replayed;
}

static bool terms_hold(const struct jobs_submit *t, uint32_t intervals, uint64_t now)
{
    uint32_t sample_max = intervals < JOBS_DRAWN_MAX ? intervals : JOBS_DRAWN_MAX;
    return !units_amount_is_zero(&t->price_max) && t->rounds >= 1 && t->rounds <= JOBS_ROUNDS_MAX &&
           t->workers >= 1 && t->workers <= JOBS_WORKERS_MAX && t->start_root_count == t->workers &&
           t->quorum >= 1 && t->quorum <= t->workers && t->sample <= sample_max &&
           !units_amount_is_zero(&t->stake) && t->segment_ms <= JOBS_TIME_MAX_MS &&
           t->replay_ms <= JOBS_TIME_MAX_MS && t->round_ms >= t->segment_ms &&
           t->round_ms <= JOBS_TIME_MAX_MS && t->deadline_ms > now &&
           t->deadline_ms - now <= JOBS_LIFE_MS;
}

/* What follows from the program. BAD_PROGRAM, OUT_OF_BOUNDS. */
static enum verdict read_program(const struct catalog_run *run, struct jobs_job *job)
{
    struct program program;
    if (program_unpack(run->view->arena, &program, job->terms.program, NULL) != ERR_NONE ||
        program.family != PROGRAM_MLP) /* the agents have no data for any other yet */
        return VERDICT_BAD_PROGRAM;
    job->steps = program.steps;
    job->interval = program.interval;
    job->intervals = trace_leaf_count(program.steps, program.interval) - 1;
    if (job->intervals > JOBS_INTERVALS_MAX || !jobs_work(&job->work, &program))
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
    enum verdict verdict = read_program(run, &job);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!parameters_get(run->view, &parameters) || !has_clocks(&job, &parameters) ||
        !terms_hold(&job.terms, job.intervals, run->context->time_ms))
        return VERDICT_OUT_OF_BOUNDS;
    if (!jobs_budget(&budget, &job.terms, job.intervals, job.auditors))
        return VERDICT_OVERFLOW;
    if (units_amount_compare(&job.terms.budget, &budget) < 0)
        return VERDICT_BUDGET_TOO_SMALL;
    struct jobs_counter counter = counter_get(run->view);
    if (counter.open >= JOBS_OPEN_MAX)
        return VERDICT_TOO_MANY;
    counter.count++;
    counter.open++;
    counter_put(run->view, &counter);
    verdict = credits_lock(run, jobs_escrow(counter.count), run->sender, &job.terms.budget);
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
    if (progress.cancelling)
        return VERDICT_ALREADY_DONE;
    if (progress.status == JOBS_RUNNING) {
        progress.cancelling = true;
        jobs_put_progress(run->view, args->job, &progress);
        emit(run, EVENT_JOB_CANCELLING, args->job, &job, LEASES_CANCELLED);
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

void jobs_due_deadline(const struct catalog_run *run, uint64_t id)
{
    struct jobs_progress progress;
    if (jobs_get_progress(run->view, id, &progress) && progress.status != JOBS_ENDED)
        jobs_end(run, id, LEASES_EXPIRED);
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
};
