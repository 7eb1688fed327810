#include "contracts/governance.h"

#include "contracts/path.h"
#include "test/unit/market.h"

static struct market m;

static void begin(void)
{
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
}

static struct governance_proposal proposal(uint64_t id)
{
    struct governance_proposal out;
    struct path path = path_1("proposal/", id);
    ck_assert(view_load(&m.view, path_key(&path), &governance_proposal_record, &out));
    return out;
}

static enum verdict vote(uint32_t who, uint64_t id, bool yes)
{
    struct governance_vote args = {.proposal = id, .yes = yes};
    return market_call(&m, who, CATALOG_GOVERNANCE, GOVERNANCE_VOTE, &args);
}

static enum verdict mint(uint32_t who, uint32_t to, uint64_t amount)
{
    struct governance_money args = {.account = market_address(to), .amount = units_amount(amount)};
    return market_call(&m, who, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_MINT, &args);
}

START_TEST(minting_needs_more_than_half_of_the_operators)
{
    begin();
    ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_CONSUMER, 500), VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    ck_assert_int_eq(vote(MARKET_OPERATOR_A, 1, true), VERDICT_ALREADY_DONE);
    ck_assert_int_eq(vote(MARKET_CONSUMER, 1, true), VERDICT_NOT_PERMITTED);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 2, true), VERDICT_NOT_FOUND);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, true), VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE + 500);
    ck_assert_int_eq(proposal(1).status, GOVERNANCE_PASSED);
    ck_assert_int_eq(vote(MARKET_OPERATOR_C, 1, true), VERDICT_WRONG_STATE);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.minted),
                      MARKET_PEOPLE * (uint64_t)MARKET_FORTUNE + 500);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_proposal_fails_when_half_say_no_and_expires_when_nobody_decides)
{
    begin();
    ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_CONSUMER, 500), VERDICT_OK);
    ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_CONSUMER, 600), VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, false), VERDICT_OK);
    ck_assert_int_eq(proposal(1).status, GOVERNANCE_OPEN);
    ck_assert_int_eq(vote(MARKET_OPERATOR_C, 1, false), VERDICT_OK);
    ck_assert_int_eq(proposal(1).status, GOVERNANCE_FAILED);
    market_step(&m, m.parameters.proposal_ms);
    ck_assert_int_eq(proposal(2).status, GOVERNANCE_EXPIRED);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 2, true), VERDICT_WRONG_STATE);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

static enum verdict upgrade(uint64_t height, uint8_t version)
{
    struct governance_upgrade args = {.height = height, .version = version};
    return market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_UPGRADE,
                       &args);
}

static uint8_t version_at(uint64_t height)
{
    return governance_version(&m.view, (struct height){height});
}

START_TEST(blocks_above_a_height_have_the_next_version)
{
    begin();
    ck_assert_uint_eq(version_at(1000), 1);
    ck_assert_int_eq(upgrade(10, 3), VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(upgrade(10, 1), VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(upgrade(m.context.height.n - 1, 2), VERDICT_TOO_LATE);
    ck_assert_int_eq(upgrade(10, 2), VERDICT_OK);
    ck_assert_uint_eq(version_at(1000), 1);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, true), VERDICT_OK);
    ck_assert_uint_eq(market_events(&m, EVENT_UPGRADE_DECIDED), 1);
    ck_assert_uint_eq(version_at(10), 1);
    ck_assert_uint_eq(version_at(11), 2);
    ck_assert_int_eq(upgrade(12, 2), VERDICT_OK); /* not reached yet: postponed */
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 2, true), VERDICT_OK);
    ck_assert_uint_eq(version_at(12), 1);
    while (m.context.height.n <= 12)
        market_step(&m, 1);
    ck_assert_uint_eq(version_at(m.context.height.n), 2);
    ck_assert_int_eq(upgrade(20, 3), VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 3, true), VERDICT_OK);
    ck_assert_uint_eq(version_at(20), 2);
    ck_assert_uint_eq(version_at(21), 3);
    market_release(&m);
}
END_TEST

