#include "net/link.h"

#include <arpa/inet.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "net/frame.h"
#include "net/peer.h"

/* What is read at once when no larger frame is under way: one TLS record. */
#define LINK_READ_BYTES 16384

enum link_state { LINK_GREETING, LINK_OPEN, LINK_ENDED };

/* What waits to be written, in order. */
struct link_item {
    struct link_item *next;
    struct frame frame;
    size_t counted; /* its part of usage.queued_bytes */
    bool taken;     /* by the chain of writes: nothing is to be added */
    bool sealed;    /* its mac is there, or it is a message of the handshake, which has none */
};

struct link {
    struct link_options options;
    char address[LINK_ADDRESS_SIZE];
    atomic_uint refs;
    nng_stream *stream;
    nng_aio *read_aio, *write_aio;

    /* For the chain of reads alone, but for the session's `sent`, which is the chain of writes'. */
    struct session session;
    uint8_t *in;
    size_t in_start, in_size, in_capacity; /* read and not yet used: in[in_start .. in_size) */
    size_t frame_size;                     /* of the frame that is being delivered; 0: none */
    struct frame_reader reader;            /* what is left of it */
    bool offered; /* tag and body were refused and are to be offered again */
    uint8_t tag;
    struct bytes body;
    bool paused; /* the transfer under way is a sleep */

    pthread_mutex_t mutex; /* guards what follows */
    enum link_state state;
    char why[FAULT_TEXT_SIZE]; /* "" or the first reason to end */
    bool stranger;
    bool writing; /* the chain of writes runs */
    struct link_item *first, *tail;
    size_t written; /* of the first item */
    uint64_t started_ms, heard_ms, spoke_ms;
    struct link_usage usage;
};

static void item_free(struct link_item *item)
{
    frame_release(&item->frame);
    free(item);
}

void link_retain(struct link *link)
{
    atomic_fetch_add(&link->refs, 1);
}

void link_release(struct link *link)
{
    if (atomic_fetch_sub(&link->refs, 1) != 1)
        return;
    while (link->first != NULL) {
        struct link_item *item = link->first;
        link->first = item->next;
        item_free(item);
    }
    nng_stream_free(link->stream);
    if (link->read_aio != NULL)
        nng_aio_reap(link->read_aio);
    if (link->write_aio != NULL)
        nng_aio_reap(link->write_aio);
    session_clear(&link->session);
    pthread_mutex_destroy(&link->mutex);
    free(link->in);
    free(link);
}

/* The first reason counts. Both chains then find that their transfers fail. */
static void stop(struct link *link, bool stranger, const char *why)
{
    pthread_mutex_lock(&link->mutex);
    bool first = link->why[0] == 0;
    if (first) {
        snprintf(link->why, sizeof(link->why), "%s", why);
        link->stranger = stranger;
    }
    pthread_mutex_unlock(&link->mutex);
    if (first)
        nng_stream_close(link->stream);
}

/* A transfer failed: why, told as what the other side did. */
static void transfer_failed(struct link *link, int rv)
{
    pthread_mutex_lock(&link->mutex);
    bool greeting = link->state == LINK_GREETING;
    pthread_mutex_unlock(&link->mutex);
    bool closed = rv == 0 || rv == NNG_ECONNREFUSED; /* what nng makes of TLS' close notify */
    if (greeting && rv == NNG_EPEERAUTH)
        stop(link, true, "it has no certificate of this consortium");
    else if (greeting && rv == NNG_ECRYPTO)
        stop(link, true, "TLS failed: not TLS, or a certificate that isn't accepted");
    else if (greeting && link->options.side == SESSION_LISTENER)
        stop(link, true, "it went away before it proved who it is");
    else
        stop(link, false, closed ? "it closed the connection" : nng_strerror(rv));
}

void link_close(struct link *link, const char *why)
{
    stop(link, false, why);
}

static bool is_stopped(struct link *link)
{
    pthread_mutex_lock(&link->mutex);
    bool stopped = link->why[0] != 0;
    pthread_mutex_unlock(&link->mutex);
    return stopped;
}

/* --- the chain of writes --- */

/* True if the chain rested and the caller must call write_more, without the mutex. Requires it. */
static bool write_claim(struct link *link)
{
    if (link->writing || link->first == NULL)
        return false;
    link->writing = true;
    link->first->taken = true;
    link_retain(link);
    return true;
}

static void write_end(struct link *link)
{
    pthread_mutex_lock(&link->mutex);
    link->writing = false;
    pthread_mutex_unlock(&link->mutex);
    link_release(link);
}

