#include "ledger/sparse.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const struct record_field proof_fields[] = {
    RECORD_UINT_MAX(struct sparse_proof, end, SPARSE_END_OTHER),
    RECORD_FIXED(struct sparse_proof, other_key, RECORD_AS_HEX),
    RECORD_FIXED(struct sparse_proof, other_value, RECORD_AS_HEX),
    RECORD_DIGESTS(struct sparse_proof, path, path_count, LIMIT_SPARSE_PATH),
};
const struct record sparse_proof_record = RECORD(struct sparse_proof, "proof", proof_fields);

/* --- update --- */

struct update {
    struct arena *arena;
    const struct sparse_reader *reader;
    struct sparse_writes *writes;
    uint64_t height;
};

static int change_compare(const void *a, const void *b)
{
    return digest_compare(&((const struct sparse_change *)a)->key,
                          &((const struct sparse_change *)b)->key);
}

void sparse_sort(struct sparse_change *changes, size_t count)
{
    /* allow purity: the keys are different, so the order is total and every qsort gives the same */
    qsort(changes, count, sizeof(*changes), change_compare);
}

/* Where there is no page: does what hangs there stay a lone leaf or nothing? Then this is all there is to do. */
static bool grow_leaf(struct sparse_node *node, struct sparse_slot *slot,
                      const struct sparse_change *changes, size_t count)
{
    const struct sparse_change *put = NULL;
    size_t puts = 0;
    bool stays = node->kind == SPARSE_LEAF;
    for (size_t i = 0; i < count; i++) {
        if (stays && digest_equal(&changes[i].key, &slot->key))
            stays = false;
        if (!changes[i].deleted) {
            put = &changes[i];
            puts++;
        }
    }
    if (puts + stays > 1)
        return false;
    if (put) {
        sparse_page_put(node, slot, &put->key, &put->value);
    } else if (!stays) {
        *node = (struct sparse_node){0};
        *slot = (struct sparse_slot){0};
    }
    return true;
}

/* A copy, in the arena, of the page below the slot; or a new one that holds the slot's lone leaf, if any. */
static enum err page_open(struct update *update, struct sparse_page **out,
                          const struct sparse_node *node, const struct sparse_slot *slot,
                          const struct digest *key, unsigned depth)
{
    struct sparse_page *page = arena_alloc(update->arena, sizeof(*page));
    if (!page)
        return ERR_LIMIT;
    if (node->kind == SPARSE_NODE || (depth == 0 && node->kind != SPARSE_EMPTY)) {
        struct sparse_place place = sparse_page_place(key, depth, slot->height);
        const struct sparse_page *stored;
        enum err err = update->reader->page(update->reader->self, &place, &stored);
        if (err)
            return err;
        if (!sparse_page_same(&stored->nodes[1], node))
            return ERR_CORRUPT;
        *page = *stored;
    } else if (node->kind == SPARSE_LEAF) {
        unsigned at = sparse_page_slot(&slot->key, depth);
        page->nodes[SPARSE_PAGE_SLOTS + at] = *node;
        page->slots[at] = *slot;
        sparse_page_hash(page, 1u << at);
    }
    *out = page;
    return ERR_NONE;
}

static enum err writes_add(struct update *update, const struct sparse_place *place,
                           const struct sparse_page *page)
{
    struct sparse_writes *writes = update->writes;
    if (writes->count == writes->room) {
        size_t room = writes->room ? 2 * writes->room : 64;
        struct sparse_write *list = arena_array(update->arena, room, sizeof(*list));
        if (!list)
            return ERR_LIMIT;
        if (writes->count)
            memcpy(list, writes->list, writes->count * sizeof(*list));
        writes->list = list;
        writes->room = room;
    }
    writes->list[writes->count++] = (struct sparse_write){*place, page};
    return ERR_NONE;
}

