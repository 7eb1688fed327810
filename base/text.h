/* Text under construction: JSON and sentences, into memory that grows up to a bound.
 *
 * A writer fails once and stays failed, so there is one test at the end. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"

struct text {
    char *data;      /* zero-terminated when not NULL; owned */
    size_t size;     /* characters without the zero */
    size_t capacity; /* bytes at `data` */
    size_t size_max; /* the bound */
    bool failed;     /* over the bound or out of memory; what was added since is lost */
};

void text_init(struct text *text, size_t size_max);
void text_clear(struct text *text);
void text_release(struct text *text);

/* Appends. `text_add` takes printf's format, without floating point. */
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put(struct text *text, struct bytes raw);

/* Appends a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void text_json(struct text *text, struct bytes raw);

/* The zero-terminated characters so far; "" when there are none. Valid until the next call that changes `text`. */
const char *text_string(const struct text *text);

#endif
