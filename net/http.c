#include "net/http.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/endpoint.h"
#include "net/guest.h"
#include "net/quota.h"

/* How long the timer sleeps at most; what ends sooner wakes it. nng 1.5.2 spins for up to a
 * millisecond around each timer's end, so it must end seldom. */
#define HTTP_TICK_MS       1000
#define HTTP_HEADERS_BYTES 32768
#define HTTP_BODY_FIRST    4096

/* Connections that were told to go and haven't gone yet. */
#define HTTP_LEAVING_MAX 32

/* One request. */
struct http_exchange {
    struct http_server *server;
    struct guest *guest;
    struct MHD_Connection *connection;
    enum http_method method;
    uint8_t *body;
    size_t size, room;
    size_t discarded; /* bytes of a body that is too large */
    bool no_room;     /* for its body, among all bodies */
    bool begun;       /* the handler was asked */
    void *state;
    /* Guarded by the server's mutex. */
    uint64_t ticket;
    uint64_t wakes; /* of the server when the handler was last asked */
    bool resting, woken;
    uint64_t until_ms; /* of the wait; 0: none so far */
};

struct http_server {
    struct http_options options;
    struct MHD_Daemon *daemon;
    nng_aio *tick;
    bool tls;

    pthread_mutex_t mutex; /* guards what follows */
    bool closing;
    uint64_t tickets, wakes; /* counted */
    struct guest_list guests;
    uint64_t tick_ms; /* when the timer ends */
    size_t bodies;    /* bytes of all bodies */
    size_t answers;   /* and of all answers that are on their way */
    struct http_usage usage;
    struct quota quota;
};

struct http_options http_defaults(void)
{
    return (struct http_options){
        .threads = 4,
        .connections_max = 512,
        .connections_address_max = 128,
        .requests_per_s = 200,
        .idle_ms = 30000,
        .request_ms = 20000,
        .waiting_max = 256,
    };
}

const char *http_query(const struct http_request *request, const char *name)
{
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
                                      strlen(name), &value, &size) != MHD_YES)
        return NULL;
    return value == NULL ? "" : value;
}

static void close_file(struct http_response *response)
{
    if (response->file >= 0)
        close(response->file);
    response->file = -1;
}

void http_error(struct http_response *response, unsigned status, const char *code,
                const char *message)
{
    text_clear(&response->body);
    close_file(response);
    response->status = status;
    response->type = "application/json";
    text_add(&response->body, "{\"error\":{\"code\":");
    text_json(&response->body, bytes_text(code));
    text_add(&response->body, ",\"message\":");
    text_json(&response->body, bytes_text(message));
    text_add(&response->body, "}}\n");
}

/* --- responses --- */

static void response_init(struct http_response *response)
{
    *response = (struct http_response){.status = 200, .type = "application/json", .file = -1};
    text_init(&response->body, HTTP_TEXT_MAX);
}

/* An answer on its way to a client. */
struct http_sent {
    struct http_server *server;
    struct text body;
};

/* libmicrohttpd needs the answer no more. */
static void on_sent(void *arg)
{
    struct http_sent *sent = arg;
    pthread_mutex_lock(&sent->server->mutex);
    sent->server->answers -= sent->body.capacity;
    pthread_mutex_unlock(&sent->server->mutex);
    text_release(&sent->body);
    free(sent);
}

/* Books the answer, whatever its size is when it is small. */
static bool has_room_for(struct http_server *server, size_t size)
{
    pthread_mutex_lock(&server->mutex);
    bool fits = size <= HTTP_ANSWER_SMALL || server->answers + size <= HTTP_ANSWERS_MAX;
    server->answers += fits ? size : 0;
    pthread_mutex_unlock(&server->mutex);
    return fits;
}

