#include "contracts/settlement.h"

#include "test/unit/studio.h"

static struct market m;

/* A lock of `amount` that belongs to provider A, and an attempt to split it for. */
static struct attempt locked(struct credits_place place, uint64_t amount)
{
    static struct catalog_run run;
    struct attempt attempt;
    struct address owner = market_address(MARKET_PROVIDER_A);
    struct amount whole = units_amount(amount);
    studio_start(&m, 1, 1, 0);
    run = (struct catalog_run){&m.view, &m.context, &m.events, &address_zero};
    ck_assert(attempt_load(&attempt, &run, 1, 0));
    ck_assert_int_eq(credits_lock(&run, place, &owner, &whole), VERDICT_OK);
    return attempt;
}

START_TEST(a_quarter_goes_to_the_provers_in_equal_parts_and_all_remainders_to_the_treasury)
{
    struct credits_place place = {CREDITS_VOTE, 99, 0};
    struct address provers[3] = {market_address(MARKET_REPLAYER_0),
                                 market_address(MARKET_REPLAYER_1),
                                 market_address(MARKET_REPLAYER_2)};
    struct attempt attempt = locked(place, 1001);
    struct amount whole = units_amount(1001);
    struct amount taken = settlement_split(attempt.run, &attempt.parameters, place, &whole, 50,
                                           provers, 3); /* 500: 41 each, 377 */
    ck_assert_uint_eq(market_number(&taken), 500);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(market_balance(&m, MARKET_REPLAYER_0 + i), MARKET_FORTUNE + 41);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), 377);
    struct amount left = credits_locked(&m.view, place);
    ck_assert_uint_eq(market_number(&left), 501);
    market_release(&m);
}
END_TEST

START_TEST(without_provers_all_of_it_goes_to_the_treasury)
{
    struct credits_place place = {CREDITS_VOTE, 99, 0};
    struct attempt attempt = locked(place, 100);
    struct amount whole = units_amount(100);
    (void)settlement_split(attempt.run, &attempt.parameters, place, &whole, 100, NULL, 0);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), 100);
    market_release(&m);
}
END_TEST

START_TEST(no_more_is_taken_than_there_is)
{
    struct credits_place place = {CREDITS_VOTE, 99, 0};
    struct address prover = market_address(MARKET_REPLAYER_0);
    struct attempt attempt = locked(place, 100);
    struct amount whole = units_amount(1000);
    struct amount taken =
        settlement_split(attempt.run, &attempt.parameters, place, &whole, 100, &prover, 1);
    ck_assert_uint_eq(market_number(&taken), 100);
    ck_assert_uint_eq(market_balance(&m, MARKET_REPLAYER_0), MARKET_FORTUNE + 100);
    (void)market_supply(&m);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("settlement",
             a_quarter_goes_to_the_provers_in_equal_parts_and_all_remainders_to_the_treasury,
             without_provers_all_of_it_goes_to_the_treasury, no_more_is_taken_than_there_is)
