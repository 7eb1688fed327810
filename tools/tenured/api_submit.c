#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tenured/api_routes.h"

/* One POST of transactions. The request and the node hold it; whoever lets go last frees it. */
struct api_submit {
    struct api_held held; /* first: what the request's state points to */
    struct api_batch batch;
    struct api *api;
    uint64_t ticket;
    atomic_uint holders;
    atomic_bool done;
};

static void let_go(struct api_submit *submit)
{
    if (atomic_fetch_sub(&submit->holders, 1) == 1)
        free(submit);
}

static void on_request_end(struct api_held *held)
{
    let_go((struct api_submit *)held);
}

void api_submit_done(struct api_batch *batch)
{
    struct api_submit *submit =
        (struct api_submit *)((char *)batch - offsetof(struct api_submit, batch));
    atomic_fetch_sub(&submit->api->submitted, batch->count);
    atomic_store(&submit->done, true);
    http_wake(submit->api->http, submit->ticket);
    let_go(submit);
}

/* How many transactions the body holds, each preceded by its size; 0 if it isn't of that form. */
static uint32_t count_txs(struct bytes body, bool *too_many)
{
    uint32_t count = 0;
    while (body.size >= 4) {
        size_t size = bytes_get_u32(body.data);
        if (size == 0 || size > LIMIT_TX_BYTES || size > body.size - 4)
            return 0;
        body = bytes_of(body.data + 4 + size, body.size - 4 - size);
        count++;
    }
    *too_many = count > API_BATCH_MAX;
    return body.size == 0 ? count : 0;
}

/* A batch with a copy of the body, in one piece of memory. NULL when there is none. */
static struct api_submit *submit_new(struct api_ask *ask, uint32_t count)
{
    struct bytes body = ask->request->body;
    size_t each = sizeof(struct bytes) + sizeof(struct digest) + sizeof(enum tx_verdict);
    struct api_submit *submit = calloc(1, sizeof(*submit) + count * each + body.size);
    if (submit == NULL)
        return NULL;
    struct bytes *txs = (struct bytes *)(submit + 1);
    struct digest *ids = (struct digest *)(txs + count);
    enum tx_verdict *verdicts = (enum tx_verdict *)(ids + count);
    uint8_t *copy = (uint8_t *)(verdicts + count);
    memcpy(copy, body.data, body.size);
    for (uint32_t i = 0; i < count; i++) {
        txs[i] = bytes_of(copy + 4, bytes_get_u32(copy));
        copy += 4 + txs[i].size;
    }
    submit->held.let_go = on_request_end;
    submit->batch = (struct api_batch){txs, count, ids, verdicts};
    submit->api = ask->api;
    submit->ticket = ask->request->ticket;
    atomic_init(&submit->holders, 2);
    atomic_init(&submit->done, false);
    return submit;
}

static enum http_answer hand_over(struct api_ask *ask)
{
    struct api *api = ask->api;
    bool too_many = false;
    uint32_t count = count_txs(ask->request->body, &too_many);
    if (too_many)
        return api_ask_refuse(ask, 413, "too_many_transactions",
                              "at most 1024 transactions in one request");
    if (count == 0)
        return api_ask_refuse(ask, 400, "malformed_batch",
                              "the body must be transactions, each preceded by its size as four "
                              "big-endian bytes, 1 to 32768");
    if (atomic_fetch_add(&api->submitted, count) + count > API_SUBMIT_MAX) {
        atomic_fetch_sub(&api->submitted, count);
        return api_ask_refuse(ask, 503, "busy", "too many transactions at once; try again");
    }
    struct api_submit *submit = submit_new(ask, count);
    if (submit == NULL || !api->node.submit(api->node.self, &submit->batch)) {
        atomic_fetch_sub(&api->submitted, count);
        free(submit);
        return api_ask_refuse(ask, 503, "busy", "the node checks as many as it can; try again");
    }
    *ask->request->state = submit;
    ask->response->wait_ms = API_SUBMIT_MS;
    return HTTP_WAIT;
}

/* What a refusal of all of them is in HTTP, from the first one's reason. */
static unsigned status_of(enum tx_verdict verdict)
{
    switch (verdict) {
    case TX_OK:
        return 202;
    case TX_POOL_FULL:
        return 503;
    case TX_ACCOUNT_FULL:
        return 429;
    case TX_NONCE_USED:
    case TX_NONCE_GAP:
    case TX_NONCE_TAKEN:
    case TX_KNOWN:
    case TX_REPLACED:
    case TX_EVICTED:
    case TX_EXPIRED:
        return 409;
    case TX_UNKNOWN_SENDER:
    case TX_REVOKED_SENDER:
        return 403;
    case TX_OVERSIZE:
        return 413;
    case TX_MALFORMED:
    case TX_WRONG_VERSION:
    case TX_WRONG_CHAIN:
    case TX_NO_CALLS:
    case TX_TOO_MANY_CALLS:
    case TX_BAD_KEY:
    case TX_HIGH_S:
    case TX_BAD_SIGNATURE:
        return 400;
    }
    return 400;
}

static void add_error(struct text *out, enum tx_verdict verdict)
{
    api_ask_name(out, "error");
    if (verdict == TX_OK) {
        text_add(out, "null");
        return;
    }
    text_add(out, "{");
    api_ask_text(out, "code", tx_verdict_name(verdict));
    api_ask_text(out, "message", tx_verdict_text(verdict));
    text_add(out, "}");
}

static enum http_answer tell(struct api_ask *ask, const struct api_batch *batch)
{
    struct text *out = ask->out;
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < batch->count; i++)
        accepted += batch->verdicts[i] == TX_OK;
    text_add(out, "{");
    api_ask_integer(out, "accepted", accepted);
    if (accepted == 0)
        add_error(out, batch->verdicts[0]);
    text_add(out, ",\"results\":[");
    for (uint32_t i = 0; i < batch->count; i++) {
        api_ask_comma(out);
        text_add(out, "{");
        api_ask_hexadecimal(out, "id", bytes_of(batch->ids[i].bytes, DIGEST_SIZE));
        add_error(out, batch->verdicts[i]);
        text_add(out, "}");
    }
    text_add(out, "]}\n");
    ask->response->status = accepted > 0 ? 202 : status_of(batch->verdicts[0]);
    return HTTP_ANSWER;
}

enum http_answer api_submit_post(struct api_ask *ask)
{
    struct api_submit *submit = *ask->request->state;
    if (submit == NULL)
        return hand_over(ask);
    if (atomic_load(&submit->done))
        return tell(ask, &submit->batch);
    if (ask->request->last)
        return api_ask_refuse(ask, 504, "slow",
                              "the transactions were not checked in time; ask for them by id");
    ask->response->wait_ms = API_SUBMIT_MS;
    return HTTP_WAIT;
}
