#include "tools/tenure/answer.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* `struct answer` is only a name for json_t, so that the library's types stay in this file. */
static const json_t *of(const struct answer *value)
{
    return (const json_t *)value;
}

enum err answer_parse(struct answer **root, struct bytes json, struct fault *fault)
{
    json_error_t error;
    json_t *parsed = json_loadb((const char *)json.data, json.size,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (!parsed)
        return fault_set(fault, ERR_MALFORMED, "the answer is no JSON (line %d: %s)", error.line,
                         error.text);
    *root = (struct answer *)parsed;
    return ERR_NONE;
}

void answer_free(struct answer *root)
{
    json_decref((json_t *)root);
}

const struct answer *answer_at(const struct answer *value, const char *path)
{
    const json_t *json = of(value);

    while (json && *path) {
        size_t size = strcspn(path, ".");
        char name[64];
        if (size >= sizeof(name))
            return NULL;
        memcpy(name, path, size);
        name[size] = 0;
        json = json_object_get(json, name);
        path += size + (path[size] == '.');
    }
    return (const struct answer *)json;
}

const char *answer_text(const struct answer *value, const char *path)
{
    const char *text = json_string_value(of(answer_at(value, path)));

    return text ? text : "";
}

uint64_t answer_number(const struct answer *value, const char *path)
{
    const json_t *json = of(answer_at(value, path));
    const char *text = json_string_value(json);

    if (text)
        return strtoull(text, NULL, 10);
    return (uint64_t)json_integer_value(json);
}

bool answer_true(const struct answer *value, const char *path)
{
    return json_is_true(of(answer_at(value, path)));
}

bool answer_has(const struct answer *value, const char *path)
{
    const json_t *json = of(answer_at(value, path));

    return json && !json_is_null(json);
}

uint32_t answer_count(const struct answer *value, const char *path)
{
    return (uint32_t)json_array_size(of(answer_at(value, path)));
}

const struct answer *answer_item(const struct answer *value, const char *path, uint32_t index)
{
    return (const struct answer *)json_array_get(of(answer_at(value, path)), index);
}

const char *answer_member(const struct answer *object, void **at, const struct answer **value)
{
    json_t *json = (json_t *)object;

    *at = *at ? json_object_iter_next(json, *at) : json_object_iter(json);
    if (!*at)
        return NULL;
    *value = (const struct answer *)json_object_iter_value(*at);
    return json_object_iter_key(*at);
}

void answer_put(struct answer *object, const char *name, const char *text)
{
    json_object_set_new((json_t *)object, name, text ? json_string(text) : json_null());
}

void answer_print(FILE *out, const struct answer *value)
{
    json_dumpf(of(value), out, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fputc('\n', out);
}

void answer_show(char *out, size_t size, const struct answer *value)
{
    const json_t *json = of(value);
    char *dump;

    if (!json || json_is_null(json)) {
        snprintf(out, size, "-");
    } else if (json_is_string(json)) {
        snprintf(out, size, "%s", json_string_value(json));
    } else if (json_is_integer(json)) {
        snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    } else if (json_is_boolean(json)) {
        snprintf(out, size, "%s", json_is_true(json) ? "yes" : "no");
    } else {
        dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(out, size, "%s", dump ? dump : "");
        free(dump);
    }
}
