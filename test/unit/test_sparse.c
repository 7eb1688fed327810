#include "ledger/sparse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness.h"

/* --- an independent tree: recursive over all leaves, bit by bit, from the definition alone --- */

struct leaf {
    struct digest key, value;
};

static struct digest hash3(uint8_t prefix, const struct digest *a, const struct digest *b)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, &prefix, 1);
    digest_add(&stream, a, 32);
    digest_add(&stream, b, 32);
    return digest_end(&stream);
}

static struct digest slow_root(const struct leaf *leaves, size_t count, unsigned level)
{
    if (count == 0)
        return (struct digest){{0}};
    if (count == 1)
        return hash3(0, &leaves[0].key, &leaves[0].value);
    struct leaf *left = malloc(count * sizeof(*left)), *right = malloc(count * sizeof(*right));
    size_t l = 0, r = 0;
    for (size_t i = 0; i < count; i++) {
        if (leaves[i].key.bytes[level / 8] & 0x80 >> level % 8)
            right[r++] = leaves[i];
        else
            left[l++] = leaves[i];
    }
    struct digest a = slow_root(left, l, level + 1), b = slow_root(right, r, level + 1);
    free(left);
    free(right);
    return hash3(1, &a, &b);
}

/* --- a world: a set of keys, and the pages of the tree under test --- */

#define KEYS_MAX 3000

struct world {
    struct arena arena;
    struct sparse_writes pages;
    struct sparse_root root;
    uint64_t height;
    uint32_t present[KEYS_MAX]; /* key i has this value; 0: none */
    uint64_t seed;
};

static uint64_t draw(struct world *w)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed;
}

static enum err read_page(void *self, const struct sparse_place *place,
                          const struct sparse_page **page)
{
    struct world *w = self;
    static struct sparse_page copy;
    for (size_t i = w->pages.count; i-- > 0;) {
        const struct sparse_write *write = &w->pages.list[i];
        if (write->place.depth != place->depth || write->place.height != place->height ||
            !digest_equal(&write->place.path, &place->path))
            continue;
        uint8_t packed[SPARSE_PAGE_BYTES];
        size_t size = sparse_page_pack(packed, write->page);
        ck_assert_int_eq(sparse_page_unpack(&copy, bytes_of(packed, size)), ERR_NONE);
        *page = &copy;
        return ERR_NONE;
    }
    return ERR_CORRUPT;
}

static struct sparse_reader reader_of(struct world *w)
{
    return (struct sparse_reader){w, read_page};
}

static void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    arena_init(&w->arena, (size_t)1 << 30);
    w->seed = seed;
}

static struct digest key_of(uint32_t i)
{
    return digest_of(&i, sizeof(i));
}

static struct digest expected(const struct world *w)
{
    static struct leaf leaves[KEYS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < KEYS_MAX; i++)
        if (w->present[i])
            leaves[count++] = (struct leaf){key_of(i), key_of(w->present[i])};
    return slow_root(leaves, count, 0);
}

/* One block of random changes over the first `keys` keys. */
static void step(struct world *w, size_t changes_max, uint32_t keys, unsigned deleted_percent)
{
    struct sparse_change changes[KEYS_MAX];
    bool touched[KEYS_MAX] = {false};
    size_t count = 0, wanted = 1 + draw(w) % changes_max;
    while (count < wanted) {
        uint32_t i = (uint32_t)(draw(w) % keys);
        if (touched[i])
            break;
        touched[i] = true;
        bool deleted = draw(w) % 100 < deleted_percent;
        w->present[i] = deleted ? 0 : 1 + (uint32_t)(draw(w) % 5);
        changes[count++] = (struct sparse_change){
            key_of(i), deleted ? digest_zero : key_of(w->present[i]), deleted};
    }
    sparse_sort(changes, count);
    struct sparse_reader reader = reader_of(w);
    ck_assert_int_eq(
        sparse_update(&w->arena, &w->root, &w->pages, changes, count, ++w->height, &reader),
        ERR_NONE);
    struct digest want = expected(w);
    ck_assert(digest_equal(&w->root.top.digest, &want));
}

