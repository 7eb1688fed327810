#include "tools/tenured/verifier.h"

#include "test/unit/town.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

static struct node node;
static struct town town;
static struct roster roster = {.holders = 1, .lines[2] = {.taken = true, .seat = 2}};

static void start(void)
{
    struct fault fault = {0};
    town_init(&town);
    memset(&node, 0, sizeof(node));
    pthread_mutex_init(&node.roster_mutex, NULL);
    node.roster = &roster;
    node.settings.verifiers = 1;
    ck_assert_int_eq(recent_init(&node.checked, 1024), ERR_NONE);
    ck_assert_int_eq(queue_init(&node.driver.queue, 16, SIZE_MAX), ERR_NONE);
    ck_assert_int_eq(verifier_init(&node.verifier, &node), ERR_NONE);
    ck_assert_int_eq(verifier_start(&node.verifier, &fault), ERR_NONE);
}

static void end(void)
{
    verifier_stop(&node.verifier);
    verifier_release(&node.verifier);
    queue_release(&node.driver.queue);
    recent_release(&node.checked);
    town_release(&town);
}

/* What the driver hears of a body of these transactions that comes from a peer. */
static bool is_valid(struct block_item *items, uint32_t count)
{
    struct block_body body = {items, count};
    struct block_header header = {.version = BLOCK_VERSION,
                                  .chain = town.chain_digest,
                                  .height = 1,
                                  .tx_root = block_tx_root(&body)};
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    struct wire_body wire = {
        .header = bytes_of(raw, block_header_pack(raw, &digest, &header)),
        .body = record_bytes(&town.arena, &block_body_record, &body),
    };
    struct bytes record = record_bytes(&town.arena, &wire_body_record, &wire);
    ck_assert_ptr_nonnull(record.data);
    ck_assert(verifier_record(&node.verifier, (struct place){2}, PEER_BULK, WIRE_BODY, record));

    void *item;
    ck_assert_uint_eq(queue_pop(&node.driver.queue, &item, 1, 10000), 1);
    struct driver_event *event = item;
    ck_assert_int_eq(event->kind, DRIVER_BODY);
    ck_assert_uint_eq(event->from.n, 2);
    ck_assert(digest_equal(&event->parcel->digest, &digest));
    bool valid = event->valid;
    driver_event_free(event);
    return valid;
}

START_TEST(body_with_one_wrong_signature_is_invalid)
{
    start();
    struct block_item items[3];
    for (uint32_t i = 0; i < 3; i++)
        items[i].tx = town_transfer(&town, 1 + i, 5, 10).raw;
    ck_assert(is_valid(items, 3));

    /* The signature is the end of a transaction; the others are known by now. */
    struct bytes good = town_transfer(&town, 4, 5, 10).raw;
    uint8_t *bad = arena_copy(&town.arena, good.data, good.size);
    bad[good.size - 1] ^= 1;
    items[1].tx = bytes_of(bad, good.size);
    ck_assert(!is_valid(items, 3));
    items[1].tx = good;
    ck_assert(is_valid(items, 3));
    end();
}
END_TEST

START_TEST(body_with_something_that_is_no_transaction_is_invalid)
{
    start();
    struct block_item items[2] = {{town_transfer(&town, 1, 5, 10).raw}, {bytes_text("nothing")}};
    ck_assert(!is_valid(items, 2));
    ck_assert(is_valid(items, 1));
    end();
}
END_TEST

HARNESS_MAIN("verifier", body_with_one_wrong_signature_is_invalid,
             body_with_something_that_is_no_transaction_is_invalid)
