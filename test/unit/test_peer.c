/* Validators over loopback with real TLS, and strangers that try to be one. */
#include "net/peer.h"

#include <arpa/inet.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/frame.h"
#include "test/harness.h"
#include "test/pems.h"

#define NODES_MAX 4
#define BOX_BYTES (1u << 20)

/* What a node's owner saw. */
struct node {
    struct peer_net *net;
    struct sign_secret secret;
    struct pems pems;
    char name[16], address[32];
    pthread_mutex_t mutex;
    bool full; /* received says: no room */
    uint32_t refused_by_full;
    uint32_t connected[NODES_MAX][PEER_LANES], disconnected[NODES_MAX][PEER_LANES];
    uint32_t received[NODES_MAX][PEER_LANES];
    bool in_order;
    char last[64];
    uint64_t received_bytes;
    char refused[8][160];
    uint32_t refused_count;
};

static struct pems authority;
static struct digest genesis = {{42}};
static struct node nodes[NODES_MAX];
static struct peer_member members[NODES_MAX];
static uint32_t node_count;

static bool sign(void *self, struct sign_signature *signature, const struct digest *digest)
{
    struct node *node = self;
    *signature = sign_make(&node->secret, digest);
    return true;
}

static bool received(void *self, struct place from, enum peer_lane lane, uint8_t tag,
                     struct bytes body)
{
    struct node *node = self;
    pthread_mutex_lock(&node->mutex);
    bool room = !node->full;
    if (!room) {
        node->refused_by_full++;
    } else {
        uint32_t number = node->received[from.n][lane]++;
        if (tag == 1 && (body.size < 4 || bytes_get_u32(body.data) != number))
            node->in_order = false;
        snprintf(node->last, sizeof(node->last), "%u/%d/%u/%zu", from.n, lane, tag, body.size);
        node->received_bytes += body.size;
    }
    pthread_mutex_unlock(&node->mutex);
    return room;
}

static void connected(void *self, struct place place, enum peer_lane lane)
{
    struct node *node = self;
    pthread_mutex_lock(&node->mutex);
    node->connected[place.n][lane]++;
    pthread_mutex_unlock(&node->mutex);
}

static void disconnected(void *self, struct place place, enum peer_lane lane, const char *why)
{
    struct node *node = self;
    ck_assert_ptr_nonnull(why);
    pthread_mutex_lock(&node->mutex);
    node->disconnected[place.n][lane]++;
    pthread_mutex_unlock(&node->mutex);
}

static void refused(void *self, const char *address, const char *why)
{
    struct node *node = self;
    ck_assert_int_eq(strncmp(address, "127.0.0.1:", 10), 0);
    pthread_mutex_lock(&node->mutex);
    if (node->refused_count < 8)
        snprintf(node->refused[node->refused_count], sizeof(node->refused[0]), "%s", why);
    node->refused_count++;
    pthread_mutex_unlock(&node->mutex);
}

static uint16_t free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(bind(fd, (struct sockaddr *)&sa, size) == 0);
    ck_assert(getsockname(fd, (struct sockaddr *)&sa, &size) == 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static enum err node_open(uint32_t seat, struct fault *fault)
{
    struct node *node = &nodes[seat];
    struct peer_options options = {
        .public = members[seat].public,
        .genesis = genesis,
        .listen = node->address,
        .authority_pem = authority.certificate,
        .certificate_pem = node->pems.certificate,
        .key_pem = node->pems.key,
        .owner = {node, sign, received, connected, disconnected, refused},
    };
    enum err err = peer_open(&node->net, &options, fault);
    for (uint32_t i = 0; i < node_count && err == ERR_NONE; i++)
        if (i != seat)
            err = peer_admit(node->net, (struct place){(uint8_t)i}, &members[i], fault);
    return err;
}

/* Secrets whose public keys ascend with the seats, so that the lower seat dials. */
static void make_keys(uint32_t count)
{
    uint8_t next = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct sign_secret *secret = &nodes[i].secret;
        do {
            memset(secret->bytes, next++, sizeof(secret->bytes));
            ck_assert(sign_public_of(&members[i].public, secret));
        } while (i > 0 && memcmp(&members[i].public, &members[i - 1].public,
                                 sizeof(struct sign_public)) < 0);
    }
}

