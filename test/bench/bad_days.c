/* Consensus on bad days: build/bench/consensus.json.
 *
 *     bad_days [VALIDATORS | failover]    with a number: goodput alone, with the word: the kills alone, to look at; nothing is written
 *
 *     failover_timeouts    from SIGKILL of the primary under load to the first new block that another node commits, in units of the
 *                          configured time-out: median and worst of FAILOVERS kills; the killed node comes back in between
 *     fault_free_per_s     transfers a second that SENDERS clients get through while all is well, BATCH under way each, with 4 validators
 *                          and with 7
 *     goodput              the same while f validators are dead, stopped (SIGSTOP, so that their connections stay open and fill) or
 *                          attackers (test/e2e/attacker.c), SETTLE_MS after that began (and after they were accused, if they can be),
 *                          as a share of the median of the fault-free windows between. Clients ask the others. Attackers take their share of this machine's processors
 *     flood_rss_mb, flood_bound_mb    of test/e2e/50-flood: one hostile validator and a hundred hostile clients
 *     sim_cluster_minutes_per_s       simulated minutes of four nodes in a second of one core (build/MODE/sim)
 *     restart_s                       of build/bench/restart.json */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/check.h"
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

#define NODES_MAX  7
#define FAILOVERS  20
#define SENDERS    8
#define BATCH      50 /* transfers of a sender that are under way */
#define TIMEOUT_MS 2000
#define WINDOW_MS  5000
#define SETTLE_MS  6000
#define TURNS_MS   60000

/* Equivocation is last: its seat is vacated for good. */
static const char *const troubles[] = {"dead",   "stopped", "silent", "withholds",
                                       "delays", "garbles", "forges", "equivocates"};
#define TROUBLES (sizeof(troubles) / sizeof(troubles[0]))

static size_t node_count;
static atomic_size_t asked; /* clients ask the first of them */
static struct process nodes[NODES_MAX];
static char urls[NODES_MAX][128];
static const char *programs;
static const char folder[] = "build/bench/consensus-network";
static atomic_bool over;
static atomic_uint done; /* transfers committed */

struct sender {
    struct sign_secret secret;
    struct sign_public public;
    uint64_t nonce;
    char id[DIGEST_TEXT_SIZE]; /* of the batch's last transfer */
};

static struct sender senders[SENDERS];
static struct digest chain;

_Noreturn static void fail(const char *what, const struct fault *fault)
{
    fprintf(stderr, "bad_days: %s: %s\n", what, fault ? fault->text : "");
    for (size_t i = 0; i < node_count; i++)
        process_signal(&nodes[i], SIGKILL);
    exit(1);
}

static void must(enum err err, const char *what, const struct fault *fault)
{
    if (err)
        fail(what, fault);
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail(command, NULL);
}

/* --- the network --- */

static void found(void)
{
    struct fault fault = {0};
    struct arena arena;
    static char names[SENDERS][16];
    arena_init(&arena, 64u << 20);
    struct founding *founding = arena_alloc(&arena, sizeof(*founding));
    CHECK(founding != NULL);
    founding->folder = folder;
    founding->name = "bench";
    founding->validators = (uint32_t)node_count;
    founding->log_level = "warn";
    founding->timeout_ms = TIMEOUT_MS;
    founding->parameters = parameters_default();
    founding->account_count = SENDERS;
    for (size_t i = 0; i < SENDERS; i++) {
        random_fill(&senders[i].secret, sizeof(senders[i].secret));
        CHECK(sign_public_of(&senders[i].public, &senders[i].secret));
        snprintf(names[i], sizeof(names[i]), "sender-%zu", i);
        founding->accounts[i] = (struct founding_account){.name = names[i],
                                                          .organisation = "bench",
                                                          .roles = MEMBERS_ROLE_CONSUMER,
                                                          .balance = units_amount(1000000000),
                                                          .public = &senders[i].public};
    }
    must(founding_make(&arena, founding, NULL, &fault), "founding a network", &fault);
    arena_release(&arena);
}

