#include "ledger/overlay.h"

#include <string.h>

#include "test/harness.h"

static struct bytes text(const char *string)
{
    return bytes_text(string);
}

/* An entry named by one letter, with up to three keys and values ("" deletes). */
static struct overlay_entry *add(struct overlay *overlay, char name, struct overlay_entry *parent,
                                 const char *const pairs[][2], size_t count)
{
    struct overlay_entry *entry = overlay_entry_new();
    ck_assert_ptr_nonnull(entry);
    entry->digest.bytes[0] = (uint8_t)name;
    entry->parent = parent;
    entry->header.height = parent ? parent->header.height + 1 : 1;
    struct overlay_value *values = arena_array(&entry->arena, count, sizeof(*values));
    for (size_t i = 0; i < count; i++)
        values[i] = (struct overlay_value){.key = text(pairs[i][0]), .value = text(pairs[i][1])};
    entry->values = values;
    entry->value_count = count;
    ck_assert_int_eq(overlay_add_take(overlay, entry), ERR_NONE);
    return entry;
}

static struct overlay_entry *find(const struct overlay *overlay, char name)
{
    struct digest digest = {{(uint8_t)name}};
    return overlay_find(overlay, &digest);
}

static void expect(const struct overlay_entry *entry, const char *key, const char *value)
{
    struct bytes got;
    if (!value) {
        ck_assert(!overlay_get(entry, text(key), &got));
        return;
    }
    ck_assert(overlay_get(entry, text(key), &got));
    ck_assert(bytes_equal(got, text(value)));
}

/* "a=1 b=2 c= " : all keys with the prefix, as the overlays from `entry` up have them. */
static void expect_walk(const struct overlay_entry *entry, const char *prefix, const char *want)
{
    char walk[128] = "";
    struct bytes key, value, after = {0};
    while (overlay_next(entry, text(prefix), after, &key, &value)) {
        strncat(walk, (const char *)key.data, key.size);
        strcat(walk, "=");
        strncat(walk, (const char *)value.data, value.size);
        strcat(walk, " ");
        after = key;
    }
    ck_assert_str_eq(walk, want);
}

static const char *const first[][2] = {{"k1", "one"}, {"k2", "two"}, {"k4", "four"}};
static const char *const second[][2] = {{"j", "x"}, {"k2", ""}, {"k3", "three"}};
static const char *const rival[][2] = {{"k2", "rival"}};

START_TEST(read_goes_through_the_nearest_ancestor)
{
    struct overlay overlay;
    overlay_init(&overlay);
    struct overlay_entry *a = add(&overlay, 'a', NULL, first, 3),
                         *b = add(&overlay, 'b', a, second, 3);
    struct overlay_entry *r = add(&overlay, 'r', NULL, rival, 1);
    expect(b, "k1", "one");
    expect(b, "k2", "");
    expect(a, "k2", "two");
    expect(r, "k2", "rival");
    expect(r, "k1", NULL);
    expect(NULL, "k1", NULL);
    overlay_release(&overlay);
}
END_TEST

START_TEST(walk_merges_ancestors_in_key_order)
{
    struct overlay overlay;
    overlay_init(&overlay);
    struct overlay_entry *a = add(&overlay, 'a', NULL, first, 3),
                         *b = add(&overlay, 'b', a, second, 3);
    expect_walk(b, "k", "k1=one k2= k3=three k4=four ");
    expect_walk(b, "", "j=x k1=one k2= k3=three k4=four ");
    expect_walk(a, "k", "k1=one k2=two k4=four ");
    expect_walk(a, "k4", "k4=four ");
    expect_walk(a, "l", "");
    expect_walk(NULL, "", "");
    overlay_release(&overlay);
}
END_TEST

START_TEST(walk_after_a_key_below_the_prefix_starts_at_the_prefix)
{
    struct overlay overlay;
    overlay_init(&overlay);
    struct overlay_entry *a = add(&overlay, 'a', NULL, second, 3);
    struct bytes key, value;
    ck_assert(overlay_next(a, text("k"), text("a"), &key, &value));
    ck_assert(bytes_equal(key, text("k2")));
    ck_assert(!overlay_next(a, text("j"), text("j"), &key, &value));
    overlay_release(&overlay);
}
END_TEST

static void count_drop(void *self, const struct overlay_entry *entry)
{
    char *names = self;
    size_t size = strlen(names);
    names[size] = (char)entry->digest.bytes[0];
    names[size + 1] = 0;
}

