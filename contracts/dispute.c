#include "contracts/dispute.h"

#include "base/check.h"
#include "contracts/audit.h"
#include "contracts/credits.h"
#include "contracts/path.h"
#include "contracts/settlement.h"
#include "contracts/validator.h"

/* --- votes --- */

static struct path vote_path(const struct attempt *attempt, uint8_t seat)
{
    struct path path = path_part("vote/", attempt->id, attempt->number);
    path_u8(&path, seat);
    return path;
}

static bool get(const struct attempt *attempt, uint8_t seat, struct jobs_vote *vote)
{
    struct path path = vote_path(attempt, seat);
    return view_load(attempt->run->view, path_key(&path), &jobs_vote_record, vote);
}

static struct credits_place stake_place(const struct attempt *attempt, uint8_t seat)
{
    return (struct credits_place){CREDITS_VOTE, attempt->id,
                                  (uint32_t)attempt->number * 256 + seat};
}

static void emit(const struct attempt *attempt, enum event_tag tag, const struct address *replayer,
                 const struct jobs_answer *answer)
{
    struct event_audit event = {
        .job = attempt->id,
        .round = attempt->slot.round,
        .slot = attempt->number,
        .attempt = attempt->slot.attempt,
        .replayer = *replayer,
        .interval = answer->interval,
        .state_root = answer->leaf.state_root,
        .witness = answer->leaf.witness,
    };
    event_add(attempt->run->events, tag, &event);
}

static void cast(const struct attempt *attempt, uint8_t seat, const struct address *replayer,
                 const struct jobs_answer *answer)
{
    struct path path = vote_path(attempt, seat);
    struct jobs_vote vote = {
        .segment = attempt_segment(attempt), .replayer = *replayer, .answer = *answer};
    view_save(attempt->run->view, path_key(&path), &jobs_vote_record, &vote);
    emit(attempt, EVENT_VOTE_CAST, replayer, answer);
}

static void drop(const struct attempt *attempt, uint8_t seat)
{
    credits_unlock(attempt->run, stake_place(attempt, seat));
    struct path path = vote_path(attempt, seat);
    view_delete(attempt->run->view, path_key(&path));
}

void dispute_close(const struct attempt *attempt)
{
    struct jobs_vote vote;
    for (uint8_t seat = 0; seat < attempt->seats; seat++)
        if (get(attempt, seat, &vote))
            drop(attempt, seat);
}

/* A vote that counts: its replayer still answers for the seat, so f bounds the liars among them. */
static bool get_counted(const struct attempt *attempt, uint8_t seat, struct jobs_vote *vote)
{
    return get(attempt, seat, vote) &&
           validator_sits(attempt->run->view, (struct seat){seat}, &vote->replayer);
}

static bool is_unavailable(const struct trace_leaf *leaf)
{
    return digest_is_zero(&leaf->state_root) && digest_is_zero(&leaf->witness);
}

/* --- deciding --- */

struct decision {
    struct jobs_answer answer;
    struct address winners[LIMIT_VALIDATORS]; /* who gave it */
    uint32_t winner_count;
};

/* The answer that f + 1 votes give; false if there is none yet. */
static bool decide(const struct attempt *attempt, struct decision *decision)
{
    uint32_t needed = validator_faulty(attempt->validators) + 1;
    struct jobs_vote vote, other;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!get_counted(attempt, seat, &vote))
            continue;
        decision->answer = vote.answer;
        decision->winner_count = 0;
        for (uint8_t i = 0; i < attempt->seats; i++)
            if (get_counted(attempt, i, &other) && trace_leaf_equal(&other.answer.leaf, &vote.answer.leaf))
                decision->winners[decision->winner_count++] = other.replayer;
        if (decision->winner_count >= needed)
            return true;
    }
    return false;
}

/* Every vote for another answer pays. */
static void outvote_votes(const struct attempt *attempt, const struct decision *decision)
{
    struct jobs_vote vote;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!get(attempt, seat, &vote) ||
            trace_leaf_equal(&vote.answer.leaf, &decision->answer.leaf))
            continue;
        struct amount stake = credits_locked(attempt->run->view, stake_place(attempt, seat));
        uint8_t percent = is_unavailable(&vote.answer.leaf) ? attempt->parameters.slash_mute : 100;
        (void)settlement_split(attempt, stake_place(attempt, seat), &stake, percent,
                               decision->winners, decision->winner_count);
    }
}

/* The commitment holds: who disputed this interval pays and leaves. */
static void clear_worker(struct attempt *attempt, const struct decision *decision)
{
    struct jobs_audit audit;
    outvote_votes(attempt, decision);
    for (uint8_t seat = 0; seat < attempt->seats; seat++)
        if (audit_get(attempt, seat, &audit) && audit.status == JOBS_AUDIT_DISPUTED &&
            audit.answer.interval == attempt->slot.disputed)
            audit_outvote(attempt, seat, decision->winners, decision->winner_count);
    dispute_close(attempt);
    audit_proceed(attempt);
}

