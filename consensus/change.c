#include "consensus/change.h"

#include "base/check.h"
#include "consensus/accuse.h"
#include "consensus/journal.h"
#include "consensus/normal.h"
#include "consensus/pace.h"
#include "consensus/sync.h"

#include <string.h>

struct bytes change_body(const struct consensus *c, uint8_t seat)
{
    CHECK(c->peers[seat].has_change);
    return bytes_of(c->changes + seat * c->change_room, c->peers[seat].change_size);
}

uint64_t change_seats_at(const struct consensus *c, uint64_t view)
{
    uint64_t seats = c->view.n >= view ? core_me(c) : 0;
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (c->peers[i].view >= view)
            seats |= COMMITTEE_BIT(i);
    return seats;
}

uint64_t change_seats_for(const struct consensus *c, uint64_t view)
{
    uint64_t seats = 0;
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (c->peers[i].has_change && c->peers[i].change_view == view)
            seats |= COMMITTEE_BIT(i);
    return seats;
}

/* --- leaving a view --- */

static bool can_want(const struct consensus *c)
{
    return !core_is_observer(c) && (!c->muted || c->committed >= c->muted_height.n);
}

/* The body of my VIEW-CHANGE for c->view. */
static void write_change(struct consensus *c)
{
    struct message_prepared prepared[BOUNDS_WINDOW];
    struct message_view_change change = {.set = c->committee.digest,
                                         .view = c->view,
                                         .committed = slot_proof_certificate(&c->head_proof),
                                         .prepared = prepared};
    for (uint64_t h = c->committed + 1; h <= core_top(c); h++) {
        const struct slot *slot = core_slot_const(c, h);
        if (!slot->lock.here)
            continue;
        prepared[change.prepared_count++] =
            (struct message_prepared){.header = slot_block_header(&slot->lock_block),
                                      .certificate = slot_proof_certificate(&slot->lock)};
    }
    struct pack_writer writer;
    pack_init(&writer, c->my_change, c->change_room);
    record_pack(&writer, &message_view_change_record, &change);
    CHECK(!writer.failed);
    c->my_change_size = writer.used;
}

/* A copy is signed: another view may be wanted in the same step. */
static void sign_change(struct consensus *c, uint64_t after, struct actions *out)
{
    actions_sign(c, out, MESSAGE_VIEW_CHANGE,
                 actions_copy(out, bytes_of(c->my_change, c->my_change_size)), after);
}

void change_want(struct consensus *c, uint64_t view, struct actions *out)
{
    CHECK(view > c->view.n);
    if (!can_want(c))
        return;

    c->view = (struct view){view};
    c->active = false;
    c->building = false;
    c->opening_size = 0;
    pace_leave(c);
    write_change(c);
    const uint64_t after = journal_change(c, out);
    sign_change(c, after, out);
    journal_tidy(c, out);
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_WANTED, .view = c->view});
}

void change_repeat(struct consensus *c, struct actions *out)
{
    if (c->active || !can_want(c))
        return;
    sign_change(c, 0, out);
    if (c->opening_size != 0)
        actions_sign(c, out, MESSAGE_NEW_VIEW, bytes_of(c->opening, c->opening_size), 0);
}

/* --- VIEW-CHANGE --- */

static enum narrate_ignored view_change_ignored(const struct consensus *c, const struct message *m)
{
    const struct core_peer *peer = &c->peers[m->envelope.from.n];
    const uint64_t view = m->as.view_change.view.n;
    if (view < c->view.n || (view == c->view.n && c->active))
        return NARRATE_OTHER_VIEW;
    if (!peer->has_change || view > peer->change_view)
        return NARRATE_HEEDED;
    if (view < peer->change_view)
        return NARRATE_OTHER_VIEW;
    return bytes_equal(change_body(c, m->envelope.from.n), m->envelope.body) ? NARRATE_REPEATED
                                                                             : NARRATE_CONFLICT;
}

