#include "consensus/sync.h"

#include "base/check.h"
#include "consensus/change.h"
#include "consensus/normal.h"

bool sync_is_behind(const struct consensus *c)
{
    return c->target > c->committed;
}

/* How long a height may be known and not be here before it is asked for: in the normal case it is on its way. */
static uint64_t grace_ms(const struct consensus *c)
{
    return c->config.status_interval_ms / 4;
}

void sync_learn(struct consensus *c, uint64_t height, uint64_t seats)
{
    if (height <= c->committed || height < c->target)
        return;
    c->target_seats = height == c->target ? c->target_seats | seats : seats;
    c->target = height;
    if (c->ask_ms == CORE_NEVER)
        c->ask_ms = c->now_ms + grace_ms(c);
}

/* --- STATUS --- */

/* The height that f + 1 seats say to have committed: one of them is correct. */
static void learn_heights(struct consensus *c)
{
    uint64_t heights[LIMIT_VALIDATORS] = {0};
    for (uint8_t i = 0; i < c->committee.count; i++)
        heights[i] = c->peers[i].height;
    if (!core_is_observer(c))
        heights[c->config.seat.n] = c->committed;
    const uint64_t reached = committee_reached(&c->committee, heights, (uint8_t)(c->faults + 1));
    uint64_t seats = 0;
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (heights[i] >= reached)
            seats |= COMMITTEE_BIT(i);
    sync_learn(c, reached, seats);
}

void sync_learn_far(struct consensus *c, struct seat seat, struct height voted)
{
    CHECK(voted.n > BOUNDS_WINDOW);

    struct core_peer *peer = &c->peers[seat.n];
    if (peer->height >= voted.n - BOUNDS_WINDOW)
        return;
    peer->height = voted.n - BOUNDS_WINDOW;
    learn_heights(c);
}

/* Sends what a seat lacks of the view that I am in or want. */
static void answer_view(struct consensus *c, const struct message_status *status, uint64_t to,
                        struct actions *out)
{
    const uint8_t me = c->config.seat.n;
    if (c->active && c->view.n > 0)
        actions_send(out, to, actions_copy(out, bytes_of(c->new_view_bytes, c->new_view_size)));
    else if (!c->active && c->peers[me].has_change && c->peers[me].change_view == c->view.n &&
             (status->view.n < c->view.n || (status->changes & core_me(c)) == 0))
        actions_send_signed(out, to, MESSAGE_VIEW_CHANGE, c->config.seat, change_body(c, me),
                            &c->peers[me].change_signature);
}

static void answer_slot(struct consensus *c, const struct slot *slot,
                        const struct message_slot *theirs, uint64_t to, struct actions *out)
{
    const uint8_t me = c->config.seat.n;
    if (slot_has_block(slot) && slot->has_pre_prepare && digest_is_zero(&theirs->digest)) {
        struct message_pre_prepare proposal = {.set = c->committee.digest,
                                               .view = c->voting,
                                               .new_view = c->new_view,
                                               .header = slot_block_header(&slot->held)};
        actions_send_signed(
            out, to, MESSAGE_PRE_PREPARE, committee_primary(&c->committee, c->voting),
            actions_pack(out, &message_pre_prepare_record, &proposal), &slot->pre_prepare);
    }
    const struct slot_votes *votes[2] = {&slot->prepares, &slot->commits};
    const uint64_t known[2] = {theirs->prepares, theirs->commits};
    const enum message_tag tags[2] = {MESSAGE_PREPARE, MESSAGE_COMMIT};
    for (int i = 0; i < 2; i++) {
        if ((votes[i]->voters & ~known[i] & core_me(c)) == 0)
            continue;
        struct ballot ballot = {.set = c->committee.digest,
                                .height = slot->height,
                                .view = c->voting,
                                .digest = votes[i]->digests[me],
                                .new_view = c->new_view};
        actions_send_signed(out, to, tags[i], c->config.seat,
                            actions_pack(out, &ballot_record, &ballot), &votes[i]->signatures[me]);
    }
}

/* Sends what a seat lacks of the heights in flight. */
static void answer_slots(struct consensus *c, const struct message_status *status, uint64_t to,
                         struct actions *out)
{
    const struct message_slot nothing = {0};
    for (uint64_t h = c->committed + 1; h <= core_top(c); h++) {
        if (h <= status->height.n || h > status->height.n + BOUNDS_WINDOW)
            continue;
        const uint64_t index = h - status->height.n - 1;
        answer_slot(c, core_slot_const(c, h),
                    index < status->slot_count ? &status->slots[index] : &nothing, to, out);
    }
}

static void answer(struct consensus *c, const struct message_status *status, uint64_t to,
                   struct actions *out)
{
    if (status->height.n < c->committed && c->committed > c->config.base.height.n) {
        const struct message_decided decided = {.header = slot_block_header(&c->head),
                                                .certificate =
                                                    slot_proof_certificate(&c->head_proof)};
        struct pack_writer writer;
        pack_count(&writer);
        record_choice_pack(&writer, &message_choice, MESSAGE_DECIDED, &decided);
        const size_t size = writer.used;
        uint8_t *message = actions_alloc(out, size);
        pack_init(&writer, message, size);
        record_choice_pack(&writer, &message_choice, MESSAGE_DECIDED, &decided);
        actions_send(out, to, bytes_of(message, size));
    }
    if (status->view.n < c->view.n || (status->view.n == c->view.n && !status->active))
        answer_view(c, status, to, out);
    else if (status->view.n == c->view.n && c->active)
        answer_slots(c, status, to, out);
}

