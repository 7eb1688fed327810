#include "tools/tenured/node.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/check.h"
#include "contracts/validator.h"
#include "ledger/history.h"
#include "net/bucket.h"
#include "tools/sys/electorate.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenured/court.h"
#include "tools/tenured/fetched.h"
#include "tools/tenured/report.h"

#define NODE_PEM_MAX 65536
#define NODE_CHECKED 65536 /* signatures remembered: several times what is in flight; 9 MB */

int node_exit_code(enum err err)
{
    switch (err) {
    case ERR_NONE:
        return EX_OK;
    case ERR_USAGE:
        return EX_CONFIG;
    case ERR_NOT_FOUND:
        return EX_NOINPUT;
    case ERR_SIGNATURE:
        return EX_NOPERM;
    case ERR_MALFORMED:
    case ERR_MISMATCH:
    case ERR_CORRUPT:
        return EX_DATAERR;
    case ERR_IO:
        return EX_IOERR;
    case ERR_BUSY:
        return EX_UNAVAILABLE;
    case ERR_LIMIT:
        return EX_OSERR;
    case ERR_NOT_NOW:
        return EX_PROTOCOL;
    }
    return EX_SOFTWARE;
}

/* --- failures --- */

void node_fail(struct node *node, enum err code, const char *format, ...)
{
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&node->mutex);
    bool first = !node->failed;
    if (first) {
        node->failed = true;
        fault_set(&node->fault, code, "%s", text);
    }
    pthread_mutex_unlock(&node->mutex);
    if (!first)
        return;
    log_event(LOG_LEVEL_ERROR, "failed", "%s; the node stops", text);
    kill(getpid(), SIGTERM);
}

void node_leave(struct node *node, const char *format, ...)
{
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&node->mutex);
    bool first = !node->leaving;
    node->leaving = true;
    pthread_mutex_unlock(&node->mutex);
    if (!first)
        return;
    log_event(LOG_LEVEL_INFO, "leaving", "%s; the node stops", text);
    kill(getpid(), SIGTERM);
}

void node_leave_removed(struct node *node, uint64_t since)
{
    node_leave(node,
               "this validator was removed after block %llu, and those after it have it: nobody "
               "needs this node any more",
               (unsigned long long)since - 1);
}

bool node_failed(struct node *node, enum err err, const struct fault *fault)
{
    if (err)
        node_fail(node, err, "%s", fault->text[0] ? fault->text : err_name(err));
    return err != ERR_NONE;
}

void node_start_again(struct node *node)
{
    pthread_mutex_lock(&node->mutex);
    node->again = !node->failed && !node->leaving;
    pthread_mutex_unlock(&node->mutex);
    kill(getpid(), SIGTERM);
}

bool node_starts_again(struct node *node)
{
    return node->again;
}

enum err node_failure(struct node *node)
{
    pthread_mutex_lock(&node->mutex);
    enum err err = node->failed ? node->fault.code : ERR_NONE;
    pthread_mutex_unlock(&node->mutex);
    return err;
}

/* --- what is handed to net/ and the API --- */

void node_send(struct node *node, uint64_t to, enum peer_lane lane, uint8_t tag, struct bytes body)
{
    struct roster *roster = roster_hold(node);
    for (uint8_t seat = 0; seat < roster->committee.count; seat++)
        if ((to & COMMITTEE_BIT(seat)) && roster->places[seat] != ROSTER_NONE)
            node_answer(node, (struct place){roster->places[seat]}, lane, tag, body);
    roster_drop(roster);
}

void node_answer(struct node *node, struct place to, enum peer_lane lane, uint8_t tag,
                 struct bytes body)
{
    enum err err = peer_send(node->net, to, lane, tag, body);
    if (err == ERR_LIMIT)
        log_event(LOG_LEVEL_WARN, "send-refused", "a record of %zu bytes is too large for a frame",
                  body.size);
    /* Not connected, or its queue is full: consensus and the executor repeat what matters. */
}

void node_send_guests(struct node *node, enum peer_lane lane, uint8_t tag, struct bytes body)
{
    struct roster *roster = roster_hold(node);
    for (uint8_t place = 0; place < PEER_PLACES; place++)
        if (roster->lines[place].taken && roster->lines[place].seat == ROSTER_NONE)
            node_answer(node, (struct place){place}, lane, tag, body);
    roster_drop(roster);
}

static bool node_on_sign(void *self, struct sign_signature *signature, const struct digest *digest)
{
    struct node *node = self;
    *signature = sign_make(&node->signer.secret, digest);
    return true;
}

static bool node_on_record(void *self, struct place from, enum peer_lane lane, uint8_t tag,
                           struct bytes body)
{
    struct node *node = self;
    return verifier_record(&node->verifier, from, lane, tag, body);
}

