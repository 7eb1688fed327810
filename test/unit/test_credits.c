#include "contracts/credits.h"

#include "contracts/amount.h"
#include "test/unit/market.h"

static enum verdict send(struct market *m, uint32_t from, uint32_t to, struct amount amount)
{
    struct credits_transfer args = {
        .to = market_address(to), .amount = amount, .memo = bytes_text("rent")};
    return market_call(m, from, CATALOG_CREDITS, CREDITS_TRANSFER, &args);
}

static struct market started(void)
{
    return (struct market){.count = 0};
}

START_TEST(a_transfer_moves_exactly_its_amount)
{
    struct market m = started();
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, units_amount(250)), VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE - 250);
    ck_assert_uint_eq(market_balance(&m, MARKET_AUDITOR), MARKET_FORTUNE + 250);
    ck_assert_uint_eq(m.events.count, 1);
    ck_assert_int_eq(m.events.list[0].tag, EVENT_TRANSFERRED);
    ck_assert_uint_eq(m.events.list[0].address_count, 2);
    market_step(&m, 1);
    ck_assert_uint_eq(market_balance(&m, MARKET_AUDITOR), MARKET_FORTUNE + 250);
    market_release(&m);
}
END_TEST

START_TEST(a_refused_transfer_changes_nothing)
{
    struct market m = started();
    struct parameters parameters = parameters_default();
    struct amount most;
    memset(most.be, 0xff, sizeof(most.be));
    market_init(&m, &parameters, NULL);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, units_amount(MARKET_FORTUNE + 1)),
                     VERDICT_BALANCE_TOO_LOW);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, most), VERDICT_BALANCE_TOO_LOW);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, units_zero), VERDICT_NOTHING_TO_DO);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_CONSUMER, units_amount(1)),
                     VERDICT_NOTHING_TO_DO);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_STRANGER, units_amount(1)),
                     VERDICT_NO_ACCOUNT);
    ck_assert_int_eq(send(&m, MARKET_STRANGER, MARKET_CONSUMER, units_amount(1)),
                     VERDICT_NO_ACCOUNT);
    ck_assert_ptr_null(view_write(&m.view, NULL));
    ck_assert_uint_eq(m.events.count, 0);
    market_release(&m);
}
END_TEST

START_TEST(the_whole_balance_can_be_sent_and_no_more)
{
    struct market m = started();
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, units_amount(MARKET_FORTUNE)),
                     VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), 0);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, units_amount(1)),
                     VERDICT_BALANCE_TOO_LOW);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(nobody_sends_to_or_from_a_revoked_account)
{
    struct market m = started();
    struct parameters parameters = parameters_default();
    struct members_subject subject = {.address = market_address(MARKET_AUDITOR)};
    market_init(&m, &parameters, NULL);
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_REVOKE, &subject),
                     VERDICT_OK);
    ck_assert_int_eq(send(&m, MARKET_CONSUMER, MARKET_AUDITOR, units_amount(1)), VERDICT_REVOKED);
    ck_assert_int_eq(send(&m, MARKET_AUDITOR, MARKET_CONSUMER, units_amount(1)), VERDICT_REVOKED);
    ck_assert_uint_eq(market_balance(&m, MARKET_AUDITOR), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

START_TEST(locks_pay_forfeit_and_go_home_without_losing_a_unit)
{
    struct market m = started();
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
    struct address owner = market_address(MARKET_PROVIDER_A),
                   other = market_address(MARKET_PROVIDER_B);
    struct catalog_run run = {&m.view, &m.context, &m.events, &owner};
    struct credits_place place = {CREDITS_STAKE, 7, 3};
    struct amount hundred = units_amount(100), thirty = units_amount(30),
                  most = units_amount(MARKET_FORTUNE + 1);

    ck_assert_int_eq(credits_lock(&run, place, &owner, &most), VERDICT_BALANCE_TOO_LOW);
    ck_assert_int_eq(credits_lock(&run, place, &owner, &hundred), VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 100);
    struct amount moved = credits_pay(&run, place, &other, &thirty);
    ck_assert_uint_eq(market_number(&moved), 30);
    moved = credits_forfeit(&run, place, &thirty);
    ck_assert_uint_eq(market_number(&moved), 30);
    credits_unlock(&run, place);
    credits_unlock(&run, place);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 60);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_B), MARKET_FORTUNE + 30);
    moved = credits_pay(&run, place, &other, &thirty);
    ck_assert(units_amount_is_zero(&moved));
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), 30);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_unit_out_of_nothing_stops_the_node)
{
    struct market m = started();
    struct parameters parameters = parameters_default();
    struct fault fault = {.code = ERR_NONE};
    market_init(&m, &parameters, NULL);
    struct address address = market_address(MARKET_CONSUMER);
    struct members_account account = market_account(&m, MARKET_CONSUMER);
    account.balance = units_amount(MARKET_FORTUNE + 1);
    members_put(&m.view, &address, &account);
    ck_assert_int_eq(contracts_end(&m.view, &fault), ERR_CORRUPT);
    ck_assert_int_eq(fault.code, ERR_CORRUPT);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("credits", a_transfer_moves_exactly_its_amount, a_refused_transfer_changes_nothing,
             the_whole_balance_can_be_sent_and_no_more, nobody_sends_to_or_from_a_revoked_account,
             locks_pay_forfeit_and_go_home_without_losing_a_unit,
             a_unit_out_of_nothing_stops_the_node)
