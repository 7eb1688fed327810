#include "contracts/audit.h"

#include "base/check.h"
#include "contracts/beacon.h"
#include "contracts/dispute.h"
#include "contracts/load.h"
#include "contracts/members.h"
#include "contracts/path.h"
#include "contracts/poll.h"
#include "contracts/round.h"
#include "contracts/settlement.h"
#include "contracts/share.h"
#include "contracts/validator.h"

/* --- state --- */

static struct path audit_path(const struct attempt *attempt, uint8_t seat)
{
    struct path path = path_part("audit/", attempt->id, attempt->number);
    path_u8(&path, seat);
    return path;
}

bool audit_get(const struct attempt *attempt, uint8_t seat, struct jobs_audit *audit)
{
    struct path path = audit_path(attempt, seat);
    return view_load(attempt->run->view, path_key(&path), &jobs_audit_record, audit) &&
           audit->segment.round == attempt->slot.round &&
           audit->segment.attempt == attempt->slot.attempt;
}

static void put(const struct attempt *attempt, uint8_t seat, const struct jobs_audit *audit)
{
    struct path path = audit_path(attempt, seat);
    view_save(attempt->run->view, path_key(&path), &jobs_audit_record, audit);
}

static void emit(const struct attempt *attempt, enum event_tag tag, const struct jobs_audit *audit)
{
    struct event_audit event = {
        .job = attempt->id,
        .round = attempt->slot.round,
        .slot = attempt->number,
        .attempt = attempt->slot.attempt,
        .replayer = audit->replayer,
        .interval = audit->answer.interval,
        .state_root = audit->answer.leaf.state_root,
        .witness = audit->answer.leaf.witness,
    };
    event_add(attempt->run->events, tag, &event);
}

static struct credits_place stake_place(const struct attempt *attempt, uint8_t seat)
{
    return (struct credits_place){CREDITS_AUDIT, attempt->id,
                                  (uint32_t)attempt->number * 256 + seat};
}

uint32_t audit_replayed(const struct attempt *attempt)
{
    uint32_t trained = attempt->slot.trained, sample = attempt->job.terms.sample;
    return sample == 0 || sample > trained ? trained : sample;
}

uint64_t audit_longest_ms(const struct jobs_job *job, const struct parameters *parameters,
                          uint32_t auditors)
{
    const struct jobs_submit *terms = &job->terms;
    uint64_t draw_ms = terms->sample == 0 ? 0
                                          : 2 * parameters->epoch_ms + terms->replay_ms +
                                                parameters->answer_ms;
    uint64_t replay_ms = draw_ms + terms->replay_ms + parameters->answer_ms;
    uint64_t claim_ms = 2 * parameters->answer_ms; /* the claim, and to open again what it shows */
    return (auditors + 1ull) * (replay_ms + terms->replay_ms) + claim_ms; /* each below 2^33 */
}

bool audit_covers(const struct jobs_job *job, const struct jobs_audit *audit, uint16_t interval)
{
    if (job->terms.sample == 0)
        return interval < share_of(job, audit->segment.slot).intervals;
    for (uint32_t i = 0; i < audit->interval_count; i++)
        if (audit->intervals[i].interval == interval)
            return true;
    return false;
}

/* --- load --- */

/* What an audit counts for: the replay, and the way of its states as the work that is done meanwhile. 2^18 of them are below 2^63. */
static uint64_t work_of(const struct attempt *attempt)
{
    struct share share = share_of(&attempt->job, attempt->number);
    uint64_t most = 1ull << 44, work = share.audit_work / 1000000 + 1;
    uint64_t moved = share.moved_kib * attempt->parameters.replay_mmacs / /* below 2^29 x 2^30 */
                     attempt->parameters.transfer_kib;
    return work < most && moved < most - work ? work + moved : most;
}

