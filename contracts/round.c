#include "contracts/round.h"

#include "base/check.h"
#include "contracts/attempt.h"
#include "contracts/due.h"
#include "contracts/path.h"
#include "contracts/validator.h"

static struct path round_path(uint64_t job, uint32_t round)
{
    struct path path = path_1("round/", job);
    path_u32(&path, round);
    return path;
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t job, uint32_t round,
                 const struct digest *root, uint64_t included)
{
    struct event_round event = {
        .job = job, .round = round, .account = *run->sender, .root = *root, .included = included};
    event_add(run->events, tag, &event);
}

/* Where a round's slots stand. */
struct tally {
    uint64_t included; /* bit w: slot w is VERIFIED */
    uint32_t diverged;
    uint32_t working; /* not done */
};

static struct tally count(struct view_state *view, uint64_t job, uint16_t workers)
{
    struct tally tally = {0};
    struct jobs_slot slot;
    for (uint16_t w = 0; w < workers && jobs_get_slot(view, job, w, &slot); w++) {
        if (slot.status == JOBS_SLOT_VERIFIED)
            tally.included |= 1ull << w;
        else if (slot.status == JOBS_SLOT_DIVERGED)
            tally.diverged++;
        else if (slot.status != JOBS_SLOT_MISSED)
            tally.working++;
    }
    return tally;
}

/* --- opening --- */

static void start_slot(const struct catalog_run *run, uint64_t job, uint16_t number, uint32_t round,
                       const struct digest *root)
{
    struct attempt attempt;
    if (!attempt_load(&attempt, run, job, number))
        return;
    attempt.slot.round = round;
    attempt.slot.attempt = 0;
    attempt.slot.start_root = *root;
    if (attempt.slot.leased)
        attempt_begin(&attempt);
    else
        attempt_wait(&attempt);
}

void round_start(const struct catalog_run *run, uint64_t job, const struct digest *start_roots)
{
    struct jobs_job record;
    struct jobs_progress progress;
    if (!jobs_get(run->view, job, &record) || !jobs_get_progress(run->view, job, &progress))
        return;
    uint64_t now = run->context->time_ms;
    if (!jobs_has_time(run, &record)) {
        jobs_end(run, job, LEASES_EXPIRED);
        return;
    }
    progress.status = JOBS_RUNNING;
    progress.extended = false;
    progress.round_opened_ms = now;
    progress.round_deadline_ms = now + record.terms.round_ms;
    jobs_put_progress(run->view, job, &progress);
    struct path path = round_path(job, progress.round);
    struct jobs_round round = {.global_root = progress.global_root, .opened_ms = now};
    view_save(run->view, path_key(&path), &jobs_round_record, &round);
    emit(run, EVENT_ROUND_OPENED, job, progress.round, &progress.global_root, 0);
    for (uint16_t w = 0; w < record.terms.workers; w++)
        start_slot(run, job, w, progress.round, &start_roots[w]);
}

/* --- settling --- */

/* Gives the missed slots another round_ms. */
static void extend(const struct catalog_run *run, uint64_t job, const struct jobs_job *record,
                   struct jobs_progress *progress)
{
    progress->extended = true;
    progress->round_deadline_ms = run->context->time_ms + record->terms.round_ms;
    jobs_put_progress(run->view, job, progress);
    emit(run, EVENT_ROUND_EXTENDED, job, progress->round, &progress->global_root, 0);
    for (uint16_t w = 0; w < record->terms.workers; w++) {
        struct attempt attempt;
        if (!attempt_load(&attempt, run, job, w) || attempt.slot.status != JOBS_SLOT_MISSED)
            continue;
        attempt.slot.attempt++;
        attempt_wait(&attempt);
    }
}

void round_settle(const struct catalog_run *run, uint64_t job)
{
    struct jobs_job record;
    struct jobs_progress progress;
    if (!jobs_get(run->view, job, &record) || !jobs_get_progress(run->view, job, &progress) ||
        progress.status != JOBS_RUNNING)
        return;
    struct tally tally = count(run->view, job, record.terms.workers);
    if (tally.working > 0)
        return;
    uint32_t verified = (uint32_t)__builtin_popcountll(tally.included);
    if (progress.ending != LEASES_OPEN) {
        jobs_end(run, job, (enum leases_reason)progress.ending);
    } else if (verified >= record.terms.quorum) {
        uint64_t deadline_ms = run->context->time_ms + record.terms.replay_ms;
        due_set(run->view, DUE_MATCH, job, 0, progress.deadline_ms, deadline_ms);
        progress.status = JOBS_CLOSING;
        progress.deadline_ms = deadline_ms;
        jobs_put_progress(run->view, job, &progress);
        emit(run, EVENT_ROUND_CLOSING, job, progress.round, &progress.global_root, tally.included);
    } else if (tally.diverged + record.terms.quorum > record.terms.workers) {
        jobs_end(run, job, LEASES_DIVERGED);
    } else if (progress.extended) {
        jobs_end(run, job, LEASES_QUORUM_LOST);
    } else if (!jobs_has_time(run, &record)) {
        jobs_end(run, job, LEASES_EXPIRED);
    } else {
        extend(run, job, &record, &progress);
    }
}

