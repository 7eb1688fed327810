#include "consensus/normal.h"

#include "base/check.h"
#include "consensus/accuse.h"
#include "consensus/journal.h"
#include "consensus/pace.h"
#include "consensus/sync.h"

static void tell_slot(struct actions *out, enum narrate_kind kind, const struct consensus *c,
                      const struct slot *slot)
{
    actions_tell(out, &(struct narrate_line){.kind = kind,
                                             .height = slot->height,
                                             .view = c->voting,
                                             .digest = slot->held.block.digest});
}

static void tell_received(const struct consensus *c, struct actions *out, const struct message *m,
                          const struct ballot *ballot, uint64_t voters)
{
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_RECEIVED,
                                             .tag = m->tag,
                                             .from = m->envelope.from,
                                             .height = ballot->height,
                                             .view = ballot->view,
                                             .digest = ballot->digest,
                                             .count = committee_size(voters),
                                             .needed = c->quorum});
}

uint64_t normal_first_fresh(const struct consensus *c)
{
    return c->choice.base + c->choice.count + 1;
}

void normal_open_slot(struct consensus *c, uint64_t height)
{
    struct slot *slot = core_slot(c, height);
    slot_reset(slot, (struct height){height});
    if (height <= c->choice.base || height >= normal_first_fresh(c))
        return;
    const struct slot_block *chosen = &c->choice.blocks[height - c->choice.base - 1];
    slot_hold(slot, &chosen->block, slot_block_header(chosen));
    slot->open = true;
}

/* Drops all overlays from the top down to `height`, so that its block can be replaced. */
static void discard_from(struct consensus *c, uint64_t height, struct actions *out)
{
    for (uint64_t h = core_top(c); h >= height; h--) {
        struct slot *slot = core_slot(c, h);
        if (slot->run == SLOT_RUNNING || slot->run == SLOT_VALID) {
            actions_discard(out, &slot->held.block.digest);
            slot->run = SLOT_IDLE;
        }
    }
}

/* --- PRE-PREPARE --- */

static bool is_clock_off(const struct consensus *c, uint64_t time_ms)
{
    const uint64_t off = time_ms > c->clock_ms ? time_ms - c->clock_ms : c->clock_ms - time_ms;
    return off > c->config.clock_bound_ms;
}

static enum narrate_ignored pre_prepare_ignored(const struct consensus *c,
                                                const struct message_pre_prepare *m)
{
    const uint64_t height = m->block.height.n;
    if (m->view.n != c->view.n)
        return NARRATE_OTHER_VIEW;
    if (!c->active)
        return NARRATE_NOT_ACTIVE;
    if (!digest_equal(&m->new_view, &c->new_view))
        return NARRATE_OTHER_NEW_VIEW;
    if (height <= c->committed)
        return NARRATE_OLD_HEIGHT;
    if (height > core_top(c))
        return NARRATE_FAR_HEIGHT;
    if (height < normal_first_fresh(c))
        return NARRATE_NOT_FRESH;
    if (core_is_boundary(c, height - 1))
        return NARRATE_BOUNDARY;

    const struct slot *slot = core_slot_const(c, height);
    if (slot_has_block(slot)) {
        if (!digest_equal(&slot->held.block.digest, &m->block.digest))
            return NARRATE_CONFLICT;
        return slot->open && slot->has_pre_prepare ? NARRATE_REPEATED : NARRATE_HEEDED;
    }
    if (slot->my_prepare && !digest_equal(&slot->my_digest, &m->block.digest))
        return NARRATE_CONFLICT;
    if (is_clock_off(c, m->block.time_ms))
        return NARRATE_CLOCK;
    return NARRATE_HEEDED;
}

void normal_on_pre_prepare(struct consensus *c, const struct message *m, struct actions *out)
{
    const struct message_pre_prepare *proposal = &m->as.pre_prepare;
    accuse_proposal(c, m, out);
    out->ignored = pre_prepare_ignored(c, proposal);
    if (out->ignored)
        return;
    CHECK(c->voting.n == c->view.n);

    struct slot *slot = core_slot(c, proposal->block.height.n);
    CHECK(slot->height.n == proposal->block.height.n);
    if (!slot_has_block(slot)) {
        slot_hold(slot, &proposal->block, proposal->header);
        slot->fresh = true;
    }
    slot->open = true;
    slot->has_pre_prepare = true;
    slot->pre_prepare = m->envelope.signature;
    const struct ballot ballot = core_ballot(c, slot);
    tell_received(c, out, m, &ballot, slot_votes_for(&slot->prepares, &ballot.digest));
}

