/* The HTTP API of a node: routes under /v1/, /health and /metrics over committed history, the blob
 * store, and what the driver knows. docs/openapi.json describes every route; errors are
 * {"error":{"code","message"}}.
 *
 * Reads open a history (ledger/history.h), a frozen view, so they neither wait for consensus nor
 * hold it up. Transactions go to the node in batches:
 *
 *     POST /v1/transactions --> api_batch --node.submit--> verifiers, executor --api_batch_done-->
 * answer
 *
 * Waiting requests rest without a thread; api_committed asks them again. The driver fills `struct
 * api_node`; its functions are called from the server's threads, several at once, and must not
 * block. */
#ifndef TOOLS_TENURED_API_H
#define TOOLS_TENURED_API_H

#include "base/limits.h"
#include "base/units.h"
#include "ledger/chain.h"
#include "ledger/tx.h"
#include "net/blob.h"
#include "net/http.h"
#include "tools/sys/diagnosis.h"

/* Transactions in one POST; more are refused as a whole. */
#define API_BATCH_MAX 1024

/* Transactions on their way to the verifiers, in all requests together; beyond it POST gets 503. */
#define API_SUBMIT_MAX 16384

/* Routes: method and path. */
#define API_ROUTES 27

/* Objects in one page of a list. */
#define API_PAGE_MAX 1000

/* How long a POST may take before its results are given up (the transactions may still be
 * committed). */
#define API_SUBMIT_MS 10000

/* Transactions of one POST. The node fills ids and verdicts and then calls api_batch_done, once,
 * from any thread; until then all of it stays valid, even if the client has gone. */
struct api_batch {
    const struct bytes *txs;   /* whole transactions, unchecked, each at most LIMIT_TX_BYTES */
    uint32_t count;            /* 1..API_BATCH_MAX */
    struct digest *ids;        /* filled by the node; zero for what is no transaction */
    enum tx_verdict *verdicts; /* filled by the node; TX_OK: taken into the pool */
};

void api_batch_done(struct api_batch *batch);

/* What became of a transaction that isn't committed. */
enum api_fate {
    API_UNKNOWN, /* never seen, or too long ago */
    API_PENDING, /* in the pool */
    API_DROPPED, /* left the pool: *reason is TX_EXPIRED, TX_REPLACED, TX_REVOKED_SENDER or TX_EVICTED */
};

struct api_peer {
    struct seat seat;
    char name[LIMIT_TEXT_BYTES + 1];
    uint64_t queued_bytes; /* to it, unsent */
};

/* What the driver knows and the chain doesn't. */
struct api_status {
    struct diagnosis_node node; /* seat, view, votes of the slot, connections, clock, disk */
    bool validator;             /* it votes */
    bool catching_up;
    uint8_t quorum;
    uint64_t interval_max_ms, clock_bound_ms;
    uint64_t pool_count, pool_bytes;
    uint64_t uptime_ms;
    char waiting
        [1024]; /* one sentence: why nothing moves (tools/sys/diagnosis.h); "" when it does */
    struct api_peer peers[LIMIT_VALIDATORS];
    uint32_t peer_count; /* without ourselves */
};

struct api_node {
    void *self;
    struct chain *chain;      /* read through histories only; outlives the API */
    struct blob_store *blobs; /* outlives the API */
    struct digest genesis;
    const char *version; /* of the program; static */
    const char *name;    /* of this node */

    /* Takes the batch for checking. False: the verifiers' queue is full, and api_batch_done isn't
     * called. */
    bool (*submit)(void *self, struct api_batch *batch);
    enum api_fate (*fate)(void *self, const struct digest *id, enum tx_verdict *reason);
    void (*status)(void *self, struct api_status *status); /* zeroed by the caller */

    /* Appends further metrics in Prometheus' text format (version 0.0.4), names beginning with
     * tenure_. May be NULL. */
    void (*metrics)(void *self, struct text *text);

    /* The store gave ERR_CORRUPT: the node must stop. */
    void (*corrupt)(void *self, const struct fault *fault);
};

struct api;

/* Serves `node` with the server's `options` (their handler is set here). Errors as http_open. */
MUST_USE enum err api_open(struct api **api, const struct api_node *node,
                           const struct http_options *options, struct fault *fault);

/* Returns when no request runs. Batches under way must be done first, or never be touched again.
 * NULL is allowed. */
void api_close(struct api *api);

/* A block was committed: waiting requests look again. From any thread; cheap. */
void api_committed(struct api *api);

uint16_t api_port(const struct api *api);

#endif
