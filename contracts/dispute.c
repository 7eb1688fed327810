#include "contracts/dispute.h"

#include "base/check.h"
#include "contracts/audit.h"
#include "contracts/credits.h"
#include "contracts/path.h"
#include "contracts/poll.h"
#include "contracts/settlement.h"
#include "contracts/validator.h"

/* --- the poll --- */

static struct poll poll_of(const struct attempt *attempt)
{
    return (struct poll){
        .run = attempt->run,
        .parameters = &attempt->parameters,
        .votes = path_part("vote/", attempt->id, attempt->number),
        .stakes = {CREDITS_VOTE, attempt->id, (uint32_t)attempt->number * 256},
        .validators = attempt->validators,
        .seats = attempt->seats,
    };
}

void dispute_close(const struct attempt *attempt)
{
    struct poll poll = poll_of(attempt);
    poll_close(&poll);
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

/* The digest that the worker committed for the end of the disputed interval. */
static bool get_committed(const struct attempt *attempt, struct digest *committed)
{
    struct jobs_trace trace;
    struct path path = path_part("trace/", attempt->id, attempt->number);
    if (!view_load(attempt->run->view, path_key(&path), &jobs_trace_record, &trace))
        return false;
    CHECK(attempt->slot.disputed + 1u < trace.leaf_count);
    *committed = trace.leaves[attempt->slot.disputed + 1];
    return true;
}

/* What an opened audit says of the disputed interval; false if it says nothing. */
static bool opened(const struct attempt *attempt, uint8_t seat, const struct digest *committed,
                   struct jobs_audit *audit, struct digest *leaf)
{
    if (!audit_get(attempt, seat, audit))
        return false;
    bool has_agreed = audit->status == JOBS_AUDIT_AGREED &&
                      audit_covers(&attempt->job, audit, attempt->slot.disputed);
    bool has_differed =
        audit->status == JOBS_AUDIT_DISPUTED && audit->answer.interval == attempt->slot.disputed;
    *leaf = has_agreed ? *committed : poll_leaf(&audit->answer.leaf);
    return has_agreed || has_differed;
}

/* Votes, and for who hasn't cast one the opening that covers the interval. */
static void read_ballots(const struct attempt *attempt, const struct poll *poll,
                         const struct digest *committed,
                         struct poll_ballot ballots[LIMIT_VALIDATORS])
{
    struct jobs_audit audit;
    struct digest leaf;
    poll_read(poll, ballots);
    for (uint8_t seat = 0; seat < attempt->seats; seat++)
        if (!ballots[seat].is_there && opened(attempt, seat, committed, &audit, &leaf) &&
            validator_sits(attempt->run->view, (struct seat){seat}, &audit.replayer))
            ballots[seat] = (struct poll_ballot){true, leaf, audit.replayer};
}

/* --- deciding --- */

/* The seat gave another answer than the decided one: its audit, if it has one, ends, and it isn't chosen again. */
static void discredit(struct attempt *attempt, const struct poll *poll, uint8_t seat,
                      const struct digest *leaf, const struct poll_decision *decision)
{
    audit_outvote(attempt, seat, poll_penalty(poll, leaf), decision->winners,
                  decision->winner_count);
    if (!digest_is_zero(leaf)) /* "unavailable" may be what its worker made it */
        attempt->progress.barred |= 1ull << seat;
}

/* Everybody who gave another answer than the decided one pays, and its audit ends. */
static void outvote(struct attempt *attempt, const struct poll *poll,
                    const struct digest *committed, const struct poll_decision *decision)
{
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        struct jobs_vote vote;
        struct jobs_audit audit;
        struct digest cast, found;
        bool has_cast = poll_get(poll, seat, &vote);
        bool has_opened = opened(attempt, seat, committed, &audit, &found);
        if (has_cast)
            cast = poll_leaf(&vote.answer.leaf);
        if (has_cast && !digest_equal(&cast, &decision->leaf)) {
            poll_outvote(poll, seat, &cast, decision);
            if (audit_get(attempt, seat, &audit) && address_equal(&audit.replayer, &vote.replayer))
                discredit(attempt, poll, seat, &cast, decision);
        } else if (has_opened && !digest_equal(&found, &decision->leaf)) {
            discredit(attempt, poll, seat, &found, decision);
        }
    }
}

/* The commitment is false, or what it takes to see that is withheld. */
static void convict_worker(struct attempt *attempt, const struct poll_decision *decision,
                           const struct digest *committed)
{
    const struct parameters *parameters = &attempt->parameters;
    struct attempt_evidence evidence = {.answer = decision->answer, .committed = *committed};
    bool is_withheld = digest_is_zero(&decision->leaf);
    struct amount slashed = settlement_slash(
        attempt, is_withheld ? parameters->slash_withheld : parameters->slash_fraud,
        decision->winners, decision->winner_count);
    attempt_lost(attempt, is_withheld ? LEASES_WITHHELD : LEASES_FRAUD, &slashed, &evidence);
}

