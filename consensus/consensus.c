#include "consensus/consensus.h"

#include "base/check.h"
#include "consensus/accuse.h"
#include "consensus/change.h"
#include "consensus/journal.h"
#include "consensus/normal.h"
#include "consensus/pace.h"
#include "consensus/sync.h"

#include <stdlib.h>

void consensus_config_defaults(struct consensus_config *config)
{
    config->sequence = 0;
    config->timeout_ms = 2000;
    config->timeout_max_ms = 60000;
    config->block_interval_min_ms = 20;
    config->block_interval_max_ms = 6000;
    config->status_interval_ms = 1000;
    config->clock_bound_ms = 30000;
    config->in_flight_max = 4;
    config->patience_blocks = 4;
    config->turn_blocks = 64;
}

static void check_config(const struct consensus_config *config)
{
    CHECK(config->seat.n < config->committee->count || config->seat.n == COMMITTEE_NO_SEAT);
    CHECK(config->timeout_ms >= 1);
    CHECK(config->timeout_max_ms >= config->timeout_ms);
    CHECK(config->block_interval_max_ms >= config->block_interval_min_ms);
    CHECK(config->status_interval_ms >= 1);
    CHECK(config->in_flight_max >= 1);
    CHECK(config->in_flight_max <= BOUNDS_WINDOW);
    CHECK(config->patience_blocks >= 1);
    CHECK(config->turn_blocks >= 1);
    CHECK(config->read != NULL);
}

static size_t new_view_room(const struct consensus *c)
{
    return BOUNDS_ENVELOPE_BYTES + (size_t)BOUNDS_NEW_VIEW_BYTES(c->quorum);
}

static bool allocate(struct consensus *c)
{
    c->change_room = (size_t)BOUNDS_VIEW_CHANGE_BYTES(c->quorum);
    c->new_view_bytes = malloc(new_view_room(c));
    c->my_change = malloc(c->change_room);
    c->opening = malloc(new_view_room(c));
    c->changes = malloc(c->change_room * c->committee.count);
    return c->new_view_bytes && c->my_change && c->opening && c->changes;
}

struct consensus *consensus_new(const struct consensus_config *config)
{
    check_config(config);

    struct consensus *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->config = *config;
    c->committee = *config->committee;
    c->config.committee = &c->committee;
    c->faults = committee_faults(&c->committee);
    c->quorum = committee_quorum(&c->committee);
    c->trusting = (struct verify_context){.chain = config->chain,
                                          .base = config->base,
                                          .committee = &c->committee,
                                          .read = config->read,
                                          .signature = verify_trusting,
                                          .self = config->read_self};
    c->choice.base = config->base.height.n;
    c->sequence = config->sequence;
    c->log_start = config->sequence == 0 ? 0 : config->sequence + 1;
    arena_init(&c->scratch, 16 * new_view_room(c) + (1u << 20));
    c->active = true;
    c->ask_ms = CORE_NEVER;
    c->pending_ms = CORE_NEVER;
    c->wanted_ms = CORE_NEVER;
    c->gauge.since_ms = CORE_NEVER;
    c->work.due_ms = CORE_NEVER;
    if (!allocate(c)) {
        consensus_free(c);
        return NULL;
    }
    return c;
}

void consensus_free(struct consensus *c)
{
    if (c == NULL)
        return;
    arena_release(&c->scratch);
    free(c->new_view_bytes);
    free(c->my_change);
    free(c->opening);
    free(c->changes);
    free(c);
}

enum err consensus_recover(struct consensus *c, uint64_t sequence, struct bytes record,
                           struct fault *fault)
{
    CHECK(!c->started);
    enum err err = journal_read(c, sequence, record, fault);
    arena_clear(&c->scratch);
    return err;
}

size_t consensus_step_bytes(const struct consensus *c)
{
    /* A NEW-VIEW is at most written to the log, rewritten there, sent and kept in one step; then a window of small things. */
    return 5 * new_view_room(c) + ACCUSE_MAX * ACCUSE_BYTES + BOUNDS_ACTIONS * 4096 + (1u << 20);
}

static void take_head(struct consensus *c, const struct event_start *start)
{
    struct consensus_block block;
    CHECK(c->config.read(c->config.read_self, &block, start->header));
    slot_block_keep(&c->head, &block, start->header);
    c->committed = block.height.n;
    c->durable = block.height.n;

    const struct consensus_base *base = &c->config.base;
    struct certificate certificate = {
        .ballot = {.set = c->committee.digest, .height = base->height, .digest = base->digest}};
    if (start->certificate.size != 0)
        CHECK(record_unpack(&c->scratch, &ballot_certificate_record, &certificate,
                            start->certificate, NULL) == ERR_NONE);
    CHECK(digest_equal(&certificate.ballot.digest, &block.digest));
    slot_proof_keep(&c->head_proof, &certificate);
    arena_clear(&c->scratch);
}

