#include "contracts/challenge.h"

#include "base/check.h"
#include "base/merkle.h"
#include "contracts/amount.h"
#include "contracts/attempt.h"
#include "contracts/due.h"
#include "contracts/members.h"
#include "contracts/path.h"
#include "contracts/poll.h"
#include "contracts/settlement.h"
#include "contracts/share.h"
#include "contracts/validator.h"

static const struct record_field challenge_fields[] = {
    RECORD_ONE(struct challenge, segment, &jobs_segment_record),
    RECORD_UINT(struct challenge, interval),
    RECORD_UINT(struct challenge, status),
    RECORD_FIXED(struct challenge, challenger, RECORD_AS_ADDRESS),
    RECORD_FIXED(struct challenge, committed, RECORD_AS_HEX),
    RECORD_AMOUNT(struct challenge, bond),
    RECORD_UINT(struct challenge, work_ms),
    RECORD_UINT(struct challenge, deadline_ms),
    RECORD_ONE(struct challenge, answer, &jobs_answer_record),
    RECORD_AMOUNT(struct challenge, slashed),
};
static const struct record_field open_fields[] = {
    RECORD_ONE(struct challenge_open, segment, &jobs_segment_record),
    RECORD_UINT(struct challenge_open, interval),
};
static const struct record_field counter_fields[] = {
    RECORD_UINT(struct challenge_counter, count),
    RECORD_UINT(struct challenge_counter, open_ms),
};
static const struct record_field raise_fields[] = {
    RECORD_ONE(struct challenge_raise, segment, &jobs_segment_record),
    RECORD_UINT_MAX(struct challenge_raise, interval, JOBS_INTERVALS_MAX - 1),
    RECORD_DIGESTS(struct challenge_raise, leaves, leaf_count, JOBS_INTERVALS_MAX + 1),
};
static const struct record_field answer_fields[] = {
    RECORD_UINT(struct challenge_answer, challenge),
    RECORD_ONE(struct challenge_answer, answer, &jobs_answer_record),
};
const struct record challenge_record = RECORD(struct challenge, "challenge", challenge_fields);
const struct record challenge_open_record =
    RECORD(struct challenge_open, "challenge_open", open_fields);
const struct record challenge_counter_record =
    RECORD(struct challenge_counter, "challenge_counter", counter_fields);
const struct record challenge_raise_record =
    RECORD(struct challenge_raise, "challenge_raise", raise_fields);
const struct record challenge_answer_record =
    RECORD(struct challenge_answer, "challenge_answer", answer_fields);

/* --- state --- */

static struct path challenge_path(const struct jobs_segment *segment, uint16_t interval)
{
    struct path path = path_1("challenged/", segment->job);
    path_u32(&path, segment->round);
    path_u16(&path, segment->slot);
    path_u16(&path, segment->attempt);
    path_u16(&path, interval);
    return path;
}

bool challenge_get(struct view_state *view, const struct jobs_segment *segment, uint16_t interval,
                   struct challenge *out)
{
    struct path path = challenge_path(segment, interval);
    return view_load(view, path_key(&path), &challenge_record, out);
}

static void put(struct view_state *view, const struct challenge *challenge)
{
    struct path path = challenge_path(&challenge->segment, challenge->interval);
    view_save(view, path_key(&path), &challenge_record, challenge);
}

static struct credits_place bond_place(uint64_t id)
{
    return (struct credits_place){CREDITS_BOND, id, 0};
}

/* An open challenge with all that deciding it needs. */
struct hearing {
    const struct catalog_run *run;
    uint64_t id;
    struct challenge challenge;
    struct parameters parameters;
    struct jobs_job job;
    struct jobs_result result;
    struct poll poll;
};

static bool load(struct hearing *hearing, const struct catalog_run *run, uint64_t id)
{
    struct challenge_open open;
    struct path path = path_1("challenge/", id);
    struct view_state *view = run->view;
    hearing->run = run;
    hearing->id = id;
    if (!view_load(view, path_key(&path), &challenge_open_record, &open) ||
        !challenge_get(view, &open.segment, open.interval, &hearing->challenge) ||
        !parameters_get(view, &hearing->parameters) ||
        !jobs_get(view, open.segment.job, &hearing->job) ||
        !jobs_get_result(view, &open.segment, &hearing->result))
        return false;
    hearing->poll = (struct poll){
        .run = run,
        .parameters = &hearing->parameters,
        .votes = path_1("ruling/", id),
        .stakes = {CREDITS_RULING, id, 0},
        .validators = validator_count(view),
        .seats = (uint8_t)validator_seats(view),
    };
    return true;
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct challenge *challenge)
{
    struct event_challenge event = {
        .challenge = id,
        .job = challenge->segment.job,
        .round = challenge->segment.round,
        .slot = challenge->segment.slot,
        .attempt = challenge->segment.attempt,
        .interval = challenge->interval,
        .challenger = challenge->challenger,
        .status = challenge->status,
        .amount = challenge->slashed,
    };
    event_add(run->events, tag, &event);
}