/* libmicrohttpd's response for a file, which is its own from now on, without a copy of what is in it. NULL: out of memory. */
static struct MHD_Response *file_response(struct http_response *response)
{
    struct MHD_Response *out = MHD_create_response_from_fd64(response->file_size, response->file);
    text_release(&response->body);
    if (out == NULL)
        close_file(response);
    return out;
}

/* The same for a text, which is booked until it is sent. */
static struct MHD_Response *text_response(struct http_server *server,
                                          struct http_response *response)
{
    struct http_sent *sent = calloc(1, sizeof(*sent));
    if (response->body.failed)
        http_error(response, 500, "answer_too_large", "the answer does not fit; ask for less");
    if (sent == NULL || !has_room_for(server, response->body.capacity)) {
        text_release(&response->body);
        if (sent == NULL)
            return NULL;
        http_error(response, 503, "busy", "too many answers wait to be taken; try again");
        CHECK(has_room_for(server, response->body.capacity));
    }
    *sent = (struct http_sent){server, response->body};
    struct MHD_Response *out = MHD_create_response_from_buffer_with_free_callback_cls(
        sent->body.size, (void *)(uintptr_t)text_string(&sent->body), on_sent, sent);
    if (out == NULL)
        on_sent(sent);
    return out;
}

/* Hands a response to libmicrohttpd and releases it. */
static enum MHD_Result respond(struct http_server *server, struct MHD_Connection *connection,
                               struct http_response *response)
{
    struct MHD_Response *out =
        response->file >= 0 ? file_response(response) : text_response(server, response);
    if (out == NULL)
        return MHD_NO;
    MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->type);
    MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (response->status == 429 || response->status == 503)
        MHD_add_response_header(out, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    enum MHD_Result result = MHD_queue_response(connection, response->status, out);
    MHD_destroy_response(out);
    return result;
}

static enum MHD_Result respond_error(struct http_exchange *exchange, unsigned status,
                                     const char *code, const char *message)
{
    struct http_response response;
    response_init(&response);
    http_error(&response, status, code, message);
    pthread_mutex_lock(&exchange->server->mutex);
    exchange->server->usage.refused++;
    pthread_mutex_unlock(&exchange->server->mutex);
    return respond(exchange->server, exchange->connection, &response);
}

/* --- waits --- */

/* Something ends at `at_ms`: the timer must not sleep longer. Requires the mutex. */
static void end_at(struct http_server *server, uint64_t at_ms)
{
    if (at_ms < server->tick_ms)
        nng_aio_cancel(server->tick);
}

/* Requires the mutex and an exchange at rest. */
static void resume(struct http_server *server, struct http_exchange *exchange)
{
    exchange->resting = false;
    server->usage.waiting--;
    MHD_resume_connection(exchange->connection);
}

/* Lets the exchange rest. False if the handler must be asked again at once: it was woken meanwhile,
 * or may not rest. */
static bool rest(struct http_exchange *exchange, uint32_t wait_ms)
{
    struct http_server *server = exchange->server;
    if (wait_ms > HTTP_WAIT_MS_MAX)
        wait_ms = HTTP_WAIT_MS_MAX;

    pthread_mutex_lock(&server->mutex);
    uint64_t now = nng_clock();
    if (exchange->until_ms == 0)
        exchange->until_ms = now + wait_ms;
    if (server->closing || server->usage.waiting >= server->options.waiting_max)
        exchange->until_ms = now;
    bool rests = !exchange->woken && exchange->wakes == server->wakes && now < exchange->until_ms;
    if (rests) {
        exchange->resting = true;
        server->usage.waiting++;
        end_at(server, exchange->until_ms);
        MHD_suspend_connection(exchange->connection);
    }
    pthread_mutex_unlock(&server->mutex);
    return rests;
}

void http_wake(struct http_server *server, uint64_t ticket)
{
    pthread_mutex_lock(&server->mutex);
    for (struct guest *guest = server->guests.newest; guest != NULL; guest = guest->next) {
        struct http_exchange *exchange = guest->exchange;
        if (exchange == NULL || exchange->ticket != ticket)
            continue;
        exchange->woken = true;
        if (exchange->resting)
            resume(server, exchange);
    }
    pthread_mutex_unlock(&server->mutex);
}

