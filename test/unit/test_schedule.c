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

static enum schedule_outcome find_each(const struct schedule_demand *wanted, uint32_t count,
                                       struct schedule_search *search)
{
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    search->picks = picks;
    return schedule_find(&run, wanted, count, search);
}

/* `count` slots that all want the same. */
static enum schedule_outcome find(const struct schedule_demand *wanted, uint32_t count,
                                  struct schedule_search *search)
{
    struct schedule_demand all[SCHEDULE_PICKS_MAX];
    for (uint32_t i = 0; i < count; i++)
        all[i] = *wanted;
    return find_each(all, count, search);
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

START_TEST(a_pick_that_went_stale_is_dropped_and_the_search_goes_on)
{
    struct schedule_search search = {.offer = 0};
    struct offers_update update = {.offer = 1};
    studio_init(&m);
    with_limit(1);
    studio_offer(&m, MARKET_PROVIDER_A, 1, 1);
    studio_offer(&m, MARKET_PROVIDER_B, 2, 1);
    studio_offer(&m, MARKET_PROVIDER_C, 3, 1);
    struct schedule_demand wanted = demand();
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_LIMIT);
    struct offers_offer offer;
    ck_assert(offers_get(&m.view, 1, &offer));
    update.terms = offer.terms;
    update.terms.price = units_amount(4); /* the attack: in each block another */
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_OFFERS, OFFERS_UPDATE, &update),
                     VERDICT_OK);
    ck_assert_int_eq(find(&wanted, 2, &search), SCHEDULE_LIMIT);
    ck_assert_uint_eq(search.pick_count, 1);
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

/* A demand for `steps` of 100 steps, which only a machine of `steps` x 10^6 multiply-adds a second or more can do. */
static struct schedule_demand share(uint64_t steps)
{
    struct schedule_demand part = demand();
    part.work = steps * part.segment_ms * 1000;
    part.price_max = units_amount(10 * steps);
    part.stake = units_amount(STUDIO_STAKE * steps / 100);
    return part;
}

static void list(uint32_t provider, uint64_t price, uint16_t slots, uint64_t rate_mmacs)
{
    uint64_t offer = studio_offer(&m, provider, price, slots);
    struct path path = path_1("compute/", offer);
    struct offers_compute compute;
    ck_assert(offers_get_compute(&m.view, offer, &compute));
    compute.rate_mmacs = rate_mmacs;
    view_save(&m.view, path_key(&path), &offers_compute_record, &compute);
}

START_TEST(the_largest_share_that_a_machine_can_do_is_its_own)
{
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    list(MARKET_PROVIDER_A, 10, 1, 25);  /* slow and cheap: offer 1 */
    list(MARKET_PROVIDER_B, 20, 1, 100); /* offer 2 */
    list(MARKET_PROVIDER_C, 30, 2, 60);  /* offer 3 */
    struct schedule_demand wanted[] = {share(50), share(25), share(100), share(25)};
    ck_assert_int_eq(find_each(wanted, 4, &search), SCHEDULE_FOUND);
    const uint32_t expected[4][3] = {
        /* offer, demand, price of its work */
        {1, 1, 2}, /* the first of the two that it can do; 25 x 10^7 x 10 / 10^9, rounded down */
        {2, 2, 20},
        {3, 0, 15},
        {3, 3, 7},
    };
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(picks[i].offer, expected[i][0]);
        ck_assert_uint_eq(picks[i].demand, expected[i][1]);
        ck_assert_uint_eq(market_number(&picks[i].price), expected[i][2]);
    }
    search = (struct schedule_search){.offer = 0};
    wanted[0] = share(75); /* only B could do it, and B has one slot */
    ck_assert_int_eq(find_each(wanted, 4, &search), SCHEDULE_NONE);
    market_release(&m);
}
END_TEST

/* Whether `demands` (a set) can be met by machines from number `next` on, each at most once: tries everything. */
static bool can_meet(const uint64_t *shares, uint32_t demands, const uint64_t *rates, uint32_t next)
{
    if (!demands)
        return true;
    if (next == 6)
        return false;
    for (uint32_t d = 0; d < 4; d++)
        if (demands >> d & 1 && rates[next] >= shares[d] &&
            can_meet(shares, demands & ~(1u << d), rates, next + 1))
            return true;
    return can_meet(shares, demands, rates, next + 1);
}

START_TEST(unequal_shares_are_met_whenever_any_assignment_meets_them)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct schedule_search search = {.offer = 0};
        struct schedule_demand wanted[4];
        uint64_t rates[6], shares[4];
        srand(seed);
        studio_init(&m);
        for (uint32_t i = 0; i < 6; i++)
            list(MARKET_PROVIDER_A + i % 4, 1 + (uint64_t)(rand() % 30), 1,
                 rates[i] = 10u * (1u + (uint64_t)(rand() % 9)));
        for (uint32_t i = 0; i < 4; i++)
            wanted[i] = share(shares[i] = 10u * (1u + (uint64_t)(rand() % 9)));
        ck_assert_int_eq(find_each(wanted, 4, &search),
                         can_meet(shares, 15, rates, 0) ? SCHEDULE_FOUND : SCHEDULE_NONE);
        for (uint32_t i = 0; i < search.pick_count; i++)
            ck_assert_uint_ge(rates[picks[i].offer - 1], shares[picks[i].demand]);
        market_release(&m);
    }
}
END_TEST

START_TEST(a_provider_stakes_for_the_sum_of_its_shares)
{
    struct schedule_search search = {.offer = 0};
    studio_init(&m);
    list(MARKET_PROVIDER_A, 10, 4, 100);
    struct credits_transfer args = {.to = market_address(MARKET_AUDITOR),
                                    .amount =
                                        units_amount(MARKET_FORTUNE - 10 - STUDIO_STAKE * 3 / 2)};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_CREDITS, CREDITS_TRANSFER, &args),
                     VERDICT_OK);
    struct schedule_demand wanted[] = {share(25), share(100), share(25), share(25)};
    ck_assert_int_eq(find_each(wanted, 3, &search), SCHEDULE_FOUND);
    search = (struct schedule_search){.offer = 0};
    ck_assert_int_eq(find_each(wanted, 4, &search), SCHEDULE_NONE);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("schedule", the_cheapest_feasible_are_picked_and_ties_go_by_number, all_or_none,
             what_is_not_feasible_is_passed_over,
             a_provider_is_picked_only_as_often_as_it_can_stake,
             the_search_limit_is_stated_and_the_next_block_goes_on,
             a_pick_that_went_stale_is_dropped_and_the_search_goes_on,
             it_finds_what_a_brute_force_search_finds,
             the_largest_share_that_a_machine_can_do_is_its_own,
             unequal_shares_are_met_whenever_any_assignment_meets_them,
             a_provider_stakes_for_the_sum_of_its_shares)
