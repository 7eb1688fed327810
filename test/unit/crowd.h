/* A town (town.h) with so many accounts that a snapshot of its state has several chunks a range. */
#ifndef TEST_UNIT_CROWD_H
#define TEST_UNIT_CROWD_H

#include "test/unit/town.h"

/* About 130 bytes each. */
#define CROWD_PEOPLE 16000

/* Founds a crowd in the empty folder of a town, whose ten people are its first. */
static inline void crowd_init(struct town *town)
{
    town_init(town);
    struct genesis genesis;
    struct genesis_account *accounts = arena_array(&town->arena, CROWD_PEOPLE, sizeof(*accounts));
    CHECK(!record_unpack(&town->arena, &genesis_record, &genesis, town->genesis, NULL));
    memcpy(accounts, genesis.accounts, TOWN_PEOPLE * sizeof(*accounts));
    for (uint32_t i = TOWN_PEOPLE; i < CROWD_PEOPLE; i++) {
        struct sign_secret secret = {{0}};
        bytes_put_u32(secret.bytes, i + 77);
        accounts[i] =
            (struct genesis_account){.roles = MEMBERS_ROLE_CONSUMER, .balance = units_amount(i)};
        CHECK(sign_public_of(&accounts[i].public_key, &secret));
    }
    genesis.accounts = accounts;
    genesis.account_count = CROWD_PEOPLE;
    town->genesis = record_bytes(&town->arena, &genesis_record, &genesis);
    CHECK(town->genesis.data);
    town->chain_digest = digest_of(town->genesis.data, town->genesis.size);
    town_open(town);
}

#endif
