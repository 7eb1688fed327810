#include "contracts/schedule.h"

#include "test/unit/studio.h"

static struct market m;

static struct schedule_demand demand(void)
{
    return (struct schedule_demand){
        .consumer = market_address(MARKET_CONSUMER),
        .profile = OFFERS_PROFILE_F32V1,
        .memory_mib = 512,
        .work = 2 * SCHEDULE_UNIT,
        .segment_ms = 10000,
        .deadline_ms = m.context.time_ms + 1000000,
        .price_max = units_amount(1000),
        .stake = units_amount(STUDIO_STAKE),
        .auditors = 2,
    };
}

static struct schedule_pick picks[SCHEDULE_PICKS_MAX];

static enum schedule_outcome find(const struct schedule_demand *wanted, uint32_t count,
                                  struct schedule_search *search)
{
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    search->picks = picks;
    return schedule_find(&run, wanted, count, search);
}

START_TEST(the_cheapest_feasible_are_picked_and_ties_go_by_number)
{
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, 30, 1);
    studio_offer(&m, MARKET_PROVIDER_B, 20, 1);
    studio_offer(&m, MARKET_PROVIDER_C, 20, 1);
    studio_offer(&m, MARKET_PROVIDER_D, 10, 2);
    struct schedule_demand wanted = demand();
    ck_assert_int_eq(find(&wanted, 4, &search), SCHEDULE_FOUND);
    const uint64_t expected[] = {4, 4, 2, 3}, prices[] = {20, 20, 40, 40};
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(picks[i].offer, expected[i]);
        ck_assert_uint_eq(market_number(&picks[i].price), prices[i]);
    }
    market_release(&m);
}
END_TEST

START_TEST(all_or_none)
{
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, 30, 2);
    struct schedule_demand wanted = demand();
    ck_assert_int_eq(find(&wanted, 3, &search), SCHEDULE_NONE);
    ck_assert_uint_eq(search.pick_count, 0);
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_FOUND);
    market_release(&m);
}
END_TEST

/* Each reason for which an offer isn't feasible, alone. */
START_TEST(what_is_not_feasible_is_passed_over)
{
    struct schedule_demand good, bad;
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, 30, 2);
    good = bad = demand();
    ck_assert_int_eq(find(&good, 1, &search), SCHEDULE_FOUND);
#define NONE(change)                                                                               \
    do {                                                                                           \
        bad = good;                                                                                \
        search = (struct schedule_search){.offer = 0};                                             \
        change;                                                                                    \
        ck_assert_int_eq(find(&bad, 1, &search), SCHEDULE_NONE);                                   \
    } while (0)
    NONE(bad.profile = 2);
    NONE(bad.memory_mib = 1025);
    NONE(bad.segment_ms = 1); /* 10^9 multiply-adds a second do no 2 x 10^9 in a millisecond */
    NONE(bad.deadline_ms = m.context.time_ms + 100000001);
    NONE(bad.price_max = units_amount(59));
    NONE(bad.stake = units_amount(STUDIO_STAKE + 1));
    NONE(bad.auditors = 5);
    NONE(bad.consumer = market_address(MARKET_STRANGER));
#undef NONE
    struct members_subject subject = {.address = market_address(MARKET_PROVIDER_A)};
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_REVOKE, &subject),
                     VERDICT_OK);
    search = (struct schedule_search){.offer = 0};
    ck_assert_int_eq(find(&good, 1, &search), SCHEDULE_NONE);
    market_release(&m);
}
END_TEST

START_TEST(a_provider_is_picked_only_as_often_as_it_can_stake)
{
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, 30, 10);
    struct credits_transfer args = {.to = market_address(MARKET_AUDITOR),
                                    .amount = units_amount(MARKET_FORTUNE - 10 - 3 * STUDIO_STAKE)};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_CREDITS, CREDITS_TRANSFER, &args),
                     VERDICT_OK);
    struct schedule_demand wanted = demand();
    ck_assert_int_eq(find(&wanted, 4, &search), SCHEDULE_NONE);
    ck_assert_int_eq(find(&wanted, 3, &search), SCHEDULE_FOUND);
    market_release(&m);
}
END_TEST