/* As an attacker when `attack` isn't NULL. */
static void start_node(size_t i, const char *attack)
{
    struct fault fault = {0};
    char program[FILE_PATH_SIZE], config[FILE_PATH_SIZE], log[FILE_PATH_SIZE];
    snprintf(program, sizeof(program), "%s/%s", programs, attack ? "attacker" : "tenured");
    if (attack)
        setenv("ATTACK", attack, 1);
    snprintf(config, sizeof(config), "%s/node-%zu/tenured.ini", folder, i);
    snprintf(log, sizeof(log), "%s/node-%zu/log", folder, i);
    const char *const argv[] = {program, "--config", config, NULL};
    must(process_start(&nodes[i], argv, log, PROCESS_TIED, &fault), "starting a node", &fault);
}

static void read_urls(void)
{
    char path[FILE_PATH_SIZE], name[64];
    snprintf(path, sizeof(path), "%s/nodes", folder);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    for (size_t i = 0; i < node_count; i++)
        CHECK(fscanf(file, "%63s %127s", name, urls[i]) == 2);
    fclose(file);
}

/* A number of a node's status; UINT64_MAX when it doesn't answer. */
static uint64_t status_of(size_t i, const char *member)
{
    struct fault fault = {0};
    struct client client;
    struct answer *root;
    const char *url = urls[i];
    uint64_t number = UINT64_MAX;
    must(client_init(&client, &url, 1, &fault), "client", &fault);
    client.patience_ms = 0;
    client.request_ms = 1000;
    if (!client_get(&client, &root, &fault, "/v1/status")) {
        number = answer_number(root, member);
        answer_free(root);
    }
    client_release(&client);
    return number;
}

static void read_chain(void)
{
    struct fault fault = {0};
    char path[FILE_PATH_SIZE];
    uint8_t *genesis;
    size_t size;
    snprintf(path, sizeof(path), "%s/genesis.bin", folder);
    must(file_read(&genesis, &size, path, 1u << 24, &fault), path, &fault);
    chain = digest_of(genesis, size);
    free(genesis);
}

static void await_height(size_t i, uint64_t height)
{
    for (uint64_t end_ms = clock_monotonic_ms() + 60000;; clock_sleep_ms(20)) {
        uint64_t now = status_of(i, "height");
        if (now != UINT64_MAX && now >= height)
            return;
        if (clock_monotonic_ms() > end_ms)
            fail("a node gets no further in 60 s", NULL);
    }
}

/* --- load: each sender has a batch of signed transfers under way, and gives it to the next node while it isn't committed --- */

/* BATCH framed transfers from the sender's next nonce on. */
static struct bytes make_batch(struct arena *arena, struct sender *sender)
{
    struct credits_transfer transfer = {.to = address_of(&senders[0].public),
                                        .amount = units_amount(1)};
    struct call call = {.contract = CATALOG_CREDITS,
                        .method = CREDITS_TRANSFER,
                        .args = record_bytes(arena, &credits_transfer_record, &transfer)};
    uint8_t *framed = arena_alloc(arena, BATCH * 1024);
    size_t size = 0;
    CHECK(framed != NULL);
    for (uint64_t i = 0; i < BATCH; i++) {
        struct tx tx;
        struct tx_body body = {.version = TX_VERSION,
                               .chain = chain,
                               .sender = sender->public,
                               .nonce = sender->nonce + i,
                               .last_height = 1000000,
                               .calls = &call,
                               .call_count = 1};
        CHECK(tx_make(arena, &tx, &body, &sender->secret));
        CHECK(tx.raw.size < 1020);
        bytes_put_u32(framed + size, (uint32_t)tx.raw.size);
        memcpy(framed + size + 4, tx.raw.data, tx.raw.size);
        size += 4 + tx.raw.size;
        digest_text(sender->id, &tx.id);
    }
    return bytes_of(framed, size);
}

