/* State keys: a word, a slash, then big-endian numbers and addresses, so that key order is the order of the numbers.
 *
 *     account/ <address>      slot/ <job u64> <slot u16>      due/ <time u64> <kind u8> <object u64> <part u32>
 *
 * contracts/catalog.h lists every word with the record of its values. */
#ifndef CONTRACTS_PATH_H
#define CONTRACTS_PATH_H

#include "base/address.h"
#include "base/bytes.h"
#include "base/limits.h"

/* A key in the making; plain memory. Every key of the contracts fits in 64 bytes. */
struct path {
    uint8_t bytes[64];
    uint32_t size;
};

/* `word` with its slash, as in "slot/". */
struct path path_of(const char *word);
void path_u8(struct path *path, uint8_t value);
void path_u16(struct path *path, uint16_t value);
void path_u32(struct path *path, uint32_t value);
void path_u64(struct path *path, uint64_t value);
void path_address(struct path *path, const struct address *address);
void path_raw(struct path *path, struct bytes raw);

/* The key so far; borrowed from `path`. */
struct bytes path_key(const struct path *path);

/* The usual shapes. */
struct path path_1(const char *word, uint64_t object);                     /* word object */
struct path path_part(const char *word, uint64_t object, uint16_t part);   /* word object part */
struct path path_account(const char *word, const struct address *address); /* word address */

#endif
