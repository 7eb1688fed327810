#include "tools/tenured/driver.h"

#include <dlfcn.h>
#include <stdatomic.h>

#include "contracts/validator.h"
#include "test/unit/town.h"
#include "tools/tenured/node.h"

static struct node node;
static struct town town;
static struct fault fault;

/* --- what is watched: signatures, and syncs of the vote log --- */

static atomic_bool watching;
static atomic_uint syncs, signatures, unsynced;
static unsigned syncs_seen;       /* at the last signature */
static uint64_t generation_seen; /* the log's at the last signature */

int fdatasync(int descriptor)
{
    if (descriptor == node.votelog.wal.descriptor)
        syncs++;
    return fsync(descriptor);
}

/* base/sign.c finds this one before the library's (secp256k1.h, here without its types). */
int secp256k1_ecdsa_sign(const void *context, void *signature, const uint8_t *digest,
                         const uint8_t *secret, const void *nonce, const void *data);

int secp256k1_ecdsa_sign(const void *context, void *signature, const uint8_t *digest,
                         const uint8_t *secret, const void *nonce, const void *data)
{
    int (*real)(const void *, void *, const uint8_t *, const uint8_t *, const void *, const void *);
    if (watching) {
        bool written = node.votelog.wal.generation != generation_seen;
        signatures++;
        if (node.votelog.dirty || (written && syncs == syncs_seen))
            unsynced++;
        generation_seen = node.votelog.wal.generation;
        syncs_seen = syncs;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "secp256k1_ecdsa_sign");
    return real(context, signature, digest, secret, nonce, data);
}

/* --- a validator alone, whose executor is this test --- */

static void start_committee(void)
{
    node.signer.secret = town.secrets[0];
    node.signer.public = town.publics[0];
    node.signer.chain = town.chain_digest;
    ck_assert_int_eq(roster_make(&node.roster, &node, NULL, &fault), ERR_NONE);
    ck_assert_uint_eq(node.roster->seat.n, 0);
}

static void start(void)
{
    char path[128], key[128];
    town_init(&town);
    town_open(&town);
    memset(&node, 0, sizeof(node));
    pthread_mutex_init(&node.mutex, NULL);
    pthread_mutex_init(&node.roster_mutex, NULL);
    node.chain = town.chain;
    node.chain_digest = town.chain_digest;
    node.settings.timeout_ms = 60000;
    node.settings.timeout_max_ms = 60000;
    node.genesis.parameters = parameters_default();
    node.genesis.parameters.block_interval_max_ms = 50;
    start_committee();
    snprintf(path, sizeof(path), "%s/votes.log", town.path);
    snprintf(key, sizeof(key), "%s/key", town.path);
    ck_assert_int_eq(votelog_open(&node.votelog, path, key, &node.chain_digest,
                                  (struct height){0}, &fault),
                     ERR_NONE);
    ck_assert_int_eq(queue_init(&node.executor.jobs, EXECUTOR_JOBS, SIZE_MAX), ERR_NONE);
    ck_assert_int_eq(driver_init(&node.driver, &node, &fault), ERR_NONE);
    generation_seen = node.votelog.wal.generation;
    syncs_seen = syncs;
    watching = true;
    ck_assert_int_eq(driver_start(&node.driver, &fault), ERR_NONE);
}

static void end(void)
{
    driver_stop(&node.driver);
    watching = false;
    driver_release(&node.driver);
    executor_release(&node.executor);
    votelog_close(&node.votelog);
    roster_drop(node.roster);
    town_release(&town);
}

/* The next job of this kind; others are left out. */
static void *await(enum executor_kind kind)
{
    void *item;
    while (queue_pop(&node.executor.jobs, &item, 1, 10000) > 0) {
        struct executor_job *job = item;
        if (job->kind == kind)
            return job;
        parcel_drop(job->parcel);
        free(job->data);
        free(job);
    }
    ck_abort_msg("the driver doesn't go on");
}

START_TEST(nothing_is_signed_before_the_log_is_synced)
{
    start();
    struct executor_job *build = await(EXECUTOR_BUILD);
    struct chain_tip tip = town_build(&town, &build->digest, TOWN_START_MS + 100, NULL, 0);
    struct driver_event *built = driver_event_new(DRIVER_BUILT);
    built->ticket = build->ticket;
    built->since = build->since;
    built->parcel = parcel_new(tip.header_raw, tip.body_raw);
    driver_post_take(&node.driver, built);
    free(build);

    struct executor_job *commit = await(EXECUTOR_COMMIT);
    ck_assert(digest_equal(&commit->digest, &tip.digest));
    free(commit->data);
    free(commit);
    end();
    ck_assert_uint_ge(signatures, 2);
    ck_assert_uint_ge(syncs, 2);
    ck_assert_uint_eq(unsynced, 0);
}
END_TEST

HARNESS_MAIN("driver", nothing_is_signed_before_the_log_is_synced)
