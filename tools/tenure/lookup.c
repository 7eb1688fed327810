#include "tools/tenure/lookup.h"

#include "base/limits.h"

#include <string.h>

/* Entries in one request. */
#define PAGE 256

/* Hexadecimal text to bytes in `arena`. False if it is none or the arena is full. */
static bool from_hex(struct arena *arena, struct bytes *out, const char *text)
{
    size_t size = strlen(text);
    uint8_t *raw = arena_alloc(arena, size / 2);

    if (!raw || size % 2 || !bytes_from_hex(raw, size / 2, text))
        return false;
    *out = bytes_of(raw, size / 2);
    return true;
}

static enum err entry(struct arena *arena, const struct answer *answer, const struct record *record,
                      struct bytes *key, void *value, struct fault *fault)
{
    struct bytes packed;

    if (!from_hex(arena, &packed, answer_text(answer, "value")) ||
        !from_hex(arena, key, answer_text(answer, "key")))
        return fault_set(fault, ERR_MALFORMED, "the node's answer holds no %s record",
                         record->name);
    return record_unpack(arena, record, value, packed, fault);
}

enum err lookup_get(struct client *client, struct arena *arena, struct bytes key,
                    const struct record *record, void *value, struct fault *fault)
{
    char hex[2 * LIMIT_KEY_BYTES + 1];
    struct answer *root = NULL;
    struct bytes found;
    enum err err;

    bytes_to_hex(hex, key);
    err = client_get(client, &root, fault, "/v1/state?key=%s", hex);
    if (!err)
        err = entry(arena, root, record, &found, value, fault);
    answer_free(root);
    return err;
}

static enum err take_page(struct arena *arena, const struct answer *root,
                          const struct record *record, struct lookup_list *list,
                          struct fault *fault)
{
    uint32_t count = answer_count(root, "entries");

    if (list->count + count > LOOKUP_ENTRIES_MAX)
        return fault_set(fault, ERR_LIMIT, "more than %d entries", LOOKUP_ENTRIES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        void *value = arena_alloc(arena, record->size);
        enum err err;
        if (!value)
            return fault_set(fault, ERR_LIMIT, "the entries need too much memory");
        err = entry(arena, answer_item(root, "entries", i), record, &list->keys[list->count], value,
                    fault);
        if (err)
            return err;
        list->values[list->count++] = value;
    }
    return ERR_NONE;
}

enum err lookup_all(struct client *client, struct arena *arena, struct bytes prefix,
                    const struct record *record, struct lookup_list *list, struct fault *fault)
{
    char hex[2 * LIMIT_KEY_BYTES + 1], after[2 * LIMIT_KEY_BYTES + 8] = "";
    enum err err = ERR_NONE;

    *list = (struct lookup_list){arena_array(arena, LOOKUP_ENTRIES_MAX, sizeof(struct bytes)),
                                 arena_array(arena, LOOKUP_ENTRIES_MAX, sizeof(void *)), 0};
    if (!list->keys || !list->values)
        return fault_set(fault, ERR_LIMIT, "the entries need too much memory");
    bytes_to_hex(hex, prefix);
    do {
        struct answer *root = NULL;
        const char *next;
        err = client_get(client, &root, fault, "/v1/state?prefix=%s&limit=%d%s", hex, PAGE, after);
        if (!err)
            err = take_page(arena, root, record, list, fault);
        next = answer_text(root, "next");
        snprintf(after, sizeof(after), "%s%s", next[0] ? "&after=" : "", next);
        answer_free(root);
    } while (!err && after[0]);
    return err;
}
