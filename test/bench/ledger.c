/* What a transaction costs a node besides its signature: blocks of 500 transfers are built, executed on a second chain and committed, each
 * step timed apart. Writes build/bench/ledger.json:
 *
 *     [{"accounts": 100, "block_txs": 500, "build_us": ..., "execute_us": ..., "commit_us": ..., "one_tx_block_us": ...}, ...]
 *
 * build_us, execute_us and commit_us (with its one synced write) are medians a transaction; one_tx_block_us is a block of one transaction, executed
 * and committed: what is the same for every block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/credits.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "ledger/chain.h"

#define OUTPUT    "build/bench/ledger.json"
#define BLOCKS    25
#define BLOCK_TXS 500

struct node {
    char path[64];
    struct chain *chain;
};

struct bench {
    struct arena arena;
    uint32_t accounts;
    struct sign_secret *secrets;
    struct sign_public *publics;
    uint64_t *nonces;
    struct bytes genesis;
    struct digest chain_digest;
    struct node proposer, replica;
    uint32_t turn; /* counts transactions, to spread senders and receivers */
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, size_t count)
{
    qsort(list, count, sizeof(*list), by_size);
    return list[count / 2];
}

static void must(enum err err, const struct fault *fault)
{
    if (!err)
        return;
    fprintf(stderr, "ledger: %s\n", fault->text);
    exit(1);
}

static void people(struct bench *bench, uint32_t accounts)
{
    arena_init(&bench->arena, (size_t)4 << 30);
    bench->accounts = accounts;
    bench->secrets = arena_array(&bench->arena, accounts, sizeof(*bench->secrets));
    bench->publics = arena_array(&bench->arena, accounts, sizeof(*bench->publics));
    bench->nonces = arena_array(&bench->arena, accounts, sizeof(*bench->nonces));
    struct genesis_account *list = arena_array(&bench->arena, accounts, sizeof(*list));
    CHECK(bench->secrets && bench->publics && bench->nonces && list);
    for (uint32_t i = 0; i < accounts; i++) {
        bytes_put_u32(bench->secrets[i].bytes, i + 1);
        CHECK(sign_public_of(&bench->publics[i], &bench->secrets[i]));
        list[i] = (struct genesis_account){
            .public_key = bench->publics[i],
            .roles = i ? MEMBERS_ROLE_CONSUMER : MEMBERS_ROLE_OPERATOR | MEMBERS_ROLE_REPLAYER,
            .balance = units_amount(1000000),
        };
    }
    struct genesis_validator validator = {.name = bytes_text("one"),
                                          .public_key = bench->publics[0],
                                          .replayer = address_of(&bench->publics[0])};
    struct genesis genesis = {
        .version = GENESIS_VERSION,
        .name = bytes_text("bench"),
        .time_ms = 1,
        .parameters = parameters_default(),
        .validators = &validator,
        .validator_count = 1,
        .accounts = list,
        .account_count = accounts,
    };
    bench->genesis = record_bytes(&bench->arena, &genesis_record, &genesis);
    bench->chain_digest = digest_of(bench->genesis.data, bench->genesis.size);
}

static void node_open(struct bench *bench, struct node *node)
{
    struct fault fault = {0};
    strcpy(node->path, "build/bench/ledger-XXXXXX");
    CHECK(mkdtemp(node->path));
    must(chain_open(&node->chain, node->path, bench->genesis, &fault), &fault);
}

static void node_close(struct node *node)
{
    chain_close(node->chain);
    char command[96];
    snprintf(command, sizeof(command), "rm -rf '%s'", node->path);
    CHECK(system(command) == 0);
}

