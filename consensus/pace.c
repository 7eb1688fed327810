#include "consensus/pace.h"

#include "consensus/change.h"
#include "consensus/sync.h"

/* Time-outs that a seat that is behind waits without a block before it suspects the primary after all. */
#define EXCUSES 3

uint64_t pace_timeout_ms(const struct consensus *c)
{
    uint64_t timeout = c->config.timeout_ms;
    for (uint32_t i = 0; i < c->backoff && timeout < c->config.timeout_max_ms; i++)
        timeout *= 2;
    return timeout < c->config.timeout_max_ms ? timeout : c->config.timeout_max_ms;
}

void pace_progress(struct consensus *c)
{
    c->commit_ms = c->now_ms;
    c->progress_ms = c->now_ms;
    c->pending_ms = CORE_NEVER;
    c->excused = 0;
    c->work.due_ms = CORE_NEVER;
    if (c->backoff > 0)
        c->backoff--;
}

uint64_t pace_turn_end(const struct consensus *c)
{
    return c->committee.count > 1 ? c->choice.base + c->config.turn_blocks : BOUNDS_HEIGHT_MAX;
}

/* --- slowness --- */

/* Keeps what was measured of a primary, and begins with that of the current view. */
static void gauge_turn(struct consensus *c)
{
    struct core_gauge *gauge = &c->gauge;
    if (gauge->count >= PACE_SAMPLES)
        gauge->usual_ms[gauge->primary.n] = 1 + gauge->owed_ms / gauge->count;
    gauge->primary = committee_primary(&c->committee, c->view);
    gauge->view = c->view;
    gauge->turn_end = pace_turn_end(c);
    gauge->tip = c->committed;
    gauge->since_ms = CORE_NEVER;
    gauge->owed_ms = 0;
    gauge->count = 0;
}

/* Highest height of an unbroken chain of proposals that were executed here. */
static uint64_t executed_tip(const struct consensus *c)
{
    uint64_t tip = c->committed;
    while (tip < core_top(c) && core_slot_const(c, tip + 1)->open &&
           core_slot_const(c, tip + 1)->run == SLOT_VALID)
        tip++;
    return tip;
}

static void gauge_run(struct consensus *c)
{
    struct core_gauge *gauge = &c->gauge;
    const uint64_t tip = executed_tip(c);
    if (tip > gauge->tip) {
        if (gauge->since_ms != CORE_NEVER) {
            gauge->owed_ms += c->now_ms - gauge->since_ms;
            gauge->count++;
        }
        gauge->tip = tip;
        gauge->since_ms = CORE_NEVER;
    }
    const bool owes = c->active && !core_is_primary(c) && !sync_is_behind(c) && c->work.buildable &&
                      tip - c->committed < c->config.in_flight_max && tip < pace_turn_end(c);
    if (!owes)
        gauge->since_ms = CORE_NEVER;
    else if (gauge->since_ms == CORE_NEVER)
        gauge->since_ms = c->now_ms;
}

/* What a proposal takes by those who were primary before; 0: not known yet of f + 1, so that all who are known may be liars. */
static uint64_t usual_ms(const struct consensus *c)
{
    uint8_t known = 0;
    uint64_t values[LIMIT_VALIDATORS];
    for (uint8_t i = 0; i < c->committee.count; i++) {
        const uint64_t value = c->gauge.usual_ms[i];
        if (i == c->gauge.primary.n || value == 0)
            continue;
        uint8_t place = known++;
        for (; place > 0 && values[place - 1] > value; place--)
            values[place] = values[place - 1];
        values[place] = value;
    }
    return known > c->faults ? values[c->faults] : 0;
}

static bool is_slow(const struct consensus *c)
{
    const struct core_gauge *gauge = &c->gauge;
    const uint64_t usual = usual_ms(c);
    return usual != 0 && gauge->count >= PACE_SAMPLES &&
           gauge->owed_ms > gauge->count * (PACE_SLOW * usual + c->config.block_interval_min_ms);
}

/* --- turns --- */

/* A seat had its turn in vain. */
static void bar(struct consensus *c, struct seat seat, struct view view)
{
    struct core_peer *peer = &c->peers[seat.n];
    if (peer->failures < PACE_BAR_MAX)
        peer->failures++;
    peer->barred_view = view.n + c->committee.count * ((UINT64_C(1) << peer->failures) - 1);
}

/* The wanted view wasn't opened. Its primary had its turn only if it could have: the quorum that I have for it, it has too, soon. */
static void judge_unopened(struct consensus *c, struct view view)
{
    if (committee_size(change_seats_for(c, view.n)) >= c->quorum)
        bar(c, committee_primary(&c->committee, view), view);
}

/* When a view is entered: did the primary of the last one fill its turn? */
static void judge_turn(struct consensus *c)
{
    struct core_peer *peer = &c->peers[c->gauge.primary.n];
    if (c->gauge.turn_end != 0 && c->choice.base + c->choice.count < c->gauge.turn_end)
        bar(c, c->gauge.primary, c->gauge.view);
    else if (c->gauge.turn_end != 0 && peer->failures > 0)
        peer->failures--;
}

