#include "trainer/safetensors.h"

#include "base/check.h"

#include <string.h>

#define SIZE_BYTES 8 /* before the header */
#define NAME_MAX   256u

static const struct {
    const char *name;
    uint64_t size;
} types[] = {
    [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_I8] = {"I8", 1},
    [SAFETENSORS_U8] = {"U8", 1},
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static uint64_t get_u64(const uint8_t *in)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | in[i];
    return value;
}

/* --- writing --- */

/* Counts when `data` is NULL. */
struct writer {
    uint8_t *data;
    size_t used;
};

static void put(struct writer *writer, const void *data, size_t size)
{
    if (writer->data && size > 0)
        memcpy(writer->data + writer->used, data, size);
    writer->used += size;
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_string(struct writer *writer, struct bytes text)
{
    put_text(writer, "\"");
    put(writer, text.data, text.size);
    put_text(writer, "\"");
}

static void put_number(struct writer *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(writer, digits + at, sizeof(digits) - at);
}

static void put_notes(struct writer *writer, const struct safetensors_note *notes,
                      uint32_t note_count)
{
    put_text(writer, "\"__metadata__\":{");
    for (uint32_t i = 0; i < note_count; i++) {
        put_text(writer, i > 0 ? "," : "");
        put_string(writer, notes[i].key);
        put_text(writer, ":");
        put_string(writer, notes[i].text);
    }
    put_text(writer, "}");
}

static void put_tensor(struct writer *writer, const struct safetensors_tensor *tensor,
                       uint64_t offset)
{
    put_string(writer, tensor->name);
    put_text(writer, ":{\"dtype\":\"");
    put_text(writer, types[tensor->type].name);
    put_text(writer, "\",\"shape\":[");
    for (uint32_t i = 0; i < tensor->rank; i++) {
        put_text(writer, i > 0 ? "," : "");
        put_number(writer, tensor->shape[i]);
    }
    put_text(writer, "],\"data_offsets\":[");
    put_number(writer, offset);
    put_text(writer, ",");
    put_number(writer, offset + tensor->data.size);
    put_text(writer, "]}");
}

static void put_header(struct writer *writer, const struct safetensors_tensor *tensors,
                       uint32_t count, const struct safetensors_note *notes, uint32_t note_count)
{
    put_text(writer, "{");
    if (note_count > 0)
        put_notes(writer, notes, note_count);
    uint64_t offset = 0;
    for (uint32_t i = 0; i < count; i++) {
        put_text(writer, i > 0 || note_count > 0 ? "," : "");
        put_tensor(writer, &tensors[i], offset);
        offset += tensors[i].data.size;
    }
    put_text(writer, "}");
    while (writer->used % 8 != 0)
        put_text(writer, " ");
}

size_t safetensors_size(const struct safetensors_tensor *tensors, uint32_t count,
                        const struct safetensors_note *notes, uint32_t note_count)
{
    struct writer writer = {.used = SIZE_BYTES};
    put_header(&writer, tensors, count, notes, note_count);
    for (uint32_t i = 0; i < count; i++)
        writer.used += tensors[i].data.size;
    return writer.used;
}

void safetensors_write(uint8_t *out, const struct safetensors_tensor *tensors, uint32_t count,
                       const struct safetensors_note *notes, uint32_t note_count)
{
    struct writer writer = {.data = out, .used = SIZE_BYTES};
    put_header(&writer, tensors, count, notes, note_count);
    uint64_t header = writer.used - SIZE_BYTES;
    for (int i = 0; i < SIZE_BYTES; i++)
        out[i] = (uint8_t)(header >> 8 * i);
    for (uint32_t i = 0; i < count; i++)
        put(&writer, tensors[i].data.data, tensors[i].data.size);
}

/* --- reading --- */

/* Fails once and stays failed: then every answer is 0, empty or false. */
struct reader {
    struct bytes in; /* the header */
    size_t at;
    enum err err;
    struct fault *fault;
};

static void fail(struct reader *reader, enum err err, const char *what)
{
    if (!reader->err)
        reader->err = fault_set(reader->fault, err, "safetensors: at byte %zu of the header %s",
                                reader->at, what);
}

static void skip_spaces(struct reader *reader)
{
    while (reader->at < reader->in.size && memchr(" \t\r\n", reader->in.data[reader->at], 4))
        reader->at++;
}

/* True, and past it, if `c` is next. */
static bool take(struct reader *reader, char c)
{
    skip_spaces(reader);
    if (reader->err || reader->at == reader->in.size || reader->in.data[reader->at] != c)
        return false;
    reader->at++;
    return true;
}

static void want(struct reader *reader, char c)
{
    char what[] = "a ? is missing";
    if (take(reader, c))
        return;
    what[2] = c;
    fail(reader, ERR_MALFORMED, what);
}

/* Between the elements of a list that `end` closes: true if one more follows. The first call stands before the first element. */
static bool more(struct reader *reader, bool *first, char end)
{
    if (reader->err || take(reader, end))
        return false;
    if (!*first)
        want(reader, ',');
    *first = false;
    return !reader->err;
}

static struct bytes get_string(struct reader *reader)
{
    want(reader, '"');
    size_t from = reader->at;
    while (!reader->err && reader->at < reader->in.size && reader->in.data[reader->at] != '"') {
        uint8_t c = reader->in.data[reader->at];
        if (c < 0x20 || c > 0x7e || c == '\\')
            fail(reader, ERR_MALFORMED, "a string has a character other than plain ASCII");
        else if (reader->at - from == NAME_MAX)
            fail(reader, ERR_LIMIT, "a string is longer than 256 characters");
        else
            reader->at++;
    }
    struct bytes text = bytes_of(reader->in.data + from, reader->at - from);
    want(reader, '"');
    return reader->err ? bytes_of(NULL, 0) : text;
}

static uint64_t get_number(struct reader *reader)
{
    skip_spaces(reader);
    uint64_t number = 0;
    size_t from = reader->at;
    while (!reader->err && reader->at < reader->in.size && reader->in.data[reader->at] >= '0' &&
           reader->in.data[reader->at] <= '9') {
        number = number * 10 + (uint64_t)(reader->in.data[reader->at++] - '0');
        if (number > 1ull << 53)
            fail(reader, ERR_LIMIT, "a number is over 2^53");
    }
    if (reader->at == from)
        fail(reader, ERR_MALFORMED, "a number is missing");
    else if (reader->at > from + 1 && reader->in.data[from] == '0')
        fail(reader, ERR_MALFORMED, "a number begins with 0");
    return reader->err ? 0 : number;
}

/* {"key":"text", ...}, of no interest but that it is well-formed. */
static void skip_notes(struct reader *reader)
{
    want(reader, '{');
    for (bool first = true; more(reader, &first, '}');) {
        get_string(reader);
        want(reader, ':');
        get_string(reader);
    }
}

/* A tensor while it is read. */
struct draft {
    struct safetensors_tensor tensor;
    uint64_t begin; /* in the data */
    uint64_t end;
    bool has_type;
    bool has_shape;
    bool has_offsets;
};

static void get_type(struct reader *reader, struct draft *draft)
{
    struct bytes name = get_string(reader);
    for (size_t i = 0; i < TYPES; i++)
        if (bytes_equal(name, bytes_text(types[i].name))) {
            draft->tensor.type = (enum safetensors_type)i;
            return;
        }
    fail(reader, ERR_MALFORMED, "a dtype is none of F32, I8, U8");
}

static void get_shape(struct reader *reader, struct draft *draft)
{
    want(reader, '[');
    for (bool first = true; more(reader, &first, ']');) {
        if (draft->tensor.rank == SAFETENSORS_RANK_MAX)
            fail(reader, ERR_LIMIT, "a shape has more than 4 dimensions");
        else
            draft->tensor.shape[draft->tensor.rank++] = get_number(reader);
    }
}

static void get_offsets(struct reader *reader, struct draft *draft)
{
    want(reader, '[');
    draft->begin = get_number(reader);
    want(reader, ',');
    draft->end = get_number(reader);
    want(reader, ']');
}

static void get_field(struct reader *reader, struct draft *draft)
{
    struct bytes key = get_string(reader);
    want(reader, ':');
    bool again = false;
    if (bytes_equal(key, bytes_text("dtype"))) {
        again = draft->has_type;
        draft->has_type = true;
        get_type(reader, draft);
    } else if (bytes_equal(key, bytes_text("shape"))) {
        again = draft->has_shape;
        draft->has_shape = true;
        if (!again)
            get_shape(reader, draft);
    } else if (bytes_equal(key, bytes_text("data_offsets"))) {
        again = draft->has_offsets;
        draft->has_offsets = true;
        get_offsets(reader, draft);
    } else {
        fail(reader, ERR_MALFORMED, "a tensor has a key other than dtype, shape, data_offsets");
    }
    if (again)
        fail(reader, ERR_MALFORMED, "a tensor has a key twice");
}

static uint64_t size_of(const struct safetensors_tensor *tensor)
{
    uint64_t size = types[tensor->type].size;
    for (uint32_t i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(size, tensor->shape[i], &size))
            return UINT64_MAX;
    return size;
}

static void get_tensor(struct reader *reader, struct draft *draft, struct bytes data)
{
    want(reader, '{');
    for (bool first = true; more(reader, &first, '}');)
        get_field(reader, draft);
    if (!draft->has_type || !draft->has_shape || !draft->has_offsets)
        fail(reader, ERR_MALFORMED, "a tensor lacks dtype, shape or data_offsets");
    if (reader->err)
        return;
    if (draft->begin > draft->end || draft->end > data.size)
        fail(reader, ERR_MALFORMED, "data_offsets are outside the file");
    else if (draft->end - draft->begin != size_of(&draft->tensor))
        fail(reader, ERR_MALFORMED, "data_offsets don't follow from dtype and shape");
    else
        draft->tensor.data =
            bytes_of(data.data + draft->begin, (size_t)(draft->end - draft->begin));
}

/* Puts `tensor` behind those that begin before it. */
static void insert(struct safetensors_tensor *tensors, uint32_t count,
                   const struct safetensors_tensor *tensor)
{
    uint32_t i = count;
    for (; i > 0 && tensors[i - 1].data.data > tensor->data.data; i--)
        tensors[i] = tensors[i - 1];
    tensors[i] = *tensor;
}

static bool has_name(const struct safetensors_tensor *tensors, uint32_t count, struct bytes name)
{
    for (uint32_t i = 0; i < count; i++)
        if (bytes_equal(tensors[i].name, name))
            return true;
    return false;
}

static uint32_t get_header(struct reader *reader, struct safetensors_tensor *tensors, uint32_t max,
                           struct bytes data)
{
    static const char notes_name[] = "__metadata__";
    uint32_t count = 0;
    bool noted = false;
    want(reader, '{');
    for (bool first = true; more(reader, &first, '}');) {
        struct draft draft = {.tensor.name = get_string(reader)};
        want(reader, ':');
        bool notes = bytes_equal(draft.tensor.name, bytes_text(notes_name));
        if (notes ? noted : has_name(tensors, count, draft.tensor.name))
            fail(reader, ERR_MALFORMED, "a name stands twice");
        if (notes) {
            noted = true;
            skip_notes(reader);
            continue;
        }
        if (count == max)
            fail(reader, ERR_LIMIT, "there are too many tensors");
        get_tensor(reader, &draft, data);
        if (!reader->err)
            insert(tensors, count++, &draft.tensor);
    }
    skip_spaces(reader);
    if (reader->at != reader->in.size)
        fail(reader, ERR_MALFORMED, "something follows the last }");
    return count;
}

/* Each begins where the one before ends, and nothing is left. */
static enum err check_gaps(const struct safetensors_tensor *tensors, uint32_t count,
                           struct bytes data, struct fault *fault)
{
    const uint8_t *at = data.data;
    for (uint32_t i = 0; i < count; i++) {
        if (tensors[i].data.data != at)
            return fault_set(fault, ERR_MALFORMED,
                             "safetensors: at byte %zu of the data is a gap or an overlap",
                             (size_t)(at - data.data));
        at += tensors[i].data.size;
    }
    if (at != data.data + data.size)
        return fault_set(fault, ERR_MALFORMED, "safetensors: %zu bytes follow the last tensor",
                         (size_t)(data.data + data.size - at));
    return ERR_NONE;
}

enum err safetensors_read(struct safetensors_tensor *tensors, uint32_t *count, uint32_t max,
                          struct bytes file, struct fault *fault)
{
    if (file.size < SIZE_BYTES)
        return fault_set(fault, ERR_MALFORMED, "safetensors: %zu bytes are no file", file.size);
    uint64_t size = get_u64(file.data);
    if (size > SAFETENSORS_HEADER_BYTES)
        return fault_set(fault, ERR_LIMIT,
                         "safetensors: a header of %llu bytes; at most %u are possible",
                         (unsigned long long)size, SAFETENSORS_HEADER_BYTES);
    if (size > file.size - SIZE_BYTES)
        return fault_set(fault, ERR_MALFORMED,
                         "safetensors: the header's %llu bytes are more than there are",
                         (unsigned long long)size);
    struct reader reader = {.in = bytes_of(file.data + SIZE_BYTES, (size_t)size), .fault = fault};
    struct bytes data = bytes_of(reader.in.data + size, file.size - SIZE_BYTES - (size_t)size);
    uint32_t found = get_header(&reader, tensors, max, data);
    if (!reader.err)
        reader.err = check_gaps(tensors, found, data, fault);
    if (!reader.err)
        *count = found;
    return reader.err;
}