/* --- PREPARE, COMMIT, DECIDED --- */

static enum narrate_ignored vote_ignored(const struct consensus *c, const struct ballot *ballot)
{
    if (ballot->view.n != c->voting.n)
        return NARRATE_OTHER_VIEW;
    if (!digest_equal(&ballot->new_view, &c->new_view))
        return NARRATE_OTHER_NEW_VIEW;
    if (ballot->height.n <= c->committed)
        return NARRATE_OLD_HEIGHT;
    if (ballot->height.n > core_top(c))
        return NARRATE_FAR_HEIGHT;
    return NARRATE_HEEDED;
}

/* Counts a vote. Returns the voters for the same block; 0 if the vote changed nothing. */
static uint64_t count_vote(const struct consensus *c, struct slot_votes *votes,
                           const struct message *m, struct actions *out)
{
    const struct ballot *ballot = &m->as.vote;
    const enum slot_vote vote =
        slot_votes_add(votes, m->envelope.from, &ballot->digest, &m->envelope.signature);
    if (vote != SLOT_COUNTED) {
        out->ignored = vote == SLOT_REPEATED ? NARRATE_REPEATED : NARRATE_CONFLICT;
        return 0;
    }
    const uint64_t voters = slot_votes_for(votes, &ballot->digest);
    tell_received(c, out, m, ballot, voters);
    return voters;
}

void normal_on_prepare(struct consensus *c, const struct message *m, struct actions *out)
{
    accuse_vote(c, m->tag, m->envelope.from, &m->as.vote, &m->envelope.signature, out);
    out->ignored = vote_ignored(c, &m->as.vote);
    if (out->ignored == NARRATE_FAR_HEIGHT)
        sync_learn_far(c, m->envelope.from, m->as.vote.height);
    if (out->ignored)
        return;
    struct slot *slot = core_slot(c, m->as.vote.height.n);
    CHECK(slot->height.n == m->as.vote.height.n);
    (void)count_vote(c, &slot->prepares, m, out);
}

void normal_on_commit(struct consensus *c, const struct message *m, struct actions *out)
{
    accuse_vote(c, m->tag, m->envelope.from, &m->as.vote, &m->envelope.signature, out);
    out->ignored = vote_ignored(c, &m->as.vote);
    if (out->ignored == NARRATE_FAR_HEIGHT)
        sync_learn_far(c, m->envelope.from, m->as.vote.height);
    if (out->ignored)
        return;
    struct slot *slot = core_slot(c, m->as.vote.height.n);
    CHECK(slot->height.n == m->as.vote.height.n);

    const uint64_t voters = count_vote(c, &slot->commits, m, out);
    const bool held =
        slot_has_block(slot) && digest_equal(&slot->held.block.digest, &m->as.vote.digest);
    if (committee_size(voters) >= c->quorum && !held)
        sync_learn(c, slot->height.n, voters);
}

void normal_note_decided(struct consensus *c, const struct certificate *certificate,
                         struct actions *out)
{
    const struct ballot *ballot = &certificate->ballot;
    if (ballot->height.n <= c->committed || ballot->height.n > core_top(c))
        return;
    struct slot *slot = core_slot(c, ballot->height.n);
    if (slot->decided.here)
        return;
    const bool held =
        slot_has_block(slot) && digest_equal(&slot->held.block.digest, &ballot->digest);
    if (!held) {
        if (!slot->lock.here || !digest_equal(&slot->lock.ballot.digest, &ballot->digest))
            return;
        discard_from(c, ballot->height.n, out);
        slot_hold(slot, &slot->lock_block.block, slot_block_header(&slot->lock_block));
    }
    slot_proof_keep(&slot->decided, certificate);
}

static enum narrate_ignored decided_ignored(const struct consensus *c, uint64_t height)
{
    if (height <= c->committed)
        return NARRATE_OLD_HEIGHT;
    if (height > core_top(c))
        return NARRATE_FAR_HEIGHT;
    return core_slot_const(c, height)->decided.here ? NARRATE_REPEATED : NARRATE_HEEDED;
}