static void world_prepare(uint32_t count)
{
    node_count = count;
    pems_make(&authority, NULL, "consortium");
    for (uint32_t i = 0; i < count; i++) {
        struct node *node = &nodes[i];
        snprintf(node->name, sizeof(node->name), "node%u", i);
        snprintf(node->address, sizeof(node->address), "127.0.0.1:%u", free_port());
        pems_make(&node->pems, &authority, node->name);
        pthread_mutex_init(&node->mutex, NULL);
        node->in_order = true;
        members[i].name = node->name;
        members[i].address = node->address;
    }
    make_keys(count);
}

/* Waits until `condition` holds under the node's mutex, at most ten seconds. */
#define EVENTUALLY(node, condition)                                                                \
    do {                                                                                           \
        bool holds = false;                                                                        \
        for (int wait = 0; wait < 10000 && !holds; wait++) {                                       \
            pthread_mutex_lock(&(node)->mutex);                                                    \
            holds = (condition);                                                                   \
            pthread_mutex_unlock(&(node)->mutex);                                                  \
            if (!holds)                                                                            \
                usleep(1000);                                                                      \
        }                                                                                          \
        ck_assert_msg(holds, "%s", #condition);                                                    \
    } while (0)

static void world_open(uint32_t count)
{
    world_prepare(count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_eq(node_open(i, NULL), ERR_NONE);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            for (int lane = 0; lane < PEER_LANES && i != j; lane++)
                EVENTUALLY(&nodes[i], nodes[i].connected[j][lane] == 1);
}

static void world_close(void)
{
    for (uint32_t i = 0; i < node_count; i++) {
        peer_close(nodes[i].net);
        nodes[i].net = NULL;
    }
}

/* Sends numbered records, waiting when the queue is full. */
static void pour(uint32_t from, uint32_t to, enum peer_lane lane, uint32_t count, size_t size)
{
    uint8_t *body = calloc(1, size);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_u32(body, i);
        enum err err;
        while ((err = peer_send(nodes[from].net, (struct place){(uint8_t)to}, lane, 1,
                                bytes_of(body, size))) == ERR_BUSY)
            usleep(200);
        ck_assert_int_eq(err, ERR_NONE);
    }
    free(body);
}

START_TEST(two_peers_deliver_in_order_both_ways_on_both_lanes)
{
    world_open(2);
    pour(0, 1, PEER_VOTES, 20000, 200);
    pour(1, 0, PEER_VOTES, 20000, 200);
    pour(0, 1, PEER_BULK, 300, 100000);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == 20000);
    EVENTUALLY(&nodes[0], nodes[0].received[1][PEER_VOTES] == 20000);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_BULK] == 300);
    ck_assert(nodes[0].in_order);
    ck_assert(nodes[1].in_order);
    ck_assert_uint_eq(nodes[1].received_bytes, 20000u * 200 + 300u * 100000);
    ck_assert_uint_eq(nodes[0].refused_count + nodes[1].refused_count, 0);
    world_close();
}
END_TEST

START_TEST(four_peers_that_start_at_once_find_each_other)
{
    world_open(4);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 4; j++)
            if (i != j)
                pour(i, j, PEER_VOTES, 100, 50);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 4; j++)
            if (i != j)
                EVENTUALLY(&nodes[i], nodes[i].received[j][PEER_VOTES] == 100);
    struct peer_state state;
    peer_status(nodes[2].net, (struct place){3}, &state);
    ck_assert(state.connected[PEER_VOTES] && state.connected[PEER_BULK]);
    ck_assert_uint_gt(state.sent_bytes, 100 * 50);
    world_close();
}
END_TEST

START_TEST(a_record_of_the_largest_size_passes_and_a_larger_one_is_refused)
{
    world_open(2);
    uint8_t *body = calloc(1, FRAME_RECORD_MAX + 1);
    struct place to = {1};
    ck_assert_int_eq(
        peer_send(nodes[0].net, to, PEER_BULK, 9, bytes_of(body, FRAME_RECORD_MAX + 1)), ERR_LIMIT);
    ck_assert_int_eq(peer_send(nodes[0].net, to, PEER_BULK, 9, bytes_of(body, FRAME_RECORD_MAX)),
                     ERR_NONE);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_BULK] == 1);
    char expected[64];
    snprintf(expected, sizeof(expected), "0/1/9/%zu", (size_t)FRAME_RECORD_MAX);
    ck_assert_str_eq(nodes[1].last, expected);
    free(body);
    world_close();
}
END_TEST