static const char *node_lane_name(enum peer_lane lane)
{
    return lane == PEER_VOTES ? "votes" : "bulk";
}

static void node_on_connected(void *self, struct place place, enum peer_lane lane)
{
    char name[ROSTER_NAME_SIZE];
    roster_name(self, place, name);
    log_event(LOG_LEVEL_INFO, "peer-connected", "%s (%s)", name, node_lane_name(lane));
}

static void node_on_disconnected(void *self, struct place place, enum peer_lane lane,
                                 const char *why)
{
    char name[ROSTER_NAME_SIZE];
    roster_name(self, place, name);
    log_event(LOG_LEVEL_WARN, "peer-disconnected", "%s (%s): %s", name, node_lane_name(lane), why);
}

static void node_on_refused(void *self, const char *address, const char *why)
{
    (void)self;
    log_event(LOG_LEVEL_WARN, "peer-refused", "%s: %s", address, why);
}

static bool node_on_submit(void *self, struct api_batch *batch)
{
    struct node *node = self;
    return verifier_batch(&node->verifier, batch);
}

static enum api_fate node_on_fate(void *self, const struct digest *id, enum tx_verdict *reason)
{
    struct node *node = self;
    return executor_fate(&node->executor, id, reason);
}

static void node_on_corrupt(void *self, const struct fault *fault)
{
    struct node *node = self;
    node_failed(node, fault->code, fault);
}

/* --- start --- */

static enum err node_load_genesis(struct node *node, struct fault *fault)
{
    enum err err = file_read(&node->genesis_raw, &node->genesis_size, node->settings.genesis,
                             NODE_GENESIS_MAX, fault);
    if (err)
        return err;
    struct fault inner = {0};
    struct bytes raw = bytes_of(node->genesis_raw, node->genesis_size);
    err = record_unpack(&node->genesis_arena, &genesis_record, &node->genesis, raw, &inner);
    if (!err)
        err = genesis_check(&node->genesis, &inner);
    if (err)
        return fault_set(fault, ERR_MALFORMED, "genesis %s: %s", node->settings.genesis,
                         inner.text);
    node->chain_digest = digest_of(raw.data, raw.size);
    node->signer.chain = node->chain_digest;
    return ERR_NONE;
}

static void on_storage_failure(void *self, const char *sentence)
{
    (void)self;
    log_event(LOG_LEVEL_WARN, "storage", "%s", sentence);
}

/* What it knows of object storage: 18 MB, and 16 GiB of chunks that nobody brings twice. */
#define NODE_OBJECTS_KNOWN 262144

/* Puts object storage behind the folder of blobs. */
static enum err node_attach(struct node *node, struct fault *fault)
{
    const struct settings *settings = &node->settings;
    struct bucket_options options = {
        .place = settings->blob_place,
        .endpoint =
            settings->blob_endpoint[0] ? settings->blob_endpoint : getenv("AWS_ENDPOINT_URL"),
        .region = settings->blob_region[0] ? settings->blob_region : getenv("AWS_REGION"),
        .key_id = getenv("AWS_ACCESS_KEY_ID"),
        .secret = getenv("AWS_SECRET_ACCESS_KEY"),
        .warn = on_storage_failure};
    enum err err = bucket_open(&node->bucket, &options, fault);
    if (!err)
        err = blob_attach(node->blobs, node->bucket, NODE_OBJECTS_KNOWN, fault);
    return err;
}

static enum err node_open_data(struct node *node, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    enum err err = file_make_folder(node->settings.data, 0700, fault);
    if (!err)
        err = file_join(path, node->settings.data, "lock", fault);
    if (!err)
        err = file_lock(&node->lock, path, fault);
    if (!err)
        err = fetched_adopt(node->settings.data, bytes_of(node->genesis_raw, node->genesis_size),
                            fault);
    if (!err)
        err = file_join(path, node->settings.data, "chain", fault);
    if (!err)
        err = chain_open_cached(&node->chain, path, bytes_of(node->genesis_raw, node->genesis_size),
                                node->settings.store_cache_mb << 20, fault);
    if (!err) {
        chain_judge(node->chain, &court_judge);
        err = file_join(path, node->settings.data, "votes.log", fault);
    }
    if (!err)
        err = votelog_open(&node->votelog, path, node->settings.key, &node->chain_digest,
                           (struct height){chain_head(node->chain)->header.height}, fault);
    if (!err)
        err = file_join(path, node->settings.data, "blobs", fault);
    if (!err)
        err = blob_open(&node->blobs, path, node->settings.blob_mb << 20, fault);
    if (!err && node->settings.blob_place[0])
        err = node_attach(node, fault);
    return err;
}

