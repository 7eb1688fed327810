/* Leases: one lease spans all the providers of a job, or there is none.
 *
 *     lease/ <lease u64> -> struct leases_lease                       numbered from 1
 *     item/ <lease u64> <item u32> -> struct leases_item              one slot of one offer, for one slot of the job
 *     lease_count -> struct leases_counter
 *
 *     lease      what leads there                                             event
 *     open       (none): the matcher found machines for every slot            lease_opened, item_leased for each
 *                open: a lost slot is leased anew                             item_leased
 *     ended      open: the job ends, for whatever reason                      lease_ended, item_ended for each open item
 *
 *     item       what leads there
 *     open       (none): leased; the provider's stake is locked (CREDITS_STAKE lease item), one slot of its offer is taken
 *     ended      open: with a reason; the slot is free again, and what is left of the stake goes home, or, if a segment was paid, when
 *                held_until_ms has come (DUE_STAKE) and no challenge is open (contracts/challenge.h)
 *
 * No lease outlives its job, and no job its deadline: expiry frees everything without anybody's help. There are no methods: the life
 * of a lease follows from the job's (contracts/jobs.h). */
#ifndef CONTRACTS_LEASES_H
#define CONTRACTS_LEASES_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"

#define LEASES_ITEMS_MAX                                                                           \
    512 /* of one lease, ended ones included: bounds the walk over those that may not come back */

/* Why a lease, an item of it, or a job ended: the closed list. Numbers are stored. */
enum leases_reason {
    LEASES_OPEN = 0,        /* it has not */
    LEASES_COMPLETED = 1,   /* the last round is closed */
    LEASES_CANCELLED = 2,   /* the consumer cancelled */
    LEASES_EXPIRED = 3,     /* the job's deadline came */
    LEASES_FRAUD = 4,       /* the worker committed a falsehood, proven by f + 1 equal replays */
    LEASES_WITHHELD = 5,    /* the worker committed and then kept back what the replay needs */
    LEASES_SILENT = 6,      /* the worker committed nothing in time */
    LEASES_UNDECIDED = 7,   /* a vote found no f + 1 equal answers in time */
    LEASES_UNAUDITED = 8,   /* no replayer was left to answer */
    LEASES_QUORUM_LOST = 9, /* too few segments of a round were verified, its extension included */
    LEASES_UNCLOSED = 10,   /* no f + 1 replayers agreed on a round's result in time */
    LEASES_DECLINED =
        11, /* the worker said in time that it can't begin: what the segment starts from can't be had */
    LEASES_DIVERGED = 12, /* the program's numbers stopped being finite */
};

struct leases_lease {
    uint64_t job;
    struct address consumer;
    uint64_t opened_ms;
    uint64_t expires_ms; /* the job's deadline */
    uint64_t ended_ms;   /* 0 while open */
    uint32_t item_count;
    uint8_t reason; /* enum leases_reason */
};

struct leases_item {
    uint64_t offer;
    struct address provider;
    uint16_t slot;       /* of the job */
    struct amount price; /* a segment */
    struct amount stake; /* locked when it was leased */
    struct amount paid;  /* so far */
    uint32_t segments;   /* verified and paid so far */
    uint64_t opened_ms;
    uint64_t ended_ms;      /* 0 while open */
    uint8_t reason;         /* enum leases_reason */
    uint64_t held_until_ms; /* the stake stays locked until then; 0: while the item is open */
    uint32_t challenges;    /* open ones: while there are some the stake stays locked */
};

struct leases_counter {
    uint64_t count;
};

extern const struct record leases_lease_record;
extern const struct record leases_item_record;
extern const struct record leases_counter_record;

/* A stable word such as "quorum_lost". Never NULL. */
const char *leases_reason_name(uint8_t reason);

bool leases_get(struct view_state *view, uint64_t lease, struct leases_lease *out);
bool leases_get_item(struct view_state *view, uint64_t lease, uint32_t item,
                     struct leases_item *out);

/* An open lease without items; its number. */
uint64_t leases_open(const struct catalog_run *run, uint64_t job, const struct address *consumer,
                     uint64_t expires_ms);

/* Leases one slot of `offer`, locks the stake; the item's number in *item.
 * BALANCE_TOO_LOW, NO_ACCOUNT; TOO_MANY. Requires an open lease, a LISTED offer with room. */
enum verdict leases_add(const struct catalog_run *run, uint64_t lease, uint64_t offer,
                        uint16_t slot, const struct amount *price, const struct amount *stake,
                        uint32_t *item);

/* Records a payment that was made to the item's provider, and holds its stake at least until `until_ms`. */
void leases_paid(const struct catalog_run *run, uint64_t lease, uint32_t item,
                 const struct amount *amount, uint64_t until_ms);

/* A challenge of the item is opened, and decided: meanwhile the stake is held. */
void leases_hold(const struct catalog_run *run, uint64_t lease, uint32_t item);
void leases_release_hold(const struct catalog_run *run, uint64_t lease, uint32_t item);

/* Ends an item (nothing happens if it has ended), or a lease with all its open items. */
void leases_end_item(const struct catalog_run *run, uint64_t lease, uint32_t item,
                     enum leases_reason reason);
void leases_end(const struct catalog_run *run, uint64_t lease, enum leases_reason reason);

/* DUE_STAKE fired: what is left of the stake goes home. */
void leases_due(const struct catalog_run *run, uint64_t lease, uint32_t item);

/* The providers that lost an item of this lease by their own fault (fraud, withheld, silent), undecided, unaudited, or by declining: they
 * aren't leased in it again. Fills at most LEASES_ITEMS_MAX addresses, repeats included; how many. Lease 0 has none. */
uint32_t leases_barred(struct view_state *view, uint64_t lease, struct address *barred);

#endif
