#include "base/sign.h"

#include <string.h>

#include "test/harness.h"

static struct sign_secret secret_of(const char *hex)
{
    struct sign_secret secret;
    ck_assert_uint_eq(harness_hex(secret.bytes, hex), SIGN_SECRET_SIZE);
    return secret;
}

#define SECRET_ONE  "0000000000000000000000000000000000000000000000000000000000000001"
#define SECRET_MOST "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define ORDER       "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"

/* Known answers for secp256k1 with SHA-256, as bitcoin's libraries share them: deterministic nonces of RFC 6979, low-S. */
static const struct {
    const char *secret, *message, *signature;
} answers[] = {
    {SECRET_ONE, "Satoshi Nakamoto",
     "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
     "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
    {SECRET_ONE, "All those moments will be lost in time, like tears in rain. Time to die...",
     "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
     "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"},
    {SECRET_MOST, "Satoshi Nakamoto",
     "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0"
     "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5"},
    {"f8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181", "Alan Turing",
     "7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c"
     "58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea"},
};

START_TEST(signatures_are_the_known_answers)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct sign_secret secret = secret_of(answers[i].secret);
        struct digest digest = digest_of(answers[i].message, strlen(answers[i].message));
        struct sign_signature signature = sign_make(&secret, &digest);
        char text[2 * SIGN_SIGNATURE_SIZE + 1];
        bytes_to_hex(text, bytes_of(signature.bytes, SIGN_SIGNATURE_SIZE));
        ck_assert_str_eq(text, answers[i].signature);
        struct sign_public public;
        ck_assert(sign_public_of(&public, &secret));
        ck_assert(sign_verify(&public, &digest, &signature));
    }
}
END_TEST

START_TEST(public_key_of_one_is_the_generator)
{
    struct sign_secret secret = secret_of(SECRET_ONE);
    struct sign_public public;
    char text[2 * SIGN_PUBLIC_SIZE + 1];
    ck_assert(sign_public_of(&public, &secret));
    bytes_to_hex(text, bytes_of(public.bytes, SIGN_PUBLIC_SIZE));
    ck_assert_str_eq(
        text,
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"); /* SEC 2, 2.4.1 */
}
END_TEST

START_TEST(secret_outside_the_group_is_none)
{
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        ORDER,
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (int i = 0; i < 3; i++) {
        struct sign_secret secret = secret_of(bad[i]);
        struct sign_public public = {{7}}, before = public;
        struct digest shared;
        ck_assert(!sign_public_of(&public, &secret));
        ck_assert_mem_eq(&public, &before, sizeof(public));
        secret = secret_of(SECRET_ONE);
        ck_assert(sign_public_of(&public, &secret));
        secret = secret_of(bad[i]);
        ck_assert(!sign_shared(&shared, &secret, &public));
    }
}
END_TEST

START_TEST(public_key_is_a_compressed_point_of_the_curve)
{
    struct sign_secret secret = secret_of(SECRET_MOST);
    struct sign_public public;
    ck_assert(sign_public_of(&public, &secret));
    ck_assert(sign_public_is_valid(&public));
    public.bytes[0] = 4;
    ck_assert(!sign_public_is_valid(&public));
    memset(&public, 0, sizeof(public));
    ck_assert(!sign_public_is_valid(&public));
    memset(&public, 0xff, sizeof(public)); /* x over the field's prime */
    public.bytes[0] = 2;
    ck_assert(!sign_public_is_valid(&public));
    memset(&public, 0, sizeof(public)); /* x = 5 has no y */
    public.bytes[0] = 2;
    public.bytes[32] = 5;
    ck_assert(!sign_public_is_valid(&public));
}
END_TEST

START_TEST(any_changed_bit_fails)
{
    struct sign_secret secret = secret_of(SECRET_MOST);
    struct digest digest = digest_of("m", 1);
    struct sign_public public;
    ck_assert(sign_public_of(&public, &secret));
    struct sign_signature signature = sign_make(&secret, &digest);
    for (int bit = 0; bit < 8 * SIGN_SIGNATURE_SIZE; bit++) {
        struct sign_signature changed = signature;
        changed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!sign_verify(&public, &digest, &changed));
    }
    for (int bit = 0; bit < 8 * DIGEST_SIZE; bit++) {
        struct digest changed = digest;
        changed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!sign_verify(&public, &changed, &signature));
    }
    for (int bit = 0; bit < 8 * SIGN_PUBLIC_SIZE; bit++) {
        struct sign_public changed = public;
        changed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!sign_verify(&changed, &digest, &signature));
    }
}
END_TEST