/* Applies changes, all of which belong below this slot, whose page has `depth` pages above it. */
static enum err grow(struct update *update, struct sparse_node *node, struct sparse_slot *slot,
                     unsigned depth, const struct sparse_change *changes, size_t count)
{
    if (depth > 0 && node->kind != SPARSE_NODE && grow_leaf(node, slot, changes, count))
        return ERR_NONE;
    CHECK(depth < SPARSE_PAGE_DEPTH);

    struct sparse_page *page;
    enum err err = page_open(update, &page, node, slot, &changes[0].key, depth);
    if (err)
        return err;
    uint32_t dirty = 0;
    for (size_t first = 0, end; first < count; first = end) {
        unsigned at = sparse_page_slot(&changes[first].key, depth);
        for (end = first + 1; end < count && sparse_page_slot(&changes[end].key, depth) == at; end++)
            ;
        struct sparse_node before = page->nodes[SPARSE_PAGE_SLOTS + at];
        err = grow(update, &page->nodes[SPARSE_PAGE_SLOTS + at], &page->slots[at], depth + 1, changes + first,
                   end - first);
        if (err)
            return err;
        if (!sparse_page_same(&before, &page->nodes[SPARSE_PAGE_SLOTS + at]))
            dirty |= 1u << at;
    }
    sparse_page_hash(page, dirty);
    if (sparse_page_same(node, &page->nodes[1]))
        return ERR_NONE;

    *node = page->nodes[1];
    *slot = (struct sparse_slot){0};
    if (depth > 0 && node->kind != SPARSE_NODE) { /* what is left rises */
        if (node->kind == SPARSE_LEAF)
            *slot = page->slots[sparse_page_find(page, 1)];
        return ERR_NONE;
    }
    slot->height = update->height;
    struct sparse_place place = sparse_page_place(&changes[0].key, depth, update->height);
    return writes_add(update, &place, page);
}

enum err sparse_update(struct arena *arena, struct sparse_root *root, struct sparse_writes *writes,
                       const struct sparse_change *changes, size_t count, uint64_t height,
                       const struct sparse_reader *reader)
{
    for (size_t i = 1; i < count; i++)
        CHECK(digest_compare(&changes[i - 1].key, &changes[i].key) < 0);
    if (count == 0)
        return ERR_NONE;

    struct update update = {.arena = arena, .reader = reader, .writes = writes, .height = height};
    struct sparse_node top = root->top;
    struct sparse_slot slot = {.height = root->height};
    enum err err = grow(&update, &top, &slot, 0, changes, count);
    if (!err)
        *root = (struct sparse_root){top, slot.height};
    return err;
}

/* --- reading and proving --- */

/* A subtree that hangs beside the way down. */
struct beside {
    bool there;
    struct sparse_place place;
    unsigned node; /* in the page at `place` */
};

/* Where the way down to a key ends. */
struct descent {
    struct digest siblings[LIMIT_SPARSE_PATH]; /* from the top */
    unsigned level;                            /* siblings so far */
    struct sparse_node end;                    /* empty or a leaf */
    struct sparse_slot slot;                   /* the leaf's */
    struct beside beside[2]; /* the deepest that isn't empty, below the key and above it */
};

