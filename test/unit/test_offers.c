#include "contracts/offers.h"

#include "contracts/path.h"
#include "contracts/statement.h"
#include "test/unit/studio.h"

static struct market m;

static struct offers_offer offer(uint64_t id)
{
    struct offers_offer out;
    ck_assert(offers_get(&m.view, id, &out));
    return out;
}

static enum verdict update(uint32_t who, uint64_t id, struct offers_terms terms)
{
    struct offers_update args = {.offer = id, .terms = terms};
    return market_call(&m, who, CATALOG_OFFERS, OFFERS_UPDATE, &args);
}

static enum verdict withdraw(uint32_t who, uint64_t id)
{
    struct offers_withdraw args = {.offer = id};
    return market_call(&m, who, CATALOG_OFFERS, OFFERS_WITHDRAW, &args);
}

/* An offer of A in each state; CLOSING is one that is leased. */
static uint64_t in_state(enum offers_status status)
{
    studio_init(&m);
    uint64_t id = studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 2);
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    if (status == OFFERS_CLOSING)
        offers_lease(&run, id);
    if (status != OFFERS_LISTED)
        ck_assert_int_eq(withdraw(MARKET_PROVIDER_A, id), VERDICT_OK);
    ck_assert_int_eq(offer(id).status, status);
    return id;
}

START_TEST(only_the_transitions_of_the_table_are_possible)
{
    for (int status = OFFERS_LISTED; status <= OFFERS_ENDED; status++) {
        enum verdict expected = status == OFFERS_LISTED ? VERDICT_OK : VERDICT_WRONG_STATE;
        uint64_t id = in_state((enum offers_status)status);
        ck_assert_int_eq(update(MARKET_PROVIDER_A, id, offer(id).terms), expected);
        ck_assert_int_eq(offer(id).status, status);
        ck_assert_int_eq(update(MARKET_PROVIDER_B, id, offer(id).terms), VERDICT_NOT_OWNER);
        ck_assert_int_eq(withdraw(MARKET_PROVIDER_B, id), VERDICT_NOT_OWNER);
        ck_assert_int_eq(withdraw(MARKET_PROVIDER_A, id), expected);
        ck_assert_int_eq(withdraw(MARKET_PROVIDER_A, id + 1), VERDICT_NOT_FOUND);
        market_step(&m, 90000000);
        ck_assert_int_eq(offer(id).status,
                         status == OFFERS_CLOSING ? OFFERS_CLOSING : OFFERS_ENDED);
        market_release(&m);
    }
}
END_TEST

START_TEST(a_listed_offer_expires_and_its_deposit_goes_home)
{
    uint64_t id = in_state(OFFERS_LISTED);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 10);
    market_step(&m, 90000000);
    ck_assert_int_eq(offer(id).status, OFFERS_ENDED);
    ck_assert_int_eq(offer(id).reason, OFFERS_EXPIRED);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE);
    ck_assert_uint_eq(market_events(&m, EVENT_OFFER_ENDED), 1);
    market_release(&m);
}
END_TEST

START_TEST(a_closing_offer_ends_with_its_last_lease)
{
    uint64_t id = in_state(OFFERS_CLOSING);
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 10);
    offers_return(&run, id);
    ck_assert_int_eq(offer(id).status, OFFERS_ENDED);
    ck_assert_int_eq(offer(id).reason, OFFERS_WITHDRAWN);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(deposits_grow_with_the_open_offers)
{
    studio_init(&m);
    for (uint64_t n = 1, sum = 0; n <= 4; n++) {
        uint64_t id = studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
        sum += 10 * n;
        ck_assert_uint_eq(id, n);
        ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - sum);
    }
    ck_assert_int_eq(withdraw(MARKET_PROVIDER_A, 4), VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 60);
    market_release(&m);
}
END_TEST

