#include "tools/tenure/agent_replay.h"

#include "base/check.h"
#include "contracts/audit.h"
#include "contracts/beacon.h"
#include "contracts/path.h"
#include "contracts/share.h"
#include "contracts/validator.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenure/agent.h"
#include "tools/tenure/agent_ruling.h"
#include "tools/tenure/founding.h"
#include "tools/tenure/rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Segments whose answers are remembered: those of a round of four jobs of the widest kind. What is forgotten is replayed again. */
#define KEPT_MAX (4 * JOBS_WORKERS_MAX)

/* A state that can't be had is asked for again until this share of the replayer's time is over; then "unavailable" is the answer. */
#define UNAVAILABLE_AFTER_PERCENT 60

/* Answers to one segment. */
struct kept {
    struct jobs_segment segment; /* job 0: empty */
    bool in_the_making;
    uint32_t count;
    struct jobs_answer answers[JOBS_INTERVALS_MAX];
};

/* A segment's dispute, or a round's close (slot JOBS_WHOLE), that this agent has answered. */
struct said {
    struct jobs_segment segment;
    uint16_t interval;
};

struct replay {
    struct agent agent;
    uint8_t seat;
    struct digest *
        chain; /* beacon: hash 0 is the secret, each next one SHA-256 of the one before; NULL without a file */
    uint32_t chain_length;
    struct kept kept[KEPT_MAX];
    uint32_t kept_next;
    struct said said[KEPT_MAX];
    uint32_t said_next;
};

/* --- answers --- */

static const struct kept *kept_find(const struct replay *replay, const struct jobs_segment *segment)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (replay->kept[i].segment.job && agent_same_segment(&replay->kept[i].segment, segment))
            return &replay->kept[i];
    return NULL;
}

/* A place for one more; the oldest gives way, but not one in the making, inside which this one may be made. */
static struct kept *kept_new(struct replay *replay)
{
    struct kept *kept;

    do {
        kept = &replay->kept[replay->kept_next];
        replay->kept_next = (replay->kept_next + 1) % KEPT_MAX;
    } while (kept->in_the_making);
    kept->segment.job = 0;
    kept->count = 0;
    return kept;
}

static bool was_said(const struct replay *replay, const struct said *said)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (agent_same_segment(&replay->said[i].segment, &said->segment) &&
            replay->said[i].interval == said->interval)
            return true;
    return false;
}

static void remember_said(struct replay *replay, const struct said *said)
{
    replay->said[replay->said_next] = *said;
    replay->said_next = (replay->said_next + 1) % KEPT_MAX;
}

/* --- replaying --- */

/* Replays all intervals up to `count` from the start state, which is known to all; kept->count of them are answered, also after an error. */
static enum err answer_all(struct replay *replay, const struct agent_job *job, uint16_t slot,
                           struct kept *kept, uint32_t count, struct fault *fault)
{
    struct segment *trainer = &job->shop->workshop.segment;
    struct state state;
    bool is_behind = false; /* a divergence */
    enum err err = agent_start_state(&replay->agent, job, slot, &state, fault);

    if (err)
        return err;
    for (uint16_t i = 0; i < count && !err; i++) {
        err = agent_breathe(&replay->agent, fault);
        kept->answers[i].interval = i;
        if (!err && is_behind)
            kept->answers[i].leaf = trace_diverged(&digest_zero);
        else if (!err)
            err = segment_advance(trainer, &state, &kept->answers[i].leaf, NULL, fault);
        if (err == ERR_CORRUPT) { /* the program's own result */
            is_behind = true;
            err = ERR_NONE;
        }
        kept->count += !err;
    }
    /* The end state is needed for the round's close: with a replayer's copy a worker can't withhold it. Full stores are no reason to be mute. */
    if (!err && !is_behind && state.step == state.steps &&
        workshop_push(&replay->agent.desk.client, &state, AGENT_COPIES, fault))
        log_event(LOG_LEVEL_WARN, "state-not-sent", "%s", fault->text);
    state_release(&state);
    return err;
}

/* Replays one interval from a state that the worker serves. ERR_NOT_FOUND when it can't be had or isn't the interval's start. */
static enum err answer_served(struct replay *replay, const struct agent_job *job,
                              const struct jobs_segment *segment, const struct jobs_start *start,
                              struct jobs_answer *answer, struct fault *fault)
{
    struct workshop *workshop = &job->shop->workshop;
    uint32_t steps = share_of(&job->shop->terms, segment->slot).steps;
    struct state state;
    enum err err;

