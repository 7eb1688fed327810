/* Offers: what providers have, of four kinds, and on what terms.
 *
 *     offer/ <offer u64> -> struct offers_offer                       numbered from 1 in order of registration
 *     compute/ storage/ connection/ data/ <offer u64> -> its typed description
 *     offering/ <address> -> struct offers_count                      the account's open offers
 *     price/ <kind u8> <profile u8> <price 32, big-endian> <offer u64> -> struct offers_ranked
 *                                                                     listed offers with room, cheapest first: what the matcher walks
 *     offer_count, statement_count -> struct offers_counter
 *     statement/ <signer's address> <serial u64> -> struct offers_serial      used serials, until their statements expire
 *     signing/ <address> -> struct offers_count                       how many of them the signer has
 *     serial/ <number u64> -> struct offers_serial                    the same, as the index of what falls due names them
 *
 *     state      what leads there                                                event
 *     LISTED     (none): register_*, carry                                       offer_listed
 *                LISTED: update                                                  offer_updated
 *     CLOSING    LISTED, while something is leased: withdraw; its expiry         offer_closing
 *     ENDED      LISTED, while nothing is leased: withdraw; its expiry           offer_ended
 *                CLOSING: its last lease ends                                    offer_ended
 *
 * Only LISTED offers are leased. ENDED never changes. A deposit is locked from LISTED to ENDED: parameters.offer_deposit times the
 * number of the account's open offers, this one included. What a provider says of itself is *self-asserted*. */
#ifndef CONTRACTS_OFFERS_H
#define CONTRACTS_OFFERS_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"

#define OFFERS_OPEN_MAX  1024 /* open offers of one account: bounds what its deposit has to count */
#define OFFERS_SERIALS_MAX 1024 /* used serials of one signer whose statements haven't expired: what it makes all nodes keep and forget */
#define OFFERS_SLOTS_MAX 4096 /* leases of one offer at a time */
#define OFFERS_LIFE_MS                                                                             \
    (366ull * 86400000) /* the farthest expiry: every lock has an end within a year */

enum offers_kind { OFFERS_COMPUTE = 1, OFFERS_STORAGE = 2, OFFERS_CONNECTION = 3, OFFERS_DATA = 4 };
enum offers_status { OFFERS_LISTED = 1, OFFERS_CLOSING = 2, OFFERS_ENDED = 3 };
enum offers_reason { OFFERS_OPEN = 0, OFFERS_WITHDRAWN = 1, OFFERS_EXPIRED = 2 };

/* The numeric profile f32-v1 (DESIGN 8.1). */
#define OFFERS_PROFILE_F32V1 1

/* Terms, common to the four kinds. */
struct offers_terms {
    /* Of a unit. compute: 10^9 multiply-adds of training; storage: GiB x day; connection: GiB
     * moved; data: one delivery of the whole. */
    struct amount price;
    struct bytes site; /* text: where it is, such as "fra1" */
    uint16_t slots;    /* how many leases at a time; 1..OFFERS_SLOTS_MAX */
    /* The largest stake that the provider agrees to have locked for one lease of a slot. */
    struct amount stake_max;
    uint64_t from_ms;  /* the window: usable from this block time ... */
    uint64_t until_ms; /* ... to this; from_ms < until_ms */
    /* Not leased anew from then on; after now, <= until_ms, <= now + OFFERS_LIFE_MS. */
    uint64_t expires_ms;
};

struct offers_compute {
    struct bytes device; /* text: the device class, such as "x86-avx512" */
    uint8_t profile;     /* OFFERS_PROFILE_F32V1 */
    uint32_t memory_mib; /* > 0, for each slot */
    uint64_t rate_mmacs; /* > 0: measured, 10^6 multiply-adds of training a second, for each slot */
    uint16_t threads;    /* > 0, for each slot */
};

struct offers_storage {
    uint64_t capacity_gib; /* > 0 */
    uint32_t durability;   /* expected losses a year, in 10^-9 of the bytes */
    struct bytes medium;   /* text: "nvme", "object", "tape" */
};

struct offers_connection {
    struct bytes site_a, site_b; /* text; different */
    uint64_t bandwidth_kbps;     /* > 0 */
    uint32_t latency_us;
};

struct offers_data {
    struct digest root;   /* what the bytes hash to; the only thing shown */
    uint64_t size;        /* bytes, > 0 */
    uint64_t samples;     /* > 0 */
    struct bytes licence; /* text */
};

