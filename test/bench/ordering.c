/* How fast four validators on this machine order, execute and store transfers: build/bench/ordering.json.
 *
 * Pre-signed credit transfers of about 250 bytes from 100 accounts go to all four nodes over their API, a batch a POST; each sender waits for
 * the oldest of its batches, so that a bounded number is under way. Besides, one transfer at a time is timed from POST to commit.
 *
 * efficiency = rate * n * t_verify / cores: the share of the machine's time that went into the checks nobody can do without
 * (every validator checks every signature once; DESIGN 13). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/credits.h"
#include "contracts/members.h"
#include "ledger/tx.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/sys/process.h"
#include "tools/sys/random.h"
#include "tools/sys/thread.h"
#include "tools/tenure/answer.h"
#include "tools/tenure/client.h"
#include "tools/tenure/founding.h"

#define NODES    4
#define ACCOUNTS 100
#define RUNS     7
#define RUN_MS   3000
#define WARM_MS  3000

/* Transactions of one account in a POST, and POSTs of one sender under way. */
#define BATCH_TXS 8
#define UNDER_WAY 6

/* Enough for the whole measurement at twice the goal's rate. */
#define TXS_PER_ACCOUNT 2000

/* The last account is the one that is timed. */
#define SENDERS     ((ACCOUNTS - 1) / NODES)
#define SAMPLES_MAX 4096

struct wallet {
    struct sign_secret secret;
    struct sign_public public;
    struct bytes txs[TXS_PER_ACCOUNT]; /* each with its length of four bytes before it */
    char ids[TXS_PER_ACCOUNT][DIGEST_TEXT_SIZE];
};

struct sender {
    struct client client;
    const char *url;
    struct wallet *wallets; /* `count` of them are its own */
    size_t count;
    struct thread thread;
};

static struct wallet wallets[ACCOUNTS];
static struct process nodes[NODES];
static char urls[NODES][128];
static const char *url_list[NODES];
static char folder[FILE_PATH_SIZE];
static volatile int over;
static uint64_t samples_us[SAMPLES_MAX];
static size_t sample_count;

_Noreturn static void fail(const char *what, const struct fault *fault)
{
    fprintf(stderr, "ordering: %s: %s\n", what, fault ? fault->text : "");
    for (size_t i = 0; i < NODES; i++)
        process_signal(&nodes[i], SIGKILL);
    exit(1);
}

static void must(enum err err, const char *what, const struct fault *fault)
{
    if (err)
        fail(what, fault);
}

/* --- the network --- */

static void found(struct arena *arena)
{
    struct fault fault = {0};
    struct founding *founding = arena_alloc(arena, sizeof(*founding));
    CHECK(founding != NULL);
    founding->folder = folder;
    founding->name = "bench";
    founding->validators = NODES;
    founding->log_level = "warn";
    founding->parameters = parameters_default();
    founding->account_count = ACCOUNTS;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        char *name = arena_alloc(arena, 16);
        CHECK(name != NULL);
        snprintf(name, 16, "account-%zu", i);
        random_fill(&wallets[i].secret, sizeof(wallets[i].secret));
        CHECK(sign_public_of(&wallets[i].public, &wallets[i].secret));
        founding->accounts[i] = (struct founding_account){.name = name,
                                                          .organisation = "bench",
                                                          .roles = MEMBERS_ROLE_CONSUMER,
                                                          .balance = units_amount(1000000000),
                                                          .public = &wallets[i].public};
    }
    must(founding_make(arena, founding, NULL, &fault), "founding a network", &fault);
}