/* --- closing --- */

static struct digest result_of(const struct jobs_close *args)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, args->global_root.bytes, DIGEST_SIZE);
    for (uint32_t i = 0; i < args->start_root_count; i++)
        digest_add(&stream, args->start_roots[i].bytes, DIGEST_SIZE);
    return digest_end(&stream);
}

static struct path ballot_path(uint64_t job, uint8_t seat)
{
    struct path path = path_1("ballot_close/", job);
    path_u8(&path, seat);
    return path;
}

/* The seat's ballot of this round. */
static bool get_ballot(struct view_state *view, uint64_t job, uint32_t round, uint8_t seat,
                       struct jobs_ballot *ballot)
{
    struct path path = ballot_path(job, seat);
    return view_load(view, path_key(&path), &jobs_ballot_record, ballot) && ballot->round == round;
}

/* f + 1 agree: the round is history, and the next one opens or the job is done. */
static void advance(const struct catalog_run *run, const struct jobs_close *args,
                    const struct jobs_job *record, struct jobs_progress *progress)
{
    struct jobs_round round;
    struct path path = round_path(args->job, args->round);
    if (!view_load(run->view, path_key(&path), &jobs_round_record, &round))
        return;
    round.closed_ms = run->context->time_ms;
    round.included = count(run->view, args->job, record->terms.workers).included;
    round.next_root = args->global_root;
    view_save(run->view, path_key(&path), &jobs_round_record, &round);
    for (uint16_t w = 0; w < record->terms.workers; w++) {
        struct jobs_slot slot;
        if (!(round.included >> w & 1) || !jobs_get_slot(run->view, args->job, w, &slot))
            continue;
        slot.residue_root = slot.end_root;
        jobs_put_slot(run->view, args->job, w, &slot);
    }
    due_set(run->view, DUE_MATCH, args->job, 0, progress->deadline_ms, 0);
    progress->deadline_ms = 0;
    progress->round++;
    progress->global_root = args->global_root;
    jobs_put_progress(run->view, args->job, progress);
    emit(run, EVENT_ROUND_CLOSED, args->job, args->round, &args->global_root, round.included);
    if (progress->round == record->terms.rounds)
        jobs_end(run, args->job, LEASES_COMPLETED);
    else
        round_start(run, args->job, args->start_roots);
}

enum verdict round_close(const struct catalog_run *run, const void *in)
{
    const struct jobs_close *args = in;
    struct jobs_job record;
    struct jobs_progress progress;
    struct seat seat;
    struct validator validator;
    struct jobs_ballot ballot;
    if (!jobs_get(run->view, args->job, &record) ||
        !jobs_get_progress(run->view, args->job, &progress))
        return VERDICT_NOT_FOUND;
    if (progress.status != JOBS_CLOSING)
        return VERDICT_WRONG_STATE;
    if (progress.round != args->round)
        return VERDICT_STALE;
    if (run->context->time_ms >= progress.deadline_ms)
        return VERDICT_TOO_LATE;
    if (!validator_of(run->view, run->sender, &seat, &validator))
        return VERDICT_NOT_REPLAYER;
    if (get_ballot(run->view, args->job, args->round, seat.n, &ballot) &&
        address_equal(&ballot.replayer, run->sender))
        return VERDICT_ALREADY_DONE;
    bool is_last = args->round + 1 == record.terms.rounds;
    if (args->start_root_count != (is_last ? 0u : record.terms.workers))
        return VERDICT_OUT_OF_BOUNDS;

    struct path path = ballot_path(args->job, seat.n);
    ballot = (struct jobs_ballot){
        .round = args->round,
        .replayer = *run->sender,
        .global_root = args->global_root,
        .result = result_of(args),
    };
    view_save(run->view, path_key(&path), &jobs_ballot_record, &ballot);
    emit(run, EVENT_ROUND_VOTED, args->job, args->round, &args->global_root, 0);
    uint32_t seats = validator_seats(run->view), equal = 0;
    for (uint8_t i = 0; i < seats; i++) {
        struct jobs_ballot other; /* of who sits there now: f bounds the liars among them */
        equal += get_ballot(run->view, args->job, args->round, i, &other) &&
                 validator_sits(run->view, (struct seat){i}, &other.replayer) &&
                 digest_equal(&other.result, &ballot.result);
    }
    if (equal > validator_faulty(validator_count(run->view)))
        advance(run, args, &record, &progress);
    return VERDICT_OK;
}