/* It has entered my view. Votes and proposals that overtook the NEW-VIEW there were of another view, and dropped; each seat tells so once
 * by the STATUS that it sends on entering, and is answered once whatever the ration: else its view begins a STATUS later. */
static bool arrives(const struct consensus *c, const struct core_peer *peer,
                    const struct message_status *status)
{
    return c->active && status->active && status->view.n == c->view.n &&
           peer->met_view < c->view.n;
}

void sync_on_status(struct consensus *c, const struct message *m, struct actions *out)
{
    const struct message_status *status = &m->as.status;
    const uint8_t from = m->envelope.from.n;
    if (from == c->config.seat.n) {
        out->ignored = NARRATE_REPEATED;
        return;
    }
    struct core_peer *peer = &c->peers[from];
    const int is_old = status->view.n < peer->view || status->height.n < peer->height;
    if (peer->view < status->view.n)
        peer->view = status->view.n;
    if (peer->height < status->height.n)
        peer->height = status->height.n;
    learn_heights(c);

    if (!arrives(c, peer, status) && peer->answered[is_old] &&
        c->now_ms < peer->answered_ms[is_old] + c->config.status_interval_ms / 8) {
        out->ignored = NARRATE_TOO_SOON;
        return;
    }
    if (core_is_observer(c))
        return;
    if (arrives(c, peer, status))
        peer->met_view = c->view.n;
    peer->answered[is_old] = true;
    peer->answered_ms[is_old] = c->now_ms;
    answer(c, status, COMMITTEE_BIT(from), out);
}

void sync_tell_status(struct consensus *c, struct actions *out)
{
    struct message_slot slots[BOUNDS_WINDOW] = {0};
    struct message_status status = {.set = c->committee.digest,
                                    .height = {c->committed},
                                    .view = c->view,
                                    .active = c->active,
                                    .slots = slots};
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (c->peers[i].has_change && c->peers[i].change_view == c->view.n)
            status.changes |= COMMITTEE_BIT(i);
    for (uint64_t h = c->committed + 1; c->active && h <= core_top(c); h++) {
        const struct slot *slot = core_slot_const(c, h);
        const uint32_t index = (uint32_t)(h - c->committed - 1);
        if (slot_has_block(slot))
            slots[index].digest = slot->held.block.digest;
        slots[index].prepares = slot->prepares.voters;
        slots[index].commits = slot->commits.voters;
        if (slot_has_block(slot) || slot->prepares.voters != 0 || slot->commits.voters != 0)
            status.slot_count = index + 1;
    }
    actions_sign(c, out, MESSAGE_STATUS, actions_pack(out, &message_status_record, &status), 0);
}

/* --- catch-up --- */

static uint64_t probe_ms(const struct consensus *c)
{
    const uint64_t silence_ms = c->config.block_interval_max_ms + c->config.status_interval_ms;
    const uint64_t first_ms = c->commit_ms + silence_ms;
    const uint64_t next_ms = c->probed_ms + c->config.status_interval_ms;
    if (core_others(c) == 0)
        return CORE_NEVER;
    return first_ms > next_ms ? first_ms : next_ms;
}

uint64_t sync_deadline_ms(const struct consensus *c)
{
    return c->ask_ms < probe_ms(c) ? c->ask_ms : probe_ms(c);
}

/* Nothing was committed for longer than an idle chain takes: asks anybody for what follows, whatever is known. Who has it may be unable to say
 * so, having left the set with the block that ends it; the bodies of what is decided here may be gone; and what my own VIEW-CHANGE reports
 * from before a crash, nobody else may have told. */
static void probe(struct consensus *c, struct actions *out)
{
    if (c->now_ms < probe_ms(c))
        return;
    c->probed_ms = c->now_ms;
    if (c->committed < core_top(c))
        actions_add(out, ACTION_CATCH_UP)->as.catch_up = (struct action_catch_up){
            .from = {c->committed + 1}, .to = {core_top(c)}, .seats = core_others(c)};
}

void sync_advance(struct consensus *c, struct actions *out)
{
    probe(c, out);
    if (c->asked_to != 0 && c->committed >= c->asked_to) {
        c->asked_to = 0; /* all that was asked for is here: go on at once ... */
        c->ask_ms = c->now_ms;
        if (!sync_is_behind(c))
            c->status_ms = c->now_ms; /* ... or hear what was committed meanwhile */
    }
    if (!sync_is_behind(c))
        c->ask_ms = CORE_NEVER;
    if (c->ask_ms == CORE_NEVER || c->now_ms < c->ask_ms)
        return;
    c->ask_ms = c->now_ms + c->config.status_interval_ms;

    uint64_t from = c->committed + 1;
    while (from <= core_top(c) && core_slot(c, from)->decided.here)
        from++;
    const uint64_t to = c->target < core_top(c) ? c->target : core_top(c);
    if (from > to)
        return;
    c->asked_to = to;
    uint64_t seats = c->target_seats;
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (c->peers[i].height >= to)
            seats |= COMMITTEE_BIT(i);
    actions_add(out, ACTION_CATCH_UP)->as.catch_up =
        (struct action_catch_up){.from = {from}, .to = {to}, .seats = seats & core_others(c)};
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_BEHIND, .height = {c->target}});
}
