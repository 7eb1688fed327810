/* Canonical MessagePack (the format's specification of 2013, restricted): fixed-length arrays of unsigned integers, byte strings and text (UTF-8 without control characters).
 * No maps, floats, signed integers, nil or extensions; `true` and `false` are allowed. The shortest form of every integer and length.
 * So one value has one encoding, and the reader refuses every other.
 *
 * msgpack-c packs; the strict reader is ours. Most code wants base/record.h, which drives both from one description. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "base/bytes.h"
#include "base/error.h"

/* Writes into the caller's memory. With data NULL it only counts, so that a caller can size a buffer.
 * It fails once and stays failed. */
struct pack_writer {
    uint8_t *data;
    size_t size;  /* room at data; SIZE_MAX when counting */
    size_t used;  /* bytes written, or wanted when counting */
    bool failed;  /* it did not fit */
};

void pack_init(struct pack_writer *writer, void *data, size_t size);
void pack_count(struct pack_writer *writer);
void pack_u64(struct pack_writer *writer, uint64_t value);
void pack_bool(struct pack_writer *writer, bool value);
void pack_bytes(struct pack_writer *writer, struct bytes value);
void pack_text(struct pack_writer *writer, struct bytes value);
void pack_array(struct pack_writer *writer, uint32_t count);

/* Reads from borrowed bytes, which must outlive what is read. It fails once and stays failed; then every value is 0 or empty. */
struct pack_reader {
    struct bytes in; /* what is left */
    enum err err;    /* ERR_NONE, ERR_MALFORMED or ERR_LIMIT: the first failure */
};

void pack_read_init(struct pack_reader *reader, struct bytes in);

/* A value over `max` fails with ERR_LIMIT, before anything is allocated for it. */
uint64_t pack_read_u64(struct pack_reader *reader, uint64_t max);
bool pack_read_bool(struct pack_reader *reader);
struct bytes pack_read_bytes(struct pack_reader *reader, size_t size_max);
struct bytes pack_read_text(struct pack_reader *reader, size_t size_max);

/* The count of an array's elements; also refuses a count larger than the bytes that are left. */
uint32_t pack_read_array(struct pack_reader *reader, uint32_t count_max);

/* ERR_NONE only if everything was well-formed and nothing is left over. */
MUST_USE enum err pack_read_end(const struct pack_reader *reader);

#endif
