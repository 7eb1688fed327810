/* Where things stand in the store: the layout of every key, and the few values that aren't records of their own.
 *
 *     family     key                                          value
 *     meta       "format" | "genesis" | "head" | "start"      u32 | packed genesis | height u64 | height u64 (none: 0)
 *                "import"                                     struct import_progress (import.h), until it is finished
 *     headers    height u64                                   struct layout_header
 *     bodies     height u64                                   packed body (block.h)
 *     receipts   height u64                                   packed receipt list (receipt.h)
 *     values     state key                                    state value
 *     past       size of key u8, state key, height u64        value written at that height; empty: deleted
 *     pages      depth u8, path (depth nibbles), height u64   packed page (sparse.h)
 *     keys       H(state key)                                 state key; stays when the value goes
 *     index      'b', header digest                           height u64
 *                't', transaction id                          height u64, index u32
 *                'a', address, height u64                     for each transaction: index u32, id
 *     held       height u64, header digest                    struct layout_held
 *
 * Integers are big-endian, so that key order is number order. */
#ifndef LEDGER_LAYOUT_H
#define LEDGER_LAYOUT_H

#include "base/address.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/record.h"
#include "ledger/block.h"
#include "ledger/overlay.h"
#include "ledger/sparse.h"
#include "ledger/store.h"

/* Raised when a layout changes; an older program refuses a newer folder. */
#define LAYOUT_FORMAT 1

#define LAYOUT_META_FORMAT  "format"
#define LAYOUT_META_GENESIS "genesis"
#define LAYOUT_META_HEAD    "head"
#define LAYOUT_META_START   "start"
#define LAYOUT_META_IMPORT  "import"

/* Bytes of one transaction in an account's index. */
#define LAYOUT_PARTY_SIZE (4 + DIGEST_SIZE)

/* A certificate: a quorum of up to 64 signatures with their statement, with room. */
#define LAYOUT_CERTIFICATE_BYTES 65536

struct layout_header {
    struct bytes header;      /* packed */
    struct bytes certificate; /* whatever consensus gave */
    uint8_t root_kind;        /* enum sparse_kind of the state's root */
    uint64_t root_height;     /* of its root page */
};

struct layout_held {
    struct bytes header;
    struct bytes body;
};

extern const struct record layout_header_record;
extern const struct record layout_held_record;

/* A key in the making. */
struct layout_key {
    uint8_t bytes[1 + LIMIT_KEY_BYTES + 8];
    size_t size;
};

struct layout_key layout_height(uint64_t height);
struct layout_key layout_past(struct bytes key, uint64_t height);
struct layout_key layout_page(const struct sparse_place *place);
struct layout_key layout_block(const struct digest *digest);
struct layout_key layout_tx(const struct digest *id);
struct layout_key layout_party(const struct address *account, uint64_t height);
struct layout_key layout_held_at(uint64_t height, const struct digest *digest);

/* Borrowed from `key`. */
struct bytes layout_bytes(const struct layout_key *key);

/* Puts all of an executed block into `batch`, as the new head. `arena` needs the size of its receipts twice.
 * ERR_LIMIT when the arena is full. */
MUST_USE enum err layout_put_block(struct arena *arena, struct store_batch *batch,
                                   struct overlay_entry *entry, struct bytes certificate);

#endif
