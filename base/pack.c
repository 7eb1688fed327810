#include "base/pack.h"

#include <msgpack/pack.h>
#include <string.h>

#include "base/check.h"

/* --- writing --- */

void pack_init(struct pack_writer *writer, void *data, size_t size)
{
    *writer = (struct pack_writer){.data = data, .size = size};
}

void pack_count(struct pack_writer *writer)
{
    pack_init(writer, NULL, SIZE_MAX);
}

/* msgpack-c's output. */
static int append(void *self, const char *data, size_t size)
{
    struct pack_writer *writer = self;
    if (writer->failed || size > writer->size - writer->used) {
        writer->failed = true;
        return -1;
    }
    if (writer->data && size > 0)
        memcpy(writer->data + writer->used, data, size);
    writer->used += size;
    return 0;
}

static msgpack_packer packer(struct pack_writer *writer)
{
    return (msgpack_packer){.data = writer, .callback = append};
}

void pack_u64(struct pack_writer *writer, uint64_t value)
{
    msgpack_packer out = packer(writer);
    msgpack_pack_uint64(&out, value);
}

void pack_bool(struct pack_writer *writer, bool value)
{
    msgpack_packer out = packer(writer);
    if (value)
        msgpack_pack_true(&out);
    else
        msgpack_pack_false(&out);
}

void pack_bytes(struct pack_writer *writer, struct bytes value)
{
    CHECK(value.size <= UINT32_MAX);
    msgpack_packer out = packer(writer);
    msgpack_pack_bin_with_body(&out, value.data, value.size);
}

void pack_text(struct pack_writer *writer, struct bytes value)
{
    CHECK(value.size <= UINT32_MAX);
    msgpack_packer out = packer(writer);
    msgpack_pack_str_with_body(&out, (const char *)value.data, value.size);
}

void pack_array(struct pack_writer *writer, uint32_t count)
{
    msgpack_packer out = packer(writer);
    msgpack_pack_array(&out, count);
}

/* --- reading --- */

/* First bytes of the forms we take (the specification's table of formats). */
enum {
    FORM_FIXINT_MAX = 0x7f,
    FORM_FIXARRAY = 0x90, /* ..0x9f */
    FORM_FIXSTR = 0xa0,   /* ..0xbf */
    FORM_FALSE = 0xc2,
    FORM_TRUE = 0xc3,
    FORM_BIN8 = 0xc4,
    FORM_BIN16 = 0xc5,
    FORM_BIN32 = 0xc6,
    FORM_UINT8 = 0xcc,
    FORM_UINT16 = 0xcd,
    FORM_UINT32 = 0xce,
    FORM_UINT64 = 0xcf,
    FORM_STR8 = 0xd9,
    FORM_STR16 = 0xda,
    FORM_STR32 = 0xdb,
    FORM_ARRAY16 = 0xdc,
    FORM_ARRAY32 = 0xdd,
};

void pack_read_init(struct pack_reader *reader, struct bytes in)
{
    *reader = (struct pack_reader){.in = in};
}

static void fail(struct pack_reader *reader, enum err err)
{
    if (reader->err == ERR_NONE)
        reader->err = err;
    reader->in.size = 0;
}

/* The next `size` bytes; NULL, and failed, if there are fewer. */
static const uint8_t *take(struct pack_reader *reader, size_t size)
{
    if (reader->err != ERR_NONE || size > reader->in.size) {
        fail(reader, ERR_MALFORMED);
        return NULL;
    }
    const uint8_t *data = reader->in.data;
    reader->in = bytes_of(data + size, reader->in.size - size);
    return data;
}

/* The first byte of the next value; FORM_NONE, which is no form of ours, when the reader has
 * failed. */
#define FORM_NONE 0xc1
static uint8_t take_form(struct pack_reader *reader)
{
    const uint8_t *form = take(reader, 1);
    return form ? *form : FORM_NONE;
}

/* A number of `size` bytes that must not fit a shorter form, whose largest value is `below`. */
static uint64_t take_number(struct pack_reader *reader, size_t size, uint64_t below)
{
    const uint8_t *data = take(reader, size);
    if (!data)
        return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | data[i];
    if (value <= below)
        fail(reader, ERR_MALFORMED);
    return value;
}

