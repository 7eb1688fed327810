#include "tools/tenured/api_list.h"

#include "contracts/catalog.h"

/* Read at a time, so that a page that ends early hasn't read far more than it shows. */
#define API_LIST_STEP 32

enum err api_list_walk(struct api_ask *ask, struct bytes *next, struct bytes prefix,
                       struct bytes after, uint64_t limit,
                       enum err (*item)(struct api_ask *ask, const struct history_entry *entry))
{
    *next = bytes_of(NULL, 0);
    for (uint64_t done = 0;;) {
        struct history_entry *list;
        size_t count;
        enum err err = history_list(&ask->arena, ask->history, &list, &count, prefix, after,
                                    API_LIST_STEP, &ask->fault);
        if (err != ERR_NONE)
            return err;
        for (size_t i = 0; i < count; i++, done++) {
            if (done == limit || ask->out->size > API_LIST_BYTES) {
                *next = after;
                return ERR_NONE;
            }
            err = item(ask, &list[i]);
            if (err != ERR_NONE)
                return err;
            after = list[i].key;
        }
        if (count < API_LIST_STEP)
            return ERR_NONE;
    }
}

enum err api_list_read(struct api_ask *ask, const struct record **record, void **value,
                       const struct history_entry *entry)
{
    const struct catalog_state *state = catalog_state(entry->key);
    if (state == NULL)
        return fault_set(&ask->fault, ERR_CORRUPT, "a state key of no known kind");
    *value = arena_alloc(&ask->arena, state->record->size);
    if (*value == NULL)
        return ERR_LIMIT;
    *record = state->record;
    enum err err = record_unpack(&ask->arena, state->record, *value, entry->value, NULL);
    return err == ERR_NONE || err == ERR_LIMIT
               ? err
               : fault_set(&ask->fault, ERR_CORRUPT, "state under %s is no %s", state->word,
                           state->record->name);
}

enum err api_list_member(struct api_ask *ask, const char *name, const struct path *key)
{
    struct history_entry entry = {.key = path_key(key)};
    const struct record *record;
    void *value;
    enum err err = history_value(&ask->arena, ask->history, &entry.value, entry.key,
                                 history_height(ask->history), &ask->fault);
    if (err == ERR_NOT_FOUND)
        return ERR_NONE;
    if (err == ERR_NONE)
        err = api_list_read(ask, &record, &value, &entry);
    if (err != ERR_NONE)
        return err;
    api_ask_name(ask->out, name);
    record_json(ask->out, record, value);
    return ERR_NONE;
}

enum err api_list_object(struct api_ask *ask, const struct history_entry *entry, const char *name,
                         uint64_t number)
{
    const struct record *record;
    void *value;
    enum err err = api_list_read(ask, &record, &value, entry);
    if (err != ERR_NONE)
        return err;
    api_ask_comma(ask->out);
    text_add(ask->out, "{");
    api_ask_integer(ask->out, name, number);
    api_ask_members(ask->out, record, value);
    return ERR_NONE;
}
