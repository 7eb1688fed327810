/* A ledger in memory for the tests of contracts: blocks one after the other, transactions of one call, the invariants after each. */
#ifndef TEST_UNIT_MARKET_H
#define TEST_UNIT_MARKET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/contracts.h"
#include "contracts/credits.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "test/harness.h"

struct market_row {
    struct bytes key, value; /* owned */
};

struct market {
    struct market_row *rows; /* in key order */
    size_t count, room;
    struct view_source source;
    struct arena arena; /* of the open block */
    struct view_state view;
    struct events events;   /* of the open block */
    struct context context; /* of the open block */
    struct parameters parameters;
};

/* People: a secret key from a number, so that every run has the same addresses. */
static inline struct sign_public market_public(uint32_t who)
{
    struct sign_secret secret = {.bytes = {1}};
    struct sign_public public;
    bytes_put_u32(secret.bytes + 28, who + 1);
    CHECK(sign_public_of(&public, &secret));
    return public;
}

static inline struct address market_address(uint32_t who)
{
    struct sign_public public = market_public(who);
    return address_of(&public);
}

static inline struct bytes market_own(struct bytes raw)
{
    uint8_t *copy = malloc(raw.size);
    CHECK(copy != NULL);
    memcpy(copy, raw.data, raw.size);
    return bytes_of(copy, raw.size);
}

/* The first row whose key isn't below `key`. */
static inline size_t market_place(const struct market *m, struct bytes key)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bytes_compare(m->rows[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline enum err market_source_get(void *self, struct arena *arena, struct bytes key,
                                         struct bytes *value)
{
    struct market *m = self;
    size_t at = market_place(m, key);
    if (at == m->count || !bytes_equal(m->rows[at].key, key))
        return ERR_NOT_FOUND;
    const void *copy = arena_copy(arena, m->rows[at].value.data, m->rows[at].value.size);
    *value = bytes_of(copy, m->rows[at].value.size);
    return copy ? ERR_NONE : ERR_LIMIT;
}

static inline enum err market_source_next(void *self, struct arena *arena, struct bytes prefix,
                                          struct bytes after, struct bytes *key,
                                          struct bytes *value)
{
    struct market *m = self;
    size_t at = market_place(m, after.size > 0 ? after : prefix);
    if (after.size > 0 && at < m->count && bytes_equal(m->rows[at].key, after))
        at++;
    if (at == m->count || !bytes_begins(m->rows[at].key, prefix))
        return ERR_NOT_FOUND;
    const struct market_row *row = &m->rows[at];
    *key = bytes_of(arena_copy(arena, row->key.data, row->key.size), row->key.size);
    *value = bytes_of(arena_copy(arena, row->value.data, row->value.size), row->value.size);
    return key->data && value->data ? ERR_NONE : ERR_LIMIT;
}

static inline void market_store(struct market *m, struct bytes key, struct bytes value)
{
    size_t at = market_place(m, key);
    bool found = at < m->count && bytes_equal(m->rows[at].key, key);
    if (found) {
        free((void *)m->rows[at].value.data);
        if (value.size > 0) {
            m->rows[at].value = market_own(value);
            return;
        }
        free((void *)m->rows[at].key.data);
        memmove(&m->rows[at], &m->rows[at + 1], (m->count - at - 1) * sizeof(m->rows[0]));
        m->count--;
        return;
    }
    if (value.size == 0)
        return;
    if (m->count == m->room) {
        m->room = m->room ? 2 * m->room : 256;
        m->rows = realloc(m->rows, m->room * sizeof(m->rows[0]));
        CHECK(m->rows != NULL);
    }
    memmove(&m->rows[at + 1], &m->rows[at], (m->count - at) * sizeof(m->rows[0]));
    m->rows[at] = (struct market_row){market_own(key), market_own(value)};
    m->count++;
}

/* --- blocks --- */

/* Opens the next block at `time_ms` without doing what falls due. */
static inline void market_open(struct market *m, uint64_t time_ms)
{
    arena_clear(&m->arena);
    view_init(&m->view, &m->source, &m->arena);
    event_init(&m->events, &m->arena);
    m->context.height.n++;
    m->context.time_ms = time_ms;
}

/* Ends the block: invariants, then its write set goes into the store. */
static inline void market_close(struct market *m)
{
    struct fault fault = {.code = ERR_NONE};
    enum err err = contracts_end(&m->view, &fault);
    ck_assert_msg(err == ERR_NONE, "block %llu: %s", (unsigned long long)m->context.height.n,
                  fault.text);
    ck_assert(!m->events.failed);
    const struct view_entry *entry = NULL;
    while ((entry = view_write(&m->view, entry)) != NULL)
        market_store(m, entry->key, entry->value);
}

/* The block that is open is done; the next one is open `later_ms` later, with what falls due done. */
static inline void market_step(struct market *m, uint64_t later_ms)
{
    uint64_t time_ms = m->context.time_ms + later_ms;
    market_close(m);
    market_open(m, time_ms);
    contracts_begin(&m->view, &m->context, &m->events);
}

/* One transaction of one call: kept if its verdict is ok, undone if not. */
static inline enum verdict market_call_raw(struct market *m, const struct address *sender,
                                           uint8_t contract, uint8_t method, struct bytes args)
{
    struct call call = {.contract = contract, .method = method, .args = args};
    uint32_t events = m->events.count;
    size_t savepoint = view_begin(&m->view);
    enum verdict verdict = contracts_call(&m->view, &m->context, sender, &call, &m->events);
    if (verdict == VERDICT_OK) {
        view_keep(&m->view, savepoint);
    } else {
        view_undo(&m->view, savepoint);
        event_undo(&m->events, events);
    }
    ck_assert_int_eq(m->view.err, ERR_NONE);
    return verdict;
}

static inline enum verdict market_call(struct market *m, uint32_t who, uint8_t contract,
                                       uint8_t method, const void *args)
{
    const struct catalog_method *entry = catalog_method(contract, method);
    CHECK(entry != NULL);
    struct address sender = market_address(who);
    return market_call_raw(m, &sender, contract, method,
                           record_bytes(&m->arena, entry->args, args));
}

/* How many events of this block's so far have `tag`. */
static inline uint32_t market_events(const struct market *m, enum event_tag tag)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->events.count; i++)
        count += m->events.list[i].tag == tag;
    return count;
}

