#include "ledger/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void overlay_init(struct overlay *overlay)
{
    *overlay = (struct overlay){0};
}

void overlay_release(struct overlay *overlay)
{
    while (overlay->entries) {
        struct overlay_entry *entry = overlay->entries;
        overlay->entries = entry->next;
        overlay_entry_free(entry);
    }
    overlay_init(overlay);
}

struct overlay_entry *overlay_entry_new(void)
{
    struct overlay_entry *entry = calloc(1, sizeof(*entry));
    if (entry)
        arena_init(&entry->arena, OVERLAY_ENTRY_BYTES);
    return entry;
}

void overlay_entry_free(struct overlay_entry *entry)
{
    if (!entry)
        return;
    arena_release(&entry->arena);
    free(entry);
}

static int place_compare(const struct sparse_place *a, const struct sparse_place *b)
{
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    return digest_compare(&a->path, &b->path);
}

static int write_compare(const void *a, const void *b)
{
    return place_compare(&((const struct sparse_write *)a)->place,
                         &((const struct sparse_write *)b)->place);
}

enum err overlay_add_take(struct overlay *overlay, struct overlay_entry *entry)
{
    CHECK(!overlay_find(overlay, &entry->digest));
    CHECK(!entry->parent || overlay_find(overlay, &entry->parent->digest) == entry->parent);
    if (overlay->count == OVERLAY_ENTRIES_MAX)
        return ERR_LIMIT;
    if (entry->pages.count > 1)
        /* allow purity: every page is there once, so the order is total */
        qsort(entry->pages.list, entry->pages.count, sizeof(*entry->pages.list), write_compare);
    entry->next = overlay->entries;
    overlay->entries = entry;
    overlay->count++;
    return ERR_NONE;
}

struct overlay_entry *overlay_find(const struct overlay *overlay, const struct digest *digest)
{
    struct overlay_entry *entry = overlay->entries;
    while (entry && !digest_equal(&entry->digest, digest))
        entry = entry->next;
    return entry;
}

/* --- reading --- */

/* The first value of `entry` whose key is not below `key`; value_count if there is none. */
static size_t value_from(const struct overlay_entry *entry, struct bytes key)
{
    size_t low = 0, high = entry->value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare(entry->values[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool overlay_get(const struct overlay_entry *entry, struct bytes key, struct bytes *value)
{
    for (; entry; entry = entry->parent) {
        size_t i = value_from(entry, key);
        if (i < entry->value_count && bytes_equal(entry->values[i].key, key)) {
            *value = entry->values[i].value;
            return true;
        }
    }
    return false;
}

bool overlay_next(const struct overlay_entry *entry, struct bytes prefix, struct bytes after,
                  struct bytes *key, struct bytes *value)
{
    const struct overlay_value *least = NULL;
    for (; entry; entry = entry->parent) {
        size_t i =
            value_from(entry, after.data && bytes_compare(after, prefix) > 0 ? after : prefix);
        if (i < entry->value_count && after.data && bytes_equal(entry->values[i].key, after))
            i++;
        if (i == entry->value_count || !bytes_begins(entry->values[i].key, prefix))
            continue;
        /* the entry nearest to us has the say, so an equal key of an ancestor doesn't replace it */
        if (!least || bytes_compare(entry->values[i].key, least->key) < 0)
            least = &entry->values[i];
    }
    if (!least)
        return false;
    *key = least->key;
    *value = least->value;
    return true;
}

const struct sparse_page *overlay_page(const struct overlay_entry *entry,
                                       const struct sparse_place *place)
{
    while (entry && entry->header.height > place->height)
        entry = entry->parent;
    if (!entry || entry->header.height != place->height || entry->pages.count == 0)
        return NULL;
    struct sparse_write wanted = {.place = *place};
    const struct sparse_write *found = bsearch(&wanted, entry->pages.list, entry->pages.count,
                                               sizeof(*entry->pages.list), write_compare);
    return found ? found->page : NULL;
}

/* --- the tree --- */

static bool descends(const struct overlay_entry *entry, const struct overlay_entry *ancestor)
{
    while (entry && entry != ancestor)
        entry = entry->parent;
    return entry != NULL;
}

void overlay_commit(struct overlay *overlay, struct overlay_entry *entry,
                    void (*dropped)(void *self, const struct overlay_entry *entry), void *self)
{
    CHECK(overlay_find(overlay, &entry->digest) == entry);
    CHECK(!entry->parent);
    struct overlay_entry *kept = NULL, *gone = NULL;
    for (struct overlay_entry *each = overlay->entries, *next; each; each = next) {
        next = each->next;
        struct overlay_entry **list = each != entry && descends(each, entry) ? &kept : &gone;
        each->next = *list;
        *list = each;
    }
    overlay_init(overlay);
    while (kept) {
        struct overlay_entry *each = kept;
        kept = each->next;
        if (each->parent == entry)
            each->parent = NULL;
        each->next = overlay->entries;
        overlay->entries = each;
        overlay->count++;
    }
    while (gone) {
        struct overlay_entry *each = gone;
        gone = each->next;
        if (each != entry && dropped)
            dropped(self, each);
        overlay_entry_free(each);
    }
}

void overlay_discard(struct overlay *overlay, struct overlay_entry *entry)
{
    CHECK(overlay_find(overlay, &entry->digest) == entry);
    struct overlay_entry *gone = NULL;
    for (struct overlay_entry **at = &overlay->entries; *at;) {
        struct overlay_entry *each = *at;
        if (!descends(each, entry)) {
            at = &each->next;
            continue;
        }
        *at = each->next;
        each->next = gone;
        gone = each;
        overlay->count--;
    }
    while (gone) {
        struct overlay_entry *each = gone;
        gone = each->next;
        overlay_entry_free(each);
    }
}
