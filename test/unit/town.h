/* A small chain on disk for the ledger's tests: a genesis with one validator and some people, signed transfers, blocks. */
#ifndef TEST_UNIT_TOWN_H
#define TEST_UNIT_TOWN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/credits.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "ledger/chain.h"
#include "test/harness.h"

#define TOWN_PEOPLE   10
#define TOWN_START_MS 1000000

struct town {
    char path[64];
    struct arena arena; /* genesis and transactions; grows until the end */
    struct sign_secret secrets[TOWN_PEOPLE];
    struct sign_public publics[TOWN_PEOPLE];
    struct address addresses[TOWN_PEOPLE];
    uint64_t nonces[TOWN_PEOPLE]; /* of the next transaction that town_transfer makes */
    struct bytes genesis;
    struct digest chain_digest;
    struct chain *chain;
};

/* People have balances of 1,000; number 0 is operator and replayer. */
static inline void town_genesis(struct town *town, const char *name)
{
    struct genesis_account accounts[TOWN_PEOPLE] = {0};
    for (uint32_t i = 0; i < TOWN_PEOPLE; i++) {
        bytes_put_u32(town->secrets[i].bytes, i + 77);
        CHECK(sign_public_of(&town->publics[i], &town->secrets[i]));
        town->addresses[i] = address_of(&town->publics[i]);
        accounts[i] = (struct genesis_account){
            .public_key = town->publics[i],
            .roles = i ? MEMBERS_ROLE_CONSUMER : MEMBERS_ROLE_OPERATOR | MEMBERS_ROLE_REPLAYER,
            .balance = units_amount(1000),
        };
    }
    struct genesis_validator validator = {
        .name = bytes_text("one"),
        .public_key = town->publics[0],
        .replayer = town->addresses[0],
    };
    struct genesis genesis = {
        .version = GENESIS_VERSION,
        .name = bytes_text(name),
        .time_ms = TOWN_START_MS,
        .parameters = parameters_default(),
        .validators = &validator,
        .validator_count = 1,
        .accounts = accounts,
        .account_count = TOWN_PEOPLE,
    };
    town->genesis = record_bytes(&town->arena, &genesis_record, &genesis);
    CHECK(town->genesis.data);
    town->chain_digest = digest_of(town->genesis.data, town->genesis.size);
}

static inline void town_open(struct town *town)
{
    struct fault fault = {0};
    enum err err = chain_open(&town->chain, town->path, town->genesis, &fault);
    ck_assert_msg(!err, "%s", fault.text);
}

/* A town with an empty folder and no chain open. */
static inline void town_init(struct town *town)
{
    memset(town, 0, sizeof(*town));
    arena_init(&town->arena, (size_t)1 << 30);
    strcpy(town->path, "/tmp/tenure-town-XXXXXX");
    CHECK(mkdtemp(town->path));
    town_genesis(town, "town");
}

static inline void town_release(struct town *town)
{
    chain_close(town->chain);
    arena_release(&town->arena);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", town->path);
    CHECK(system(command) == 0);
}

static inline struct tx town_sign(struct town *town, uint32_t from, const struct tx_body *body)
{
    struct tx tx;
    CHECK(tx_make(&town->arena, &tx, body, &town->secrets[from]));
    return tx;
}

/* A transfer with the sender's next nonce. */
static inline struct tx town_transfer(struct town *town, uint32_t from, uint32_t to,
                                      uint64_t amount)
{
    struct credits_transfer transfer = {.to = town->addresses[to], .amount = units_amount(amount)};
    struct call *call = arena_alloc(&town->arena, sizeof(*call));
    *call = (struct call){CATALOG_CREDITS, CREDITS_TRANSFER,
                          record_bytes(&town->arena, &credits_transfer_record, &transfer)};
    struct tx_body body = {
        .version = TX_VERSION,
        .chain = town->chain_digest,
        .sender = town->publics[from],
        .nonce = town->nonces[from]++,
        .last_height = 1000,
        .calls = call,
        .call_count = 1,
    };
    return town_sign(town, from, &body);
}

/* Builds a block on `parent` of the transactions. */
static inline struct chain_tip town_build(struct town *town, const struct digest *parent,
                                          uint64_t time_ms, const struct bytes *txs, size_t count)
{
    struct chain_proposal proposal = {
        .parent = *parent,
        .time_ms = time_ms,
        .candidates = txs,
        .candidate_count = count,
        .count_max = LIMIT_BLOCK_TXS,
        .bytes_max = LIMIT_BLOCK_BYTES,
    };
    struct chain_tip tip;
    struct fault fault = {0};
    enum err err = chain_build(town->chain, &tip, &proposal, &fault);
    ck_assert_msg(!err, "%s", fault.text);
    return tip;
}

static inline void town_commit(struct town *town, const struct chain_tip *tip)
{
    struct fault fault = {0};
    struct digest digest = tip->digest;
    enum err err = chain_commit(town->chain, NULL, 0, &digest, bytes_text("certificate"), &fault);
    ck_assert_msg(!err, "%s", fault.text);
}

/* Builds and commits a block of one transfer on the head. */
static inline void town_step(struct town *town, uint32_t from, uint32_t to, uint64_t amount)
{
    struct tx tx = town_transfer(town, from, to, amount);
    struct chain_tip head = *chain_head(town->chain);
    struct chain_tip tip = town_build(town, &head.digest, head.header.time_ms + 100, &tx.raw, 1);
    town_commit(town, &tip);
}

/* The balance of a person in the state after `digest`. */
static inline uint64_t town_balance(struct town *town, const struct digest *digest, uint32_t who)
{
    struct reader reader;
    struct arena arena;
    struct view_state view;
    struct members_account account;
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(chain_read(town->chain, &reader, digest), ERR_NONE);
    view_init(&view, &reader.source, &arena);
    ck_assert(members_get(&view, &town->addresses[who], &account));
    reader_release(&reader);
    uint64_t balance = bytes_get_u64(account.balance.be + 24);
    arena_release(&arena);
    return balance;
}

#endif
