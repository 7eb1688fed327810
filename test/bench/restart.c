/* How long a validator takes until it answers again with a long chain in its store: build/bench/restart.json.
 *
 *     restart [BLOCKS]      100,000 unless told otherwise
 *
 * A network of one validator is founded. Its chain is made by the ledger's own code, one signed transfer and one certificate of its key a
 * block, on a disk in memory where there is one (so that nobody waits for 100,000 syncs), and put into the data folder. Then tenured is
 * started and stopped in turn, by SIGTERM and by SIGKILL: from exec until /health says 200, median of the runs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/credits.h"
#include "contracts/members.h"
#include "consensus/ballot.h"
#include "consensus/message.h"
#include "ledger/chain.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/sys/keyfile.h"
#include "tools/sys/process.h"
#include "tools/tenure/answer.h"
#include "tools/tenure/client.h"
#include "tools/tenure/founding.h"

#define BLOCKS 100000
#define RUNS   10 /* every other one after a SIGKILL */

static const char folder[] = "build/bench/restart-network";
static const char chain_folder[] = "build/bench/restart-network/node-0/data/chain";

struct maker {
    struct chain *chain;
    struct sign_secret validator, alice;
    struct sign_public alice_public;
    struct address bob;
    uint64_t nonce;
};

static void must(enum err err, const char *what, const struct fault *fault)
{
    if (!err)
        return;
    fprintf(stderr, "restart: %s: %s\n", what, fault->text);
    exit(1);
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[1024];
    snprintf(command, sizeof(command), format, a, b);
    CHECK(system(command) == 0);
}

static void found(void)
{
    struct fault fault = {0};
    struct arena arena;
    arena_init(&arena, 64u << 20);
    struct founding *founding = arena_alloc(&arena, sizeof(*founding));
    CHECK(founding != NULL);
    founding->folder = folder;
    founding->name = "bench";
    founding->validators = 1;
    founding->log_level = "warn";
    founding->parameters = parameters_default();
    founding->parameters.block_interval_max_ms = 60000;
    founding->accounts[0] = (struct founding_account){.name = "alice",
                                                      .roles = MEMBERS_ROLE_CONSUMER,
                                                      .organisation = "lab-a",
                                                      .balance = units_amount(1000000000)};
    founding->accounts[1] = (struct founding_account){
        .name = "bob", .roles = MEMBERS_ROLE_CONSUMER, .organisation = "lab-b"};
    founding->account_count = 2;
    must(founding_make(&arena, founding, NULL, &fault), "founding a network", &fault);
    arena_release(&arena);
}

/* --- the node --- */

static void start(struct process *node, char url[128])
{
    struct fault fault = {0};
    char program[FILE_PATH_SIZE], config[FILE_PATH_SIZE], log[FILE_PATH_SIZE], path[FILE_PATH_SIZE];
    const char *programs = getenv("OUT") ? getenv("OUT") : "build/release";
    snprintf(program, sizeof(program), "%s/tenured", programs);
    snprintf(config, sizeof(config), "%s/node-0/tenured.ini", folder);
    snprintf(log, sizeof(log), "%s/node-0/log", folder);
    must(file_join(path, folder, "nodes", &fault), "nodes", &fault);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL && fscanf(file, "%*s %127s", url) == 1);
    fclose(file);
    const char *const argv[] = {program, "--config", config, NULL};
    must(process_start(node, argv, log, PROCESS_TIED, &fault), "starting the node", &fault);
}

/* Waits until it is ready; its height. */
static uint64_t ready(const char *url)
{
    struct fault fault = {0};
    struct client client;
    struct answer *root;
    must(client_init(&client, &url, 1, &fault), "client", &fault);
    client.patience_ms = 0;
    uint64_t end_ms = clock_monotonic_ms() + 60000;
    while (client_get(&client, &root, &fault, "/health")) {
        if (clock_monotonic_ms() > end_ms)
            must(ERR_BUSY, "the node isn't ready after 60 s", &fault);
        clock_sleep_ms(2);
    }
    uint64_t height = answer_number(root, "height");
    answer_free(root);
    client_release(&client);
    return height;
}

/* --- the chain --- */

static void open_key(struct sign_secret *secret, struct sign_public *public, const char *name)
{
    struct fault fault = {0};
    char path[FILE_PATH_SIZE], source[FILE_PATH_SIZE];
    struct keyfile_passphrase passphrase;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(source, sizeof(source), "file:%s/passphrase", folder);
    must(keyfile_passphrase_read(&passphrase, source, path, false, &fault), "passphrase", &fault);
    must(keyfile_open(secret, public, path, &passphrase, &fault), path, &fault);
}

static struct bytes certify(struct arena *arena, const struct maker *maker,
                            const struct chain_tip *tip)
{
    struct ballot ballot = {
        .set = tip->header.set_digest, .height = {tip->header.height}, .digest = tip->digest};
    uint8_t body[BOUNDS_BALLOT_BYTES];
    size_t size = ballot_pack(body, &ballot);
    struct digest digest =
        sign_digest(message_domain(MESSAGE_COMMIT), &tip->header.chain, bytes_of(body, size));
    struct sign_signature signature = sign_make(&maker->validator, &digest);
    struct certificate certificate = {ballot, 1,
                                      bytes_of(signature.bytes, sizeof(signature.bytes))};
    return record_bytes(arena, &ballot_certificate_record, &certificate);
}