START_TEST(root_is_the_slow_root_after_every_batch)
{
    static struct world w;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        world_init(&w, seed * 7919);
        for (int i = 0; i < 40; i++)
            step(&w, seed % 2 ? 4 : 40, seed < 10 ? 12 : 600, seed % 3 ? 40 : 70);
        arena_release(&w.arena);
    }
}
END_TEST

START_TEST(order_of_batches_does_not_matter)
{
    static struct world w[2];
    for (int i = 0; i < 2; i++)
        world_init(&w[i], 1);
    for (uint32_t i = 0; i < 300; i++) {
        for (int k = 0; k < 2; k++) {
            struct sparse_reader reader = reader_of(&w[k]);
            uint32_t at = k ? 299 - i : i;
            struct sparse_change change = {key_of(at), key_of(7), false};
            ck_assert_int_eq(
                sparse_update(&w[k].arena, &w[k].root, &w[k].pages, &change, 1, i + 1, &reader),
                ERR_NONE);
        }
    }
    ck_assert(digest_equal(&w[0].root.top.digest, &w[1].root.top.digest));
    arena_release(&w[0].arena);
    arena_release(&w[1].arena);
}
END_TEST

START_TEST(change_that_changes_nothing_writes_nothing)
{
    static struct world w;
    world_init(&w, 5);
    for (int i = 0; i < 10; i++)
        step(&w, 100, 500, 0);
    struct sparse_root before = w.root;
    size_t pages = w.pages.count;
    struct sparse_change changes[2] = {{key_of(2999), digest_zero, true}, {{{0}}, {{0}}, false}};
    uint32_t some = 0;
    while (!w.present[some])
        some++;
    changes[1] = (struct sparse_change){key_of(some), key_of(w.present[some]), false};
    sparse_sort(changes, 2);
    struct sparse_reader reader = reader_of(&w);
    ck_assert_int_eq(sparse_update(&w.arena, &w.root, &w.pages, changes, 2, 99, &reader), ERR_NONE);
    ck_assert_uint_eq(w.pages.count, pages);
    ck_assert_uint_eq(w.root.height, before.height);
    arena_release(&w.arena);
}
END_TEST

START_TEST(old_heights_keep_their_tree)
{
    static struct world w;
    world_init(&w, 77);
    step(&w, 50, 400, 0);
    uint32_t some = 0;
    while (!w.present[some])
        some++;
    struct sparse_root old = w.root;
    struct digest value = key_of(w.present[some]);
    for (int i = 0; i < 30; i++)
        step(&w, 200, 400, 60);
    struct sparse_reader reader = reader_of(&w);
    struct digest key = key_of(some), found;
    ck_assert_int_eq(sparse_find(&found, &old, &key, &reader), ERR_NONE);
    ck_assert(digest_equal(&found, &value));
    arena_release(&w.arena);
}
END_TEST

/* Proofs here are over real keys and values, as users have them. */
static struct bytes number_bytes(const uint32_t *number)
{
    return bytes_of(number, sizeof(*number));
}

START_TEST(proofs_show_presence_and_absence_and_nothing_else)
{
    static struct world w;
    for (uint32_t keys = 1; keys <= 200; keys += keys < 20 ? 1 : 45) {
        world_init(&w, 1000 + keys);
        for (int i = 0; i < 5; i++)
            step(&w, keys, keys, 30);
        struct sparse_reader reader = reader_of(&w);
        const struct digest *root = &w.root.top.digest;
        for (uint32_t i = 0; i < keys + 50; i++) {
            struct digest key = key_of(i);
            struct sparse_proof proof;
            ck_assert_int_eq(sparse_prove(&w.arena, &proof, &w.root, &key, &reader), ERR_NONE);
            struct bytes raw = number_bytes(&i), value = number_bytes(&w.present[i]);
            uint32_t other = 12345;
            ck_assert_int_eq(sparse_has(root, raw, value, &proof), w.present[i] != 0);
            ck_assert_int_eq(sparse_lacks(root, raw, &proof), w.present[i] == 0);
            ck_assert(!sparse_has(root, raw, number_bytes(&other), &proof));
            ck_assert(!sparse_has(root, number_bytes(&other), value, &proof));
            if (proof.path_count == 0)
                continue;
            proof.path[draw(&w) % proof.path_count].bytes[3] ^= 1;
            ck_assert(!sparse_has(root, raw, value, &proof));
            ck_assert(!sparse_lacks(root, raw, &proof));
        }
        arena_release(&w.arena);
    }
}
END_TEST