void change_on_view_change(struct consensus *c, const struct message *m, struct actions *out)
{
    const struct message_view_change *change = &m->as.view_change;
    const uint8_t from = m->envelope.from.n;
    accuse_change(c, &m->envelope, change, out);
    out->ignored = view_change_ignored(c, m);
    if (out->ignored)
        return;
    CHECK(m->envelope.body.size <= c->change_room);

    struct core_peer *peer = &c->peers[from];
    peer->has_change = true;
    peer->change_view = change->view.n;
    peer->change_size = m->envelope.body.size;
    peer->change_signature = m->envelope.signature;
    memcpy(c->changes + from * c->change_room, m->envelope.body.data, m->envelope.body.size);
    if (peer->view < change->view.n)
        peer->view = change->view.n;
    normal_note_decided(c, &change->committed, out);
    sync_learn(c, change->committed.ballot.height.n, COMMITTEE_BIT(from));
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_RECEIVED,
                                             .tag = MESSAGE_VIEW_CHANGE,
                                             .from = m->envelope.from,
                                             .view = change->view,
                                             .count = committee_size(change_seats_for(c, change->view.n)),
                                             .needed = c->quorum});
}

/* --- NEW-VIEW --- */

static enum narrate_ignored new_view_ignored(const struct consensus *c,
                                             const struct message_new_view *m)
{
    if (m->view.n < c->view.n)
        return NARRATE_OTHER_VIEW;
    if (m->view.n == c->view.n && c->active)
        return digest_equal(&m->digest, &c->new_view) ? NARRATE_REPEATED : NARRATE_CONFLICT;
    return NARRATE_HEEDED;
}

void change_adopt(struct consensus *c, const struct message *m, struct plan *plan)
{
    const struct message_new_view *new_view = &m->as.new_view;
    CHECK(m->raw.size <= BOUNDS_ENVELOPE_BYTES + (size_t)BOUNDS_NEW_VIEW_BYTES(c->quorum));
    CHECK(new_view->view.n >= c->view.n);

    plan_make(plan, new_view);
    c->view = new_view->view;
    c->voting = new_view->view;
    c->active = true;
    c->building = false;
    c->opening_size = 0;
    c->new_view = new_view->digest;
    c->new_view_kept = false;
    memcpy(c->new_view_bytes, m->raw.data, m->raw.size);
    c->new_view_size = m->raw.size;
    c->choice.base = plan->base->ballot.height.n;
    c->choice.count = plan->count;
    for (uint32_t i = 0; i < plan->count; i++)
        slot_block_keep(&c->choice.blocks[i], &plan->chosen[i]->block, plan->chosen[i]->header);
}

/* The digest that must be at `height`, going down from the top: the NEW-VIEW's choice, its base, or the parent of what is kept above.
 * NULL: nothing is known to belong there. */
static const struct digest *wanted_digest(const struct consensus *c, const struct plan *plan,
                                          uint64_t height)
{
    const uint64_t base = plan->base->ballot.height.n;
    if (height > base)
        return height - base <= plan->count ? &plan->chosen[height - base - 1]->block.digest : NULL;
    if (height == base)
        return &plan->base->ballot.digest;
    const struct slot *above = core_slot_const(c, height + 1);
    return height < core_top(c) && slot_has_block(above) ? &above->held.block.parent : NULL;
}

