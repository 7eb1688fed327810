/* The API over a real socket and a real chain; the node behind it is played by the test. */
#include "tools/tenured/api.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>

#include "base/merkle.h"
#include "ledger/history.h"
#include "test/unit/town.h"

static struct town town;
static struct api *api;
static struct blob_store *blobs;
static struct fault fault;
static char blob_path[64];
static struct http_options options;

/* --- the node --- */

enum played { PLAY_AT_ONCE, PLAY_LATER, PLAY_FULL, PLAY_NEVER };
static enum played played;
static struct api_batch *_Atomic held;
static struct digest pending_id;
static atomic_uint corrupt_count;

static void check_batch(struct api_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct arena arena;
        struct tx tx;
        arena_init(&arena, 1 << 20);
        batch->verdicts[i] = tx_unpack(&arena, &tx, batch->txs[i], NULL);
        if (batch->verdicts[i] == TX_OK) {
            batch->ids[i] = tx.id;
            batch->verdicts[i] = tx_check_signature(&tx);
        }
        arena_release(&arena);
    }
    api_batch_done(batch);
}

static void *check_later(void *batch)
{
    struct timespec while_resting = {0, 50000000};
    nanosleep(&while_resting, NULL);
    check_batch(batch);
    return NULL;
}

static bool submit(void *self, struct api_batch *batch)
{
    ck_assert_ptr_eq(self, &town);
    pthread_t thread;
    switch (played) {
    case PLAY_FULL:
        return false;
    case PLAY_AT_ONCE:
        check_batch(batch);
        return true;
    case PLAY_LATER:
        ck_assert_int_eq(pthread_create(&thread, NULL, check_later, batch), 0);
        pthread_detach(thread);
        return true;
    case PLAY_NEVER:
        atomic_store(&held, batch);
        return true;
    }
    return false;
}

static enum api_fate fate(void *self, const struct digest *id, enum tx_verdict *reason)
{
    (void)self;
    if (digest_equal(id, &pending_id))
        return API_PENDING;
    if (id->bytes[0] != 0xee && id->bytes[0] != 0xed)
        return API_UNKNOWN;
    *reason = id->bytes[0] == 0xee ? TX_EXPIRED : TX_EVICTED;
    return API_DROPPED;
}

static void status(void *self, struct api_status *out)
{
    (void)self;
    out->node.view = 3;
    out->node.primary = 2;
    out->pool_count = 17;
    snprintf(out->waiting, sizeof(out->waiting), "waiting for COMMIT of validators 3 and 5");
    out->peer_count = 1;
    out->peers[0] = (struct api_peer){.seat = {1}, .name = "node1"};
    out->node.connected = 2;
    out->node.prepares = 5;
}

static void metrics(void *self, struct text *out)
{
    (void)self;
    text_add(out, "tenure_more 5\n");
}

static void corrupt(void *self, const struct fault *why)
{
    (void)self;
    ck_assert_int_eq(why->code, ERR_CORRUPT);
    atomic_fetch_add(&corrupt_count, 1);
}

