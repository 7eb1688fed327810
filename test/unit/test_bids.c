#include "tools/tenured/bids.h"

#include "test/harness.h"

static struct bids bids;

/* Peer `from` offers the block of this height. */
static void offer(uint8_t from, uint64_t height, uint64_t start)
{
    struct bid bid = {.height = {height},
                      .start = {start},
                      .digest = digest_of(&height, sizeof(height)),
                      .header = bytes_of((const uint8_t *)&height, sizeof(height)),
                      .certificate = bytes_text("certificate")};
    ck_assert_int_eq(bids_put(&bids, (struct place){from}, &bid), ERR_NONE);
}

static uint64_t chosen(unsigned enough)
{
    const struct bid *bid = bids_choose(&bids, enough);
    if (!bid)
        return 0;
    ck_assert_uint_eq(bid->header.size, sizeof(uint64_t));
    ck_assert(bytes_equal(bid->certificate, bytes_text("certificate")));
    return bid->height.n;
}

/* The attack: the newest height of all from one that is then silent. */
START_TEST(one_liar_with_the_newest_height_hides_no_other_offer)
{
    offer(3, 1000, 0);
    offer(1, 96, 0);
    offer(2, 96, 0);
    offer(3, 2000, 0);
    ck_assert_uint_eq(chosen(2), 96);
    bids_clear(&bids);
}
END_TEST

START_TEST(the_highest_that_enough_offer_is_chosen)
{
    offer(0, 64, 0);
    offer(1, 64, 0);
    ck_assert_uint_eq(chosen(2), 64);
    offer(2, 96, 0);
    offer(3, 96, 0);
    ck_assert_uint_eq(chosen(2), 96);
    ck_assert_uint_eq(chosen(3), 0);
    bids_drop(&bids, (struct place){3});
    ck_assert_uint_eq(chosen(2), 64);
    bids_clear(&bids);
    ck_assert_uint_eq(chosen(1), 0);
}
END_TEST

START_TEST(a_peer_has_one_offer)
{
    offer(1, 64, 0);
    offer(1, 96, 0);
    struct digest old = bids.list[1].digest;
    ck_assert_uint_eq(bids_count(&bids, &old), 1);
    offer(1, 128, 0);
    ck_assert_uint_eq(bids_count(&bids, &old), 0);
    ck_assert(!bids_has(&bids, (struct place){1}, &old));
    ck_assert(bids_has(&bids, (struct place){1}, &bids.list[1].digest));
    bids_clear(&bids);
}
END_TEST

/* Heads that are apart: what enough have reached can be asked for next, and a liar lifts it no higher. */
START_TEST(what_enough_have_reached_has_an_honest_peer)
{
    ck_assert_uint_eq(bids_reached(&bids, 1).n, 0);
    offer(1, 64, 0);
    offer(2, 96, 0);
    offer(3, 9999, 0);
    ck_assert_uint_eq(chosen(2), 0);
    ck_assert_uint_eq(bids_reached(&bids, 2).n, 96);
    ck_assert_uint_eq(bids_reached(&bids, 3).n, 64);
    ck_assert_uint_eq(bids_reached(&bids, 4).n, 0);
    bids_clear(&bids);
}
END_TEST

START_TEST(who_has_pruned_is_counted)
{
    offer(1, 64, 10);
    offer(2, 64, 11);
    offer(3, 64, 0);
    ck_assert_uint_eq(bids_gone(&bids, (struct height){9}), 2);
    ck_assert_uint_eq(bids_gone(&bids, (struct height){10}), 1);
    ck_assert_uint_eq(bids_gone(&bids, (struct height){11}), 0);
    bids_clear(&bids);
}
END_TEST

HARNESS_MAIN("bids", one_liar_with_the_newest_height_hides_no_other_offer,
             the_highest_that_enough_offer_is_chosen, a_peer_has_one_offer,
             what_enough_have_reached_has_an_honest_peer, who_has_pruned_is_counted)
