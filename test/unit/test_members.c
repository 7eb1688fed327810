#include "contracts/members.h"

#include "test/unit/market.h"

static struct market m;

static void begin(void)
{
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
}

static enum verdict join(uint32_t sender, uint32_t who, uint32_t roles)
{
    struct members_register args = {
        .public_key = market_public(who),
        .name = bytes_text("new"),
        .organisation = bytes_text("acme"),
        .roles = roles,
    };
    return market_call(&m, sender, CATALOG_MEMBERS, MEMBERS_REGISTER, &args);
}

static enum verdict about(uint32_t sender, uint32_t who, uint8_t method)
{
    struct members_subject args = {.address = market_address(who)};
    return market_call(&m, sender, CATALOG_MEMBERS, method, &args);
}

static enum verdict set_roles(uint32_t who, uint32_t roles)
{
    struct members_set_roles args = {.address = market_address(who), .roles = roles};
    return market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &args);
}

/* The whole table: from each state (none, active, revoked) every method, and what it says. */
START_TEST(only_the_transitions_of_the_table_are_possible)
{
    const struct {
        enum verdict enlist, revoke, restore;
    } table[] = {
        {VERDICT_OK, VERDICT_NO_ACCOUNT, VERDICT_NO_ACCOUNT},      /* none */
        {VERDICT_ACCOUNT_EXISTS, VERDICT_OK, VERDICT_WRONG_STATE}, /* active */
        {VERDICT_ACCOUNT_EXISTS, VERDICT_WRONG_STATE, VERDICT_OK}, /* revoked */
    };
    for (int state = 0; state < 3; state++)
        for (int method = 0; method < 3; method++) {
            begin();
            if (state > 0)
                ck_assert_int_eq(join(MARKET_OPERATOR_A, 77, MEMBERS_ROLE_AUDITOR), VERDICT_OK);
            if (state > 1)
                ck_assert_int_eq(about(MARKET_OPERATOR_A, 77, MEMBERS_REVOKE), VERDICT_OK);
            enum verdict verdict = method == 0   ? join(MARKET_OPERATOR_A, 77, MEMBERS_ROLE_AUDITOR)
                                   : method == 1 ? about(MARKET_OPERATOR_A, 77, MEMBERS_REVOKE)
                                                 : about(MARKET_OPERATOR_A, 77, MEMBERS_RESTORE);
            enum verdict expected = method == 0   ? table[state].enlist
                                    : method == 1 ? table[state].revoke
                                                  : table[state].restore;
            ck_assert_int_eq(verdict, expected);
            market_release(&m);
        }
}
END_TEST

START_TEST(only_operators_admit_and_they_admit_no_operators)
{
    begin();
    for (uint32_t who = MARKET_CONSUMER; who < MARKET_PEOPLE; who++)
        ck_assert_int_eq(join(who, 77, MEMBERS_ROLE_AUDITOR), VERDICT_NOT_PERMITTED);
    ck_assert_int_eq(join(MARKET_STRANGER, 77, MEMBERS_ROLE_AUDITOR), VERDICT_NO_ACCOUNT);
    ck_assert_int_eq(join(MARKET_OPERATOR_A, 77, MEMBERS_ROLE_OPERATOR), VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(join(MARKET_OPERATOR_A, 77, 32), VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(set_roles(MARKET_CONSUMER, MEMBERS_ROLE_OPERATOR), VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(set_roles(MARKET_OPERATOR_B, 0), VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(about(MARKET_OPERATOR_A, MARKET_OPERATOR_B, MEMBERS_REVOKE),
                     VERDICT_NOT_PERMITTED);
    market_release(&m);
}
END_TEST

START_TEST(a_key_that_is_no_point_is_refused)
{
    begin();
    struct members_register args = {.public_key = {.bytes = {2, 0xff, 0xff}},
                                    .roles = MEMBERS_ROLE_AUDITOR};
    memset(args.public_key.bytes + 1, 0xff, 32);
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_REGISTER, &args),
                     VERDICT_BAD_KEY);
    market_release(&m);
}
END_TEST

START_TEST(roles_change_what_a_member_may_do)
{
    begin();
    ck_assert_int_eq(set_roles(MARKET_CONSUMER, MEMBERS_ROLE_CONSUMER), VERDICT_NOTHING_TO_DO);
    ck_assert_int_eq(set_roles(MARKET_CONSUMER, MEMBERS_ROLE_PROVIDER), VERDICT_OK);
    struct address address = market_address(MARKET_CONSUMER);
    ck_assert(members_is(&m.view, &address, MEMBERS_ROLE_PROVIDER));
    ck_assert(!members_is(&m.view, &address, MEMBERS_ROLE_CONSUMER));
    ck_assert_int_eq(about(MARKET_OPERATOR_A, MARKET_CONSUMER, MEMBERS_REVOKE), VERDICT_OK);
    ck_assert(!members_is(&m.view, &address, MEMBERS_ROLE_PROVIDER));
    market_release(&m);
}
END_TEST

START_TEST(a_nonce_counts_up_by_one)
{
    begin();
    struct address address = market_address(MARKET_CONSUMER);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(market_account(&m, MARKET_CONSUMER).nonce, i);
        members_nonce_use(&m.view, &address);
    }
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("members", only_the_transitions_of_the_table_are_possible,
             only_operators_admit_and_they_admit_no_operators, a_key_that_is_no_point_is_refused,
             roles_change_what_a_member_may_do, a_nonce_counts_up_by_one)