    *answer = (struct jobs_answer){.interval = start->interval,
                                   .leaf = trace_diverged(&digest_zero)};
    if (trace_is_diverged(&start->leaf))
        return ERR_NONE;
    err = workshop_fetch(workshop, &replay->agent.desk.client, &state, STATE_SEGMENT,
                         &start->leaf.state_root, fault);
    if (err)
        return err == ERR_IO ? err : ERR_NOT_FOUND;
    if (state.step != trace_step(steps, workshop->program.interval, start->interval) ||
        state.round != segment->round || state.slot != segment->slot || state.steps != steps)
        err = fault_set(fault, ERR_NOT_FOUND, "the served state is not that of interval %u's start",
                        start->interval);
    else if ((err = segment_advance(&workshop->segment, &state, &answer->leaf, NULL, fault)))
        err = err == ERR_CORRUPT ? ERR_NONE : ERR_NOT_FOUND; /* it diverged: an answer */
    state_release(&state);
    return err;
}

/* True when what couldn't be had may be called unavailable: most of the time to answer is over. */
static bool is_patience_over(const struct replay *replay, const struct agent_job *job,
                             const struct jobs_slot *slot)
{
    uint64_t rest_ms = job->shop->terms.terms.replay_ms * (100 - UNAVAILABLE_AFTER_PERCENT) / 100;

    return agent_now_ms(&replay->agent) + rest_ms >= slot->deadline_ms;
}

/* The served state roots of this segment; NULL when there are none (yet). */
static enum err served_of(struct replay *replay, const struct jobs_segment *segment,
                          struct jobs_served **served, struct fault *fault)
{
    struct path path = path_part("served/", segment->job, segment->slot);
    struct jobs_served *found = arena_alloc(&replay->agent.arena, sizeof(*found));
    enum err err;

    CHECK(found != NULL);
    err = lookup_get(&replay->agent.desk.client, &replay->agent.arena, path_key(&path),
                     &jobs_served_record, found, fault);
    *served = !err && agent_same_segment(&found->segment, segment) ? found : NULL;
    return err == ERR_NOT_FOUND ? ERR_NONE : err;
}

static enum err answer_one(struct replay *replay, const struct agent_job *job, uint16_t slot,
                           uint16_t interval, struct jobs_answer *answer, struct fault *fault)
{
    struct jobs_segment segment = agent_segment(job, slot);
    struct jobs_served *served;
    enum err err = served_of(replay, &segment, &served, fault);

    if (err)
        return err;
    *answer = (struct jobs_answer){.interval = interval};
    err = ERR_NOT_FOUND;
    for (uint32_t i = 0; served && i < served->start_count; i++)
        if (served->starts[i].interval == interval)
            err = answer_served(replay, job, &segment, &served->starts[i], answer, fault);
    if (err == ERR_NOT_FOUND && is_patience_over(replay, job, job->slots[slot])) {
        log_event(LOG_LEVEL_WARN, "unavailable", "job %" PRIu64 " round %u slot %u interval %u: %s",
                  job->number, segment.round, slot, interval,
                  served ? fault->text : "nothing is served");
        answer->leaf = (struct trace_leaf){0};
        err = ERR_NONE;
    }
    return err;
}

/* Sampled: each drawn interval; and the end state must be there too, since the round's close needs it. */
static enum err answer_drawn(struct replay *replay, const struct agent_job *job, uint16_t slot,
                             const struct jobs_audit *audit, struct kept *kept, struct fault *fault)
{
    struct state end = {0};
    enum err err = job->slots[slot]->diverged
                       ? ERR_NONE
                       : workshop_fetch(&job->shop->workshop, &replay->agent.desk.client, &end,
                                        STATE_SEGMENT, &job->slots[slot]->end_root, fault);
    bool withheld = err == ERR_NOT_FOUND && is_patience_over(replay, job, job->slots[slot]);

    if (!err)
        state_release(&end);
    if (withheld)
        err = ERR_NONE;
    for (uint32_t i = 0; i < audit->interval_count && !err; i++) {
        kept->answers[i] = (struct jobs_answer){.interval = audit->intervals[i].interval};
        err = agent_breathe(&replay->agent, fault);
        if (!err && !withheld)
            err = answer_one(replay, job, slot, audit->intervals[i].interval, &kept->answers[i],
                             fault);
        kept->count += !err;
    }
    return err;
}

