#include "ledger/pages.h"

#include <string.h>

#include "test/harness.h"

static struct sparse_page page_of(uint8_t mark)
{
    struct sparse_page page = {0};
    page.nodes[1].digest.bytes[0] = mark;
    return page;
}

START_TEST(copy_is_kept_and_found_by_place_and_height)
{
    struct pages *pages = pages_new();
    struct sparse_place place = {.depth = 3, .path = {{0x12, 0x30}}, .height = 9};
    struct sparse_page page = page_of(1);
    ck_assert_ptr_null(pages_get(pages, &place));
    const struct sparse_page *kept = pages_put(pages, &place, &page);
    ck_assert_ptr_ne(kept, &page);
    ck_assert_ptr_eq(pages_get(pages, &place), kept);
    ck_assert_uint_eq(kept->nodes[1].digest.bytes[0], 1);
    place.height = 8;
    ck_assert_ptr_null(pages_get(pages, &place));
    place.height = 9;
    place.depth = 4;
    ck_assert_ptr_null(pages_get(pages, &place));
    pages_free(pages);
}
END_TEST

START_TEST(new_version_takes_the_place_of_the_old_one)
{
    struct pages *pages = pages_new();
    struct sparse_place old = {.depth = 0, .height = 1}, new = {.depth = 0, .height = 2};
    struct sparse_page page = page_of(1);
    pages_put(pages, &old, &page);
    pages_put(pages, &new, &page);
    ck_assert_ptr_null(pages_get(pages, &old));
    ck_assert_ptr_nonnull(pages_get(pages, &new));
    pages_free(pages);
}
END_TEST

START_TEST(upper_three_levels_are_never_driven_out)
{
    struct pages *pages = pages_new();
    struct sparse_page page = page_of(1);
    struct sparse_place place = {.height = 1};
    pages_put(pages, &place, &page);
    for (unsigned i = 0; i < 16; i++) {
        place = (struct sparse_place){.depth = 1, .height = 1};
        place.path.bytes[0] = (uint8_t)(i << 4);
        pages_put(pages, &place, &page);
    }
    for (unsigned i = 0; i < 256; i++) {
        place = (struct sparse_place){.depth = 2, .height = 1};
        place.path.bytes[0] = (uint8_t)i;
        pages_put(pages, &place, &page);
    }
    for (unsigned i = 0; i < 65536; i++) {
        place = (struct sparse_place){.depth = 4, .height = 1};
        bytes_put_u16(place.path.bytes, (uint16_t)i);
        pages_put(pages, &place, &page);
    }
    unsigned found = 0;
    for (unsigned depth = 0; depth <= 2; depth++)
        for (unsigned i = 0; i < 256; i += 256u >> 4 * depth) {
            place = (struct sparse_place){.depth = (uint8_t)depth, .height = 1};
            place.path.bytes[0] = (uint8_t)i;
            found += pages_get(pages, &place) != NULL;
        }
    ck_assert_uint_eq(found, 1 + 16 + 256);
    pages_free(pages);
}
END_TEST

HARNESS_MAIN("pages", copy_is_kept_and_found_by_place_and_height,
             new_version_takes_the_place_of_the_old_one, upper_three_levels_are_never_driven_out)