static bool is_committed(struct client *client, const struct sender *sender)
{
    struct fault fault = {0};
    struct answer *root;
    if (client_get(client, &root, &fault, "/v1/transactions/%s?wait_ms=500", sender->id))
        return false;
    bool committed = !strcmp(answer_text(root, "status"), "committed");
    answer_free(root);
    return committed;
}

static void send_all(void *number)
{
    unsigned mine = (unsigned)(uintptr_t)number;
    struct sender *sender = &senders[mine];
    struct arena arena;
    arena_init(&arena, 4u << 20);
    while (!over) {
        arena_clear(&arena);
        struct bytes batch = make_batch(&arena, sender);
        bool committed = false;
        for (unsigned turn = mine; !committed && !over; turn++) {
            struct fault fault = {0};
            struct client_reply reply;
            struct client client;
            const char *url = urls[turn % asked];
            must(client_init(&client, &url, 1, &fault), "client", &fault);
            client.patience_ms = 0;
            client.request_ms = 2000;
            if (!client_call(&client, &reply, CLIENT_POST, "/v1/transactions", batch, 0, &fault))
                committed = is_committed(&client, sender) || is_committed(&client, sender);
            client_release(&client);
        }
        sender->nonce += committed ? BATCH : 0;
        done += committed ? BATCH : 0;
    }
    arena_release(&arena);
}

/* Transfers a second over a window; over one in which each validator has had its turn as primary, if that comes within TURNS_MS: one that
 * is no use costs a time-out then, and nothing in between. */
static double goodput(bool all_turns)
{
    unsigned before = done;
    uint64_t start_ms = clock_monotonic_ms(), view = status_of(0, "view");
    clock_sleep_ms(WINDOW_MS);
    while (all_turns && status_of(0, "view") < view + node_count &&
           clock_monotonic_ms() < start_ms + TURNS_MS)
        clock_sleep_ms(20);
    return 1000.0 * (done - before) / (double)(clock_monotonic_ms() - start_ms);
}

/* --- fail-over --- */

/* The primary, once all nodes say so: one that wants a view already names that one's. */
static uint64_t agreed_primary(void)
{
    for (;; clock_sleep_ms(20)) {
        const uint64_t primary = status_of(0, "primary");
        size_t same = 1;
        while (same < node_count && status_of(same, "primary") == primary)
            same++;
        if (primary < node_count && same == node_count)
            return primary;
    }
}

/* Kills the primary; until another node commits a block, in milliseconds. */
static uint64_t failover(void)
{
    const uint64_t primary = agreed_primary();
    size_t witness = (primary + 1) % node_count;
    uint64_t view = status_of(witness, "view"), height = 0, now = view;
    uint64_t killed_ms = clock_monotonic_ms();
    process_signal(&nodes[primary], SIGKILL);
    process_wait(&nodes[primary], 5000);
    /* What was under way may still be committed: a new block is one that the killed primary did not propose. */
    while (now == view || now == UINT64_MAX) {
        clock_sleep_ms(5);
        if ((now = status_of(witness, "view")) != view)
            height = status_of(witness, "height");
        if (clock_monotonic_ms() > killed_ms + 60000)
            fail("no fail-over in 60 s", NULL);
    }
    await_height(witness, height + 1);
    uint64_t took_ms = clock_monotonic_ms() - killed_ms;
    start_node(primary, NULL);
    await_height(primary, height + 1);
    clock_sleep_ms(1500);
    return took_ms;
}