START_TEST(what_passes_but_cannot_be_done_fails_and_changes_nothing)
{
    struct amount most;
    memset(most.be, 0xff, sizeof(most.be));
    begin();
    struct governance_money args = {.account = market_address(MARKET_CONSUMER), .amount = most};
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_MINT, &args),
        VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, true), VERDICT_OK);
    ck_assert_int_eq(proposal(1).status, GOVERNANCE_FAILED);
    ck_assert_int_eq(proposal(1).verdict, VERDICT_OVERFLOW);
    args = (struct governance_money){.amount = units_amount(1)};
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_BURN, &args),
        VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 2, true), VERDICT_OK);
    ck_assert_int_eq(proposal(2).verdict, VERDICT_TREASURY_TOO_LOW);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(the_treasury_is_spent_and_burned_by_vote)
{
    begin();
    struct address owner = market_address(MARKET_PROVIDER_A);
    struct catalog_run run = {&m.view, &m.context, &m.events, &owner};
    struct credits_place place = {CREDITS_STAKE, 1, 0};
    struct amount hundred = units_amount(100);
    ck_assert_int_eq(credits_lock(&run, place, &owner, &hundred), VERDICT_OK);
    credits_forfeit(&run, place, &hundred);
    struct governance_money spend = {.account = market_address(MARKET_AUDITOR),
                                     .amount = units_amount(30)};
    struct governance_money burn = {.amount = units_amount(50)};
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_SPEND, &spend),
        VERDICT_OK);
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_BURN, &burn),
        VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, true), VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 2, true), VERDICT_OK);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), 20);
    ck_assert_uint_eq(market_number(&supply.burned), 50);
    ck_assert_uint_eq(market_balance(&m, MARKET_AUDITOR), MARKET_FORTUNE + 30);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(operators_are_made_and_unmade_by_vote_but_never_the_last)
{
    begin();
    struct governance_roles args = {.account = market_address(MARKET_AUDITOR),
                                    .roles = MEMBERS_ROLE_OPERATOR};
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_ROLES, &args),
        VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, true), VERDICT_OK);
    ck_assert_uint_eq(members_operator_count(&m.view), 4);
    const uint32_t leaving[] = {MARKET_AUDITOR, MARKET_OPERATOR_C, MARKET_OPERATOR_B,
                                MARKET_OPERATOR_A};
    for (uint64_t i = 0; i < 4; i++) {
        args = (struct governance_roles){.account = market_address(leaving[i]),
                                         .roles = MEMBERS_ROLE_CONSUMER};
        ck_assert_int_eq(
            market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_ROLES, &args),
            VERDICT_OK);
        for (uint32_t who = MARKET_OPERATOR_B; who <= MARKET_OPERATOR_C; who++)
            (void)vote(who, i + 2, true);
        ck_assert_int_eq(proposal(i + 2).status, i < 3 ? GOVERNANCE_PASSED : GOVERNANCE_FAILED);
    }
    ck_assert_int_eq(proposal(5).verdict, VERDICT_NOT_PERMITTED);
    ck_assert_uint_eq(members_operator_count(&m.view), 1);
    market_release(&m);
}
END_TEST

START_TEST(parameters_change_by_vote_within_their_bounds)
{
    begin();
    struct parameters parameters = parameters_default();
    parameters.due_max = 0;
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE,
                                 GOVERNANCE_PROPOSE_PARAMETERS, &parameters),
                     VERDICT_OUT_OF_BOUNDS);
    parameters.due_max = 7;
    struct digest before = parameters_digest(&m.arena, &m.parameters);
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE,
                                 GOVERNANCE_PROPOSE_PARAMETERS, &parameters),
                     VERDICT_OK);
    ck_assert_int_eq(vote(MARKET_OPERATOR_B, 1, true), VERDICT_OK);
    struct parameters now;
    ck_assert(parameters_get(&m.view, &now));
    ck_assert_uint_eq(now.due_max, 7);
    struct digest after = parameters_digest(&m.arena, &now);
    ck_assert(!digest_equal(&before, &after));
    ck_assert_uint_eq(market_events(&m, EVENT_PARAMETERS_CHANGED), 1);
    market_release(&m);
}
END_TEST

START_TEST(open_proposals_are_bounded)
{
    begin();
    for (int i = 0; i < GOVERNANCE_OPEN_MAX; i++)
        ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_CONSUMER, 1), VERDICT_OK);
    ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_CONSUMER, 1), VERDICT_TOO_MANY);
    ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_STRANGER, 1), VERDICT_NO_ACCOUNT);
    ck_assert_int_eq(mint(MARKET_OPERATOR_A, MARKET_CONSUMER, 0), VERDICT_OUT_OF_BOUNDS);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("governance", blocks_above_a_height_have_the_next_version, minting_needs_more_than_half_of_the_operators,
             a_proposal_fails_when_half_say_no_and_expires_when_nobody_decides,
             what_passes_but_cannot_be_done_fails_and_changes_nothing,
             the_treasury_is_spent_and_burned_by_vote,
             operators_are_made_and_unmade_by_vote_but_never_the_last,
             parameters_change_by_vote_within_their_bounds, open_proposals_are_bounded)
