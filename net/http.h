/* The HTTP server of the API: a façade on libmicrohttpd.
 *
 * One handler answers every request, on one of the server's threads. It must not block: to wait for
 * something it answers HTTP_WAIT; the connection then rests without a thread until http_wake or its
 * time is over, and the handler is asked again.
 *
 *     request --> handle --HTTP_ANSWER--> response
 *                   |  ^
 *           HTTP_WAIT  |  http_wake(ticket), http_wake_all, or time over (request->last)
 *                   v  |
 *                   rests
 *
 * What is bounded before the handler sees anything, and how a client learns of it
 * - connections, in all and from one address: the oldest that hasn't sent a whole request is closed (net/guest.h)
 * - requests a second from one address (loopback has no limit): 429 too_many_requests
 * - the body: 413 body_too_large; all bodies together, HTTP_BODIES_MAX, and all answers, HTTP_ANSWERS_MAX:
 *   503 busy
 * - the request's line and headers, 32 KiB: 414 or 431
 * - time without a whole request: closed. So a client that trickles is worth no more than one that
 *   is silent
 * - requests that rest: the handler is asked at once, with `last`
 * - methods other than GET, HEAD, POST and PUT: 405 method_not_allowed
 * With 429 and 503 a client is told to come back after a second (Retry-After).
 * Errors are JSON {"error":{"code","message"}}, but for malformed requests, which libmicrohttpd
 * answers in its own words (400, 414, 431): it has no hook for them.
 *
 * Who may come: without TLS only loopback addresses can be listened on. With TLS, clients on
 * loopback are let in without a certificate; others need one of the consortium's CA, else 403
 * no_certificate.
 *
 * Threads: libmicrohttpd's own, `threads` of them, and nng's timer for waits. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

/* A request's body: a manifest of 65,536 chunks is 2 MiB; a batch of transactions. */
#define HTTP_BODY_MAX (4u << 20)

/* Bodies that are being received or handled, together; and answers that clients haven't taken yet. */
#define HTTP_BODIES_MAX  (32u << 20)
#define HTTP_ANSWERS_MAX (32u << 20)

/* An answer of so many bytes is always taken, so that a refusal can be told. */
#define HTTP_ANSWER_SMALL 4096

/* The longest wait, and the largest answer. */
#define HTTP_WAIT_MS_MAX 60000
#define HTTP_TEXT_MAX    (16u << 20)

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT };
enum http_answer { HTTP_ANSWER, HTTP_WAIT };

struct http_request {
    enum http_method method; /* HEAD comes as GET, and loses the body on its way out */
    const char *path;        /* percent-decoded, begins with '/', without the query */
    struct bytes body;
    const char *address; /* the client's, numeric, without port */
    uint64_t ticket;     /* names this request for http_wake */
    bool last;           /* the wait is over or there is no room to rest: answer now */
    void **state;        /* the handler's, NULL at first, kept from one asking to the next */
    void *connection;    /* for http_query */
};

/* The value of a query argument, percent-decoded, "" if it has none; NULL if it isn't there. */
const char *http_query(const struct http_request *request, const char *name);

struct http_response {
    unsigned status;  /* 200 unless changed */
    const char *type; /* static; "application/json" unless changed */
    struct text body; /* init'ed to HTTP_TEXT_MAX; any bytes; a failed one becomes a 500 */
    int file; /* -1, or an open file that is sent instead of the body; the server closes it */
    uint64_t file_size;
    uint32_t wait_ms; /* with HTTP_WAIT: how long at most, capped at HTTP_WAIT_MS_MAX */
};

struct http_handler {
    void *self;
    enum http_answer (*handle)(void *self, const struct http_request *request,
                               struct http_response *response);
    /* Called once for each request whose *state isn't NULL, when it is over, however it ended. */
    void (*release)(void *self, void *state);
};

struct http_options {   /* borrowed during http_open only */
    const char *listen; /* host:port, numeric host; port 0 takes a free one */
    const char *certificate_pem, *key_pem, *authority_pem; /* all or none: TLS */
    uint32_t threads;                                      /* 1..16 */
    uint32_t connections_max;                              /* in all */
    uint32_t connections_address_max;                      /* from one address */
    uint32_t requests_per_s; /* from one address; 0: no limit; loopback has none */
    uint32_t idle_ms;        /* between requests, and for line and headers to arrive */
    uint32_t request_ms;     /* for the body to arrive; ten times that for the answer to be taken */
    uint32_t waiting_max;    /* requests that rest at a time */
    struct http_handler handler;
};

/* Sensible numbers for a node: 4 threads, 512 connections, 128 an address, 200 requests a second,
 * 30 s idle, 20 s a request, 256 at rest. */
struct http_options http_defaults(void);

struct http_server;

/* Listens. ERR_USAGE: an address or certificate that can't be used; ERR_IO: port in use; with a
 * sentence. *server is set before the first request is handled, so that the handler may use it;
 * NULL on failure. */
MUST_USE enum err http_open(struct http_server **server, const struct http_options *options,
                            struct fault *fault);

/* Ends all requests (those at rest are asked with `last` first). Returns when no handler runs. NULL
 * is allowed. */
void http_close(struct http_server *server);

uint16_t http_port(const struct http_server *server);

/* Asks the handler again for one request at rest, or for all. A wake that comes before the handler
 * has answered HTTP_WAIT isn't lost. Unknown tickets are ignored. */
void http_wake(struct http_server *server, uint64_t ticket);
void http_wake_all(struct http_server *server);

struct http_usage {
    uint64_t requests;    /* answered */
    uint64_t refused;     /* by a bound of the server */
    uint32_t connections; /* now */
    uint32_t waiting;     /* now */
};

struct http_usage http_usage(struct http_server *server);

/* Fills a response with {"error":{"code","message"}}. */
void http_error(struct http_response *response, unsigned status, const char *code,
                const char *message);

#endif
