/* Transactions: what they are, how they are packed and named, and every reason why one is refused.
 *
 * On the wire a transaction is the array [body, signature]; the body is an array too, and its bytes
 * stand unbroken inside, so that the id (SHA-256 of the body's bytes) and what is signed need no
 * packing again:
 *
 *     92 | body: 97 version chain sender nonce last_height salt calls | c4 40 signature
 *
 * A transaction is included at most once, ever: it uses up its nonce even when its calls fail
 * (DESIGN 6). */
#ifndef LEDGER_TX_H
#define LEDGER_TX_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/record.h"
#include "base/sign.h"
#include "base/units.h"
#include "contracts/contracts.h"

#define TX_VERSION 1

struct tx_body {
    uint8_t version;           /* TX_VERSION */
    struct digest chain;       /* genesis digest */
    struct sign_public sender; /* who signs and whose nonce it is */
    uint64_t nonce;            /* the number of transactions of this sender before it */
    uint64_t last_height;      /* the last block that may include it */
    uint32_t salt;             /* any, random: what two makers make of the same calls at once is two transactions, not one */
    struct call *calls;        /* executed in order, all or none */
    uint32_t call_count;       /* 1..LIMIT_TX_CALLS */
};

struct tx {
    struct tx_body body;
    struct sign_signature signature;
    /* The rest is filled by tx_unpack and tx_make, and never packed. */
    struct bytes raw;          /* the whole transaction; borrowed */
    struct bytes unsigned_raw; /* the body's bytes inside raw */
    struct digest id;          /* SHA-256 of unsigned_raw */
};

extern const struct record tx_call_record;
extern const struct record tx_body_record;
extern const struct record tx_record;

/* Why a transaction isn't taken. Stable numbers; the API shows the name and the sentence.
 * A transaction in a block has none of them: what fails later is a contract's verdict, in the
 * receipt. */
enum tx_verdict {
    TX_OK = 0,
    TX_MALFORMED =
        1, /* no canonical record: truncated, longer form, wrong type or count, trailing bytes */
    TX_OVERSIZE = 2,       /* over LIMIT_TX_BYTES */
    TX_WRONG_VERSION = 3,  /* not TX_VERSION */
    TX_WRONG_CHAIN = 4,    /* of another genesis */
    TX_NO_CALLS = 5,       /* none at all */
    TX_TOO_MANY_CALLS = 6, /* over LIMIT_TX_CALLS */
    TX_EXPIRED = 7,        /* last_height is below the next block */
    TX_BAD_KEY = 8,        /* the sender is no point of the curve */
    TX_HIGH_S = 9,         /* a signature in the upper half: normalise it to low-S before sending */
    TX_BAD_SIGNATURE = 10, /* not by the sender over this body */
    TX_UNKNOWN_SENDER = 11, /* no account has this key */
    TX_REVOKED_SENDER = 12, /* the account is closed to new transactions */
    TX_NONCE_USED = 13,     /* a transaction with this nonce was included before: a replay */
    TX_NONCE_GAP = 14,      /* too far above the account's next nonce */
    TX_NONCE_TAKEN = 15,    /* another transaction with this nonce is pending */
    TX_KNOWN = 16,          /* this very transaction is pending */
    TX_ACCOUNT_FULL = 17,   /* the account's share of the pool is used up */
    TX_POOL_FULL = 18,      /* the pool is full */
    TX_REPLACED = 19,       /* was pending; another transaction used its nonce */
    TX_EVICTED = 20,        /* was pending; left a full pool to one that could execute sooner */
};

/* A stable word such as "bad_signature", and one sentence for people. Never NULL. */
const char *tx_verdict_name(enum tx_verdict verdict);
const char *tx_verdict_text(enum tx_verdict verdict);

/* Reads `raw`, which must outlive *tx. TX_OK, TX_OVERSIZE or TX_MALFORMED (`fault`, which may be
 * NULL, says which field). `arena` needs 16 KiB. */
MUST_USE enum tx_verdict tx_unpack(struct arena *arena, struct tx *tx, struct bytes raw,
                                   struct fault *fault);

/* The cheap checks: version, chain, number of calls, and expiry against the height of the block
 * that would include it. Pure. */
MUST_USE enum tx_verdict tx_check(const struct tx *tx, const struct digest *chain,
                                  struct height height);

/* The costly check: TX_OK, TX_BAD_KEY, TX_HIGH_S or TX_BAD_SIGNATURE. Pure; for the verifier
 * threads. A cache of the outcome is keyed by digest_of(raw), which covers body, key and signature.
 */
MUST_USE enum tx_verdict tx_check_signature(const struct tx *tx);

/* Signs `body` and packs it into `arena`. False when the arena is full or the result is over
 * LIMIT_TX_BYTES. Requires a valid secret; body->sender must be its public key,
 * and 1..LIMIT_TX_CALLS calls. */
MUST_USE bool tx_make(struct arena *arena, struct tx *tx, const struct tx_body *body,
                      const struct sign_secret *secret);

#endif
