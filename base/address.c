#include "base/address.h"

#include <string.h>

/* bech32m: BIP 350, with BIP 173's characters and checksum polynomial. */
#define PREFIX         "tnr1"
#define PREFIX_SIZE    4
#define DATA_COUNT     32 /* five-bit groups: 160 bits exactly, so there is no padding */
#define CHECKSUM_COUNT 6
#define CHECKSUM_FINAL 0x2bc830a3u
#define TEXT_SIZE_MAX  90 /* BIP 173: what the checksum's distance is proven for */

static const char characters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

const struct address address_zero;

struct address address_of(const struct sign_public *public)
{
    struct digest digest = digest_of(public->bytes, SIGN_PUBLIC_SIZE);
    struct address address;
    memcpy(address.bytes, digest.bytes, ADDRESS_SIZE);
    return address;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, ADDRESS_SIZE) == 0;
}

/* One step of the checksum's polynomial over GF(32). */
static uint32_t step(uint32_t checksum, uint8_t group)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = checksum >> 25;
    checksum = (checksum & 0x1ffffff) << 5 ^ group;
    for (int i = 0; i < 5; i++) {
        if (top >> i & 1)
            checksum ^= generator[i];
    }
    return checksum;
}

/* The checksum's state after the prefix of `size` lower-case characters. */
static uint32_t step_prefix(const char *prefix, size_t size)
{
    uint32_t checksum = 1;
    for (size_t i = 0; i < size; i++)
        checksum = step(checksum, (uint8_t)prefix[i] >> 5);
    checksum = step(checksum, 0);
    for (size_t i = 0; i < size; i++)
        checksum = step(checksum, (uint8_t)prefix[i] & 31);
    return checksum;
}

void address_text(char text[ADDRESS_TEXT_SIZE], const struct address *address)
{
    uint32_t checksum = step_prefix(PREFIX, PREFIX_SIZE - 1);
    memcpy(text, PREFIX, PREFIX_SIZE);
    char *out = text + PREFIX_SIZE;
    uint32_t bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i < ADDRESS_SIZE; i++) {
        bits = bits << 8 | address->bytes[i];
        for (bit_count += 8; bit_count >= 5; bit_count -= 5) {
            uint8_t group = bits >> (bit_count - 5) & 31;
            checksum = step(checksum, group);
            *out++ = characters[group];
        }
    }
    for (int i = 0; i < CHECKSUM_COUNT; i++)
        checksum = step(checksum, 0);
    checksum ^= CHECKSUM_FINAL;
    for (int i = 0; i < CHECKSUM_COUNT; i++)
        *out++ = characters[checksum >> 5 * (CHECKSUM_COUNT - 1 - i) & 31];
    *out = 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Copies `text` in lower case. False if it is too long, of mixed case, or has a character
 * outside 33..126. */
static bool fold(char folded[TEXT_SIZE_MAX + 1], const char *text)
{
    bool has_lower = false;
    bool has_upper = false;
    size_t size = strnlen(text, TEXT_SIZE_MAX + 1);
    if (size > TEXT_SIZE_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 33 || text[i] > 126)
            return false;
        has_lower |= text[i] >= 'a' && text[i] <= 'z';
        has_upper |= text[i] >= 'A' && text[i] <= 'Z';
        folded[i] = lower(text[i]);
    }
    folded[size] = 0;
    return !(has_lower && has_upper);
}

bool address_is_bech32m(const char *text)
{
    char folded[TEXT_SIZE_MAX + 1];
    if (!fold(folded, text))
        return false;
    const char *separator = strrchr(folded, '1');
    if (!separator || separator == folded || strlen(separator + 1) < CHECKSUM_COUNT)
        return false;
    uint32_t checksum = step_prefix(folded, (size_t)(separator - folded));
    for (const char *c = separator + 1; *c; c++) {
        const char *found = strchr(characters, *c);
        if (!found)
            return false;
        checksum = step(checksum, (uint8_t)(found - characters));
    }
    return checksum == CHECKSUM_FINAL;
}

bool address_parse(struct address *address, const char *text)
{
    char folded[TEXT_SIZE_MAX + 1];
    if (!fold(folded, text) || strlen(folded) != ADDRESS_TEXT_SIZE - 1)
        return false;
    if (memcmp(folded, PREFIX, PREFIX_SIZE) != 0 || !address_is_bech32m(folded))
        return false;
    uint32_t bits = 0;
    for (size_t i = 0, bit_count = 0, used = 0; i < DATA_COUNT; i++) {
        const char *found = strchr(characters, folded[PREFIX_SIZE + i]);
        if (!found)
            return false; /* a second '1' */
        bits = bits << 5 | (uint32_t)(found - characters);
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            address->bytes[used++] = (uint8_t)(bits >> bit_count);
        }
    }
    return true;
}
