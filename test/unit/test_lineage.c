#include "tools/tenured/lineage.h"

#include <string.h>

#include "test/unit/town.h"

static struct town town;
static struct lineage lineage;
static struct arena arena;
static struct fault fault;

/* Chains of one validator a set: the first is of key 1, the second of key 2, and so on. */
static const struct sign_secret secrets[] = {{{1}}, {{2}}, {{3}}};

static struct validator_set set_of(unsigned number, uint64_t since)
{
    struct validator_member *member = arena_alloc(&arena, sizeof(*member));
    ck_assert(sign_public_of(&member->public_key, &secrets[number]));
    return (struct validator_set){
        .since = since, .seat_count = 1, .members = member, .member_count = 1};
}

/* The block `height`, certified by set `before` and signed by `signer`, that makes `after`. */
static struct wire_boundary boundary_of(const struct validator_set *before, unsigned signer,
                                        uint64_t height, const struct validator_set *after)
{
    uint8_t raw[BLOCK_HEADER_BYTES], body[BOUNDS_BALLOT_BYTES];
    struct block_header header = {.version = BLOCK_VERSION,
                                  .chain = town.chain_digest,
                                  .height = height,
                                  .time_ms = 99,
                                  .set_digest = validator_set_digest(&arena, before),
                                  .next_set_digest = validator_set_digest(&arena, after)};
    struct certificate certificate = {
        .ballot = {.set = header.set_digest, .height = {height}}, .voters = 1};
    size_t size = block_header_pack(raw, &certificate.ballot.digest, &header);
    struct digest digest = sign_digest(
        SIGN_DOMAIN_COMMIT, &town.chain_digest,
        bytes_of(body, ballot_pack(body, &certificate.ballot)));
    struct sign_signature signature = sign_make(&secrets[signer], &digest);
    certificate.signatures = bytes_of(signature.bytes, sizeof(signature.bytes));
    struct wire_boundary boundary = {.set = record_bytes(&arena, &validator_set_record, after)};
    ck_assert_int_eq(message_decide(&arena, &boundary.decided, bytes_of(raw, size),
                                    record_bytes(&arena, &ballot_certificate_record, &certificate)),
                     ERR_NONE);
    return boundary;
}

/* Begins with the first set. */
static struct validator_set begin(void)
{
    town_init(&town);
    arena_init(&arena, 1u << 20);
    struct validator_set set = set_of(0, 1);
    struct digest digest = validator_set_digest(&arena, &set);
    arena_init(&lineage.arena, 1u << 20);
    lineage.list = arena_array(&lineage.arena, 8, sizeof(*lineage.list));
    lineage.since = 1;
    committee_init(&lineage.committee, &digest, &set.members[0].public_key, 1);
    return set;
}

static void end(void)
{
    lineage_release(&lineage);
    arena_release(&arena);
    town_release(&town);
}

static void advance(enum err expected, const struct wire_boundary *boundary)
{
    uint64_t since = lineage.since;
    size_t count = lineage.count;
    ck_assert_int_eq(lineage_advance(&lineage, &town.chain_digest, boundary, &fault), expected);
    ck_assert_uint_eq(lineage.count, expected ? count : count + 1);
    if (expected)
        ck_assert_uint_eq(lineage.since, since);
}

START_TEST(each_set_vouches_for_the_next)
{
    struct validator_set first = begin(), second = set_of(1, 8), third = set_of(2, 11);
    struct wire_boundary one = boundary_of(&first, 0, 7, &second),
                         two = boundary_of(&second, 1, 10, &third);
    ck_assert(lineage_has(&lineage, &first.members[0].public_key));
    advance(ERR_NONE, &one);
    ck_assert_uint_eq(lineage.since, 8);
    ck_assert(lineage_has(&lineage, &second.members[0].public_key));
    ck_assert(!lineage_has(&lineage, &first.members[0].public_key));
    advance(ERR_NONE, &two);
    ck_assert_uint_eq(lineage.since, 11);
    struct digest base = digest_of(lineage.base_header.data, lineage.base_header.size);
    ck_assert(digest_equal(&base, &lineage.base));
    ck_assert(bytes_equal(lineage.list[1].header, lineage.base_header));
    end();
}
END_TEST

START_TEST(no_set_is_left_out)
{
    struct validator_set first = begin(), second = set_of(1, 8), third = set_of(2, 11);
    struct wire_boundary one = boundary_of(&first, 0, 7, &second),
                         two = boundary_of(&second, 1, 10, &third);
    advance(ERR_MISMATCH, &two);
    advance(ERR_NONE, &one);
    advance(ERR_MISMATCH, &one); /* known */
    end();
}
END_TEST

/* The attack: a set of the liar's own. */
START_TEST(nobody_makes_a_set_but_the_one_before)
{
    struct validator_set first = begin(), second = set_of(1, 8), liars = set_of(2, 8),
                         late = set_of(1, 9);
    struct wire_boundary forged = boundary_of(&first, 2, 7, &liars),
                         swapped = boundary_of(&first, 0, 7, &second),
                         shifted = boundary_of(&first, 0, 7, &late),
                         none = boundary_of(&first, 0, 7, &first);
    swapped.set = forged.set;
    advance(ERR_SIGNATURE, &forged);
    advance(ERR_MALFORMED, &swapped);
    advance(ERR_MALFORMED, &shifted);
    advance(ERR_MALFORMED, &none);
    end();
}
END_TEST

START_TEST(a_chain_whose_set_never_changed_has_no_boundary)
{
    town_init(&town);
    town_open(&town);
    arena_init(&arena, 1u << 20);
    struct history *history = history_open(town.chain, &fault);
    struct wire_boundary boundary;
    ck_assert_int_eq(lineage_begin(&lineage, history, &fault), ERR_NONE);
    ck_assert_uint_eq(lineage.since, 1);
    ck_assert_uint_eq(lineage.count, 0);
    ck_assert(digest_equal(&lineage.base, &chain_head(town.chain)->digest));
    ck_assert_int_eq(lineage_tell(&arena, history, &boundary, (struct height){0}, &fault),
                     ERR_NOT_FOUND);
    history_close(history);
    end();
}
END_TEST

HARNESS_MAIN("lineage", each_set_vouches_for_the_next, no_set_is_left_out,
             nobody_makes_a_set_but_the_one_before,
             a_chain_whose_set_never_changed_has_no_boundary)