/* Hands what is left of the first item to nng. */
static void write_more(struct link *link)
{
    struct link_item *item = link->first;
    if (!item->sealed && frame_seal(&item->frame, &link->session) != ERR_NONE) {
        stop(link, false, "out of memory");
        write_end(link);
        return;
    }
    item->sealed = true;
    nng_iov iov = {item->frame.data + link->written, item->frame.size - link->written};
    nng_aio_set_iov(link->write_aio, 1, &iov);
    nng_stream_send(link->stream, link->write_aio);
}

/* As write_more, but a large frame is sealed on nng's thread, not on the caller's. */
static void write_first(struct link *link)
{
    if (link->first->frame.size > 2 * FRAME_FULL_BYTES)
        nng_sleep_aio(0, link->write_aio);
    else
        write_more(link);
}

static void on_write(void *arg)
{
    struct link *link = arg;
    struct link_item *item = link->first, *done = NULL;
    int rv = nng_aio_result(link->write_aio);
    if (rv != 0) {
        transfer_failed(link, rv);
        write_end(link);
        return;
    }
    size_t count = item->sealed ? nng_aio_count(link->write_aio) : 0;

    pthread_mutex_lock(&link->mutex);
    link->written += count;
    link->usage.sent_bytes += count;
    link->spoke_ms = nng_clock();
    if (item->sealed && link->written == item->frame.size) {
        done = item;
        link->usage.queued_bytes -= item->counted;
        link->written = 0;
        link->first = item->next;
    }
    bool more = link->first != NULL && link->why[0] == 0;
    if (more)
        link->first->taken = true;
    else
        link->writing = false;
    pthread_mutex_unlock(&link->mutex);

    if (done != NULL)
        item_free(done);
    if (more)
        write_more(link);
    else
        link_release(link);
}

/* Appends an empty item. NULL when memory is short. Requires the mutex. */
static struct link_item *item_append(struct link *link)
{
    struct link_item *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return NULL;
    frame_init(&item->frame);
    if (link->first == NULL)
        link->first = item;
    else
        link->tail->next = item;
    link->tail = item;
    return item;
}

enum err link_send(struct link *link, uint8_t tag, struct bytes body)
{
    if (body.size > FRAME_RECORD_MAX)
        return ERR_LIMIT;
    uint32_t room = link->options.queue_bytes[link->session.lane];
    enum err err = ERR_NONE;
    bool claimed = false;

    pthread_mutex_lock(&link->mutex);
    size_t size = FRAME_RECORD_SIZE + body.size;
    if (link->state != LINK_OPEN || link->why[0] != 0) {
        err = ERR_NOT_NOW;
    } else if (link->first != NULL && link->usage.queued_bytes + size > room) {
        link->usage.dropped++;
        err = ERR_BUSY;
    } else {
        struct link_item *item = link->first == NULL ? NULL : link->tail;
        if (item == NULL || item->taken || !frame_has_room(&item->frame, body.size))
            item = item_append(link);
        err = item == NULL ? ERR_LIMIT : frame_add(&item->frame, tag, body);
        if (err == ERR_NONE) {
            item->counted += size;
            link->usage.queued_bytes += size;
        }
        claimed = write_claim(link);
    }
    pthread_mutex_unlock(&link->mutex);

    if (claimed)
        write_first(link);
    return err;
}

/* Queues messages of the handshake, each preceded by its size. */
static bool say(struct link *link, const struct bytes *messages, uint32_t count)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += 4 + messages[i].size;
    uint8_t *data = malloc(size), *out = data;
    if (data == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_u32(out, (uint32_t)messages[i].size);
        memcpy(out + 4, messages[i].data, messages[i].size);
        out += 4 + messages[i].size;
    }

    pthread_mutex_lock(&link->mutex);
    struct link_item *item = item_append(link);
    if (item != NULL) {
        item->frame = (struct frame){.data = data, .size = size, .capacity = size};
        item->taken = item->sealed = true;
    }
    bool claimed = write_claim(link);
    pthread_mutex_unlock(&link->mutex);

    if (item == NULL)
        free(data);
    if (claimed)
        write_more(link);
    return item != NULL;
}

/* --- the chain of reads --- */

/* The last thing that the chain of reads does. */
static void read_end(struct link *link)
{
    pthread_mutex_lock(&link->mutex);
    bool opened = link->state == LINK_OPEN;
    link->state = LINK_ENDED;
    pthread_mutex_unlock(&link->mutex);
    link->options.events->ended(link->options.self, link, opened, link->stranger, link->why);
    link_release(link);
}

static bool proof_make(struct link *link, uint8_t out[SESSION_MESSAGE_MAX], size_t *size)
{
    struct digest digest = session_challenge(&link->session);
    struct sign_signature signature;
    if (!link->options.events->sign(link->options.self, &signature, &digest))
        return false;
    *size = session_proof(out, &signature);
    return true;
}

/* One message of the handshake. */
static enum err greet(struct link *link, struct bytes message, struct fault *fault)
{
    struct session *session = &link->session;
    bool listener = session->side == SESSION_LISTENER;
    uint8_t proof[SESSION_MESSAGE_MAX];
    size_t proof_size = 0;

