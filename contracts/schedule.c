#include "contracts/schedule.h"

#include <string.h>

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/leases.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/parameters.h"
#include "contracts/path.h"
#include "contracts/validator.h"

static const struct record_field pick_fields[] = {
    RECORD_UINT(struct schedule_pick, offer),
    RECORD_AMOUNT(struct schedule_pick, price),
};
const struct record schedule_pick_record = RECORD(struct schedule_pick, "pick", pick_fields);

static const struct record_field search_fields[] = {
    RECORD_AMOUNT(struct schedule_search, price),
    RECORD_UINT(struct schedule_search, offer),
    RECORD_LIST(struct schedule_search, picks, pick_count, SCHEDULE_PICKS_MAX,
                &schedule_pick_record),
};
const struct record schedule_search_record =
    RECORD(struct schedule_search, "search", search_fields);

/* What every candidate is held against, read once. */
struct match {
    const struct catalog_run *run;
    const struct schedule_demand *demand;
    struct members_account consumer;
    struct validator *validators;
    uint32_t validator_count;
    struct address *barred;
    uint32_t barred_count;
};

static bool match_init(struct match *match, const struct catalog_run *run,
                       const struct schedule_demand *demand)
{
    struct view_state *view = run->view;
    *match = (struct match){.run = run, .demand = demand};
    match->validators = arena_array(view->arena, LIMIT_VALIDATORS, sizeof(*match->validators));
    match->barred = arena_array(view->arena, LEASES_ITEMS_MAX, sizeof(*match->barred));
    if (!match->validators || !match->barred) {
        view_fail(view, ERR_LIMIT);
        return false;
    }
    uint32_t seats = validator_seats(view);
    for (uint32_t i = 0; i < seats; i++)
        match->validator_count += validator_get(view, (struct seat){(uint8_t)i},
                                                &match->validators[match->validator_count]);
    match->barred_count = leases_barred(view, demand->lease, match->barred);
    return members_get(view, &demand->consumer, &match->consumer);
}

/* At least `auditors` replayers are apart from both sides. */
static bool has_auditors(const struct match *match, const struct address *provider,
                         struct bytes organisation)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < match->validator_count; i++)
        count += validator_is_apart(&match->validators[i], provider, organisation) &&
                 validator_is_apart(&match->validators[i], &match->demand->consumer,
                                    match->consumer.organisation);
    return count >= match->demand->auditors;
}

/* Who provides: an active provider that isn't barred and can stake for one slot more than `picked`. */
static bool is_fit_provider(const struct match *match, const struct address *provider,
                            uint32_t picked)
{
    struct members_account account;
    struct amount stakes;
    if (!members_get(match->run->view, provider, &account) || account.revoked ||
        !(account.roles & MEMBERS_ROLE_PROVIDER))
        return false;
    for (uint32_t i = 0; i < match->barred_count; i++)
        if (address_equal(&match->barred[i], provider))
            return false;
    return amount_mul(&stakes, &match->demand->stake, (uint64_t)picked + 1) &&
           units_amount_compare(&stakes, &account.balance) <= 0 &&
           has_auditors(match, provider, account.organisation);
}

/* The terms and the machine, leaving out price and room. */
static bool is_fit_machine(const struct match *match, uint64_t id, const struct offers_offer *offer)
{
    const struct schedule_demand *demand = match->demand;
    const struct offers_terms *terms = &offer->terms;
    uint64_t now = match->run->context->time_ms;
    struct offers_compute compute;
    if (offer->status != OFFERS_LISTED || terms->expires_ms <= now || terms->from_ms > now ||
        terms->until_ms < demand->deadline_ms ||
        units_amount_compare(&demand->stake, &terms->stake_max) > 0)
        return false;
    if (!offers_get_compute(match->run->view, id, &compute) ||
        compute.memory_mib < demand->memory_mib)
        return false;
    /* rate [10^6 a second] x time [ms] >= work, in 10^3 multiply-adds */
    return (__uint128_t)compute.rate_mmacs * demand->segment_ms >= demand->work / 1000;
}

static bool is_affordable(const struct match *match, const struct offers_offer *offer,
                          struct amount *price)
{
    return amount_share(price, &offer->terms.price, match->demand->work, SCHEDULE_UNIT) &&
           units_amount_compare(price, &match->demand->price_max) <= 0;
}

