/* A validator gone bad, and a hundred clients gone bad: all that their keys and connections let them send, as fast as they can, while they
 * take little of what they are sent. What the others' memory does meanwhile is the test's business (50-flood).
 *
 *     hostile --config node-3/tenured.ini --seconds N [--clients N] HOST:PORT...
 *
 * It takes the seat of that configuration, with its key and certificate, so the others' doors let it in (net/peer.h); the clients flood
 * the APIs that are named last. Prints one line of what it sent. */
#include <argp.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/genesis.h"
#include "ledger/block.h"
#include "tools/sys/clock.h"
#include "tools/sys/random.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

#define CLIENTS_MAX 256
#define APIS_MAX    8

/* Transactions in a body that fills it. */
#define FULL_TXS (LIMIT_BLOCK_BYTES / LIMIT_TX_BYTES - 1)

struct options {
    const char *config;
    unsigned seconds, clients;
    const char *apis[APIS_MAX];
    unsigned api_count;
};

static struct options options = {.seconds = 10, .clients = 100};
static struct settings settings;
static struct signer signer;
static struct genesis genesis;
static struct digest chain;
static struct arena arena;
static uint64_t end_ms;
static atomic_ullong records, record_bytes_sent, requests;

_Noreturn static void fail(const char *what, const struct fault *fault)
{
    fprintf(stderr, "hostile: %s: %s\n", what, fault->text);
    exit(1);
}

/* --- what it sends --- */

struct load {
    uint8_t tag;
    enum peer_lane lane;
    struct bytes body;
};

#define LOADS 8
static struct load loads[LOADS];
static struct bytes
    full_body; /* of transactions that are well-formed and signed, and can't be paid for */

static void make_body(void)
{
    static uint8_t filler[LIMIT_TX_BYTES - 512];
    struct block_item *items = arena_array(&arena, FULL_TXS, sizeof(*items));
    struct sign_secret secret;
    struct call call = {
        .contract = CATALOG_CREDITS, .method = 1, .args = bytes_of(filler, sizeof(filler))};
    CHECK(items != NULL);
    random_fill(&secret, sizeof(secret));
    for (uint32_t i = 0; i < FULL_TXS; i++) {
        struct tx tx;
        struct tx_body body = {.version = TX_VERSION,
                               .chain = chain,
                               .nonce = i,
                               .last_height = 1000000,
                               .calls = &call,
                               .call_count = 1};
        CHECK(sign_public_of(&body.sender, &secret));
        CHECK(tx_make(&arena, &tx, &body, &secret));
        items[i].tx = tx.raw;
    }
    struct block_body body = {items, FULL_TXS};
    full_body = record_bytes(&arena, &block_body_record, &body);
    CHECK(full_body.data != NULL);
}

/* The same body under another header each time, so that each wants room of its own. */
static struct bytes body_record_of(struct arena *room, uint64_t number)
{
    struct block_body body;
    struct block_header header = {
        .version = BLOCK_VERSION, .chain = chain, .height = 1 + number % 8};
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    CHECK(block_body_unpack(room, &body, full_body, NULL) == ERR_NONE);
    header.tx_root = block_tx_root(&body);
    random_fill(&header.parent, sizeof(header.parent));
    struct wire_body wire = {bytes_of(raw, block_header_pack(raw, &digest, &header)), full_body};
    return record_bytes(room, &wire_body_record, &wire);
}

static struct bytes noise(size_t size)
{
    uint8_t *data = arena_alloc(&arena, size);
    CHECK(data != NULL);
    random_fill(data, size);
    return bytes_of(data, size);
}