/* After `err`: what can't be had or computed is answered as unavailable, once asking again won't help. To say nothing would cost the
 * replayer for what somebody else holds back. What this machine lacks (memory, a disk, the nodes) is never the worker's fault. */
static bool is_final(const struct replay *replay, const struct agent_job *job, uint16_t slot,
                     enum err err)
{
    const bool is_theirs = err == ERR_NOT_FOUND || err == ERR_MISMATCH || err == ERR_MALFORMED;
    return !agent_is_stopping(&replay->agent) &&
           (err == ERR_CORRUPT || (is_theirs && is_patience_over(replay, job, job->slots[slot])));
}

static void answer_unavailable(struct kept *kept, const struct agent_job *job, uint16_t slot,
                               const struct jobs_audit *audit)
{
    bool is_sampled = job->shop->terms.terms.sample > 0;
    uint32_t count = is_sampled ? audit->interval_count : job->slots[slot]->trained;

    for (; kept->count < count; kept->count++)
        kept->answers[kept->count] =
            (struct jobs_answer){.interval = is_sampled ? audit->intervals[kept->count].interval
                                                        : (uint16_t)kept->count};
}

/* The answers to this audit, from memory or by replaying. NULL when they can't be had now, which the log says, or have to wait. */
static const struct kept *answer(struct replay *replay, const struct agent_job *job, uint16_t slot,
                                 const struct jobs_audit *audit)
{
    struct jobs_segment segment = agent_segment(job, slot);
    const struct kept *known = kept_find(replay, &segment);
    struct agenda_task task = agent_task(job, slot, false);
    uint64_t start_ms = clock_monotonic_ms();
    struct kept *kept;
    struct fault fault;
    enum err err;

    if (known || !agent_take(&replay->agent, &task))
        return known;
    kept = kept_new(replay);
    kept->in_the_making = true;
    err = agent_prepare(&replay->agent, job, &fault);
    if (!err && job->shop->terms.terms.sample)
        err = answer_drawn(replay, job, slot, audit, kept, &fault);
    else if (!err)
        err = answer_all(replay, job, slot, kept, job->slots[slot]->trained, &fault);
    kept->in_the_making = false;
    if (err) {
        log_event(LOG_LEVEL_WARN, "not-replayed", "job %" PRIu64 " round %u slot %u: %s",
                  job->number, segment.round, slot, fault.text);
        if (!is_final(replay, job, slot, err))
            return NULL;
        answer_unavailable(kept, job, slot, audit);
    }
    kept->segment = segment;
    log_event(LOG_LEVEL_INFO, "replayed",
              "job %" PRIu64 " round %u slot %u attempt %u: %u intervals in %" PRIu64 " ms",
              segment.job, segment.round, segment.slot, segment.attempt, kept->count,
              clock_monotonic_ms() - start_ms);
    return kept;
}

/* --- seal and open --- */

static const char nonce_tag[] = "tenure/nonce/1";

static void seal(struct replay *replay, const struct agent_job *job, uint16_t slot,
                 const struct jobs_audit *audit)
{
    struct jobs_segment segment = agent_segment(job, slot);
    struct sender *sender = &replay->agent.desk.sender;
    struct digest nonce = agent_nonce(&replay->agent, nonce_tag, &segment);
    const struct kept *kept = answer(replay, job, slot, audit);
    struct jobs_seal args = {.segment = segment};

    if (!kept)
        return;
    args.seal = jobs_seal_of(&sender->chain, &sender->address, &segment, kept->answers, kept->count,
                             &nonce);
    agent_send(&replay->agent, "sealed", CATALOG_JOBS, JOBS_SEAL, &args);
}

static void open_seal(struct replay *replay, const struct agent_job *job, uint16_t slot,
                      const struct jobs_audit *audit)
{
    struct jobs_segment segment = agent_segment(job, slot);
    const struct kept *kept = answer(replay, job, slot, audit);
    struct jobs_open_seal args = {.segment = segment,
                                  .nonce = agent_nonce(&replay->agent, nonce_tag, &segment)};

    if (!kept)
        return;
    args.answers = (struct jobs_answer *)kept->answers;
    args.answer_count = kept->count;
    agent_send(&replay->agent, "opened", CATALOG_JOBS, JOBS_OPEN, &args);
}

