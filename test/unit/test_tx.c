#include "ledger/tx.h"

#include <string.h>

#include "test/harness.h"

static struct arena arena;
static const struct sign_secret secret = {{1, 2, 3}};
static const struct digest chain = {{7}};

/* A good transaction with `calls` calls, changed by the caller before it is signed. */
static struct tx_body body_of(struct call *calls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        calls[i] = (struct call){2, 1, bytes_text("arguments")};
    struct tx_body body = {
        .version = TX_VERSION,
        .chain = chain,
        .nonce = 300,
        .last_height = 70000,
        .calls = calls,
        .call_count = count,
    };
    ck_assert(sign_public_of(&body.sender, &secret));
    return body;
}

static struct tx good(void)
{
    struct call *call = arena_alloc(&arena, sizeof(*call));
    struct tx_body body = body_of(call, 1);
    struct tx tx;
    ck_assert(tx_make(&arena, &tx, &body, &secret));
    return tx;
}

/* The transaction's bytes in memory of one's own, to be damaged. */
static uint8_t *copy_of(const struct tx *tx)
{
    return arena_copy(&arena, tx->raw.data, tx->raw.size);
}

static enum tx_verdict unpack(const uint8_t *data, size_t size)
{
    struct tx tx;
    struct fault fault = {0};
    enum tx_verdict verdict = tx_unpack(&arena, &tx, bytes_of(data, size), &fault);
    ck_assert_int_eq(verdict == TX_OK, fault.code == ERR_NONE);
    return verdict;
}

static void start(void)
{
    arena_init(&arena, 16 << 20);
}

START_TEST(what_is_made_unpacks_to_the_same_and_passes_every_check)
{
    start();
    struct tx made = good(), tx;
    ck_assert_int_eq(tx_unpack(&arena, &tx, made.raw, NULL), TX_OK);
    ck_assert(digest_equal(&tx.id, &made.id));
    ck_assert_uint_eq(tx.body.nonce, 300);
    ck_assert_uint_eq(tx.body.call_count, 1);
    ck_assert(bytes_equal(tx.body.calls[0].args, bytes_text("arguments")));
    ck_assert_int_eq(tx_check(&tx, &chain, (struct height){70000}), TX_OK);
    ck_assert_int_eq(tx_check_signature(&tx), TX_OK);
    arena_release(&arena);
}
END_TEST

START_TEST(id_is_the_digest_of_the_packed_body)
{
    start();
    struct tx tx = good();
    struct bytes body = record_bytes(&arena, &tx_body_record, &tx.body);
    struct digest digest = digest_of(body.data, body.size);
    ck_assert(bytes_equal(body, tx.unsigned_raw));
    ck_assert(digest_equal(&digest, &tx.id));
    arena_release(&arena);
}
END_TEST

START_TEST(same_calls_made_twice_with_the_same_nonce_are_two_transactions)
{
    start();
    struct call call;
    struct tx_body body = body_of(&call, 1);
    struct tx one, other;
    body.salt = 7;
    ck_assert(tx_make(&arena, &one, &body, &secret));
    body.salt = 8;
    ck_assert(tx_make(&arena, &other, &body, &secret));
    ck_assert(!digest_equal(&one.id, &other.id));
    arena_release(&arena);
}
END_TEST

START_TEST(truncated_and_longer_bytes_are_malformed)
{
    start();
    struct tx tx = good();
    uint8_t *data = arena_alloc(&arena, tx.raw.size + 1);
    memcpy(data, tx.raw.data, tx.raw.size);
    for (size_t size = 0; size < tx.raw.size; size++)
        ck_assert_int_eq(unpack(data, size), TX_MALFORMED);
    ck_assert_int_eq(unpack(data, tx.raw.size + 1), TX_MALFORMED);
    ck_assert_int_eq(unpack(data, tx.raw.size), TX_OK);
    arena_release(&arena);
}
END_TEST