/* The time to seal, counted from the status' beginning: what the slowest of those who must needs; at least replay_ms. */
static uint64_t seal_ms(const struct attempt *attempt)
{
    uint64_t replay_ms = attempt->job.terms.replay_ms, longest_ms = replay_ms;
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit) || audit.status != JOBS_AUDIT_ASSIGNED)
            continue;
        uint64_t needed_ms = load_ms(attempt->run->view, &audit.replayer, &audit.mark,
                                     attempt->parameters.replay_mmacs, replay_ms);
        if (needed_ms > longest_ms)
            longest_ms = needed_ms;
    }
    return longest_ms;
}

static void drop_load(const struct attempt *attempt, const struct jobs_audit *audit)
{
    load_drop(attempt->run, &audit->replayer, attempt->id, audit->mark.work);
}

/* --- assignment --- */

/* Locks the seat's stake and gives it the audit. */
static void take_on(const struct attempt *attempt, struct seat seat,
                    const struct validator *validator)
{
    const struct catalog_run *run = attempt->run;
    struct beacon_clock clock;
    if (!beacon_clock_get(run->view, &clock))
        return;
    (void)credits_pledge(run, stake_place(attempt, seat.n), &validator->replayer,
                         &attempt->parameters.replay_stake);
    struct jobs_audit audit = {
        .segment = attempt_segment(attempt),
        .replayer = validator->replayer,
        .status = JOBS_AUDIT_ASSIGNED,
        .drawn = attempt->job.terms.sample == 0,
        .epoch = beacon_epoch(&clock, run->context->time_ms) + 1,
    };
    load_add(run, &audit.replayer, attempt->id, work_of(attempt), &audit.mark);
    put(attempt, seat.n, &audit);
    emit(attempt, EVENT_AUDIT_ASSIGNED, &audit);
}

/* The first lap takes who is apart from both parties, has its stake, and hasn't been asked in this attempt. */
static bool is_first_choice(const struct attempt *attempt, struct seat seat,
                            const struct validator *validator)
{
    struct view_state *view = attempt->run->view;
    struct jobs_audit before;
    struct members_account worker, consumer, replayer;
    return !audit_get(attempt, seat.n, &before) && !(attempt->progress.barred >> seat.n & 1) &&
           members_get(view, &attempt->slot.worker, &worker) &&
           members_get(view, &attempt->job.consumer, &consumer) &&
           members_get(view, &validator->replayer, &replayer) &&
           validator_is_apart(validator, &attempt->slot.worker, worker.organisation) &&
           validator_is_apart(validator, &attempt->job.consumer, consumer.organisation) &&
           units_amount_compare(&replayer.balance, &attempt->parameters.replay_stake) >= 0;
}

/* Who sits there and may replay. */
static bool get_replayer(const struct attempt *attempt, struct seat seat,
                         struct validator *validator)
{
    return validator_get(attempt->run->view, seat, validator) && !validator->vacant &&
           members_is(attempt->run->view, &validator->replayer, MEMBERS_ROLE_REPLAYER);
}

/* First lap: assigns the next `wanted` in the rotation, or as many as there are. */
static void assign(struct attempt *attempt, uint32_t wanted)
{
    const struct jobs_slot *slot = &attempt->slot;
    struct validator validator;
    while (wanted > 0 && slot->seats < attempt->seats) {
        uint64_t place = attempt->id % attempt->seats + slot->round + attempt->number +
                         slot->attempt + slot->seats;
        struct seat seat = {(uint8_t)(place % attempt->seats)};
        attempt->slot.seats++;
        if (!get_replayer(attempt, seat, &validator) || !is_first_choice(attempt, seat, &validator))
            continue;
        take_on(attempt, seat, &validator);
        wanted--;
    }
}

