/* The compute offers of a ledger with their machines and providers: what the matcher chooses from, for people who ask before it does. */
#ifndef TOOLS_TENURE_LISTING_H
#define TOOLS_TENURE_LISTING_H

#include "contracts/members.h"
#include "contracts/offers.h"
#include "tools/tenure/desk.h"

struct listing_offer {
    uint64_t number;
    const struct offers_offer *offer;
    const struct offers_compute *machine;
    const struct members_account *provider; /* NULL: not known */
};

struct listing {
    struct listing_offer
        *offers; /* in the desk's arena; cheapest first, ties by number, as the matcher walks */
    uint32_t count;
    uint64_t now_ms; /* block time */
};

/* Reads them all, whatever their status. Errors of lookup_all. */
MUST_USE enum err listing_load(struct listing *listing, struct desk *desk);

#endif