START_TEST(a_receiver_without_room_holds_its_sender_back_and_loses_nothing)
{
    world_open(2);
    nodes[1].full = true;
    uint8_t body[10000] = {0};
    uint32_t taken = 0;
    enum err err = ERR_NONE;
    struct place to = {1};
    struct peer_state state;
    do {
        bytes_put_u32(body, taken);
        err = peer_send(nodes[0].net, to, PEER_VOTES, 1, bytes_of(body, sizeof(body)));
        taken += err == ERR_NONE;
        ck_assert_uint_lt(taken, 10000);
        peer_status(nodes[0].net, to, &state);
        ck_assert_uint_le(state.queued_bytes[PEER_VOTES], PEER_VOTES_QUEUE_BYTES);
    } while (err == ERR_NONE);
    ck_assert_int_eq(err, ERR_BUSY);
    peer_status(nodes[0].net, to, &state);
    ck_assert_uint_eq(state.dropped, 1);

    /* The other lane isn't held up, and the same peer may still say something there. */
    EVENTUALLY(&nodes[1], nodes[1].refused_by_full > 3);
    pthread_mutex_lock(&nodes[1].mutex);
    ck_assert_uint_eq(nodes[1].received[0][PEER_VOTES], 0);
    nodes[1].full = false;
    pthread_mutex_unlock(&nodes[1].mutex);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == taken);
    ck_assert(nodes[1].in_order);
    ck_assert_uint_eq(nodes[1].disconnected[0][PEER_VOTES], 0);
    world_close();
}
END_TEST

START_TEST(a_peer_that_is_dismissed_is_gone_until_it_is_admitted_again)
{
    world_open(3);
    for (uint8_t gone = 0; gone < 3; gone += 2) { /* one that calls node 1, one that it calls */
        struct place place = {gone};
        peer_dismiss(nodes[1].net, place);
        EVENTUALLY(&nodes[gone], nodes[gone].disconnected[1][PEER_VOTES] >= 1);
        ck_assert_int_eq(peer_send(nodes[1].net, place, PEER_VOTES, 1, bytes_text("nobody")),
                         ERR_NOT_NOW);
        nodes[1].connected[gone][PEER_VOTES] = 0;
        ck_assert_int_eq(peer_admit(nodes[1].net, place, &members[gone], NULL), ERR_NONE);
        EVENTUALLY(&nodes[1], nodes[1].connected[gone][PEER_VOTES] == 1);
        ck_assert_uint_eq(nodes[1].disconnected[gone][PEER_VOTES], 0);
    }
    /* The others didn't notice. */
    ck_assert_uint_eq(nodes[0].disconnected[2][PEER_VOTES], 0);
    ck_assert_uint_eq(nodes[2].disconnected[0][PEER_VOTES], 0);
    world_close();
}
END_TEST

START_TEST(either_side_may_restart)
{
    world_open(2);
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t other = 1 - side;
        peer_close(nodes[side].net);
        EVENTUALLY(&nodes[other], nodes[other].disconnected[side][PEER_VOTES] == 1);
        EVENTUALLY(&nodes[other], nodes[other].disconnected[side][PEER_BULK] == 1);
        ck_assert_int_eq(peer_send(nodes[other].net, (struct place){(uint8_t)side}, PEER_VOTES, 1,
                                   bytes_text("nobody")),
                         ERR_NOT_NOW);
        memset(nodes[side].connected, 0, sizeof(nodes[side].connected));
        memset(nodes[other].connected, 0, sizeof(nodes[other].connected));
        memset(nodes[side].disconnected, 0, sizeof(nodes[side].disconnected));
        ck_assert_int_eq(node_open(side, NULL), ERR_NONE);
        for (int lane = 0; lane < PEER_LANES; lane++) {
            EVENTUALLY(&nodes[other], nodes[other].connected[side][lane] == 1);
            EVENTUALLY(&nodes[side], nodes[side].connected[other][lane] == 1);
        }
        memset(nodes[0].received, 0, sizeof(nodes[0].received));
        memset(nodes[1].received, 0, sizeof(nodes[1].received));
        pour(0, 1, PEER_VOTES, 100, 100);
        pour(1, 0, PEER_VOTES, 100, 100);
        EVENTUALLY(&nodes[0], nodes[0].received[1][PEER_VOTES] == 100);
        EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == 100);
    }
    ck_assert(nodes[0].in_order && nodes[1].in_order);
    world_close();
}
END_TEST