/* Second lap: asks everybody else, once. */
static void assign_all(struct attempt *attempt)
{
    struct validator validator;
    struct jobs_audit before;
    if (attempt->slot.summoned)
        return;
    attempt->slot.summoned = true;
    for (uint8_t n = 0; n < attempt->seats; n++) {
        struct seat seat = {n};
        bool is_live = audit_get(attempt, n, &before) && before.status != JOBS_AUDIT_ENDED;
        bool is_waiting = is_live && (before.status == JOBS_AUDIT_ASSIGNED ||
                                      before.status == JOBS_AUDIT_SEALED);
        if (is_waiting && !validator_sits(attempt->run->view, seat, &before.replayer)) {
            audit_outvote(attempt, n, 0, NULL, 0); /* it can't go on, but who sits there now can */
            is_live = false;
        }
        if (!is_live && get_replayer(attempt, seat, &validator))
            take_on(attempt, seat, &validator);
    }
}

/* --- what comes next --- */

/* The audits of the attempt by what they wait for. */
struct tally {
    uint32_t live; /* not ENDED */
    uint32_t undrawn, assigned, sealed, disputed;
};

static struct tally count(const struct attempt *attempt)
{
    struct tally tally = {0};
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit) || audit.status == JOBS_AUDIT_ENDED)
            continue;
        tally.live++;
        tally.undrawn += !audit.drawn;
        tally.assigned += audit.status == JOBS_AUDIT_ASSIGNED;
        tally.sealed += audit.status == JOBS_AUDIT_SEALED;
        tally.disputed += audit.status == JOBS_AUDIT_DISPUTED;
    }
    return tally;
}

uint32_t audit_drawn(const struct attempt *attempt, uint16_t *out)
{
    bool wanted[JOBS_INTERVALS_MAX] = {false};
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit) || audit.status == JOBS_AUDIT_ENDED)
            continue;
        for (uint32_t i = 0; i < audit.interval_count; i++)
            wanted[audit.intervals[i].interval] = true;
    }
    uint32_t found = 0;
    for (uint16_t i = 0; i < JOBS_INTERVALS_MAX; i++)
        if (wanted[i])
            out[found++] = i;
    return found;
}

/* True if the worker has served exactly what is drawn now. */
static bool is_served(const struct attempt *attempt)
{
    struct path path = path_part("served/", attempt->id, attempt->number);
    struct jobs_served served;
    if (!view_load(attempt->run->view, path_key(&path), &jobs_served_record, &served) ||
        served.segment.round != attempt->slot.round ||
        served.segment.attempt != attempt->slot.attempt)
        return false;
    uint16_t drawn[JOBS_INTERVALS_MAX];
    uint32_t wanted = audit_drawn(attempt, drawn), at = 0;
    for (uint32_t i = 0; i < served.start_count && at < wanted; i++)
        at += served.starts[i].interval == drawn[at];
    return at == wanted;
}

/* The end of the epoch in which the last of the undrawn must reveal. */
static uint64_t draw_deadline(const struct attempt *attempt)
{
    struct beacon_clock clock;
    uint64_t now = attempt->run->context->time_ms;
    return beacon_clock_get(attempt->run->view, &clock)
               ? beacon_end_ms(&clock, beacon_epoch(&clock, now) + 1)
               : now;
}

void audit_proceed(struct attempt *attempt)
{
    uint64_t now = attempt->run->context->time_ms;
    struct tally tally = count(attempt);
    if (tally.disputed > 0) {
        if (attempt->slot.claimed)
            dispute_begin(attempt);
        else
            attempt_status(attempt, JOBS_SLOT_CLAIMING, now + attempt->parameters.answer_ms);
        return;
    }
    if (tally.live < attempt->auditors) {
        assign(attempt, attempt->auditors - tally.live);
        tally = count(attempt);
    }
    if (tally.live < attempt->auditors) {
        assign_all(attempt);
        tally = count(attempt);
    }
    if (tally.live < attempt->auditors) {
        attempt_lost(attempt, LEASES_UNAUDITED, &units_zero, NULL);
        return;
    }
    bool is_sampled = attempt->job.terms.sample > 0;
    if (tally.undrawn > 0) {
        attempt_status(attempt, JOBS_SLOT_DRAWING, draw_deadline(attempt));
    } else if (is_sampled && !is_served(attempt)) {
        attempt_status(attempt, JOBS_SLOT_SERVING,
                       now + attempt->job.terms.replay_ms + attempt->parameters.answer_ms);
    } else if (tally.assigned > 0) {
        attempt_status(attempt, JOBS_SLOT_SEALING, now + seal_ms(attempt));
    } else if (tally.sealed > 0) {
        attempt_status(attempt, JOBS_SLOT_OPENING, now + attempt->parameters.answer_ms);
    } else if (!attempt->slot.claimed) {
        attempt_status(attempt, JOBS_SLOT_CLAIMING, now + attempt->parameters.answer_ms);
    } else {
        settlement_verified(attempt);
        round_settle(attempt->run, attempt->id);
    }
}

