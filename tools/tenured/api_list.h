/* Pages of state: keys in order, a bounded number and size, and where to go on. */
#ifndef TOOLS_TENURED_API_LIST_H
#define TOOLS_TENURED_API_LIST_H

#include "contracts/path.h"
#include "tools/tenured/api_ask.h"

/* A page ends after so much text, whatever its limit. */
#define API_LIST_BYTES (4u << 20)

/* Adds the entries whose keys begin with `prefix` and are after `after` (size 0: all), at most
 * `limit`; `item` adds one to the answer. *next becomes the last key of the page if there are more,
 * else empty. */
MUST_USE enum err api_list_walk(struct api_ask *ask, struct bytes *next, struct bytes prefix,
                                struct bytes after, uint64_t limit,
                                enum err (*item)(struct api_ask *ask,
                                                 const struct history_entry *entry));

/* Reads the record that the catalogue has for the key, in the ask's arena. ERR_CORRUPT if the value
 * is none. */
MUST_USE enum err api_list_read(struct api_ask *ask, const struct record **record, void **value,
                                const struct history_entry *entry);

/* The value at `key` as a member `name` of the answer; nothing if there is no such key. */
MUST_USE enum err api_list_member(struct api_ask *ask, const char *name, const struct path *key);

/* {"name":number, and the members of the entry's record, without the closing brace. */
MUST_USE enum err api_list_object(struct api_ask *ask, const struct history_entry *entry,
                                  const char *name, uint64_t number);

#endif