static void world_open(void)
{
    town_init(&town);
    town_open(&town);
    for (uint64_t i = 1; i <= 10; i++)
        town_step(&town, 1, 2, i);
    strcpy(blob_path, "/tmp/tenure-api-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(blob_path));
    ck_assert_int_eq(blob_open(&blobs, blob_path, 8u << 20, &fault), ERR_NONE);
    struct api_node node = {
        .self = &town,
        .chain = town.chain,
        .blobs = blobs,
        .genesis = town.chain_digest,
        .version = "1.2.3",
        .name = "node0",
        .submit = submit,
        .fate = fate,
        .status = status,
        .metrics = metrics,
        .corrupt = corrupt,
    };
    options = http_defaults();
    options.listen = "127.0.0.1:0";
    enum err err = api_open(&api, &node, &options, &fault);
    ck_assert_msg(err == ERR_NONE, "%s", fault.text);
}

static void world_close(void)
{
    char command[96];
    api_close(api);
    blob_close(blobs);
    snprintf(command, sizeof(command), "rm -rf '%s'", blob_path);
    ck_assert_int_eq(system(command), 0);
    town_release(&town);
    ck_assert_uint_eq(atomic_load(&corrupt_count), 0);
}

/* --- the client --- */

static char answer[1 << 20]; /* the last body, zero-terminated */
static size_t answer_size;

/* Asks and reads the answer to its end; the status. */
static int ask(const char *method, struct bytes body, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int ask(const char *method, struct bytes body, const char *format, ...)
{
    char path[1024], head[1280];
    va_list list;
    va_start(list, format);
    vsnprintf(path, sizeof(path), format, list);
    va_end(list);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(api_port(api)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    int size = snprintf(head, sizeof(head),
                        "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        method, path, body.size);
    ck_assert_int_eq(send(fd, head, (size_t)size, MSG_NOSIGNAL), size);
    if (body.size > 0)
        ck_assert_int_eq(send(fd, body.data, body.size, MSG_NOSIGNAL), (ssize_t)body.size);
    static char all[sizeof(answer)];
    size_t have = 0;
    ssize_t count;
    while ((count = recv(fd, all + have, sizeof(all) - 1 - have, 0)) > 0)
        have += (size_t)count;
    close(fd);
    all[have] = 0;
    const char *start = strstr(all, "\r\n\r\n");
    ck_assert_ptr_nonnull(start);
    answer_size = have - (size_t)(start + 4 - all);
    memcpy(answer, start + 4, answer_size + 1);
    return atoi(all + 9);
}

static int get(const char *path)
{
    return ask("GET", bytes_of(NULL, 0), "%s", path);
}

#define HAS(fragment)                                                                              \
    ck_assert_msg(strstr(answer, fragment) != NULL, "%s not in %s", fragment, answer)
#define HAS_NOT(fragment)                                                                          \
    ck_assert_msg(strstr(answer, fragment) == NULL, "%s in %s", fragment, answer)

/* The same transactions, each preceded by its size. */
static struct bytes pack_batch(const struct bytes *txs, uint32_t count)
{
    static uint8_t out[1 << 20];
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_u32(out + used, (uint32_t)txs[i].size);
        memcpy(out + used + 4, txs[i].data, txs[i].size);
        used += 4 + txs[i].size;
    }
    return bytes_of(out, used);
}

/* --- submitting --- */

START_TEST(a_batch_is_answered_one_by_one)
{
    world_open();
    struct tx good = town_transfer(&town, 1, 2, 5), other = town_transfer(&town, 3, 2, 5);
    uint8_t *bad = arena_copy(&town.arena, other.raw.data, other.raw.size);
    bad[other.raw.size - 1] ^= 1;
    struct bytes txs[] = {good.raw, bytes_of(bad, other.raw.size), bytes_text("no transaction")};
    char id[DIGEST_TEXT_SIZE], expected[256];
    digest_text(id, &good.id);
    for (played = PLAY_AT_ONCE; played <= PLAY_LATER; played++) {
        ck_assert_int_eq(ask("POST", pack_batch(txs, 3), "/v1/transactions"), 202);
        HAS("{\"accepted\":1,\"results\":[");
        snprintf(expected, sizeof(expected), "{\"id\":\"%s\",\"error\":null}", id);
        HAS(expected);
        HAS("\"error\":{\"code\":\"bad_signature\",\"message\":\"");
        HAS("\"error\":{\"code\":\"malformed\",\"message\":\"");
        ck_assert_int_eq(ask("POST", pack_batch(txs + 1, 2), "/v1/transactions"), 400);
        HAS("{\"accepted\":0,\"error\":{\"code\":\"bad_signature\",");
    }
    world_close();
}
END_TEST

START_TEST(what_is_no_batch_never_reaches_the_node)
{
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"", 0},
        {"\0\0\0", 3},
        {"\0\0\0\0", 4},
        {"\0\0\0\2a", 5},
        {"\0\0\0\1ab", 6},
        {"\xff\xff\xff\xff"
         "a",
         5},
        {"\0\0\x80\1"
         "a",
         5},
    };
    world_open();
    played = PLAY_FULL;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(ask("POST", bytes_of(bad[i].bytes, bad[i].size), "/v1/transactions"), 400);
        HAS("\"code\":\"malformed_batch\"");
    }
    static uint8_t many[(API_BATCH_MAX + 1) * 5];
    for (size_t i = 0; i < sizeof(many); i += 5)
        bytes_put_u32(many + i, 1);
    ck_assert_int_eq(ask("POST", bytes_of(many, sizeof(many)), "/v1/transactions"), 413);
    HAS("\"code\":\"too_many_transactions\"");
    ck_assert_int_eq(ask("POST", bytes_of(many, 5), "/v1/transactions"), 503);
    HAS("\"code\":\"busy\"");
    world_close();
}
END_TEST