static void make_loads(void)
{
    struct wire_want_blocks want = {{1}, {8}};
    struct wire_want_body body = {chain};
    loads[0] = (struct load){WIRE_TXS, PEER_BULK, full_body};
    loads[1] = (struct load){WIRE_WANT_BLOCKS, PEER_BULK,
                             record_bytes(&arena, &wire_want_blocks_record, &want)};
    loads[2] = (struct load){WIRE_WANT_BODY, PEER_BULK,
                             record_bytes(&arena, &wire_want_body_record, &body)};
    loads[3] = (struct load){WIRE_WRITES, PEER_BULK, noise(LIMIT_BLOCK_BYTES)};
    loads[4] = (struct load){WIRE_BLOCK, PEER_BULK, noise(LIMIT_BLOCK_BYTES)};
    loads[5] = (struct load){WIRE_MESSAGE, PEER_VOTES, noise(BOUNDS_MESSAGE_BYTES)};
    loads[6] = (struct load){WIRE_MESSAGE, PEER_VOTES, noise(200)};
    loads[7] = (struct load){99, PEER_BULK, noise(LIMIT_FRAME_BYTES - 4096)};
}

/* --- the validator --- */

static bool on_sign(void *self, struct sign_signature *signature, const struct digest *digest)
{
    (void)self;
    *signature = sign_make(&signer.secret, digest);
    return true;
}

/* Takes nothing for seconds, so that what is sent to it stays with the senders; then everything, so that the connection lives on. */
static bool on_received(void *self, struct place from, enum peer_lane lane, uint8_t tag,
                        struct bytes body)
{
    (void)self, (void)from, (void)lane, (void)tag, (void)body;
    return clock_monotonic_ms() / 3000 % 2 == 0;
}

static void on_connected(void *self, struct place place, enum peer_lane lane)
{
    (void)self, (void)place, (void)lane;
}

static void on_disconnected(void *self, struct place place, enum peer_lane lane, const char *why)
{
    (void)self, (void)place, (void)lane, (void)why;
}

static void on_refused(void *self, const char *address, const char *why)
{
    (void)self, (void)address, (void)why;
}

static const char *read_pem(const char *path)
{
    struct fault fault = {0};
    uint8_t *data;
    size_t size;
    if (file_read(&data, &size, path, 65536, &fault))
        fail(path, &fault);
    return (const char *)data;
}

/* All other validators, by the addresses of the configuration's "NAME HOST:PORT" lines. */
static uint8_t join(struct peer_net *net)
{
    struct fault fault = {0};
    uint8_t count = 0;
    for (uint32_t i = 0; i < genesis.validator_count; i++) {
        const struct genesis_validator *validator = &genesis.validators[i];
        char name[LIMIT_TEXT_BYTES + 2], address[SETTINGS_ADDRESS_SIZE];
        if (memcmp(&validator->public_key, &signer.public, sizeof(signer.public)) == 0)
            continue;
        snprintf(name, sizeof(name), "%.*s ", (int)validator->name.size,
                 (const char *)validator->name.data);
        const char *line = strstr(settings.peers, name);
        if (line == NULL || sscanf(line + strlen(name), "%255s", address) != 1)
            continue;
        name[strlen(name) - 1] = 0;
        struct peer_member member = {
            .name = name, .address = address, .public = validator->public_key};
        if (peer_admit(net, (struct place){count++}, &member, &fault))
            fail(name, &fault);
    }
    return count;
}

static void flood_peers(struct peer_net *net, uint8_t peers)
{
    struct arena room;
    arena_init(&room, 64u << 20);
    for (uint64_t turn = 0; clock_monotonic_ms() < end_ms; turn++) {
        struct load load = loads[turn % LOADS];
        bool sent = false;
        arena_clear(&room);
        if (turn % 3 == 0)
            load = (struct load){WIRE_BODY, PEER_BULK, body_record_of(&room, turn)};
        for (uint8_t place = 0; place < peers; place++)
            if (!peer_send(net, (struct place){place}, load.lane, load.tag, load.body)) {
                records++;
                record_bytes_sent += load.body.size;
                sent = true;
            }
        if (!sent)
            clock_sleep_ms(1);
    }
    arena_release(&room);
}

/* --- the clients --- */

