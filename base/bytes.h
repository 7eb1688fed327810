/* Borrowed bytes, byte order, hexadecimal. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. Empty is size 0, whatever `data`. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

/* The characters of a zero-terminated string, without the zero. */
struct bytes bytes_text(const char *text);

bool bytes_equal(struct bytes a, struct bytes b);

/* Lexicographic order of unsigned bytes, a prefix before what it begins: < 0, 0, > 0. */
int bytes_compare(struct bytes a, struct bytes b);

bool bytes_begins(struct bytes whole, struct bytes prefix);

/* Big-endian integers at any alignment. */
void bytes_put_u16(uint8_t *out, uint16_t value);
void bytes_put_u32(uint8_t *out, uint32_t value);
void bytes_put_u64(uint8_t *out, uint64_t value);
uint16_t bytes_get_u16(const uint8_t *in);
uint32_t bytes_get_u32(const uint8_t *in);
uint64_t bytes_get_u64(const uint8_t *in);

/* Writes 2 * in.size lower-case digits and a zero. */
void bytes_to_hex(char *text, struct bytes in);

/* Reads exactly 2 * size hexadecimal digits of either case that end with a zero.
 * False, and `out` untouched, on anything else. */
bool bytes_from_hex(uint8_t *out, size_t size, const char *text);

/* Size of the UTF-8 character (RFC 3629) that the text begins with: 1..4, or 0 if there is none that is well-formed. */
size_t bytes_utf8(struct bytes text);

/* True if the bytes are well-formed UTF-8 (RFC 3629) without control characters. */
bool bytes_is_text(struct bytes text);

#endif