START_TEST(a_client_that_leaves_does_not_take_the_batch_with_it)
{
    world_open();
    played = PLAY_NEVER;
    struct tx tx = town_transfer(&town, 1, 2, 5);
    struct bytes body = pack_batch(&tx.raw, 1);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(api_port(api)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char head[256];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    int size = snprintf(head, sizeof(head),
                        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                        body.size);
    ck_assert_int_eq(send(fd, head, (size_t)size, 0), size);
    ck_assert_int_eq(send(fd, body.data, body.size, 0), (ssize_t)body.size);
    while (atomic_load(&held) == NULL)
        usleep(1000);
    close(fd);
    usleep(20000);
    struct api_batch *batch = atomic_load(&held);
    ck_assert_uint_eq(batch->count, 1);
    ck_assert(bytes_equal(batch->txs[0], tx.raw));
    check_batch(batch);
    world_close();
}
END_TEST

/* --- reading --- */

START_TEST(a_transaction_is_told_from_pending_to_committed)
{
    world_open();
    struct tx tx = town_transfer(&town, 1, 2, 7);
    char id[DIGEST_TEXT_SIZE], path[160];
    digest_text(id, &tx.id);
    snprintf(path, sizeof(path), "/v1/transactions/%s", id);
    ck_assert_int_eq(get(path), 200);
    HAS("\"status\":\"unknown\"");
    pending_id = tx.id;
    snprintf(path, sizeof(path), "/v1/transactions/%s?wait_ms=50", id);
    ck_assert_int_eq(get(path), 200);
    HAS("\"status\":\"pending\"");

    struct chain_tip head = *chain_head(town.chain);
    struct chain_tip tip = town_build(&town, &head.digest, head.header.time_ms + 100, &tx.raw, 1);
    town_commit(&town, &tip);
    ck_assert_int_eq(get(path), 200);
    HAS("\"status\":\"committed\",\"height\":11,\"index\":0,\"verdict\":0,"
        "\"verdict_name\":\"ok\"");
    char packed[2 * LIMIT_TX_BYTES + 1], member[sizeof(packed) + 16];
    bytes_to_hex(packed, tx.raw);
    snprintf(member, sizeof(member), "\"packed\":\"%s\"", packed);
    HAS(member);
    HAS("\"calls\":[{\"contract\":\"credits\",\"method\":\"transfer\",\"args\":{\"to\":\"tnr1");
    HAS("\"events\":[{\"event\":\"transferred\",\"tag\":10,\"data\":{\"from\":\"tnr1");

    ck_assert_int_eq(get("/v1/transactions/"
                         "ee00000000000000000000000000000000000000000000000000000000000000"),
                     200);
    HAS("\"status\":\"expired\",\"reason\":\"expired\"");
    ck_assert_int_eq(get("/v1/transactions/"
                         "ed00000000000000000000000000000000000000000000000000000000000000"),
                     200);
    HAS("\"status\":\"evicted\",\"reason\":\"evicted\"");
    ck_assert_int_eq(get("/v1/transactions/xyz"), 400);
    HAS("\"code\":\"bad_request\"");
    world_close();
}
END_TEST

static void *commit_later(void *unused)
{
    usleep(100000);
    town_step(&town, 1, 2, 3);
    api_committed(api);
    return unused;
}

START_TEST(a_wait_ends_with_the_next_block)
{
    pthread_t thread;
    struct timespec before, after;
    world_open();
    ck_assert_int_eq(pthread_create(&thread, NULL, commit_later, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(get("/v1/status?after_height=10&wait_ms=20000"), 200);
    clock_gettime(CLOCK_MONOTONIC, &after);
    HAS("\"height\":11,");
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 10);
    pthread_join(thread, NULL);
    ck_assert_int_eq(get("/v1/events?from_height=12&wait_ms=50"), 200);
    HAS("{\"events\":[],\"next\":{\"height\":12,");
    world_close();
}
END_TEST

START_TEST(status_health_and_metrics_tell_what_the_node_knows)
{
    char chain[DIGEST_TEXT_SIZE], expected[128];
    world_open();
    digest_text(chain, &town.chain_digest);
    ck_assert_int_eq(get("/v1/status"), 200);
    snprintf(expected, sizeof(expected), "{\"chain\":\"%s\",\"chain_name\":\"town\"", chain);
    HAS(expected);
    HAS("\"name\":\"node0\",\"version\":\"1.2.3\",\"height\":10,\"history_start\":0,");
    HAS("\"view\":3,\"primary\":2,");
    HAS("\"waiting\":\"waiting for COMMIT of validators 3 and 5\"");
    HAS("\"pool\":{\"count\":17,\"bytes\":0}");
    HAS("\"prepares\":[0,2],\"commits\":[],");
    HAS("\"peers\":[{\"seat\":1,\"name\":\"node1\",\"connected\":true,");
    ck_assert_int_eq(get("/health"), 200);
    HAS("{\"status\":\"ok\",\"height\":10,");
    ck_assert_int_eq(get("/metrics"), 200);
    HAS("# TYPE tenure_height gauge\ntenure_height 10\n");
    HAS("tenure_http_requests_total 2\n");
    HAS("tenure_more 5\n");
    world_close();
}
END_TEST

START_TEST(blocks_and_events_come_in_pages_without_gaps)
{
    world_open();
    ck_assert_int_eq(get("/v1/blocks?limit=3"), 200);
    HAS("{\"height\":10,\"blocks\":[{\"digest\":\"");
    HAS("\"height\":8,");
    HAS("\"height\":10,");
    HAS_NOT("\"height\":7,");
    HAS("],\"next\":null}");
    ck_assert_int_eq(get("/v1/blocks?from=0&limit=2"), 200);
    HAS("],\"next\":2}");
    ck_assert_int_eq(get("/v1/blocks?from=11"), 200);
    HAS("\"blocks\":[],\"next\":null}");
    ck_assert_int_eq(get("/v1/blocks?from=18446744073709551615&limit=1000"), 200);
    ck_assert_int_eq(get("/v1/blocks?limit=1001"), 400);
    ck_assert_int_eq(get("/v1/blocks?from=-1"), 400);
    ck_assert_int_eq(get("/v1/blocks?from=99999999999999999999"), 400);

    ck_assert_int_eq(get("/v1/blocks/10"), 200);
    HAS("\"transactions\":1,");
    HAS("\"body\":[{\"id\":\"");
    char digest[DIGEST_TEXT_SIZE], path[128], by_height[4096];
    ck_assert_uint_lt(answer_size, sizeof(by_height));
    memcpy(by_height, answer, answer_size + 1);
    digest_text(digest, &chain_head(town.chain)->digest);
    snprintf(path, sizeof(path), "/v1/blocks/%s", digest);
    ck_assert_int_eq(get(path), 200);
    ck_assert_str_eq(answer, by_height);
    ck_assert_int_eq(get("/v1/blocks/11"), 404);
    HAS("{\"error\":{\"code\":\"not_found\",\"message\":\"there is no such block\"}}");

    /* Every transfer once, however the pages fall. */
    unsigned height = 0, receipt = 0, index = 0, transfers = 0;
    while (height <= 10) {
        ck_assert_int_eq(ask("GET", bytes_of(NULL, 0),
                             "/v1/events?from_height=%u&from_receipt=%u&from_index=%u&limit=3",
                             height, receipt, index),
                         200);
        for (const char *at = answer; (at = strstr(at, "\"transferred\"")) != NULL; at++)
            transfers++;
        const char *next = strstr(answer, "\"next\":");
        ck_assert_int_eq(sscanf(next, "\"next\":{\"height\":%u,\"receipt\":%u,\"index\":%u",
                                &height, &receipt, &index),
                         3);
    }
    ck_assert_uint_eq(transfers, 10);
    world_close();
}
END_TEST

START_TEST(accounts_state_and_proofs_agree)
{
    char address[ADDRESS_TEXT_SIZE], key[2 * (8 + ADDRESS_SIZE) + 1], expected[160];
    uint8_t raw[8 + ADDRESS_SIZE] = "account/";
    world_open();
    address_text(address, &town.addresses[2]);
    memcpy(raw + 8, town.addresses[2].bytes, ADDRESS_SIZE);
    bytes_to_hex(key, bytes_of(raw, sizeof(raw)));

    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/accounts/%s", address), 200);
    snprintf(expected, sizeof(expected), "{\"address\":\"%s\",\"public_key\":\"", address);
    HAS(expected);
    HAS("\"balance\":\"1055\"");
    ck_assert_int_eq(get("/v1/accounts/tnr1nobody"), 400);
    ck_assert_int_eq(get("/v1/accounts?limit=4"), 200);
    HAS("],\"next\":\"tnr1");

    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/state?key=%s", key), 200);
    snprintf(expected, sizeof(expected), "\"key_text\":\"account/%s\"", address);
    HAS(expected);
    HAS("\"balance\":\"1055\"");
    ck_assert_int_eq(get("/v1/state?key=00"), 404);
    ck_assert_int_eq(get("/v1/state?key=0"), 400);

    /* All ten accounts, three a page. */
    char after[2 * LIMIT_KEY_BYTES + 8] = "";
    unsigned accounts = 0, pages = 0;
    do {
        ck_assert_int_eq(
            ask("GET", bytes_of(NULL, 0), "/v1/state?prefix=6163636f756e742f&limit=3%s", after),
            200);
        for (const char *at = answer; (at = strstr(at, "\"key_text\"")) != NULL; at++)
            accounts++;
        const char *next = strstr(answer, "\"next\":\"");
        snprintf(after, sizeof(after), "&after=%.*s", 2 * (8 + ADDRESS_SIZE),
                 next == NULL ? "" : next + 8);
        pages++;
        if (next == NULL)
            break;
    } while (pages < 10);
    ck_assert_uint_eq(accounts, TOWN_PEOPLE);
    ck_assert_uint_eq(pages, 4);

    /* A proof of the value at an older height. */
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/proof?key=%s&height=4", key), 200);
    HAS("{\"height\":4,");
    HAS("\"proof\":{\"end\":0,");
    HAS("\"header_packed\":\"");
    ck_assert_int_eq(get("/v1/proof?key=6e6f6e65"), 200);
    HAS("\"value\":null,");
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/proof?key=%s&height=11", key), 404);
    ck_assert_int_eq(get("/v1/proof"), 400);

    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/transactions?account=%s&limit=2", address),
                     200);
    HAS("\"height\":10,");
    HAS("\"height\":9,");
    HAS_NOT("\"height\":8,");
    world_close();
}
END_TEST

START_TEST(the_rest_of_the_state_has_its_routes)
{
    world_open();
    ck_assert_int_eq(get("/v1/validators"), 200);
    HAS("{\"validators\":[{\"seat\":0,\"name\":\"one\",");
    ck_assert_int_eq(get("/v1/parameters"), 200);
    HAS("{\"parameters\":{\"block_interval_max_ms\":");
    ck_assert_int_eq(get("/v1/supply"), 200);
    HAS("\"minted\":\"10000\"");
    HAS("\"even\":true");
    ck_assert_int_eq(get("/v1/offers"), 200);
    HAS("{\"offers\":[],\"next\":null}");
    ck_assert_int_eq(get("/v1/leases"), 200);
    ck_assert_int_eq(get("/v1/jobs"), 200);
    ck_assert_int_eq(get("/v1/jobs/1"), 404);
    ck_assert_int_eq(get("/v1/genesis"), 200);
    struct digest digest = digest_of(answer, answer_size);
    ck_assert(digest_equal(&digest, &town.chain_digest));
    ck_assert_int_eq(get("/v1/nothing"), 404);
    HAS("\"code\":\"no_route\"");
    ck_assert_int_eq(get("/v1/jobs/1/2"), 404);
    ck_assert_int_eq(ask("POST", bytes_text("x"), "/v1/status"), 405);
    world_close();
}
END_TEST

/* --- blobs --- */

START_TEST(blobs_are_pushed_and_fetched_chunk_by_chunk)
{
    struct digest ids[3];
    char root_text[DIGEST_TEXT_SIZE], id[DIGEST_TEXT_SIZE], chunks[3][100];
    world_open();
    for (int i = 0; i < 3; i++) {
        memset(chunks[i], 'a' + i, sizeof(chunks[i]));
        ids[i] = merkle_leaf(chunks[i], sizeof(chunks[i]));
    }
    struct digest root = merkle_root(ids, 3);
    digest_text(root_text, &root);
    digest_text(id, &ids[1]);
    ck_assert_int_eq(ask("PUT", bytes_of(chunks[1], 100), "/v1/chunks/%s", id), 200);
    ck_assert_int_eq(ask("PUT", bytes_of(chunks[2], 100), "/v1/chunks/%s", id), 409);
    HAS("\"code\":\"wrong_content\"");
    ck_assert_int_eq(ask("PUT", bytes_of(ids, 96), "/v1/blobs/%s", root_text), 200);
    ck_assert_str_eq(answer, "{\"missing\":[0,2]}\n");
    ck_assert_int_eq(ask("PUT", bytes_of(ids, 64), "/v1/blobs/%s", root_text), 409);
    ck_assert_int_eq(ask("PUT", bytes_of(ids, 63), "/v1/blobs/%s", root_text), 400);
    ck_assert_int_eq(ask("PUT", bytes_of(NULL, 0), "/v1/blobs/%s", root_text), 413);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/blobs/%s", root_text), 200);
    ck_assert_uint_eq(answer_size, 96);
    ck_assert_mem_eq(answer, ids, 96);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/chunks/%s", id), 200);
    ck_assert_mem_eq(answer, chunks[1], 100);
    digest_text(id, &ids[0]);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/chunks/%s", id), 404);

    /* A damaged file goes to one that checks it, and is gone when that one complains. */
    digest_text(id, &ids[1]);
    char path[256];
    snprintf(path, sizeof(path), "%s/chunks/%.2s/%s", blob_path, id, id);
    FILE *file = fopen(path, "r+");
    ck_assert(file != NULL && fputs("rot", file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/chunks/%s", id), 200);
    ck_assert_mem_eq(answer, "rotbbb", 6);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/chunks/%s?check=1", id), 404);
    HAS("\"code\":\"was_corrupt\"");
    ck_assert_int_eq(access(path, F_OK), -1);

    /* One of another size is never sent. */
    ck_assert_int_eq(ask("PUT", bytes_of(chunks[1], 100), "/v1/chunks/%s", id), 200);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/chunks/%s?check=1", id), 200);
    ck_assert_int_eq(truncate(path, 50), 0);
    ck_assert_int_eq(ask("GET", bytes_of(NULL, 0), "/v1/chunks/%s", id), 404);
    HAS("\"code\":\"was_corrupt\"");
    world_close();
}
END_TEST

/* --- the description --- */

/* Each operation of docs/openapi.json is routed, and there are as many as routes. */
START_TEST(the_description_has_every_route_and_no_other)
{
    json_error_t error;
    json_t *root = json_load_file("docs/openapi.json", 0, &error);
    ck_assert_msg(root != NULL, "docs/openapi.json:%d: %s", error.line, error.text);
    world_open();
    const char *path, *method;
    json_t *operations, *operation;
    size_t count = 0;
    json_object_foreach(json_object_get(root, "paths"), path, operations)
    {
        char asked[256];
        snprintf(asked, sizeof(asked), "%s", path);
        char *brace = strchr(asked, '{');
        if (brace != NULL)
            strcpy(brace, "1");
        json_object_foreach(operations, method, operation)
        {
            char upper[8];
            size_t size = strlen(method);
            ck_assert_uint_lt(size, sizeof(upper));
            for (size_t i = 0; i <= size; i++)
                upper[i] = (char)toupper(method[i]);
            ask(upper, bytes_of(NULL, 0), "%s", asked);
            HAS_NOT("\"no_route\"");
            HAS_NOT("\"method_not_allowed\"");
            ck_assert_ptr_nonnull(json_object_get(operation, "operationId"));
            count++;
        }
    }
    ck_assert_uint_eq(count, API_ROUTES);
    json_decref(root);
    world_close();
}
END_TEST

HARNESS_MAIN("api", a_batch_is_answered_one_by_one, what_is_no_batch_never_reaches_the_node,
             a_client_that_leaves_does_not_take_the_batch_with_it,
             a_transaction_is_told_from_pending_to_committed, a_wait_ends_with_the_next_block,
             status_health_and_metrics_tell_what_the_node_knows,
             blocks_and_events_come_in_pages_without_gaps, accounts_state_and_proofs_agree,
             the_rest_of_the_state_has_its_routes, blobs_are_pushed_and_fetched_chunk_by_chunk,
             the_description_has_every_route_and_no_other)