/* --- ends --- */

static void end(const struct attempt *attempt, uint8_t seat, struct jobs_audit *audit)
{
    credits_unlock(attempt->run, stake_place(attempt, seat));
    if (audit->status == JOBS_AUDIT_ASSIGNED)
        drop_load(attempt, audit);
    audit->status = JOBS_AUDIT_ENDED;
    put(attempt, seat, audit);
    emit(attempt, EVENT_AUDIT_ENDED, audit);
}

static void fine(const struct attempt *attempt, uint8_t seat, uint8_t percent,
                 const struct address *winners, uint32_t winner_count)
{
    struct amount stake = credits_locked(attempt->run->view, stake_place(attempt, seat));
    (void)settlement_split(attempt->run, &attempt->parameters, stake_place(attempt, seat), &stake,
                           percent, winners, winner_count);
}

void audit_outvote(const struct attempt *attempt, uint8_t seat, uint8_t percent,
                   const struct address *winners, uint32_t winner_count)
{
    struct jobs_audit audit;
    if (!audit_get(attempt, seat, &audit) || audit.status == JOBS_AUDIT_ENDED)
        return;
    fine(attempt, seat, percent, winners, winner_count);
    end(attempt, seat, &audit);
}

void audit_close(const struct attempt *attempt)
{
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit))
            continue;
        bool is_waiting = audit.status == JOBS_AUDIT_ASSIGNED || audit.status == JOBS_AUDIT_SEALED;
        if (is_waiting)
            end(attempt, seat, &audit);
        else
            credits_unlock(attempt->run, stake_place(attempt, seat));
    }
}

/* --- draws --- */

/* Draws the seat's intervals from its reveal; false if there is none. */
static bool draw(const struct attempt *attempt, uint8_t seat, struct jobs_audit *audit)
{
    struct digest preimage;
    if (!validator_sits(attempt->run->view, (struct seat){seat}, &audit->replayer) ||
        !beacon_get(attempt->run->view, (struct seat){seat}, audit->epoch, &preimage))
        return false;
    uint32_t k = audit_replayed(attempt);
    struct jobs_drawn *intervals = arena_array(attempt->run->view->arena, k, sizeof(*intervals));
    if (!intervals) {
        view_fail(attempt->run->view, ERR_LIMIT);
        return false;
    }
    struct jobs_segment segment = attempt_segment(attempt);
    jobs_draw_of(intervals, k, attempt->slot.trained, &preimage, &segment,
                 &attempt->slot.trace_root);
    if (attempt->slot.diverged) /* so that nobody gets away with saying so */
        intervals[k - 1].interval = attempt->slot.trained - 1u;
    audit->intervals = intervals;
    audit->interval_count = k;
    audit->drawn = true;
    put(attempt, seat, audit);
    emit(attempt, EVENT_AUDIT_DRAWN, audit);
    return true;
}

/* Draws for everybody whose reveal is there; how many, and how many are still undrawn. */
static uint32_t draw_all(const struct attempt *attempt, uint32_t *undrawn)
{
    uint32_t drawn = 0;
    struct jobs_audit audit;
    *undrawn = 0;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit) || audit.status == JOBS_AUDIT_ENDED || audit.drawn)
            continue;
        if (draw(attempt, seat, &audit))
            drawn++;
        else
            ++*undrawn;
    }
    return drawn;
}

