#include <string.h>

#include "consensus/ballot.h"
#include "tools/tenured/api_routes.h"
#include "tools/tenured/lineage.h"

/* Blocks in one page: each may have a body of 4 MiB that is read to count it. */
#define API_CHAIN_BLOCKS_MAX 100

static enum err transaction_count(struct api_ask *ask, uint32_t *count, struct height height)
{
    struct arena arena;
    struct bytes raw;
    arena_init(&arena, API_ARENA_BYTES);
    enum err err =
        height.n == 0 ? ERR_NONE : history_body(&arena, ask->history, &raw, height, &ask->fault);
    *count = 0;
    if (err == ERR_NONE && height.n > 0) {
        struct pack_reader reader;
        pack_read_init(&reader, raw);
        pack_read_array(&reader, 1);
        *count = pack_read_array(&reader, LIMIT_BLOCK_TXS);
    }
    arena_release(&arena);
    return err;
}

static enum err add_block(struct api_ask *ask, struct history_block *block, struct height height)
{
    uint32_t count;
    enum err err = history_block(&ask->arena, ask->history, block, height, &ask->fault);
    if (err == ERR_NONE)
        err = transaction_count(ask, &count, height);
    if (err != ERR_NONE)
        return err;
    api_ask_comma(ask->out);
    text_add(ask->out, "{");
    api_ask_hexadecimal(ask->out, "digest", bytes_of(block->digest.bytes, DIGEST_SIZE));
    api_ask_members(ask->out, &block_header_record, &block->header);
    api_ask_integer(ask->out, "transactions", count);
    return ERR_NONE;
}