/* --- raise --- */

/* The segment was paid, its window is open, some of its stake is left, and these are the leaves of its trace. */
static enum verdict check(const struct catalog_run *run, const struct challenge_raise *args,
                          const struct parameters *parameters, const struct jobs_job *job,
                          const struct jobs_result *result)
{
    struct credits_place stake = {CREDITS_STAKE, result->lease, result->item};
    struct amount left = credits_locked(run->view, stake);
    struct challenge before;
    bool is_paid = result->reason == LEASES_COMPLETED || result->reason == LEASES_DIVERGED;
    if (!is_paid || units_amount_is_zero(&left))
        return VERDICT_WRONG_STATE;
    if (run->context->time_ms >= result->ended_ms + parameters->challenge_ms)
        return VERDICT_TOO_LATE;
    uint32_t intervals = share_of(job, args->segment.slot).intervals;
    if (args->leaf_count != intervals + 1)
        return VERDICT_WRONG_LEAVES;
    if (args->interval >= intervals)
        return VERDICT_WRONG_INTERVALS;
    struct digest root = merkle_root(args->leaves, args->leaf_count);
    if (!digest_equal(&root, &result->trace_root))
        return VERDICT_WRONG_TRACE_ROOT;
    if (challenge_get(run->view, &args->segment, args->interval, &before) &&
        before.status != CHALLENGE_UNDECIDED)
        return VERDICT_ALREADY_DONE;
    return VERDICT_OK;
}

static struct challenge_counter counter_get(struct view_state *view)
{
    struct challenge_counter counter = {0};
    (void)view_load(view, bytes_text("challenge_count"), &challenge_counter_record, &counter);
    return counter;
}

static void counter_put(struct view_state *view, const struct challenge_counter *counter)
{
    view_save(view, bytes_text("challenge_count"), &challenge_counter_record, counter);
}

static enum verdict on_raise(const struct catalog_run *run, const void *in)
{
    const struct challenge_raise *args = in;
    struct parameters parameters;
    struct jobs_job job;
    struct jobs_result result;
    if (!parameters_get(run->view, &parameters) || !jobs_get(run->view, args->segment.job, &job) ||
        !jobs_get_result(run->view, &args->segment, &result))
        return VERDICT_NOT_FOUND;
    enum verdict verdict = check(run, args, &parameters, &job, &result);
    if (verdict != VERDICT_OK)
        return verdict;
    struct challenge_counter counter = counter_get(run->view);
    uint64_t id = ++counter.count, work = share_of(&job, args->segment.slot).work,
             work_ms = work / (1000 * parameters.replay_mmacs);
    counter.open_ms += work_ms;
    counter_put(run->view, &counter);
    verdict = credits_lock(run, bond_place(id), run->sender, &parameters.challenge_bond);
    if (verdict != VERDICT_OK)
        return verdict;

    struct challenge challenge = {
        .segment = args->segment,
        .interval = args->interval,
        .status = CHALLENGE_OPEN,
        .challenger = *run->sender,
        .committed = args->leaves[args->interval + 1],
        .bond = parameters.challenge_bond,
        .work_ms = work_ms,
        .deadline_ms = run->context->time_ms + counter.open_ms + parameters.answer_ms,
    };
    struct challenge_open open = {.segment = args->segment, .interval = args->interval};
    struct path path = path_1("challenge/", id);
    put(run->view, &challenge);
    view_save(run->view, path_key(&path), &challenge_open_record, &open);
    due_set(run->view, DUE_CHALLENGE, id, 0, 0, challenge.deadline_ms);
    leases_hold(run, result.lease, result.item);
    emit(run, EVENT_CHALLENGE_RAISED, id, &challenge);
    return VERDICT_OK;
}

/* --- deciding --- */

/* Bond, votes and timer are gone; the challenge stays as history. */
static void finish(struct hearing *hearing, enum challenge_status status)
{
    const struct catalog_run *run = hearing->run;
    struct challenge *challenge = &hearing->challenge;
    struct path path = path_1("challenge/", hearing->id);
    credits_unlock(run, bond_place(hearing->id));
    poll_close(&hearing->poll);
    due_set(run->view, DUE_CHALLENGE, hearing->id, 0, challenge->deadline_ms, 0);
    view_delete(run->view, path_key(&path));
    struct challenge_counter counter = counter_get(run->view);
    counter.open_ms -= challenge->work_ms;
    counter_put(run->view, &counter);
    leases_release_hold(run, hearing->result.lease, hearing->result.item);
    challenge->status = (uint8_t)status;
    put(run->view, challenge);
    emit(run, EVENT_CHALLENGE_DECIDED, hearing->id, challenge);
}