void audit_mute(struct attempt *attempt)
{
    bool is_drawing = attempt->slot.status == JOBS_SLOT_DRAWING;
    uint8_t waits_for =
        attempt->slot.status == JOBS_SLOT_OPENING ? JOBS_AUDIT_SEALED : JOBS_AUDIT_ASSIGNED;
    uint32_t undrawn;
    if (is_drawing)
        (void)draw_all(attempt, &undrawn);
    if (attempt->slot.status == JOBS_SLOT_SEALING) {
        uint64_t deadline_ms = attempt->slot.since_ms + seal_ms(attempt);
        if (deadline_ms > attempt->run->context->time_ms) { /* other jobs came meanwhile */
            attempt_extend(attempt, deadline_ms);
            return;
        }
    }
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        struct jobs_audit audit;
        if (!audit_get(attempt, seat, &audit) || audit.status != waits_for ||
            (is_drawing && audit.drawn))
            continue;
        /* Who doesn't sit there any more couldn't answer, and owes nothing. */
        if (validator_sits(attempt->run->view, (struct seat){seat}, &audit.replayer))
            fine(attempt, seat, attempt->parameters.slash_mute, NULL, 0);
        end(attempt, seat, &audit);
    }
    audit_proceed(attempt);
}

enum verdict audit_draw(const struct catalog_run *run, const void *in)
{
    const struct jobs_segment *args = in;
    struct attempt attempt;
    uint32_t undrawn;
    enum verdict verdict = attempt_find(&attempt, run, args, 1u << JOBS_SLOT_DRAWING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (draw_all(&attempt, &undrawn) == 0)
        return VERDICT_NOTHING_DRAWN;
    if (undrawn == 0)
        audit_proceed(&attempt);
    return VERDICT_OK;
}

/* --- seal and open --- */

/* The sender's audit in this attempt. */
static enum verdict own_audit(const struct attempt *attempt, uint8_t *seat,
                              struct jobs_audit *audit)
{
    struct seat at;
    struct validator validator;
    if (!validator_of(attempt->run->view, attempt->run->sender, &at, &validator))
        return VERDICT_NOT_REPLAYER;
    if (!audit_get(attempt, at.n, audit) || audit->status == JOBS_AUDIT_ENDED ||
        !address_equal(&audit->replayer, attempt->run->sender))
        return VERDICT_NOT_ASSIGNED;
    *seat = at.n;
    return VERDICT_OK;
}

enum verdict audit_seal(const struct catalog_run *run, const void *in)
{
    const struct jobs_seal *args = in;
    struct attempt attempt;
    struct jobs_audit audit;
    uint8_t seat;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment, 1u << JOBS_SLOT_SEALING);
    if (verdict == VERDICT_OK)
        verdict = own_audit(&attempt, &seat, &audit);
    if (verdict != VERDICT_OK)
        return verdict;
    if (audit.status != JOBS_AUDIT_ASSIGNED)
        return VERDICT_ALREADY_DONE;
    drop_load(&attempt, &audit);
    audit.status = JOBS_AUDIT_SEALED;
    audit.seal = args->seal;
    put(&attempt, seat, &audit);
    emit(&attempt, EVENT_AUDIT_SEALED, &audit);
    if (count(&attempt).assigned == 0)
        audit_proceed(&attempt);
    return VERDICT_OK;
}

/* The answers are to exactly the assigned intervals, ascending. */
static bool are_assigned(const struct attempt *attempt, const struct jobs_audit *audit,
                         const struct jobs_open_seal *args)
{
    if (args->answer_count != audit_replayed(attempt))
        return false;
    for (uint32_t i = 0; i < args->answer_count; i++) {
        uint32_t expected = attempt->job.terms.sample == 0 ? i : audit->intervals[i].interval;
        if (args->answers[i].interval != expected)
            return false;
    }
    return true;
}

