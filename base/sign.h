/* ECDSA on secp256k1 (SEC 2), RFC 6979 nonces, low-S only, 64-byte compact signatures; ECDH on the same curve.
 *
 * What is signed is SHA-256(u8 length of domain | domain | genesis digest | body), so that nothing that was signed for one purpose,
 * message type or chain can be replayed as another. */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"

#define SIGN_SECRET_SIZE    32
#define SIGN_PUBLIC_SIZE    33
#define SIGN_SIGNATURE_SIZE 64

struct sign_secret { /* wipe with sign_secret_clear */
    uint8_t bytes[SIGN_SECRET_SIZE];
};

struct sign_public { /* compressed */
    uint8_t bytes[SIGN_PUBLIC_SIZE];
};

struct sign_signature { /* r | s, big-endian, s in the lower half */
    uint8_t bytes[SIGN_SIGNATURE_SIZE];
};

/* Domains: kind of record with its version. A new one is added here, so that no two are the same. */
#define SIGN_DOMAIN_TX          "tenure/transaction/1"
#define SIGN_DOMAIN_STATEMENT   "tenure/statement/1"
#define SIGN_DOMAIN_PRE_PREPARE "tenure/pre-prepare/1"
#define SIGN_DOMAIN_PREPARE     "tenure/prepare/1"
#define SIGN_DOMAIN_COMMIT      "tenure/commit/1"
#define SIGN_DOMAIN_VIEW_CHANGE "tenure/view-change/2"
#define SIGN_DOMAIN_NEW_VIEW    "tenure/new-view/1"
#define SIGN_DOMAIN_STATUS      "tenure/status/1"
#define SIGN_DOMAIN_HANDSHAKE   "tenure/handshake/1"

struct digest sign_digest(const char *domain, const struct digest *genesis, struct bytes body);

/* False if the bytes are no secret key (zero, or not below the group's order); then *public is untouched. */
MUST_USE bool sign_public_of(struct sign_public *public, const struct sign_secret *secret);

/* False if the bytes are no point of the curve in compressed form. */
bool sign_public_is_valid(const struct sign_public *public);

/* Requires a valid secret. The same secret and digest give the same signature. */
struct sign_signature sign_make(const struct sign_secret *secret, const struct digest *digest);

/* True only for a low-S signature of `digest` by `public`; any bytes are safe to ask. */
bool sign_verify(const struct sign_public *public, const struct digest *digest, const struct sign_signature *signature);

/* Brings a signature that another signer made to low-S. False if it is none. */
MUST_USE bool sign_normalise(struct sign_signature *signature);

/* SHA-256 of the compressed shared point. False if either key is invalid. */
MUST_USE bool sign_shared(struct digest *shared, const struct sign_secret *secret, const struct sign_public *public);

void sign_secret_clear(struct sign_secret *secret);

#endif
