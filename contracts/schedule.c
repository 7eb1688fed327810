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
    RECORD_UINT_MAX(struct schedule_pick, demand, SCHEDULE_PICKS_MAX - 1),
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
    const struct schedule_demand *demands; /* what they have in common is read from the first */
    uint32_t wanted;
    struct members_account consumer;
    struct validator *validators;
    uint32_t validator_count;
    struct address *barred;
    uint32_t barred_count;
};

static bool match_init(struct match *match, const struct catalog_run *run,
                       const struct schedule_demand *demands, uint32_t wanted)
{
    struct view_state *view = run->view;
    *match = (struct match){.run = run, .demands = demands, .wanted = wanted};
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
    match->barred_count = leases_barred(view, demands->lease, match->barred);
    return members_get(view, &demands->consumer, &match->consumer);
}

/* --- one offer --- */

struct candidate {
    uint64_t id;
    struct offers_offer offer;
    struct offers_compute compute;
};

static bool candidate_get(struct view_state *view, uint64_t id, struct candidate *candidate)
{
    candidate->id = id;
    return offers_get(view, id, &candidate->offer) &&
           offers_get_compute(view, id, &candidate->compute);
}

/* At least `auditors` replayers are apart from both sides. */
static bool has_auditors(const struct match *match, const struct address *provider,
                         struct bytes organisation)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < match->validator_count; i++)
        count += validator_is_apart(&match->validators[i], provider, organisation) &&
                 validator_is_apart(&match->validators[i], &match->demands->consumer,
                                    match->consumer.organisation);
    return count >= match->demands->auditors;
}

/* Who provides: an active provider that isn't barred; what it can stake at most in *balance. */
static bool is_fit_provider(const struct match *match, const struct address *provider,
                            struct amount *balance)
{
    struct members_account account;
    if (!members_get(match->run->view, provider, &account) || account.revoked ||
        !(account.roles & MEMBERS_ROLE_PROVIDER))
        return false;
    for (uint32_t i = 0; i < match->barred_count; i++)
        if (address_equal(&match->barred[i], provider))
            return false;
    *balance = account.balance;
    return has_auditors(match, provider, account.organisation);
}

/* The terms and the machine, as far as all demands ask the same of them. */
static bool is_open(const struct match *match, const struct candidate *candidate)
{
    const struct offers_terms *terms = &candidate->offer.terms;
    uint64_t now = match->run->context->time_ms;
    return candidate->offer.status == OFFERS_LISTED && terms->expires_ms > now &&
           terms->from_ms <= now && terms->until_ms >= match->demands->deadline_ms &&
           candidate->compute.memory_mib >= match->demands->memory_mib;
}

static bool is_affordable(const struct schedule_demand *demand, const struct offers_offer *offer,
                          struct amount *price)
{
    return amount_share(price, &offer->terms.price, demand->work, SCHEDULE_UNIT) &&
           units_amount_compare(price, &demand->price_max) <= 0;
}

/* Fast, cheap and solvent enough for this demand, when its provider can still stake `left`.
 * rate [10^6 a second] x time [ms] >= work, in 10^3 multiply-adds. */
static bool is_fit(const struct schedule_demand *demand, const struct candidate *candidate,
                   const struct amount *left, struct amount *price)
{
    return (__uint128_t)candidate->compute.rate_mmacs * demand->segment_ms >= demand->work / 1000 &&
           units_amount_compare(&demand->stake, &candidate->offer.terms.stake_max) <= 0 &&
           units_amount_compare(&demand->stake, left) <= 0 &&
           is_affordable(demand, &candidate->offer, price);
}

/* --- picks --- */

/* Whether the offer has a slot beside the first `count` picks; what its provider can stake beside theirs in *left. */
static bool has_slot(const struct match *match, const struct schedule_pick *picks, uint32_t count,
                     const struct candidate *candidate, struct amount *left)
{
    const struct offers_offer *offer = &candidate->offer;
    uint32_t of_offer = 0;
    if (!is_fit_provider(match, &offer->provider, left))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct offers_offer other;
        of_offer += picks[i].offer == candidate->id;
        if (offers_get(match->run->view, picks[i].offer, &other) &&
            address_equal(&other.provider, &offer->provider) &&
            !amount_sub(left, left, &match->demands[picks[i].demand].stake))
            return false;
    }
    return offer->leased + of_offer < offer->terms.slots;
}

static bool is_met(const struct schedule_search *search, uint32_t demand)
{
    for (uint32_t i = 0; i < search->pick_count; i++)
        if (search->picks[i].demand == demand)
            return true;
    return false;
}

