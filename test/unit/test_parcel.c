#include "tools/tenured/parcel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness.h"

static struct parcel_shelf shelf;

static struct parcel *parcel_named(unsigned name, size_t size)
{
    char header[16];
    int written = snprintf(header, sizeof(header), "%u", name);
    uint8_t *body = calloc(1, size);
    struct parcel *parcel = parcel_new(bytes_of(header, (size_t)written), bytes_of(body, size));
    free(body);
    ck_assert_ptr_nonnull(parcel);
    return parcel;
}

START_TEST(a_parcel_is_named_by_its_header)
{
    struct parcel *parcel = parcel_named(7, 3);
    struct digest expected = digest_of("7", 1);
    ck_assert(digest_equal(&parcel->digest, &expected));
    ck_assert_uint_eq(parcel->body.size, 3);
    parcel_drop(parcel_hold(parcel));
    ck_assert(bytes_equal(parcel->header, bytes_text("7")));
    parcel_drop(parcel);
}
END_TEST

START_TEST(a_seat_pushes_out_its_own_only)
{
    memset(&shelf, 0, sizeof(shelf));
    struct parcel *other = parcel_named(1000, 10);
    struct digest kept = other->digest;
    parcel_shelf_put(&shelf, 1, other);
    for (unsigned i = 0; i <= PARCEL_SHELF_COUNT; i++)
        parcel_shelf_put(&shelf, 0, parcel_named(i, 10));
    struct digest first = digest_of("0", 1), second = digest_of("1", 1);
    ck_assert_ptr_null(parcel_shelf_get(&shelf, &first));
    ck_assert_ptr_nonnull(parcel_shelf_get(&shelf, &second));
    ck_assert_ptr_nonnull(parcel_shelf_get(&shelf, &kept));
    parcel_shelf_remove(&shelf, &kept);
    ck_assert_ptr_null(parcel_shelf_get(&shelf, &kept));
    parcel_shelf_clear(&shelf);
    ck_assert_ptr_null(parcel_shelf_get(&shelf, &second));
}
END_TEST

START_TEST(bytes_are_bounded_too)
{
    memset(&shelf, 0, sizeof(shelf));
    for (unsigned i = 0; i < 5; i++)
        parcel_shelf_put(&shelf, 0, parcel_named(i, LIMIT_BLOCK_BYTES));
    struct digest first = digest_of("0", 1), last = digest_of("4", 1);
    ck_assert_ptr_null(parcel_shelf_get(&shelf, &first));
    ck_assert_ptr_nonnull(parcel_shelf_get(&shelf, &last));
    parcel_shelf_clear(&shelf);
}
END_TEST

HARNESS_MAIN("parcel", a_parcel_is_named_by_its_header, a_seat_pushes_out_its_own_only,
             bytes_are_bounded_too)