START_TEST(absence_by_a_leaf_of_another_branch_is_refused)
{
    static struct world w;
    world_init(&w, 3);
    for (int i = 0; i < 5; i++)
        step(&w, 100, 100, 0);
    struct sparse_reader reader = reader_of(&w);
    uint32_t present = 0, absent = 2000;
    while (!w.present[present])
        present++;
    struct digest key = key_of(absent), there = key_of(present);
    struct sparse_proof proof, own;
    ck_assert_int_eq(sparse_prove(&w.arena, &own, &w.root, &there, &reader), ERR_NONE);
    proof = own;
    proof.end = SPARSE_END_OTHER;
    proof.other_key = there;
    proof.other_value = key_of(w.present[present]);
    /* the leaf itself is no absence of itself, nor of a key that doesn't share its path */
    ck_assert(!sparse_lacks(&w.root.top.digest, number_bytes(&present), &proof));
    if ((key.bytes[0] & 0x80) == (there.bytes[0] & 0x80))
        absent++;
    ck_assert(!sparse_lacks(&w.root.top.digest, number_bytes(&absent), &proof));
    arena_release(&w.arena);
}
END_TEST

START_TEST(empty_tree_has_root_zero_and_proves_absence)
{
    static struct world w;
    world_init(&w, 1);
    struct sparse_reader reader = reader_of(&w);
    uint32_t i = 1;
    struct digest key = key_of(i);
    struct sparse_proof proof;
    ck_assert_int_eq(sparse_prove(&w.arena, &proof, &w.root, &key, &reader), ERR_NONE);
    ck_assert(sparse_lacks(&digest_zero, number_bytes(&i), &proof));
    ck_assert(!sparse_has(&digest_zero, number_bytes(&i), number_bytes(&i), &proof));
    arena_release(&w.arena);
}
END_TEST

START_TEST(lone_leaf_is_the_root_and_two_that_share_bits_hang_deep)
{
    static struct world w;
    world_init(&w, 1);
    struct sparse_reader reader = reader_of(&w);
    struct digest a = {{0}}, b = {{0}};
    b.bytes[31] = 1; /* differ in the last of 256 bits */
    struct sparse_change both[2] = {{a, key_of(1), false}, {b, key_of(2), false}};
    ck_assert_int_eq(sparse_update(&w.arena, &w.root, &w.pages, both, 1, 1, &reader), ERR_NONE);
    struct digest leaf = sparse_page_leaf(&a, &both[0].value);
    ck_assert(digest_equal(&w.root.top.digest, &leaf));

    ck_assert_int_eq(sparse_update(&w.arena, &w.root, &w.pages, both, 2, 2, &reader), ERR_NONE);
    struct leaf leaves[2] = {{a, both[0].value}, {b, both[1].value}};
    struct digest want = slow_root(leaves, 2, 0);
    ck_assert(digest_equal(&w.root.top.digest, &want));
    struct sparse_proof proof;
    ck_assert_int_eq(sparse_prove(&w.arena, &proof, &w.root, &b, &reader), ERR_NONE);
    ck_assert_uint_eq(proof.path_count, 256);

    both[0].deleted = true;
    ck_assert_int_eq(sparse_update(&w.arena, &w.root, &w.pages, both, 1, 3, &reader), ERR_NONE);
    leaf = sparse_page_leaf(&b, &both[1].value);
    ck_assert(digest_equal(&w.root.top.digest, &leaf));
    arena_release(&w.arena);
}
END_TEST

