#include "tools/tenured/recent.h"

#include <stdlib.h>
#include <string.h>

enum err recent_init(struct recent *recent, size_t count)
{
    memset(recent, 0, sizeof(*recent));
    recent->count = count;
    recent->slots = 2;
    while (recent->slots < 2 * count)
        recent->slots *= 2;
    recent->young = calloc(recent->slots, sizeof(struct recent_entry));
    recent->old = calloc(recent->slots, sizeof(struct recent_entry));
    if (!recent->young || !recent->old) {
        free(recent->young);
        free(recent->old);
        return ERR_LIMIT;
    }
    pthread_mutex_init(&recent->mutex, NULL);
    return ERR_NONE;
}

void recent_release(struct recent *recent)
{
    if (!recent->young)
        return;
    free(recent->young);
    free(recent->old);
    recent->young = recent->old = NULL;
    pthread_mutex_destroy(&recent->mutex);
}

/* The entry of `key`, or the free one where it belongs. A digest is as good as a hash. */
static struct recent_entry *recent_find(const struct recent *recent, struct recent_entry *table,
                                        const struct digest *key)
{
    size_t at = bytes_get_u64(key->bytes) & (recent->slots - 1);
    while (!digest_is_zero(&table[at].key) && !digest_equal(&table[at].key, key))
        at = (at + 1) & (recent->slots - 1);
    return &table[at];
}

void recent_put(struct recent *recent, const struct digest *key, uint8_t value)
{
    pthread_mutex_lock(&recent->mutex);
    struct recent_entry *entry = recent_find(recent, recent->young, key);
    if (digest_is_zero(&entry->key) && recent->used == recent->count) {
        struct recent_entry *emptied = recent->old;
        recent->old = recent->young;
        recent->young = emptied;
        recent->used = 0;
        memset(emptied, 0, recent->slots * sizeof(*emptied));
        entry = recent_find(recent, recent->young, key);
    }
    recent->used += digest_is_zero(&entry->key);
    *entry = (struct recent_entry){*key, value};
    pthread_mutex_unlock(&recent->mutex);
}

bool recent_get(struct recent *recent, const struct digest *key, uint8_t *value)
{
    pthread_mutex_lock(&recent->mutex);
    const struct recent_entry *entry = recent_find(recent, recent->young, key);
    if (digest_is_zero(&entry->key))
        entry = recent_find(recent, recent->old, key);
    bool found = !digest_is_zero(&entry->key);
    if (found)
        *value = entry->value;
    pthread_mutex_unlock(&recent->mutex);
    return found;
}
