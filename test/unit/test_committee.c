#include "consensus/committee.h"

#include "base/check.h"
#include "test/harness.h"

static struct committee of(uint8_t count)
{
    struct sign_public keys[LIMIT_VALIDATORS] = {0};
    struct committee committee;
    committee_init(&committee, &digest_zero, keys, count);
    return committee;
}

START_TEST(faults_and_quorums_are_those_of_the_paper)
{
    static const uint8_t wanted[][3] = {
        {1, 0, 1}, {2, 0, 2}, {3, 0, 2},  {4, 1, 3},  {5, 1, 4},   {6, 1, 4},    {7, 2, 5},
        {8, 2, 6}, {9, 2, 6}, {10, 3, 7}, {13, 4, 9}, {16, 5, 11}, {63, 20, 42}, {64, 21, 43}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct committee committee = of(wanted[i][0]);
        ck_assert_uint_eq(committee_faults(&committee), wanted[i][1]);
        ck_assert_uint_eq(committee_quorum(&committee), wanted[i][2]);
    }
}
END_TEST

START_TEST(any_two_quorums_share_a_correct_seat_and_the_correct_are_one)
{
    for (uint8_t n = 1; n <= LIMIT_VALIDATORS; n++) {
        struct committee committee = of(n);
        const int f = committee_faults(&committee), q = committee_quorum(&committee);
        ck_assert_int_ge(2 * q - n, f + 1);
        ck_assert_int_le(q, n - f);
        ck_assert_int_lt(2 * (q - 1) - n, f + 1); /* and none smaller would do */
    }
}
END_TEST

START_TEST(all_seats_are_bits)
{
    struct committee four = of(4), full = of(64);
    ck_assert_uint_eq(committee_all(&four), 15);
    ck_assert_uint_eq(committee_all(&full), UINT64_MAX);
    ck_assert_uint_eq(committee_size(UINT64_C(0x8000000000000005)), 3);
}
END_TEST

START_TEST(the_primary_goes_round)
{
    struct committee five = of(5);
    for (uint64_t view = 0; view < 12; view++)
        ck_assert_uint_eq(committee_primary(&five, (struct view){view}).n, view % 5);
}
END_TEST

START_TEST(what_is_reached_is_what_enough_seats_have)
{
    struct committee four = of(4);
    const uint64_t values[LIMIT_VALIDATORS] = {7, UINT64_MAX, 3, 5};
    ck_assert_uint_eq(committee_reached(&four, values, 1), UINT64_MAX);
    ck_assert_uint_eq(committee_reached(&four, values, 2), 7);
    ck_assert_uint_eq(committee_reached(&four, values, 3), 5);
    ck_assert_uint_eq(committee_reached(&four, values, 4), 3);
}
END_TEST

HARNESS_MAIN("committee", faults_and_quorums_are_those_of_the_paper,
             any_two_quorums_share_a_correct_seat_and_the_correct_are_one, all_seats_are_bits,
             the_primary_goes_round, what_is_reached_is_what_enough_seats_have)
