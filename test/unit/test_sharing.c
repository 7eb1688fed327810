#include "tools/tenure/sharing.h"

#include "test/harness.h"

#include "contracts/share.h"

/* A job of 3 workers: 100 steps of 10^9 multiply-adds, a leaf every 10, in 100 s. A machine of 10^9 a second trains 75 of them in three
 * quarters of that. */
static struct jobs_steps shares[3];
static struct jobs_job job = {
    .terms = {.workers = 3,
              .memory_mib = 100,
              .segment_ms = 100000,
              .deadline_ms = 200000,
              .shares = shares},
    .steps = 100,
    .interval = 10,
    .intervals = 10,
    .work = 100000000000,
};

static struct offers_offer offers[4];
static struct offers_compute machines[4];
static struct listing_offer listed[4];
static struct listing listing = {.offers = listed, .now_ms = 1000};
static struct fault fault;

static void list(uint64_t rate_mmacs, uint16_t slots)
{
    uint32_t i = listing.count++;
    offers[i] = (struct offers_offer){
        .profile = PROGRAM_PROFILE,
        .status = OFFERS_LISTED,
        .terms = {.price = units_amount(1),
                  .slots = slots,
                  .stake_max = units_amount(50),
                  .until_ms = 200000,
                  .expires_ms = 200000},
    };
    machines[i] = (struct offers_compute){.memory_mib = 100, .rate_mmacs = rate_mmacs};
    listed[i] = (struct listing_offer){i + 1, &offers[i], &machines[i], NULL};
}

static void setup(void)
{
    job.terms.price_max = units_amount(100);
    job.terms.stake = units_amount(50);
}

static void expect(uint32_t a, uint32_t b, uint32_t c)
{
    ck_assert_int_eq(sharing_by_rate(&job, &listing, &fault), ERR_NONE);
    ck_assert_uint_eq(job.terms.share_count, 3);
    ck_assert(share_check(&job));
    ck_assert_uint_eq(shares[0].steps, a);
    ck_assert_uint_eq(shares[1].steps, b);
    ck_assert_uint_eq(shares[2].steps, c);
}

START_TEST(each_machine_has_what_it_trains_in_the_time)
{
    setup();
    list(1000, 1);
    list(2000, 1);
    list(400, 1);
    expect(70, 100, 30);
}
END_TEST

START_TEST(an_offer_s_slots_have_a_share_each_and_what_does_not_fit_is_passed_over)
{
    setup();
    list(1000, 1);
    offers[0].terms.stake_max = units_amount(34); /* 35 are asked for 70 steps */
    list(100, 4);                                 /* 7 steps are no interval */
    list(500, 2);
    list(800, 2);
    expect(30, 30, 60);
}
END_TEST

START_TEST(a_share_has_at_least_what_is_drawn_of_it)
{
    setup();
    job.terms.sample = 4;
    list(400, 1);
    list(600, 3);
    expect(40, 40, 40);
}
END_TEST

START_TEST(machines_that_can_do_all_have_equal_shares)
{
    setup();
    list(2000, 3);
    ck_assert_int_eq(sharing_by_rate(&job, &listing, &fault), ERR_NONE);
    ck_assert_uint_eq(job.terms.share_count, 0);
}
END_TEST

START_TEST(too_few_machines_are_an_error)
{
    setup();
    list(1000, 2);
    ck_assert_int_eq(sharing_by_rate(&job, &listing, &fault), ERR_NOT_NOW);
    ck_assert_str_eq(fault.text, "shares by rate: of 3 machines only 2 that fit are listed now");
}
END_TEST

HARNESS_MAIN("sharing", each_machine_has_what_it_trains_in_the_time,
             an_offer_s_slots_have_a_share_each_and_what_does_not_fit_is_passed_over,
             a_share_has_at_least_what_is_drawn_of_it, machines_that_can_do_all_have_equal_shares,
             too_few_machines_are_an_error)