/* Writes the attempt if the ballots decide. */
static void count(struct attempt *attempt)
{
    struct poll poll = poll_of(attempt);
    struct poll_ballot ballots[LIMIT_VALIDATORS];
    struct poll_decision decision;
    struct digest committed;
    if (!get_committed(attempt, &committed))
        return;
    read_ballots(attempt, &poll, &committed, ballots);
    if (!poll_decide(&poll, ballots, &decision))
        return;
    emit(attempt, EVENT_VOTE_DECIDED, &address_zero, &decision.answer);
    bool is_for_worker = digest_equal(&decision.leaf, &committed);
    if (is_for_worker && attempt->slot.planted && decision.winner_count < LIMIT_VALIDATORS)
        decision.winners[decision.winner_count++] = attempt->slot.worker;
    if (!digest_is_zero(&decision.leaf)) /* a state that some couldn't have, others may have had */
        outvote(attempt, &poll, &committed, &decision);
    if (is_for_worker) {
        poll_close(&poll);
        audit_proceed(attempt);
    } else {
        convict_worker(attempt, &decision, &committed);
    }
}

/* --- opening and voting --- */

/* The disputer's answer is its vote; its audit's stake stands for it. */
static void put_vote(const struct attempt *attempt, uint8_t seat, const struct jobs_audit *audit)
{
    struct poll poll = poll_of(attempt);
    struct jobs_vote vote = {
        .segment = audit->segment, .replayer = audit->replayer, .answer = audit->answer};
    poll_put(&poll, seat, &vote);
    emit(attempt, EVENT_VOTE_CAST, &audit->replayer, &audit->answer);
}

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
            put_vote(attempt, seat, &audit);
    }
    CHECK(is_open || attempt->run->view->err != ERR_NONE);
    attempt_status(attempt, JOBS_SLOT_VOTING,
                   attempt->run->context->time_ms + attempt->job.terms.replay_ms);
    count(attempt);
}

void dispute_join(struct attempt *attempt, uint8_t seat, const struct jobs_audit *audit)
{
    struct poll poll = poll_of(attempt);
    struct jobs_vote vote;
    bool is_here =
        audit->status == JOBS_AUDIT_DISPUTED && audit->answer.interval == attempt->slot.disputed;
    if (is_here && !poll_get(&poll, seat, &vote))
        put_vote(attempt, seat, audit);
    count(attempt);
}

void dispute_expire(struct attempt *attempt)
{
    struct poll poll = poll_of(attempt);
    struct poll_ballot ballots[LIMIT_VALIDATORS];
    struct jobs_audit audit;
    struct digest committed;
    if (!get_committed(attempt, &committed))
        return;
    read_ballots(attempt, &poll, &committed, ballots);
    poll_close(&poll);
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        bool has_audit = audit_get(attempt, seat, &audit) && audit.status != JOBS_AUDIT_ENDED &&
                         validator_sits(attempt->run->view, (struct seat){seat}, &audit.replayer);
        if (has_audit && audit.status == JOBS_AUDIT_DISPUTED &&
            audit.answer.interval == attempt->slot.disputed)
            attempt->progress.barred |= 1ull << seat;
        if (ballots[seat].is_there)
            continue;
        if (has_audit)
            audit_outvote(attempt, seat, attempt->parameters.slash_mute, NULL, 0);
        else
            poll_fine_absent(&poll, seat);
    }
    settlement_undecided(attempt);
    attempt_lost(attempt, LEASES_UNDECIDED, &units_zero, NULL);
}

enum verdict dispute_vote(const struct catalog_run *run, const void *in)
{
    const struct jobs_cast *args = in;
    struct attempt attempt;
    struct seat seat;
    struct validator validator;
    struct jobs_audit audit;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment, 1u << JOBS_SLOT_VOTING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!validator_of(run->view, run->sender, &seat, &validator))
        return VERDICT_NOT_REPLAYER;
    if (args->answer.interval != attempt.slot.disputed)
        return VERDICT_WRONG_INTERVALS;
    bool has_audit = audit_get(&attempt, seat.n, &audit) && audit.status != JOBS_AUDIT_ENDED &&
                     address_equal(&audit.replayer, run->sender);
    if (has_audit && audit.status == JOBS_AUDIT_AGREED &&
        audit_covers(&attempt.job, &audit, attempt.slot.disputed))
        return VERDICT_ALREADY_DONE;
    struct poll poll = poll_of(&attempt);
    struct jobs_vote vote = {
        .segment = args->segment, .replayer = *run->sender, .answer = args->answer};
    verdict = poll_cast(&poll, seat.n, &vote, has_audit);
    if (verdict != VERDICT_OK)
        return verdict;
    emit(&attempt, EVENT_VOTE_CAST, run->sender, &args->answer);
    count(&attempt);
    return VERDICT_OK;
}
