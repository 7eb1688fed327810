#include "tools/tenure/shortage.h"

#include "base/check.h"
#include "contracts/amount.h"
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

static const struct members_account *account_of(const struct lookup_list *accounts,
                                                const struct address *address)
{
    for (uint32_t i = 0; i < accounts->count; i++) {
        const struct members_account *account = accounts->values[i];
        struct address found = address_of(&account->public_key);
        if (address_equal(&found, address))
            return account;
    }
    return NULL;
}

/* Both lists are ordered by the offer's number, which ends the key. */
static const struct offers_compute *machine_of(const struct lookup_list *machines, uint32_t *next,
                                               struct bytes key)
{
    uint64_t number = bytes_get_u64(key.data + key.size - 8);

    for (; *next < machines->count; ++*next) {
        struct bytes found = machines->keys[*next];
        uint64_t at = bytes_get_u64(found.data + found.size - 8);
        if (at >= number)
            return at == number ? machines->values[*next] : NULL;
    }
    return NULL;
}

/* Counts all offers of the ledger. */
static enum err look(struct desk *desk, struct shortage *shortage,
                     const struct schedule_demand *demand)
{
    struct fault *fault = &desk->cli->fault;
    struct lookup_list offers, machines, accounts;
    struct answer *status = NULL;
    uint32_t next = 0;
    enum err err = desk_get(desk, &status, "/v1/status");

    if (!err)
        err = lookup_all(&desk->client, desk->arena, bytes_text("offer/"), &offers_offer_record,
                         &offers, fault);
    if (!err)
        err = lookup_all(&desk->client, desk->arena, bytes_text("compute/"), &offers_compute_record,
                         &machines, fault);
    if (!err)
        err = desk_names(desk, &accounts);
    *shortage = (struct shortage){0};
    for (uint32_t i = 0; i < (err ? 0 : offers.count); i++) {
        const struct offers_offer *offer = offers.values[i];
        const struct offers_compute *machine = machine_of(&machines, &next, offers.keys[i]);
        if (machine)
            shortage_add(shortage, demand, offer, machine, account_of(&accounts, &offer->provider),
                         answer_number(status, "time_ms"));
    }
    answer_free(status);
    return err;
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

/* What a job asks of the matcher. */
static struct schedule_demand demand_of(const struct jobs_submit *terms, uint64_t work)
{
    return (struct schedule_demand){
        .profile = PROGRAM_PROFILE,
        .memory_mib = terms->memory_mib,
        .work = work,
        .segment_ms = terms->segment_ms,
        .deadline_ms = terms->deadline_ms,
        .price_max = terms->price_max,
        .stake = terms->stake,
    };
}

enum err shortage_say(struct desk *desk, const char **sentence, const struct jobs_submit *terms,
                      uint64_t work, uint32_t wanted, bool anyway)
{
    struct schedule_demand demand = demand_of(terms, work);
    struct shortage shortage;
    struct text text;
    enum err err = look(desk, &shortage, &demand);

    *sentence = NULL;
    if (err || (shortage.slots >= wanted && !anyway))
        return err;
    text_init(&text, SENTENCE_MAX);
    shortage_text(&text, &shortage, &demand, wanted);
    *sentence = arena_copy(desk->arena, text_string(&text), text.size + 1);
    CHECK(*sentence != NULL);
    text_release(&text);
    return ERR_NONE;
}