START_TEST(damaged_page_is_found)
{
    static struct world w;
    world_init(&w, 9);
    for (int i = 0; i < 5; i++)
        step(&w, 300, 300, 0);
    const struct sparse_write *top = &w.pages.list[w.pages.count - 1];
    ck_assert_uint_eq(top->place.depth, 0);
    uint8_t packed[SPARSE_PAGE_BYTES];
    size_t size = sparse_page_pack(packed, top->page);
    for (size_t at = 0; at < size; at += 13) {
        struct sparse_page page;
        packed[at] ^= 4;
        if (!sparse_page_unpack(&page, bytes_of(packed, size)) &&
            digest_equal(&page.nodes[1].digest, &w.root.top.digest)) {
            /* the digest doesn't cover the height of the page below: then that page isn't there */
            bool moved = false;
            for (int slot = 0; slot < 16; slot++)
                moved |= page.slots[slot].height != top->page->slots[slot].height;
            ck_assert(moved);
        }
        packed[at] ^= 4;
    }
    struct sparse_page page;
    ck_assert_int_eq(sparse_page_unpack(&page, bytes_of(packed, size - 1)), ERR_MALFORMED);
    ck_assert_int_eq(sparse_page_unpack(&page, bytes_of(packed, 3)), ERR_MALFORMED);

    struct sparse_root wrong = w.root;
    wrong.top.digest.bytes[0] ^= 1;
    struct sparse_reader reader = reader_of(&w);
    struct digest key = key_of(1), value;
    ck_assert_int_eq(sparse_find(&value, &wrong, &key, &reader), ERR_CORRUPT);
    arena_release(&w.arena);
}
END_TEST

START_TEST(neighbours_are_the_nearest_leaves_on_either_side)
{
    static struct world w;
    for (uint32_t keys = 1; keys <= 300; keys = keys * 2 + 1) {
        world_init(&w, 50 + keys);
        for (int i = 0; i < 4; i++)
            step(&w, keys, keys, 20);
        struct sparse_reader reader = reader_of(&w);
        for (uint32_t i = 0; i < keys + 20; i++) {
            struct digest key = key_of(i), found, best[2] = {{{0}}, {{0}}};
            bool there[2] = {false, false};
            for (uint32_t k = 0; k < keys; k++) {
                struct digest other = key_of(k);
                int order = digest_compare(&other, &key);
                bool above = order > 0;
                if (!w.present[k] || order == 0)
                    continue;
                if (!there[above] || (digest_compare(&other, &best[above]) < 0) == above)
                    best[above] = other;
                there[above] = true;
            }
            for (int above = 0; above < 2; above++) {
                enum err err = sparse_beside(&found, &w.root, &key, above, &reader);
                ck_assert_int_eq(err, there[above] ? ERR_NONE : ERR_NOT_FOUND);
                ck_assert(err || digest_equal(&found, &best[above]));
            }
        }
        arena_release(&w.arena);
    }
}
END_TEST

START_TEST(roots_are_the_known_ones)
{
    /* "key 0" -> "value 0", "key 1" -> "value 1", ... by another program in another language */
    static const struct {
        uint32_t count;
        const char *root;
    } known[] = {
        {1, "263f3134568bd91568a048cb99c08729973fd146db930b054d91a3f79e7a346a"},
        {2, "978e1405e68c6035b3d130831dde63ae9c8225e591448286d456124dbb41a025"},
        {3, "9c6a9da0c8a4b504fd888906d1265b25d3dd82d6ade033fb02c386fe4572ec16"},
        {10, "5b633d355f05323be0536779baffc085082369d8ffd8c122f70ebbdf9f5e2f88"},
        {1000, "94e14a12fb00fff7ad653aa82359e0cffb2664d906947ecfe5d1dabb7f1e5255"},
    };
    static struct world w;
    for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
        world_init(&w, 1);
        struct sparse_change changes[1000];
        for (uint32_t i = 0; i < known[k].count; i++) {
            char key[16], value[16];
            int key_size = snprintf(key, sizeof(key), "key %u", i);
            int value_size = snprintf(value, sizeof(value), "value %u", i);
            changes[i] = (struct sparse_change){digest_of(key, (size_t)key_size),
                                                digest_of(value, (size_t)value_size), false};
        }
        sparse_sort(changes, known[k].count);
        struct sparse_reader reader = reader_of(&w);
        ck_assert_int_eq(
            sparse_update(&w.arena, &w.root, &w.pages, changes, known[k].count, 1, &reader),
            ERR_NONE);
        char root[DIGEST_TEXT_SIZE];
        digest_text(root, &w.root.top.digest);
        ck_assert_str_eq(root, known[k].root);
        arena_release(&w.arena);
    }
}
END_TEST

