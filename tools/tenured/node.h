/* Everything that one validator is made of, and how it stops.
 *
 *     peers, clients --> verifier --> driver <--> executor (chain, pool)
 *                                       |
 *                                    votelog
 */
#ifndef TOOLS_TENURED_NODE_H
#define TOOLS_TENURED_NODE_H

#include "contracts/genesis.h"
#include "tools/sys/settings.h"
#include "tools/tenured/driver.h"
#include "tools/tenured/executor.h"
#include "tools/tenured/ration.h"
#include "tools/tenured/roster.h"
#include "tools/tenured/signer.h"
#include "tools/tenured/statesync.h"
#include "tools/tenured/verifier.h"
#include "tools/tenured/votelog.h"

#define NODE_VERSION "0.1.0"

/* Bytes of a genesis record: the most accounts that it may have, with long names. */
#define NODE_GENESIS_MAX (64u << 20)

struct node {
    struct settings settings;
    struct signer signer;

    uint8_t *genesis_raw; /* owned; `genesis` borrows from it and the arena */
    size_t genesis_size;
    struct arena genesis_arena;
    struct genesis genesis;
    struct digest chain_digest;  /* of the genesis record */
    char name[ROSTER_NAME_SIZE]; /* ours */

    int lock; /* of the data folder; -1: none */
    struct chain *chain;
    struct votelog votelog;
    struct blob_store *blobs;
    struct bucket *bucket; /* behind blobs; NULL: none */
    struct ration ration;                        /* bytes served to each peer that asks */
    struct recent checked;                       /* signatures found valid */
    atomic_bool discord_asked[PEER_PLACES]; /* whose account of a block's writes is awaited */

    struct verifier verifier;
    struct executor executor;
    struct driver driver;
    struct statesync statesync;
    struct peer_net *net;
    struct api *api;
    struct roster *roster; /* changed by the driver only, once it runs; others: roster_hold */
    pthread_mutex_t roster_mutex;
    uint64_t started_ms;

    pthread_mutex_t mutex;
    bool again;  /* stop, and start again with what was fetched */
    bool failed; /* the first failure counts */
    bool leaving;
    struct fault fault;
};

/* The exit code for an error, from sysexits.h. */
int node_exit_code(enum err err);

/* Brings it all up from `settings`; when it fails, everything is down again. */
MUST_USE enum err node_start(struct node *node, const struct settings *settings,
                             struct fault *fault);

/* The node can't go on: keeps the first fault, and has main stop it. From any thread; returns at once. */
void node_fail(struct node *node, enum err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As above with a fault of the store; ERR_NONE is ignored and gives false. */
bool node_failed(struct node *node, enum err err, const struct fault *fault);

/* The node has nothing to do any more, and ends well: says why, and has main stop it. From any thread; returns at once. */
void node_leave(struct node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a validator that was removed: enough of the set that begins at `since` have what it has. */
void node_leave_removed(struct node *node, uint64_t since);

/* The failure that stops it, or ERR_NONE; any thread. */
enum err node_failure(struct node *node);

/* Has main stop the node and start it again, in this process: the chain's folder was replaced. From any thread; returns at once. */
void node_start_again(struct node *node);

/* Is that why it stops? After node_stop too; node_start then keeps the unlocked key. */
bool node_starts_again(struct node *node);

/* Stops everything in order. ERR_NONE, or the failure that stopped it. */
enum err node_stop(struct node *node);

/* Sends to every seat of the committee in `to` that is connected; to one peer; to all guests. Any thread. */
void node_send(struct node *node, uint64_t to, enum peer_lane lane, uint8_t tag, struct bytes body);
void node_answer(struct node *node, struct place to, enum peer_lane lane, uint8_t tag,
                 struct bytes body);
void node_send_guests(struct node *node, enum peer_lane lane, uint8_t tag, struct bytes body);

#endif
