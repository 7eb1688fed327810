#include <string.h>

#include "contracts/catalog.h"
#include "contracts/verdict.h"
#include "tools/tenured/api_routes.h"

static void add_calls(struct api_ask *ask, const struct tx_body *body)
{
    struct text *out = ask->out;
    api_ask_name(out, "calls");
    text_add(out, "[");
    for (uint32_t i = 0; i < body->call_count; i++) {
        const struct call *call = &body->calls[i];
        const struct catalog_entry *contract = catalog_contract(call->contract);
        const struct catalog_method *method = catalog_method(call->contract, call->method);
        api_ask_comma(out);
        text_add(out, "{");
        api_ask_text(out, "contract", contract != NULL ? contract->name : "unknown");
        api_ask_text(out, "method", method != NULL ? method->name : "unknown");
        void *args = method != NULL ? arena_alloc(&ask->arena, method->args->size) : NULL;
        if (args != NULL &&
            record_unpack(&ask->arena, method->args, args, call->args, NULL) == ERR_NONE) {
            api_ask_name(out, "args");
            record_json(out, method->args, args);
        } else {
            api_ask_integer(out, "contract_number", call->contract);
            api_ask_integer(out, "method_number", call->method);
            api_ask_hexadecimal(out, "packed", call->args);
        }
        text_add(out, "}");
    }
    text_add(out, "]");
}

enum err api_tx_members(struct api_ask *ask, struct bytes raw, const struct receipt *receipt,
                        struct height height, uint32_t index)
{
    struct text *out = ask->out;
    struct tx tx;
    if (tx_unpack(&ask->arena, &tx, raw, &ask->fault) != TX_OK)
        return fault_set(&ask->fault, ERR_CORRUPT, "block %llu: transaction %u is none",
                         (unsigned long long)height.n, index);
    char sender[ADDRESS_TEXT_SIZE];
    struct address address = address_of(&tx.body.sender);
    address_text(sender, &address);
    api_ask_hexadecimal(out, "id", bytes_of(tx.id.bytes, DIGEST_SIZE));
    api_ask_text(out, "status", "committed");
    api_ask_integer(out, "height", height.n);
    api_ask_integer(out, "index", index);
    api_ask_integer(out, "verdict", receipt->verdict);
    api_ask_text(out, "verdict_name", verdict_name(receipt->verdict));
    api_ask_text(out, "message", verdict_text(receipt->verdict));
    api_ask_text(out, "sender", sender);
    api_ask_integer(out, "nonce", tx.body.nonce);
    api_ask_integer(out, "last_height", tx.body.last_height);
    api_ask_integer(out, "salt", tx.body.salt);
    api_ask_hexadecimal(out, "packed", raw);
    add_calls(ask, &tx.body);
    api_ask_name(out, "events");
    text_add(out, "[");
    for (uint32_t i = 0; i < receipt->event_count; i++) {
        api_ask_event(ask, receipt->events[i].packed);
        text_add(out, "}");
    }
    text_add(out, "]");
    return ERR_NONE;
}

/* The members of the transaction that stands at `at`. */
static enum err add_committed(struct api_ask *ask, const struct history_tx *at)
{
    struct bytes raw;
    struct block_body body;
    struct receipt_list receipts;
    enum err err = history_body(&ask->arena, ask->history, &raw, at->height, &ask->fault);
    if (err == ERR_NONE)
        err = block_body_unpack(&ask->arena, &body, raw, &ask->fault);
    if (err == ERR_NONE)
        err = history_receipts(&ask->arena, ask->history, &receipts, at->height, &ask->fault);
    if (err != ERR_NONE)
        return err;
    if (at->index >= body.item_count || at->index + 1 >= receipts.receipt_count)
        return fault_set(&ask->fault, ERR_CORRUPT, "block %llu has no transaction %u",
                         (unsigned long long)at->height.n, at->index);
    return api_tx_members(ask, body.items[at->index].tx, &receipts.receipts[at->index + 1],
                          at->height, at->index);
}

/* What becomes of one that isn't in a block (yet). */
static enum http_answer tell_fate(struct api_ask *ask, const struct digest *id)
{
    static const char *const words[] = {
        [API_UNKNOWN] = "unknown", [API_PENDING] = "pending", [API_DROPPED] = "expired"};
    enum tx_verdict reason = TX_OK;
    enum api_fate fate = ask->api->node.fate(ask->api->node.self, id, &reason);
    if (fate != API_DROPPED && api_ask_rests(ask))
        return HTTP_WAIT;
    struct text *out = ask->out;
    text_add(out, "{");
    api_ask_hexadecimal(out, "id", bytes_of(id->bytes, DIGEST_SIZE));
    api_ask_text(out, "status", reason == TX_EVICTED ? "evicted" : words[fate]);
    if (fate == API_DROPPED) {
        api_ask_text(out, "reason", tx_verdict_name(reason));
        api_ask_text(out, "message", tx_verdict_text(reason));
    }
    text_add(out, "}\n");
    return HTTP_ANSWER;
}

enum http_answer api_tx_get(struct api_ask *ask)
{
    struct digest id;
    struct history_tx at;
    if (!api_ask_word_digest(ask, &id))
        return HTTP_ANSWER;
    enum err err = history_find_tx(ask->history, &at, &id, &ask->fault);
    if (err == ERR_NOT_FOUND)
        return tell_fate(ask, &id);
    text_add(ask->out, "{");
    if (err == ERR_NONE)
        err = add_committed(ask, &at);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

/* ?account= with &limit= and, to go on, &before_height=&before_index= of the last one seen. */
enum http_answer api_tx_list(struct api_ask *ask)
{
    const char *text = http_query(ask->request, "account");
    struct address account;
    struct history_tx before, *list;
    uint64_t limit, index;
    size_t count;
    if (text == NULL || !address_parse(&account, text))
        return api_ask_refuse(ask, 400, "bad_request", "account must be an address (tnr1...)");
    memset(&before, 0, sizeof(before));
    if (!api_ask_number(ask, "limit", &limit, 100, API_PAGE_MAX) ||
        !api_ask_number(ask, "before_height", &before.height.n, UINT64_MAX, UINT64_MAX) ||
        !api_ask_number(ask, "before_index", &index, 0, UINT32_MAX))
        return HTTP_ANSWER;
    before.index = (uint32_t)index;
    bool from_end = before.height.n == UINT64_MAX;
    enum err err = history_account_txs(&ask->arena, ask->history, &list, &count, &account,
                                       from_end ? NULL : &before, limit, &ask->fault);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(ask->out, "{\"transactions\":[");
    for (size_t i = 0; i < count; i++) {
        api_ask_comma(ask->out);
        text_add(ask->out, "{");
        api_ask_hexadecimal(ask->out, "id", bytes_of(list[i].id.bytes, DIGEST_SIZE));
        api_ask_integer(ask->out, "height", list[i].height.n);
        api_ask_integer(ask->out, "index", list[i].index);
        text_add(ask->out, "}");
    }
    text_add(ask->out, "]}\n");
    return HTTP_ANSWER;
}