/* --- what a later tree hasn't any more --- */

#define GONE_MAX 4096

struct gone {
    struct world *world;
    struct sparse_place pages[GONE_MAX];
    struct digest leaves[GONE_MAX];
    size_t page_count, leaf_count;
};

static enum err gone_page(void *self, const struct sparse_place *place)
{
    struct gone *gone = self;
    ck_assert_uint_lt(gone->page_count, GONE_MAX);
    gone->pages[gone->page_count++] = *place;
    return ERR_NONE;
}

static enum err gone_leaf(void *self, const struct digest *key)
{
    struct gone *gone = self;
    ck_assert_uint_lt(gone->leaf_count, GONE_MAX);
    gone->leaves[gone->leaf_count++] = *key;
    return ERR_NONE;
}

/* A reader that notes every page that it gives, for a walk over all of a tree. */
static enum err note_page(void *self, const struct sparse_place *place,
                          const struct sparse_page **page)
{
    struct gone *seen = self;
    enum err err = gone_page(seen, place);
    return err ? err : read_page(seen->world, place, page);
}

static enum err note_leaf(void *self, const struct digest *key, const struct digest *value)
{
    (void)value;
    return gone_leaf(self, key);
}

static bool has_page(const struct gone *set, const struct sparse_place *place)
{
    for (size_t i = 0; i < set->page_count; i++)
        if (set->pages[i].depth == place->depth && set->pages[i].height == place->height &&
            digest_equal(&set->pages[i].path, &place->path))
            return true;
    return false;
}

static void see(struct gone *seen, struct world *w)
{
    *seen = (struct gone){.world = w};
    struct sparse_reader reader = {seen, note_page};
    ck_assert_int_eq(sparse_walk(&w->root, &digest_zero, &reader, seen, note_leaf), ERR_NONE);
}

START_TEST(what_a_later_tree_lacks_is_told_exactly)
{
    static struct world w;
    static struct gone before, after, told;
    world_init(&w, 5);
    step(&w, 200, 200, 0);
    for (int round = 0; round < 150; round++) {
        struct sparse_root old = w.root;
        see(&before, &w);
        step(&w, 12, 200, round % 3 ? 60 : 10);
        see(&after, &w);
        told = (struct gone){.world = &w};
        struct sparse_reader reader = reader_of(&w);
        struct sparse_gone gone = {&told, gone_page, gone_leaf};
        ck_assert_int_eq(sparse_differ(&old, &w.root, &reader, &gone), ERR_NONE);
        size_t pages = 0, leaves = 0;
        for (size_t i = 0; i < before.page_count; i++) {
            bool stays = has_page(&after, &before.pages[i]);
            ck_assert(has_page(&told, &before.pages[i]) != stays);
            pages += !stays;
        }
        for (size_t i = 0; i < before.leaf_count; i++) {
            struct digest then, now;
            enum err was = sparse_find(&then, &old, &before.leaves[i], &reader),
                     is = sparse_find(&now, &w.root, &before.leaves[i], &reader);
            ck_assert_int_eq(was, ERR_NONE);
            leaves += is != ERR_NONE || !digest_equal(&then, &now);
        }
        ck_assert_uint_eq(told.page_count, pages);
        ck_assert_uint_eq(told.leaf_count, leaves);
    }
    arena_release(&w.arena);
}
END_TEST

HARNESS_MAIN("sparse", neighbours_are_the_nearest_leaves_on_either_side, roots_are_the_known_ones,
             root_is_the_slow_root_after_every_batch, order_of_batches_does_not_matter,
             change_that_changes_nothing_writes_nothing, old_heights_keep_their_tree,
             proofs_show_presence_and_absence_and_nothing_else,
             absence_by_a_leaf_of_another_branch_is_refused,
             empty_tree_has_root_zero_and_proves_absence,
             lone_leaf_is_the_root_and_two_that_share_bits_hang_deep, damaged_page_is_found,
             what_a_later_tree_lacks_is_told_exactly)