START_TEST(all_four_kinds_are_listed_with_their_descriptions)
{
    struct offers_terms terms = offer(in_state(OFFERS_LISTED)).terms;
    struct offers_register_storage storage = {
        .terms = terms, .storage = {.capacity_gib = 500, .medium = bytes_text("nvme")}};
    struct offers_register_connection connection = {.terms = terms,
                                                    .connection = {.site_a = bytes_text("fra1"),
                                                                   .site_b = bytes_text("par1"),
                                                                   .bandwidth_kbps = 1000000}};
    struct offers_register_data data = {
        .terms = terms, .data = {.size = 1, .samples = 1, .licence = bytes_text("MIT")}};
    ck_assert_int_eq(
        market_call(&m, MARKET_PROVIDER_B, CATALOG_OFFERS, OFFERS_REGISTER_STORAGE, &storage),
        VERDICT_OK);
    ck_assert_int_eq(
        market_call(&m, MARKET_PROVIDER_B, CATALOG_OFFERS, OFFERS_REGISTER_CONNECTION, &connection),
        VERDICT_OK);
    ck_assert_int_eq(
        market_call(&m, MARKET_PROVIDER_B, CATALOG_OFFERS, OFFERS_REGISTER_DATA, &data),
        VERDICT_OK);
    ck_assert_int_eq(offer(2).kind, OFFERS_STORAGE);
    ck_assert_int_eq(offer(3).kind, OFFERS_CONNECTION);
    ck_assert_int_eq(offer(4).kind, OFFERS_DATA);
    struct offers_connection kept;
    struct path path = path_1("connection/", 3);
    ck_assert(view_load(&m.view, path_key(&path), &offers_connection_record, &kept));
    ck_assert_uint_eq(kept.bandwidth_kbps, 1000000);

    connection.connection.site_b = connection.connection.site_a;
    ck_assert_int_eq(
        market_call(&m, MARKET_PROVIDER_B, CATALOG_OFFERS, OFFERS_REGISTER_CONNECTION, &connection),
        VERDICT_OUT_OF_BOUNDS);
    storage.storage.capacity_gib = 0;
    ck_assert_int_eq(
        market_call(&m, MARKET_PROVIDER_B, CATALOG_OFFERS, OFFERS_REGISTER_STORAGE, &storage),
        VERDICT_OUT_OF_BOUNDS);
    data.data.size = 0;
    ck_assert_int_eq(
        market_call(&m, MARKET_PROVIDER_B, CATALOG_OFFERS, OFFERS_REGISTER_DATA, &data),
        VERDICT_OUT_OF_BOUNDS);
    market_release(&m);
}
END_TEST

START_TEST(terms_out_of_their_bounds_are_refused)
{
    uint64_t id = in_state(OFFERS_LISTED), now = m.context.time_ms;
    struct offers_terms good = offer(id).terms, bad = good;
    bad.slots = 0;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_OUT_OF_BOUNDS);
    bad.slots = OFFERS_SLOTS_MAX + 1;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_OUT_OF_BOUNDS);
    bad = good;
    bad.from_ms = bad.until_ms;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_OUT_OF_BOUNDS);
    bad = good;
    bad.expires_ms = now;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_OUT_OF_BOUNDS);
    bad.expires_ms = good.until_ms + 1;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_OUT_OF_BOUNDS);
    bad.expires_ms = bad.until_ms = UINT64_MAX;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_OUT_OF_BOUNDS);
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    offers_lease(&run, id);
    offers_lease(&run, id);
    bad = good;
    bad.slots = 1;
    ck_assert_int_eq(update(MARKET_PROVIDER_A, id, bad), VERDICT_IN_USE);
    market_release(&m);
}
END_TEST

/* --- statements --- */

static struct bytes statement(uint32_t signer, uint64_t serial, uint64_t expiry_ms, uint16_t kind)
{
    struct sign_secret secret = {.bytes = {1}};
    bytes_put_u32(secret.bytes + 28, signer + 1);
    struct offers_withdraw payload = {.offer = 1};
    struct statement_body body = {
        .version = STATEMENT_VERSION,
        .chain = m.context.chain,
        .kind = kind,
        .signer = market_public(signer),
        .serial = serial,
        .expiry_ms = expiry_ms,
        .payload = record_bytes(&m.arena, &offers_withdraw_record, &payload),
    };
    struct statement out;
    return statement_make(&m.arena, &out, &body, &secret);
}

static enum verdict carry(struct bytes packed)
{
    struct offers_carry args = {.statement = packed};
    return market_call(&m, MARKET_AUDITOR, CATALOG_OFFERS, OFFERS_CARRY, &args);
}

#define WITHDRAW_KIND (CATALOG_OFFERS * 256 + OFFERS_WITHDRAW)

