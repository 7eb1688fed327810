/* A set of validators and the block that it begins above; and motions, which change the set as governance and evidence do.
 *
 * A member is a key, for ever the same one; a seat is its place in one set, and may be another's in the next. A motion is a client's number,
 * so it is ordered as all others are; the first of a block that can have an effect has it, which makes the block a boundary. */
#ifndef TEST_SIM_TERM_H
#define TEST_SIM_TERM_H

#include "consensus/verify.h"

/* Who sits where. */
struct seating {
    uint8_t count;
    uint8_t members[LIMIT_VALIDATORS]; /* by seat; a vacant one's is who sat there */
    uint64_t vacant;                   /* bits of seats */
};

struct term {
    struct seating seating;
    struct committee committee;
    struct consensus_base base;
};

/* The first set: each of `count` members in the seat of its number. */
void term_found(struct term *term, uint8_t count);

/* The seat of a member: COMMITTEE_NO_SEAT if it has none, or lost it. */
struct seat term_seat(const struct term *term, uint8_t member);

/* The first height that the set certifies. */
uint64_t term_since(const struct term *term);

/* Bits of the seats that these members have; bits of who has these seats. */
uint64_t term_seats(const struct term *term, uint64_t members);
uint64_t term_members(const struct term *term, uint64_t seats);

#define TERM_MEMBERS_MAX 32u /* 5 bits in a motion's number */
#define TERM_SEATS_MIN   4u  /* as contracts/seats.h has it */

enum motion_kind {
    MOTION_ADD,     /* `whom` */
    MOTION_REMOVE,  /* `who` */
    MOTION_REPLACE, /* `who` by `whom`: another key, also in a vacant seat */
    MOTION_VACATE,  /* `who` was proven guilty */
};

struct motion {
    enum motion_kind kind;
    uint8_t who, whom;
};

/* Motions' numbers begin above `number_max` - TERM_MOTIONS. */
#define TERM_MOTIONS 4096u
uint64_t term_number(const struct motion *motion, uint64_t number_max);
bool term_motion(struct motion *motion, uint64_t number, uint64_t number_max);

/* False, and nothing changes, if it can't have an effect: who isn't there or is there already; fewer than four seats, or than a quorum of
 * taken ones, would be left. */
bool term_move(struct seating *seating, const struct motion *motion);

#endif
