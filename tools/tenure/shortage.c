#include "tools/tenure/shortage.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/share.h"
#include "tools/tenure/listing.h"
#include "trainer/program.h"

#include <inttypes.h>

/* Every term with its numbers takes half of it. */
#define SENTENCE_MAX 1024

/* In 10^6 multiply-adds a second: rate x time >= work, both in 10^3 multiply-adds as the matcher counts. */
static uint64_t rate_needed(const struct schedule_demand *demand)
{
    return (demand->work / 1000 + demand->segment_ms - 1) / demand->segment_ms;
}

static bool is_cheap(const struct schedule_demand *demand, const struct offers_terms *terms)
{
    struct amount price;

    return amount_share(&price, &terms->price, demand->work, SCHEDULE_UNIT) &&
           units_amount_compare(&price, &demand->price_max) <= 0;
}

/* How many of `room` slots the provider can stake for. */
static uint32_t staked(const struct schedule_demand *demand, const struct members_account *provider,
                       uint32_t room)
{
    struct amount stakes;
    uint32_t count = 0;

    if (!provider)
        return room;
    if (provider->revoked || !(provider->roles & MEMBERS_ROLE_PROVIDER))
        return 0;
    while (count < room && amount_mul(&stakes, &demand->stake, count + 1u) &&
           units_amount_compare(&stakes, &provider->balance) <= 0)
        count++;
    return count;
}

void shortage_add(struct shortage *shortage, const struct schedule_demand *demand,
                  const struct offers_offer *offer, const struct offers_compute *compute,
                  const struct members_account *provider, uint64_t now_ms)
{
    const struct offers_terms *terms = &offer->terms;
    uint32_t slots = staked(demand, provider, terms->slots - (uint32_t)offer->leased);

    if (offer->status != OFFERS_LISTED || offer->profile != demand->profile ||
        terms->expires_ms <= now_ms)
        return;
    shortage->offers++;
    if (compute->memory_mib > shortage->memory_mib)
        shortage->memory_mib = compute->memory_mib;
    if (compute->rate_mmacs > shortage->rate_mmacs)
        shortage->rate_mmacs = compute->rate_mmacs;
    if (compute->memory_mib < demand->memory_mib)
        shortage->missing[SHORTAGE_MEMORY]++;
    else if (compute->rate_mmacs < rate_needed(demand))
        shortage->missing[SHORTAGE_RATE]++;
    else if (!is_cheap(demand, terms))
        shortage->missing[SHORTAGE_PRICE]++;
    else if (units_amount_compare(&demand->stake, &terms->stake_max) > 0)
        shortage->missing[SHORTAGE_STAKE]++;
    else if (terms->from_ms > now_ms || terms->until_ms < demand->deadline_ms)
        shortage->missing[SHORTAGE_WINDOW]++;
    else if (offer->leased >= terms->slots)
        shortage->missing[SHORTAGE_ROOM]++;
    else if (!slots)
        shortage->missing[SHORTAGE_BALANCE]++;
    else
        shortage->slots += slots;
}

void shortage_text(struct text *out, const struct shortage *shortage,
                   const struct schedule_demand *demand, uint32_t wanted)
{
    static const char *const sentences[SHORTAGE_TERMS] = {
        [SHORTAGE_MEMORY] = "less memory than it needs",
        [SHORTAGE_RATE] = "too low a rate for the time of a segment",
        [SHORTAGE_PRICE] = "too high a price",
        [SHORTAGE_STAKE] = "too low a stake",
        [SHORTAGE_WINDOW] = "a window that does not cover now to the deadline",
        [SHORTAGE_BALANCE] = "a provider that can't pay the stake",
        [SHORTAGE_ROOM] = "no free slot"};
    const char *before = ": ";

    text_add(out, "%u machine%s; %u slot%s of %u compute offer%s fit", wanted,
             wanted == 1 ? "" : "s", shortage->slots, shortage->slots == 1 ? "" : "s",
             shortage->offers, shortage->offers == 1 ? "" : "s");
    for (uint32_t i = 0; i < SHORTAGE_TERMS; i++) {
        if (!shortage->missing[i])
            continue;
        text_add(out, "%s%u %s %s", before, shortage->missing[i],
                 shortage->missing[i] == 1 ? "has" : "have", sentences[i]);
        if (i == SHORTAGE_MEMORY)
            text_add(out, " (%u MiB; the most is %u)", demand->memory_mib, shortage->memory_mib);
        if (i == SHORTAGE_RATE)
            text_add(out, " (%" PRIu64 " * 10^6 a second; the most is %" PRIu64 ")",
                     rate_needed(demand), shortage->rate_mmacs);
        before = ", ";
    }
    if (shortage->slots >= wanted)
        text_add(out, "; a provider may be barred or stake for another job, or have too few "
                      "replayers that are independent of it");
}

struct schedule_demand shortage_demand(const struct jobs_job *job, uint16_t slot)
{
    struct share share = share_of(job, slot);

    return (struct schedule_demand){
        .profile = PROGRAM_PROFILE,
        .memory_mib = job->terms.memory_mib,
        .work = share.work,
        .segment_ms = job->terms.segment_ms,
        .deadline_ms = job->terms.deadline_ms,
        .price_max = share.price_max,
        .stake = share.stake,
    };
}

/* Of the slots in the set `slots`, the one with the largest share; its equals and it leave the set. */
static uint16_t take_largest(const struct jobs_job *job, uint64_t *slots, uint32_t *equals)
{
    uint16_t best = 0;
    uint32_t steps = 0;

    for (uint16_t w = 0; w < job->terms.workers; w++)
        if (*slots >> w & 1 && share_of(job, w).steps > steps)
            steps = share_of(job, best = w).steps;
    *equals = 0;
    for (uint16_t w = 0; w < job->terms.workers; w++)
        if (*slots >> w & 1 && share_of(job, w).steps == steps) {
            *slots &= ~(1ull << w);
            ++*equals;
        }
    return best;
}

static const char *say(struct arena *arena, const struct jobs_job *job, uint16_t slot,
                       const struct shortage *shortage, uint32_t wanted)
{
    struct schedule_demand demand = shortage_demand(job, slot);
    struct text text;
    const char *copy;

    text_init(&text, SENTENCE_MAX);
    shortage_text(&text, shortage, &demand, wanted);
    if (job->terms.share_count > 0)
        text_add(&text, "; that is for shares of %u steps", share_of(job, slot).steps);
    copy = arena_copy(arena, text_string(&text), text.size + 1);
    CHECK(copy != NULL);
    text_release(&text);
    return copy;
}

enum err shortage_say(struct desk *desk, const char **sentence, const struct jobs_job *job,
                      uint64_t slots, bool anyway)
{
    struct listing listing;
    uint32_t wanted = 0, equals;
    enum err err = listing_load(&listing, desk);

    *sentence = NULL;
    while (!err && slots) {
        uint16_t slot = take_largest(job, &slots, &equals);
        struct schedule_demand demand = shortage_demand(job, slot);
        struct shortage shortage = {0};
        wanted += equals;
        for (uint32_t i = 0; i < listing.count; i++)
            shortage_add(&shortage, &demand, listing.offers[i].offer, listing.offers[i].machine,
                         listing.offers[i].provider, listing.now_ms);
        if (shortage.slots < wanted || (anyway && !slots && !*sentence))
            *sentence = say(desk->arena, job, slot, &shortage, wanted);
    }
    return err;
}