static enum err descend(struct descent *descent, const struct sparse_root *root,
                        const struct digest *key, const struct sparse_reader *reader)
{
    descent->level = 0;
    descent->end = root->top;
    descent->beside[0].there = descent->beside[1].there = false;
    uint64_t height = root->height;
    if (root->top.kind == SPARSE_EMPTY)
        return ERR_NONE;
    for (unsigned depth = 0; depth < SPARSE_PAGE_DEPTH; depth++) {
        struct sparse_place place = sparse_page_place(key, depth, height);
        const struct sparse_page *page;
        enum err err = reader->page(reader->self, &place, &page);
        if (err)
            return err;
        if (!sparse_page_same(&page->nodes[1], &descent->end))
            return ERR_CORRUPT;
        unsigned i = 1;
        while (i < SPARSE_PAGE_SLOTS && page->nodes[i].kind == SPARSE_NODE) {
            unsigned bit = sparse_page_bit(key, descent->level);
            i = 2 * i + bit;
            if (page->nodes[i ^ 1].kind != SPARSE_EMPTY)
                descent->beside[!bit] = (struct beside){true, place, i ^ 1};
            descent->siblings[descent->level++] = page->nodes[i ^ 1].digest;
        }
        descent->end = page->nodes[i];
        if (descent->end.kind == SPARSE_LEAF)
            descent->slot = page->slots[sparse_page_find(page, i)];
        if (descent->end.kind != SPARSE_NODE)
            return ERR_NONE;
        height = page->slots[i - SPARSE_PAGE_SLOTS].height;
    }
    return ERR_CORRUPT;
}

enum err sparse_find(struct digest *value, const struct sparse_root *root, const struct digest *key,
                     const struct sparse_reader *reader)
{
    struct descent descent;
    enum err err = descend(&descent, root, key, reader);
    if (err)
        return err;
    if (descent.end.kind != SPARSE_LEAF || !digest_equal(&descent.slot.key, key))
        return ERR_NOT_FOUND;
    *value = descent.slot.value;
    return ERR_NONE;
}

/* The first or last leaf under a node that isn't empty. */
static enum err edge(struct digest *key, const struct beside *from, bool last,
                     const struct sparse_reader *reader)
{
    struct sparse_place place = from->place;
    unsigned i = from->node;
    for (;;) {
        const struct sparse_page *page;
        enum err err = reader->page(reader->self, &place, &page);
        if (err)
            return err;
        while (i < SPARSE_PAGE_SLOTS && page->nodes[i].kind == SPARSE_NODE)
            i = 2 * i + (page->nodes[2 * i + last].kind == SPARSE_EMPTY ? !last : last);
        if (page->nodes[i].kind == SPARSE_LEAF) {
            *key = page->slots[sparse_page_find(page, i)].key;
            return ERR_NONE;
        }
        if (page->nodes[i].kind == SPARSE_EMPTY || place.depth + 1 == SPARSE_PAGE_DEPTH)
            return ERR_CORRUPT;
        place = sparse_page_below(&place, i - SPARSE_PAGE_SLOTS, page->slots[i - SPARSE_PAGE_SLOTS].height);
        i = 1;
    }
}

enum err sparse_beside(struct digest *beside, const struct sparse_root *root,
                       const struct digest *key, bool above, const struct sparse_reader *reader)
{
    struct descent descent;
    enum err err = descend(&descent, root, key, reader);
    if (err)
        return err;
    int order = descent.end.kind == SPARSE_LEAF ? digest_compare(&descent.slot.key, key) : 0;
    if (above ? order > 0 : order < 0) {
        *beside = descent.slot.key;
        return ERR_NONE;
    }
    return descent.beside[above].there ? edge(beside, &descent.beside[above], !above, reader)
                                       : ERR_NOT_FOUND;
}

struct walk {
    const struct digest *from;
    const struct sparse_reader *reader;
    void *self;
    enum err (*each)(void *self, const struct digest *key, const struct digest *value);
};

/* `edge`: `from` is below this page; else all of the page is above it. */
static enum err walk_page(const struct walk *walk, const struct sparse_place *place,
                          const struct sparse_node *top, bool edge)
{
    const struct sparse_page *borrowed;
    enum err err = walk->reader->page(walk->reader->self, place, &borrowed);
    if (err)
        return err;
    struct sparse_page page = *borrowed;
    if (!sparse_page_same(&page.nodes[1], top) || place->depth >= SPARSE_PAGE_DEPTH)
        return ERR_CORRUPT;
    unsigned first = edge ? sparse_page_slot(walk->from, place->depth) : 0;
    for (unsigned i = first; i < SPARSE_PAGE_SLOTS && !err; i++) {
        const struct sparse_slot *slot = &page.slots[i];
        if (page.nodes[SPARSE_PAGE_SLOTS + i].kind == SPARSE_LEAF && digest_compare(&slot->key, walk->from) >= 0)
            err = walk->each(walk->self, &slot->key, &slot->value);
        if (page.nodes[SPARSE_PAGE_SLOTS + i].kind != SPARSE_NODE)
            continue;
        struct sparse_place below = sparse_page_below(place, i, slot->height);
        err = walk_page(walk, &below, &page.nodes[SPARSE_PAGE_SLOTS + i], edge && i == first);
    }
    return err;
}