void normal_on_decided(struct consensus *c, const struct message *m, struct actions *out)
{
    const struct message_decided *decided = &m->as.decided;
    const uint64_t height = decided->block.height.n;
    if (height > c->committed)
        sync_learn(c, height, decided->certificate.voters);
    accuse_certificate(c, MESSAGE_COMMIT, &decided->certificate, out);
    out->ignored = decided_ignored(c, height);
    if (out->ignored)
        return;

    struct slot *slot = core_slot(c, height);
    CHECK(slot->height.n == height);
    if (!slot_has_block(slot) || !digest_equal(&slot->held.block.digest, &decided->block.digest)) {
        discard_from(c, height, out);
        slot_hold(slot, &decided->block, decided->header);
    }
    slot_proof_keep(&slot->decided, &decided->certificate);
    tell_slot(out, NARRATE_RECEIVED, c, slot);
    out->list[out->count - 1].as.tell.tag = MESSAGE_DECIDED;
    out->list[out->count - 1].as.tell.view = decided->certificate.ballot.view;
}

/* --- answers of the driver --- */

static bool is_built_stale(const struct consensus *c, const struct consensus_block *block)
{
    const uint64_t below = c->build_parent_height;
    if (below < c->committed || slot_has_block(core_slot_const(c, below + 1)))
        return true;
    const struct consensus_block *parent = core_block(c, below);
    return parent == NULL || !digest_equal(&parent->digest, &block->parent);
}

void normal_on_built(struct consensus *c, const struct event_built *built, struct actions *out)
{
    const bool awaited = c->building && built->ticket == c->build_ticket;
    struct consensus_block block = {0};
    if (built->header.size != 0)
        CHECK(c->config.read(c->config.read_self, &block, built->header));
    if (!awaited || (built->header.size != 0 && is_built_stale(c, &block))) {
        if (awaited)
            c->building = false;
        if (built->header.size != 0)
            actions_discard(out, &block.digest);
        out->ignored = NARRATE_STALE;
        return;
    }
    CHECK(c->active);
    c->building = false;
    c->work.buildable = built->more || (c->work_renewed && c->work.buildable);
    if (built->header.size == 0)
        return;

    struct slot *slot = core_slot(c, c->build_parent_height + 1);
    CHECK(block.height.n == slot->height.n);
    CHECK(block.view.n == c->view.n);
    CHECK(block.proposer.n == c->config.seat.n);
    CHECK(digest_equal(&block.set, &c->committee.digest));
    CHECK(block.time_ms > core_block(c, c->build_parent_height)->time_ms);
    slot_hold(slot, &block, built->header);
    slot->run = SLOT_VALID;
    slot->open = true;
    c->has_proposed = true;
    c->proposed_ms = c->now_ms;
    c->work.due_ms = CORE_NEVER;
    tell_slot(out, NARRATE_PROPOSED, c, slot);
}

void normal_on_executed(struct consensus *c, const struct event_executed *executed,
                        struct actions *out)
{
    struct slot *slot = NULL;
    for (uint64_t h = c->committed + 1; h <= core_top(c); h++) {
        struct slot *candidate = core_slot(c, h);
        if (candidate->run == SLOT_RUNNING && candidate->ticket == executed->ticket)
            slot = candidate;
    }
    if (slot == NULL) {
        out->ignored = NARRATE_STALE;
        return;
    }
    slot->run = executed->verdict == EVENT_VALID ? SLOT_VALID : SLOT_INVALID;
    if (slot->run == SLOT_VALID)
        return;
    tell_slot(out, NARRATE_INVALID, c, slot);
    if (slot->fresh && c->active)
        c->suspicious = true;
}

void normal_on_committed(struct consensus *c, struct height height, struct actions *out)
{
    CHECK(height.n == c->durable + 1);
    CHECK(height.n <= c->committed);

    c->durable = height.n;
    normal_open_slot(c, core_top(c));
    journal_tidy(c, out);
}

/* --- what the facts allow --- */

static bool may_vote(const struct consensus *c)
{
    return c->active && !core_is_observer(c) && !(c->muted && c->view.n <= c->muted_view.n);
}