static void start(const char *programs)
{
    struct fault fault = {0};
    char program[2 * FILE_PATH_SIZE], config[2 * FILE_PATH_SIZE], log[2 * FILE_PATH_SIZE],
        path[FILE_PATH_SIZE];
    snprintf(program, sizeof(program), "%s/tenured", programs);
    must(file_join(path, folder, "nodes", &fault), "nodes", &fault);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    for (size_t i = 0; i < NODES; i++) {
        char name[64];
        CHECK(fscanf(file, "%63s %127s", name, urls[i]) == 2);
        url_list[i] = urls[i];
        snprintf(config, sizeof(config), "%s/%s/tenured.ini", folder, name);
        snprintf(log, sizeof(log), "%s/%s/log", folder, name);
        const char *const argv[] = {program, "--config", config, NULL};
        must(process_start(&nodes[i], argv, log, PROCESS_TIED, &fault), "starting a node", &fault);
    }
    fclose(file);
}

/* Waits until every node has committed a block. */
static void await_nodes(void)
{
    struct fault fault = {0};
    uint64_t end_ms = clock_monotonic_ms() + 30000;
    for (size_t i = 0; i < NODES; i++) {
        struct client client;
        must(client_init(&client, &url_list[i], 1, &fault), "client", &fault);
        for (bool ready = false; !ready; clock_sleep_ms(50)) {
            struct answer *root;
            if (clock_monotonic_ms() > end_ms)
                fail("no block within 30 s", &fault);
            if (client_get(&client, &root, &fault, "/v1/status"))
                continue;
            ready = answer_number(root, "height") > 0;
            answer_free(root);
        }
        client_release(&client);
    }
}

/* --- transactions --- */