/* Me, or heard of in this time-out or between two STATUS. */
static bool is_heard(const struct consensus *c, uint8_t seat)
{
    const uint64_t two_ms = 2 * c->config.status_interval_ms;
    const uint64_t lately_ms = two_ms > pace_timeout_ms(c) ? two_ms : pace_timeout_ms(c);
    return seat == c->config.seat.n ||
           (c->peers[seat].heard_ms != 0 && c->now_ms <= c->peers[seat].heard_ms + lately_ms);
}

/* At most f are, those for longest: more can't all be at fault, and who passes over correct ones runs away from them. */
static bool is_barred(const struct consensus *c, uint8_t seat, uint64_t view)
{
    const uint64_t until = c->peers[seat].barred_view;
    uint8_t worse = 0;
    for (uint8_t i = 0; i < c->committee.count; i++)
        worse += c->peers[i].barred_view > until || (c->peers[i].barred_view == until && i < seat);
    return view <= until && worse < c->faults;
}

/* The seat won't open a view: I am a window behind, or it has signed that it wants a higher one. */
static bool is_unwilling(const struct consensus *c, uint8_t seat, uint64_t view)
{
    if (seat == c->config.seat.n)
        return c->target > c->committed + BOUNDS_WINDOW;
    return c->peers[seat].view > view;
}

/* The view to go to from here. Without a willing primary it is the next one, where a seat then waits for others; going on to whoever has
 * resigned from that view already, it would go from lap to lap without end. */
static uint64_t next_view(const struct consensus *c)
{
    for (uint64_t view = c->view.n + 1; view <= c->view.n + c->committee.count; view++) {
        const uint8_t seat = committee_primary(&c->committee, (struct view){view}).n;
        if (is_heard(c, seat) && !is_barred(c, seat, view) && !is_unwilling(c, seat, view))
            return view;
    }
    return c->view.n + 1;
}

/* I want a view that can't open: some who are needed for it are above already, and sign nothing for mine any more. */
static bool is_split(const struct consensus *c)
{
    return !c->active && committee_size(change_seats_for(c, c->view.n)) < c->quorum &&
           change_seats_at(c, c->view.n + 1) != 0;
}

/* The lowest view that one of those is at, if it may be my next one; never more than a lap on one seat's word. */
static uint64_t meeting_view(const struct consensus *c)
{
    uint64_t lowest = c->view.n + c->committee.count + 1;
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (c->peers[i].view > c->view.n && c->peers[i].view < lowest)
            lowest = c->peers[i].view;
    const uint8_t seat = committee_primary(&c->committee, (struct view){lowest}).n;
    const bool may = lowest <= c->view.n + c->committee.count && is_heard(c, seat) &&
                     !is_barred(c, seat, lowest) && !is_unwilling(c, seat, lowest);
    return may ? lowest : next_view(c);
}

/* --- entering and leaving --- */

void pace_enter(struct consensus *c)
{
    judge_turn(c);
    gauge_turn(c);
    c->progress_ms = c->now_ms;
    c->pending_ms = CORE_NEVER;
    c->wanted_ms = CORE_NEVER;
    c->status_ms =
        c->now_ms; /* so that votes of this view that came too early are sent again at once */
    c->passed_base = c->work.passed_over;
}

void pace_leave(struct consensus *c)
{
    c->wanted_ms = CORE_NEVER;
    c->suspicious = false;
}

void pace_on_work(struct consensus *c, const struct event_work *work)
{
    if (work->mark != c->work.mark || work->passed_over < c->passed_base)
        c->passed_base = 0;
    c->work = *work;
    c->work_renewed = true;
}

static bool is_in_flight(const struct consensus *c)
{
    for (uint64_t h = c->committed + 1; h <= core_top(c); h++)
        if (core_slot_const(c, h)->open)
            return true;
    return false;
}

/* Something waits for the primary's next step. */
static bool is_pending(const struct consensus *c)
{
    return c->work.waiting || c->clock_ms >= c->work.due_ms || is_in_flight(c);
}

static uint64_t later(uint64_t start_ms, uint64_t delay_ms)
{
    return start_ms == CORE_NEVER ? CORE_NEVER : start_ms + delay_ms;
}

/* When the view fails, if nothing happens. */
static uint64_t failure_ms(const struct consensus *c)
{
    if (c->committee.count == 1)
        return CORE_NEVER; /* there is nobody else */
    if (is_split(c))
        return later(c->wanted_ms, 1 + pace_timeout_ms(c) / PACE_SPLIT);
    if (!c->active)
        return later(c->wanted_ms, pace_timeout_ms(c));
    if (c->pending_ms != CORE_NEVER)
        return later(c->pending_ms, pace_timeout_ms(c));
    return later(c->progress_ms, c->config.block_interval_max_ms + pace_timeout_ms(c));
}

static bool is_passed_over(const struct consensus *c)
{
    return c->work.waiting && c->work.passed_over >= c->passed_base + c->config.patience_blocks;
}

