#include "tools/tenure/form.h"

#include "base/address.h"
#include "base/units.h"
#include "tools/tenure/cli.h"

#include <string.h>

struct form {
    struct arena *arena;
    struct fault *fault;
    const char *name; /* the whole path, for messages */
};

static const char *kind_text(const struct record_field *field)
{
    switch (field->kind) {
    case RECORD_KIND_UINT:
        return "a number";
    case RECORD_KIND_BOOL:
        return "yes or no";
    case RECORD_KIND_FIXED:
        return field->style == RECORD_AS_ADDRESS ? "an address tnr1..." : "hexadecimal digits";
    case RECORD_KIND_AMOUNT:
        return "an amount";
    case RECORD_KIND_BYTES:
        return "hexadecimal digits";
    case RECORD_KIND_TEXT:
        return "text";
    case RECORD_KIND_ONE:
        return "a record";
    case RECORD_KIND_LIST:
        return "a list of records";
    case RECORD_KIND_DIGESTS:
        return "digests in hexadecimal, separated by commas";
    }
    return "";
}

static enum err wrong(const struct form *form, const struct record_field *field, const char *text)
{
    return fault_set(form->fault, ERR_USAGE, "%s=\"%.100s\" is not %s", form->name, text,
                     kind_text(field));
}

static enum err set_uint(const struct form *form, const struct record_field *field, uint8_t *at,
                         const char *text)
{
    uint64_t max = field->size == 8 ? UINT64_MAX : (1ull << (8 * field->size)) - 1, value;

    if (field->max < max)
        max = field->max;
    if (!cli_parse_number(&value, text, 0, UINT64_MAX))
        return wrong(form, field, text);
    if (value > max)
        return fault_set(form->fault, ERR_USAGE, "%s=%s is over %llu", form->name, text,
                         (unsigned long long)max);
    switch (field->size) {
    case 1:
        *at = (uint8_t)value;
        break;
    case 2:
        memcpy(at, &(uint16_t){(uint16_t)value}, 2);
        break;
    case 4:
        memcpy(at, &(uint32_t){(uint32_t)value}, 4);
        break;
    default:
        memcpy(at, &value, 8);
    }
    return ERR_NONE;
}

static enum err set_bytes(const struct form *form, const struct record_field *field, uint8_t *at,
                          const char *text)
{
    size_t size = strlen(text);
    struct bytes value;
    uint8_t *raw;

    if (field->kind == RECORD_KIND_TEXT) {
        value = bytes_text(text);
        if (!bytes_is_text(value))
            return wrong(form, field, text);
    } else {
        raw = arena_alloc(form->arena, size / 2);
        if (!raw || size % 2 || !bytes_from_hex(raw, size / 2, text))
            return wrong(form, field, text);
        value = bytes_of(raw, size / 2);
    }
    if (value.size > field->max)
        return fault_set(form->fault, ERR_USAGE, "%s has %zu bytes; at most %llu go in", form->name,
                         value.size, (unsigned long long)field->max);
    memcpy(at, &value, sizeof(value));
    return ERR_NONE;
}

static enum err set_digests(const struct form *form, const struct record_field *field,
                            uint8_t *value, const char *text)
{
    size_t size = strlen(text), count = size ? (size + 1) / (2 * DIGEST_SIZE + 1) : 0;
    struct digest *list = arena_array(form->arena, count, sizeof(*list));
    char one[DIGEST_TEXT_SIZE];

    if (!list || count > field->max || (size && size + 1 != count * (2 * DIGEST_SIZE + 1)))
        return wrong(form, field, text);
    for (size_t i = 0; i < count; i++) {
        const char *at = text + i * (2 * DIGEST_SIZE + 1);
        memcpy(one, at, 2 * DIGEST_SIZE);
        one[2 * DIGEST_SIZE] = 0;
        if (!bytes_from_hex(list[i].bytes, DIGEST_SIZE, one) ||
            (at[2 * DIGEST_SIZE] && at[2 * DIGEST_SIZE] != ','))
            return wrong(form, field, text);
    }
    memcpy(value + field->offset, &list, sizeof(list));
    memcpy(value + field->count_offset, &(uint32_t){(uint32_t)count}, sizeof(uint32_t));
    return ERR_NONE;
}

static enum err set_one(const struct form *form, const struct record_field *field, uint8_t *value,
                        const char *text)
{
    uint8_t *at = value + field->offset;

    switch (field->kind) {
    case RECORD_KIND_UINT:
        return set_uint(form, field, at, text);
    case RECORD_KIND_BOOL:
        if (strcmp(text, "yes") && strcmp(text, "no"))
            return wrong(form, field, text);
        *at = text[0] == 'y';
        return ERR_NONE;
    case RECORD_KIND_FIXED:
        if (field->style == RECORD_AS_ADDRESS ? !address_parse((struct address *)at, text)
                                              : !bytes_from_hex(at, field->size, text))
            return wrong(form, field, text);
        return ERR_NONE;
    case RECORD_KIND_AMOUNT:
        return units_amount_parse((struct amount *)at, text) ? ERR_NONE : wrong(form, field, text);
    case RECORD_KIND_BYTES:
    case RECORD_KIND_TEXT:
        return set_bytes(form, field, at, text);
    case RECORD_KIND_DIGESTS:
        return set_digests(form, field, value, text);
    case RECORD_KIND_ONE:
    case RECORD_KIND_LIST:
        break;
    }
    return fault_set(form->fault, ERR_USAGE, "%s is %s: give its fields, %s%s.FIELD=VALUE",
                     form->name, kind_text(field), form->name,
                     field->kind == RECORD_KIND_LIST ? ".0" : "");
}