    if (session->state == SESSION_HELLO) {
        struct sign_public callers[LINK_CALLERS_MAX];
        const struct sign_public *known = listener ? callers : &link->options.callee;
        uint32_t index, count = 1;
        if (listener)
            count = link->options.events->callers(link->options.self, callers);
        enum err err = session_read_hello(session, &index, message, known, count, fault);
        if (err != ERR_NONE || !listener)
            return err;
        if (!proof_make(link, proof, &proof_size))
            return fault_set(fault, ERR_NOT_NOW, "our signer gives no signature");
        struct bytes answer[] = {session_hello(session), bytes_of(proof, proof_size)};
        return say(link, answer, 2) ? ERR_NONE : fault_set(fault, ERR_LIMIT, "out of memory");
    }

    enum err err = session_read_proof(session, message, fault);
    if (err != ERR_NONE)
        return err;
    if (!listener) {
        if (!proof_make(link, proof, &proof_size))
            return fault_set(fault, ERR_NOT_NOW, "our signer gives no signature");
        struct bytes answer = bytes_of(proof, proof_size);
        if (!say(link, &answer, 1))
            return fault_set(fault, ERR_LIMIT, "out of memory");
    }
    pthread_mutex_lock(&link->mutex);
    link->state = LINK_OPEN;
    pthread_mutex_unlock(&link->mutex);
    link->options.events->opened(link->options.self, link);
    return ERR_NONE;
}

/* Uses what was read. *want: bytes that the next message has in all, more than are here; 0: one was
 * used, go on. */
static enum err use_greeting(struct link *link, size_t *want, struct fault *fault)
{
    struct bytes in = bytes_of(link->in + link->in_start, link->in_size - link->in_start);
    *want = 4;
    if (in.size < 4)
        return ERR_NONE;
    uint32_t size = bytes_get_u32(in.data);
    if (size > SESSION_MESSAGE_MAX)
        return fault_set(fault, ERR_LIMIT, "it claims a greeting of %u bytes", size);
    *want = 4 + size;
    if (in.size < *want)
        return ERR_NONE;
    link->in_start += *want;
    *want = 0;
    return greet(link, bytes_of(in.data + 4, size), fault);
}

static enum err use_frame(struct link *link, size_t *want, struct fault *fault)
{
    struct bytes in = bytes_of(link->in + link->in_start, link->in_size - link->in_start);
    enum err err = frame_size(want, in, LIMIT_FRAME_BYTES);
    if (err != ERR_NONE)
        return fault_set(fault, err, "it claims a frame of an impossible size");
    if (*want == 0)
        *want = 4;
    if (in.size < 4 || in.size < *want)
        return ERR_NONE;

    size_t size = *want;
    *want = 0;
    err = frame_open(&link->reader, &link->session, bytes_of(in.data, size));
    if (err != ERR_NONE)
        return fault_set(fault, err, "it sent a frame that is not authentic (%s)", err_name(err));
    link->frame_size = size;
    return ERR_NONE;
}

/* Hands out the records of a frame. False if the owner has no room for one now. */
static bool deliver(struct link *link)
{
    while (link->offered || frame_next(&link->reader, &link->tag, &link->body)) {
        link->offered =
            !link->options.events->received(link->options.self, link, link->tag, link->body);
        if (link->offered)
            return false;
    }
    link->in_start += link->frame_size;
    link->frame_size = 0;
    return true;
}

/* Makes room for a message of `want` bytes, of which in_size - in_start are here. */
static bool make_room(struct link *link, size_t want)
{
    size_t here = link->in_size - link->in_start;
    if (here > 0 && link->in_start > 0)
        memmove(link->in, link->in + link->in_start, here);
    link->in_start = 0;
    link->in_size = here;

    size_t capacity = want > LINK_READ_BYTES ? want : LINK_READ_BYTES;
    if (capacity > link->in_capacity || (here == 0 && capacity < link->in_capacity)) {
        uint8_t *in = realloc(link->in, capacity);
        if (in == NULL)
            return false;
        link->in = in;
        link->in_capacity = capacity;
    }
    return true;
}

/* Goes on with what was read, and starts the next transfer. */
static void read_on(struct link *link)
{
    size_t want = 0;
    while (want == 0) {
        struct fault fault;
        if (is_stopped(link)) {
            read_end(link);
            return;
        }
        if (link->frame_size > 0 && !deliver(link)) {
            link->paused = true;
            nng_sleep_aio(PEER_RETRY_MS, link->read_aio);
            return;
        }
        bool open = link->session.state == SESSION_OPEN;
        enum err err = open ? use_frame(link, &want, &fault) : use_greeting(link, &want, &fault);
        if (err != ERR_NONE)
            stop(link, true, fault.text);
    }
    if (!make_room(link, want)) {
        stop(link, false, "out of memory");
        read_end(link);
        return;
    }
    nng_iov iov = {link->in + link->in_size, link->in_capacity - link->in_size};
    nng_aio_set_iov(link->read_aio, 1, &iov);
    nng_stream_recv(link->stream, link->read_aio);
}

