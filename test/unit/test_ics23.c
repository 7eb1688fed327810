#include "ledger/ics23.h"

#include <string.h>

#include "test/unit/town.h"
#include "ledger/history.h"

static struct town town;
static struct history *history;
static struct fault fault;

static void start(void)
{
    town_init(&town);
    town_open(&town);
    for (uint64_t i = 1; i <= 3; i++)
        town_step(&town, 1, 2, i);
    history = history_open(town.chain, &fault);
    ck_assert_ptr_nonnull(history);
}

static void end(void)
{
    history_close(history);
    town_release(&town);
}

/* --- a reader of its own: protocol buffers, and what ICS-23 says a proof means --- */

static uint64_t varint(struct bytes *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        ck_assert_uint_gt(in->size, 0);
        uint8_t byte = in->data[0];
        *in = bytes_of(in->data + 1, in->size - 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

/* The next field: its number, and its bytes or number. */
static unsigned field(struct bytes *in, struct bytes *value, uint64_t *number)
{
    uint64_t tag = varint(in);
    *number = varint(in);
    if (tag % 8 == 2) {
        ck_assert_uint_le(*number, in->size);
        *value = bytes_of(in->data, *number);
        *in = bytes_of(in->data + *number, in->size - *number);
    } else {
        ck_assert_uint_eq(tag % 8, 0);
    }
    return (unsigned)(tag / 8);
}

/* The fields 1..5 of a message that has each at most once. */
static void fields(struct bytes in, struct bytes values[6], uint64_t numbers[6])
{
    memset(values, 0, 6 * sizeof(*values));
    memset(numbers, 0, 6 * sizeof(*numbers));
    while (in.size) {
        struct bytes value = {0};
        uint64_t number;
        unsigned i = field(&in, &value, &number);
        ck_assert_uint_le(i, 5);
        values[i] = value;
        numbers[i] = number;
    }
}

/* The root that an ExistenceProof computes (ICS-23, Calculate). */
static struct digest calculate(struct bytes proof, struct bytes *key, struct bytes *value)
{
    struct digest at = digest_zero;
    struct digest_stream stream;
    while (proof.size) {
        struct bytes raw = {0}, values[6];
        uint64_t number, numbers[6];
        unsigned i = field(&proof, &raw, &number);
        if (i == 1)
            *key = raw;
        if (i == 2)
            *value = raw;
        if (i < 3)
            continue;
        fields(raw, values, numbers);
        ck_assert_uint_eq(numbers[1], 1); /* SHA-256 */
        digest_init(&stream);
        if (i == 3) {
            ck_assert(numbers[2] == 1 && numbers[3] == 1 && numbers[4] == 0);
            struct digest k = digest_of(key->data, key->size),
                          v = digest_of(value->data, value->size);
            digest_add(&stream, values[5].data, values[5].size);
            digest_add(&stream, &k, sizeof(k));
            digest_add(&stream, &v, sizeof(v));
        } else {
            digest_add(&stream, values[2].data, values[2].size);
            digest_add(&stream, &at, sizeof(at));
            digest_add(&stream, values[3].data, values[3].size);
        }
        at = digest_end(&stream);
    }
    return at;
}

static struct digest state_root(uint64_t height)
{
    struct history_block block;
    ck_assert_int_eq(history_block(&town.arena, history, &block, (struct height){height}, &fault),
                     ERR_NONE);
    return block.header.state_root;
}

START_TEST(presence_computes_to_the_state_root_at_every_height)
{
    start();
    uint8_t raw[28] = "account/";
    memcpy(raw + 8, town.addresses[2].bytes, ADDRESS_SIZE);
    struct bytes wanted = bytes_of(raw, sizeof(raw));
    for (uint64_t h = 0; h <= 3; h++) {
        struct bytes packed, inner, key, value, stored;
        uint64_t number;
        ck_assert_int_eq(
            history_ics23(&town.arena, history, &packed, wanted, (struct height){h}, &fault),
            ERR_NONE);
        ck_assert_uint_eq(field(&packed, &inner, &number), 1);
        ck_assert_uint_eq(packed.size, 0);
        struct digest root = state_root(h), computed = calculate(inner, &key, &value);
        ck_assert(digest_equal(&computed, &root));
        ck_assert(bytes_equal(key, wanted));
        ck_assert_int_eq(
            history_value(&town.arena, history, &stored, wanted, (struct height){h}, &fault),
            ERR_NONE);
        ck_assert(bytes_equal(value, stored));
    }
    end();
}
END_TEST

START_TEST(absence_is_the_two_neighbours_on_either_side)
{
    start();
    struct digest root = state_root(3);
    unsigned sides = 0;
    for (uint32_t i = 0; i < 200; i++) {
        char name[16];
        struct bytes missing = bytes_of(name, (size_t)snprintf(name, sizeof(name), "nobody %u", i));
        struct bytes packed, inner, values[6], key, value;
        uint64_t number, numbers[6];
        ck_assert_int_eq(
            history_ics23(&town.arena, history, &packed, missing, (struct height){3}, &fault),
            ERR_NONE);
        ck_assert_uint_eq(field(&packed, &inner, &number), 2);
        fields(inner, values, numbers);
        ck_assert(bytes_equal(values[1], missing));
        struct digest position = digest_of(missing.data, missing.size);
        for (int side = 2; side <= 3; side++) {
            if (!values[side].size)
                continue;
            struct digest computed = calculate(values[side], &key, &value);
            struct digest beside = digest_of(key.data, key.size);
            ck_assert(digest_equal(&computed, &root));
            ck_assert((digest_compare(&beside, &position) < 0) == (side == 2));
            sides++;
        }
    }
    ck_assert_uint_gt(sides, 300); /* nearly all lie between two leaves */
    end();
}
END_TEST

START_TEST(full_arena_gives_no_bytes)
{
    struct arena arena;
    struct digest path[3] = {{{1}}, {{2}}, {{3}}};
    struct ics23_leaf leaf = {
        bytes_text("key"), bytes_text("value"), {.path = path, .path_count = 3}};
    for (size_t room = 0; room < 1200; room += 100) {
        arena_init(&arena, room);
        struct bytes one = ics23_presence(&arena, &leaf);
        struct bytes two = ics23_absence(&arena, bytes_text("x"), &leaf, &leaf);
        ck_assert(!one.data == !one.size);
        ck_assert(!two.data == !two.size);
        arena_release(&arena);
    }
    arena_init(&arena, 1 << 20);
    ck_assert_ptr_nonnull(ics23_presence(&arena, &leaf).data);
    ck_assert_ptr_nonnull(ics23_absence(&arena, bytes_text("x"), NULL, NULL).data);
    arena_release(&arena);
}
END_TEST

HARNESS_MAIN("ics23", presence_computes_to_the_state_root_at_every_height,
             absence_is_the_two_neighbours_on_either_side, full_arena_gives_no_bytes)