void http_wake_all(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->wakes++;
    for (struct guest *guest = server->guests.newest; guest != NULL; guest = guest->next)
        if (guest->exchange != NULL && guest->exchange->resting)
            resume(server, guest->exchange);
    pthread_mutex_unlock(&server->mutex);
}

static void on_tick(void *arg)
{
    struct http_server *server = arg;
    uint64_t now = nng_clock(), next = now + HTTP_TICK_MS;

    pthread_mutex_lock(&server->mutex);
    for (struct guest *guest = server->guests.newest; guest != NULL; guest = guest->next) {
        struct http_exchange *exchange = guest->exchange;
        if (exchange != NULL && exchange->resting && now >= exchange->until_ms)
            resume(server, exchange);
        else if (exchange != NULL && exchange->resting && exchange->until_ms < next)
            next = exchange->until_ms;
        if (now >= guest->deadline_ms) {
            guest->deadline_ms = UINT64_MAX;
            server->usage.refused++;
            shutdown(guest->fd, SHUT_RDWR);
        } else if (guest->deadline_ms < next) {
            next = guest->deadline_ms;
        }
    }
    server->tick_ms = next;
    if (!server->closing)
        nng_sleep_aio((nng_duration)(next - now), server->tick);
    pthread_mutex_unlock(&server->mutex);
}

/* Sets when the connection is cut off. Requires the mutex. */
static void deadline_set(struct http_server *server, struct guest *guest, uint64_t deadline_ms)
{
    guest->deadline_ms = deadline_ms;
    end_at(server, deadline_ms);
}

/* --- requests --- */

/* Asks the handler until it answers or rests. */
static enum MHD_Result ask(struct http_exchange *exchange, const char *path)
{
    struct http_server *server = exchange->server;
    struct http_handler *handler = &server->options.handler;
    struct http_request request = {
        .method = exchange->method,
        .path = path,
        .body = bytes_of(exchange->body, exchange->size),
        .address = exchange->guest->address,
        .state = &exchange->state,
        .connection = exchange->connection,
    };
    struct http_response response;

    for (;;) {
        pthread_mutex_lock(&server->mutex);
        request.ticket = exchange->ticket;
        request.last = exchange->until_ms != 0 && nng_clock() >= exchange->until_ms;
        exchange->woken = false;
        exchange->wakes = server->wakes;
        pthread_mutex_unlock(&server->mutex);

        response_init(&response);
        enum http_answer answer = handler->handle(handler->self, &request, &response);
        if (answer == HTTP_ANSWER || request.last)
            break;
        text_release(&response.body);
        close_file(&response);
        if (rest(exchange, response.wait_ms))
            return MHD_YES;
    }
    pthread_mutex_lock(&server->mutex);
    server->usage.requests++;
    deadline_set(server, exchange->guest, nng_clock() + 10ull * server->options.request_ms);
    pthread_mutex_unlock(&server->mutex);
    return respond(exchange->server, exchange->connection, &response);
}

/* Keeps a piece of the body, or what to say about it once it is over. Returns false for a client
 * that goes on and on. */
static bool keep(struct http_exchange *exchange, const char *data, size_t size)
{
    struct http_server *server = exchange->server;
    if (exchange->no_room || exchange->discarded > 0 || size > HTTP_BODY_MAX - exchange->size) {
        exchange->discarded += size;
        return exchange->discarded <= HTTP_BODY_MAX;
    }
    if (size > exchange->room - exchange->size) {
        size_t room = exchange->room == 0 ? HTTP_BODY_FIRST : exchange->room * 2;
        while (room < exchange->size + size)
            room *= 2;
        pthread_mutex_lock(&server->mutex);
        bool fits = server->bodies + (room - exchange->room) <= HTTP_BODIES_MAX;
        uint8_t *body = fits ? realloc(exchange->body, room) : NULL;
        if (body != NULL)
            server->bodies += room - exchange->room;
        pthread_mutex_unlock(&server->mutex);
        if (body == NULL) {
            exchange->no_room = true;
            exchange->discarded += size;
            return true;
        }
        exchange->body = body;
        exchange->room = room;
    }
    memcpy(exchange->body + exchange->size, data, size);
    exchange->size += size;
    return true;
}

