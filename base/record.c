#include "base/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/units.h"

/* Bytes of a digest in a list: its form, its size, itself. */
#define DIGEST_PACKED_SIZE (2 + DIGEST_SIZE)

/* Integers above this are strings in JSON: readers that keep doubles would round them (RFC 8259
 * section 6). */
#define JSON_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

/* --- members of a struct, by their description --- */

static const void *member(const struct record_field *field, const void *value)
{
    return (const uint8_t *)value + field->offset;
}

static uint32_t count_of(const struct record_field *field, const void *value)
{
    return *(const uint32_t *)((const uint8_t *)value + field->count_offset);
}

static uint64_t load(const struct record_field *field, const void *value)
{
    const void *at = member(field, value);
    switch (field->size) {
    case 1:
        return *(const uint8_t *)at;
    case 2:
        return *(const uint16_t *)at;
    case 4:
        return *(const uint32_t *)at;
    default:
        CHECK(field->size == 8);
        return *(const uint64_t *)at;
    }
}

static void store(const struct record_field *field, void *at, uint64_t number)
{
    switch (field->size) {
    case 1:
        *(uint8_t *)at = (uint8_t)number;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)number;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)number;
        break;
    default:
        CHECK(field->size == 8);
        *(uint64_t *)at = number;
    }
}

/* The largest number that is allowed and fits. */
static uint64_t number_max(const struct record_field *field)
{
    uint64_t fits = field->size < 8 ? (UINT64_C(1) << 8 * field->size) - 1 : UINT64_MAX;
    return field->max < fits ? field->max : fits;
}

/* --- pack --- */

static void pack_value(struct pack_writer *writer, const struct record *record, const void *value,
                       int depth);

static void pack_amount(struct pack_writer *writer, const struct amount *amount)
{
    size_t zeros = 0;
    while (zeros < sizeof(amount->be) && amount->be[zeros] == 0)
        zeros++;
    pack_bytes(writer, bytes_of(amount->be + zeros, sizeof(amount->be) - zeros));
}

static void pack_field(struct pack_writer *writer, const struct record_field *field,
                       const void *value, int depth)
{
    const void *at = member(field, value);
    switch (field->kind) {
    case RECORD_KIND_UINT:
        CHECK(load(field, value) <= field->max);
        pack_u64(writer, load(field, value));
        break;
    case RECORD_KIND_BOOL:
        pack_bool(writer, *(const bool *)at);
        break;
    case RECORD_KIND_FIXED:
        pack_bytes(writer, bytes_of(at, field->size));
        break;
    case RECORD_KIND_AMOUNT:
        pack_amount(writer, at);
        break;
    case RECORD_KIND_BYTES:
        CHECK(((const struct bytes *)at)->size <= field->max);
        pack_bytes(writer, *(const struct bytes *)at);
        break;
    case RECORD_KIND_TEXT:
        CHECK(((const struct bytes *)at)->size <= field->max);
        CHECK(bytes_is_text(*(const struct bytes *)at));
        pack_text(writer, *(const struct bytes *)at);
        break;
    case RECORD_KIND_ONE:
        pack_value(writer, field->sub, at, depth + 1);
        break;
    case RECORD_KIND_LIST: {
        uint32_t count = count_of(field, value);
        const uint8_t *elements = *(const void *const *)at;
        CHECK(count <= field->max);
        pack_array(writer, count);
        for (size_t i = 0; i < count; i++)
            pack_value(writer, field->sub, elements + i * field->sub->size, depth + 1);
        break;
    }
    case RECORD_KIND_DIGESTS: {
        uint32_t count = count_of(field, value);
        const struct digest *digests = *(const struct digest *const *)at;
        CHECK(count <= field->max);
        pack_array(writer, count);
        for (size_t i = 0; i < count; i++)
            pack_bytes(writer, bytes_of(digests[i].bytes, DIGEST_SIZE));
        break;
    }
    }
}

static void pack_value(struct pack_writer *writer, const struct record *record, const void *value,
                       int depth)
{
    CHECK(depth < LIMIT_RECORD_DEPTH);
    pack_array(writer, record->field_count);
    for (uint32_t i = 0; i < record->field_count; i++)
        pack_field(writer, &record->fields[i], value, depth);
}

void record_pack(struct pack_writer *writer, const struct record *record, const void *value)
{
    pack_value(writer, record, value, 0);
}

size_t record_size(const struct record *record, const void *value)
{
    struct pack_writer writer;
    pack_count(&writer);
    record_pack(&writer, record, value);
    return writer.used;
}

struct bytes record_bytes(struct arena *arena, const struct record *record, const void *value)
{
    size_t size = record_size(record, value);
    void *data = arena_alloc(arena, size);
    if (!data)
        return bytes_of(NULL, 0);
    struct pack_writer writer;
    pack_init(&writer, data, size);
    record_pack(&writer, record, value);
    CHECK(!writer.failed);
    return bytes_of(data, size);
}

/* --- unpack --- */