/* --- votes --- */

static bool has_voted(struct replay *replay, const struct jobs_segment *segment, uint16_t interval)
{
    struct path path = path_part("vote/", segment->job, segment->slot);
    struct jobs_vote vote;
    struct fault fault;

    if (was_said(replay, &(struct said){*segment, interval}))
        return true;
    path_u8(&path, replay->seat);
    return !lookup_get(&replay->agent.desk.client, &replay->agent.arena, path_key(&path),
                       &jobs_vote_record, &vote, &fault) &&
           agent_same_segment(&vote.segment, segment) && vote.answer.interval == interval;
}

/* An interval of a sampled audit starts from a served state, and is brief. ERR_NOT_NOW, also when it has to wait. */
static enum err find_vote(struct replay *replay, const struct agent_job *job, uint16_t slot,
                          struct jobs_answer *out, struct fault *fault)
{
    struct jobs_segment segment = agent_segment(job, slot);
    uint16_t interval = job->slots[slot]->disputed;
    const struct kept *known = kept_find(replay, &segment);
    bool is_sampled = job->shop->terms.terms.sample > 0;
    struct agenda_task task = agent_task(job, slot, is_sampled);
    struct kept *kept;
    enum err err;

    for (uint32_t i = 0; known && i < known->count; i++)
        if (known->answers[i].interval == interval) {
            *out = known->answers[i];
            return ERR_NONE;
        }
    if (!agent_take(&replay->agent, &task))
        return ERR_NOT_NOW;
    kept = calloc(1, sizeof(*kept));
    CHECK(kept != NULL);
    *out = (struct jobs_answer){.interval = interval};
    err = agent_prepare(&replay->agent, job, fault);
    if (!err && is_sampled)
        err = answer_one(replay, job, slot, interval, out, fault);
    else if (!err && !(err = answer_all(replay, job, slot, kept, interval + 1u, fault)))
        *out = kept->answers[interval];
    free(kept);
    return err && is_final(replay, job, slot, err) ? ERR_NONE : err;
}

/* The disputer's answer is its vote, and so is an opening that covers the interval, also one that is about to be sent. */
static bool is_said(const struct agent_job *job, const struct jobs_audit *audit, uint16_t interval)
{
    if (!audit)
        return false;
    if (audit->status == JOBS_AUDIT_DISPUTED)
        return audit->answer.interval == interval;
    return audit_covers(&job->shop->terms, audit, interval);
}

static void vote(struct replay *replay, const struct agent_job *job, uint16_t slot,
                 const struct jobs_audit *audit)
{
    struct jobs_segment segment = agent_segment(job, slot);
    uint16_t interval = job->slots[slot]->disputed;
    struct jobs_cast args = {.segment = segment};
    struct fault fault = {0};

    if (is_said(job, audit, interval) || has_voted(replay, &segment, interval))
        return;
    if (find_vote(replay, job, slot, &args.answer, &fault)) {
        if (fault.code) /* none: it has to wait */
            log_event(LOG_LEVEL_WARN, "not-voted", "job %" PRIu64 " slot %u: %s", job->number, slot,
                      fault.text);
        return;
    }
    if (agent_send(&replay->agent, "voted", CATALOG_JOBS, JOBS_VOTE, &args) == AGENT_DONE)
        remember_said(replay, &(struct said){segment, interval});
}

/* --- the beacon --- */

/* Hash k of the chain for every k, so that any preimage is found by looking. */
static enum err load_chain(struct replay *replay, const char *path, struct fault *fault)
{
    struct digest secret;
    enum err err = founding_beacon_read(&secret, &replay->chain_length, path, fault);

    if (err)
        return err;
    replay->chain = calloc(replay->chain_length + 1u, sizeof(*replay->chain));
    CHECK(replay->chain != NULL);
    replay->chain[0] = secret;
    for (uint32_t i = 0; i < replay->chain_length; i++)
        replay->chain[i + 1] = digest_of(replay->chain[i].bytes, DIGEST_SIZE);
    return ERR_NONE;
}

