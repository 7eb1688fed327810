#include "base/units.h"

#include <string.h>

#include "base/bytes.h"

const struct amount units_zero;

/* Decimal digits are worked off nine at a time: 10^9 is the largest power of ten in a u32. */
#define GROUP        1000000000u
#define GROUP_DIGITS 9
#define LIMBS        8

struct amount units_amount(uint64_t value)
{
    struct amount amount = units_zero;
    bytes_put_u64(amount.be + sizeof(amount.be) - 8, value);
    return amount;
}

bool units_amount_is_zero(const struct amount *amount)
{
    return units_amount_compare(amount, &units_zero) == 0;
}

int units_amount_compare(const struct amount *a, const struct amount *b)
{
    return memcmp(a->be, b->be, sizeof(a->be));
}

/* Divides the big-endian limbs by GROUP in place; gives the remainder. */
static uint32_t divide(uint32_t limbs[LIMBS])
{
    uint64_t rest = 0;
    for (int i = 0; i < LIMBS; i++) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / GROUP);
        rest %= GROUP;
    }
    return (uint32_t)rest;
}

void units_amount_text(char text[AMOUNT_TEXT_SIZE], const struct amount *amount)
{
    uint32_t limbs[LIMBS];
    for (int i = 0; i < LIMBS; i++)
        limbs[i] = bytes_get_u32(amount->be + 4 * i);

    /* 9 groups hold 81 digits; 2^256 - 1 has 78. */
    char digits[81];
    for (int end = (int)sizeof(digits); end > 0; end -= GROUP_DIGITS) {
        uint32_t group = divide(limbs);
        for (int i = 1; i <= GROUP_DIGITS; i++, group /= 10)
            digits[end - i] = (char)('0' + group % 10);
    }
    size_t first = 0;
    while (first < sizeof(digits) - 1 && digits[first] == '0')
        first++;
    memcpy(text, digits + first, sizeof(digits) - first);
    text[sizeof(digits) - first] = 0;
}

bool units_amount_parse(struct amount *amount, const char *text)
{
    uint32_t limbs[LIMBS] = {0};
    size_t size = strnlen(text, AMOUNT_TEXT_SIZE);
    if (size == 0 || size == AMOUNT_TEXT_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        uint64_t carry = (uint64_t)(text[i] - '0');
        for (int j = LIMBS - 1; j >= 0; j--) {
            carry += (uint64_t)limbs[j] * 10;
            limbs[j] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry != 0)
            return false;
    }
    for (int i = 0; i < LIMBS; i++)
        bytes_put_u32(amount->be + 4 * i, limbs[i]);
    return true;
}