/* Keeps the blocks that the NEW-VIEW chose, or that are surely committed; discards the rest; takes the choice where nothing is held. */
static void settle(struct consensus *c, const struct plan *plan, struct actions *out)
{
    const uint64_t base = plan->base->ballot.height.n;
    for (uint64_t h = core_top(c); h > c->committed; h--) {
        struct slot *slot = core_slot(c, h);
        slot_leave_view(slot);
        if (!slot_has_block(slot) || slot->decided.here)
            continue;
        const struct digest *wanted = wanted_digest(c, plan, h);
        if (wanted != NULL && digest_equal(wanted, &slot->held.block.digest))
            continue;
        if (slot->run == SLOT_RUNNING || slot->run == SLOT_VALID)
            actions_discard(out, &slot->held.block.digest);
        slot_drop(slot);
    }
    for (uint64_t h = c->durable + 1; h <= c->committed; h++)
        slot_leave_view(core_slot(c, h));
    for (uint32_t i = 0; i < plan->count; i++) {
        const uint64_t height = base + 1 + i;
        if (height <= c->committed || height > core_top(c))
            continue;
        struct slot *slot = core_slot(c, height);
        if (!slot_has_block(slot))
            slot_hold(slot, &plan->chosen[i]->block, plan->chosen[i]->header);
        slot->open = digest_equal(&slot->held.block.digest, &plan->chosen[i]->block.digest);
    }
}

void change_on_new_view(struct consensus *c, const struct message *m, struct actions *out)
{
    const struct message_new_view *new_view = &m->as.new_view;
    out->ignored = new_view_ignored(c, new_view);
    if (out->ignored)
        return;

    for (uint32_t i = 0; i < new_view->change_count; i++)
        accuse_change(c, &new_view->changes[i], &new_view->read[i], out);
    struct plan plan;
    change_adopt(c, m, &plan);
    settle(c, &plan, out);
    pace_enter(c);
    normal_note_decided(c, plan.base, out);
    sync_learn(c, plan.base->ballot.height.n, plan.holders);
    journal_entered(c, out);
    journal_tidy(c, out);
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_ENTERED,
                                             .view = c->view,
                                             .from = m->envelope.from,
                                             .height = {c->choice.base + 1},
                                             .count = (uint8_t)c->choice.count});
}

/* --- what the facts allow --- */

/* Joins the highest view that f + 1 seats are at: a correct one is there or above. */
static void join(struct consensus *c, struct actions *out)
{
    if (!can_want(c))
        return;
    uint64_t views[LIMIT_VALIDATORS] = {0};
    for (uint8_t i = 0; i < c->committee.count; i++)
        views[i] = c->peers[i].view;
    views[c->config.seat.n] = c->view.n;
    const uint64_t reached = committee_reached(&c->committee, views, (uint8_t)(c->faults + 1));
    if (reached <= c->view.n)
        return;
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_JOINED,
                                             .view = {reached},
                                             .count = committee_size(change_seats_at(c, reached)),
                                             .needed = (uint8_t)(c->faults + 1)});
    change_want(c, reached, out);
}

/* As primary of the wanted view: opens it with the first quorum of VIEW-CHANGEs by seat. */
static void open_view(struct consensus *c, struct actions *out)
{
    const uint64_t seats = change_seats_for(c, c->view.n);
    if (c->active || !core_is_primary(c) || c->opening_size != 0 ||
        committee_size(seats) < c->quorum)
        return;

    struct message_envelope changes[BOUNDS_QUORUM];
    struct message_new_view new_view = {
        .set = c->committee.digest, .view = c->view, .changes = changes};
    for (uint64_t left = seats; new_view.change_count < c->quorum; left &= left - 1) {
        const uint8_t seat = (uint8_t)__builtin_ctzll(left);
        changes[new_view.change_count++] =
            (struct message_envelope){.from = {seat},
                                      .body = change_body(c, seat),
                                      .signature = c->peers[seat].change_signature};
    }
    struct pack_writer writer;
    pack_init(&writer, c->opening, BOUNDS_NEW_VIEW_BYTES(c->quorum));
    record_pack(&writer, &message_new_view_record, &new_view);
    CHECK(!writer.failed);
    c->opening_size = writer.used;
    const uint64_t after = journal_opening(c, out);
    actions_sign(c, out, MESSAGE_NEW_VIEW, bytes_of(c->opening, c->opening_size), after);
}

void change_advance(struct consensus *c, struct actions *out)
{
    join(c, out);
    open_view(c, out);
}