/* A quorum of PREPAREs for the held block is a lock; one of COMMITs a decision. */
static void note_proofs(struct consensus *c, struct slot *slot)
{
    if (!slot_has_block(slot))
        return;
    const struct ballot ballot = core_ballot(c, slot);
    const bool locked = slot->lock.here && slot->lock.ballot.view.n >= c->voting.n;
    if (!locked && committee_size(slot_votes_for(&slot->prepares, &ballot.digest)) >= c->quorum) {
        slot_prove(&slot->lock, &slot->prepares, &ballot, c->quorum);
        slot->lock_block = slot->held;
    }
    if (!slot->decided.here &&
        committee_size(slot_votes_for(&slot->commits, &ballot.digest)) >= c->quorum)
        slot_prove(&slot->decided, &slot->commits, &ballot, c->quorum);
}

static void halt(struct consensus *c, const struct slot *slot, struct actions *out)
{
    c->halted = true;
    tell_slot(out, NARRATE_DIVERGED, c, slot);
    actions_add(out, ACTION_HALT)->as.halt = slot->height;
}

/* The held block isn't the child of the one held below. */
static void part(struct consensus *c, struct slot *slot, struct actions *out)
{
    const uint64_t height = slot->height.n;
    if (!slot->decided.here) {
        discard_from(c, height, out);
        if (slot->fresh && c->active)
            c->suspicious = true;
        slot_drop(slot);
    } else if (height == c->committed + 1) {
        halt(c, slot, out);
    } else { /* what is decided is right, so the one below is not */
        discard_from(c, height - 1, out);
        slot_drop(core_slot(c, height - 1));
    }
}

static bool fits(const struct slot *slot, const struct consensus_block *parent)
{
    return digest_equal(&slot->held.block.parent, &parent->digest) &&
           (!slot->fresh || slot->held.block.time_ms > parent->time_ms);
}

static void execute(struct consensus *c, struct slot *slot, struct actions *out)
{
    const struct consensus_block *block = &slot->held.block;
    uint64_t holders =
        slot_votes_for(&slot->prepares, &block->digest) | COMMITTEE_BIT(block->proposer.n);
    if (slot->decided.here)
        holders |= slot->decided.voters;
    if (slot->lock.here && digest_equal(&slot->lock.ballot.digest, &block->digest))
        holders |= slot->lock.voters;

    slot->run = SLOT_RUNNING;
    slot->ticket = ++c->ticket;
    actions_add(out, ACTION_EXECUTE)->as.execute =
        (struct action_execute){.ticket = slot->ticket,
                                .header = actions_copy(out, slot_block_header(&slot->held)),
                                .block = *block,
                                .holders = holders & core_others(c)};
}

static void sign_pre_prepare(struct consensus *c, const struct slot *slot, uint64_t after,
                             struct actions *out)
{
    struct message_pre_prepare proposal = {.set = c->committee.digest,
                                           .view = c->voting,
                                           .new_view = c->new_view,
                                           .header = slot_block_header(&slot->held)};
    actions_add(out, ACTION_SIGN)->as.sign =
        (struct action_sign){.tag = MESSAGE_PRE_PREPARE,
                             .body = actions_pack(out, &message_pre_prepare_record, &proposal),
                             .after = after,
                             .to = core_others(c),
                             .view = c->voting,
                             .height = slot->height,
                             .digest = slot->held.block.digest};
}

static bool is_my_proposal(const struct consensus *c, const struct slot *slot)
{
    const struct consensus_block *block = &slot->held.block;
    return slot_has_block(slot) && block->view.n == c->voting.n &&
           block->proposer.n == c->config.seat.n && slot->height.n >= normal_first_fresh(c) &&
           committee_primary(&c->committee, c->voting).n == c->config.seat.n;
}

static void vote(struct consensus *c, struct slot *slot, struct actions *out)
{
    const struct slot *below = core_slot_const(c, slot->height.n - 1);
    const bool lowest = slot->height.n == c->committed + 1;
    struct ballot ballot = core_ballot(c, slot);

    if (slot->open && !slot->my_prepare && (lowest || below->my_prepare)) {
        slot->my_prepare = true;
        slot->my_digest = ballot.digest;
        const uint64_t after = journal_prepare(c, out, slot);
        if (is_my_proposal(c, slot))
            sign_pre_prepare(c, slot, after, out);
        actions_sign_vote(c, out, MESSAGE_PREPARE, &ballot, after);
    }
    if (slot->lock.here && ballot_equal(&slot->lock.ballot, &ballot) && !slot->my_commit &&
        slot->my_prepare && digest_equal(&slot->my_digest, &ballot.digest) &&
        (lowest || below->my_commit)) {
        slot->my_commit = true;
        const uint64_t after = journal_commit(c, out, slot);
        actions_sign_vote(c, out, MESSAGE_COMMIT, &ballot, after);
    }
}

