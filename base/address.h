/* Addresses: the first 20 bytes of SHA-256 of the compressed public key, written in bech32m (BIP 350) with the prefix `tnr`. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/sign.h"

#define ADDRESS_SIZE 20

struct address {
    uint8_t bytes[ADDRESS_SIZE];
};

/* tnr1, 32 data characters, 6 of checksum, and the zero. */
#define ADDRESS_TEXT_SIZE 43

extern const struct address address_zero;

struct address address_of(const struct sign_public *public);
bool address_equal(const struct address *a, const struct address *b);
void address_text(char text[ADDRESS_TEXT_SIZE], const struct address *address);

/* Reads an address, all lower or all upper case. False, and *address untouched, for anything else: wrong prefix, length,
 * checksum, character, or mixed case. */
bool address_parse(struct address *address, const char *text);

/* True if `text` is a bech32m string with a checksum that fits, whatever its prefix and data. */
bool address_is_bech32m(const char *text);

#endif
