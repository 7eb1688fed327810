#include <string.h>

#include "contracts/catalog.h"
#include "contracts/contracts.h"
#include "contracts/members.h"
#include "contracts/validator.h"
#include "tools/tenured/api_list.h"
#include "tools/tenured/api_routes.h"

/* --- any key --- */

/* What the catalogue makes of a key and its value, without the closing brace. */
static enum err add_entry(struct api_ask *ask, const struct history_entry *entry)
{
    struct text *out = ask->out;
    struct text words;
    const struct record *record;
    void *value;
    text_init(&words, 4 * LIMIT_KEY_BYTES);
    catalog_key_text(&words, entry->key);
    api_ask_comma(out);
    text_add(out, "{");
    api_ask_hexadecimal(out, "key", entry->key);
    api_ask_text(out, "key_text", text_string(&words));
    api_ask_hexadecimal(out, "value", entry->value);
    text_release(&words);
    if (catalog_state(entry->key) == NULL) {
        text_add(out, ",\"record\":null,\"decoded\":null");
        return ERR_NONE;
    }
    enum err err = api_list_read(ask, &record, &value, entry);
    if (err != ERR_NONE)
        return err;
    api_ask_text(out, "record", record->name);
    api_ask_name(out, "decoded");
    record_json(out, record, value);
    return ERR_NONE;
}

static enum err add_whole_entry(struct api_ask *ask, const struct history_entry *entry)
{
    enum err err = add_entry(ask, entry);
    text_add(ask->out, "}");
    return err;
}

/* ?key= or ?prefix=&after=&limit=, all but limit in hexadecimal. */
enum http_answer api_state_get(struct api_ask *ask)
{
    struct bytes key, prefix, after, next;
    uint64_t limit;
    if (!api_ask_hex(ask, "key", &key, LIMIT_KEY_BYTES) ||
        !api_ask_hex(ask, "prefix", &prefix, LIMIT_KEY_BYTES) ||
        !api_ask_hex(ask, "after", &after, LIMIT_KEY_BYTES) ||
        !api_ask_number(ask, "limit", &limit, 100, API_PAGE_MAX))
        return HTTP_ANSWER;
    if (http_query(ask->request, "key") != NULL) {
        struct history_entry entry = {.key = key};
        enum err err = history_value(&ask->arena, ask->history, &entry.value, key,
                                     history_height(ask->history), &ask->fault);
        if (err == ERR_NONE)
            err = add_entry(ask, &entry);
        if (err != ERR_NONE)
            return api_ask_failed(ask, err, "there is no such key in the state");
        api_ask_integer(ask->out, "height", history_height(ask->history).n);
        text_add(ask->out, "}\n");
        return HTTP_ANSWER;
    }
    text_add(ask->out, "{");
    api_ask_integer(ask->out, "height", history_height(ask->history).n);
    text_add(ask->out, ",\"entries\":[");
    enum err err = api_list_walk(ask, &next, prefix, after, limit, add_whole_entry);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(ask->out, "]");
    if (next.size > 0)
        api_ask_hexadecimal(ask->out, "next", next);
    else
        text_add(ask->out, ",\"next\":null");
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

/* --- accounts --- */

static enum err add_account(struct api_ask *ask, const struct history_entry *entry)
{
    const struct record *record;
    void *value;
    enum err err = api_list_read(ask, &record, &value, entry);
    if (err != ERR_NONE)
        return err;
    const struct members_account *account = value;
    char text[ADDRESS_TEXT_SIZE];
    struct address address = address_of(&account->public_key);
    address_text(text, &address);
    api_ask_comma(ask->out);
    text_add(ask->out, "{");
    api_ask_text(ask->out, "address", text);
    api_ask_members(ask->out, record, value);
    text_add(ask->out, "}");
    return ERR_NONE;
}

enum http_answer api_state_account(struct api_ask *ask)
{
    struct address address;
    if (!api_ask_word_address(ask, &address))
        return HTTP_ANSWER;
    struct path path = path_account("account/", &address);
    struct history_entry entry = {.key = path_key(&path)};
    enum err err = history_value(&ask->arena, ask->history, &entry.value, entry.key,
                                 history_height(ask->history), &ask->fault);
    if (err == ERR_NONE)
        err = add_account(ask, &entry);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "no account has this address");
    text_add(ask->out, "\n");
    return HTTP_ANSWER;
}

/* ?after=ADDRESS&limit=, by address. */
enum http_answer api_state_accounts(struct api_ask *ask)
{
    const char *text = http_query(ask->request, "after");
    struct path prefix = path_of("account/"), after = prefix;
    struct address address;
    struct bytes next;
    uint64_t limit;
    if (text != NULL && !address_parse(&address, text))
        return api_ask_refuse(ask, 400, "bad_request", "after must be an address (tnr1...)");
    if (!api_ask_number(ask, "limit", &limit, 100, API_PAGE_MAX))
        return HTTP_ANSWER;
    if (text != NULL)
        path_address(&after, &address);
    text_add(ask->out, "{\"accounts\":[");
    enum err err =
        api_list_walk(ask, &next, path_key(&prefix),
                      text != NULL ? path_key(&after) : bytes_of(NULL, 0), limit, add_account);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(ask->out, "],\"next\":");
    if (next.size == prefix.size + ADDRESS_SIZE) {
        char name[ADDRESS_TEXT_SIZE];
        memcpy(address.bytes, next.data + prefix.size, ADDRESS_SIZE);
        address_text(name, &address);
        text_add(ask->out, "\"%s\"}\n", name);
    } else {
        text_add(ask->out, "null}\n");
    }
    return HTTP_ANSWER;
}

/* --- validators, parameters, money --- */

static enum err add_validator(struct api_ask *ask, const struct history_entry *entry)
{
    uint8_t seat = entry->key.data[entry->key.size - 1];
    enum err err = api_list_object(ask, entry, "seat", seat);
    text_add(ask->out, "}");
    return err;
}

enum http_answer api_state_validators(struct api_ask *ask)
{
    struct path prefix = path_of("validator/");
    struct bytes next;
    text_add(ask->out, "{\"validators\":[");
    enum err err = api_list_walk(ask, &next, path_key(&prefix), bytes_of(NULL, 0), LIMIT_VALIDATORS,
                                 add_validator);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(ask->out, "]}\n");
    return HTTP_ANSWER;
}

enum http_answer api_state_parameters(struct api_ask *ask)
{
    struct path key = path_of("parameters");
    text_add(ask->out, "{");
    enum err err = api_list_member(ask, "parameters", &key);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    api_ask_integer(ask->out, "height", history_height(ask->history).n);
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

/* Where all the money is, and whether it adds up. Walks every account and lock. */
enum http_answer api_state_supply(struct api_ask *ask)
{
    struct view_source source = history_source(ask->history);
    struct view_state view;
    struct contracts_supply supply;
    view_init(&view, &source, &ask->arena);
    enum err err = contracts_supply(&view, &supply);
    if (err != ERR_NONE) {
        fault_set(&ask->fault, err, "the state's money can't be summed");
        return api_ask_failed(ask, err, "");
    }
    text_add(ask->out, "{");
    api_ask_integer(ask->out, "height", history_height(ask->history).n);
    api_ask_members(ask->out, &contracts_supply_record, &supply);
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}
