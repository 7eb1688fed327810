#include "tools/tenure/listing.h"

#include "base/check.h"

#include <stdlib.h>

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

static uint64_t number_of(struct bytes key)
{
    return bytes_get_u64(key.data + key.size - 8);
}

/* Both lists are ordered by the offer's number, which ends the key. */
static const struct offers_compute *machine_of(const struct lookup_list *machines, uint32_t *next,
                                               uint64_t number)
{
    for (; *next < machines->count; ++*next) {
        uint64_t at = number_of(machines->keys[*next]);
        if (at >= number)
            return at == number ? machines->values[*next] : NULL;
    }
    return NULL;
}

static int by_price(const void *a, const void *b)
{
    const struct listing_offer *left = a, *right = b;
    int order = units_amount_compare(&left->offer->terms.price, &right->offer->terms.price);

    return order ? order : (left->number > right->number) - (left->number < right->number);
}

enum err listing_load(struct listing *listing, struct desk *desk)
{
    struct fault *fault = &desk->cli->fault;
    struct lookup_list offers, machines, accounts;
    struct answer *status = NULL;
    uint32_t next = 0;
    enum err err = desk_get(desk, &status, "/v1/status");

    *listing = (struct listing){.now_ms = err ? 0 : answer_number(status, "time_ms")};
    answer_free(status);
    if (!err)
        err = lookup_all(&desk->client, desk->arena, bytes_text("offer/"), &offers_offer_record,
                         &offers, fault);
    if (!err)
        err = lookup_all(&desk->client, desk->arena, bytes_text("compute/"), &offers_compute_record,
                         &machines, fault);
    if (!err)
        err = desk_names(desk, &accounts);
    if (err || offers.count == 0)
        return err;
    listing->offers = arena_array(desk->arena, offers.count, sizeof(listing->offers[0]));
    CHECK(listing->offers != NULL);
    for (uint32_t i = 0; i < offers.count; i++) {
        const struct offers_offer *offer = offers.values[i];
        uint64_t number = number_of(offers.keys[i]);
        const struct offers_compute *machine = machine_of(&machines, &next, number);
        if (machine)
            listing->offers[listing->count++] = (struct listing_offer){
                number, offer, machine, account_of(&accounts, &offer->provider)};
    }
    qsort(listing->offers, listing->count, sizeof(listing->offers[0]), by_price);
    return ERR_NONE;
}