/* Fewer than a quorum are heard. */
static bool is_alone(const struct consensus *c)
{
    uint8_t heard = 0;
    for (uint8_t i = 0; i < c->committee.count; i++)
        heard += is_heard(c, i);
    return heard < c->quorum;
}

static void fail(struct consensus *c, struct actions *out)
{
    c->pending_ms = CORE_NEVER;
    c->progress_ms = c->now_ms;
    c->wanted_ms = c->active ? CORE_NEVER : c->now_ms;
    c->passed_base = c->work.passed_over;
    if (c->active && is_alone(c))
        return;
    if (c->active && sync_is_behind(c) && c->excused < EXCUSES) {
        c->excused++; /* others progress, so the primary isn't at fault, as long as I get there */
        return;
    }
    if (c->active)
        actions_tell(out, &(struct narrate_line){.kind = NARRATE_SUSPECTED, .view = c->view});
    else
        judge_unopened(c, c->view);
    if (pace_timeout_ms(c) < c->config.timeout_max_ms)
        c->backoff++;
    const uint64_t view = is_split(c) ? meeting_view(c) : next_view(c);
    if (view <= BOUNDS_VIEW_MAX)
        change_want(c, view, out);
}

/* The primary of my view will do nothing in it any more. */
static bool has_resigned(const struct consensus *c)
{
    if (core_is_primary(c))
        return is_unwilling(c, c->config.seat.n, c->view.n);
    const uint64_t last = pace_turn_end(c);
    const bool is_ending = c->committed >= last ||
                           (last <= core_top(c) && slot_has_block(core_slot_const(c, last)));
    if (c->active && is_ending)
        return false;
    return is_unwilling(c, committee_primary(&c->committee, c->view).n, c->view.n);
}

/* Ends a view in which no time-out passed. */
static void pass_on(struct consensus *c, enum narrate_kind why, struct actions *out)
{
    const struct view left = c->view;
    const bool opened = c->active;
    if (next_view(c) > BOUNDS_VIEW_MAX)
        return;
    change_want(c, next_view(c), out);
    if (c->view.n == left.n)
        return;
    if (!opened)
        judge_unopened(c, left);
    actions_tell(out,
                 &(struct narrate_line){.kind = why, .view = left, .height = {pace_turn_end(c)}});
}

void pace_run(struct consensus *c, struct actions *out)
{
    gauge_run(c);
    if (c->committee.count > 1 && has_resigned(c)) {
        pass_on(c, NARRATE_RESIGNED, out);
    } else if (c->active && c->committee.count > 1 && !sync_is_behind(c)) {
        if (c->committed >= pace_turn_end(c))
            pass_on(c, NARRATE_TURN, out);
        else if (is_slow(c))
            pass_on(c, NARRATE_SLOW, out);
    }
    if (!c->active && c->wanted_ms == CORE_NEVER &&
        committee_size(change_seats_at(c, c->view.n)) >= c->quorum)
        c->wanted_ms = c->now_ms;
    if (!is_pending(c))
        c->pending_ms = CORE_NEVER;
    else if (c->pending_ms == CORE_NEVER)
        c->pending_ms = c->now_ms;

    const bool suspicious =
        c->active && c->committee.count > 1 && (c->suspicious || is_passed_over(c));
    c->suspicious = false;
    if (suspicious || c->now_ms >= failure_ms(c))
        fail(c, out);
    if (c->now_ms >= c->status_ms) {
        sync_tell_status(c, out);
        c->status_ms = c->now_ms + c->config.status_interval_ms;
    }
}

bool pace_wants_block(const struct consensus *c, bool *empty_too)
{
    if (c->has_proposed && c->now_ms < c->proposed_ms + c->config.block_interval_min_ms)
        return false;
    *empty_too = !is_in_flight(c) && (c->clock_ms >= c->work.due_ms ||
                                      c->now_ms >= c->commit_ms + c->config.block_interval_max_ms);
    return *empty_too || c->work.buildable;
}

static uint64_t earliest(uint64_t now_ms, uint64_t a, uint64_t b)
{
    return b > now_ms && b < a ? b : a;
}

uint64_t pace_deadline_ms(const struct consensus *c)
{
    uint64_t deadline = CORE_NEVER;
    deadline = earliest(c->now_ms, deadline, c->status_ms);
    deadline = earliest(c->now_ms, deadline, sync_deadline_ms(c));
    deadline = earliest(c->now_ms, deadline, failure_ms(c));
    if (c->work.due_ms != CORE_NEVER && c->work.due_ms > c->clock_ms)
        deadline = earliest(c->now_ms, deadline, later(c->now_ms, c->work.due_ms - c->clock_ms));
    if (c->active && core_is_primary(c)) {
        if (c->has_proposed)
            deadline =
                earliest(c->now_ms, deadline, c->proposed_ms + c->config.block_interval_min_ms);
        deadline = earliest(c->now_ms, deadline, c->commit_ms + c->config.block_interval_max_ms);
    }
    return deadline;
}