static void fail_over(uint64_t took_ms[FAILOVERS])
{
    for (size_t i = 0; i < FAILOVERS; i++) {
        took_ms[i] = failover();
        fprintf(stderr, "bad_days: fail-over %zu of %d: %llu ms\n", i + 1, FAILOVERS,
                (unsigned long long)took_ms[i]);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* --- others' figures --- */

static double number_in(const char *path, const char *member)
{
    struct fault fault = {0};
    struct answer *root;
    uint8_t *data;
    size_t size;
    must(file_read(&data, &size, path, 65536, &fault), path, &fault);
    must(answer_parse(&root, bytes_of(data, size), &fault), path, &fault);
    double number = (double)answer_number(root, member);
    answer_free(root);
    free(data);
    return number;
}

static double restart_s(void)
{
    double seconds = 0;
    run("$OUT/bench/restart >&2");
    FILE *file = fopen("build/bench/restart.json", "r");
    CHECK(file != NULL && fscanf(file, "{\"restart_s\":%lf", &seconds) == 1);
    fclose(file);
    return seconds;
}

static double simulate(void)
{
    char command[FILE_PATH_SIZE], line[4096];
    double minutes = 0, seconds = 0;
    snprintf(command, sizeof(command), "%s/sim --from 1 --count 50 2>&1", programs);
    uint64_t start_ms = clock_monotonic_ms();
    FILE *out = popen(command, "r");
    CHECK(out != NULL);
    while (fgets(line, sizeof(line), out)) {
        const char *found = strstr(line, " cluster-minutes");
        while (found && found > line && found[-1] != ' ')
            found--;
        minutes = found ? strtod(found, NULL) : minutes;
    }
    if (pclose(out) != 0)
        fail("the simulator found a fault", NULL);
    seconds = (double)(clock_monotonic_ms() - start_ms) / 1000;
    return seconds > 0 ? minutes / seconds : 0;
}

/* --- troubles --- */

/* What is measured with some number of validators. */
struct days {
    double fault_free; /* median of the windows, transfers a second */
    double troubled[TROUBLES];
};

static int by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Has the seats vacated of all that node 0 can prove guilty. */
static void accuse(void)
{
    char command[1024];
    snprintf(command, sizeof(command),
             "for proof in %s/node-0/data/evidence/*; do TENURE_NODE=%s "
             "TENURE_PASSPHRASE=file:%s/passphrase %s/tenure "
             "validator accuse $proof --key %s/keys/operator.key >> %s/accuse.log 2>&1; done; "
             "grep -q . %s/accuse.log",
             folder, urls[0], folder, programs, folder, folder, folder);
    run(command);
    clock_sleep_ms(1500);
}

/* The last f nodes are in trouble. */
static void begin(const char *trouble)
{
    for (size_t i = asked; i < node_count; i++) {
        if (!strcmp(trouble, "stopped")) {
            process_signal(&nodes[i], SIGSTOP);
            continue;
        }
        process_signal(&nodes[i], SIGKILL);
        process_wait(&nodes[i], 5000);
        if (strcmp(trouble, "dead") != 0)
            start_node(i, trouble);
    }
    clock_sleep_ms(SETTLE_MS);
    if (!strcmp(trouble, "equivocates"))
        accuse();
}

static void end(const char *trouble)
{
    uint64_t height = status_of(0, "height");
    for (size_t i = asked; i < node_count; i++) {
        if (!strcmp(trouble, "stopped")) {
            process_signal(&nodes[i], SIGCONT);
        } else {
            process_signal(&nodes[i], SIGKILL);
            process_wait(&nodes[i], 5000);
            start_node(i, NULL);
        }
    }
    for (size_t i = asked; i < node_count; i++)
        await_height(i, height + 1);
    clock_sleep_ms(1500);
}

static void live_through(struct days *days)
{
    double free_of_faults[TROUBLES];
    asked = node_count - (node_count - 1) / 3;
    for (size_t i = 0; i < TROUBLES; i++) {
        free_of_faults[i] = goodput(false);
        begin(troubles[i]);
        days->troubled[i] = goodput(true);
        fprintf(stderr, "bad_days: %zu validators, %s: %.0f/s, fault-free %.0f/s\n", node_count,
                troubles[i], days->troubled[i], free_of_faults[i]);
        if (i + 1 < TROUBLES)
            end(troubles[i]);
    }
    qsort(free_of_faults, TROUBLES, sizeof(double), by_rate);
    days->fault_free = free_of_faults[TROUBLES / 2];
}

/* --- the run --- */

static void open_network(size_t count, struct thread threads[SENDERS])
{
    struct fault fault = {.text = "no memory"};
    node_count = count;
    asked = count;
    run("rm -rf build/bench/consensus-network && mkdir -p build/bench");
    found();
    read_urls();
    for (size_t i = 0; i < count; i++)
        start_node(i, NULL);
    for (size_t i = 0; i < count; i++)
        await_height(i, 1);
    read_chain();
    over = false;
    for (size_t i = 0; i < SENDERS; i++) {
        senders[i].nonce = 0;
        must(thread_start(&threads[i], "sender", send_all, (void *)(uintptr_t)i), "load", &fault);
    }
}

static void close_network(struct thread threads[SENDERS])
{
    over = true;
    for (size_t i = 0; i < SENDERS; i++)
        thread_join(&threads[i]);
    for (size_t i = 0; i < node_count; i++)
        process_signal(&nodes[i], SIGKILL);
    for (size_t i = 0; i < node_count; i++)
        process_wait(&nodes[i], 5000);
    run("rm -rf build/bench/consensus-network");
}

static void write_goodput(FILE *out, const struct days *days)
{
    for (size_t i = 0; i < TROUBLES; i++)
        fprintf(out, "%s\"%s\":%.2f", i ? "," : "{", troubles[i],
                days->troubled[i] / days->fault_free);
    fprintf(out, "}");
}

int main(int argc, char **argv)
{
    static const size_t counts[2] = {4, 7};
    struct thread threads[SENDERS] = {0};
    uint64_t took_ms[FAILOVERS];
    struct days days[2];
    if (!getenv("OUT"))
        setenv("OUT", "build/release", 1);
    programs = getenv("OUT");
    if (argc > 1 && !strcmp(argv[1], "failover")) {
        open_network(4, threads);
        fail_over(took_ms);
        close_network(threads);
        return 0;
    }
    if (argc > 1) {
        open_network(strtoul(argv[1], NULL, 10), threads);
        live_through(&days[0]);
        close_network(threads);
        return 0;
    }
    for (size_t n = 0; n < 2; n++) {
        open_network(counts[n], threads);
        if (n == 0)
            fail_over(took_ms);
        live_through(&days[n]);
        close_network(threads);
    }

    run("FLOOD_JSON=build/bench/consensus-flood.json test/e2e/50-flood >&2");
    double restart = restart_s(), minutes = simulate();
    qsort(took_ms, FAILOVERS, sizeof(took_ms[0]), by_value);
    FILE *out = fopen("build/bench/consensus.json", "w");
    CHECK(out != NULL);
    fprintf(out,
            "{\"failover_timeouts\":%.2f,\"failover_timeouts_max\":%.2f,\"timeout_ms\":%d,"
            "\"fault_free_per_s\":{\"4\":%.0f,\"7\":%.0f},\"goodput\":{\"4\":",
            (double)took_ms[FAILOVERS / 2] / TIMEOUT_MS,
            (double)took_ms[FAILOVERS - 1] / TIMEOUT_MS, TIMEOUT_MS, days[0].fault_free,
            days[1].fault_free);
    write_goodput(out, &days[0]);
    fprintf(out, ",\"7\":");
    write_goodput(out, &days[1]);
    /* The simulator's worlds differ from seed to seed, so its figure is that of the first 50. */
    fprintf(out,
            "},\"flood_rss_mb\":%.0f,\"flood_bound_mb\":%.0f,\"restart_s\":%.3f,"
            "\"sim_cluster_minutes_per_s\":%.1f}\n",
            number_in("build/bench/consensus-flood.json", "flood_rss_mb"),
            number_in("build/bench/consensus-flood.json", "flood_bound_mb"), restart, minutes);
    fclose(out);
    run("rm -f build/bench/consensus-flood.json; cat build/bench/consensus.json");
    return 0;
}