/* One reading: where lists go, and which field failed first. */
struct reading {
    struct pack_reader *in;
    struct arena *arena;
    const struct record *record; /* NULL while nothing failed */
    const char *field;
};

static void read_value(struct reading *reading, const struct record *record, void *value,
                       int depth);

static void fail(struct reading *reading, enum err err)
{
    if (reading->in->err == ERR_NONE)
        *reading->in = (struct pack_reader){.err = err};
}

static void read_fixed(struct reading *reading, uint8_t *out, size_t size)
{
    struct bytes raw = pack_read_bytes(reading->in, SIZE_MAX);
    if (raw.size == size)
        memcpy(out, raw.data, size);
    else
        fail(reading, ERR_MALFORMED);
}

static void read_amount(struct reading *reading, struct amount *amount)
{
    struct bytes raw = pack_read_bytes(reading->in, sizeof(amount->be));
    *amount = units_zero;
    if (raw.size == 0)
        return;
    if (raw.data[0] == 0)
        fail(reading, ERR_MALFORMED);
    memcpy(amount->be + sizeof(amount->be) - raw.size, raw.data, raw.size);
}

/* Room for a list whose elements take at least `packed_size` bytes each: refused before it is
 * allocated when that is more than what is left, so a claimed count costs no more memory than bytes
 * that were sent. */
static void *read_list(struct reading *reading, const struct record_field *field, void *value,
                       size_t packed_size, size_t size)
{
    uint32_t max = field->max < UINT32_MAX ? (uint32_t)field->max : UINT32_MAX;
    uint32_t count = pack_read_array(reading->in, max);
    if (count > reading->in->in.size / packed_size)
        fail(reading, ERR_MALFORMED);
    if (reading->in->err != ERR_NONE)
        count = 0;
    void *list = count > 0 ? arena_array(reading->arena, count, size) : NULL;
    if (count > 0 && !list) {
        fail(reading, ERR_LIMIT);
        count = 0;
    }
    memcpy((uint8_t *)value + field->offset, &list, sizeof(list));
    *(uint32_t *)((uint8_t *)value + field->count_offset) = count;
    return list;
}

static void read_field(struct reading *reading, const struct record_field *field, void *value,
                       int depth)
{
    void *at = (uint8_t *)value + field->offset;
    switch (field->kind) {
    case RECORD_KIND_UINT:
        store(field, at, pack_read_u64(reading->in, number_max(field)));
        break;
    case RECORD_KIND_BOOL:
        *(bool *)at = pack_read_bool(reading->in);
        break;
    case RECORD_KIND_FIXED:
        read_fixed(reading, at, field->size);
        break;
    case RECORD_KIND_AMOUNT:
        read_amount(reading, at);
        break;
    case RECORD_KIND_BYTES:
        *(struct bytes *)at = pack_read_bytes(reading->in, field->max);
        break;
    case RECORD_KIND_TEXT:
        *(struct bytes *)at = pack_read_text(reading->in, field->max);
        break;
    case RECORD_KIND_ONE:
        read_value(reading, field->sub, at, depth + 1);
        break;
    case RECORD_KIND_LIST: {
        const struct record *sub = field->sub;
        uint8_t *list = read_list(reading, field, value, 1 + sub->field_count, sub->size);
        for (uint32_t i = 0, count = count_of(field, value); i < count; i++)
            read_value(reading, sub, list + (size_t)i * sub->size, depth + 1);
        break;
    }
    case RECORD_KIND_DIGESTS: {
        struct digest *list = read_list(reading, field, value, DIGEST_PACKED_SIZE, DIGEST_SIZE);
        for (uint32_t i = 0, count = count_of(field, value); i < count; i++)
            read_fixed(reading, list[i].bytes, DIGEST_SIZE);
        break;
    }
    }
}

static void read_value(struct reading *reading, const struct record *record, void *value, int depth)
{
    CHECK(depth < LIMIT_RECORD_DEPTH);
    const char *field = "(number of fields)";
    if (pack_read_array(reading->in, UINT32_MAX) != record->field_count)
        fail(reading, ERR_MALFORMED);
    for (uint32_t i = 0; i < record->field_count && reading->in->err == ERR_NONE; i++) {
        field = record->fields[i].name;
        read_field(reading, &record->fields[i], value, depth);
    }
    if (reading->in->err != ERR_NONE && !reading->record) {
        reading->record = record;
        reading->field = field;
    }
}

void record_read(struct pack_reader *reader, struct arena *arena, const struct record *record,
                 void *value)
{
    struct reading reading = {.in = reader, .arena = arena};
    read_value(&reading, record, value, 0);
}

/* Says which field of `reading` failed, or that bytes follow. */
static enum err reading_end(const struct reading *reading, const struct record *record,
                            struct fault *fault)
{
    enum err err = pack_read_end(reading->in);
    if (err == ERR_NONE)
        return ERR_NONE;
    if (!reading->record)
        return fault_set(fault, err, "%s: bytes follow its end", record->name);
    return fault_set(fault, err, "%s.%s: %s", reading->record->name, reading->field,
                     err == ERR_LIMIT ? "over its limit" : "not in canonical form");
}

