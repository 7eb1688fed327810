/* Statements: an offer, probe or delivery receipt that is signed away from the ledger, and that any
 * transaction may carry.
 *
 * It has its own signature domain, so no transaction or vote can be taken for one. (signer, serial)
 * is used at most once until the statement expires; the contracts keep that in state. Packed as
 * [body, signature], like a transaction. */
#ifndef CONTRACTS_STATEMENT_H
#define CONTRACTS_STATEMENT_H

#include "base/arena.h"
#include "base/record.h"
#include "base/sign.h"

#define STATEMENT_VERSION       1
#define STATEMENT_PAYLOAD_BYTES 16384

struct statement_body {
    uint8_t version;     /* STATEMENT_VERSION */
    struct digest chain; /* genesis digest */
    uint16_t kind;       /* what the payload is; numbered by the contract that reads it */
    struct sign_public signer;
    uint64_t serial;    /* chosen by the signer, unused while an earlier one with it is unexpired */
    uint64_t expiry_ms; /* block time after which it is worth nothing */
    struct bytes payload; /* a packed record, at most STATEMENT_PAYLOAD_BYTES */
};

struct statement {
    struct statement_body body;
    struct sign_signature signature;
    struct bytes unsigned_raw; /* the body's bytes as signed; filled by statement_unpack and
                                  statement_make */
};

extern const struct record statement_body_record;
extern const struct record statement_record;

enum statement_verdict {
    STATEMENT_OK = 0,
    STATEMENT_MALFORMED = 1,
    STATEMENT_WRONG_VERSION = 2,
    STATEMENT_WRONG_CHAIN = 3,
    STATEMENT_EXPIRED = 4, /* expiry_ms is before the block's time */
    STATEMENT_BAD_SIGNATURE = 5,
};

/* A stable word. Never NULL. */
const char *statement_verdict_name(enum statement_verdict verdict);

/* Reads `raw`, which must outlive *statement, and checks all that needs no state. Pure. */
MUST_USE enum statement_verdict statement_check(struct arena *arena, struct statement *statement,
                                                struct bytes raw, const struct digest *chain,
                                                uint64_t time_ms);

/* Signs `body`; the packed statement, from `arena`, or data NULL when the arena is full.
 * Requires that body->signer is the secret's public key. */
struct bytes statement_make(struct arena *arena, struct statement *statement,
                            const struct statement_body *body, const struct sign_secret *secret);

#endif
