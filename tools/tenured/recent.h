/* A bounded map from digest to one byte that forgets the oldest: two generations, the elder of which is dropped when the younger is full.
 * An entry lives for at least `count` and at most 2 * `count` later ones. Any thread. */
#ifndef TOOLS_TENURED_RECENT_H
#define TOOLS_TENURED_RECENT_H

#include <pthread.h>

#include "base/digest.h"
#include "base/error.h"

struct recent_entry {
    struct digest key; /* zero: free */
    uint8_t value;
};

struct recent {
    pthread_mutex_t mutex;
    struct recent_entry *young, *old; /* open addressing, half full at most; owned */
    size_t count, used;               /* entries a generation; those in `young` */
    size_t slots;                     /* a power of two */
};

/* ERR_LIMIT: no memory. Takes 2 * 33 * 2 * `count` bytes, rounded up to a power of two. */
MUST_USE enum err recent_init(struct recent *recent, size_t count);
void recent_release(struct recent *recent);

/* Adds or changes. Requires a key that isn't zero, which no digest of something is. */
void recent_put(struct recent *recent, const struct digest *key, uint8_t value);

/* False, and *value untouched, if it isn't known (any more). */
bool recent_get(struct recent *recent, const struct digest *key, uint8_t *value);

#endif
