/* A client of the nodes' HTTP API: several nodes, one asked at a time, the next one when it is
 * silent. Bulk data is fetched from all of them at once (tools/tenure/swarm.h). */
#ifndef TOOLS_TENURE_CLIENT_H
#define TOOLS_TENURE_CLIENT_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "tools/tenure/answer.h"
#include "tools/tenure/throttle.h"

struct blob_store;

#define CLIENT_NODES_MAX 64

/* The longest URL, path and query included. */
#define CLIENT_URL_SIZE 2048

/* The largest answer taken: a page of a thousand blocks stays below. */
#define CLIENT_ANSWER_BYTES (16u << 20)

/* Starting values of request_ms and patience_ms: a machine under load is slow, and a person waits for no answer. */
#define CLIENT_REQUEST_MS  5000
#define CLIENT_PATIENCE_MS 2000

struct client {
    void *handle;                        /* libcurl's; one connection a node is kept open */
    const char *nodes[CLIENT_NODES_MAX]; /* "http://host:port", no slash behind; borrowed */
    uint32_t node_count, node_now;       /* node_now: the one that answered last */
    uint64_t request_ms;                 /* for one request, beyond the wait that it asks for */
    uint64_t patience_ms;     /* how long to go round silent nodes before giving up; 0: once */
    const volatile int *stop; /* not NULL and set: give up at once */
    const char *authority;    /* https: PEM file of the CA; NULL: the system's */
    const char *certificate, *certificate_key; /* https: PEM files of who we are; NULL: nobody */
    struct text body;                          /* the last answer's body */
    bool unreachable;                          /* the last call failed because no node answered */

    /* Of bulk data, set by whoever wants them after client_init. */
    struct throttle throttle; /* both ways together */
    struct blob_store *cache; /* keeps fetched chunks, so that none travels twice; NULL: none. Borrowed */
    void *watcher;            /* the next two's `self` */
    void (*warn)(void *self, const char *sentence); /* NULL: nobody is told */
    void (*progress)(void *self, const char *verb, uint32_t done, uint32_t count); /* chunks; NULL: nobody is told */
};

struct client_reply {
    uint32_t status;   /* of HTTP */
    struct bytes body; /* until the next call */
};

enum client_method { CLIENT_GET, CLIENT_POST, CLIENT_PUT };

/* ERR_USAGE for no node or a URL that isn't http(s)://host[:port]. Release with client_release,
 * also after an error. */
MUST_USE enum err client_init(struct client *client, const char *const nodes[], uint32_t node_count,
                              struct fault *fault);
void client_release(struct client *client);

/* One request with `upload` as its body (POST and PUT). `wait_ms` is what the path itself asks the
 * node to wait. Any status below 500 but 429 is an answer; a node that is silent, fails or is too
 * busy is passed over for the next. ERR_IO when none answered (client->unreachable), ERR_LIMIT when
 * an answer is too large. */
MUST_USE enum err client_call(struct client *client, struct client_reply *reply,
                              enum client_method method, const char *path, struct bytes upload,
                              uint64_t wait_ms, struct fault *fault);

/* GET of `path` (printf's format) as JSON; free *root with answer_free. ERR_NOT_FOUND for status
 * 404, ERR_MISMATCH for another refusal: then the sentence is the node's. */
MUST_USE enum err client_get(struct client *client, struct answer **root, struct fault *fault,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What a node said about a refused request, as a sentence in `fault`. Gives the code that
 * client_get would. */
MUST_USE enum err client_refusal(const struct client *client, const struct client_reply *reply,
                                 const char *path, struct fault *fault);

/* Sets on a handle of libcurl's what every request of this client has: its certificates, protocols and the time to connect. */
void client_equip(const struct client *client, void *handle);

/* Asks another node next time, because this one doesn't have it yet. */
void client_next(struct client *client);

#endif
