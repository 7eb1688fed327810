/* Who speaks to a validator byte by byte, and may lie: a TLS stream, its records and the handshake by hand. For node 1 of a company. */
#ifndef TEST_UNIT_STRANGER_H
#define TEST_UNIT_STRANGER_H

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/supplemental/util/platform.h>
#include <stdatomic.h>

#include "net/frame.h"
#include "test/unit/company.h"

struct raw {
    nng_stream *stream;
    nng_aio *aio;
    atomic_bool done;
};

static int raw_patience_ms = 500;

static inline void raw_done(void *arg)
{
    struct raw *raw = arg;
    atomic_store(&raw->done, true);
}

/* nng forgets a transfer that is started after its TLS stream has failed (net/link.c); closing the
 * stream ends it, and it then counts as failed. */
static inline void raw_wait(struct raw *raw)
{
    for (int wait = 0; wait < raw_patience_ms && !atomic_load(&raw->done); wait++)
        usleep(1000);
    if (!atomic_load(&raw->done))
        nng_stream_close(raw->stream);
    nng_aio_wait(raw->aio);
}

static inline void raw_open(struct raw *raw, const char *address, const struct pems *ca,
                            const struct pems *own)
{
    char url[64];
    nng_stream_dialer *dialer;
    nng_tls_config *config;
    snprintf(url, sizeof(url), "%s://%s", ca == NULL ? "tcp" : "tls+tcp", address);
    ck_assert(nng_stream_dialer_alloc(&dialer, url) == 0);
    if (ca != NULL) {
        ck_assert(nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT) == 0);
        ck_assert(nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_NONE) == 0);
        ck_assert(nng_tls_config_ca_chain(config, ca->certificate, NULL) == 0);
        if (own != NULL)
            ck_assert(nng_tls_config_own_cert(config, own->certificate, own->key, NULL) == 0);
        ck_assert(nng_stream_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config) == 0);
        nng_tls_config_free(config);
    }
    ck_assert(nng_aio_alloc(&raw->aio, raw_done, raw) == 0);
    nng_stream_dialer_dial(dialer, raw->aio);
    nng_aio_wait(raw->aio);
    ck_assert(nng_aio_result(raw->aio) == 0);
    raw->stream = nng_aio_get_output(raw->aio, 0);
    nng_stream_dialer_free(dialer);
}

static inline void raw_close(struct raw *raw)
{
    nng_stream_close(raw->stream);
    nng_stream_free(raw->stream);
    nng_aio_free(raw->aio);
}

static inline bool raw_move(struct raw *raw, void (*move)(nng_stream *, nng_aio *), uint8_t *data,
                            size_t size)
{
    while (size > 0) {
        nng_iov iov = {data, size};
        nng_aio_set_iov(raw->aio, 1, &iov);
        atomic_store(&raw->done, false);
        move(raw->stream, raw->aio);
        raw_wait(raw);
        if (nng_aio_result(raw->aio) != 0 || nng_aio_count(raw->aio) == 0)
            return false;
        data += nng_aio_count(raw->aio);
        size -= nng_aio_count(raw->aio);
    }
    return true;
}

static inline bool raw_send(struct raw *raw, struct bytes data)
{
    return raw_move(raw, nng_stream_send, (uint8_t *)(uintptr_t)data.data, data.size);
}

static inline bool raw_say(struct raw *raw, struct bytes message)
{
    uint8_t size[4];
    bytes_put_u32(size, (uint32_t)message.size);
    return raw_send(raw, bytes_of(size, 4)) && raw_send(raw, message);
}

static inline struct bytes raw_hear(struct raw *raw, uint8_t out[SESSION_MESSAGE_MAX])
{
    uint8_t size[4];
    if (!raw_move(raw, nng_stream_recv, size, 4))
        return bytes_of(NULL, 0);
    uint32_t count = bytes_get_u32(size);
    ck_assert_uint_le(count, SESSION_MESSAGE_MAX);
    ck_assert(raw_move(raw, nng_stream_recv, out, count));
    return bytes_of(out, count);
}

/* True if the other side closes without a further byte. */
static inline bool raw_is_closed(struct raw *raw)
{
    uint8_t byte;
    return !raw_move(raw, nng_stream_recv, &byte, 1);
}

/* Greets as the validator `seat`, with what key, genesis and nonces the test likes. */
static inline void raw_session(struct session *session, uint32_t seat, const struct digest *chain,
                               uint8_t draw)
{
    struct session_random random;
    memset(&random, draw, sizeof(random));
    ck_assert(session_init(session, SESSION_DIALLER, 0, chain, &members[seat].public, &random));
}

/* A whole handshake as validator 0 with node 1. */
static inline void raw_handshake(struct raw *raw, struct session *session, uint8_t draw,
                                 uint8_t said[2][SESSION_MESSAGE_MAX], size_t said_size[2])
{
    uint8_t heard[SESSION_MESSAGE_MAX];
    uint32_t index;
    raw_session(session, 0, &genesis, draw);
    struct bytes hello = session_hello(session);
    ck_assert(raw_say(raw, hello));
    ck_assert(session_read_hello(session, &index, raw_hear(raw, heard), &members[1].public, 1,
                                 NULL) == ERR_NONE);
    ck_assert(session_read_proof(session, raw_hear(raw, heard), NULL) == ERR_NONE);
    struct digest digest = session_challenge(session);
    struct sign_signature signature = sign_make(&nodes[0].secret, &digest);
    memcpy(said[0], hello.data, hello.size);
    said_size[0] = hello.size;
    said_size[1] = session_proof(said[1], &signature);
    ck_assert(raw_say(raw, bytes_of(said[1], said_size[1])));
}

#endif