/* The unmet demand with the most work that the offer fits, ties by number; `wanted` if there is none. */
static uint32_t largest(const struct match *match, const struct schedule_search *search,
                        const struct candidate *candidate, const struct amount *left,
                        struct amount *price)
{
    uint32_t best = match->wanted;
    for (uint32_t i = 0; i < match->wanted; i++) {
        const struct schedule_demand *demand = &match->demands[i];
        struct amount asked;
        bool is_larger = best == match->wanted || demand->work > match->demands[best].work;
        if (!is_larger || is_met(search, i) || !is_fit(demand, candidate, left, &asked))
            continue;
        best = i;
        *price = asked;
    }
    return best;
}

/* Adds as many slots of this offer as are wanted and feasible. */
static void pick(const struct match *match, struct schedule_search *search,
                 const struct candidate *candidate)
{
    struct amount left;
    while (search->pick_count < match->wanted &&
           has_slot(match, search->picks, search->pick_count, candidate, &left)) {
        struct schedule_pick found = {.offer = candidate->id};
        uint32_t demand = largest(match, search, candidate, &left, &found.price);
        if (demand == match->wanted)
            return;
        found.demand = (uint16_t)demand;
        search->picks[search->pick_count++] = found;
    }
}

/* The pick is still feasible beside the first `count` of them, at its price. */
static bool is_fresh(const struct match *match, const struct schedule_search *search,
                     uint32_t count, const struct schedule_pick *found)
{
    struct candidate candidate;
    struct amount left, price;
    return candidate_get(match->run->view, found->offer, &candidate) &&
           is_open(match, &candidate) &&
           has_slot(match, search->picks, count, &candidate, &left) &&
           is_fit(&match->demands[found->demand], &candidate, &left, &price) &&
           units_amount_compare(&price, &found->price) == 0;
}

/* Picks of earlier blocks are looked at again: terms, room and balances may have changed. The stale ones are dropped and the search goes on
 * where it is, so that who changes a price in each block holds up nobody. */
static void drop_stale(const struct match *match, struct schedule_search *search)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < search->pick_count; i++) {
        struct schedule_pick found = search->picks[i];
        if (is_fresh(match, search, kept, &found))
            search->picks[kept++] = found;
    }
    search->pick_count = kept;
}

static void start_over(struct schedule_search *search)
{
    search->price = units_zero;
    search->offer = 0;
    search->pick_count = 0;
}

/* False when neither this offer nor a dearer one can be paid for any demand that is left. */
static bool is_worthwhile(const struct match *match, const struct schedule_search *search,
                          const struct offers_offer *offer)
{
    struct amount price;
    for (uint32_t i = 0; i < match->wanted; i++)
        if (!is_met(search, i) && is_affordable(&match->demands[i], offer, &price))
            return true;
    return false;
}

enum schedule_outcome schedule_find(const struct catalog_run *run,
                                    const struct schedule_demand *demands, uint32_t wanted,
                                    struct schedule_search *search)
{
    CHECK(wanted >= 1);
    CHECK(wanted <= SCHEDULE_PICKS_MAX);
    struct match match;
    struct parameters parameters;
    bool is_continued = search->offer != 0;
    if (!match_init(&match, run, demands, wanted) || !parameters_get(run->view, &parameters))
        return SCHEDULE_NONE;

    struct path prefix = path_of("price/");
    path_u8(&prefix, OFFERS_COMPUTE);
    path_u8(&prefix, demands->profile);
    struct path after = {.size = 0};
    if (is_continued) {
        after = prefix;
        path_raw(&after, bytes_of(search->price.be, sizeof(search->price.be)));
        path_u64(&after, search->offer);
    }
    struct bytes from = path_key(&after), key, value;
    for (uint32_t i = 0; i < parameters.candidates_max; i++) {
        struct offers_ranked ranked;
        struct candidate candidate;
        if (!view_next(run->view, path_key(&prefix), from, &key, &value) ||
            !view_load(run->view, key, &offers_ranked_record, &ranked) ||
            !candidate_get(run->view, ranked.offer, &candidate) ||
            !is_worthwhile(&match, search, &candidate.offer)) {
            start_over(search);
            return SCHEDULE_NONE;
        }
        if (is_open(&match, &candidate))
            pick(&match, search, &candidate);
        if (search->pick_count == wanted && is_continued)
            drop_stale(&match, search);
        if (search->pick_count == wanted)
            return SCHEDULE_FOUND;
        search->price = candidate.offer.terms.price;
        search->offer = ranked.offer;
        from = key;
    }
    return SCHEDULE_LIMIT;
}
