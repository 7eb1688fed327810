/* One request to the API while it is answered: what the routes of tools/tenured/api_*.c have in
 * common. */
#ifndef TOOLS_TENURED_API_ASK_H
#define TOOLS_TENURED_API_ASK_H

#include <stdatomic.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/record.h"
#include "ledger/history.h"
#include "tools/tenured/api.h"
#include "tools/tenured/api_errand.h"

/* What one answer may take besides its text: a block with its receipts. */
#define API_ARENA_BYTES (96u << 20)

/* What stands first in whatever a request's state points to. */
struct api_held {
    void (*let_go)(struct api_held *held); /* the request is over */
};

struct api {
    struct api_node node;
    struct http_server *http;
    char chain_name[LIMIT_TEXT_BYTES + 1];
    atomic_uint submitted; /* transactions on their way to the verifiers */
    struct api_errands errands;
};

struct api_ask {
    struct api *api;
    const struct http_request *request;
    struct http_response *response;
    struct text *out; /* the response's body */
    const char *word; /* what follows the route in the path, "" if nothing */
    struct arena arena;
    struct history *history; /* NULL for routes that read no history */
    struct fault fault;
};

/* True if this node has all blocks from `height` on; otherwise refuses: 410, history_pruned. */
bool api_ask_keeps(struct api_ask *ask, uint64_t height);

/* The lowest block that this node has whole. */
uint64_t api_ask_first(const struct api_ask *ask);

/* Makes the answer an error. */
enum http_answer api_ask_refuse(struct api_ask *ask, unsigned status, const char *code,
                                const char *message);

/* The answer for a failed read: 404 for ERR_NOT_FOUND with `what` ("there is no such block"), else
 * 500; tells the node of ERR_CORRUPT. */
enum http_answer api_ask_failed(struct api_ask *ask, enum err err, const char *what);

/* A number in the query: `otherwise` if it isn't there. False, and the answer is an error, if it is
 * none or over `max`. */
bool api_ask_number(struct api_ask *ask, const char *name, uint64_t *value, uint64_t otherwise,
                    uint64_t max);

/* The same for the word of the path, which must be there. */
bool api_ask_word_number(struct api_ask *ask, uint64_t *value);

/* The word as a digest or an address; bytes in hexadecimal in the query (size 0 if it isn't there).
 * False as above. */
bool api_ask_word_digest(struct api_ask *ask, struct digest *digest);
bool api_ask_word_address(struct api_ask *ask, struct address *address);
bool api_ask_hex(struct api_ask *ask, const char *name, struct bytes *bytes, size_t size_max);

/* Rests until a block is committed or `wait_ms` (of the query) are over; false if it may not or
 * need not rest any more. */
bool api_ask_rests(struct api_ask *ask);

/* "name":"text", with the comma before it unless `out` ends in an opening bracket. */
void api_ask_text(struct text *out, const char *name, const char *value);
void api_ask_hexadecimal(struct text *out, const char *name, struct bytes value);
void api_ask_integer(struct text *out, const char *name, uint64_t value);
void api_ask_boolean(struct text *out, const char *name, bool value);

/* "name": with its comma; the value follows. A comma alone, between the elements of a list. */
void api_ask_name(struct text *out, const char *name);
void api_ask_comma(struct text *out);

/* The members of a record's JSON object, without its braces. */
void api_ask_members(struct text *out, const struct record *record, const void *value);

/* [tag, record] of an event as {"event","tag","data"}, without the closing brace. */
void api_ask_event(struct api_ask *ask, struct bytes packed);

#endif