/* How many of the first `count` picks are of this offer; of this provider. */
static void count_picks(const struct match *match, const struct schedule_pick *picks,
                        uint32_t count, uint64_t id, const struct address *provider,
                        uint32_t *of_offer, uint32_t *of_provider)
{
    *of_offer = *of_provider = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct offers_offer other;
        *of_offer += picks[i].offer == id;
        *of_provider += offers_get(match->run->view, picks[i].offer, &other) &&
                        address_equal(&other.provider, provider);
    }
}

/* Adds as many slots of this offer as are wanted and feasible. */
static void pick(const struct match *match, struct schedule_search *search, uint32_t wanted,
                 uint64_t id, const struct offers_offer *offer, const struct amount *price)
{
    uint32_t of_offer, of_provider;
    count_picks(match, search->picks, search->pick_count, id, &offer->provider, &of_offer,
                &of_provider);
    while (search->pick_count < wanted && offer->leased + of_offer < offer->terms.slots &&
           is_fit_provider(match, &offer->provider, of_provider)) {
        search->picks[search->pick_count++] = (struct schedule_pick){.offer = id, .price = *price};
        of_offer++;
        of_provider++;
    }
}

/* Picks of earlier blocks are looked at again: terms, room and balances may have changed. */
static bool are_fresh(const struct match *match, const struct schedule_search *search)
{
    for (uint32_t i = 0; i < search->pick_count; i++) {
        const struct schedule_pick *p = &search->picks[i];
        struct offers_offer offer;
        struct amount price;
        uint32_t of_offer, of_provider;
        if (!offers_get(match->run->view, p->offer, &offer) ||
            !is_fit_machine(match, p->offer, &offer) || !is_affordable(match, &offer, &price) ||
            units_amount_compare(&price, &p->price) != 0)
            return false;
        count_picks(match, search->picks, i, p->offer, &offer.provider, &of_offer, &of_provider);
        if (offer.leased + of_offer >= offer.terms.slots ||
            !is_fit_provider(match, &offer.provider, of_provider))
            return false;
    }
    return true;
}

static void start_over(struct schedule_search *search)
{
    search->price = units_zero;
    search->offer = 0;
    search->pick_count = 0;
}

static enum schedule_outcome finish(const struct match *match, struct schedule_search *search,
                                    bool is_continued)
{
    if (!is_continued || are_fresh(match, search))
        return SCHEDULE_FOUND;
    start_over(search);
    return SCHEDULE_LIMIT;
}

enum schedule_outcome schedule_find(const struct catalog_run *run,
                                    const struct schedule_demand *demand, uint32_t wanted,
                                    struct schedule_search *search)
{
    CHECK(wanted >= 1);
    CHECK(wanted <= SCHEDULE_PICKS_MAX);
    struct match match;
    struct parameters parameters;
    bool is_continued = search->offer != 0;
    if (!match_init(&match, run, demand) || !parameters_get(run->view, &parameters))
        return SCHEDULE_NONE;

    struct path prefix = path_of("price/");
    path_u8(&prefix, OFFERS_COMPUTE);
    path_u8(&prefix, demand->profile);
    struct path after = {.size = 0};
    if (is_continued) {
        after = prefix;
        path_raw(&after, bytes_of(search->price.be, sizeof(search->price.be)));
        path_u64(&after, search->offer);
    }
    struct bytes from = path_key(&after), key, value;
    for (uint32_t i = 0; i < parameters.candidates_max; i++) {
        struct offers_ranked ranked;
        struct offers_offer offer;
        struct amount price;
        if (!view_next(run->view, path_key(&prefix), from, &key, &value) ||
            !view_load(run->view, key, &offers_ranked_record, &ranked) ||
            !offers_get(run->view, ranked.offer, &offer) ||
            !is_affordable(&match, &offer, &price)) {
            start_over(search);
            return SCHEDULE_NONE;
        }
        if (is_fit_machine(&match, ranked.offer, &offer))
            pick(&match, search, wanted, ranked.offer, &offer, &price);
        if (search->pick_count == wanted)
            return finish(&match, search, is_continued);
        search->price = offer.terms.price;
        search->offer = ranked.offer;
        from = key;
    }
    return SCHEDULE_LIMIT;
}
