/* Records filled by hand: "field=value" pairs, checked against the record's own description.
 *
 * So every method of every contract can be called from a command line, also those that have no
 * command of their own.
 *
 *     integers   decimal (k, M, G behind them for thousands)     amounts   decimal
 *     truth      yes or no                                       text      as it is
 *     digests, keys, byte strings   hexadecimal                  addresses tnr1...
 *     a nested record's field       outer.inner=value            a list's  outer.0.inner=value
 *     a list of digests             hex,hex,... */
#ifndef TOOLS_TENURE_FORM_H
#define TOOLS_TENURE_FORM_H

#include "base/arena.h"
#include "base/record.h"

/* Fields of one record that can be told apart; the widest argument record has 30. */
#define FORM_FIELDS_MAX 64

/* Fills `value`, which the caller zeroed, from `count` assignments. Every field must be given, but
 * lists (empty) and truths (no). ERR_USAGE names the field, what was given and what is wanted.
 * Texts are borrowed from the assignments. */
MUST_USE enum err form_fill(struct arena *arena, const struct record *record, void *value,
                            const char *const assignments[], uint32_t count, struct fault *fault);

/* Sets one field of a record that is filled already. ERR_USAGE as above. */
MUST_USE enum err form_set(struct arena *arena, const struct record *record, void *value,
                           const char *assignment, struct fault *fault);

/* "name: kind" of every field, one a line, for messages and --help. */
void form_describe(struct text *out, const struct record *record);

#endif
