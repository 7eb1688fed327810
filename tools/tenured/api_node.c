#include <inttypes.h>
#include <stdlib.h>

#include "tools/tenured/api_routes.h"

static void add_peers(struct text *out, const struct api_status *status)
{
    api_ask_name(out, "peers");
    text_add(out, "[");
    for (uint32_t i = 0; i < status->peer_count; i++) {
        const struct api_peer *peer = &status->peers[i];
        api_ask_comma(out);
        text_add(out, "{");
        api_ask_integer(out, "seat", peer->seat.n);
        api_ask_text(out, "name", peer->name);
        api_ask_boolean(out, "connected", status->node.connected >> peer->seat.n & 1);
        api_ask_integer(out, "since_ms", status->node.since_ms[peer->seat.n]);
        api_ask_integer(out, "queued_bytes", peer->queued_bytes);
        text_add(out, "}");
    }
    text_add(out, "]");
}

static void add_seats(struct text *out, const char *name, uint64_t seats)
{
    const char *between = "";
    api_ask_name(out, name);
    text_add(out, "[");
    for (uint8_t seat = 0; seat < LIMIT_VALIDATORS; seat++) {
        if (!(seats >> seat & 1))
            continue;
        text_add(out, "%s%u", between, seat);
        between = ",";
    }
    text_add(out, "]");
}

/* The facts that tools/sys/diagnosis.h draws its conclusions from. */
static void add_consensus(struct text *out, const struct api_status *status)
{
    const struct diagnosis_node *node = &status->node;
    api_ask_name(out, "consensus");
    text_add(out, "{");
    api_ask_integer(out, "quorum", status->quorum);
    api_ask_boolean(out, "active", node->active);
    api_ask_boolean(out, "muted", node->muted);
    api_ask_boolean(out, "halted", node->halted);
    api_ask_integer(out, "height", node->height);
    api_ask_integer(out, "durable_height", node->durable);
    api_ask_integer(out, "in_flight", node->in_flight);
    add_seats(out, "prepares", node->prepares);
    add_seats(out, "commits", node->commits);
    add_seats(out, "view_changes", node->changes);
    api_ask_integer(out, "idle_ms", node->idle_ms);
    api_ask_integer(out, "owed_ms", node->owed_ms);
    api_ask_integer(out, "timeout_ms", node->timeout_ms);
    api_ask_integer(out, "interval_max_ms", status->interval_max_ms);
    api_ask_integer(out, "clock_bound_ms", status->clock_bound_ms);
    text_add(out, "}");
}

/* What the driver knows, from the heap: it is a few kilobytes. */
static struct api_status *status_new(struct api_ask *ask)
{
    struct api_status *status = arena_alloc(&ask->arena, sizeof(*status));
    if (status != NULL)
        ask->api->node.status(ask->api->node.self, status);
    return status;
}

/* ?after_height=&wait_ms= rests until a block above that height is committed. */
enum http_answer api_node_status(struct api_ask *ask)
{
    const struct api *api = ask->api;
    struct text *out = ask->out;
    struct height height = history_height(ask->history);
    struct history_block block;
    uint64_t after;
    if (!api_ask_number(ask, "after_height", &after, UINT64_MAX, UINT64_MAX))
        return HTTP_ANSWER;
    if (after != UINT64_MAX && height.n <= after && api_ask_rests(ask))
        return HTTP_WAIT;
    const struct api_status *status = status_new(ask);
    enum err err = status == NULL
                       ? ERR_LIMIT
                       : history_block(&ask->arena, ask->history, &block, height, &ask->fault);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(out, "{");
    api_ask_hexadecimal(out, "chain", bytes_of(api->node.genesis.bytes, DIGEST_SIZE));
    api_ask_text(out, "chain_name", api->chain_name);
    api_ask_text(out, "name", api->node.name);
    api_ask_text(out, "version", api->node.version);
    api_ask_integer(out, "height", height.n);
    api_ask_integer(out, "history_start", history_start(ask->history).n);
    api_ask_hexadecimal(out, "digest", bytes_of(block.digest.bytes, DIGEST_SIZE));
    api_ask_hexadecimal(out, "state_root", bytes_of(block.header.state_root.bytes, DIGEST_SIZE));
    api_ask_integer(out, "time_ms", block.header.time_ms);
    api_ask_integer(out, "seat", status->node.seat);
    api_ask_boolean(out, "validator", status->validator);
    api_ask_integer(out, "validators", status->peer_count + status->validator);
    api_ask_integer(out, "view", status->node.view);
    api_ask_integer(out, "primary", status->node.primary);
    api_ask_boolean(out, "catching_up", status->catching_up);
    api_ask_integer(out, "peers_height", status->node.target);
    api_ask_text(out, "waiting", status->waiting);
    api_ask_integer(out, "uptime_ms", status->uptime_ms);
    api_ask_integer(out, "clock_ms", status->node.clock_ms);
    api_ask_integer(out, "disk_free_bytes", status->node.disk_free_bytes);
    add_consensus(out, status);
    api_ask_name(out, "pool");
    text_add(out, "{\"count\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", status->pool_count,
             status->pool_bytes);
    add_peers(out, status);
    text_add(out, "}\n");
    return HTTP_ANSWER;
}

