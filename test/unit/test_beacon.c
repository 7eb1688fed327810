#include "contracts/beacon.h"

#include "contracts/validator.h"
#include "test/unit/studio.h"

static struct market m;

static enum verdict reveal(uint32_t who, const struct digest *preimage)
{
    struct beacon_reveal args = {.epoch = studio_epoch(&m), .preimage = *preimage};
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

/* The attack: who makes the next block holds a reveal back until the epoch whose draws it would like to see made from it. */
START_TEST(a_reveal_that_comes_late_is_spent_and_nothing_is_drawn_from_it)
{
    studio_init(&m);
    struct digest kept, second = preimage(0, 1);
    struct beacon_reveal held = {.epoch = studio_epoch(&m), .preimage = preimage(0, 0)};
    struct beacon_reveal early = {.epoch = held.epoch + 1, .preimage = held.preimage};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_BEACON, BEACON_REVEAL, &early),
                     VERDICT_TOO_SOON);
    market_step(&m, 10000);
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_BEACON, BEACON_REVEAL, &held),
                     VERDICT_OK);
    ck_assert(!beacon_get(&m.view, (struct seat){0}, held.epoch, &kept));
    ck_assert(!beacon_get(&m.view, (struct seat){0}, held.epoch + 1, &kept));
    ck_assert_int_eq(reveal(MARKET_REPLAYER_0, &second), VERDICT_OK);
    ck_assert(beacon_get(&m.view, (struct seat){0}, held.epoch + 1, &kept));
    ck_assert(digest_equal(&kept, &second));
    market_release(&m);
}
END_TEST

/* Epochs of 10 s, and a change of their length in the middle of one. */
START_TEST(a_change_of_length_leaves_no_gap_and_no_overlap)
{
    for (uint64_t length = 3000; length <= 70000; length += 67000) {
        studio_init(&m);
        struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
        struct beacon_clock clock;
        uint64_t now = m.context.time_ms, epoch = now / 10000, next_ms = (epoch + 2) * 10000;
        ck_assert_int_eq(beacon_change(&run, length), VERDICT_OK);
        ck_assert_int_eq(beacon_change(&run, 5000), VERDICT_TOO_SOON);
        ck_assert(beacon_clock_get(&m.view, &clock));
        ck_assert_uint_eq(beacon_epoch(&clock, now), epoch);
        ck_assert_uint_eq(beacon_end_ms(&clock, epoch + 1), next_ms); /* as long as it was */
        for (uint64_t time = now; time < next_ms + 3 * length; time += 500) {
            uint64_t at = beacon_epoch(&clock, time);
            ck_assert_uint_lt(time, beacon_end_ms(&clock, at));
            ck_assert_uint_ge(time, beacon_end_ms(&clock, at - 1));
        }
        ck_assert_uint_eq(beacon_epoch(&clock, next_ms + 3 * length), epoch + 5);
        market_step(&m, next_ms - now);
        run.context = &m.context;
        ck_assert_int_eq(beacon_change(&run, 5000), VERDICT_OK);
        ck_assert(beacon_clock_get(&m.view, &clock));
        ck_assert_uint_eq(beacon_epoch(&clock, next_ms), epoch + 2);
        ck_assert_uint_eq(beacon_end_ms(&clock, epoch + 3), next_ms + 2 * length);
        ck_assert_uint_eq(beacon_end_ms(&clock, epoch + 4), next_ms + 2 * length + 5000);
        market_release(&m);
    }
}
END_TEST

HARNESS_MAIN("beacon", a_reveal_that_comes_late_is_spent_and_nothing_is_drawn_from_it,
             a_change_of_length_leaves_no_gap_and_no_overlap, a_chain_is_revealed_backwards_one_link_an_epoch,
             only_the_seats_replayer_reveals_its_chain, a_new_chain_counts_two_epochs_later)