static int dial(const char *api)
{
    char host[256];
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    struct timeval patience = {0, 500000};
    snprintf(host, sizeof(host), "%s", api);
    char *port = strrchr(host, ':');
    if (port == NULL)
        return -1;
    *port++ = 0;
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool say(int fd, const void *data, size_t size)
{
    return send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* One request of a kind: a large body and no interest in the answer; large answers that aren't taken; half a request. */
static void bother(int fd, unsigned kind)
{
    static const char post[] =
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: 4000000\r\n\r\n";
    static const char get[] = "GET /v1/blocks?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n";
    char sink[4096];
    switch (kind % 3) {
    case 0:
        if (say(fd, post, sizeof(post) - 1) && say(fd, full_body.data, 4000000))
            requests += recv(fd, sink, sizeof(sink), 0) > 0;
        break;
    case 1:
        for (unsigned i = 0; i < 20 && say(fd, get, sizeof(get) - 1); i++)
            requests++;
        clock_sleep_ms(300);
        break;
    default:
        if (say(fd, post, 40))
            clock_sleep_ms(500);
    }
}

static void flood_api(void *number)
{
    unsigned mine = (unsigned)(uintptr_t)number;
    for (unsigned turn = mine; clock_monotonic_ms() < end_ms; turn++) {
        int fd = dial(options.apis[turn % options.api_count]);
        if (fd < 0) {
            clock_sleep_ms(20);
            continue;
        }
        bother(fd, mine);
        close(fd);
    }
}

/* --- the run --- */

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'c':
        options.config = argument;
        return 0;
    case 's':
        options.seconds = (unsigned)strtoul(argument, NULL, 10);
        return 0;
    case 'n':
        options.clients = (unsigned)strtoul(argument, NULL, 10);
        return 0;
    case ARGP_KEY_ARG:
        if (options.api_count == APIS_MAX)
            argp_error(state, "at most %d APIs", APIS_MAX);
        options.apis[options.api_count++] = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void load_identity(void)
{
    struct fault fault = {0};
    uint8_t *raw;
    size_t size;
    if (settings_read(&settings, options.config, &fault) ||
        signer_init(&signer, &settings, &fault) ||
        file_read(&raw, &size, settings.genesis, NODE_GENESIS_MAX, &fault) ||
        record_unpack(&arena, &genesis_record, &genesis, bytes_of(raw, size), &fault))
        fail(options.config, &fault);
    chain = digest_of(raw, size);
}

static struct peer_net *open_door(void)
{
    struct fault fault = {0};
    struct peer_net *net;
    struct peer_options door = {
        .public = signer.public,
        .genesis = chain,
        .listen = settings.peers_listen,
        .authority_pem = read_pem(settings.authority),
        .certificate_pem = read_pem(settings.certificate),
        .key_pem = read_pem(settings.certificate_key),
        .owner = {NULL, on_sign, on_received, on_connected, on_disconnected, on_refused},
    };
    if (peer_open(&net, &door, &fault))
        fail(settings.peers_listen, &fault);
    return net;
}

int main(int argc, char **argv)
{
    static const struct argp_option list[] = {
        {"config", 'c', "FILE", 0, "the validator whose seat it takes", 0},
        {"seconds", 's', "N", 0, "how long", 0},
        {"clients", 'n', "N", 0, "how many clients", 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct argp parser = {list, parse, "HOST:PORT...", NULL, NULL, NULL, NULL};
    static struct thread threads[CLIENTS_MAX];
    struct fault fault = {0};
    argp_parse(&parser, argc, argv, 0, NULL, NULL);
    arena_init(&arena, 256u << 20);
    load_identity();
    make_body();
    make_loads();
    struct peer_net *net = open_door();
    uint8_t peers = join(net);
    end_ms = clock_monotonic_ms() + options.seconds * 1000ull;
    for (unsigned i = 0; i < options.clients && i < CLIENTS_MAX && options.api_count > 0; i++)
        if (thread_start(&threads[i], "client", flood_api, (void *)(uintptr_t)i))
            fail("a client", &fault);
    flood_peers(net, peers);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        thread_join(&threads[i]);
    peer_close(net);
    printf("%llu records of %llu MB to %u peers, %llu requests\n", atomic_load(&records),
           atomic_load(&record_bytes_sent) >> 20, peers, atomic_load(&requests));
    arena_release(&arena);
    return 0;
}