static bool is_trusted(struct http_exchange *exchange)
{
    struct guest *guest = exchange->guest;
    if (!exchange->server->tls || guest->loopback || guest->trusted)
        return true;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned status = 1;
    if (info != NULL && info->tls_session != NULL)
        guest->trusted =
            gnutls_certificate_verify_peers2(info->tls_session, &status) == GNUTLS_E_SUCCESS &&
            status == 0;
    return guest->trusted;
}

static bool method_of(enum http_method *method, const char *name)
{
    if (strcmp(name, "GET") == 0 || strcmp(name, "HEAD") == 0)
        *method = HTTP_GET;
    else if (strcmp(name, "POST") == 0)
        *method = HTTP_POST;
    else if (strcmp(name, "PUT") == 0)
        *method = HTTP_PUT;
    else
        return false;
    return true;
}

/* Line and headers are here. Refuses at once what needs no body to be refused. */
static enum MHD_Result begin(struct http_exchange *exchange, const char *method)
{
    struct http_server *server = exchange->server;
    struct guest *guest = exchange->guest;
    uint64_t now = nng_clock();
    pthread_mutex_lock(&server->mutex);
    exchange->ticket = ++server->tickets;
    guest->exchange = exchange;
    deadline_set(server, guest, now + server->options.request_ms);
    bool quota = guest->loopback || quota_take(&server->quota, guest->address, now);
    pthread_mutex_unlock(&server->mutex);

    if (!is_trusted(exchange))
        return respond_error(exchange, 403, "no_certificate",
                             "clients from other machines need a certificate of the consortium");
    if (!quota)
        return respond_error(exchange, 429, "too_many_requests",
                             "too many requests from this address; try again in a second");
    if (!method_of(&exchange->method, method))
        return respond_error(exchange, 405, "method_not_allowed", "use GET, HEAD, POST or PUT");
    const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length != NULL && strtoull(length, NULL, 10) > HTTP_BODY_MAX)
        return respond_error(exchange, 413, "body_too_large", "the body is over 4 MiB");
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    (void)version;
    struct http_exchange *exchange = *context;
    if (exchange == NULL) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        exchange =
            info == NULL || info->socket_context == NULL ? NULL : calloc(1, sizeof(*exchange));
        if (exchange == NULL)
            return MHD_NO;
        exchange->server = arg;
        exchange->guest = info->socket_context;
        exchange->connection = connection;
        *context = exchange;
        return begin(exchange, method);
    }
    if (*size > 0) {
        bool go_on = keep(exchange, data, *size);
        *size = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    if (!exchange->begun) {
        exchange->begun = true;
        pthread_mutex_lock(&exchange->server->mutex);
        deadline_set(exchange->server, exchange->guest, UINT64_MAX);
        exchange->guest->whole = true;
        pthread_mutex_unlock(&exchange->server->mutex);
    }
    if (exchange->no_room)
        return respond_error(exchange, 503, "busy", "too many bodies at once; try again");
    if (exchange->discarded > 0)
        return respond_error(exchange, 413, "body_too_large", "the body is over 4 MiB");
    return ask(exchange, path);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http_server *server = arg;
    struct http_exchange *exchange = *context;
    if (exchange == NULL)
        return;
    pthread_mutex_lock(&server->mutex);
    CHECK(!exchange->resting);
    exchange->guest->exchange = NULL;
    exchange->guest->whole = false;
    deadline_set(server, exchange->guest, nng_clock() + server->options.idle_ms);
    server->bodies -= exchange->room;
    pthread_mutex_unlock(&server->mutex);
    if (exchange->state != NULL)
        server->options.handler.release(server->options.handler.self, exchange->state);
    free(exchange->body);
    free(exchange);
    *context = NULL;
}

