/* The simplest ledger that consensus can order: a body is a list of numbers, and a state root the digest of all numbers so far.
 *
 * Its set of validators changes by motions (term.h).
 *
 * Signatures are toys too: a digest of (key, digest), which the simulator makes only for the member that signs. */
#ifndef TEST_SIM_TOY_H
#define TEST_SIM_TOY_H

#include "test/sim/books.h"

extern const struct books_kind toy_kind;

struct sign_signature toy_sign(const struct sign_public *key, const struct digest *digest);

/* A verify_signature. */
bool toy_verify(const void *self, struct seat seat, const struct sign_public *key,
                const struct digest *digest, const struct sign_signature *signature);

#endif