static struct bytes transfer(struct bench *bench)
{
    uint32_t from = bench->turn % bench->accounts;
    uint32_t to = (uint32_t)((bench->turn * 7919ull + 13) % bench->accounts);
    bench->turn++;
    if (to == from)
        to = (to + 1) % bench->accounts;
    struct credits_transfer args = {.to = address_of(&bench->publics[to]),
                                    .amount = units_amount(1)};
    struct call call = {CATALOG_CREDITS, CREDITS_TRANSFER,
                        record_bytes(&bench->arena, &credits_transfer_record, &args)};
    struct tx_body body = {
        .version = TX_VERSION,
        .chain = bench->chain_digest,
        .sender = bench->publics[from],
        .nonce = bench->nonces[from]++,
        .last_height = 1000000,
        .calls = &call,
        .call_count = 1,
    };
    struct tx tx;
    CHECK(tx_make(&bench->arena, &tx, &body, &bench->secrets[from]));
    return tx.raw;
}

/* One block of `count` transfers through both chains; microseconds of the three steps. */
static void block(struct bench *bench, size_t count, double *build, double *execute, double *commit)
{
    struct bytes txs[BLOCK_TXS];
    struct fault fault = {0};
    for (size_t i = 0; i < count; i++)
        txs[i] = transfer(bench);
    const struct chain_tip *head = chain_head(bench->proposer.chain);
    struct chain_proposal proposal = {
        .parent = head->digest,
        .time_ms = head->header.time_ms + 1,
        .candidates = txs,
        .candidate_count = count,
        .count_max = BLOCK_TXS,
        .bytes_max = LIMIT_BLOCK_BYTES,
    };
    struct chain_tip tip;
    double start = now_us();
    must(chain_build(bench->proposer.chain, &tip, &proposal, &fault), &fault);
    *build = now_us() - start;
    CHECK(tip.body_raw.size > count * 100); /* none was left out */
    start = now_us();
    must(chain_execute(bench->replica.chain, tip.header_raw, tip.body_raw, &fault), &fault);
    *execute = now_us() - start;
    struct digest digest = tip.digest;
    start = now_us();
    must(chain_commit(bench->replica.chain, NULL, 0, &digest, bytes_text("certificate"), &fault),
         &fault);
    *commit = now_us() - start;
    must(chain_commit(bench->proposer.chain, NULL, 0, &digest, bytes_text("certificate"), &fault),
         &fault);
}

static void measure(FILE *out, uint32_t accounts, bool last)
{
    struct bench bench = {0};
    double build[BLOCKS], execute[BLOCKS], commit[BLOCKS], one[BLOCKS], other;
    people(&bench, accounts);
    node_open(&bench, &bench.proposer);
    node_open(&bench, &bench.replica);
    for (int i = 0; i < BLOCKS; i++) {
        block(&bench, BLOCK_TXS, &build[i], &execute[i], &commit[i]);
        build[i] /= BLOCK_TXS;
        execute[i] /= BLOCK_TXS;
        commit[i] /= BLOCK_TXS;
    }
    for (int i = 0; i < BLOCKS; i++) {
        block(&bench, 1, &other, &one[i], &other);
        one[i] += other;
    }
    char line[256];
    snprintf(line, sizeof(line),
             "{\"accounts\": %u, \"block_txs\": %d, \"build_us\": %.2f, \"execute_us\": %.2f, "
             "\"commit_us\": %.2f, "
             "\"one_tx_block_us\": %.1f}",
             accounts, BLOCK_TXS, median(build, BLOCKS), median(execute, BLOCKS),
             median(commit, BLOCKS), median(one, BLOCKS));
    printf("ledger %s\n", line);
    fprintf(out, " %s%s\n", line, last ? "" : ",");
    node_close(&bench.proposer);
    node_close(&bench.replica);
    arena_release(&bench.arena);
}

int main(void)
{
    mkdir("build", 0755);
    mkdir("build/bench", 0755);
    FILE *out = fopen(OUTPUT, "w");
    if (!out) {
        perror(OUTPUT);
        return 1;
    }
    fprintf(out, "[\n");
    measure(out, 100, false);
    measure(out, 10000, true);
    fprintf(out, "]\n");
    return fclose(out) ? 1 : 0;
}