/* A program that doesn't know the next block's protocol would fork. */
static enum err node_check_version(struct node *node, struct fault *fault)
{
    uint8_t version;
    enum err err = chain_next_version(node->chain, &version);
    if (err)
        return fault_set(fault, err, "the protocol version can't be read");
    if (version <= BLOCK_VERSION_NEWEST)
        return ERR_NONE;
    return fault_set(
        fault, ERR_NOT_NOW,
        "the chain halted at block %llu: it goes on with protocol version %u, and this "
        "program knows versions up to %d; install a newer tenured",
        (unsigned long long)chain_head(node->chain)->header.height, version, BLOCK_VERSION_NEWEST);
}

/* Every member must have an address: a chain whose members can't reach each other stands still. One that follows may lack some. */
static enum err node_check_addresses(const struct node *node, struct fault *fault)
{
    const struct roster *roster = node->roster;
    const char *lines = node->settings.peers;
    while (*lines) {
        char line[SETTINGS_ADDRESS_SIZE + ROSTER_NAME_SIZE + 128];
        size_t length = strcspn(lines, "\n");
        struct roster_peer peer;
        snprintf(line, sizeof(line), "%.*s", (int)length, lines);
        enum err err = length > 0 ? roster_read_peer(&peer, line, fault) : ERR_NONE;
        if (err)
            return err;
        lines += length + (lines[length] == '\n');
    }
    for (uint8_t i = 0; i < roster->committee.count && !node->settings.follow; i++)
        if (roster->places[i] != ROSTER_NONE && !roster->lines[roster->places[i]].address[0])
            return fault_set(fault, ERR_USAGE,
                             "validator %s has no peers.peer line with its HOST:PORT",
                             roster->names[i]);
    return ERR_NONE;
}

/* Who decides, and which seat is ours. */
static enum err node_take_seat(struct node *node, struct fault *fault)
{
    struct roster *roster;
    enum err err = roster_make(&roster, node, NULL, fault);
    if (err)
        return err;
    node->roster = roster;
    if (roster->seat.n != ROSTER_NONE) {
        snprintf(node->name, sizeof(node->name), "%s", roster->names[roster->seat.n]);
        return node_check_addresses(node, fault);
    }
    if (!node->settings.follow && !roster->dismissed)
        return fault_set(fault, ERR_MISMATCH,
                         "key file %s: its key is no validator's of genesis %s (set node.follow to "
                         "follow the chain until governance gives it a seat)",
                         node->settings.key, node->settings.genesis);
    snprintf(node->name, sizeof(node->name), "%s", roster->dismissed ? "removed" : "follower");
    return node_check_addresses(node, fault);
}

/* PEM texts, read whole; zeroed memory is released too. */
struct node_pems {
    uint8_t *authority, *certificate, *key;
};

static enum err node_read_pems(struct node_pems *pems, const struct settings *settings,
                               struct fault *fault)
{
    size_t size;
    enum err err = file_read(&pems->authority, &size, settings->authority, NODE_PEM_MAX, fault);
    if (!err)
        err = file_read(&pems->certificate, &size, settings->certificate, NODE_PEM_MAX, fault);
    if (!err)
        err = file_read(&pems->key, &size, settings->certificate_key, NODE_PEM_MAX, fault);
    return err;
}

static void node_release_pems(struct node_pems *pems)
{
    free(pems->authority);
    free(pems->certificate);
    free(pems->key);
}

static enum err node_open_peers(struct node *node, const struct node_pems *pems,
                                struct fault *fault)
{
    struct peer_options options = {
        .public = node->signer.public,
        .genesis = node->chain_digest,
        .listen = node->settings.peers_listen,
        .authority_pem = (const char *)pems->authority,
        .certificate_pem = (const char *)pems->certificate,
        .key_pem = (const char *)pems->key,
        .owner = {node, node_on_sign, node_on_record, node_on_connected, node_on_disconnected,
                  node_on_refused},
    };
    enum err err = peer_open(&node->net, &options, fault);
    if (!err)
        roster_connect(node, NULL, node->roster);
    return err;
}

static enum err node_open_api(struct node *node, const struct node_pems *pems, struct fault *fault)
{
    struct http_options options = http_defaults();
    options.listen = node->settings.api_listen;
    options.connections_max = (uint32_t)node->settings.api_connections;
    options.requests_per_s = (uint32_t)node->settings.api_requests_per_s;
    if (node->settings.api_tls) {
        options.certificate_pem = (const char *)pems->certificate;
        options.key_pem = (const char *)pems->key;
        options.authority_pem = (const char *)pems->authority;
    }
    struct api_node api = {
        .self = node,
        .chain = node->chain,
        .blobs = node->blobs,
        .genesis = node->chain_digest,
        .version = NODE_VERSION,
        .name = node->name,
        .submit = node_on_submit,
        .fate = node_on_fate,
        .status = report_status,
        .metrics = report_metrics,
        .corrupt = node_on_corrupt,
    };
    return api_open(&node->api, &api, &options, fault);
}

