#include "contracts/genesis.h"

#include "contracts/validator.h"
#include "test/unit/market.h"

static struct genesis_account accounts[3];
static struct genesis_validator validators[2];

static struct genesis sound(void)
{
    for (uint32_t i = 0; i < 3; i++)
        accounts[i] = (struct genesis_account){
            .public_key = market_public(i),
            .organisation = bytes_text("acme"),
            .roles = i == 0 ? MEMBERS_ROLE_OPERATOR : MEMBERS_ROLE_REPLAYER,
            .balance = units_amount(100 * i),
        };
    for (uint32_t i = 0; i < 2; i++)
        validators[i] = (struct genesis_validator){
            .name = bytes_text("v"),
            .public_key = market_public(10 + i),
            .replayer = market_address(1 + i),
        };
    return (struct genesis){
        .version = GENESIS_VERSION,
        .name = bytes_text("chain"),
        .time_ms = 5,
        .parameters = parameters_default(),
        .validators = validators,
        .validator_count = 2,
        .accounts = accounts,
        .account_count = 3,
    };
}

START_TEST(a_sound_genesis_becomes_the_state_of_height_0)
{
    struct market m = {.count = 0};
    struct genesis genesis = sound();
    struct fault fault = {.code = ERR_NONE};
    m.source = (struct view_source){&m, market_source_get, market_source_next};
    arena_init(&m.arena, 1u << 26);
    ck_assert_msg(genesis_check(&genesis, &fault) == ERR_NONE, "%s", fault.text);
    market_open(&m, 5);
    ck_assert_int_eq(genesis_apply(&m.view, &genesis, &m.events), ERR_NONE);
    market_close(&m);
    market_open(&m, 6);
    ck_assert_uint_eq(market_balance(&m, 2), 200);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.minted), 300);
    struct validator_set set;
    ck_assert(validator_set_get(&m.view, &set));
    ck_assert_uint_eq(set.member_count, 2);
    struct validator validator;
    ck_assert(validator_get(&m.view, (struct seat){1}, &validator));
    ck_assert(bytes_equal(validator.organisation, bytes_text("acme")));
    market_release(&m);
}
END_TEST

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct genesis genesis = sound();                                                          \
        struct fault fault = {.code = ERR_NONE};                                                   \
        change;                                                                                    \
        ck_assert_int_eq(genesis_check(&genesis, &fault), ERR_MISMATCH);                           \
        ck_assert_int_eq(fault.code, ERR_MISMATCH);                                                \
    } while (0)

START_TEST(each_broken_rule_is_refused)
{
    REFUSED(genesis.version = 2);
    REFUSED(genesis.parameters.due_max = 0);
    REFUSED(genesis.validator_count = 0);
    REFUSED(validators[0].name.size = 0);
    REFUSED(validators[0].public_key.bytes[0] = 9);
    REFUSED(validators[1].public_key = validators[0].public_key);
    REFUSED(validators[1].replayer = validators[0].replayer);
    REFUSED(validators[1].replayer = market_address(0)); /* no replayer */
    REFUSED(validators[1].replayer = market_address(7)); /* no account */
    REFUSED(accounts[0].roles = MEMBERS_ROLE_CONSUMER);  /* no operator */
    REFUSED(accounts[0].roles |= 64);
    REFUSED(accounts[1].public_key.bytes[0] = 9);
    REFUSED(accounts[0].public_key = accounts[1].public_key);
}
END_TEST

START_TEST(any_change_is_another_chain)
{
    struct arena arena;
    arena_init(&arena, 1u << 20);
    struct genesis genesis = sound();
    struct digest digest = genesis_digest(&arena, &genesis), other;
    genesis.time_ms++;
    other = genesis_digest(&arena, &genesis);
    ck_assert(!digest_equal(&digest, &other));
    struct bytes raw = record_bytes(&arena, &genesis_record, &genesis);
    struct genesis again;
    ck_assert_int_eq(record_unpack(&arena, &genesis_record, &again, raw, NULL), ERR_NONE);
    digest = genesis_digest(&arena, &again);
    ck_assert(digest_equal(&digest, &other));
    arena_release(&arena);
}
END_TEST

HARNESS_MAIN("genesis", a_sound_genesis_becomes_the_state_of_height_0, each_broken_rule_is_refused,
             any_change_is_another_chain)
