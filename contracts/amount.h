/* Arithmetic of amounts: unsigned, 256 bits, never rounded in silence.
 *
 * Every function says whether its result fits; then the caller answers with a verdict, never with a wrapped number.
 * On false nothing is written. Outputs may alias inputs. Sums run on 64-bit limbs (the path of every transfer); products and
 * quotients are libtommath's, whose types stay in amount.c. */
#ifndef CONTRACTS_AMOUNT_H
#define CONTRACTS_AMOUNT_H

#include "base/error.h"
#include "base/units.h"

/* *sum = a + b; false over 256 bits. */
MUST_USE bool amount_add(struct amount *sum, const struct amount *a, const struct amount *b);

/* *difference = a - b; false if b > a. */
MUST_USE bool amount_sub(struct amount *difference, const struct amount *a, const struct amount *b);

/* *product = a * factor; false over 256 bits. */
MUST_USE bool amount_mul(struct amount *product, const struct amount *a, uint64_t factor);

/* *quotient = floor(a * factor / divisor), the product held exactly; the remainder stays with whoever holds `a`'s side.
 * False if the quotient is over 256 bits. Requires divisor > 0. */
MUST_USE bool amount_share(struct amount *quotient, const struct amount *a, uint64_t factor,
                           uint64_t divisor);

/* The smaller of two. */
struct amount amount_min(const struct amount *a, const struct amount *b);

/* A sum of signed changes that can't overflow: up to 2^32 amounts on either side. */
struct amount_balance {
    uint64_t in[5];  /* little-endian limbs: what was added */
    uint64_t out[5]; /* what was taken */
};

void amount_balance_init(struct amount_balance *balance);
void amount_balance_in(struct amount_balance *balance, const struct amount *amount);
void amount_balance_out(struct amount_balance *balance, const struct amount *amount);

/* True if what was added equals what was taken. */
bool amount_balance_is_even(const struct amount_balance *balance);

#endif
