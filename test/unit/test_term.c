#include "test/sim/term.h"

#include "test/harness.h"

#define NUMBER_MAX 65536u

static struct seating seating_of(uint8_t count)
{
    struct term term;
    term_found(&term, count);
    return term.seating;
}

START_TEST(a_motion_is_a_number_and_back)
{
    struct motion motion = {MOTION_REPLACE, 31, 7}, again;
    const uint64_t number = term_number(&motion, NUMBER_MAX);
    ck_assert(term_motion(&again, number, NUMBER_MAX));
    ck_assert(again.kind == MOTION_REPLACE && again.who == 31 && again.whom == 7);
    ck_assert(!term_motion(&again, NUMBER_MAX - TERM_MOTIONS, NUMBER_MAX));
    ck_assert(!term_motion(&again, NUMBER_MAX + 1, NUMBER_MAX));
}
END_TEST

START_TEST(a_vacancy_keeps_its_seat_when_one_below_goes)
{
    struct seating seating = seating_of(7);
    ck_assert(term_move(&seating, &(struct motion){MOTION_VACATE, 5, 0}));
    ck_assert(term_move(&seating, &(struct motion){MOTION_REMOVE, 1, 0}));
    ck_assert_uint_eq(seating.count, 6);
    ck_assert_uint_eq(seating.vacant, COMMITTEE_BIT(4));
    const struct term term = {.seating = seating};
    ck_assert_uint_eq(term_seat(&term, 5).n, COMMITTEE_NO_SEAT);
    ck_assert_uint_eq(term_seat(&term, 6).n, 5);
    ck_assert_uint_eq(term_seats(&term, COMMITTEE_BIT(5) | COMMITTEE_BIT(6)), COMMITTEE_BIT(5));
    ck_assert(term_move(&seating, &(struct motion){MOTION_REPLACE, 5, 9}));
    ck_assert_uint_eq(seating.vacant, 0);
    ck_assert_uint_eq(seating.members[4], 9);
}
END_TEST

START_TEST(no_motion_leaves_less_than_four_or_than_a_quorum)
{
    struct seating seating = seating_of(4);
    ck_assert(!term_move(&seating, &(struct motion){MOTION_REMOVE, 1, 0}));
    ck_assert(term_move(&seating, &(struct motion){MOTION_VACATE, 1, 0}));
    ck_assert(!term_move(&seating, &(struct motion){MOTION_VACATE, 2, 0}));
    ck_assert(!term_move(&seating, &(struct motion){MOTION_VACATE, 1, 0}));
    ck_assert(!term_move(&seating, &(struct motion){MOTION_ADD, 0, 3}));
    ck_assert(!term_move(&seating, &(struct motion){MOTION_REPLACE, 8, 9}));
}
END_TEST

HARNESS_MAIN("term", a_motion_is_a_number_and_back, a_vacancy_keeps_its_seat_when_one_below_goes,
             no_motion_leaves_less_than_four_or_than_a_quorum)