static void reveal(struct replay *replay, const struct validator *validator, uint64_t epoch)
{
    struct beacon_reveal args = {.epoch = epoch};

    for (uint32_t i = 0; replay->chain && i < replay->chain_length; i++)
        if (digest_equal(&replay->chain[i + 1], &validator->chain_end)) {
            args.preimage = replay->chain[i];
            agent_send(&replay->agent, "revealed", CATALOG_BEACON, BEACON_REVEAL, &args);
            return;
        }
    log_event(LOG_LEVEL_WARN, "no-preimage",
              "the beacon file does not continue this seat's chain (give --beacon FILE)");
}

/* Which epoch the ledger is in. */
static enum err find_epoch(struct replay *replay, uint64_t *epoch, struct fault *fault)
{
    struct beacon_clock clock;
    enum err err = lookup_get(&replay->agent.desk.client, &replay->agent.arena, bytes_text("clock"),
                              &beacon_clock_record, &clock, fault);

    if (err == ERR_NOT_FOUND) {
        clock = beacon_clock_of(&replay->agent.parameters);
        err = ERR_NONE;
    }
    if (!err && (!clock.before_ms || !clock.epoch_ms))
        err = fault_set(fault, ERR_MALFORMED, "the ledger's epochs have no length");
    if (!err)
        *epoch = beacon_epoch(&clock, agent_now_ms(&replay->agent));
    return err;
}

/* The audit waits for its draw: reveal in the epoch after the one in which it was assigned, then draw. */
static void draw(struct replay *replay, const struct agent_job *job, uint16_t slot,
                 const struct jobs_audit *audit)
{
    struct path path = path_of("validator/");
    struct jobs_segment segment = agent_segment(job, slot);
    struct validator now;
    struct fault fault;
    uint64_t epoch;

    if (audit->drawn)
        return;
    if (find_epoch(replay, &epoch, &fault)) {
        log_event(LOG_LEVEL_WARN, "not-revealed", "%s", fault.text);
        return;
    }
    if (epoch < audit->epoch)
        return;
    path_u8(&path, replay->seat);
    if (lookup_get(&replay->agent.desk.client, &replay->agent.arena, path_key(&path),
                   &validator_record, &now, &fault)) {
        log_event(LOG_LEVEL_WARN, "not-revealed", "%s", fault.text);
        return;
    }
    if (now.revealed_epoch >= audit->epoch)
        agent_send(&replay->agent, "drawn", CATALOG_JOBS, JOBS_DRAW, &segment);
    else
        reveal(replay, &now, epoch);
}

/* --- closing a round --- */

/* Brief: others wait for it to begin the next round, and a sum of deltas takes no longer than an interval. */
static void close_round(struct replay *replay, const struct agent_job *job)
{
    struct said said = {.segment = {job->number, job->progress.round, JOBS_WHOLE, 0}};
    struct agenda_task task = {said.segment, 0, job->progress.deadline_ms, true};
    struct rounds_result result;
    struct jobs_close args = {.job = job->number, .round = job->progress.round};
    struct path path = path_1("ballot_close/", job->number);
    struct jobs_ballot ballot;
    struct fault fault;
    enum err err;

    if (was_said(replay, &said))
        return;
    path_u8(&path, replay->seat);
    err = lookup_get(&replay->agent.desk.client, &replay->agent.arena, path_key(&path),
                     &jobs_ballot_record, &ballot, &fault);
    if (!err && ballot.round == job->progress.round)
        return;
    err = err == ERR_NOT_FOUND ? ERR_NONE : err;
    if (!err && !agent_take(&replay->agent, &task))
        return;
    if (!err)
        err = agent_prepare(&replay->agent, job, &fault);
    if (!err)
        err = rounds_close(&replay->agent, job, &result, &fault);
    if (err) {
        log_event(LOG_LEVEL_WARN, "not-closed", "job %" PRIu64 " round %u: %s", job->number,
                  job->progress.round, fault.text);
        return;
    }
    args.global_root = result.global_root;
    args.start_roots = result.start_roots;
    args.start_root_count = result.start_root_count;
    remember_said(replay, &said);
    agent_send(&replay->agent, "closed", CATALOG_JOBS, JOBS_CLOSE, &args);
}

/* --- the pass --- */