/* Element `index` of a list, which grows by one at most. NULL if that leaves a gap or the list is
 * full. */
static uint8_t *element(const struct form *form, const struct record_field *field, uint8_t *value,
                        uint64_t index)
{
    uint32_t count;
    uint8_t *list, *grown;

    memcpy(&count, value + field->count_offset, sizeof(count));
    memcpy(&list, value + field->offset, sizeof(list));
    if (index > count || index >= field->max)
        return NULL;
    if (index == count) {
        grown = arena_array(form->arena, count + 1u, field->sub->size);
        if (!grown)
            return NULL;
        if (count)
            memcpy(grown, list, (size_t)count * field->sub->size);
        list = grown;
        count++;
        memcpy(value + field->offset, &list, sizeof(list));
        memcpy(value + field->count_offset, &count, sizeof(count));
    }
    return list + index * field->sub->size;
}

static enum err assign(const struct form *form, const struct record *record, uint8_t *value,
                       const char *path, const char *text, uint64_t *given);

static enum err assign_element(const struct form *form, const struct record_field *field,
                               uint8_t *value, const char *path, const char *text)
{
    size_t size = strcspn(path, ".");
    char digits[12] = "";
    uint64_t index, given = 0;
    uint8_t *at = NULL;

    if (size < sizeof(digits))
        memcpy(digits, path, size);
    if (cli_parse_number(&index, digits, 0, UINT32_MAX))
        at = element(form, field, value, index);
    if (!at || !path[size])
        return fault_set(form->fault, ERR_USAGE,
                         "%s: elements are numbered from 0 without gaps, as in %s.0.FIELD",
                         form->name, field->name);
    return assign(form, field->sub, at, path + size + 1, text, &given);
}

/* Sets the field at `path` and marks the outermost one in *given. */
static enum err assign(const struct form *form, const struct record *record, uint8_t *value,
                       const char *path, const char *text, uint64_t *given)
{
    size_t size = strcspn(path, ".");
    uint64_t inner = 0;

    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        if (strlen(field->name) != size || memcmp(field->name, path, size))
            continue;
        *given |= 1ull << i;
        if (!path[size])
            return set_one(form, field, value, text);
        if (field->kind == RECORD_KIND_ONE)
            return assign(form, field->sub, value + field->offset, path + size + 1, text, &inner);
        if (field->kind == RECORD_KIND_LIST)
            return assign_element(form, field, value, path + size + 1, text);
    }
    return fault_set(form->fault, ERR_USAGE, "%s has no field \"%s\"", record->name, form->name);
}

static enum err assign_text(struct arena *arena, const struct record *record, void *value,
                            const char *assignment, uint64_t *given, struct fault *fault)
{
    const char *equal = strchr(assignment, '=');
    struct form form = {arena, fault, NULL};
    char *name;

    if (!equal || equal == assignment)
        return fault_set(fault, ERR_USAGE, "\"%s\" is not FIELD=VALUE", assignment);
    name = arena_copy(arena, assignment, (size_t)(equal - assignment) + 1);
    if (!name)
        return fault_set(fault, ERR_LIMIT, "the fields are too long");
    name[equal - assignment] = 0;
    form.name = name;
    return assign(&form, record, value, name, equal + 1, given);
}

enum err form_set(struct arena *arena, const struct record *record, void *value,
                  const char *assignment, struct fault *fault)
{
    uint64_t given = 0;

    return assign_text(arena, record, value, assignment, &given, fault);
}

enum err form_fill(struct arena *arena, const struct record *record, void *value,
                   const char *const assignments[], uint32_t count, struct fault *fault)
{
    uint64_t given = 0;

    for (uint32_t i = 0; i < count; i++)
        if (assign_text(arena, record, value, assignments[i], &given, fault))
            return fault->code;
    for (uint32_t i = 0; i < record->field_count && i < FORM_FIELDS_MAX; i++) {
        const struct record_field *field = &record->fields[i];
        bool optional = field->kind == RECORD_KIND_LIST || field->kind == RECORD_KIND_DIGESTS ||
                        field->kind == RECORD_KIND_BOOL;
        if (!optional && !(given >> i & 1))
            return fault_set(fault, ERR_USAGE, "%s needs %s=..., %s", record->name, field->name,
                             kind_text(field));
    }
    return ERR_NONE;
}

static void describe(struct text *out, const struct record *record, const char *before)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        char inner[128];
        snprintf(inner, sizeof(inner), "%s%s%s.", before, field->name,
                 field->kind == RECORD_KIND_LIST ? ".0" : "");
        if (field->sub)
            describe(out, field->sub, inner);
        else
            text_add(out, "  %s%s=  %s\n", before, field->name, kind_text(field));
    }
}

void form_describe(struct text *out, const struct record *record)
{
    describe(out, record, "");
}