/* `value` if the reader is well and it is no more than `max`; else 0, and failed. */
static uint64_t bounded(struct pack_reader *reader, uint64_t value, uint64_t max)
{
    if (reader->err == ERR_NONE && value > max)
        fail(reader, ERR_LIMIT);
    return reader->err == ERR_NONE ? value : 0;
}

uint64_t pack_read_u64(struct pack_reader *reader, uint64_t max)
{
    uint8_t form = take_form(reader);
    uint64_t value = form;
    if (form == FORM_UINT8)
        value = take_number(reader, 1, FORM_FIXINT_MAX);
    else if (form == FORM_UINT16)
        value = take_number(reader, 2, UINT8_MAX);
    else if (form == FORM_UINT32)
        value = take_number(reader, 4, UINT16_MAX);
    else if (form == FORM_UINT64)
        value = take_number(reader, 8, UINT32_MAX);
    else if (form > FORM_FIXINT_MAX)
        fail(reader, ERR_MALFORMED);
    return bounded(reader, value, max);
}

bool pack_read_bool(struct pack_reader *reader)
{
    uint8_t form = take_form(reader);
    if (form != FORM_TRUE && form != FORM_FALSE)
        fail(reader, ERR_MALFORMED);
    return form == FORM_TRUE;
}

/* The body of a string: its size is bounded before it is compared with what is there. */
static struct bytes take_body(struct pack_reader *reader, uint64_t size, size_t size_max)
{
    size = bounded(reader, size, size_max);
    const uint8_t *data = take(reader, size);
    return data ? bytes_of(data, size) : bytes_of(NULL, 0);
}

struct bytes pack_read_bytes(struct pack_reader *reader, size_t size_max)
{
    uint8_t form = take_form(reader);
    uint64_t size = 0;
    if (form == FORM_BIN8) {
        const uint8_t *data = take(reader, 1); /* the shortest form has no smaller one below it */
        size = data ? *data : 0;
    } else if (form == FORM_BIN16) {
        size = take_number(reader, 2, UINT8_MAX);
    } else if (form == FORM_BIN32) {
        size = take_number(reader, 4, UINT16_MAX);
    } else {
        fail(reader, ERR_MALFORMED);
    }
    return take_body(reader, size, size_max);
}

struct bytes pack_read_text(struct pack_reader *reader, size_t size_max)
{
    uint8_t form = take_form(reader);
    uint64_t size = 0;
    if ((form & 0xe0) == FORM_FIXSTR)
        size = form & 0x1f;
    else if (form == FORM_STR8)
        size = take_number(reader, 1, 0x1f);
    else if (form == FORM_STR16)
        size = take_number(reader, 2, UINT8_MAX);
    else if (form == FORM_STR32)
        size = take_number(reader, 4, UINT16_MAX);
    else
        fail(reader, ERR_MALFORMED);
    struct bytes text = take_body(reader, size, size_max);
    if (bytes_is_text(text))
        return text;
    fail(reader, ERR_MALFORMED);
    return bytes_of(NULL, 0);
}

uint32_t pack_read_array(struct pack_reader *reader, uint32_t count_max)
{
    uint8_t form = take_form(reader);
    uint64_t count = 0;
    if ((form & 0xf0) == FORM_FIXARRAY)
        count = form & 0x0f;
    else if (form == FORM_ARRAY16)
        count = take_number(reader, 2, 0x0f);
    else if (form == FORM_ARRAY32)
        count = take_number(reader, 4, UINT16_MAX);
    else
        fail(reader, ERR_MALFORMED);
    count = bounded(reader, count, count_max);
    if (count > reader->in.size) { /* an element is a byte at least */
        fail(reader, ERR_MALFORMED);
        return 0;
    }
    return (uint32_t)count;
}

enum err pack_read_end(const struct pack_reader *reader)
{
    if (reader->err != ERR_NONE)
        return reader->err;
    return reader->in.size == 0 ? ERR_NONE : ERR_MALFORMED;
}