static void sign_all(struct arena *arena, const struct digest *chain)
{
    struct credits_transfer transfer = {
        .amount = units_amount(1),
        .memo = bytes_text("invoice 4711 of the lab, for compute that was leased in November")};
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct wallet *wallet = &wallets[i];
        transfer.to = address_of(&wallets[(i + 1) % ACCOUNTS].public);
        for (uint64_t nonce = 0; nonce < TXS_PER_ACCOUNT; nonce++) {
            struct tx tx;
            struct call call = {.contract = CATALOG_CREDITS,
                                .method = CREDITS_TRANSFER,
                                .args = record_bytes(arena, &credits_transfer_record, &transfer)};
            struct tx_body body = {.version = TX_VERSION,
                                   .chain = *chain,
                                   .sender = wallet->public,
                                   .nonce = nonce,
                                   .last_height = 1000000,
                                   .calls = &call,
                                   .call_count = 1};
            CHECK(tx_make(arena, &tx, &body, &wallet->secret));
            uint8_t *framed = arena_alloc(arena, 4 + tx.raw.size);
            CHECK(framed != NULL);
            bytes_put_u32(framed, (uint32_t)tx.raw.size);
            memcpy(framed + 4, tx.raw.data, tx.raw.size);
            wallet->txs[nonce] = bytes_of(framed, 4 + tx.raw.size);
            digest_text(wallet->ids[nonce], &tx.id);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return values[count / 2];
}

static double thread_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

/* One check of one transaction with unpacking and parsing of key and signature, in microseconds of the processor. */
static double time_verify(void)
{
    double runs[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        struct arena arena;
        arena_init(&arena, 1u << 16);
        double before_us = thread_us();
        for (size_t i = 0; i < 1000; i++) {
            struct bytes framed = wallets[i % ACCOUNTS].txs[i];
            struct tx tx;
            arena_clear(&arena);
            CHECK(tx_unpack(&arena, &tx, bytes_of(framed.data + 4, framed.size - 4), NULL) ==
                  TX_OK);
            CHECK(tx_check_signature(&tx) == TX_OK);
        }
        runs[run] = (thread_us() - before_us) / 1000;
        arena_release(&arena);
    }
    return median(runs, RUNS);
}

/* --- load --- */

/* Posts `size` bytes of framed transactions until all `count` are accepted; false when the measurement is over. */
static bool post(struct sender *sender, struct bytes framed, uint32_t count)
{
    while (!over) {
        struct client_reply reply;
        struct fault fault = {0};
        char accepted[64];
        if (client_call(&sender->client, &reply, CLIENT_POST, "/v1/transactions", framed, 0,
                        &fault))
            fail("POST", &fault);
        snprintf(accepted, sizeof(accepted), "{\"accepted\":%u,", count);
        if (reply.status == 202 && reply.body.size > strlen(accepted) &&
            memcmp(reply.body.data, accepted, strlen(accepted)) == 0)
            return true;
        if (reply.status == 202)
            fail((const char *)reply.body.data, NULL);
        clock_sleep_ms(5);
    }
    return false;
}

/* Waits for a transaction's commit; false when the measurement is over. */
static bool await_tx(struct client *client, const char *id)
{
    while (!over) {
        struct fault fault = {0};
        struct client_reply reply;
        char path[160];
        snprintf(path, sizeof(path), "/v1/transactions/%s?wait_ms=2000", id);
        if (client_call(client, &reply, CLIENT_GET, path, bytes_of(NULL, 0), 2000, &fault))
            fail("GET", &fault);
        if (reply.status == 200 && memmem(reply.body.data, reply.body.size, "\"committed\"", 11))
            return true;
    }
    return false;
}

static void send_all(void *raw)
{
    struct sender *sender = raw;
    struct fault fault = {0};
    static const size_t batch_room = BATCH_TXS * SENDERS * 512;
    uint8_t *framed = malloc(batch_room);
    const char *waiting[UNDER_WAY] = {NULL};
    CHECK(framed != NULL);
    must(client_init(&sender->client, &sender->url, 1, &fault), "client", &fault);
    for (size_t turn = 0; turn * BATCH_TXS < TXS_PER_ACCOUNT && !over; turn++) {
        size_t size = 0;
        for (size_t w = 0; w < sender->count; w++)
            for (size_t i = turn * BATCH_TXS; i < (turn + 1) * BATCH_TXS; i++) {
                CHECK(size + sender->wallets[w].txs[i].size <= batch_room);
                memcpy(framed + size, sender->wallets[w].txs[i].data,
                       sender->wallets[w].txs[i].size);
                size += sender->wallets[w].txs[i].size;
            }
        if (waiting[turn % UNDER_WAY] && !await_tx(&sender->client, waiting[turn % UNDER_WAY]))
            break;
        if (!post(sender, bytes_of(framed, size), (uint32_t)(sender->count * BATCH_TXS)))
            break;
        waiting[turn % UNDER_WAY] =
            sender->wallets[sender->count - 1].ids[(turn + 1) * BATCH_TXS - 1];
    }
    client_release(&sender->client);
    free(framed);
}

/* The last account's transfers, one at a time. */
static void sample(void *raw)
{
    struct sender *sender = raw;
    struct fault fault = {0};
    must(client_init(&sender->client, &sender->url, 1, &fault), "client", &fault);
    for (size_t i = 0; i < TXS_PER_ACCOUNT && !over; i++) {
        uint64_t before_us = clock_monotonic_us();
        if (!post(sender, sender->wallets[0].txs[i], 1) ||
            !await_tx(&sender->client, sender->wallets[0].ids[i]))
            break;
        if (sample_count < SAMPLES_MAX)
            samples_us[sample_count++] = clock_monotonic_us() - before_us;
    }
    client_release(&sender->client);
}

static uint64_t committed(struct client *client)
{
    struct fault fault = {0};
    struct client_reply reply;
    static const char name[] = "\ntenure_committed_transactions_total ";
    if (client_call(client, &reply, CLIENT_GET, "/metrics", bytes_of(NULL, 0), 0, &fault))
        fail("metrics", &fault);
    const char *at = memmem(reply.body.data, reply.body.size, name, sizeof(name) - 1);
    CHECK(at != NULL);
    return strtoull(at + sizeof(name) - 1, NULL, 10);
}

/* The rate of each run. */
static void measure(double rates[RUNS])
{
    static struct sender senders[NODES + 1];
    struct fault fault = {0};
    struct client client;
    for (size_t i = 0; i <= NODES; i++) {
        bool last = i == NODES;
        senders[i] = (struct sender){.url = urls[i % NODES],
                                     .wallets = &wallets[last ? ACCOUNTS - 1 : i * SENDERS],
                                     .count = last ? 1 : SENDERS};
        must(thread_start(&senders[i].thread, "sender", last ? sample : send_all, &senders[i]),
             "thread", NULL);
    }
    must(client_init(&client, url_list, 1, &fault), "client", &fault);
    clock_sleep_ms(WARM_MS);
    for (size_t run = 0; run < RUNS; run++) {
        uint64_t before = committed(&client), before_us = clock_monotonic_us();
        clock_sleep_ms(RUN_MS);
        uint64_t after = committed(&client), after_us = clock_monotonic_us();
        rates[run] = (double)(after - before) * 1e6 / (double)(after_us - before_us);
        fprintf(stderr, "ordering: run %zu of %d: %.0f tx/s\n", run + 1, RUNS, rates[run]);
    }
    over = 1;
    for (size_t i = 0; i <= NODES; i++)
        thread_join(&senders[i].thread);
    client_release(&client);
}

static double percentile_ms(size_t per_cent)
{
    static double values[SAMPLES_MAX];
    for (size_t i = 0; i < sample_count; i++)
        values[i] = (double)samples_us[i] / 1000;
    qsort(values, sample_count, sizeof(*values), by_value);
    return sample_count ? values[(sample_count - 1) * per_cent / 100] : 0;
}

/* The largest resident memory that any node ever had. */
static double rss_mb_max(void)
{
    double largest = 0;
    for (size_t i = 0; i < NODES; i++) {
        char path[64], line[256];
        snprintf(path, sizeof(path), "/proc/%d/status", (int)nodes[i].pid);
        FILE *file = fopen(path, "r");
        unsigned long kb;
        while (file && fgets(line, sizeof(line), file))
            if (sscanf(line, "VmHWM: %lu", &kb) == 1 && (double)kb / 1024 > largest)
                largest = (double)kb / 1024;
        if (file)
            fclose(file);
    }
    return largest;
}

static void clean(void)
{
    char command[FILE_PATH_SIZE + 16];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0)
        fail(command, NULL);
}

