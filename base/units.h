/* Numbers that must not be swapped: each is a struct with the one field `n`.
 *
 * Compare and count with `.n`; make one with a literal: (struct height){7}. All start at 0: height 0 is genesis. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct height { /* of a block; genesis is 0 */
    uint64_t n;
};

struct view { /* of consensus; restarts at 0 with each validator set */
    uint64_t n;
};

struct seat { /* index of a validator in its set, < LIMIT_VALIDATORS */
    uint8_t n;
};

/* An unsigned integer of up to 256 bits, big-endian: credits, in the smallest unit. Arithmetic is contracts/amount.h. */
struct amount {
    uint8_t be[32];
};

/* Characters of 2^256 - 1 in decimal, and the zero. */
#define AMOUNT_TEXT_SIZE 79

extern const struct amount units_zero;

struct amount units_amount(uint64_t value);
bool units_amount_is_zero(const struct amount *amount);

/* < 0, 0, > 0 as a is less than, equal to or greater than b. */
int units_amount_compare(const struct amount *a, const struct amount *b);

/* Writes `amount` in decimal, without leading zeros, zero-terminated. */
void units_amount_text(char text[AMOUNT_TEXT_SIZE], const struct amount *amount);

/* Reads a decimal number of 1..78 digits, nothing else. False, and *amount untouched, if it is none or over 256 bits. */
bool units_amount_parse(struct amount *amount, const char *text);

#endif