/* The first answer that isn't the committed leaf; NULL if all are equal. "Unavailable" is equal to nothing: a worker may have
 * committed it. */
static const struct jobs_answer *first_difference(const struct attempt *attempt,
                                                  const struct jobs_open_seal *args)
{
    struct path path = path_part("trace/", attempt->id, attempt->number);
    struct jobs_trace trace;
    if (!view_load(attempt->run->view, path_key(&path), &jobs_trace_record, &trace))
        return NULL;
    for (uint32_t i = 0; i < args->answer_count; i++) {
        struct digest leaf = trace_leaf_digest(&args->answers[i].leaf);
        CHECK(args->answers[i].interval + 1u < trace.leaf_count);
        if (poll_is_unavailable(&args->answers[i].leaf) ||
            !digest_equal(&leaf, &trace.leaves[args->answers[i].interval + 1]))
            return &args->answers[i];
    }
    return NULL;
}

enum verdict audit_open(const struct catalog_run *run, const void *in)
{
    const struct jobs_open_seal *args = in;
    struct attempt attempt;
    struct jobs_audit audit;
    uint8_t seat;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment,
                                        1u << JOBS_SLOT_OPENING | 1u << JOBS_SLOT_CLAIMING |
                                            1u << JOBS_SLOT_VOTING);
    if (verdict == VERDICT_OK)
        verdict = own_audit(&attempt, &seat, &audit);
    if (verdict != VERDICT_OK)
        return verdict;
    if (audit.status != JOBS_AUDIT_SEALED)
        return VERDICT_ALREADY_DONE;
    if (!are_assigned(&attempt, &audit, args))
        return VERDICT_WRONG_INTERVALS;
    struct digest seal = jobs_seal_of(&run->context->chain, run->sender, &args->segment,
                                      args->answers, args->answer_count, &args->nonce);
    if (!digest_equal(&seal, &audit.seal))
        return VERDICT_WRONG_SEAL;

    const struct jobs_answer *difference = first_difference(&attempt, args);
    audit.status = difference ? JOBS_AUDIT_DISPUTED : JOBS_AUDIT_AGREED;
    if (difference)
        audit.answer = *difference;
    put(&attempt, seat, &audit);
    emit(&attempt, difference ? EVENT_AUDIT_DISPUTED : EVENT_AUDIT_AGREED, &audit);
    if (attempt.slot.status == JOBS_SLOT_VOTING)
        dispute_join(&attempt, seat, &audit);
    else if (attempt.slot.status == JOBS_SLOT_OPENING &&
             (difference || count(&attempt).sealed == 0))
        audit_proceed(&attempt);
    return VERDICT_OK;
}

/* --- planted leaves --- */

static bool answers_equal(const struct jobs_answer *a, const struct jobs_answer *b)
{
    return a->interval == b->interval &&
           digest_equal(&a->leaf.state_root, &b->leaf.state_root) &&
           digest_equal(&a->leaf.witness, &b->leaf.witness);
}

void audit_reassess(const struct attempt *attempt, const struct jobs_answer *planted,
                    const struct jobs_answer *truths, uint32_t count)
{
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!audit_get(attempt, seat, &audit))
            continue;
        enum jobs_audit_status before = (enum jobs_audit_status)audit.status;
        for (uint32_t i = 0; i < count && audit.status == before; i++) {
            if (before == JOBS_AUDIT_AGREED &&
                audit_covers(&attempt->job, &audit, planted[i].interval)) {
                audit.status = JOBS_AUDIT_DISPUTED;
                audit.answer = planted[i];
                emit(attempt, EVENT_AUDIT_DISPUTED, &audit);
            } else if (before == JOBS_AUDIT_DISPUTED && answers_equal(&audit.answer, &truths[i])) {
                audit.status = JOBS_AUDIT_SEALED;
                audit.answer = (struct jobs_answer){.interval = 0};
                emit(attempt, EVENT_AUDIT_SEALED, &audit);
            }
        }
        if (audit.status != before)
            put(attempt, seat, &audit);
    }
}
