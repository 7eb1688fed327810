/* Records, described once: from one table come pack, unpack, JSON and the fuzz target.
 *
 *     struct transfer { struct address to; struct amount amount; struct bytes memo; };
 *     static const struct record_field fields[] = {
 *         RECORD_FIXED(struct transfer, to, RECORD_AS_ADDRESS),
 *         RECORD_AMOUNT(struct transfer, amount),
 *         RECORD_TEXT(struct transfer, memo, 64),
 *     };
 *     const struct record transfer_record = RECORD(struct transfer, "transfer", fields);
 *
 * A record is packed as an array with exactly its fields, in the order of the table. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/pack.h"
#include "base/text.h"

enum record_kind {
    RECORD_KIND_UINT,   /* uint8_t .. uint64_t by `size`; at most `max` */
    RECORD_KIND_BOOL,   /* bool */
    RECORD_KIND_FIXED,  /* exactly `size` bytes in place: digests, keys, signatures, addresses */
    RECORD_KIND_AMOUNT, /* struct amount; travels as its significant bytes (zero: none), a leading zero is refused */
    RECORD_KIND_BYTES,  /* struct bytes, at most `max` bytes; unpacked ones borrow from the input */
    RECORD_KIND_TEXT,   /* struct bytes holding UTF-8, at most `max` bytes; borrows too */
    RECORD_KIND_ONE,    /* a nested struct in place, described by `sub` */
    RECORD_KIND_LIST,   /* pointer to elements described by `sub`, with a uint32_t count at `count_offset`, at most `max` */
    RECORD_KIND_DIGESTS /* pointer to struct digest, with a uint32_t count at `count_offset`, at most `max` */
};

/* How a field of bytes is shown in JSON. */
enum record_style { RECORD_AS_HEX, RECORD_AS_ADDRESS };

struct record_field {
    const char *name;
    enum record_kind kind;
    enum record_style style;
    uint32_t offset;          /* in the struct */
    uint32_t size;            /* of the member */
    uint32_t count_offset;    /* lists only */
    uint64_t max;             /* the largest value, size or count */
    const struct record *sub; /* nested ones only */
};

struct record {
    const char *name; /* as in JSON and in messages to people */
    uint32_t size;    /* of the struct */
    uint32_t field_count;
    const struct record_field *fields;
};

#define RECORD(type, text, table) {(text), sizeof(type), sizeof(table) / sizeof((table)[0]), (table)}
#define RECORD_SIZE(type, member) ((uint32_t)sizeof(((type *)0)->member))
#define RECORD_FIELD(type, member, kind, style, count, max, sub)                                   \
    {#member, (kind), (style), (uint32_t)offsetof(type, member), RECORD_SIZE(type, member), (count), (max), (sub)}
#define RECORD_UINT(type, member)                                                                  \
    RECORD_FIELD(type, member, RECORD_KIND_UINT, RECORD_AS_HEX, 0, UINT64_MAX, NULL)
#define RECORD_UINT_MAX(type, member, max)                                                         \
    RECORD_FIELD(type, member, RECORD_KIND_UINT, RECORD_AS_HEX, 0, max, NULL)
#define RECORD_BOOL(type, member) RECORD_FIELD(type, member, RECORD_KIND_BOOL, RECORD_AS_HEX, 0, 1, NULL)
#define RECORD_FIXED(type, member, style) RECORD_FIELD(type, member, RECORD_KIND_FIXED, style, 0, 0, NULL)
#define RECORD_AMOUNT(type, member) RECORD_FIELD(type, member, RECORD_KIND_AMOUNT, RECORD_AS_HEX, 0, 0, NULL)
#define RECORD_BYTES(type, member, max) RECORD_FIELD(type, member, RECORD_KIND_BYTES, RECORD_AS_HEX, 0, max, NULL)
#define RECORD_TEXT(type, member, max) RECORD_FIELD(type, member, RECORD_KIND_TEXT, RECORD_AS_HEX, 0, max, NULL)
#define RECORD_ONE(type, member, sub) RECORD_FIELD(type, member, RECORD_KIND_ONE, RECORD_AS_HEX, 0, 0, sub)
#define RECORD_LIST(type, member, count, max, sub)                                                 \
    RECORD_FIELD(type, member, RECORD_KIND_LIST, RECORD_AS_HEX, (uint32_t)offsetof(type, count), max, sub)
#define RECORD_DIGESTS(type, member, count, max)                                                   \
    RECORD_FIELD(type, member, RECORD_KIND_DIGESTS, RECORD_AS_HEX, (uint32_t)offsetof(type, count), max, NULL)

/* Appends the canonical encoding of `value`. What it packs always unpacks: a value that is out of its own bounds is our bug (CHECK). */
void record_pack(struct pack_writer *writer, const struct record *record, const void *value);

/* The encoding in memory from `arena`; data NULL when the arena is full. */
struct bytes record_bytes(struct arena *arena, const struct record *record, const void *value);

/* Size of the encoding. */
size_t record_size(const struct record *record, const void *value);

/* Reads one record inside a larger one. Lists come from `arena`; byte strings borrow from the input.
 * Failures are the reader's (ERR_LIMIT also when the arena is full); then *value is unspecified. */
void record_read(struct pack_reader *reader, struct arena *arena, const struct record *record, void *value);

/* Reads bytes that are exactly one record. On failure says which field in `fault` (may be NULL). */
MUST_USE enum err record_unpack(struct arena *arena, const struct record *record, void *value, struct bytes in,
                                struct fault *fault);

/* Appends `value` as a JSON object: integers as numbers up to 2^53 - 1 and as strings above, amounts as decimal strings,
 * byte strings as lower-case hexadecimal or an address. */
void record_json(struct text *text, const struct record *record, const void *value);

/* A choice of records: [tag, record]. Tags are never renumbered. */
struct record_option {
    uint16_t tag;
    const struct record *record;
};

struct record_choice {
    const char *name;
    const struct record_option *options;
    uint32_t option_count;
};

/* NULL if there is no such tag. */
const struct record *record_option(const struct record_choice *choice, uint16_t tag);

/* Packs [tag, record]. Requires a known tag. */
void record_choice_pack(struct pack_writer *writer, const struct record_choice *choice, uint16_t tag, const void *value);

/* Reads [tag, record] that fills `in` exactly; the record comes from `arena`, zero-initialised, and *value points at it. */
MUST_USE enum err record_choice_unpack(struct arena *arena, const struct record_choice *choice, uint16_t *tag, void **value,
                                       struct bytes in, struct fault *fault);

#endif