START_TEST(commit_of_one_child_drops_the_other_and_its_descendants)
{
    struct overlay overlay;
    overlay_init(&overlay);
    struct overlay_entry *a = add(&overlay, 'a', NULL, first, 3);
    struct overlay_entry *r = add(&overlay, 'r', NULL, rival, 1);
    struct overlay_entry *b = add(&overlay, 'b', a, second, 3);
    add(&overlay, 's', r, second, 3);
    add(&overlay, 'c', b, rival, 1);
    char dropped[8] = "";
    overlay_commit(&overlay, a, count_drop, dropped);
    ck_assert_uint_eq(strlen(dropped), 2);
    ck_assert(strchr(dropped, 'r') && strchr(dropped, 's'));
    ck_assert_uint_eq(overlay.count, 2);
    ck_assert_ptr_null(find(&overlay, 'a'));
    ck_assert_ptr_null(find(&overlay, 's'));
    ck_assert_ptr_eq(find(&overlay, 'b'), b);
    ck_assert_ptr_null(b->parent); /* the head is its parent now */
    expect(b, "k1", NULL);         /* ... so this is the store's to say */
    expect(find(&overlay, 'c'), "k3", "three");
    overlay_release(&overlay);
}
END_TEST

START_TEST(discard_takes_descendants_and_leaves_the_rest)
{
    struct overlay overlay;
    overlay_init(&overlay);
    struct overlay_entry *a = add(&overlay, 'a', NULL, first, 3);
    struct overlay_entry *b = add(&overlay, 'b', a, second, 3);
    add(&overlay, 'c', b, rival, 1);
    add(&overlay, 'd', a, rival, 1);
    overlay_discard(&overlay, b);
    ck_assert_uint_eq(overlay.count, 2);
    ck_assert_ptr_null(find(&overlay, 'b'));
    ck_assert_ptr_null(find(&overlay, 'c'));
    ck_assert_ptr_nonnull(find(&overlay, 'd'));
    expect(find(&overlay, 'd'), "k2", "rival");
    overlay_release(&overlay);
}
END_TEST

START_TEST(number_of_entries_is_bounded)
{
    struct overlay overlay;
    overlay_init(&overlay);
    for (int i = 0; i < OVERLAY_ENTRIES_MAX; i++)
        add(&overlay, (char)(i + 1), NULL, rival, 1);
    struct overlay_entry *extra = overlay_entry_new();
    extra->digest.bytes[0] = 200;
    ck_assert_int_eq(overlay_add_take(&overlay, extra), ERR_LIMIT);
    overlay_entry_free(extra);
    overlay_release(&overlay);
}
END_TEST

START_TEST(page_is_found_at_the_height_that_wrote_it)
{
    struct overlay overlay;
    overlay_init(&overlay);
    static struct sparse_page pages[3];
    struct overlay_entry *entries[2] = {overlay_entry_new(), overlay_entry_new()};
    struct sparse_write writes[2][2] = {
        {{{.depth = 1, .height = 1}, &pages[0]}, {{.depth = 0, .height = 1}, &pages[1]}},
        {{{.depth = 0, .height = 2}, &pages[2]}}};
    for (int i = 0; i < 2; i++) {
        entries[i]->digest.bytes[0] = (uint8_t)(i + 1);
        entries[i]->header.height = (uint64_t)i + 1;
        entries[i]->parent = i ? entries[0] : NULL;
        entries[i]->pages = (struct sparse_writes){writes[i], i ? 1 : 2, 2};
        ck_assert_int_eq(overlay_add_take(&overlay, entries[i]), ERR_NONE);
    }
    struct sparse_place place = {.depth = 0, .height = 1};
    ck_assert_ptr_eq(overlay_page(entries[1], &place), &pages[1]);
    place.depth = 1;
    ck_assert_ptr_eq(overlay_page(entries[1], &place), &pages[0]);
    place.height = 2;
    ck_assert_ptr_null(overlay_page(entries[1], &place));
    place.depth = 0;
    ck_assert_ptr_eq(overlay_page(entries[1], &place), &pages[2]);
    ck_assert_ptr_null(overlay_page(entries[0], &place));
    overlay_release(&overlay);
}
END_TEST

HARNESS_MAIN("overlay", read_goes_through_the_nearest_ancestor, walk_merges_ancestors_in_key_order,
             walk_after_a_key_below_the_prefix_starts_at_the_prefix,
             commit_of_one_child_drops_the_other_and_its_descendants,
             discard_takes_descendants_and_leaves_the_rest, number_of_entries_is_bounded,
             page_is_found_at_the_height_that_wrote_it)
