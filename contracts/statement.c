#include "contracts/statement.h"

#include "base/check.h"

static const struct record_field body_fields[] = {
    RECORD_UINT(struct statement_body, version),
    RECORD_FIXED(struct statement_body, chain, RECORD_AS_HEX),
    RECORD_UINT(struct statement_body, kind),
    RECORD_FIXED(struct statement_body, signer, RECORD_AS_HEX),
    RECORD_UINT(struct statement_body, serial),
    RECORD_UINT(struct statement_body, expiry_ms),
    RECORD_BYTES(struct statement_body, payload, STATEMENT_PAYLOAD_BYTES),
};
const struct record statement_body_record =
    RECORD(struct statement_body, "statement_body", body_fields);

static const struct record_field fields[] = {
    RECORD_ONE(struct statement, body, &statement_body_record),
    RECORD_FIXED(struct statement, signature, RECORD_AS_HEX),
};
const struct record statement_record = RECORD(struct statement, "statement", fields);

/* [body, signature]: one byte of array before the body, bin 8 with 64 bytes after it. */
#define HEAD_SIZE 1
#define TAIL_SIZE (2 + SIGN_SIGNATURE_SIZE)

static struct bytes body_of(struct bytes raw)
{
    CHECK(raw.size > HEAD_SIZE + TAIL_SIZE);
    return bytes_of(raw.data + HEAD_SIZE, raw.size - HEAD_SIZE - TAIL_SIZE);
}

const char *statement_verdict_name(enum statement_verdict verdict)
{
    switch (verdict) {
    case STATEMENT_OK:
        return "ok";
    case STATEMENT_MALFORMED:
        return "malformed";
    case STATEMENT_WRONG_VERSION:
        return "wrong_version";
    case STATEMENT_WRONG_CHAIN:
        return "wrong_chain";
    case STATEMENT_EXPIRED:
        return "expired";
    case STATEMENT_BAD_SIGNATURE:
        return "bad_signature";
    }
    return "unknown";
}

enum statement_verdict statement_check(struct arena *arena, struct statement *statement,
                                       struct bytes raw, const struct digest *chain,
                                       uint64_t time_ms)
{
    if (record_unpack(arena, &statement_record, statement, raw, NULL))
        return STATEMENT_MALFORMED;
    statement->unsigned_raw = body_of(raw);

    const struct statement_body *body = &statement->body;
    if (body->version != STATEMENT_VERSION)
        return STATEMENT_WRONG_VERSION;
    if (!digest_equal(&body->chain, chain))
        return STATEMENT_WRONG_CHAIN;
    if (body->expiry_ms < time_ms)
        return STATEMENT_EXPIRED;

    struct digest digest = sign_digest(SIGN_DOMAIN_STATEMENT, chain, statement->unsigned_raw);
    if (!sign_verify(&body->signer, &digest, &statement->signature))
        return STATEMENT_BAD_SIGNATURE;
    return STATEMENT_OK;
}

struct bytes statement_make(struct arena *arena, struct statement *statement,
                            const struct statement_body *body, const struct sign_secret *secret)
{
    struct bytes unsigned_raw = record_bytes(arena, &statement_body_record, body);
    if (!unsigned_raw.data)
        return unsigned_raw;

    struct digest digest = sign_digest(SIGN_DOMAIN_STATEMENT, &body->chain, unsigned_raw);
    *statement = (struct statement){.body = *body, .signature = sign_make(secret, &digest)};
    struct bytes raw = record_bytes(arena, &statement_record, statement);
    if (raw.data)
        statement->unsigned_raw = body_of(raw);
    return raw;
}