/* --- questions --- */

static inline struct members_account market_account(struct market *m, uint32_t who)
{
    struct members_account account;
    struct address address = market_address(who);
    ck_assert(members_get(&m->view, &address, &account));
    return account;
}

static inline uint64_t market_number(const struct amount *amount)
{
    for (size_t i = 0; i < 24; i++)
        ck_assert_int_eq(amount->be[i], 0);
    return bytes_get_u64(amount->be + 24);
}

static inline uint64_t market_balance(struct market *m, uint32_t who)
{
    struct members_account account = market_account(m, who);
    return market_number(&account.balance);
}

static inline struct contracts_supply market_supply(struct market *m)
{
    struct contracts_supply supply;
    ck_assert_int_eq(contracts_supply(&m->view, &supply), ERR_NONE);
    ck_assert(supply.even);
    return supply;
}

/* --- genesis: four validators, and people of every role, each with 1,000,000 credits --- */

enum market_people {
    MARKET_OPERATOR_A,
    MARKET_OPERATOR_B,
    MARKET_OPERATOR_C,
    MARKET_CONSUMER,
    MARKET_PROVIDER_A,
    MARKET_PROVIDER_B,
    MARKET_PROVIDER_C,
    MARKET_PROVIDER_D,
    MARKET_REPLAYER_0, /* of seat 0; those of the others follow */
    MARKET_REPLAYER_1,
    MARKET_REPLAYER_2,
    MARKET_REPLAYER_3,
    MARKET_AUDITOR,
    MARKET_PEOPLE,
    MARKET_STRANGER, /* has no account */
};

#define MARKET_SEATS   4
#define MARKET_FORTUNE 1000000
#define MARKET_START   1000000000ull

static inline uint32_t market_roles(uint32_t who)
{
    if (who <= MARKET_OPERATOR_C)
        return MEMBERS_ROLE_OPERATOR;
    if (who == MARKET_CONSUMER)
        return MEMBERS_ROLE_CONSUMER;
    if (who <= MARKET_PROVIDER_D)
        return MEMBERS_ROLE_PROVIDER;
    return who <= MARKET_REPLAYER_3 ? MEMBERS_ROLE_REPLAYER : MEMBERS_ROLE_AUDITOR;
}

/* The secret from which a seat's chain of hashes is made. */
static inline struct digest market_beacon_secret(uint8_t seat)
{
    return digest_of(&seat, 1);
}

static inline void market_init(struct market *m, const struct parameters *parameters,
                               const struct digest chain_ends[MARKET_SEATS])
{
    *m = (struct market){.parameters = *parameters};
    m->source = (struct view_source){m, market_source_get, market_source_next};
    arena_init(&m->arena, 1u << 30);
    m->context.chain = digest_of("chain", 5);

    struct genesis_account accounts[MARKET_PEOPLE];
    struct genesis_validator validators[MARKET_SEATS];
    char names[MARKET_PEOPLE][16];
    for (uint32_t i = 0; i < MARKET_PEOPLE; i++) {
        snprintf(names[i], sizeof(names[i]), "org-%u", i);
        accounts[i] = (struct genesis_account){
            .public_key = market_public(i),
            .name = bytes_text("someone"),
            .organisation = bytes_text(names[i]),
            .roles = market_roles(i),
            .balance = units_amount(MARKET_FORTUNE),
        };
    }
    for (uint32_t i = 0; i < MARKET_SEATS; i++)
        validators[i] = (struct genesis_validator){
            .name = bytes_text("validator"),
            .public_key = market_public(1000 + i),
            .replayer = market_address(MARKET_REPLAYER_0 + i),
            .chain_end = chain_ends ? chain_ends[i] : digest_zero,
        };
    struct genesis genesis = {
        .version = GENESIS_VERSION,
        .name = bytes_text("market"),
        .time_ms = MARKET_START,
        .parameters = *parameters,
        .validators = validators,
        .validator_count = MARKET_SEATS,
        .accounts = accounts,
        .account_count = MARKET_PEOPLE,
    };
    struct fault fault = {.code = ERR_NONE};
    ck_assert_msg(genesis_check(&genesis, &fault) == ERR_NONE, "%s", fault.text);
    market_open(m, MARKET_START);
    ck_assert_int_eq(genesis_apply(&m->view, &genesis, &m->events), ERR_NONE);
    market_close(m);
    market_open(m, MARKET_START + 1);
}

static inline void market_release(struct market *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free((void *)m->rows[i].key.data);
        free((void *)m->rows[i].value.data);
    }
    free(m->rows);
    arena_release(&m->arena);
}

#endif