enum err sparse_walk(const struct sparse_root *root, const struct digest *from,
                     const struct sparse_reader *reader, void *self,
                     enum err (*each)(void *self, const struct digest *key,
                                      const struct digest *value))
{
    struct walk walk = {from, reader, self, each};
    struct sparse_place place = {.height = root->height};
    return root->top.kind == SPARSE_EMPTY ? ERR_NONE : walk_page(&walk, &place, &root->top, true);
}

struct differ {
    const struct sparse_root *after;
    const struct sparse_reader *reader;
    const struct sparse_gone *gone;
};

static enum err copy_page(const struct differ *differ, struct sparse_page *copy,
                          const struct sparse_place *place, const struct sparse_node *top)
{
    const struct sparse_page *borrowed;
    enum err err = differ->reader->page(differ->reader->self, place, &borrowed);
    if (err)
        return err;
    *copy = *borrowed;
    return sparse_page_same(&copy->nodes[1], top) && place->depth < SPARSE_PAGE_DEPTH ? ERR_NONE
                                                                                : ERR_CORRUPT;
}

/* A leaf that isn't where it was: somewhere else in the later tree, or gone. */
static enum err differ_leaf(const struct differ *differ, const struct sparse_slot *slot)
{
    struct digest value;
    enum err err = sparse_find(&value, differ->after, &slot->key, differ->reader);
    if (err && err != ERR_NOT_FOUND)
        return err;
    return !err && digest_equal(&value, &slot->value)
               ? ERR_NONE
               : differ->gone->leaf(differ->gone->self, &slot->key);
}

/* The page at `place`, and the later tree's there, which is another one or (NULL) none. */
static enum err differ_page(const struct differ *differ, const struct sparse_place *place,
                            const struct sparse_node *top, const struct sparse_place *later,
                            const struct sparse_node *later_top)
{
    struct sparse_page page, now = {0};
    enum err err = copy_page(differ, &page, place, top);
    if (!err && later)
        err = copy_page(differ, &now, later, later_top);
    if (!err)
        err = differ->gone->page(differ->gone->self, place);
    for (unsigned i = 0; i < SPARSE_PAGE_SLOTS && !err; i++) {
        const struct sparse_slot *slot = &page.slots[i], *slot_now = &now.slots[i];
        const struct sparse_node *node = &page.nodes[SPARSE_PAGE_SLOTS + i], *node_now = &now.nodes[SPARSE_PAGE_SLOTS + i];
        bool same = sparse_page_same(node, node_now);
        if (node->kind == SPARSE_LEAF && !same)
            err = differ_leaf(differ, slot);
        if (node->kind != SPARSE_NODE || (same && slot->height == slot_now->height))
            continue;
        struct sparse_place below = sparse_page_below(place, i, slot->height),
                            below_now = sparse_page_below(place, i, slot_now->height);
        bool there = node_now->kind == SPARSE_NODE;
        err = differ_page(differ, &below, node, there ? &below_now : NULL, node_now);
    }
    return err;
}