/* A slot that the log told of stays, and gets what the NEW-VIEW chose if it holds nothing. */
static void take_slot(struct consensus *c, uint64_t height)
{
    struct slot *slot = core_slot(c, height);
    if (slot->height.n != height ||
        (!slot_has_block(slot) && !slot->my_prepare && !slot->lock.here)) {
        normal_open_slot(c, height);
        return;
    }
    if (slot_has_block(slot) || height <= c->choice.base || height >= normal_first_fresh(c))
        return;
    const struct slot_block *chosen = &c->choice.blocks[height - c->choice.base - 1];
    slot_hold(slot, &chosen->block, slot_block_header(chosen));
    slot->open = true;
}

static void on_start(struct consensus *c, const struct event_start *start, struct actions *out)
{
    CHECK(!c->started);
    c->started = true;
    c->muted = start->muted;
    c->muted_view = start->muted_view;
    c->muted_height = start->muted_height;
    take_head(c, start);
    for (uint64_t h = c->durable + 1; h <= core_top(c); h++)
        take_slot(c, h);
    if (c->log_start == 0)
        c->log_start = 1;
    c->commit_ms = c->now_ms;
    pace_enter(c);
    actions_tell(out, &(struct narrate_line){
                          .kind = NARRATE_STARTED, .height = {c->committed}, .view = c->view});
    change_repeat(c, out);
    normal_repeat_votes(c, out);
}

static void on_message(struct consensus *c, const struct message *m, struct actions *out)
{
    if (m->tag != MESSAGE_DECIDED)
        c->peers[m->envelope.from.n].heard_ms = c->now_ms;
    switch (m->tag) {
    case MESSAGE_PRE_PREPARE:
        normal_on_pre_prepare(c, m, out);
        break;
    case MESSAGE_PREPARE:
        normal_on_prepare(c, m, out);
        break;
    case MESSAGE_COMMIT:
        normal_on_commit(c, m, out);
        break;
    case MESSAGE_VIEW_CHANGE:
        change_on_view_change(c, m, out);
        break;
    case MESSAGE_NEW_VIEW:
        change_on_new_view(c, m, out);
        break;
    case MESSAGE_STATUS:
        sync_on_status(c, m, out);
        break;
    case MESSAGE_DECIDED:
        normal_on_decided(c, m, out);
        break;
    }
}

static void dispatch(struct consensus *c, const struct event *event, struct actions *out)
{
    switch (event->kind) {
    case EVENT_START:
        on_start(c, &event->as.start, out);
        break;
    case EVENT_TICK:
        break;
    case EVENT_MESSAGE:
        on_message(c, event->as.message, out);
        break;
    case EVENT_BUILT:
        normal_on_built(c, &event->as.built, out);
        break;
    case EVENT_EXECUTED:
        normal_on_executed(c, &event->as.executed, out);
        break;
    case EVENT_COMMITTED:
        normal_on_committed(c, event->as.committed, out);
        break;
    case EVENT_WORK:
        pace_on_work(c, &event->as.work);
        break;
    }
}

void consensus_step(struct consensus *c, const struct event *event, struct actions *out)
{
    CHECK(event->kind == EVENT_START || c->started);
    CHECK(event->now_ms >= c->now_ms);

    actions_reset(out);
    c->accusations = 0;
    c->now_ms = event->now_ms;
    c->clock_ms = event->clock_ms;
    if (c->halted) {
        out->ignored = NARRATE_HALTED;
        return;
    }
    dispatch(c, event, out);
    change_advance(c, out);
    normal_advance(c, out);
    if (c->halted)
        return;
    sync_advance(c, out);
    if (core_is_observer(c)) {
        out->deadline_ms = sync_deadline_ms(c);
        return;
    }
    pace_run(c, out);
    out->deadline_ms = pace_deadline_ms(c);
}

void consensus_summarise(const struct consensus *c, struct consensus_summary *summary)
{
    *summary = (struct consensus_summary){
        .view = c->view,
        .active = c->active,
        .halted = c->halted,
        .primary = committee_primary(&c->committee, c->view),
        .committed = {c->committed},
        .durable = {c->durable},
        .target = {c->target},
        .changes = change_seats_at(c, c->view.n),
        .timeout_ms = pace_timeout_ms(c),
        .muted = c->muted && c->view.n <= c->muted_view.n,
        .commit_ms = c->commit_ms,
        .pending_ms = c->pending_ms,
    };
    for (uint64_t h = c->committed + 1; c->started && h <= core_top(c); h++)
        summary->in_flight += core_slot_const(c, h)->open;
    if (summary->in_flight != 0) {
        const struct slot *lowest = core_slot_const(c, c->committed + 1);
        summary->prepares = lowest->prepares.voters;
        summary->commits = lowest->commits.voters;
    }
}