/* Everybody who gave another answer than the decided one pays. */
static void outvote(const struct poll *poll, const struct poll_decision *decision)
{
    struct jobs_vote vote;
    for (uint8_t seat = 0; seat < poll->seats; seat++) {
        if (!poll_get(poll, seat, &vote))
            continue;
        struct digest leaf = poll_leaf(&vote.answer.leaf);
        if (!digest_equal(&leaf, &decision->leaf))
            poll_outvote(poll, seat, &leaf, decision);
    }
}

/* Nothing rolls back: from this round on the job's global states descend from a falsehood, and say so. */
static void taint(const struct catalog_run *run, uint64_t job, uint32_t round)
{
    struct jobs_progress progress;
    if (!jobs_get_progress(run->view, job, &progress) ||
        (progress.tainted && progress.tainted_from <= round))
        return;
    progress.tainted = true;
    progress.tainted_from = round;
    jobs_put_progress(run->view, job, &progress);
    struct event_round event = {.job = job, .round = round, .account = address_zero};
    event_add(run->events, EVENT_ROUND_TAINTED, &event);
}

static void uphold(struct hearing *hearing, const struct poll_decision *decision)
{
    const struct catalog_run *run = hearing->run;
    const struct jobs_result *result = &hearing->result;
    struct challenge *challenge = &hearing->challenge;
    struct credits_place stake = {CREDITS_STAKE, result->lease, result->item};
    struct leases_item item;
    if (!leases_get_item(run->view, result->lease, result->item, &item))
        return;
    outvote(&hearing->poll, decision);
    challenge->answer = decision->answer;
    challenge->slashed =
        settlement_split(run, &hearing->parameters, stake, &item.stake,
                         hearing->parameters.slash_fraud, &challenge->challenger, 1);
    if (result->reason == LEASES_COMPLETED) /* what diverged is in no average */
        taint(run, challenge->segment.job, challenge->segment.round);
    finish(hearing, CHALLENGE_UPHELD);
    attempt_dismiss(run, challenge->segment.job, challenge->segment.slot, result->item,
                    LEASES_FRAUD);
}

static void refute(struct hearing *hearing, const struct poll_decision *decision)
{
    outvote(&hearing->poll, decision);
    (void)settlement_split(hearing->run, &hearing->parameters, bond_place(hearing->id),
                           &hearing->challenge.bond, 100, decision->winners,
                           decision->winner_count);
    finish(hearing, CHALLENGE_REFUTED);
}

static void give_up(struct hearing *hearing)
{
    struct amount fee;
    CHECK(amount_share(&fee, &hearing->challenge.bond, hearing->parameters.slash_mute, 100));
    (void)credits_forfeit(hearing->run, bond_place(hearing->id), &fee);
    finish(hearing, CHALLENGE_UNDECIDED);
}

static void count(struct hearing *hearing)
{
    struct poll_ballot ballots[LIMIT_VALIDATORS];
    struct poll_decision decision;
    poll_read(&hearing->poll, ballots);
    if (!poll_decide(&hearing->poll, ballots, &decision))
        return;
    if (digest_is_zero(&decision.leaf))
        give_up(hearing);
    else if (digest_equal(&decision.leaf, &hearing->challenge.committed))
        refute(hearing, &decision);
    else
        uphold(hearing, &decision);
}

static enum verdict on_answer(const struct catalog_run *run, const void *in)
{
    const struct challenge_answer *args = in;
    struct hearing hearing;
    struct seat seat;
    struct validator validator;
    if (!load(&hearing, run, args->challenge))
        return VERDICT_NOT_FOUND;
    if (run->context->time_ms >= hearing.challenge.deadline_ms)
        return VERDICT_TOO_LATE;
    if (!validator_of(run->view, run->sender, &seat, &validator))
        return VERDICT_NOT_REPLAYER;
    if (args->answer.interval != hearing.challenge.interval)
        return VERDICT_WRONG_INTERVALS;
    struct jobs_vote vote = {
        .segment = hearing.challenge.segment, .replayer = *run->sender, .answer = args->answer};
    enum verdict verdict = poll_cast(&hearing.poll, seat.n, &vote, false);
    if (verdict == VERDICT_OK)
        count(&hearing);
    return verdict;
}

void challenge_due(const struct catalog_run *run, uint64_t id)
{
    struct hearing hearing;
    struct poll_ballot ballots[LIMIT_VALIDATORS];
    if (!load(&hearing, run, id))
        return;
    poll_read(&hearing.poll, ballots);
    poll_close(&hearing.poll);
    for (uint8_t seat = 0; seat < hearing.poll.seats; seat++)
        if (!ballots[seat].is_there)
            poll_fine_absent(&hearing.poll, seat);
    give_up(&hearing);
}

const struct catalog_method challenge_methods[CHALLENGE_METHOD_COUNT] = {
    {CHALLENGE_RAISE, "raise", &challenge_raise_record, 0, on_raise},
    {CHALLENGE_ANSWER, "answer", &challenge_answer_record, MEMBERS_ROLE_REPLAYER, on_answer},
};