START_TEST(longer_form_of_a_number_is_malformed)
{
    start();
    struct tx tx = good();
    /* the version, 1, stands after two array bytes; write it in two bytes: cc 01 */
    uint8_t *data = arena_alloc(&arena, tx.raw.size + 1);
    memcpy(data, tx.raw.data, 2);
    ck_assert_uint_eq(tx.raw.data[2], 1);
    data[2] = 0xcc;
    data[3] = 1;
    memcpy(data + 4, tx.raw.data + 3, tx.raw.size - 3);
    ck_assert_int_eq(unpack(data, tx.raw.size + 1), TX_MALFORMED);
    arena_release(&arena);
}
END_TEST

START_TEST(array_that_claims_four_billion_calls_is_malformed)
{
    start();
    struct tx tx = good();
    struct bytes bytes = bytes_of(copy_of(&tx), tx.raw.size);
    uint8_t data[512];
    size_t at = tx.raw.size;
    for (size_t i = 0; i + 1 < tx.raw.size; i++)
        if (bytes.data[i] == 0x91 && bytes.data[i + 1] == 0x93)
            at = i;
    ck_assert_uint_lt(at, tx.raw.size);
    memcpy(data, bytes.data, at);
    memcpy(data + at, "\xdd\xff\xff\xff\xff", 5);
    memcpy(data + at + 5, bytes.data + at + 1, tx.raw.size - at - 1);
    size_t used = arena.used;
    ck_assert_int_eq(unpack(data, tx.raw.size + 4), TX_MALFORMED);
    ck_assert_uint_lt(arena.used - used, 4096);
    arena_release(&arena);
}
END_TEST

START_TEST(oversize_is_refused_before_it_is_read)
{
    start();
    static uint8_t zeros[LIMIT_TX_BYTES + 1];
    ck_assert_int_eq(unpack(zeros, LIMIT_TX_BYTES + 1), TX_OVERSIZE);
    ck_assert_int_eq(unpack(zeros, LIMIT_TX_BYTES), TX_MALFORMED);
    struct call call = {2, 1, bytes_of(zeros, LIMIT_TX_BYTES)};
    struct tx_body body = body_of(&call, 1);
    call.args = bytes_of(zeros, LIMIT_TX_BYTES - 100);
    struct tx tx;
    ck_assert(!tx_make(&arena, &tx, &body, &secret));
    arena_release(&arena);
}
END_TEST

START_TEST(wrong_version_chain_and_expiry_are_told_apart)
{
    start();
    struct tx tx = good();
    struct digest other = {{8}};
    ck_assert_int_eq(tx_check(&tx, &other, (struct height){1}), TX_WRONG_CHAIN);
    ck_assert_int_eq(tx_check(&tx, &chain, (struct height){70001}), TX_EXPIRED);
    tx.body.version = 2;
    ck_assert_int_eq(tx_check(&tx, &chain, (struct height){1}), TX_WRONG_VERSION);
    arena_release(&arena);
}
END_TEST

START_TEST(number_of_calls_is_1_to_16)
{
    start();
    struct call calls[LIMIT_TX_CALLS + 1];
    struct tx_body body = body_of(calls, LIMIT_TX_CALLS + 1);
    struct tx tx = {.body = body}, read;
    struct bytes raw = record_bytes(&arena, &tx_record, &tx);
    ck_assert_int_eq(tx_unpack(&arena, &read, raw, NULL), TX_OK);
    ck_assert_int_eq(tx_check(&read, &chain, (struct height){1}), TX_TOO_MANY_CALLS);
    tx.body.call_count = LIMIT_TX_CALLS;
    ck_assert_int_eq(tx_check(&tx, &chain, (struct height){1}), TX_OK);
    tx.body.call_count = 0;
    raw = record_bytes(&arena, &tx_record, &tx);
    ck_assert_int_eq(tx_unpack(&arena, &read, raw, NULL), TX_OK);
    ck_assert_int_eq(tx_check(&read, &chain, (struct height){1}), TX_NO_CALLS);
    arena_release(&arena);
}
END_TEST