/* The commitment is false: those who agreed with it, or found a third answer, pay too. */
static void convict_worker(struct attempt *attempt, const struct decision *decision,
                           const struct digest *committed)
{
    const struct parameters *parameters = &attempt->parameters;
    struct attempt_evidence evidence = {.answer = decision->answer, .committed = *committed};
    struct jobs_audit audit;
    bool is_withheld = is_unavailable(&decision->answer.leaf);
    if (!is_withheld) {
        outvote_votes(attempt, decision);
        for (uint8_t seat = 0; seat < attempt->seats; seat++) {
            if (!audit_get(attempt, seat, &audit))
                continue;
            bool has_agreed = audit.status == JOBS_AUDIT_AGREED &&
                              audit_covers(&attempt->job, &audit, attempt->slot.disputed);
            bool has_differed = audit.status == JOBS_AUDIT_DISPUTED &&
                                audit.answer.interval == attempt->slot.disputed &&
                                !trace_leaf_equal(&audit.answer.leaf, &decision->answer.leaf);
            if (has_agreed || has_differed)
                audit_outvote(attempt, seat, decision->winners, decision->winner_count);
        }
    }
    struct amount slashed = settlement_slash(
        attempt, is_withheld ? parameters->slash_withheld : parameters->slash_fraud,
        decision->winners, decision->winner_count);
    attempt_lost(attempt, is_withheld ? LEASES_WITHHELD : LEASES_FRAUD, &slashed, &evidence);
}

/* Writes the attempt if the votes decide. */
static void count(struct attempt *attempt)
{
    struct decision decision;
    struct jobs_trace trace;
    struct path path = path_part("trace/", attempt->id, attempt->number);
    if (!decide(attempt, &decision) ||
        !view_load(attempt->run->view, path_key(&path), &jobs_trace_record, &trace))
        return;
    emit(attempt, EVENT_VOTE_DECIDED, &address_zero, &decision.answer);
    CHECK(attempt->slot.disputed + 1u < trace.leaf_count);
    const struct digest *committed = &trace.leaves[attempt->slot.disputed + 1];
    struct digest found = trace_leaf_digest(&decision.answer.leaf);
    if (digest_equal(&found, committed))
        clear_worker(attempt, &decision);
    else
        convict_worker(attempt, &decision, committed);
}

/* --- opening and voting --- */

void dispute_begin(struct attempt *attempt)
{
    struct jobs_audit audit;
    bool is_open = false;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit) || audit.status != JOBS_AUDIT_DISPUTED)
            continue;
        if (!is_open)
            attempt->slot.disputed = audit.answer.interval;
        is_open = true;
        if (audit.answer.interval == attempt->slot.disputed)
            cast(attempt, seat, &audit.replayer, &audit.answer);
    }
    CHECK(is_open || attempt->run->view->err != ERR_NONE);
    attempt_status(attempt, JOBS_SLOT_VOTING,
                   attempt->run->context->time_ms + attempt->job.terms.replay_ms);
    count(attempt);
}

void dispute_join(struct attempt *attempt, uint8_t seat, const struct jobs_audit *audit)
{
    struct jobs_vote vote;
    if (audit->answer.interval != attempt->slot.disputed || get(attempt, seat, &vote))
        return;
    cast(attempt, seat, &audit->replayer, &audit->answer);
    count(attempt);
}

void dispute_expire(struct attempt *attempt)
{
    attempt_lost(attempt, LEASES_UNDECIDED, &units_zero, NULL);
}

enum verdict dispute_vote(const struct catalog_run *run, const void *in)
{
    const struct jobs_cast *args = in;
    struct attempt attempt;
    struct seat seat;
    struct validator validator;
    struct jobs_vote vote;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment, 1u << JOBS_SLOT_VOTING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!validator_of(run->view, run->sender, &seat, &validator))
        return VERDICT_NOT_REPLAYER;
    bool voted = get(&attempt, seat.n, &vote);
    if (voted && address_equal(&vote.replayer, run->sender))
        return VERDICT_ALREADY_DONE;
    if (args->answer.interval != attempt.slot.disputed)
        return VERDICT_WRONG_INTERVALS;
    if (voted) /* by who sat there before */
        drop(&attempt, seat.n);
    verdict = credits_lock(run, stake_place(&attempt, seat.n), run->sender,
                           &attempt.parameters.replay_stake);
    if (verdict != VERDICT_OK)
        return verdict;
    cast(&attempt, seat.n, run->sender, &args->answer);
    count(&attempt);
    return VERDICT_OK;
}
