#include "ledger/tx.h"

#include "base/check.h"

/* More calls than are allowed unpack all the same, so that the refusal can say what is wrong. */
#define CALLS_UNPACKED_MAX 255

static const struct record_field call_fields[] = {
    RECORD_UINT(struct call, contract),
    RECORD_UINT(struct call, method),
    RECORD_BYTES(struct call, args, LIMIT_TX_BYTES),
};
const struct record tx_call_record = RECORD(struct call, "call", call_fields);

static const struct record_field body_fields[] = {
    RECORD_UINT(struct tx_body, version),
    RECORD_FIXED(struct tx_body, chain, RECORD_AS_HEX),
    RECORD_FIXED(struct tx_body, sender, RECORD_AS_HEX),
    RECORD_UINT(struct tx_body, nonce),
    RECORD_UINT(struct tx_body, last_height),
    RECORD_UINT(struct tx_body, salt),
    RECORD_LIST(struct tx_body, calls, call_count, CALLS_UNPACKED_MAX, &tx_call_record),
};
const struct record tx_body_record = RECORD(struct tx_body, "transaction_body", body_fields);

static const struct record_field fields[] = {
    RECORD_ONE(struct tx, body, &tx_body_record),
    RECORD_FIXED(struct tx, signature, RECORD_AS_HEX),
};
const struct record tx_record = RECORD(struct tx, "transaction", fields);

/* [body, signature]: one byte of array before the body, bin 8 with 64 bytes after it. */
#define HEAD_SIZE 1
#define TAIL_SIZE (2 + SIGN_SIGNATURE_SIZE)

struct verdict_words {
    const char *name;
    const char *text;
};

static struct verdict_words words_of(enum tx_verdict verdict)
{
    switch (verdict) {
    case TX_OK:
        return (struct verdict_words){"ok", "The transaction is accepted."};
    case TX_MALFORMED:
        return (struct verdict_words){"malformed",
                                      "The bytes are no canonical transaction record."};
    case TX_OVERSIZE:
        return (struct verdict_words){
            "oversize", "The transaction is larger than 32768 bytes; split its calls."};
    case TX_WRONG_VERSION:
        return (struct verdict_words){"wrong_version",
                                      "This node knows transactions of version 1 only."};
    case TX_WRONG_CHAIN:
        return (struct verdict_words){
            "wrong_chain", "The transaction was made for another chain (genesis digest)."};
    case TX_NO_CALLS:
        return (struct verdict_words){"no_calls", "The transaction has no calls."};
    case TX_TOO_MANY_CALLS:
        return (struct verdict_words){"too_many_calls", "The transaction has more than 16 calls."};
    case TX_EXPIRED:
        return (struct verdict_words){
            "expired", "The last height at which it was valid has passed; sign it again."};
    case TX_BAD_KEY:
        return (struct verdict_words){"bad_key",
                                      "The sender's public key is no point of secp256k1."};
    case TX_HIGH_S:
        return (struct verdict_words){"high_s",
                                      "The signature has a high S; normalise it to low S."};
    case TX_BAD_SIGNATURE:
        return (struct verdict_words){"bad_signature",
                                      "The signature is not the sender's over this transaction."};
    case TX_UNKNOWN_SENDER:
        return (struct verdict_words){
            "unknown_sender", "No account has this public key; ask an operator to register it."};
    case TX_REVOKED_SENDER:
        return (struct verdict_words){"revoked_sender", "The sender's account has been revoked."};
    case TX_NONCE_USED:
        return (struct verdict_words){"nonce_used",
                                      "A transaction with this nonce was included before."};
    case TX_NONCE_GAP:
        return (struct verdict_words){"nonce_gap",
                                      "The nonce is too far above the account's next one."};
    case TX_NONCE_TAKEN:
        return (struct verdict_words){"nonce_taken",
                                      "Another transaction with this nonce is pending."};
    case TX_KNOWN:
        return (struct verdict_words){"known", "This transaction is pending already."};
    case TX_ACCOUNT_FULL:
        return (struct verdict_words){
            "account_full",
            "The account has too many pending transactions; wait for some to commit."};
    case TX_POOL_FULL:
        return (struct verdict_words){
            "pool_full", "The node has too many pending transactions; try again later."};
    case TX_REPLACED:
        return (struct verdict_words){"replaced",
                                      "Another transaction of the sender used this nonce."};
    case TX_EVICTED:
        return (struct verdict_words){
            "evicted", "The node's pool was full and needed the room; send it again later."};
    }
    return (struct verdict_words){"unknown", "Unknown verdict."};
}

