#include "test/sim/term.h"

#include <string.h>

#include "base/check.h"

void term_found(struct term *term, uint8_t count)
{
    memset(term, 0, sizeof(*term));
    term->seating.count = count;
    for (uint8_t seat = 0; seat < count; seat++)
        term->seating.members[seat] = seat;
}

static uint8_t index_of(const struct seating *seating, uint8_t member)
{
    uint8_t seat = 0;
    while (seat < seating->count && seating->members[seat] != member)
        seat++;
    return seat;
}

struct seat term_seat(const struct term *term, uint8_t member)
{
    const uint8_t seat = index_of(&term->seating, member);
    const bool sits = seat < term->seating.count && !(term->seating.vacant & COMMITTEE_BIT(seat));
    return (struct seat){sits ? seat : COMMITTEE_NO_SEAT};
}

uint64_t term_since(const struct term *term)
{
    return term->base.height.n + 1;
}

uint64_t term_seats(const struct term *term, uint64_t members)
{
    uint64_t seats = 0;
    for (uint8_t seat = 0; seat < term->seating.count; seat++)
        if (members & COMMITTEE_BIT(term->seating.members[seat]))
            seats |= COMMITTEE_BIT(seat);
    return seats & ~term->seating.vacant;
}

uint64_t term_members(const struct term *term, uint64_t seats)
{
    uint64_t members = 0;
    seats &= ~term->seating.vacant;
    for (uint8_t seat = 0; seat < term->seating.count; seat++)
        if (seats & COMMITTEE_BIT(seat))
            members |= COMMITTEE_BIT(term->seating.members[seat]);
    return members;
}

uint64_t term_number(const struct motion *motion, uint64_t number_max)
{
    CHECK(motion->who < TERM_MEMBERS_MAX && motion->whom < TERM_MEMBERS_MAX);
    const uint64_t code =
        ((uint64_t)motion->kind * TERM_MEMBERS_MAX + motion->who) * TERM_MEMBERS_MAX + motion->whom;
    return number_max - code;
}

bool term_motion(struct motion *motion, uint64_t number, uint64_t number_max)
{
    if (number > number_max || number + TERM_MOTIONS <= number_max)
        return false;
    const uint64_t code = number_max - number;
    *motion = (struct motion){(enum motion_kind)(code / TERM_MEMBERS_MAX / TERM_MEMBERS_MAX),
                              (uint8_t)(code / TERM_MEMBERS_MAX % TERM_MEMBERS_MAX),
                              (uint8_t)(code % TERM_MEMBERS_MAX)};
    return true;
}

static void remove_seat(struct seating *seating, uint8_t seat)
{
    const uint64_t below = COMMITTEE_BIT(seat) - 1;
    seating->count--;
    memmove(&seating->members[seat], &seating->members[seat + 1], seating->count - seat);
    seating->members[seating->count] = 0; /* equal sets have equal bytes */
    seating->vacant = (seating->vacant & below) | (seating->vacant >> 1 & ~below);
}

/* No seat without need is empty, and those that are taken are a quorum. */
static bool is_able(const struct seating *seating, uint8_t count_before)
{
    const struct committee committee = {.count = seating->count};
    const unsigned taken = seating->count - committee_size(seating->vacant);
    return taken >= committee_quorum(&committee) &&
           (seating->count >= TERM_SEATS_MIN || seating->count >= count_before);
}

bool term_move(struct seating *seating, const struct motion *motion)
{
    struct seating after = *seating;
    const uint8_t who = index_of(seating, motion->who);
    const bool known = index_of(seating, motion->whom) < seating->count;
    if (motion->kind != MOTION_ADD && who == seating->count)
        return false;
    switch (motion->kind) {
    case MOTION_ADD:
        if (known || seating->count == TERM_MEMBERS_MAX)
            return false;
        after.members[after.count++] = motion->whom;
        break;
    case MOTION_REMOVE:
        remove_seat(&after, who);
        break;
    case MOTION_REPLACE:
        if (known)
            return false;
        after.members[who] = motion->whom;
        after.vacant &= ~COMMITTEE_BIT(who);
        break;
    case MOTION_VACATE:
        if (after.vacant & COMMITTEE_BIT(who))
            return false;
        after.vacant |= COMMITTEE_BIT(who);
        break;
    }
    if (!is_able(&after, seating->count))
        return false;
    *seating = after;
    return true;
}