START_TEST(any_changed_bit_of_the_body_breaks_the_signature)
{
    start();
    struct tx made = good();
    uint8_t *data = copy_of(&made);
    for (size_t at = 3; at + 66 < made.raw.size; at += 5) {
        struct tx tx;
        data[at] ^= 1;
        if (tx_unpack(&arena, &tx, bytes_of(data, made.raw.size), NULL) == TX_OK) {
            enum tx_verdict verdict = tx_check_signature(&tx);
            ck_assert(verdict == TX_BAD_SIGNATURE || verdict == TX_BAD_KEY);
        }
        data[at] ^= 1;
    }
    arena_release(&arena);
}
END_TEST

/* n - s: the same signature's other half. (SEC 2, the order of secp256k1) */
static void negate(uint8_t s[32])
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                      0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                      0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int d = order[i] - s[i] - borrow;
        borrow = d < 0;
        s[i] = (uint8_t)(d + (borrow ? 256 : 0));
    }
}

START_TEST(signatures_are_refused_with_their_reason)
{
    start();
    struct tx tx = good();
    negate(tx.signature.bytes + 32);
    ck_assert_int_eq(tx_check_signature(&tx), TX_HIGH_S);
    tx = good();
    tx.signature.bytes[10] ^= 1;
    ck_assert_int_eq(tx_check_signature(&tx), TX_BAD_SIGNATURE);
    memset(tx.signature.bytes, 0, sizeof(tx.signature.bytes));
    ck_assert_int_eq(tx_check_signature(&tx), TX_BAD_SIGNATURE);
    tx = good();
    tx.body.sender.bytes[0] = 5;
    ck_assert_int_eq(tx_check_signature(&tx), TX_BAD_KEY);
    tx = good();
    struct sign_secret other = {{9}};
    ck_assert(sign_public_of(&tx.body.sender, &other));
    ck_assert_int_eq(tx_check_signature(&tx), TX_BAD_SIGNATURE);
    arena_release(&arena);
}
END_TEST

START_TEST(signature_of_another_domain_or_chain_does_not_count)
{
    start();
    struct tx tx = good();
    struct digest digest = sign_digest(SIGN_DOMAIN_STATEMENT, &chain, tx.unsigned_raw);
    tx.signature = sign_make(&secret, &digest);
    ck_assert_int_eq(tx_check_signature(&tx), TX_BAD_SIGNATURE);
    struct digest other = {{8}};
    digest = sign_digest(SIGN_DOMAIN_TX, &other, tx.unsigned_raw);
    tx.signature = sign_make(&secret, &digest);
    ck_assert_int_eq(tx_check_signature(&tx), TX_BAD_SIGNATURE);
    arena_release(&arena);
}
END_TEST

START_TEST(every_verdict_has_a_name_of_its_own_and_a_sentence)
{
    for (int i = TX_OK; i <= TX_EVICTED; i++) {
        const char *text = tx_verdict_text((enum tx_verdict)i);
        ck_assert(strlen(text) > 10 && text[strlen(text) - 1] == '.');
        ck_assert_str_ne(tx_verdict_name((enum tx_verdict)i), "unknown");
        for (int j = TX_OK; j < i; j++)
            ck_assert_str_ne(tx_verdict_name((enum tx_verdict)i),
                             tx_verdict_name((enum tx_verdict)j));
    }
    ck_assert_str_eq(tx_verdict_name(TX_HIGH_S), "high_s");
    ck_assert_str_eq(tx_verdict_name((enum tx_verdict)99), "unknown");
}
END_TEST

HARNESS_MAIN("tx", what_is_made_unpacks_to_the_same_and_passes_every_check,
             id_is_the_digest_of_the_packed_body,
             same_calls_made_twice_with_the_same_nonce_are_two_transactions,
             truncated_and_longer_bytes_are_malformed,
             longer_form_of_a_number_is_malformed,
             array_that_claims_four_billion_calls_is_malformed,
             oversize_is_refused_before_it_is_read, wrong_version_chain_and_expiry_are_told_apart,
             number_of_calls_is_1_to_16, any_changed_bit_of_the_body_breaks_the_signature,
             signatures_are_refused_with_their_reason,
             signature_of_another_domain_or_chain_does_not_count,
             every_verdict_has_a_name_of_its_own_and_a_sentence)