const char *tx_verdict_name(enum tx_verdict verdict)
{
    return words_of(verdict).name;
}

const char *tx_verdict_text(enum tx_verdict verdict)
{
    return words_of(verdict).text;
}

/* Requires that `raw` is a packed transaction. */
static void locate(struct tx *tx, struct bytes raw)
{
    CHECK(raw.size > HEAD_SIZE + TAIL_SIZE);
    tx->raw = raw;
    tx->unsigned_raw = bytes_of(raw.data + HEAD_SIZE, raw.size - HEAD_SIZE - TAIL_SIZE);
    tx->id = digest_of(tx->unsigned_raw.data, tx->unsigned_raw.size);
}

enum tx_verdict tx_unpack(struct arena *arena, struct tx *tx, struct bytes raw, struct fault *fault)
{
    if (raw.size > LIMIT_TX_BYTES) {
        fault_set(fault, ERR_LIMIT, "a transaction of %zu bytes; at most %u are allowed", raw.size,
                  LIMIT_TX_BYTES);
        return TX_OVERSIZE;
    }
    *tx = (struct tx){0};
    if (record_unpack(arena, &tx_record, tx, raw, fault))
        return TX_MALFORMED;
    locate(tx, raw);
    return TX_OK;
}

enum tx_verdict tx_check(const struct tx *tx, const struct digest *chain, struct height height)
{
    if (tx->body.version != TX_VERSION)
        return TX_WRONG_VERSION;
    if (!digest_equal(&tx->body.chain, chain))
        return TX_WRONG_CHAIN;
    if (tx->body.call_count == 0)
        return TX_NO_CALLS;
    if (tx->body.call_count > LIMIT_TX_CALLS)
        return TX_TOO_MANY_CALLS;
    if (tx->body.last_height < height.n)
        return TX_EXPIRED;
    return TX_OK;
}

enum tx_verdict tx_check_signature(const struct tx *tx)
{
    struct digest digest = sign_digest(SIGN_DOMAIN_TX, &tx->body.chain, tx->unsigned_raw);
    if (sign_verify(&tx->body.sender, &digest, &tx->signature))
        return TX_OK;

    /* It fails; now find out why, without another verification. */
    if (!sign_public_is_valid(&tx->body.sender))
        return TX_BAD_KEY;
    struct sign_signature low = tx->signature;
    if (sign_normalise(&low) && !bytes_equal(bytes_of(low.bytes, SIGN_SIGNATURE_SIZE),
                                             bytes_of(tx->signature.bytes, SIGN_SIGNATURE_SIZE)))
        return TX_HIGH_S;
    return TX_BAD_SIGNATURE;
}

bool tx_make(struct arena *arena, struct tx *tx, const struct tx_body *body,
             const struct sign_secret *secret)
{
    CHECK(body->call_count >= 1);
    CHECK(body->call_count <= LIMIT_TX_CALLS);
    struct bytes unsigned_raw = record_bytes(arena, &tx_body_record, body);
    if (!unsigned_raw.data)
        return false;

    struct digest digest = sign_digest(SIGN_DOMAIN_TX, &body->chain, unsigned_raw);
    struct tx made = {.body = *body, .signature = sign_make(secret, &digest)};
    struct bytes raw = record_bytes(arena, &tx_record, &made);
    if (!raw.data || raw.size > LIMIT_TX_BYTES)
        return false;
    locate(&made, raw);
    *tx = made;
    return true;
}
