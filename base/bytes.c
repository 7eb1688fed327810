#include "base/bytes.h"

#include <string.h>

struct bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && bytes_compare(a, b) == 0;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0; /* memcmp takes no NULL */
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool bytes_begins(struct bytes whole, struct bytes prefix)
{
    return whole.size >= prefix.size && bytes_equal(bytes_of(whole.data, prefix.size), prefix);
}

static void put(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static uint64_t get(const uint8_t *in, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | in[i];
    return value;
}

void bytes_put_u16(uint8_t *out, uint16_t value)
{
    put(out, value, 2);
}

void bytes_put_u32(uint8_t *out, uint32_t value)
{
    put(out, value, 4);
}

void bytes_put_u64(uint8_t *out, uint64_t value)
{
    put(out, value, 8);
}

uint16_t bytes_get_u16(const uint8_t *in)
{
    return (uint16_t)get(in, 2);
}

uint32_t bytes_get_u32(const uint8_t *in)
{
    return (uint32_t)get(in, 4);
}

uint64_t bytes_get_u64(const uint8_t *in)
{
    return get(in, 8);
}

void bytes_to_hex(char *text, struct bytes in)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.size; i++) {
        text[2 * i] = digits[in.data[i] >> 4];
        text[2 * i + 1] = digits[in.data[i] & 15];
    }
    text[2 * in.size] = 0;
}

/* 0..15, or -1 if it is no hexadecimal digit. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool bytes_from_hex(uint8_t *out, size_t size, const char *text)
{
    /* The first pass stops at the zero of a text that is too short, so none is read past. */
    for (size_t i = 0; i < 2 * size; i++) {
        if (digit(text[i]) < 0)
            return false;
    }
    if (text[2 * size] != 0)
        return false;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return true;
}

size_t bytes_utf8(struct bytes text)
{
    if (text.size == 0)
        return 0;
    uint8_t first = text.data[0];
    if (first < 0x80)
        return 1;
    /* RFC 3629 section 4: the second byte's range shuts out longer forms, surrogates and what is
     * above U+10FFFF. */
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0xc2 || first > 0xf4 || text.size < size)
        return 0;
    if (text.data[1] < low || text.data[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if (text.data[i] < 0x80 || text.data[i] > 0xbf)
            return 0;
    }
    return size;
}

/* C0, DEL, and C1 (U+0080..U+009F). */
static bool is_control(const uint8_t *character)
{
    return character[0] < 0x20 || character[0] == 0x7f ||
           (character[0] == 0xc2 && character[1] < 0xa0);
}

bool bytes_is_text(struct bytes text)
{
    while (text.size > 0) {
        size_t size = bytes_utf8(text);
        if (size == 0 || is_control(text.data))
            return false;
        text = bytes_of(text.data + size, text.size - size);
    }
    return true;
}
