#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 256

void text_init(struct text *text, size_t size_max)
{
    *text = (struct text){.size_max = size_max};
}

void text_clear(struct text *text)
{
    text->size = 0;
    text->failed = false;
    if (text->data)
        text->data[0] = 0;
}

void text_release(struct text *text)
{
    free(text->data);
    text_init(text, text->size_max);
}

/* Makes room for `more` characters and the zero; false, and failed, if there is none. */
static bool reserve(struct text *text, size_t more)
{
    if (text->failed || more > text->size_max - text->size) {
        text->failed = true;
        return false;
    }
    size_t needed = text->size + more + 1;
    if (needed <= text->capacity)
        return true;
    size_t capacity = 2 * text->capacity > CAPACITY_MIN ? 2 * text->capacity : CAPACITY_MIN;
    if (capacity < needed)
        capacity = needed;
    char *data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    /* allow purity: formats no floating point, and so depends on no locale */
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size < 0)
        text->failed = true;
    else if (reserve(text, (size_t)size))
        text->size += (size_t)vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
    va_end(again);
    va_end(arguments);
}

void text_put(struct text *text, struct bytes raw)
{
    if (!reserve(text, raw.size))
        return;
    if (raw.size > 0)
        memcpy(text->data + text->size, raw.data, raw.size);
    text->size += raw.size;
    text->data[text->size] = 0;
}

/* RFC 8259 section 7: quote, backslash and what is below U+0020 must be escaped. */
void text_json(struct text *text, struct bytes raw)
{
    text_put(text, bytes_text("\""));
    while (raw.size > 0 && !text->failed) {
        size_t size = bytes_utf8(raw);
        uint8_t first = raw.data[0];
        if (size == 0) {
            text_put(text, bytes_text("\xef\xbf\xbd"));
            size = 1;
        } else if (first == '"' || first == '\\') {
            text_add(text, "\\%c", first);
        } else if (first < 0x20) {
            text_add(text, "\\u%04x", first);
        } else {
            text_put(text, bytes_of(raw.data, size));
        }
        raw = bytes_of(raw.data + size, raw.size - size);
    }
    text_put(text, bytes_text("\""));
}

const char *text_string(const struct text *text)
{
    return text->data ? text->data : "";
}