static void with_limit(uint16_t candidates)
{
    struct parameters parameters;
    ck_assert(parameters_get(&m.view, &parameters));
    parameters.candidates_max = candidates;
    parameters_put(&m.view, &parameters);
}

START_TEST(the_search_limit_is_stated_and_the_next_block_goes_on)
{
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    with_limit(2);
    for (uint64_t price = 1; price <= 6; price++)
        studio_offer(&m, MARKET_PROVIDER_A + (uint32_t)(price % 4), price, 1);
    struct schedule_demand wanted = demand();
    ck_assert_int_eq(find(&wanted, 5, &search), SCHEDULE_LIMIT);
    ck_assert_uint_eq(search.pick_count, 2);
    ck_assert_int_eq(find(&wanted, 5, &search), SCHEDULE_LIMIT);
    ck_assert_int_eq(find(&wanted, 5, &search), SCHEDULE_FOUND);
    for (uint64_t i = 0; i < 5; i++)
        ck_assert_uint_eq(picks[i].offer, i + 1);
    market_release(&m);
}
END_TEST

START_TEST(a_pick_that_went_stale_starts_the_search_over)
{
    struct schedule_search search = {.offer = 0};
    struct offers_withdraw withdraw = {.offer = 1};
    studio_init(&m);
    with_limit(1);
    studio_offer(&m, MARKET_PROVIDER_A, 1, 1);
    studio_offer(&m, MARKET_PROVIDER_B, 2, 1);
    studio_offer(&m, MARKET_PROVIDER_C, 3, 1);
    struct schedule_demand wanted = demand();
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_LIMIT);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_OFFERS, OFFERS_WITHDRAW, &withdraw),
                     VERDICT_OK);
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_LIMIT);
    ck_assert_uint_eq(search.pick_count, 0);
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_LIMIT);
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_FOUND);
    ck_assert_uint_eq(picks[0].offer, 2);
    ck_assert_uint_eq(picks[1].offer, 3);
    market_release(&m);
}
END_TEST

/* Random markets against a plain search of all offers. */
START_TEST(it_finds_what_a_brute_force_search_finds)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        studio_init(&m);
        uint64_t price[30];
        uint16_t slots[30];
        for (int i = 0; i < 30; i++) {
            price[i] = 1 + (uint64_t)(rand() % 12);
            slots[i] = (uint16_t)(1 + rand() % 3);
            studio_offer(&m, MARKET_PROVIDER_A + (uint32_t)(rand() % 4), price[i], slots[i]);
        }
        struct schedule_demand wanted = demand();
        wanted.price_max = units_amount(16);
        uint32_t count = 1 + (uint32_t)(rand() % 60), found = 0;
        uint64_t expected[SCHEDULE_PICKS_MAX];
        for (uint64_t p = 1; p <= 8; p++) /* 2 x price <= 16 */
            for (int i = 0; i < 30; i++)
                for (uint16_t s = 0; price[i] == p && s < slots[i] && found < count; s++)
                    expected[found++] = (uint64_t)i + 1;
        struct schedule_search search = {.offer = 0};
        ck_assert_int_eq(find(&wanted, count, &search),
                         found == count ? SCHEDULE_FOUND : SCHEDULE_NONE);
        for (uint32_t i = 0; found == count && i < count; i++)
            ck_assert_uint_eq(picks[i].offer, expected[i]);
        market_release(&m);
    }
}
END_TEST

HARNESS_MAIN("schedule", the_cheapest_feasible_are_picked_and_ties_go_by_number, all_or_none,
             what_is_not_feasible_is_passed_over,
             a_provider_is_picked_only_as_often_as_it_can_stake,
             the_search_limit_is_stated_and_the_next_block_goes_on,
             a_pick_that_went_stale_starts_the_search_over,
             it_finds_what_a_brute_force_search_finds)
