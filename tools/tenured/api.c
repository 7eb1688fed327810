#include "tools/tenured/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "contracts/genesis.h"
#include "tools/tenured/api_ask.h"
#include "tools/tenured/api_routes.h"

struct api_route {
    enum http_method method;
    const char *path; /* one that ends with '/' takes a word behind it */
    bool history;     /* it reads committed history */
    enum http_answer (*run)(struct api_ask *ask);
};

static const struct api_route api_routes[API_ROUTES] = {
    {HTTP_POST, "/v1/transactions", false, api_submit_post},
    {HTTP_GET, "/v1/transactions", true, api_tx_list},
    {HTTP_GET, "/v1/transactions/", true, api_tx_get},
    {HTTP_GET, "/v1/status", true, api_node_status},
    {HTTP_GET, "/v1/blocks", true, api_chain_blocks},
    {HTTP_GET, "/v1/blocks/", true, api_chain_block},
    {HTTP_GET, "/v1/events", true, api_chain_events},
    {HTTP_GET, "/v1/proof", true, api_chain_proof},
    {HTTP_GET, "/v1/genesis", true, api_chain_genesis},
    {HTTP_GET, "/v1/state", true, api_state_get},
    {HTTP_GET, "/v1/accounts", true, api_state_accounts},
    {HTTP_GET, "/v1/accounts/", true, api_state_account},
    {HTTP_GET, "/v1/validators", true, api_state_validators},
    {HTTP_GET, "/v1/parameters", true, api_state_parameters},
    {HTTP_GET, "/v1/supply", true, api_state_supply},
    {HTTP_GET, "/v1/offers", true, api_market_offers},
    {HTTP_GET, "/v1/offers/", true, api_market_offer},
    {HTTP_GET, "/v1/leases", true, api_market_leases},
    {HTTP_GET, "/v1/leases/", true, api_market_lease},
    {HTTP_GET, "/v1/jobs", true, api_market_jobs},
    {HTTP_GET, "/v1/jobs/", true, api_market_job},
    {HTTP_GET, "/v1/blobs/", false, api_blob_get},
    {HTTP_PUT, "/v1/blobs/", false, api_blob_put},
    {HTTP_GET, "/v1/chunks/", false, api_blob_get_chunk},
    {HTTP_PUT, "/v1/chunks/", false, api_blob_put_chunk},
    {HTTP_GET, "/health", true, api_node_health},
    {HTTP_GET, "/metrics", true, api_node_metrics},
};

/* The word behind the route's path, "" for a route without; NULL if the path isn't the route's. */
static const char *route_word(const struct api_route *route, const char *path)
{
    size_t size = strlen(route->path);
    if (strncmp(path, route->path, size) != 0)
        return NULL;
    const char *word = path + size;
    bool takes_word = route->path[size - 1] == '/';
    if (takes_word ? *word == 0 || strchr(word, '/') != NULL : *word != 0)
        return NULL;
    return word;
}

static enum http_answer run(struct api_ask *ask, const struct api_route *route)
{
    struct api *api = ask->api;
    if (route->history) {
        ask->history = history_open(api->node.chain, &ask->fault);
        if (ask->history == NULL)
            return api_ask_failed(ask, ask->fault.code, "");
    }
    arena_init(&ask->arena, API_ARENA_BYTES);
    enum http_answer answer = route->run(ask);
    arena_release(&ask->arena);
    if (ask->history != NULL)
        history_close(ask->history);
    return answer;
}

static enum http_answer handle(void *self, const struct http_request *request,
                               struct http_response *response)
{
    struct api_ask ask = {.api = self, .request = request, .response = response};
    ask.out = &response->body;
    bool path_known = false;
    for (size_t i = 0; i < API_ROUTES; i++) {
        ask.word = route_word(&api_routes[i], request->path);
        if (ask.word == NULL)
            continue;
        path_known = true;
        if (api_routes[i].method == request->method)
            return run(&ask, &api_routes[i]);
    }
    if (path_known)
        return api_ask_refuse(&ask, 405, "method_not_allowed",
                              "this path has no such method; see docs/openapi.json");
    return api_ask_refuse(&ask, 404, "no_route", "there is no such path; see docs/openapi.json");
}

static void release(void *self, void *state)
{
    struct api_held *held = state;
    (void)self;
    held->let_go(held);
}

/* Reads what never changes once, so that requests needn't. */
static enum err read_name(struct api *api, struct fault *fault)
{
    struct arena arena;
    struct bytes packed;
    struct genesis genesis;
    struct history *history = history_open(api->node.chain, fault);
    if (history == NULL)
        return fault != NULL ? fault->code : ERR_IO;
    arena_init(&arena, API_ARENA_BYTES);
    enum err err = history_genesis(&arena, history, &packed, fault);
    if (err == ERR_NONE)
        err = record_unpack(&arena, &genesis_record, &genesis, packed, fault);
    if (err == ERR_NONE)
        snprintf(api->chain_name, sizeof(api->chain_name), "%.*s", (int)genesis.name.size,
                 (const char *)genesis.name.data);
    arena_release(&arena);
    history_close(history);
    return err;
}

enum err api_open(struct api **out, const struct api_node *node, const struct http_options *options,
                  struct fault *fault)
{
    struct api *api = calloc(1, sizeof(*api));
    if (api == NULL)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    api->node = *node;
    struct http_options with = *options;
    with.handler = (struct http_handler){api, handle, release};
    enum err err = read_name(api, fault);
    if (err == ERR_NONE)
        err = api_errand_start(&api->errands, node->blobs, &api->http, fault);
    if (err == ERR_NONE)
        err = http_open(&api->http, &with, fault);
    if (err != ERR_NONE) {
        api_errand_stop(&api->errands);
        api_errand_release(&api->errands);
        free(api);
        return err;
    }
    *out = api;
    return ERR_NONE;
}

void api_close(struct api *api)
{
    if (api == NULL)
        return;
    api_errand_stop(&api->errands);
    http_close(api->http);
    api_errand_release(&api->errands);
    free(api);
}

void api_committed(struct api *api)
{
    http_wake_all(api->http);
}

void api_batch_done(struct api_batch *batch)
{
    api_submit_done(batch);
}

uint16_t api_port(const struct api *api)
{
    return http_port(api->http);
}