int main(void)
{
    const char *programs = getenv("OUT") ? getenv("OUT") : "build/release";
    struct arena arena;
    struct fault fault = {0};
    struct client client;
    struct answer *status;
    struct digest chain;
    arena_init(&arena, 1u << 30);
    snprintf(folder, sizeof(folder), "build/bench/ordering-network");
    clean();
    must(file_make_folder("build/bench", 0755, &fault), "folder", &fault);
    found(&arena);
    start(programs);
    await_nodes();
    must(client_init(&client, url_list, 1, &fault), "client", &fault);
    must(client_get(&client, &status, &fault, "/v1/status"), "status", &fault);
    CHECK(bytes_from_hex(chain.bytes, DIGEST_SIZE, answer_text(status, "chain")));
    answer_free(status);
    client_release(&client);
    sign_all(&arena, &chain);

    double rates[RUNS], verify_us = time_verify();
    measure(rates);
    double rss_mb = rss_mb_max(), rate = median(rates, RUNS);
    for (size_t i = 0; i < NODES; i++)
        process_end(&nodes[i], 5000);

    FILE *out = fopen("build/bench/ordering.json", "w");
    CHECK(out != NULL);
    fprintf(out,
            "{\"tx_per_s\":%.0f,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"efficiency\":%.3f,\"validators\":"
            "%d,\"cores\":%u,"
            "\"t_verify_us\":%.1f,\"rss_mb_max\":%.1f,\"tx_bytes\":%zu}\n",
            rate, percentile_ms(50), percentile_ms(99),
            rate * NODES * verify_us / 1e6 / thread_cores(), NODES, thread_cores(), verify_us,
            rss_mb, wallets[0].txs[0].size - 4);
    fclose(out);
    printf("ordering: %.0f transfers/s, %.0f %% of the time of %u cores that checking signatures "
           "alone would take\n",
           rate, 100 * rate * NODES * verify_us / 1e6 / thread_cores(), thread_cores());
    clean();
    arena_release(&arena);
    return 0;
}