static const struct jobs_audit *own_audit(const struct replay *replay,
                                          const struct lookup_list *audits,
                                          const struct jobs_segment *segment)
{
    for (uint32_t i = 0; i < audits->count; i++) {
        const struct jobs_audit *audit = audits->values[i];
        if (audit->status != JOBS_AUDIT_ENDED && agent_same_segment(&audit->segment, segment) &&
            address_equal(&audit->replayer, &replay->agent.desk.sender.address))
            return audit;
    }
    return NULL;
}

static void act_slot(struct replay *replay, const struct agent_job *job, uint16_t slot,
                     const struct jobs_audit *audit)
{
    uint8_t status = job->slots[slot]->status;

    if (audit && status == JOBS_SLOT_DRAWING && audit->status == JOBS_AUDIT_ASSIGNED)
        draw(replay, job, slot, audit);
    if (audit && status == JOBS_SLOT_SEALING && audit->status == JOBS_AUDIT_ASSIGNED)
        seal(replay, job, slot, audit);
    if (audit &&
        (status == JOBS_SLOT_OPENING || status == JOBS_SLOT_CLAIMING ||
         status == JOBS_SLOT_VOTING) &&
        audit->status == JOBS_AUDIT_SEALED)
        open_seal(replay, job, slot, audit);
    if (status == JOBS_SLOT_VOTING)
        vote(replay, job, slot, audit);
}

static bool is_audited(const struct jobs_slot *slot)
{
    return slot->status == JOBS_SLOT_DRAWING || slot->status == JOBS_SLOT_SEALING ||
           slot->status == JOBS_SLOT_OPENING || slot->status == JOBS_SLOT_CLAIMING ||
           slot->status == JOBS_SLOT_VOTING;
}

static void act(void *self, const struct agent_job *job)
{
    struct replay *replay = self;
    struct lookup_list audits = {0};
    struct fault fault;
    bool any = false;

    if (job->progress.status == JOBS_CLOSING)
        close_round(replay, job);
    for (uint32_t i = 0; i < job->slot_count; i++)
        any = any || is_audited(job->slots[i]);
    if (!any || job->progress.status == JOBS_CLOSING)
        return;
    if (agent_list(&replay->agent, "audit/", job->number, &jobs_audit_record, &audits, &fault)) {
        log_event(LOG_LEVEL_WARN, "nodes", "%s", fault.text);
        return;
    }
    for (uint16_t slot = 0; slot < job->slot_count && !agent_is_stopping(&replay->agent); slot++) {
        struct jobs_segment segment = agent_segment(job, slot);
        if (is_audited(job->slots[slot]))
            act_slot(replay, job, slot, own_audit(replay, &audits, &segment));
    }
}

static void rule(void *self)
{
    struct replay *replay = self;

    agent_ruling_pass(&replay->agent, replay->seat);
}

/* The seat that this account answers for. */
static enum err find_seat(struct replay *replay, struct fault *fault)
{
    struct agent *agent = &replay->agent;
    struct lookup_list validators;
    enum err err = lookup_all(&agent->desk.client, &agent->arena, bytes_text("validator/"),
                              &validator_record, &validators, fault);

    if (err)
        return err;
    for (uint32_t i = 0; i < validators.count; i++) {
        const struct validator *validator = validators.values[i];
        if (address_equal(&validator->replayer, &agent->desk.sender.address)) {
            replay->seat = validators.keys[i].data[validators.keys[i].size - 1];
            return ERR_NONE;
        }
    }
    return fault_set(fault, ERR_MISMATCH, "this key's account replays for no validator");
}

enum err agent_replay(struct cli *cli)
{
    struct replay *replay = arena_alloc(&cli->arena, sizeof(*replay));
    const char *beacon = cli_text(cli, "beacon");
    enum err err;

    CHECK(replay != NULL);
    err = agent_open(&replay->agent, cli);
    if (!err && beacon)
        err = load_chain(replay, beacon, &cli->fault);
    if (!err)
        err = find_seat(replay, &cli->fault);
    if (!err) {
        log_event(LOG_LEVEL_INFO, "ready", "replays for seat %u with kernel %s%s", replay->seat,
                  kernel_name(replay->agent.kernel),
                  beacon ? "" : "; no --beacon file, so sampled audits will miss its reveals");
        err = agent_run(&replay->agent, &(struct agent_part){replay, act, rule});
    }
    free(replay->chain);
    agent_close(&replay->agent);
    return err;
}