/* s -> order - s, the other signature of the same message. */
static void negate(struct sign_signature *signature)
{
    uint8_t order[32];
    harness_hex(order, ORDER);
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int difference = order[i] - signature->bytes[32 + i] - borrow;
        borrow = difference < 0;
        signature->bytes[32 + i] = (uint8_t)difference;
    }
}

START_TEST(high_s_is_refused_until_it_is_normalised)
{
    struct sign_secret secret = secret_of(SECRET_ONE);
    struct digest digest = digest_of("m", 1);
    struct sign_public public;
    ck_assert(sign_public_of(&public, &secret));
    struct sign_signature signature = sign_make(&secret, &digest), high = signature;
    negate(&high);
    ck_assert(!sign_verify(&public, &digest, &high));
    ck_assert(sign_normalise(&high));
    ck_assert_mem_eq(&high, &signature, sizeof(high));
    ck_assert(sign_normalise(&high));
    ck_assert_mem_eq(&high, &signature, sizeof(high));
}
END_TEST

START_TEST(numbers_outside_the_group_are_no_signature)
{
    struct sign_secret secret = secret_of(SECRET_ONE);
    struct digest digest = digest_of("m", 1);
    struct sign_public public;
    ck_assert(sign_public_of(&public, &secret));
    for (int half = 0; half < 2; half++) {
        struct sign_signature signature = sign_make(&secret, &digest);
        memset(signature.bytes + 32 * half, 0, 32);
        ck_assert(!sign_verify(&public, &digest, &signature));
        ck_assert(!sign_normalise(&signature));
        harness_hex(signature.bytes + 32 * half, ORDER);
        ck_assert(!sign_verify(&public, &digest, &signature));
        ck_assert(!sign_normalise(&signature));
    }
}
END_TEST

START_TEST(purpose_chain_and_body_are_all_signed)
{
    struct digest chain = digest_of("chain", 5), other = digest_of("other", 5);
    uint8_t whole[1 + 20 + DIGEST_SIZE + 4] = {20};
    memcpy(whole + 1, "tenure/transaction/1", 20);
    memcpy(whole + 21, chain.bytes, DIGEST_SIZE);
    memcpy(whole + 21 + DIGEST_SIZE, "body", 4);
    struct digest expected = digest_of(whole, sizeof(whole));
    struct digest made = sign_digest(SIGN_DOMAIN_TX, &chain, bytes_text("body"));
    ck_assert(digest_equal(&made, &expected));
    made = sign_digest(SIGN_DOMAIN_COMMIT, &chain, bytes_text("body"));
    ck_assert(!digest_equal(&made, &expected));
    made = sign_digest(SIGN_DOMAIN_TX, &other, bytes_text("body"));
    ck_assert(!digest_equal(&made, &expected));
    made = sign_digest(SIGN_DOMAIN_TX, &chain, bytes_text("bodx"));
    ck_assert(!digest_equal(&made, &expected));
}
END_TEST

START_TEST(two_parties_share_what_a_third_does_not)
{
    struct sign_secret a = secret_of(SECRET_ONE), b = secret_of(SECRET_MOST),
                       c = secret_of(answers[3].secret);
    struct sign_public public_a, public_b, public_c;
    ck_assert(sign_public_of(&public_a, &a) && sign_public_of(&public_b, &b) &&
              sign_public_of(&public_c, &c));
    struct digest ab, ba, cb, expected;
    ck_assert(sign_shared(&ab, &a, &public_b) && sign_shared(&ba, &b, &public_a) &&
              sign_shared(&cb, &c, &public_b));
    ck_assert(digest_equal(&ab, &ba));
    ck_assert(!digest_equal(&ab, &cb));
    expected = digest_of(public_b.bytes, SIGN_PUBLIC_SIZE); /* one times b is b */
    ck_assert(digest_equal(&ab, &expected));
    public_b.bytes[0] = 9;
    ck_assert(!sign_shared(&ab, &a, &public_b));
    sign_secret_clear(&a);
    ck_assert_mem_eq(a.bytes, digest_zero.bytes, sizeof(a.bytes));
}
END_TEST

HARNESS_MAIN("sign", signatures_are_the_known_answers, public_key_of_one_is_the_generator,
             secret_outside_the_group_is_none, public_key_is_a_compressed_point_of_the_curve,
             any_changed_bit_fails, high_s_is_refused_until_it_is_normalised,
             numbers_outside_the_group_are_no_signature, purpose_chain_and_body_are_all_signed,
             two_parties_share_what_a_third_does_not)
