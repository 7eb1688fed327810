#include "contracts/jobs.h"

#include "contracts/path.h"

#define LEAVES_MAX (JOBS_INTERVALS_MAX + 1)

static const struct record_field steps_fields[] = {
    RECORD_UINT_MAX(struct jobs_steps, steps, PROGRAM_STEPS_MAX),
};
const struct record jobs_steps_record = RECORD(struct jobs_steps, "steps", steps_fields);

static const struct record_field submit_fields[] = {
    RECORD_TEXT(struct jobs_submit, name, LIMIT_TEXT_BYTES),
    RECORD_BYTES(struct jobs_submit, program, PROGRAM_BYTES_MAX),
    RECORD_FIXED(struct jobs_submit, data_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_submit, global_root, RECORD_AS_HEX),
    RECORD_DIGESTS(struct jobs_submit, start_roots, start_root_count, JOBS_WORKERS_MAX),
    RECORD_UINT(struct jobs_submit, rounds),
    RECORD_UINT(struct jobs_submit, workers),
    RECORD_LIST(struct jobs_submit, shares, share_count, JOBS_WORKERS_MAX, &jobs_steps_record),
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

static const struct record_field claim_fields[] = {
    RECORD_ONE(struct jobs_claim, segment, &jobs_segment_record),
    RECORD_LIST(struct jobs_claim, truths, truth_count, JOBS_INTERVALS_MAX, &jobs_answer_record),
    RECORD_FIXED(struct jobs_claim, nonce, RECORD_AS_HEX),
};
const struct record jobs_claim_record = RECORD(struct jobs_claim, "claim", claim_fields);

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
    RECORD_UINT(struct jobs_job, state_kib),
    RECORD_UINT(struct jobs_job, auditors),
    RECORD_UINT(struct jobs_job, submitted_ms),
};
const struct record jobs_job_record = RECORD(struct jobs_job, "job", job_fields);

static const struct record_field progress_fields[] = {
    RECORD_UINT(struct jobs_progress, status),
    RECORD_UINT(struct jobs_progress, reason),
    RECORD_UINT(struct jobs_progress, ending),
    RECORD_BOOL(struct jobs_progress, extended),
    RECORD_UINT(struct jobs_progress, search),
    RECORD_UINT(struct jobs_progress, barred),
    RECORD_UINT(struct jobs_progress, lease),
    RECORD_UINT(struct jobs_progress, round),
    RECORD_FIXED(struct jobs_progress, global_root, RECORD_AS_HEX),
    RECORD_UINT(struct jobs_progress, round_opened_ms),
    RECORD_UINT(struct jobs_progress, round_deadline_ms),
    RECORD_UINT(struct jobs_progress, deadline_ms),
    RECORD_AMOUNT(struct jobs_progress, paid),
    RECORD_AMOUNT(struct jobs_progress, fees),
    RECORD_UINT(struct jobs_progress, ended_ms),
    RECORD_BOOL(struct jobs_progress, tainted),
    RECORD_UINT(struct jobs_progress, tainted_from),
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
    RECORD_UINT(struct jobs_slot, since_ms),
    RECORD_UINT(struct jobs_slot, deadline_ms),
    RECORD_FIXED(struct jobs_slot, trace_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_slot, end_root, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct jobs_slot, trained, JOBS_INTERVALS_MAX),
    RECORD_BOOL(struct jobs_slot, diverged),
    RECORD_UINT(struct jobs_slot, seats),
    RECORD_BOOL(struct jobs_slot, summoned),
    RECORD_UINT(struct jobs_slot, disputed),
    RECORD_BOOL(struct jobs_slot, claimed),
    RECORD_BOOL(struct jobs_slot, planted),
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

static const struct record_field mark_fields[] = {
    RECORD_UINT(struct jobs_mark, mmacs),
    RECORD_UINT(struct jobs_mark, jobs),
    RECORD_UINT(struct jobs_mark, work),
};
const struct record jobs_mark_record = RECORD(struct jobs_mark, "mark", mark_fields);

static const struct record_field audit_fields[] = {
    RECORD_ONE(struct jobs_audit, segment, &jobs_segment_record),
    RECORD_FIXED(struct jobs_audit, replayer, RECORD_AS_ADDRESS),
    RECORD_UINT(struct jobs_audit, status),
    RECORD_BOOL(struct jobs_audit, drawn),
    RECORD_UINT(struct jobs_audit, epoch),
    RECORD_LIST(struct jobs_audit, intervals, interval_count, JOBS_DRAWN_MAX, &jobs_drawn_record),
    RECORD_FIXED(struct jobs_audit, seal, RECORD_AS_HEX),
    RECORD_ONE(struct jobs_audit, answer, &jobs_answer_record),
    RECORD_ONE(struct jobs_audit, mark, &jobs_mark_record),
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
    RECORD_FIXED(struct jobs_result, start_root, RECORD_AS_HEX),
    RECORD_FIXED(struct jobs_result, residue_root, RECORD_AS_HEX),
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

static const struct record_field count_fields[] = {
    RECORD_UINT(struct jobs_count, open),
};
const struct record jobs_count_record = RECORD(struct jobs_count, "job_ordering", count_fields);

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

static struct path result_path(const struct jobs_segment *segment)
{
    struct path path = path_1("result/", segment->job);
    path_u32(&path, segment->round);
    path_u16(&path, segment->slot);
    path_u16(&path, segment->attempt);
    return path;
}

bool jobs_get_result(struct view_state *view, const struct jobs_segment *segment,
                     struct jobs_result *out)
{
    struct path path = result_path(segment);
    return view_load(view, path_key(&path), &jobs_result_record, out);
}

void jobs_put_result(struct view_state *view, const struct jobs_segment *segment,
                     const struct jobs_result *result)
{
    struct path path = result_path(segment);
    view_save(view, path_key(&path), &jobs_result_record, result);
}

struct credits_place jobs_escrow(uint64_t job)
{
    return (struct credits_place){.kind = CREDITS_ESCROW, .object = job, .part = 0};
}

struct credits_place jobs_deposit(uint64_t job)
{
    return (struct credits_place){.kind = CREDITS_JOB, .object = job, .part = 0};
}
