#include "test/sim/mail.h"

#include "base/check.h"

#define GUESS_MS 1000 /* between two of these questions */

void mail_to_node(struct cluster *c, uint8_t from, uint8_t to, enum conductor_happening kind,
                  uint64_t a, struct bytes data)
{
    uint64_t delay, again;
    if (!links_send(&c->links, &c->dice, c->now_ms, from, to, &delay, &again))
        return;
    if (c->liars[from].tricks & LIAR_DELAYS)
        delay += c->stations[from].config.timeout_ms * 9 / 10;
    struct wheel_event event = {.time_ms = c->now_ms + delay,
                                .kind = (int)kind,
                                .seat = to,
                                .life = UINT32_MAX,
                                .a = a,
                                .b = from};
    wheel_add(&c->wheel, &event, data);
    if (again) {
        event.time_ms = c->now_ms + again;
        wheel_add(&c->wheel, &event, data);
    }
}

void mail_to_member(struct cluster *c, uint8_t from, uint8_t to, enum conductor_happening kind,
                    uint64_t a, struct bytes data)
{
    mail_to_node(c, from, to, kind, a, data);
    if (c->twins[to])
        mail_to_node(c, from, c->twins[to], kind, a, data);
}

void mail_to_seat(struct cluster *c, uint8_t from, struct seat to, enum conductor_happening kind,
                  uint64_t a, struct bytes data)
{
    const struct seating *seating = &c->stations[from].term.seating;
    if (to.n < seating->count && !(seating->vacant & COMMITTEE_BIT(to.n)))
        mail_to_member(c, from, seating->members[to.n], kind, a, data);
}

/* As its wrapper would have it: garbled now and then, or a second time much later. */
static void post(struct cluster *c, uint8_t from, uint8_t to, struct bytes message)
{
    c->sent[from]++;
    if (c->liars[from].tricks & LIAR_GARBLES && message.size && dice_chance(&c->dice, 300)) {
        uint8_t *garbled = arena_copy(&c->stations[from].arena, message.data, message.size);
        CHECK(garbled);
        garbled[dice_u64(&c->dice) % message.size] ^= (uint8_t)(1u << dice_between(&c->dice, 0, 7));
        mail_to_member(c, from, to, CONDUCTOR_MESSAGE, 0, bytes_of(garbled, message.size));
        return;
    }
    mail_to_member(c, from, to, CONDUCTOR_MESSAGE, 0, message);
    if (c->liars[from].tricks & LIAR_REPEATS && dice_chance(&c->dice, 100)) {
        struct wheel_event event = {.time_ms = c->now_ms + dice_between(&c->dice, 1, 20000),
                                    .kind = CONDUCTOR_MESSAGE,
                                    .seat = to,
                                    .life = UINT32_MAX,
                                    .b = from};
        wheel_add(&c->wheel, &event, message);
    }
}

void mail_message(struct cluster *c, uint8_t from, uint64_t seats, struct bytes message)
{
    const struct station *station = &c->stations[from];
    const struct seating *seating = &station->term.seating;
    for (uint8_t seat = 0; seat < seating->count; seat++)
        if (seats & ~seating->vacant & COMMITTEE_BIT(seat) && seat != station->seat.n)
            post(c, from, seating->members[seat], message);
}

void mail_status(struct cluster *c, uint8_t from, struct bytes message)
{
    for (uint8_t member = 0; member < c->members; member++)
        if (term_seat(&c->stations[from].term, member).n == COMMITTEE_NO_SEAT)
            mail_to_member(c, from, member, CONDUCTOR_MESSAGE, 0, message);
}

void mail_body(struct cluster *c, uint8_t from, const struct action_sign *proposal)
{
    const struct station_block *proposed = station_find(&c->stations[from], &proposal->digest);
    if (proposed == NULL)
        return;
    const struct bytes body = bytes_of(proposed->body.data, proposed->body.size);
    for (uint8_t to = 0; to < c->stations[from].term.seating.count; to++) {
        if (!(proposal->to & ~c->liars[from].shunned & COMMITTEE_BIT(to)))
            continue;
        const bool other = c->liars[from].tricks & LIAR_OTHER_BODIES && dice_chance(&c->dice, 300);
        mail_to_seat(c, from, (struct seat){to}, CONDUCTOR_BODY, 0,
                     other ? mail_spoiled(c, from, body) : body);
    }
}

struct bytes mail_spoiled(struct cluster *c, uint8_t from, struct bytes bytes)
{
    uint8_t *copy = arena_copy(&c->stations[from].arena, bytes.data, bytes.size);
    CHECK(copy);
    if (bytes.size)
        copy[dice_u64(&c->dice) % bytes.size] ^= 1;
    return bytes_of(copy, bytes.size);
}

void mail_want(struct cluster *c, uint8_t seat, const struct action_catch_up *want)
{
    uint64_t range[2] = {want->from.n, want->to.n};
    const struct station *station = &c->stations[seat];
    const uint8_t count = station->term.seating.count;
    uint64_t seats = want->seats;
    if (station->seat.n != COMMITTEE_NO_SEAT)
        seats &= ~COMMITTEE_BIT(station->seat.n);
    if (!seats)
        return;
    struct seat from = {(uint8_t)dice_between(&c->dice, 0, count - 1)};
    while (!(seats & COMMITTEE_BIT(from.n)))
        from.n = (from.n + 1) % count;
    mail_to_seat(c, seat, from, CONDUCTOR_CATCH_UP, seat, bytes_of(range, sizeof(range)));
}

void mail_guess(struct cluster *c, uint8_t node, uint8_t to,
                const struct consensus_summary *summary)
{
    struct station *station = &c->stations[node];
    if (summary->target.n > summary->committed.n ||
        (station->guessed_ms && c->now_ms < station->guessed_ms + GUESS_MS))
        return;
    station->guessed_ms = c->now_ms;
    const uint64_t range[2] = {summary->committed.n + 1, summary->committed.n + BOUNDS_WINDOW};
    mail_to_node(c, node, to, CONDUCTOR_CATCH_UP, node,
                 bytes_of((const uint8_t *)range, sizeof(range)));
}
