#include "test/fuzz/oracle.h"

#include <jansson.h>

#include "base/check.h"

static void check_json(const struct record *record, const void *value)
{
    struct text text;
    json_error_t error;
    text_init(&text, 64 << 20);
    record_json(&text, record, value);
    CHECK(!text.failed);
    json_t *json =
        json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    CHECK(json);
    CHECK(json_object_size(json) == record->field_count);
    json_decref(json);
    text_release(&text);
}

bool oracle_record(const struct record *record, struct bytes in)
{
    struct arena arena;
    struct fault fault = {.code = ERR_NONE};
    arena_init(&arena, 16 << 20);
    void *value = arena_alloc(&arena, record->size);
    CHECK(value);
    enum err err = record_unpack(&arena, record, value, in, &fault);
    if (err == ERR_NONE) {
        struct bytes again = record_bytes(&arena, record, value);
        CHECK(again.data);
        CHECK(bytes_equal(again, in));
        check_json(record, value);
    } else {
        CHECK(err == ERR_MALFORMED || err == ERR_LIMIT);
        CHECK(fault.code == err && fault.text[0]);
    }
    arena_release(&arena);
    return err == ERR_NONE;
}