START_TEST(a_port_in_use_and_unreadable_certificates_are_told_in_a_sentence)
{
    struct fault fault;
    world_prepare(2);
    ck_assert_int_eq(node_open(0, NULL), ERR_NONE);
    char first[32];
    memcpy(first, nodes[1].address, sizeof(first));
    memcpy(nodes[1].address, nodes[0].address, sizeof(first));
    ck_assert_int_eq(node_open(1, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "another program listens on 127.0.0.1:"));
    memcpy(nodes[1].address, "nowhere", 8);
    ck_assert_int_eq(node_open(1, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "\"nowhere\" is no host:port to listen on");
    memcpy(nodes[1].address, first, sizeof(first));
    nodes[1].pems.key[40] ^= 1;
    ck_assert_int_eq(node_open(1, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text,
                     "the node's certificate and key can't be read or don't belong together");
    nodes[1].net = NULL;
    world_close();
}
END_TEST

/* --- strangers, byte by byte --- */

struct raw {
    nng_stream *stream;
    nng_aio *aio;
    atomic_bool done;
};

static int raw_patience_ms = 500;

static void raw_done(void *arg)
{
    struct raw *raw = arg;
    atomic_store(&raw->done, true);
}

/* nng forgets a transfer that is started after its TLS stream has failed (net/link.c); closing the
 * stream ends it, and it then counts as failed. */
static void raw_wait(struct raw *raw)
{
    for (int wait = 0; wait < raw_patience_ms && !atomic_load(&raw->done); wait++)
        usleep(1000);
    if (!atomic_load(&raw->done))
        nng_stream_close(raw->stream);
    nng_aio_wait(raw->aio);
}

static void raw_open(struct raw *raw, const char *address, const struct pems *ca,
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

static void raw_close(struct raw *raw)
{
    nng_stream_close(raw->stream);
    nng_stream_free(raw->stream);
    nng_aio_free(raw->aio);
}

static bool raw_move(struct raw *raw, void (*move)(nng_stream *, nng_aio *), uint8_t *data,
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

static bool raw_send(struct raw *raw, struct bytes data)
{
    return raw_move(raw, nng_stream_send, (uint8_t *)(uintptr_t)data.data, data.size);
}

static bool raw_say(struct raw *raw, struct bytes message)
{
    uint8_t size[4];
    bytes_put_u32(size, (uint32_t)message.size);
    return raw_send(raw, bytes_of(size, 4)) && raw_send(raw, message);
}

static struct bytes raw_hear(struct raw *raw, uint8_t out[SESSION_MESSAGE_MAX])
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
static bool raw_is_closed(struct raw *raw)
{
    uint8_t byte;
    return !raw_move(raw, nng_stream_recv, &byte, 1);
}

/* Greets as the validator `seat`, with what key, genesis and nonces the test likes. */
static void raw_session(struct session *session, uint32_t seat, const struct digest *chain,
                        uint8_t draw)
{
    struct session_random random;
    memset(&random, draw, sizeof(random));
    ck_assert(session_init(session, SESSION_DIALLER, 0, chain, &members[seat].public, &random));
}

/* A whole handshake as validator 0 with node 1. */
static void raw_handshake(struct raw *raw, struct session *session, uint8_t draw,
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

/* Node 1 alone, which waits for node 0 to dial. */
static void lone_open(void)
{
    world_prepare(2);
    ck_assert_int_eq(node_open(1, NULL), ERR_NONE);
}

static void lone_close(uint32_t refusals, const char *why)
{
    EVENTUALLY(&nodes[1], nodes[1].refused_count >= refusals);
    ck_assert_uint_eq(nodes[1].refused_count, refusals);
    if (why != NULL)
        ck_assert_str_eq(nodes[1].refused[0], why);
    peer_close(nodes[1].net);
    ck_assert_uint_eq(nodes[1].refused_count, refusals);
}

START_TEST(without_a_certificate_nobody_gets_in_and_it_is_told_once)
{
    lone_open();
    for (int i = 0; i < 3; i++) {
        struct raw raw;
        raw_open(&raw, nodes[1].address, &authority, NULL);
        struct session session;
        raw_session(&session, 0, &genesis, 9);
        raw_say(&raw, session_hello(&session));
        ck_assert(raw_is_closed(&raw));
        raw_close(&raw);
    }
    lone_close(1, "it has no certificate of this consortium");
}
END_TEST

START_TEST(a_certificate_of_another_ca_is_refused)
{
    struct pems other, own;
    struct raw raw;
    lone_open();
    pems_make(&other, NULL, "consortium");
    pems_make(&own, &other, "node0");
    raw_open(&raw, nodes[1].address, &authority, &own);
    struct session session;
    raw_session(&session, 0, &genesis, 9);
    raw_say(&raw, session_hello(&session));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "TLS failed: not TLS, or a certificate that isn't accepted");
}
END_TEST

START_TEST(what_is_no_tls_is_refused)
{
    struct raw raw;
    lone_open();
    raw_open(&raw, nodes[1].address, NULL, NULL);
    raw_send(&raw, bytes_text("GET / HTTP/1.1\r\n\r\n"));
    uint8_t alert[64];
    while (raw_move(&raw, nng_stream_recv, alert, 1))
        ;
    raw_close(&raw);
    lone_close(1, "TLS failed: not TLS, or a certificate that isn't accepted");
}
END_TEST

START_TEST(a_certificate_without_a_validator_key_is_refused)
{
    struct raw raw;
    struct session session;
    struct sign_secret secret;
    struct sign_public public;
    struct session_random random;
    lone_open();
    memset(&secret, 77, sizeof(secret));
    memset(&random, 78, sizeof(random));
    ck_assert(sign_public_of(&public, &secret));
    ck_assert(session_init(&session, SESSION_DIALLER, 0, &genesis, &public, &random));
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    ck_assert(raw_say(&raw, session_hello(&session)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "its key is not that of a validator expected here");
}
END_TEST

START_TEST(a_claimed_validator_key_must_be_proven)
{
    struct raw raw;
    struct session session;
    uint8_t heard[SESSION_MESSAGE_MAX], proof[SESSION_MESSAGE_MAX];
    uint32_t index;
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_session(&session, 0, &genesis, 9);
    ck_assert(raw_say(&raw, session_hello(&session)));
    ck_assert(session_read_hello(&session, &index, raw_hear(&raw, heard), &members[1].public, 1,
                                 NULL) == ERR_NONE);
    ck_assert(session_read_proof(&session, raw_hear(&raw, heard), NULL) == ERR_NONE);
    struct digest digest = session_challenge(&session);
    struct sign_secret other;
    memset(&other, 55, sizeof(other));
    struct sign_signature signature = sign_make(&other, &digest);
    size_t size = session_proof(proof, &signature);
    ck_assert(raw_say(&raw, bytes_of(proof, size)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it could not prove the validator key that it claims");
}
END_TEST

START_TEST(another_genesis_is_refused)
{
    struct raw raw;
    struct session session;
    struct digest other = {{43}};
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_session(&session, 0, &other, 9);
    ck_assert(raw_say(&raw, session_hello(&session)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it is of another chain (genesis differs)");
}
END_TEST

START_TEST(a_replayed_handshake_is_refused)
{
    struct raw raw;
    struct session session;
    uint8_t said[2][SESSION_MESSAGE_MAX], heard[SESSION_MESSAGE_MAX];
    size_t size[2];
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_handshake(&raw, &session, 9, said, size);
    EVENTUALLY(&nodes[1], nodes[1].connected[0][PEER_VOTES] == 1);
    raw_close(&raw);

    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    ck_assert(raw_say(&raw, bytes_of(said[0], size[0])));
    ck_assert(raw_hear(&raw, heard).size > 0);
    ck_assert(raw_hear(&raw, heard).size > 0);
    ck_assert(raw_say(&raw, bytes_of(said[1], size[1])));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it could not prove the validator key that it claims");
    ck_assert_uint_eq(nodes[1].connected[0][PEER_VOTES], 1);
}
END_TEST

/* What a proven peer sends that it must not. Each ends the connection, and nothing of it is
 * delivered. */
static void broken_frame(int kind, const char *why)
{
    struct raw raw;
    struct session session;
    uint8_t said[2][SESSION_MESSAGE_MAX];
    size_t size[2];
    struct frame frame;
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_handshake(&raw, &session, 9, said, size);
    frame_init(&frame);
    ck_assert(frame_add(&frame, 2, bytes_text("hello")) == ERR_NONE);
    ck_assert(frame_seal(&frame, &session) == ERR_NONE);
    uint32_t delivered = nodes[1].received[0][PEER_VOTES];
    switch (kind) {
    case 0: /* tampered */
        frame.data[FRAME_HEAD_SIZE + FRAME_RECORD_SIZE] ^= 1;
        break;
    case 1: /* the same frame twice */
        ck_assert(raw_send(&raw, bytes_of(frame.data, frame.size)));
        delivered++;
        break;
    case 2: /* 4 GiB */
        bytes_put_u32(frame.data, 0xffffffff);
        break;
    default: /* garbage */
        memset(frame.data, 0x5a, frame.size);
        bytes_put_u32(frame.data, (uint32_t)frame.size - 4);
    }
    ck_assert(raw_send(&raw, bytes_of(frame.data, frame.size)));
    uint8_t beat[FRAME_OVERHEAD];
    while (raw_move(&raw, nng_stream_recv, beat, sizeof(beat)))
        ;
    EVENTUALLY(&nodes[1],
               nodes[1].disconnected[0][PEER_VOTES] == nodes[1].connected[0][PEER_VOTES]);
    ck_assert_uint_eq(nodes[1].received[0][PEER_VOTES], delivered);
    ck_assert_str_eq(nodes[1].refused[nodes[1].refused_count - 1], why);
    frame_release(&frame);
    raw_close(&raw);
}

START_TEST(tampered_repeated_oversize_and_garbage_frames_end_the_connection)
{
    lone_open();
    broken_frame(0, "it sent a frame that is not authentic (signature)");
    broken_frame(1, "it sent a frame that is not authentic (mismatch)");
    broken_frame(2, "it claims a frame of an impossible size");
    broken_frame(
        3, "it claims a frame of an impossible size"); /* told before: the last is still that */
    lone_close(3, NULL);
}
END_TEST

START_TEST(a_greeting_that_claims_4_gib_is_refused_unread)
{
    struct raw raw;
    const uint8_t claim[4] = {0xff, 0xff, 0xff, 0xff};
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    ck_assert(raw_send(&raw, bytes_of(claim, 4)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it claims a greeting of 4294967295 bytes");
}
END_TEST

START_TEST(who_says_nothing_is_sent_away)
{
    struct raw raw;
    lone_open();
    raw_open(&raw, nodes[1].address, NULL, NULL);
    uint64_t start = nng_clock();
    raw_patience_ms = 3 * PEER_HANDSHAKE_MS;
    ck_assert(raw_is_closed(&raw));
    ck_assert_uint_le(nng_clock() - start, PEER_HANDSHAKE_MS + 2000);
    raw_close(&raw);
    lone_close(1, "it did not prove who it is in time");
}
END_TEST

/* Node 2 listens where node 1 should be, with this name in its certificate. */
static void impostor(const char *name, const char *why)
{
    world_prepare(3);
    memcpy(nodes[2].address, nodes[1].address, sizeof(nodes[2].address));
    pems_make(&nodes[2].pems, &authority, name);
    ck_assert_int_eq(node_open(2, NULL), ERR_NONE);
    ck_assert_int_eq(node_open(0, NULL), ERR_NONE);
    /* Where it dials node 2 it may find it or be told why not; node 1 it must not find. */
    EVENTUALLY(&nodes[0],
               strcmp(nodes[0].refused[0], why) == 0 || strcmp(nodes[0].refused[1], why) == 0);
    ck_assert_uint_eq(nodes[0].connected[1][PEER_VOTES], 0);
    world_close();
}

START_TEST(a_dialler_insists_on_the_peer_that_it_dialled)
{
    impostor("node2", "TLS failed: not TLS, or a certificate that isn't accepted");
}
END_TEST

START_TEST(another_validators_key_at_a_peers_address_is_refused)
{
    impostor("node1", "its key is not that of a validator expected here");
}
END_TEST

START_TEST(a_newer_connection_takes_the_place_of_the_older)
{
    struct raw raw[2];
    struct session session[2];
    uint8_t said[2][SESSION_MESSAGE_MAX];
    size_t size[2];
    lone_open();
    for (int i = 0; i < 2; i++) {
        raw_open(&raw[i], nodes[1].address, &authority, &nodes[0].pems);
        raw_handshake(&raw[i], &session[i], (uint8_t)(9 + i), said, size);
        EVENTUALLY(&nodes[1], nodes[1].connected[0][PEER_VOTES] == (uint32_t)i + 1);
    }
    EVENTUALLY(&nodes[1], nodes[1].disconnected[0][PEER_VOTES] == 1);
    struct frame frame;
    frame_init(&frame);
    ck_assert(frame_add(&frame, 2, bytes_text("hello")) == ERR_NONE);
    ck_assert(frame_seal(&frame, &session[1]) == ERR_NONE);
    ck_assert(raw_send(&raw[1], bytes_of(frame.data, frame.size)));
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == 1);
    frame_release(&frame);
    raw_close(&raw[0]);
    raw_close(&raw[1]);
    lone_close(0, NULL);
}
END_TEST

START_TEST(a_crowd_of_strangers_keeps_nobody_out)
{
    struct raw crowd[PEER_PENDING_MAX];
    lone_open();
    for (int i = 0; i < PEER_PENDING_MAX; i++)
        raw_open(&crowd[i], nodes[1].address, NULL, NULL);

    /* The validator comes from the same address: the oldest of the crowd makes room. */
    struct raw raw;
    struct session session;
    uint8_t said[2][SESSION_MESSAGE_MAX];
    size_t size[2];
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_handshake(&raw, &session, 9, said, size);
    EVENTUALLY(&nodes[1], nodes[1].connected[0][PEER_VOTES] == 1);
    EVENTUALLY(&nodes[1], nodes[1].refused_count == 1);
    ck_assert_str_eq(nodes[1].refused[0], "too many connections that have not proven who they are");
    for (int i = 0; i < PEER_PENDING_MAX; i++)
        raw_close(&crowd[i]);
    raw_close(&raw);
    EVENTUALLY(&nodes[1], nodes[1].refused_count == 2);
    lone_close(2, NULL);
}
END_TEST

HARNESS_MAIN("peer", two_peers_deliver_in_order_both_ways_on_both_lanes,
             four_peers_that_start_at_once_find_each_other,
             a_record_of_the_largest_size_passes_and_a_larger_one_is_refused,
             a_receiver_without_room_holds_its_sender_back_and_loses_nothing,
             a_peer_that_is_dismissed_is_gone_until_it_is_admitted_again, either_side_may_restart,
             a_port_in_use_and_unreadable_certificates_are_told_in_a_sentence,
             without_a_certificate_nobody_gets_in_and_it_is_told_once,
             a_certificate_of_another_ca_is_refused, what_is_no_tls_is_refused,
             a_certificate_without_a_validator_key_is_refused,
             a_claimed_validator_key_must_be_proven, another_genesis_is_refused,
             a_replayed_handshake_is_refused,
             tampered_repeated_oversize_and_garbage_frames_end_the_connection,
             a_greeting_that_claims_4_gib_is_refused_unread, who_says_nothing_is_sent_away,
             a_dialler_insists_on_the_peer_that_it_dialled,
             another_validators_key_at_a_peers_address_is_refused,
             a_newer_connection_takes_the_place_of_the_older, a_crowd_of_strangers_keeps_nobody_out)