/* 200 while the node keeps up, 503 while it is behind. */
enum http_answer api_node_health(struct api_ask *ask)
{
    const struct api_status *status = status_new(ask);
    if (status == NULL)
        return api_ask_failed(ask, ERR_LIMIT, "");
    ask->response->status = status->catching_up ? 503 : 200;
    text_add(ask->out, "{");
    api_ask_text(ask->out, "status", status->catching_up ? "catching_up" : "ok");
    api_ask_integer(ask->out, "height", history_height(ask->history).n);
    api_ask_text(ask->out, "waiting", status->waiting);
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

static void add_metric(struct text *out, const char *name, const char *type, const char *help,
                       uint64_t value)
{
    text_add(out, "# HELP tenure_%s %s\n# TYPE tenure_%s %s\ntenure_%s %" PRIu64 "\n", name, help,
             name, type, name, value);
}

/* Prometheus' text format, version 0.0.4. */
enum http_answer api_node_metrics(struct api_ask *ask)
{
    const struct api *api = ask->api;
    struct text *out = ask->out;
    const struct api_status *status = status_new(ask);
    if (status == NULL)
        return api_ask_failed(ask, ERR_LIMIT, "");
    struct http_usage http = http_usage(api->http);
    struct blob_usage blobs = blob_usage(api->node.blobs);
    uint64_t connected = (uint64_t)__builtin_popcountll(status->node.connected);

    ask->response->type = "text/plain; version=0.0.4";
    add_metric(out, "height", "gauge", "Last committed block.", history_height(ask->history).n);
    add_metric(out, "view", "gauge", "Consensus' view.", status->node.view);
    add_metric(out, "peers", "gauge", "Other validators.", status->peer_count);
    add_metric(out, "peers_connected", "gauge", "Other validators that are connected.", connected);
    add_metric(out, "pool_transactions", "gauge", "Pending transactions.", status->pool_count);
    add_metric(out, "pool_bytes", "gauge", "Bytes of pending transactions.", status->pool_bytes);
    add_metric(out, "uptime_milliseconds", "gauge", "Since the node was started.",
               status->uptime_ms);
    add_metric(out, "http_requests_total", "counter", "Requests answered.", http.requests);
    add_metric(out, "http_refused_total", "counter", "Requests refused by the server's bounds.",
               http.refused);
    add_metric(out, "http_connections", "gauge", "Open connections.", http.connections);
    add_metric(out, "http_waiting", "gauge", "Requests at rest.", http.waiting);
    add_metric(out, "blob_bytes", "gauge", "Bytes in the blob store.", blobs.bytes);
    add_metric(out, "blob_bytes_max", "gauge", "Bound of the blob store.", blobs.bytes_max);
    add_metric(out, "blob_evicted_total", "counter", "Files pushed out by the bound.",
               blobs.evicted);
    add_metric(out, "blob_corrupt_total", "counter", "Files found damaged.", blobs.corrupt);
    if (api->node.metrics != NULL)
        api->node.metrics(api->node.self, out);
    return HTTP_ANSWER;
}