/* --- connections --- */

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct guest *guest = calloc(1, sizeof(*guest));
        *context = guest;
        if (guest == NULL)
            return;
        guest->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        guest->loopback = endpoint_text(
            guest->address,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        pthread_mutex_lock(&server->mutex);
        deadline_set(server, guest, nng_clock() + server->options.idle_ms);
        guest_enter(&server->guests, guest);
        struct guest *victim =
            guest_victim(&server->guests, guest, server->options.connections_address_max,
                         server->options.connections_max);
        if (victim != NULL) {
            server->usage.refused++;
            shutdown(victim->fd, SHUT_RDWR);
        }
        pthread_mutex_unlock(&server->mutex);
        return;
    }
    struct guest *guest = *context;
    if (guest == NULL)
        return;
    pthread_mutex_lock(&server->mutex);
    guest_leave(&server->guests, guest);
    pthread_mutex_unlock(&server->mutex);
    free(guest);
    *context = NULL;
}

/* --- life --- */

static struct MHD_Daemon *daemon_start(struct http_server *server, int fd)
{
    const struct http_options *options = &server->options;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate_pem},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key_pem},
        {MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)options->authority_pem},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (server->tls ? MHD_USE_TLS : 0);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)options->threads,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->connections_max + HTTP_LEAVING_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)options->connections_address_max + HTTP_LEAVING_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADERS_BYTES, MHD_OPTION_ARRAY,
        server->tls ? tls : none, MHD_OPTION_END);
}

enum err http_open(struct http_server **out, const struct http_options *options,
                   struct fault *fault)
{
    CHECK(options->threads >= 1 && options->threads <= 16);
    int fd = -1;
    enum err err = endpoint_serve(&fd, options->listen, options->certificate_pem != NULL, fault);
    if (err != ERR_NONE)
        return err;
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL || nng_aio_alloc(&server->tick, on_tick, server) != 0) {
        close(fd);
        free(server);
        return fault_set(fault, ERR_LIMIT, "out of memory");
    }
    server->options = *options;
    server->tls = options->certificate_pem != NULL;
    pthread_mutex_init(&server->mutex, NULL);
    quota_init(&server->quota, options->requests_per_s);
    *out = server; /* before the first request can ask for it */
    server->daemon = daemon_start(server, fd);
    if (server->daemon == NULL) {
        *out = NULL;
        close(fd);
        nng_aio_free(server->tick);
        pthread_mutex_destroy(&server->mutex);
        free(server);
        return fault_set(
            fault, ERR_USAGE,
            "the API's server can't start; its certificate, key or CA may be at fault");
    }
    nng_sleep_aio(0, server->tick);
    return ERR_NONE;
}

void http_close(struct http_server *server)
{
    if (server == NULL)
        return;
    pthread_mutex_lock(&server->mutex);
    server->closing = true;
    for (struct guest *guest = server->guests.newest; guest != NULL; guest = guest->next) {
        if (guest->exchange == NULL)
            continue;
        guest->exchange->until_ms = nng_clock();
        if (guest->exchange->resting)
            resume(server, guest->exchange);
    }
    pthread_mutex_unlock(&server->mutex);
    nng_aio_free(server->tick);
    MHD_stop_daemon(server->daemon);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

uint16_t http_port(const struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info == NULL ? 0 : info->port;
}

struct http_usage http_usage(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    struct http_usage usage = server->usage;
    usage.connections = server->guests.count;
    pthread_mutex_unlock(&server->mutex);
    return usage;
}