enum err record_unpack(struct arena *arena, const struct record *record, void *value,
                       struct bytes in, struct fault *fault)
{
    struct pack_reader reader;
    pack_read_init(&reader, in);
    struct reading reading = {.in = &reader, .arena = arena};
    read_value(&reading, record, value, 0);
    return reading_end(&reading, record, fault);
}

/* --- JSON --- */

static void json_hex(struct text *text, struct bytes raw)
{
    char digits[129];
    text_put(text, bytes_text("\""));
    while (raw.size > 0 && !text->failed) {
        size_t size = raw.size < 64 ? raw.size : 64;
        bytes_to_hex(digits, bytes_of(raw.data, size));
        text_put(text, bytes_of(digits, 2 * size));
        raw = bytes_of(raw.data + size, raw.size - size);
    }
    text_put(text, bytes_text("\""));
}

static void json_fixed(struct text *text, const struct record_field *field, const void *at)
{
    if (field->style == RECORD_AS_HEX) {
        json_hex(text, bytes_of(at, field->size));
        return;
    }
    CHECK(field->size == ADDRESS_SIZE);
    char address[ADDRESS_TEXT_SIZE];
    address_text(address, at);
    text_add(text, "\"%s\"", address);
}

static void json_field(struct text *text, const struct record_field *field, const void *value)
{
    const void *at = member(field, value);
    switch (field->kind) {
    case RECORD_KIND_UINT: {
        uint64_t number = load(field, value);
        text_add(text, number <= JSON_NUMBER_MAX ? "%" PRIu64 : "\"%" PRIu64 "\"", number);
        break;
    }
    case RECORD_KIND_BOOL:
        text_add(text, *(const bool *)at ? "true" : "false");
        break;
    case RECORD_KIND_FIXED:
        json_fixed(text, field, at);
        break;
    case RECORD_KIND_AMOUNT: {
        char digits[AMOUNT_TEXT_SIZE];
        units_amount_text(digits, at);
        text_add(text, "\"%s\"", digits);
        break;
    }
    case RECORD_KIND_BYTES:
        json_hex(text, *(const struct bytes *)at);
        break;
    case RECORD_KIND_TEXT:
        text_json(text, *(const struct bytes *)at);
        break;
    case RECORD_KIND_ONE:
        record_json(text, field->sub, at);
        break;
    case RECORD_KIND_LIST:
    case RECORD_KIND_DIGESTS: {
        const uint8_t *list = *(const void *const *)at;
        text_put(text, bytes_text("["));
        for (size_t i = 0; i < count_of(field, value) && !text->failed; i++) {
            text_put(text, bytes_text(i > 0 ? "," : ""));
            if (field->kind == RECORD_KIND_LIST)
                record_json(text, field->sub, list + i * field->sub->size);
            else
                json_hex(text, bytes_of(list + i * DIGEST_SIZE, DIGEST_SIZE));
        }
        text_put(text, bytes_text("]"));
        break;
    }
    }
}

void record_json(struct text *text, const struct record *record, const void *value)
{
    text_put(text, bytes_text("{"));
    for (uint32_t i = 0; i < record->field_count; i++) {
        text_add(text, "%s\"%s\":", i > 0 ? "," : "", record->fields[i].name);
        json_field(text, &record->fields[i], value);
    }
    text_put(text, bytes_text("}"));
}

/* --- choices --- */

const struct record *record_option(const struct record_choice *choice, uint16_t tag)
{
    for (uint32_t i = 0; i < choice->option_count; i++) {
        if (choice->options[i].tag == tag)
            return choice->options[i].record;
    }
    return NULL;
}

void record_choice_pack(struct pack_writer *writer, const struct record_choice *choice,
                        uint16_t tag, const void *value)
{
    const struct record *record = record_option(choice, tag);
    CHECK(record);
    pack_array(writer, 2);
    pack_u64(writer, tag);
    record_pack(writer, record, value);
}

enum err record_choice_unpack(struct arena *arena, const struct record_choice *choice,
                              uint16_t *tag, void **value, struct bytes in, struct fault *fault)
{
    struct pack_reader reader;
    pack_read_init(&reader, in);
    uint32_t count = pack_read_array(&reader, 2);
    uint16_t found = (uint16_t)pack_read_u64(&reader, UINT16_MAX);
    if (reader.err != ERR_NONE || count != 2)
        return fault_set(fault, ERR_MALFORMED, "%s: not a pair of tag and record", choice->name);
    const struct record *record = record_option(choice, found);
    if (!record)
        return fault_set(fault, ERR_MALFORMED, "%s: unknown tag %u", choice->name, found);
    void *memory = arena_alloc(arena, record->size);
    if (!memory)
        return fault_set(fault, ERR_LIMIT, "%s: no memory for %s", choice->name, record->name);
    struct reading reading = {.in = &reader, .arena = arena};
    read_value(&reading, record, memory, 0);
    enum err err = reading_end(&reading, record, fault);
    if (err != ERR_NONE)
        return err;
    *tag = found;
    *value = memory;
    return ERR_NONE;
}
