/* JSON that a node answers with, read by path. A missing or mistyped member reads as empty or 0, so
 * that a reader asks for what it needs and tests the few members it can't do without. Only this
 * file's .c knows the JSON library. */
#ifndef TOOLS_TENURE_ANSWER_H
#define TOOLS_TENURE_ANSWER_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/error.h"

/* A value inside an answer: object, list, text, number. Borrowed from its root; NULL reads as empty
 * everywhere. */
struct answer;

/* Parses a whole text; free the root with answer_free. ERR_MALFORMED with the place when it is no
 * JSON. */
MUST_USE enum err answer_parse(struct answer **root, struct bytes json, struct fault *fault);
void answer_free(struct answer *root);

/* The member at `path`, names separated by dots: "pool.count". NULL if there is none; "" is the
 * value itself. */
const struct answer *answer_at(const struct answer *value, const char *path);

/* Text at `path`; "" if there is none. */
const char *answer_text(const struct answer *value, const char *path);

/* A number, or a decimal text that holds one (numbers above 2^53 travel so); 0 if there is none. */
uint64_t answer_number(const struct answer *value, const char *path);
bool answer_true(const struct answer *value, const char *path);
bool answer_has(const struct answer *value, const char *path);

/* A list's length and its elements; 0 and NULL if it is none. */
uint32_t answer_count(const struct answer *value, const char *path);
const struct answer *answer_item(const struct answer *value, const char *path, uint32_t index);

/* Members of an object in the order they came: NULL after the last. `*at` starts at NULL. */
const char *answer_member(const struct answer *object, void **at, const struct answer **value);

/* Sets a member of an object that answer_parse made: a text, or null for NULL. */
void answer_put(struct answer *object, const char *name, const char *text);

/* Prints the value as indented JSON with a line end. */
void answer_print(FILE *out, const struct answer *value);

/* A number, text or truth in the way a table shows it, lists and objects as compact JSON; cut to
 * `size`. */
void answer_show(char *out, size_t size, const struct answer *value);

#endif
