#include "contracts/beacon.h"

#include "contracts/validator.h"
#include "test/unit/studio.h"

static struct market m;

static enum verdict reveal(uint32_t who, const struct digest *preimage)
{
    struct beacon_reveal args = {.preimage = *preimage};
    return market_call(&m, who, CATALOG_BEACON, BEACON_REVEAL, &args);
}

static struct digest preimage(uint8_t seat, uint32_t index)
{
    struct digest secret = market_beacon_secret(seat);
    return beacon_chain(&secret, STUDIO_BEACON, index);
}

START_TEST(a_chain_is_revealed_backwards_one_link_an_epoch)
{
    studio_init(&m);
    struct digest first = preimage(0, 0), second = preimage(0, 1), kept;
    uint64_t epoch = m.context.time_ms / 10000;
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &second), VERDICT_WRONG_PREIMAGE);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &first), VERDICT_OK);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &second), VERDICT_ALREADY_DONE);
    market_step(&m, 10000);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &first), VERDICT_WRONG_PREIMAGE);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &second), VERDICT_OK);
    ck_assert(beacon_get(&m.view, (struct seat){0}, epoch, &kept));
    ck_assert(digest_equal(&kept, &first));
    ck_assert(beacon_get(&m.view, (struct seat){0}, epoch + 1, &kept));
    ck_assert(digest_equal(&kept, &second));
    ck_assert(!beacon_get(&m.view, (struct seat){1}, epoch, &kept));
    ck_assert(!beacon_get(&m.view, (struct seat){0}, epoch + BEACON_KEPT, &kept));
    market_release(&m);
}
END_TEST

START_TEST(only_the_seats_replayer_reveals_its_chain)
{
    studio_init(&m);
    struct digest first = preimage(0, 0);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_1, &first), VERDICT_WRONG_PREIMAGE);
    ck_assert_int_eq(reveal(MARKET_PROVIDER_A, &first), VERDICT_NOT_PERMITTED);
    struct members_set_roles roles = {.address = market_address(MARKET_AUDITOR),
                                      .roles = MEMBERS_ROLE_REPLAYER};
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &roles),
                     VERDICT_OK);
    ck_assert_int_eq(reveal(MARKET_AUDITOR, &first), VERDICT_NOT_REPLAYER);
    market_release(&m);
}
END_TEST

START_TEST(a_new_chain_counts_two_epochs_later)
{
    studio_init(&m);
    struct digest old = preimage(0, 0), fresh = digest_of("fresh", 5);
    struct beacon_renew renew = {.chain_end = digest_of(fresh.bytes, DIGEST_SIZE)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_BEACON, BEACON_RENEW, &renew),
                     VERDICT_OK);
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_BEACON, BEACON_RENEW, &renew),
                     VERDICT_ALREADY_DONE);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &fresh), VERDICT_WRONG_PREIMAGE);
    market_step(&m, 10000);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &old), VERDICT_OK);
    market_step(&m, 10000);
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &fresh), VERDICT_OK);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("beacon", a_chain_is_revealed_backwards_one_link_an_epoch,
             only_the_seats_replayer_reveals_its_chain, a_new_chain_counts_two_epochs_later)
