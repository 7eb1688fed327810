#include "base/merkle.h"

#include <string.h>

#include "test/harness.h"

#define LEAVES_MAX 70

static struct digest leaves[LEAVES_MAX];
static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < LEAVES_MAX; i++)
        leaves[i] = merkle_leaf(&i, sizeof(i));
}

static void expect_hex(struct digest digest, const char *hex)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, &digest);
    ck_assert_str_eq(text, hex);
}

/* The tree heads that Certificate Transparency's implementations of RFC 6962 publish for these eight leaves. */
START_TEST(roots_are_those_of_certificate_transparency)
{
    static const char *const data[] = {"",
                                       "00",
                                       "10",
                                       "2021",
                                       "3031",
                                       "40414243",
                                       "5051525354555657",
                                       "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct digest given[8];
    expect_hex(merkle_root(NULL, 0),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (uint64_t i = 0; i < 8; i++) {
        uint8_t leaf[16];
        size_t size = harness_hex(leaf, data[i]);
        given[i] = merkle_leaf(leaf, size);
        expect_hex(merkle_root(given, i + 1), roots[i]);
    }
}
END_TEST

/* RFC 6962 2.1 word for word. */
static struct digest root_by_definition(const struct digest *list, uint64_t count)
{
    if (count == 0)
        return digest_of("", 0);
    if (count == 1)
        return list[0];
    uint64_t left = 1;
    while (2 * left < count)
        left *= 2;
    struct digest a = root_by_definition(list, left);
    struct digest b = root_by_definition(list + left, count - left);
    return merkle_node(&a, &b);
}

START_TEST(root_in_the_making_is_the_root_at_every_count)
{
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint64_t count = 0; count < LEAVES_MAX; count++) {
        struct digest expected = root_by_definition(leaves, count);
        struct digest made = merkle_end(&merkle);
        struct digest whole = merkle_root(leaves, count);
        ck_assert(digest_equal(&made, &expected));
        ck_assert(digest_equal(&whole, &expected));
        merkle_add(&merkle, &leaves[count]);
    }
}
END_TEST

START_TEST(every_leaf_of_every_count_proves_itself_alone)
{
    for (uint64_t count = 1; count < LEAVES_MAX; count++) {
        struct digest root = merkle_root(leaves, count);
        arena_clear(&arena);
        for (uint64_t index = 0; index < count; index++) {
            struct merkle_proof proof;
            ck_assert(merkle_prove(&arena, &proof, leaves, count, index));
            for (uint64_t other = 0; other < count; other++)
                ck_assert_int_eq(merkle_verify(&root, &leaves[other], &proof), other == index);
        }
    }
}
END_TEST

START_TEST(changed_proof_fails)
{
    const uint64_t count = 13, index = 9;
    struct digest root = merkle_root(leaves, count);
    struct merkle_proof proof, changed;
    ck_assert(merkle_prove(&arena, &proof, leaves, count, index));
    ck_assert(merkle_verify(&root, &leaves[index], &proof));

    for (uint64_t other = 0; other < 40; other++) {
        changed = proof;
        changed.index = other;
        ck_assert_int_eq(merkle_verify(&root, &leaves[index], &changed), other == index);
    }
    for (uint32_t i = 0; i < proof.path_count; i++) {
        struct digest path[LIMIT_MERKLE_PATH];
        memcpy(path, proof.path, proof.path_count * sizeof(path[0]));
        path[i].bytes[0] ^= 1;
        changed = proof;
        changed.path = path;
        ck_assert(!merkle_verify(&root, &leaves[index], &changed));
        changed = proof;
        changed.path_count = i;
        ck_assert(!merkle_verify(&root, &leaves[index], &changed));
    }
    struct digest longer[LIMIT_MERKLE_PATH] = {{{0}}};
    memcpy(longer, proof.path, proof.path_count * sizeof(longer[0]));
    changed = (struct merkle_proof){index, count, longer, proof.path_count + 1};
    ck_assert(!merkle_verify(&root, &leaves[index], &changed));
}
END_TEST

START_TEST(proof_of_nothing_or_of_everything_is_safe_to_ask)
{
    struct digest root = merkle_root(leaves, 0);
    ck_assert(!merkle_verify(&root, &root, &(struct merkle_proof){0, 0, NULL, 0}));
    ck_assert(merkle_verify(&leaves[0], &leaves[0], &(struct merkle_proof){0, 1, NULL, 0}));
    ck_assert(
        !merkle_verify(&root, &root, &(struct merkle_proof){UINT64_MAX, UINT64_MAX, NULL, 0}));
    ck_assert(!merkle_verify(
        &root, &root,
        &(struct merkle_proof){UINT64_MAX - 1, UINT64_MAX, leaves, LIMIT_MERKLE_PATH}));
}
END_TEST

START_TEST(inner_node_is_no_leaf)
{
    struct digest root = merkle_root(leaves, 4);
    struct digest right = merkle_node(&leaves[2], &leaves[3]);
    struct digest left = merkle_node(&leaves[0], &leaves[1]);
    /* The same bytes hash apart as leaf and as node, so a node's digest proves only as a leaf of a smaller list. */
    uint8_t bytes[2 * DIGEST_SIZE];
    memcpy(bytes, &leaves[0], DIGEST_SIZE);
    memcpy(bytes + DIGEST_SIZE, &leaves[1], DIGEST_SIZE);
    struct digest as_leaf = merkle_leaf(bytes, sizeof(bytes));
    ck_assert(!digest_equal(&as_leaf, &left));
    ck_assert(!merkle_verify(&root, &left, &(struct merkle_proof){0, 4, &right, 1}));
}
END_TEST

START_TEST(proof_survives_its_encoding)
{
    struct merkle_proof proof, back;
    struct fault fault;
    ck_assert(merkle_prove(&arena, &proof, leaves, 50, 33));
    struct bytes packed = record_bytes(&arena, &merkle_proof_record, &proof);
    ck_assert_int_eq(record_unpack(&arena, &merkle_proof_record, &back, packed, &fault), ERR_NONE);
    struct digest root = merkle_root(leaves, 50);
    ck_assert(merkle_verify(&root, &leaves[33], &back));
}
END_TEST

START_TEST(full_arena_makes_no_proof)
{
    struct arena small;
    struct merkle_proof proof;
    arena_init(&small, 64);
    ck_assert(!merkle_prove(&small, &proof, leaves, 50, 33));
    arena_release(&small);
}
END_TEST

int main(void)
{
    setup();
    const TTest *const tests[] = {
        roots_are_those_of_certificate_transparency,
        root_in_the_making_is_the_root_at_every_count,
        every_leaf_of_every_count_proves_itself_alone,
        changed_proof_fails,
        proof_of_nothing_or_of_everything_is_safe_to_ask,
        inner_node_is_no_leaf,
        proof_survives_its_encoding,
        full_arena_makes_no_proof,
    };
    int result = harness_run("merkle", tests, sizeof(tests) / sizeof(tests[0]));
    arena_release(&arena);
    return result;
}
