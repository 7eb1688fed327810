#include "contracts/genesis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "contracts/contracts.h"
#include "contracts/credits.h"
#include "contracts/members.h"
#include "contracts/validator.h"

static const struct record_field validator_fields[] = {
    RECORD_TEXT(struct genesis_validator, name, LIMIT_TEXT_BYTES),
    RECORD_FIXED(struct genesis_validator, public_key, RECORD_AS_HEX),
    RECORD_FIXED(struct genesis_validator, replayer, RECORD_AS_ADDRESS),
    RECORD_FIXED(struct genesis_validator, chain_end, RECORD_AS_HEX),
};
const struct record genesis_validator_record =
    RECORD(struct genesis_validator, "genesis_validator", validator_fields);

static const struct record_field account_fields[] = {
    RECORD_FIXED(struct genesis_account, public_key, RECORD_AS_HEX),
    RECORD_TEXT(struct genesis_account, name, LIMIT_TEXT_BYTES),
    RECORD_TEXT(struct genesis_account, organisation, LIMIT_TEXT_BYTES),
    RECORD_UINT(struct genesis_account, roles),
    RECORD_AMOUNT(struct genesis_account, balance),
};
const struct record genesis_account_record =
    RECORD(struct genesis_account, "genesis_account", account_fields);

static const struct record_field genesis_fields[] = {
    RECORD_UINT(struct genesis, version),
    RECORD_TEXT(struct genesis, name, LIMIT_TEXT_BYTES),
    RECORD_UINT(struct genesis, time_ms),
    RECORD_ONE(struct genesis, parameters, &parameters_record),
    RECORD_LIST(struct genesis, validators, validator_count, LIMIT_VALIDATORS,
                &genesis_validator_record),
    RECORD_LIST(struct genesis, accounts, account_count, GENESIS_ACCOUNTS_MAX,
                &genesis_account_record),
};
const struct record genesis_record = RECORD(struct genesis, "genesis", genesis_fields);

struct digest genesis_digest(struct arena *arena, const struct genesis *genesis)
{
    struct bytes raw = record_bytes(arena, &genesis_record, genesis);
    return raw.data ? digest_of(raw.data, raw.size) : digest_zero;
}

/* The account of this address, or NULL. */
static const struct genesis_account *find_account(const struct genesis *genesis,
                                                  const struct address *address)
{
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        struct address own = address_of(&genesis->accounts[i].public_key);
        if (address_equal(&own, address))
            return &genesis->accounts[i];
    }
    return NULL;
}

static enum err check_validators(const struct genesis *genesis, struct fault *fault)
{
    if (genesis->validator_count < 1 || genesis->validator_count > LIMIT_VALIDATORS)
        return fault_set(fault, ERR_MISMATCH,
                         "genesis has %" PRIu32 " validators; 1 to %d are possible",
                         genesis->validator_count, LIMIT_VALIDATORS);
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const struct genesis_validator *v = &genesis->validators[i];
        if (v->name.size == 0 || !sign_public_is_valid(&v->public_key))
            return fault_set(fault, ERR_MISMATCH,
                             "genesis: validator %" PRIu32 " has no name or no valid key", i);
        for (uint32_t j = 0; j < i; j++) {
            const struct genesis_validator *other = &genesis->validators[j];
            if (memcmp(&v->public_key, &other->public_key, sizeof(v->public_key)) == 0 ||
                address_equal(&v->replayer, &other->replayer))
                return fault_set(fault, ERR_MISMATCH,
                                 "genesis: validators %" PRIu32 " and %" PRIu32
                                 " have the same key or replayer",
                                 j, i);
        }
        const struct genesis_account *account = find_account(genesis, &v->replayer);
        if (!account || !(account->roles & MEMBERS_ROLE_REPLAYER))
            return fault_set(fault, ERR_MISMATCH,
                             "genesis: the replayer of validator %" PRIu32
                             " is no account with role replayer",
                             i);
    }
    return ERR_NONE;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct sign_public));
}