struct offers_offer {
    struct address provider;
    uint8_t kind;    /* enum offers_kind */
    uint8_t profile; /* of compute; else 0 */
    struct offers_terms terms;
    uint16_t leased; /* <= terms.slots: the capacity invariant */
    uint8_t status;  /* enum offers_status */
    uint8_t reason;  /* enum offers_reason; OFFERS_OPEN exactly while LISTED */
    uint64_t listed_ms;
};

struct offers_count {
    uint32_t open; /* <= OFFERS_OPEN_MAX; of signing/ <= OFFERS_SERIALS_MAX */
};

struct offers_ranked {
    uint64_t offer;
};

struct offers_counter {
    uint64_t count; /* the last number given */
};

struct offers_serial {
    struct address signer;
    uint64_t serial;
    uint64_t expires_ms;
};

extern const struct record offers_terms_record;
extern const struct record offers_compute_record;
extern const struct record offers_storage_record;
extern const struct record offers_connection_record;
extern const struct record offers_data_record;
extern const struct record offers_offer_record;
extern const struct record offers_count_record;
extern const struct record offers_ranked_record;
extern const struct record offers_counter_record;
extern const struct record offers_serial_record;

/* --- methods; sender: provider --- */

/* register_compute, register_storage, register_connection, register_data: a new offer; its number is in the event offer_listed.
 * OUT_OF_BOUNDS (terms or description), TOO_MANY, BALANCE_TOO_LOW (the deposit). */
#define OFFERS_REGISTER_COMPUTE    1
#define OFFERS_REGISTER_STORAGE    2
#define OFFERS_REGISTER_CONNECTION 3
#define OFFERS_REGISTER_DATA       4
struct offers_register_compute {
    struct offers_terms terms;
    struct offers_compute compute;
};
struct offers_register_storage {
    struct offers_terms terms;
    struct offers_storage storage;
};
struct offers_register_connection {
    struct offers_terms terms;
    struct offers_connection connection;
};
struct offers_register_data {
    struct offers_terms terms;
    struct offers_data data;
};

/* update: other terms. Leases that run keep theirs. NOT_FOUND, NOT_OWNER, WRONG_STATE (not LISTED), OUT_OF_BOUNDS,
 * IN_USE (fewer slots than are leased). */
#define OFFERS_UPDATE 5
struct offers_update {
    uint64_t offer;
    struct offers_terms terms;
};

/* withdraw: no new leases. NOT_FOUND, NOT_OWNER, WRONG_STATE (not LISTED). */
#define OFFERS_WITHDRAW 6
struct offers_withdraw {
    uint64_t offer;
};

/* carry: one of the methods above, signed away from the ledger (contracts/statement.h): the payload is that method's arguments, the kind is
 * CATALOG_OFFERS * 256 + method, and the signer stands where the sender would. Any member may carry it.
 * BAD_ARGUMENTS, BAD_SIGNATURE, EXPIRED, OUT_OF_BOUNDS (expires too late, another kind), SERIAL_USED, TOO_MANY (OFFERS_SERIALS_MAX), NO_ACCOUNT, REVOKED,
 * NOT_PERMITTED (the signer's), and the method's own. */
#define OFFERS_CARRY 7
struct offers_carry {
    struct bytes statement; /* packed */
};

extern const struct record offers_register_compute_record;
extern const struct record offers_register_storage_record;
extern const struct record offers_register_connection_record;
extern const struct record offers_register_data_record;
extern const struct record offers_update_record;
extern const struct record offers_withdraw_record;
extern const struct record offers_carry_record;
#define OFFERS_METHOD_COUNT 7
extern const struct catalog_method offers_methods[OFFERS_METHOD_COUNT];

/* --- for leases and the matcher --- */

bool offers_get(struct view_state *view, uint64_t offer, struct offers_offer *out);
bool offers_get_compute(struct view_state *view, uint64_t offer, struct offers_compute *out);

/* One slot more, one slot less. Require LISTED with room; leased > 0. */
void offers_lease(const struct catalog_run *run, uint64_t offer);
void offers_return(const struct catalog_run *run, uint64_t offer);

/* DUE_OFFER fired; DUE_STATEMENT fired. */
void offers_due(const struct catalog_run *run, uint64_t offer);
void offers_forget(const struct catalog_run *run, uint64_t number);

#endif