static enum err node_open_doors(struct node *node, struct fault *fault)
{
    struct node_pems pems = {0};
    enum err err = node_read_pems(&pems, &node->settings, fault);
    if (!err)
        err = node_open_peers(node, &pems, fault);
    if (!err)
        err = node_open_api(node, &pems, fault);
    /* A port in use is nobody's disk. */
    if (err == ERR_IO)
        err = ERR_BUSY;
    node_release_pems(&pems);
    return err;
}

/* *height: what the chain had before its thread ran. */
static enum err node_bring_up(struct node *node, uint64_t *height, struct fault *fault)
{
    enum err err = node_load_genesis(node, fault);
    if (!err && !node->again)
        err = signer_init(&node->signer, &node->settings, fault);
    node->again = false;
    if (!err)
        err = node_open_data(node, fault);
    if (!err)
        err = node_check_version(node, fault);
    if (!err)
        err = node_take_seat(node, fault);
    if (!err && recent_init(&node->checked, NODE_CHECKED))
        err = fault_set(fault, ERR_LIMIT, "no memory for the signature cache");
    if (!err && (verifier_init(&node->verifier, node) || executor_init(&node->executor, node) ||
                 statesync_init(&node->statesync, node)))
        err = fault_set(fault, ERR_LIMIT, "no memory for the queues");
    if (!err)
        err = driver_init(&node->driver, node, fault);
    if (!err)
        err = node_open_doors(node, fault);
    if (!err) {
        *height = chain_head(node->chain)->header.height;
        err = driver_start(&node->driver, fault);
    }
    if (!err)
        err = executor_start(&node->executor, fault);
    if (!err)
        err = verifier_start(&node->verifier, fault);
    if (!err)
        err = statesync_start(&node->statesync, fault);
    return err;
}

enum err node_start(struct node *node, const struct settings *settings, struct fault *fault)
{
    struct signer unlocked = node->signer;
    bool again = node->again;
    memset(node, 0, sizeof(*node));
    if (again)
        node->signer = unlocked;
    signer_clear(&unlocked);
    node->again = again;
    node->settings = *settings;
    node->lock = -1;
    node->votelog.wal.descriptor = -1;
    node->started_ms = clock_monotonic_ms();
    pthread_mutex_init(&node->mutex, NULL);
    pthread_mutex_init(&node->roster_mutex, NULL);
    ration_init(&node->ration);
    arena_init(&node->genesis_arena, 4 * NODE_GENESIS_MAX);
    uint64_t height = 0;
    enum err err = node_bring_up(node, &height, fault);
    if (err) {
        enum err stopped = node_stop(node);
        (void)stopped;
        return err;
    }
    struct roster *roster = roster_hold(node);
    char seat[64] = "no seat yet";
    if (roster->seat.n != ROSTER_NONE)
        snprintf(seat, sizeof(seat), "seat %u of %u", roster->seat.n, roster->committee.count);
    /* the first block of the set after it is certified: a quorum of that set has all that is below */
    if (roster->dismissed && height >= roster->since)
        node_leave_removed(node, roster->since);
    roster_drop(roster);
    log_event(LOG_LEVEL_INFO, "started", "validator %s (%s), chain at height %llu, API on port %u",
              node->name, seat, (unsigned long long)height, api_port(node->api));
    return ERR_NONE;
}

enum err node_stop(struct node *node)
{
    /* Threads first, then what they use. */
    if (node->driver.queue.ring)
        driver_stop(&node->driver);
    if (node->executor.batches.ring)
        executor_stop(&node->executor);
    if (node->verifier.bulk.ring)
        verifier_stop(&node->verifier);
    if (node->statesync.queue.ring)
        statesync_stop(&node->statesync);
    executor_release(&node->executor);
    verifier_release(&node->verifier);
    if (node->statesync.queue.ring)
        statesync_release(&node->statesync);
    api_close(node->api);
    peer_close(node->net);
    if (node->driver.node)
        driver_release(&node->driver);
    recent_release(&node->checked);
    if (node->blobs)
        blob_close(node->blobs);
    bucket_close(node->bucket);
    votelog_close(&node->votelog);
    chain_close(node->chain);
    if (node->lock >= 0)
        close(node->lock);
    if (!node->again)
        signer_clear(&node->signer);
    free(node->genesis_raw);
    arena_release(&node->genesis_arena);
    roster_drop(node->roster);
    pthread_mutex_destroy(&node->roster_mutex);
    ration_release(&node->ration);
    pthread_mutex_destroy(&node->mutex);
    return node->failed ? node->fault.code : ERR_NONE;
}
