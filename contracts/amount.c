#include "contracts/amount.h"

#include <tommath.h>

#include "base/bytes.h"
#include "base/check.h"

#define LIMBS 4

static void limbs_of(uint64_t limbs[LIMBS], const struct amount *amount)
{
    for (size_t i = 0; i < LIMBS; i++)
        limbs[i] = bytes_get_u64(amount->be + 8 * (LIMBS - 1 - i));
}

static void limbs_put(struct amount *amount, const uint64_t limbs[LIMBS])
{
    for (size_t i = 0; i < LIMBS; i++)
        bytes_put_u64(amount->be + 8 * (LIMBS - 1 - i), limbs[i]);
}

bool amount_add(struct amount *sum, const struct amount *a, const struct amount *b)
{
    uint64_t x[LIMBS], y[LIMBS];
    limbs_of(x, a);
    limbs_of(y, b);
    bool carry = false;
    for (size_t i = 0; i < LIMBS; i++) {
        bool first = __builtin_add_overflow(x[i], y[i], &x[i]);
        bool second = __builtin_add_overflow(x[i], (uint64_t)carry, &x[i]);
        carry = first || second;
    }
    if (carry)
        return false;
    limbs_put(sum, x);
    return true;
}

bool amount_sub(struct amount *difference, const struct amount *a, const struct amount *b)
{
    uint64_t x[LIMBS], y[LIMBS];
    limbs_of(x, a);
    limbs_of(y, b);
    bool borrow = false;
    for (size_t i = 0; i < LIMBS; i++) {
        bool first = __builtin_sub_overflow(x[i], y[i], &x[i]);
        bool second = __builtin_sub_overflow(x[i], (uint64_t)borrow, &x[i]);
        borrow = first || second;
    }
    if (borrow)
        return false;
    limbs_put(difference, x);
    return true;
}

/* libtommath fails only when memory is exhausted; there is no verdict for that. */
static void multiply(mp_int *product, const struct amount *a, uint64_t factor)
{
    mp_int f;
    CHECK(mp_init(&f) == MP_OKAY);
    CHECK(mp_from_ubin(product, a->be, sizeof(a->be)) == MP_OKAY);
    mp_set_u64(&f, factor);
    CHECK(mp_mul(product, &f, product) == MP_OKAY);
    mp_clear(&f);
}

/* Writes a number that fits; false if it doesn't. */
static bool write(struct amount *out, const mp_int *number)
{
    size_t size = mp_ubin_size(number), written;
    if (size > sizeof(out->be))
        return false;
    struct amount result = units_zero;
    if (size > 0)
        CHECK(mp_to_ubin(number, result.be + sizeof(result.be) - size, size, &written) == MP_OKAY);
    *out = result;
    return true;
}

bool amount_mul(struct amount *product, const struct amount *a, uint64_t factor)
{
    mp_int p;
    CHECK(mp_init(&p) == MP_OKAY);
    multiply(&p, a, factor);
    bool fits = write(product, &p);
    mp_clear(&p);
    return fits;
}

bool amount_share(struct amount *quotient, const struct amount *a, uint64_t factor,
                  uint64_t divisor)
{
    CHECK(divisor > 0);
    mp_int p, d;
    CHECK(mp_init_multi(&p, &d, NULL) == MP_OKAY);
    multiply(&p, a, factor);
    mp_set_u64(&d, divisor);
    CHECK(mp_div(&p, &d, &p, NULL) == MP_OKAY);
    bool fits = write(quotient, &p);
    mp_clear_multi(&p, &d, NULL);
    return fits;
}

struct amount amount_min(const struct amount *a, const struct amount *b)
{
    return units_amount_compare(a, b) <= 0 ? *a : *b;
}

void amount_balance_init(struct amount_balance *balance)
{
    *balance = (struct amount_balance){.in = {0}};
}

static void accumulate(uint64_t sum[LIMBS + 1], const struct amount *amount)
{
    uint64_t x[LIMBS];
    limbs_of(x, amount);
    bool carry = false;
    for (size_t i = 0; i < LIMBS; i++) {
        bool first = __builtin_add_overflow(sum[i], x[i], &sum[i]);
        bool second = __builtin_add_overflow(sum[i], (uint64_t)carry, &sum[i]);
        carry = first || second;
    }
    sum[LIMBS] += carry;
}

void amount_balance_in(struct amount_balance *balance, const struct amount *amount)
{
    accumulate(balance->in, amount);
}

void amount_balance_out(struct amount_balance *balance, const struct amount *amount)
{
    accumulate(balance->out, amount);
}

bool amount_balance_is_even(const struct amount_balance *balance)
{
    for (size_t i = 0; i <= LIMBS; i++)
        if (balance->in[i] != balance->out[i])
            return false;
    return true;
}