static void make_block(struct arena *arena, struct maker *maker)
{
    struct fault fault = {0};
    struct chain_tip head = *chain_head(maker->chain), tip;
    struct credits_transfer transfer = {.to = maker->bob, .amount = units_amount(1)};
    struct call call = {CATALOG_CREDITS, CREDITS_TRANSFER,
                        record_bytes(arena, &credits_transfer_record, &transfer)};
    struct tx_body body = {.version = TX_VERSION,
                           .chain = chain_genesis(maker->chain),
                           .sender = maker->alice_public,
                           .nonce = maker->nonce++,
                           .last_height = head.header.height + 10,
                           .calls = &call,
                           .call_count = 1};
    struct tx tx;
    CHECK(tx_make(arena, &tx, &body, &maker->alice));
    struct chain_proposal proposal = {
        .parent = head.digest,
        .time_ms = head.header.time_ms + 1,
        .candidates = &tx.raw,
        .candidate_count = 1,
        .count_max = 1,
        .bytes_max = LIMIT_BLOCK_BYTES,
    };
    must(chain_build(maker->chain, &tip, &proposal, &fault), "a block", &fault);
    struct bytes certificate = certify(arena, maker, &tip);
    CHECK(certificate.data != NULL);
    must(chain_commit(maker->chain, NULL, 0, &tip.digest, certificate, &fault), "a block", &fault);
}

/* Makes blocks up to `height` in the chain at `path`. */
static void make_chain(const char *path, uint64_t height)
{
    struct fault fault = {0};
    struct maker maker = {0};
    struct sign_public public, bob;
    struct sign_secret other;
    uint8_t *genesis;
    size_t size;
    enum tx_verdict verdict;
    char name[FILE_PATH_SIZE];
    open_key(&maker.validator, &public, "node-0/validator.key");
    open_key(&maker.alice, &maker.alice_public, "keys/alice.key");
    open_key(&other, &bob, "keys/bob.key");
    maker.bob = address_of(&bob);
    must(file_join(name, folder, "genesis.bin", &fault), "genesis", &fault);
    must(file_read(&genesis, &size, name, 64u << 20, &fault), "genesis", &fault);
    must(chain_open(&maker.chain, path, bytes_of(genesis, size), &fault), "the chain", &fault);
    free(genesis);
    must(chain_sender(maker.chain, &chain_head(maker.chain)->digest, &maker.alice_public, &verdict,
                      &maker.nonce),
         "alice", &fault);
    struct arena arena;
    arena_init(&arena, 1u << 20);
    while (chain_head(maker.chain)->header.height < height) {
        arena_clear(&arena);
        make_block(&arena, &maker);
        if (maker.nonce % 10000 == 0)
            fprintf(stderr, "restart: %llu blocks\n", (unsigned long long)maker.nonce);
    }
    arena_release(&arena);
    chain_close(maker.chain);
}

static void fill(uint64_t blocks)
{
    char memory[] = "/dev/shm/tenure-restart-XXXXXX";
    bool is_fast = mkdtemp(memory) != NULL;
    if (is_fast)
        shell("cp -a '%s/.' '%s'", chain_folder, memory);
    make_chain(is_fast ? memory : chain_folder, blocks);
    if (is_fast)
        shell("cp -a '%s/.' '%s'", memory, chain_folder);
    if (is_fast)
        shell("rm -rf '%s'%s", memory, "");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    uint64_t blocks = argc > 1 ? strtoull(argv[1], NULL, 10) : BLOCKS;
    struct fault fault = {0};
    struct process node;
    char url[128];
    double runs[RUNS];
    must(file_make_folder("build/bench", 0755, &fault), "folder", &fault);
    shell("rm -rf '%s'%s", folder, "");
    found();
    start(&node, url); /* makes the data folder, with its log of votes */
    ready(url);
    process_end(&node, 5000);
    fill(blocks);
    for (int i = 0; i < RUNS; i++) {
        uint64_t began_us = clock_monotonic_us();
        start(&node, url);
        CHECK(ready(url) >= blocks);
        runs[i] = (double)(clock_monotonic_us() - began_us) / 1e6;
        fprintf(stderr, "restart: run %d of %d: %.3f s\n", i + 1, RUNS, runs[i]);
        clock_sleep_ms(500);
        if (i % 2)
            process_signal(&node, SIGKILL);
        process_end(&node, 10000);
    }
    qsort(runs, RUNS, sizeof(runs[0]), by_value);
    FILE *out = fopen("build/bench/restart.json", "w");
    CHECK(out != NULL);
    fprintf(out, "{\"restart_s\":%.3f,\"restart_max_s\":%.3f,\"blocks\":%llu,\"runs\":%d}\n",
            runs[RUNS / 2], runs[RUNS - 1], (unsigned long long)blocks, RUNS);
    fclose(out);
    printf("restart: ready after %.3f s with %llu blocks\n", runs[RUNS / 2],
           (unsigned long long)blocks);
    shell("rm -rf '%s'%s", folder, "");
    return 0;
}