static void on_read(void *arg)
{
    struct link *link = arg;
    int rv = nng_aio_result(link->read_aio);
    size_t count = rv == 0 && !link->paused ? nng_aio_count(link->read_aio) : 0;

    if (rv != 0 || (count == 0 && !link->paused))
        transfer_failed(link, rv);
    link->paused = false;
    link->in_size += count;
    pthread_mutex_lock(&link->mutex);
    link->heard_ms = nng_clock();
    link->usage.received_bytes += count;
    pthread_mutex_unlock(&link->mutex);
    read_on(link);
}

/* --- life --- */

void link_remote(struct nng_stream *stream, char address[LINK_ADDRESS_SIZE])
{
    nng_sockaddr sa;
    char text[INET6_ADDRSTRLEN];
    snprintf(address, LINK_ADDRESS_SIZE, "unknown");
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &sa) != 0)
        return;
    if (sa.s_family == NNG_AF_INET &&
        inet_ntop(AF_INET, &sa.s_in.sa_addr, text, sizeof(text)) != NULL)
        snprintf(address, LINK_ADDRESS_SIZE, "%s:%u", text, ntohs(sa.s_in.sa_port));
    else if (sa.s_family == NNG_AF_INET6 &&
             inet_ntop(AF_INET6, sa.s_in6.sa_addr, text, sizeof(text)) != NULL)
        snprintf(address, LINK_ADDRESS_SIZE, "[%s]:%u", text, ntohs(sa.s_in6.sa_port));
}

static bool session_start(struct link *link)
{
    const struct link_options *options = &link->options;
    struct session_random random;
    /* allow purity: ephemeral keys and nonces are random */
    bool ok = getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random) &&
              session_init(&link->session, options->side, options->lane, options->genesis,
                           options->identity, &random);
    explicit_bzero(&random, sizeof(random));
    return ok;
}

struct link *link_new(const struct link_options *options)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        nng_stream_free(options->stream);
        return NULL;
    }
    link->options = *options;
    link->options.address = link->address;
    snprintf(link->address, sizeof(link->address), "%s", options->address);
    atomic_init(&link->refs, 1);
    link->stream = options->stream;
    pthread_mutex_init(&link->mutex, NULL);
    link->started_ms = link->heard_ms = link->spoke_ms = nng_clock();

    bool ready = nng_aio_alloc(&link->read_aio, on_read, link) == 0 &&
                 nng_aio_alloc(&link->write_aio, on_write, link) == 0 && session_start(link);
    if (ready && options->side == SESSION_DIALLER) {
        struct bytes hello = session_hello(&link->session);
        ready = say(link, &hello, 1);
    }
    if (!ready) {
        link_release(link);
        return NULL;
    }
    link_retain(link);
    read_on(link);
    return link;
}

void link_tick(struct link *link, uint64_t now_ms)
{
    const char *why = NULL;
    bool stranger = false, claimed = false;

    pthread_mutex_lock(&link->mutex);
    bool stuck = link->why[0] != 0 && link->state != LINK_ENDED;
    if (link->state == LINK_GREETING && now_ms > link->started_ms + PEER_HANDSHAKE_MS) {
        why = "it did not prove who it is in time";
        stranger = link->session.side == SESSION_LISTENER;
    } else if (link->state == LINK_OPEN && now_ms > link->heard_ms + PEER_SILENT_MS) {
        why = "it is silent";
    } else if (link->state == LINK_OPEN && link->first == NULL && link->why[0] == 0 &&
               now_ms >= link->spoke_ms + PEER_IDLE_MS) {
        claimed = item_append(link) != NULL && write_claim(link);
    }
    pthread_mutex_unlock(&link->mutex);

    if (claimed)
        write_more(link);
    /* nng 1.5.2 forgets a transfer that is started while its stream is being closed; closing once
     * more ends it. */
    if (stuck)
        nng_stream_close(link->stream);
    else if (why != NULL)
        stop(link, stranger, why);
}

const char *link_address(const struct link *link)
{
    return link->address;
}

uint8_t link_lane(const struct link *link)
{
    return link->session.lane;
}

const struct sign_public *link_peer(const struct link *link)
{
    return &link->session.peer;
}

struct link_usage link_usage(struct link *link)
{
    pthread_mutex_lock(&link->mutex);
    struct link_usage usage = link->usage;
    pthread_mutex_unlock(&link->mutex);
    return usage;
}