/* ?from=&limit=, ascending; without `from` the newest. */
enum http_answer api_chain_blocks(struct api_ask *ask)
{
    uint64_t head = history_height(ask->history).n, limit, from;
    struct history_block block;
    if (!api_ask_number(ask, "limit", &limit, 20, API_PAGE_MAX))
        return HTTP_ANSWER;
    if (limit > API_CHAIN_BLOCKS_MAX)
        limit = API_CHAIN_BLOCKS_MAX;
    uint64_t first = api_ask_first(ask), newest = head + 1 > limit ? head + 1 - limit : 0;
    if (!api_ask_number(ask, "from", &from, newest > first ? newest : first, UINT64_MAX) ||
        !api_ask_keeps(ask, from))
        return HTTP_ANSWER;
    text_add(ask->out, "{");
    api_ask_integer(ask->out, "height", head);
    text_add(ask->out, ",\"blocks\":[");
    uint64_t end = from > head ? from : (head - from < limit ? head + 1 : from + limit);
    for (uint64_t height = from; height < end; height++) {
        enum err err = add_block(ask, &block, (struct height){height});
        if (err != ERR_NONE)
            return api_ask_failed(ask, err, "there is no such block");
        text_add(ask->out, "}");
    }
    text_add(ask->out, "]");
    if (end <= head)
        api_ask_integer(ask->out, "next", end);
    else
        text_add(ask->out, ",\"next\":null");
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

static enum err add_transactions(struct api_ask *ask, struct height height)
{
    struct bytes raw;
    struct block_body body = {0};
    struct receipt_list receipts;
    enum err err = history_receipts(&ask->arena, ask->history, &receipts, height, &ask->fault);
    if (err == ERR_NONE && height.n > 0)
        err = history_body(&ask->arena, ask->history, &raw, height, &ask->fault);
    if (err == ERR_NONE && height.n > 0)
        err = block_body_unpack(&ask->arena, &body, raw, &ask->fault);
    if (err != ERR_NONE)
        return err;
    api_ask_name(ask->out, "events");
    text_add(ask->out, "[");
    for (uint32_t i = 0; receipts.receipt_count > 0 && i < receipts.receipts[0].event_count; i++) {
        api_ask_event(ask, receipts.receipts[0].events[i].packed);
        text_add(ask->out, "}");
    }
    text_add(ask->out, "]");
    api_ask_name(ask->out, "body");
    text_add(ask->out, "[");
    for (uint32_t i = 0; i < body.item_count && i + 1 < receipts.receipt_count; i++) {
        struct tx tx;
        char sender[ADDRESS_TEXT_SIZE];
        if (tx_unpack(&ask->arena, &tx, body.items[i].tx, &ask->fault) != TX_OK)
            return ERR_CORRUPT;
        struct address address = address_of(&tx.body.sender);
        address_text(sender, &address);
        api_ask_comma(ask->out);
        text_add(ask->out, "{");
        api_ask_hexadecimal(ask->out, "id", bytes_of(tx.id.bytes, DIGEST_SIZE));
        api_ask_text(ask->out, "sender", sender);
        api_ask_integer(ask->out, "nonce", tx.body.nonce);
        api_ask_integer(ask->out, "verdict", receipts.receipts[i + 1].verdict);
        text_add(ask->out, "}");
    }
    text_add(ask->out, "]");
    return ERR_NONE;
}

/* A block by height or by digest, with its certificate and its transactions in brief. */
enum http_answer api_chain_block(struct api_ask *ask)
{
    struct history_block block;
    struct certificate certificate;
    struct height height;
    struct digest digest;
    enum err err = ERR_NONE;
    if (strlen(ask->word) == 2 * DIGEST_SIZE) {
        if (!api_ask_word_digest(ask, &digest))
            return HTTP_ANSWER;
        err = history_find_block(ask->history, &height, &digest, &ask->fault);
    } else if (!api_ask_word_number(ask, &height.n)) {
        return HTTP_ANSWER;
    }
    if (err == ERR_NONE && !api_ask_keeps(ask, height.n))
        return HTTP_ANSWER;
    if (err == ERR_NONE)
        err = add_block(ask, &block, height);
    if (err == ERR_NONE && record_unpack(&ask->arena, &ballot_certificate_record, &certificate,
                                         block.certificate, NULL) == ERR_NONE) {
        api_ask_name(ask->out, "certificate");
        record_json(ask->out, &ballot_certificate_record, &certificate);
    }
    if (err == ERR_NONE) {
        api_ask_hexadecimal(ask->out, "header_packed", block.header_raw);
        api_ask_hexadecimal(ask->out, "certificate_packed", block.certificate);
        err = add_transactions(ask, height);
    }
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "there is no such block");
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

static void add_place(struct text *out, const struct history_event *event)
{
    api_ask_integer(out, "height", event->height.n);
    api_ask_integer(out, "receipt", event->receipt);
    api_ask_integer(out, "index", event->index);
}

/* ?from_height= (default: the first that is here) [&from_receipt=&from_index=]&limit=, and &wait_ms= to follow. */
enum http_answer api_chain_events(struct api_ask *ask)
{
    struct history_event from, next, *list;
    uint64_t receipt, index, limit;
    size_t count;
    memset(&from, 0, sizeof(from));
    if (!api_ask_number(ask, "from_height", &from.height.n, api_ask_first(ask), UINT64_MAX) ||
        !api_ask_keeps(ask, from.height.n) ||
        !api_ask_number(ask, "from_receipt", &receipt, 0, UINT32_MAX) ||
        !api_ask_number(ask, "from_index", &index, 0, UINT32_MAX) ||
        !api_ask_number(ask, "limit", &limit, 100, API_PAGE_MAX))
        return HTTP_ANSWER;
    from.receipt = (uint32_t)receipt;
    from.index = (uint32_t)index;
    enum err err =
        history_events(&ask->arena, ask->history, &list, &count, &next, &from, limit, &ask->fault);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    if (count == 0 && next.height.n > history_height(ask->history).n && api_ask_rests(ask))
        return HTTP_WAIT;
    text_add(ask->out, "{\"events\":[");
    for (size_t i = 0; i < count; i++) {
        api_ask_event(ask, list[i].packed);
        add_place(ask->out, &list[i]);
        api_ask_integer(ask->out, "time_ms", list[i].time_ms);
        text_add(ask->out, "}");
    }
    text_add(ask->out, "],\"next\":{");
    add_place(ask->out, &next);
    text_add(ask->out, "}}\n");
    return HTTP_ANSWER;
}

/* Adds the next change above `height`, of those up to the set that certifies block `last`. False: there is none, or *err. */
static bool add_change(struct api_ask *ask, struct arena *scratch, struct height *height,
                       struct height last, enum err *err)
{
    struct history_block block;
    struct validator_set set;
    arena_clear(scratch);
    *err = lineage_boundary(scratch, ask->history, &block, &set, *height, &ask->fault);
    if (*err == ERR_NOT_FOUND || (!*err && set.since > last.n)) {
        *err = ERR_NONE;
        return false;
    }
    if (*err)
        return false;
    text_add(ask->out, height->n > 0 ? ",{" : "{");
    api_ask_hexadecimal(ask->out, "header_packed", block.header_raw);
    api_ask_hexadecimal(ask->out, "certificate_packed", block.certificate);
    api_ask_hexadecimal(ask->out, "set_packed", record_bytes(scratch, &validator_set_record, &set));
    text_add(ask->out, "}");
    height->n = set.since - 1;
    return true;
}

/* The changes from genesis to the set that certifies block `last`, also those that are below where history starts here. */
static enum err add_changes(struct api_ask *ask, struct height last)
{
    struct height height = {0};
    struct arena scratch;
    enum err err;
    arena_init(&scratch, API_ARENA_BYTES);
    text_add(ask->out, ",\"sets\":[");
    while (add_change(ask, &scratch, &height, last, &err))
        continue;
    text_add(ask->out, "]");
    arena_release(&scratch);
    return err;
}

/* ?key=&height= (default: the head): the value then, and the proof of it or of its absence
 * (`ics23`: as a CommitmentProof for ICS-23's SmtSpec), with what certifies the state root. */
enum http_answer api_chain_proof(struct api_ask *ask)
{
    struct bytes key, value = {0}, ics23;
    struct height height;
    struct history_block block;
    struct sparse_proof proof;
    if (!api_ask_hex(ask, "key", &key, LIMIT_KEY_BYTES) ||
        !api_ask_number(ask, "height", &height.n, history_height(ask->history).n, UINT64_MAX))
        return HTTP_ANSWER;
    if (key.size == 0)
        return api_ask_refuse(ask, 400, "bad_request", "key is missing");
    if (height.n < history_start(ask->history).n && !api_ask_keeps(ask, height.n))
        return HTTP_ANSWER;
    enum err err = history_block(&ask->arena, ask->history, &block, height, &ask->fault);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "there is no such block");
    err = history_value(&ask->arena, ask->history, &value, key, height, &ask->fault);
    if (err == ERR_NONE || err == ERR_NOT_FOUND)
        err = history_prove(&ask->arena, ask->history, &proof, key, height, &ask->fault);
    if (err == ERR_NONE)
        err = history_ics23(&ask->arena, ask->history, &ics23, key, height, &ask->fault);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "the state of that height is not kept");
    text_add(ask->out, "{");
    api_ask_integer(ask->out, "height", height.n);
    api_ask_hexadecimal(ask->out, "key", key);
    if (value.size > 0)
        api_ask_hexadecimal(ask->out, "value", value);
    else
        text_add(ask->out, ",\"value\":null");
    api_ask_hexadecimal(ask->out, "state_root",
                        bytes_of(block.header.state_root.bytes, DIGEST_SIZE));
    api_ask_name(ask->out, "proof");
    record_json(ask->out, &sparse_proof_record, &proof);
    api_ask_hexadecimal(ask->out, "proof_packed",
                        record_bytes(&ask->arena, &sparse_proof_record, &proof));
    api_ask_hexadecimal(ask->out, "ics23", ics23);
    api_ask_hexadecimal(ask->out, "header_packed", block.header_raw);
    api_ask_hexadecimal(ask->out, "certificate_packed", block.certificate);
    err = add_changes(ask, height);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "the blocks that changed the validators are not kept");
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

/* The packed genesis record: its SHA-256 is the chain. */
enum http_answer api_chain_genesis(struct api_ask *ask)
{
    struct bytes packed;
    enum err err = history_genesis(&ask->arena, ask->history, &packed, &ask->fault);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    ask->response->type = "application/octet-stream";
    text_put(ask->out, packed);
    return HTTP_ANSWER;
}