enum err sparse_differ(const struct sparse_root *before, const struct sparse_root *after,
                       const struct sparse_reader *reader, const struct sparse_gone *gone)
{
    struct differ differ = {after, reader, gone};
    struct sparse_place place = {.height = before->height}, later = {.height = after->height};
    if (before->top.kind == SPARSE_EMPTY ||
        (sparse_page_same(&before->top, &after->top) && before->height == after->height))
        return ERR_NONE;
    return differ_page(&differ, &place, &before->top,
                       after->top.kind == SPARSE_EMPTY ? NULL : &later, &after->top);
}

static enum err count_one(void *self, const struct digest *key, const struct digest *value)
{
    (void)key;
    (void)value;
    ++*(uint64_t *)self;
    return ERR_NONE;
}

enum err sparse_count(uint64_t *leaves, const struct sparse_root *root,
                      const struct sparse_reader *reader)
{
    *leaves = 0;
    return sparse_walk(root, &digest_zero, reader, leaves, count_one);
}

enum err sparse_prove(struct arena *arena, struct sparse_proof *proof,
                      const struct sparse_root *root, const struct digest *key,
                      const struct sparse_reader *reader)
{
    struct descent descent;
    enum err err = descend(&descent, root, key, reader);
    if (err)
        return err;
    struct sparse_proof made = {.end = SPARSE_END_EMPTY, .path_count = descent.level};
    made.path = arena_array(arena, descent.level, sizeof(*made.path));
    if (!made.path)
        return ERR_LIMIT;
    for (unsigned i = 0; i < descent.level; i++)
        made.path[i] = descent.siblings[descent.level - 1 - i];
    if (descent.end.kind == SPARSE_LEAF && digest_equal(&descent.slot.key, key)) {
        made.end = SPARSE_END_SELF;
    } else if (descent.end.kind == SPARSE_LEAF) {
        made.end = SPARSE_END_OTHER;
        made.other_key = descent.slot.key;
        made.other_value = descent.slot.value;
    }
    *proof = made;
    return ERR_NONE;
}

/* The root that the path gives from `end` upwards at the position of `key`. */
static struct digest fold(struct digest end, const struct digest *key,
                          const struct sparse_proof *proof)
{
    for (uint32_t i = 0; i < proof->path_count; i++) {
        if (sparse_page_bit(key, proof->path_count - 1 - i))
            end = sparse_page_parent(&proof->path[i], &end);
        else
            end = sparse_page_parent(&end, &proof->path[i]);
    }
    return end;
}

bool sparse_has_at(const struct digest *root, const struct digest *position,
                   const struct digest *value, const struct sparse_proof *proof)
{
    if (proof->end != SPARSE_END_SELF || proof->path_count > LIMIT_SPARSE_PATH)
        return false;
    struct digest top = fold(sparse_page_leaf(position, value), position, proof);
    return digest_equal(&top, root);
}

bool sparse_lacks_at(const struct digest *root, const struct digest *position,
                     const struct sparse_proof *proof)
{
    if (proof->path_count > LIMIT_SPARSE_PATH)
        return false;
    struct digest end = digest_zero;
    if (proof->end == SPARSE_END_OTHER) {
        if (digest_equal(&proof->other_key, position))
            return false;
        for (unsigned level = 0; level < proof->path_count; level++)
            if (sparse_page_bit(position, level) != sparse_page_bit(&proof->other_key, level))
                return false;
        end = sparse_page_leaf(&proof->other_key, &proof->other_value);
    } else if (proof->end != SPARSE_END_EMPTY) {
        return false;
    }
    struct digest top = fold(end, position, proof);
    return digest_equal(&top, root);
}

bool sparse_has(const struct digest *root, struct bytes key, struct bytes value,
                const struct sparse_proof *proof)
{
    struct digest position = digest_of(key.data, key.size);
    struct digest content = digest_of(value.data, value.size);
    return value.size > 0 && sparse_has_at(root, &position, &content, proof);
}

bool sparse_lacks(const struct digest *root, struct bytes key, const struct sparse_proof *proof)
{
    struct digest position = digest_of(key.data, key.size);
    return sparse_lacks_at(root, &position, proof);
}