static void commit(struct consensus *c, struct slot *slot, struct actions *out)
{
    CHECK(slot->height.n == c->committed + 1);
    CHECK(digest_equal(&slot->decided.ballot.digest, &slot->held.block.digest));

    const struct certificate certificate = slot_proof_certificate(&slot->decided);
    struct action_commit action = {.height = slot->height,
                                   .digest = slot->held.block.digest,
                                   .certificate =
                                       actions_pack(out, &ballot_certificate_record, &certificate)};
    if (c->voting.n > 0 && !c->new_view_kept &&
        digest_equal(&certificate.ballot.new_view, &c->new_view)) {
        c->new_view_kept = true;
        action.new_view = actions_copy(out, bytes_of(c->new_view_bytes, c->new_view_size));
        action.new_view_digest = c->new_view;
    }
    actions_add(out, ACTION_COMMIT)->as.commit = action;
    tell_slot(out, NARRATE_COMMITTED, c, slot);
    out->list[out->count - 1].as.tell.view = certificate.ballot.view;

    c->head = slot->held;
    c->head_proof = slot->decided;
    c->committed = slot->height.n;
    pace_progress(c);
}

/* Highest height of an unbroken chain of proposals that I executed and voted for. */
static uint64_t voted_tip(const struct consensus *c)
{
    uint64_t tip = c->committed;
    while (tip < core_top(c)) {
        const struct slot *slot = core_slot_const(c, tip + 1);
        if (!slot_has_block(slot) || !slot->open || slot->run != SLOT_VALID || !slot->my_prepare)
            break;
        tip++;
    }
    return tip;
}

static void build(struct consensus *c, struct actions *out)
{
    if (!may_vote(c) || !core_is_primary(c) || c->building)
        return;
    const uint64_t tip = voted_tip(c);
    if (tip == core_top(c) || tip - c->committed >= c->config.in_flight_max ||
        tip + 1 < normal_first_fresh(c) || tip >= pace_turn_end(c) || core_is_boundary(c, tip))
        return;
    const struct slot *next = core_slot_const(c, tip + 1);
    bool empty_too;
    if (slot_has_block(next) || next->my_prepare || !pace_wants_block(c, &empty_too))
        return;

    c->building = true;
    c->build_ticket = ++c->ticket;
    c->build_parent_height = tip;
    c->work_renewed = false;
    actions_add(out, ACTION_BUILD)->as.build =
        (struct action_build){.ticket = c->build_ticket,
                              .height = {tip + 1},
                              .view = c->view,
                              .parent = core_block(c, tip)->digest,
                              .empty_too = empty_too};
}

void normal_advance(struct consensus *c, struct actions *out)
{
    for (uint64_t h = c->committed + 1; h <= core_top(c); h++)
        note_proofs(c, core_slot(c, h));

    for (uint64_t h = c->committed + 1; h <= core_top(c); h++) {
        struct slot *slot = core_slot(c, h);
        if (!slot_has_block(slot))
            break;
        if (!fits(slot, core_block(c, h - 1))) {
            part(c, slot, out);
            break;
        }
        if (core_is_boundary(c, h - 1))
            break;
        if (slot->run == SLOT_IDLE)
            execute(c, slot, out);
        if (slot->run == SLOT_INVALID && slot->decided.here)
            halt(c, slot, out);
        if (slot->run != SLOT_VALID)
            break;
        if (may_vote(c))
            vote(c, slot, out);
        if (slot->decided.here && h == c->committed + 1)
            commit(c, slot, out);
    }
    if (!c->halted)
        build(c, out);
}

void normal_repeat_votes(struct consensus *c, struct actions *out)
{
    if (!may_vote(c))
        return;
    for (uint64_t h = c->committed + 1; h <= core_top(c); h++) {
        const struct slot *slot = core_slot_const(c, h);
        struct ballot ballot = core_ballot(c, slot);
        ballot.digest = slot->my_digest;
        if (slot->my_prepare && is_my_proposal(c, slot))
            sign_pre_prepare(c, slot, 0, out);
        if (slot->my_prepare)
            actions_sign_vote(c, out, MESSAGE_PREPARE, &ballot, 0);
        if (slot->my_commit)
            actions_sign_vote(c, out, MESSAGE_COMMIT, &slot->lock.ballot, 0);
    }
}