START_TEST(anybody_carries_what_a_provider_signed_and_only_once)
{
    in_state(OFFERS_LISTED);
    uint64_t expiry = m.context.time_ms + 1000;
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_B, 5, expiry, WITHDRAW_KIND)),
                     VERDICT_NOT_OWNER);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, WITHDRAW_KIND)), VERDICT_OK);
    ck_assert_int_eq(offer(1).status, OFFERS_ENDED);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, WITHDRAW_KIND)),
                     VERDICT_SERIAL_USED);
    market_step(&m, 1001);
    ck_assert_uint_eq(market_events(&m, EVENT_STATEMENT_FORGOTTEN), 1);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, WITHDRAW_KIND)),
                     VERDICT_EXPIRED);
    market_release(&m);
}
END_TEST

/* The attack: serials that every node keeps for a year, and forgets one by one. */
START_TEST(a_signer_has_a_bounded_number_of_serials_in_use)
{
    in_state(OFFERS_LISTED);
    uint64_t expiry = m.context.time_ms + 1000;
    struct address signer = market_address(MARKET_PROVIDER_A);
    struct path path = path_account("signing/", &signer);
    struct offers_count count = {.open = OFFERS_SERIALS_MAX};
    view_save(&m.view, path_key(&path), &offers_count_record, &count);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, WITHDRAW_KIND)),
                     VERDICT_TOO_MANY);
    count.open--;
    view_save(&m.view, path_key(&path), &offers_count_record, &count);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, WITHDRAW_KIND)), VERDICT_OK);
    ck_assert(view_load(&m.view, path_key(&path), &offers_count_record, &count));
    ck_assert_uint_eq(count.open, OFFERS_SERIALS_MAX);
    market_step(&m, 1001);
    ck_assert(view_load(&m.view, path_key(&path), &offers_count_record, &count));
    ck_assert_uint_eq(count.open, OFFERS_SERIALS_MAX - 1);
    market_release(&m);
}
END_TEST

START_TEST(a_statement_that_is_not_exactly_right_is_refused)
{
    in_state(OFFERS_LISTED);
    uint64_t expiry = m.context.time_ms + 1000;
    struct bytes good = statement(MARKET_PROVIDER_A, 5, expiry, WITHDRAW_KIND);
    uint8_t *bent = arena_copy(&m.arena, good.data, good.size);
    bent[good.size - 1] ^= 1;
    ck_assert_int_eq(carry(bytes_of(bent, good.size)), VERDICT_BAD_SIGNATURE);
    ck_assert_int_eq(carry(bytes_of(good.data, good.size - 1)), VERDICT_BAD_ARGUMENTS);
    ck_assert_int_eq(carry(bytes_of(NULL, 0)), VERDICT_BAD_ARGUMENTS);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, UINT64_MAX, WITHDRAW_KIND)),
                     VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, CATALOG_CREDITS * 256 + 1)),
                     VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(
        carry(statement(MARKET_PROVIDER_A, 5, expiry, CATALOG_OFFERS * 256 + OFFERS_CARRY)),
        VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(carry(statement(MARKET_PROVIDER_A, 5, expiry, CATALOG_OFFERS * 256 + 99)),
                     VERDICT_NO_METHOD);
    ck_assert_int_eq(
        carry(statement(MARKET_PROVIDER_A, 5, expiry, CATALOG_OFFERS * 256 + OFFERS_UPDATE)),
        VERDICT_BAD_ARGUMENTS);
    ck_assert_int_eq(carry(statement(MARKET_CONSUMER, 5, expiry, WITHDRAW_KIND)),
                     VERDICT_NOT_PERMITTED);
    ck_assert_int_eq(carry(statement(MARKET_STRANGER, 5, expiry, WITHDRAW_KIND)),
                     VERDICT_NO_ACCOUNT);
    ck_assert_int_eq(carry(good), VERDICT_OK);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("offers", only_the_transitions_of_the_table_are_possible,
             a_listed_offer_expires_and_its_deposit_goes_home,
             a_closing_offer_ends_with_its_last_lease, deposits_grow_with_the_open_offers,
             all_four_kinds_are_listed_with_their_descriptions,
             terms_out_of_their_bounds_are_refused,
             anybody_carries_what_a_provider_signed_and_only_once,
             a_signer_has_a_bounded_number_of_serials_in_use,
             a_statement_that_is_not_exactly_right_is_refused)
