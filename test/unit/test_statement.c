#include "contracts/statement.h"

#include "test/harness.h"

static struct arena arena;
static const struct sign_secret secret = {{4, 5}};
static const struct digest chain = {{7}};

static struct statement_body body_of(void)
{
    struct statement_body body = {
        .version = STATEMENT_VERSION,
        .chain = chain,
        .kind = 0x0301,
        .serial = 12,
        .expiry_ms = 5000,
        .payload = bytes_text("a packed record"),
    };
    ck_assert(sign_public_of(&body.signer, &secret));
    return body;
}

static struct bytes make(const struct statement_body *body)
{
    struct statement made;
    struct bytes raw = statement_make(&arena, &made, body, &secret);
    ck_assert_ptr_nonnull(raw.data);
    return raw;
}

static enum statement_verdict check(struct bytes raw)
{
    struct statement statement;
    return statement_check(&arena, &statement, raw, &chain, 5000);
}

START_TEST(what_is_made_is_accepted_until_it_expires)
{
    arena_init(&arena, 1 << 20);
    struct statement_body body = body_of();
    struct statement read;
    struct bytes raw = make(&body);
    ck_assert_int_eq(statement_check(&arena, &read, raw, &chain, 5000), STATEMENT_OK);
    ck_assert_uint_eq(read.body.serial, 12);
    ck_assert_uint_eq(read.body.kind, 0x0301);
    ck_assert(bytes_equal(read.body.payload, body.payload));
    ck_assert_int_eq(statement_check(&arena, &read, raw, &chain, 5001), STATEMENT_EXPIRED);
    arena_release(&arena);
}
END_TEST

START_TEST(other_versions_and_chains_are_refused)
{
    arena_init(&arena, 1 << 20);
    struct statement_body body = body_of();
    body.version = 2;
    ck_assert_int_eq(check(make(&body)), STATEMENT_WRONG_VERSION);
    body = body_of();
    body.chain.bytes[0] ^= 1;
    ck_assert_int_eq(check(make(&body)), STATEMENT_WRONG_CHAIN);
    arena_release(&arena);
}
END_TEST

START_TEST(any_damage_is_refused)
{
    arena_init(&arena, 4 << 20);
    struct statement_body body = body_of();
    struct bytes raw = make(&body);
    uint8_t *data = arena_copy(&arena, raw.data, raw.size);
    for (size_t at = 0; at < raw.size; at++) {
        ck_assert_int_eq(check(bytes_of(data, at)), STATEMENT_MALFORMED);
        data[at] ^= 1;
        ck_assert_int_ne(check(bytes_of(data, raw.size)), STATEMENT_OK);
        data[at] ^= 1;
    }
    ck_assert_int_eq(check(bytes_of(data, raw.size)), STATEMENT_OK);
    arena_release(&arena);
}
END_TEST

START_TEST(signature_for_a_transaction_is_none_for_a_statement)
{
    arena_init(&arena, 1 << 20);
    struct statement_body body = body_of();
    struct statement made;
    (void)statement_make(&arena, &made, &body, &secret);
    struct digest digest = sign_digest(SIGN_DOMAIN_TX, &chain, made.unsigned_raw);
    made.signature = sign_make(&secret, &digest);
    ck_assert_int_eq(check(record_bytes(&arena, &statement_record, &made)),
                     STATEMENT_BAD_SIGNATURE);
    arena_release(&arena);
}
END_TEST

START_TEST(verdicts_have_stable_names)
{
    ck_assert_str_eq(statement_verdict_name(STATEMENT_OK), "ok");
    ck_assert_str_eq(statement_verdict_name(STATEMENT_EXPIRED), "expired");
    ck_assert_str_eq(statement_verdict_name(STATEMENT_BAD_SIGNATURE), "bad_signature");
    ck_assert_str_eq(statement_verdict_name((enum statement_verdict)99), "unknown");
}
END_TEST

HARNESS_MAIN("statement", what_is_made_is_accepted_until_it_expires,
             other_versions_and_chains_are_refused, any_damage_is_refused,
             signature_for_a_transaction_is_none_for_a_statement, verdicts_have_stable_names)
