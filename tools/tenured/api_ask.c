#include "tools/tenured/api_ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "contracts/event.h"

enum http_answer api_ask_refuse(struct api_ask *ask, unsigned status, const char *code,
                                const char *message)
{
    http_error(ask->response, status, code, message);
    return HTTP_ANSWER;
}

uint64_t api_ask_first(const struct api_ask *ask)
{
    uint64_t start = history_start(ask->history).n;
    return start > 0 ? start + 1 : 0;
}

bool api_ask_keeps(struct api_ask *ask, uint64_t height)
{
    struct fault fault;
    if (height >= api_ask_first(ask))
        return true;
    fault_set(&fault, ERR_NOT_FOUND, "this node's history starts at height %" PRIu64,
              api_ask_first(ask));
    api_ask_refuse(ask, 410, "history_pruned", fault.text);
    return false;
}

enum http_answer api_ask_failed(struct api_ask *ask, enum err err, const char *what)
{
    switch (err) {
    case ERR_NOT_FOUND:
        return api_ask_refuse(ask, 404, "not_found", what);
    case ERR_LIMIT:
        return api_ask_refuse(ask, 500, "answer_too_large",
                              "the answer does not fit; ask for less");
    case ERR_CORRUPT:
        ask->api->node.corrupt(ask->api->node.self, &ask->fault);
        return api_ask_refuse(ask, 500, "corrupt", "the node's store is damaged; it stops");
    case ERR_NONE:
    case ERR_MALFORMED:
    case ERR_SIGNATURE:
    case ERR_IO:
    case ERR_MISMATCH:
    case ERR_BUSY:
    case ERR_NOT_NOW:
    case ERR_USAGE:
        break;
    }
    return api_ask_refuse(ask, 500, "storage", "the node could not read its store");
}

static bool number_parse(const char *text, uint64_t *value, uint64_t max)
{
    if (*text == 0 || strlen(text) > 20 || strspn(text, "0123456789") != strlen(text))
        return false;
    uint64_t number = 0;
    for (const char *digit = text; *digit != 0; digit++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*digit - '0'), &number))
            return false;
    if (number > max)
        return false;
    *value = number;
    return true;
}

static bool bad(struct api_ask *ask, const char *name, const char *expected)
{
    struct fault fault;
    fault_set(&fault, ERR_USAGE, "%s must be %s", name, expected);
    api_ask_refuse(ask, 400, "bad_request", fault.text);
    return false;
}

bool api_ask_number(struct api_ask *ask, const char *name, uint64_t *value, uint64_t otherwise,
                    uint64_t max)
{
    const char *text = http_query(ask->request, name);
    *value = otherwise;
    if (text == NULL || number_parse(text, value, max))
        return true;
    struct fault expected;
    fault_set(&expected, ERR_USAGE, "a number up to %" PRIu64, max);
    return bad(ask, name, expected.text);
}

bool api_ask_word_number(struct api_ask *ask, uint64_t *value)
{
    return number_parse(ask->word, value, UINT64_MAX) ||
           bad(ask, "the end of the path", "a number");
}

bool api_ask_word_digest(struct api_ask *ask, struct digest *digest)
{
    return bytes_from_hex(digest->bytes, DIGEST_SIZE, ask->word) ||
           bad(ask, "the end of the path", "64 hexadecimal digits");
}

bool api_ask_word_address(struct api_ask *ask, struct address *address)
{
    return address_parse(address, ask->word) ||
           bad(ask, "the end of the path", "an address (tnr1...)");
}

bool api_ask_hex(struct api_ask *ask, const char *name, struct bytes *bytes, size_t size_max)
{
    const char *text = http_query(ask->request, name);
    *bytes = bytes_of(NULL, 0);
    if (text == NULL || *text == 0)
        return true;
    size_t size = strlen(text) / 2;
    uint8_t *data = size <= size_max ? arena_alloc(&ask->arena, size) : NULL;
    if (data == NULL || !bytes_from_hex(data, size, text))
        return bad(ask, name, "an even number of hexadecimal digits, not too many");
    *bytes = bytes_of(data, size);
    return true;
}

bool api_ask_rests(struct api_ask *ask)
{
    uint64_t wait_ms;
    const char *text = http_query(ask->request, "wait_ms");
    if (ask->request->last || text == NULL || !number_parse(text, &wait_ms, UINT32_MAX) ||
        wait_ms == 0)
        return false;
    ask->response->wait_ms = (uint32_t)wait_ms;
    return true;
}

/* --- JSON --- */

void api_ask_comma(struct text *out)
{
    const char *so_far = text_string(out);
    char end = out->size > 0 ? so_far[out->size - 1] : '{';
    if (end != '{' && end != '[' && end != ':')
        text_add(out, ",");
}

void api_ask_name(struct text *out, const char *name)
{
    api_ask_comma(out);
    text_add(out, "\"%s\":", name);
}

void api_ask_text(struct text *out, const char *name, const char *value)
{
    api_ask_name(out, name);
    text_json(out, bytes_text(value));
}

void api_ask_hexadecimal(struct text *out, const char *name, struct bytes value)
{
    char digits[129];
    api_ask_name(out, name);
    text_add(out, "\"");
    for (size_t at = 0; at < value.size; at += 64) {
        size_t size = value.size - at < 64 ? value.size - at : 64;
        bytes_to_hex(digits, bytes_of(value.data + at, size));
        text_add(out, "%s", digits);
    }
    text_add(out, "\"");
}

void api_ask_integer(struct text *out, const char *name, uint64_t value)
{
    /* Above 2^53 - 1 as text, as record_json does. */
    api_ask_name(out, name);
    text_add(out, value < (UINT64_C(1) << 53) ? "%" PRIu64 : "\"%" PRIu64 "\"", value);
}

void api_ask_boolean(struct text *out, const char *name, bool value)
{
    api_ask_name(out, name);
    text_add(out, value ? "true" : "false");
}

void api_ask_members(struct text *out, const struct record *record, const void *value)
{
    struct text object;
    text_init(&object, HTTP_TEXT_MAX);
    record_json(&object, record, value);
    if (object.failed || object.size < 2)
        out->failed = true;
    else if (object.size > 2) {
        api_ask_comma(out);
        text_put(out, bytes_of(text_string(&object) + 1, object.size - 2));
    }
    text_release(&object);
}

void api_ask_event(struct api_ask *ask, struct bytes packed)
{
    uint16_t tag;
    void *value;
    api_ask_comma(ask->out);
    text_add(ask->out, "{");
    if (record_choice_unpack(&ask->arena, &event_choice, &tag, &value, packed, NULL) != ERR_NONE) {
        api_ask_text(ask->out, "event", "unknown");
        api_ask_hexadecimal(ask->out, "packed", packed);
        return;
    }
    api_ask_text(ask->out, "event", event_name(tag));
    api_ask_integer(ask->out, "tag", tag);
    api_ask_name(ask->out, "data");
    record_json(ask->out, record_option(&event_choice, tag), value);
}