/* Sorted copies, so that 65,536 accounts take no square time. */
static enum err check_unique(const struct genesis *genesis, struct fault *fault)
{
    struct sign_public *keys = calloc(genesis->account_count, sizeof(*keys));
    if (!keys)
        return fault_set(fault, ERR_LIMIT, "genesis: no memory for %" PRIu32 " accounts",
                         genesis->account_count);
    for (uint32_t i = 0; i < genesis->account_count; i++)
        keys[i] = genesis->accounts[i].public_key;
    /* allow purity: equal keys are equal bytes, so every qsort gives the same */
    qsort(keys, genesis->account_count, sizeof(*keys), compare_keys);
    bool repeated = false;
    for (uint32_t i = 1; i < genesis->account_count; i++)
        repeated |= compare_keys(&keys[i - 1], &keys[i]) == 0;
    free(keys);
    return repeated ? fault_set(fault, ERR_MISMATCH, "genesis: two accounts have the same key")
                    : ERR_NONE;
}

enum err genesis_check(const struct genesis *genesis, struct fault *fault)
{
    if (genesis->version != GENESIS_VERSION)
        return fault_set(fault, ERR_MISMATCH,
                         "genesis has version %u; this program knows version %d", genesis->version,
                         GENESIS_VERSION);
    if (!parameters_check(&genesis->parameters))
        return fault_set(fault, ERR_MISMATCH,
                         "genesis: a parameter is out of its bounds (contracts/parameters.h)");
    bool has_operator = false;
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        const struct genesis_account *account = &genesis->accounts[i];
        if (account->roles & ~MEMBERS_ROLES_ALL)
            return fault_set(fault, ERR_MISMATCH,
                             "genesis: account %" PRIu32 " has an unknown role", i);
        if (!sign_public_is_valid(&account->public_key))
            return fault_set(fault, ERR_MISMATCH, "genesis: account %" PRIu32 " has no valid key",
                             i);
        has_operator |= (account->roles & MEMBERS_ROLE_OPERATOR) != 0;
    }
    if (!has_operator)
        return fault_set(fault, ERR_MISMATCH, "genesis: no account has role operator");
    enum err err = check_unique(genesis, fault);
    return err != ERR_NONE ? err : check_validators(genesis, fault);
}

static enum err apply_accounts(const struct catalog_run *run, const struct genesis *genesis)
{
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        const struct genesis_account *account = &genesis->accounts[i];
        struct members_register member = {
            .public_key = account->public_key,
            .name = account->name,
            .organisation = account->organisation,
            .roles = account->roles,
        };
        struct address address = address_of(&account->public_key);
        if (members_add(run, &member) != VERDICT_OK)
            return ERR_MISMATCH;
        if (!units_amount_is_zero(&account->balance) &&
            credits_mint(run, &address, &account->balance) != VERDICT_OK)
            return ERR_MISMATCH;
    }
    return ERR_NONE;
}

struct validator_set genesis_set(struct validator_member members[LIMIT_VALIDATORS],
                                 const struct genesis *genesis)
{
    for (uint32_t i = 0; i < genesis->validator_count; i++)
        members[i] =
            (struct validator_member){(uint8_t)i, genesis->validators[i].public_key};
    return (struct validator_set){.since = 1,
                                  .seat_count = (uint8_t)genesis->validator_count,
                                  .members = members,
                                  .member_count = genesis->validator_count};
}

static enum err apply_validators(struct view_state *view, const struct genesis *genesis)
{
    struct validator_member members[LIMIT_VALIDATORS];
    struct validator_set set = genesis_set(members, genesis);
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const struct genesis_validator *v = &genesis->validators[i];
        struct members_account replayer;
        if (!members_get(view, &v->replayer, &replayer))
            return ERR_MISMATCH;
        struct validator validator = {
            .name = v->name,
            .public_key = v->public_key,
            .replayer = v->replayer,
            .organisation = replayer.organisation,
            .chain_end = v->chain_end,
        };
        validator_put(view, (struct seat){(uint8_t)i}, &validator);
    }
    validator_set_put(view, &set);
    return ERR_NONE;
}

enum err genesis_apply(struct view_state *view, const struct genesis *genesis,
                       struct events *events)
{
    struct context context = {.time_ms = genesis->time_ms};
    struct catalog_run run = {
        .view = view, .context = &context, .events = events, .sender = &address_zero};
    parameters_put(view, &genesis->parameters);
    enum err err = apply_accounts(&run, genesis);
    if (err == ERR_NONE)
        err = apply_validators(view, genesis);
    if (view->err != ERR_NONE)
        return view->err;
    return events->failed ? ERR_LIMIT : err;
}
