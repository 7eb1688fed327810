#include "tools/demo/scene.h"

#include "tools/demo/cast.h"
#include "tools/sys/clock.h"
#include "tools/tenure/images.h"
#include "trainer/kernel.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* How long anything may take before the demo gives up on it. */
#define PATIENCE_MS 60000
#define LOOK_MS     150

/* Blocks that must be made while a validator is away, before it comes back. */
#define BLOCKS_AWAY 5

/* --- looking --- */

struct answer *scene_status(struct stage *stage, uint32_t node)
{
    const char *url = stage->urls[node];
    struct answer *root = NULL;
    struct client client;
    struct fault fault;
    enum err err = client_init(&client, &url, 1, &fault);

    client.patience_ms = 0;
    if (!err && client_get(&client, &root, &fault, "/v1/status"))
        root = NULL;
    client_release(&client);
    return root;
}

static uint64_t height_of(struct stage *stage, uint32_t node)
{
    struct answer *status = scene_status(stage, node);
    uint64_t height = answer_number(status, "height");

    answer_free(status);
    return height;
}

bool scene_wait(struct stage *stage, const char *what,
                bool (*done)(struct stage *stage, const struct job_view *view, uint64_t n),
                uint64_t n, uint64_t timeout_ms)
{
    uint64_t until_ms = clock_monotonic_ms() + timeout_ms;
    struct job_view view = {0};

    stage->desk.client.patience_ms = PATIENCE_MS;
    for (;;) {
        enum err err = job_view_glance(&stage->desk, &view, 1);
        if (!err && done(stage, &view, n))
            return true;
        if (err && err != ERR_NOT_FOUND)
            fprintf(stderr, "demo: %s\n", stage->cli.fault.text);
        if (!err && view.progress.status == JOBS_ENDED)
            return stage_check(stage, false, what, "the job ended too early: %s",
                               leases_reason_name(view.progress.reason));
        if (clock_monotonic_ms() > until_ms)
            return stage_check(stage, false, what, "not after %" PRIu64 " s; round %u",
                               timeout_ms / 1000, view.progress.round);
        clock_sleep_ms(LOOK_MS);
    }
}

/* --- the network --- */

static bool found_chain(struct stage *stage)
{
    const char *argv[40] = {"tenure",       "net", "init",   "--dir", stage_path(stage, "net"),
                            "--validators", "4",   "--port", "0",     "--name",
                            "tenure-demo"};
    uint32_t count = 11;

    for (uint32_t i = 0; i < CAST_PROVIDERS; i++) {
        argv[count++] = "--account";
        argv[count++] = cli_format(&stage->cli, "%s:provider:%s:%d", cast_providers[i].name,
                                   cast_providers[i].organisation, CAST_PROVIDER_BALANCE);
    }
    argv[count++] = "--account";
    argv[count++] = "dara:provider:storage-house:100000";
    argv[count++] = "--account";
    argv[count++] = "elio:provider:line-company:100000";
    argv[count++] = "--account";
    argv[count++] = "fina:provider:data-house:100000";
    argv[count++] = "--account";
    argv[count++] = cli_format(&stage->cli, "uma:consumer:university:%d", CAST_CONSUMER_BALANCE);
    stage_say(stage, "founding a chain of four validators: keys, certificates, genesis");
    return stage_run(stage, argv) != NULL && stage_connect(stage);
}

static const char *const *node_arguments(struct stage *stage, uint32_t node)
{
    const char **argv = arena_array(&stage->cli.arena, 4, sizeof(*argv));

    argv[0] = "tenured";
    argv[1] = "--config";
    argv[2] = stage_path(stage, "net/node-%u/tenured.ini", node);
    return argv;
}

static bool start_nodes(struct stage *stage)
{
    uint32_t answering = 0;
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    for (uint32_t i = 0; i < STAGE_NODES; i++)
        if (!stage_start(stage, cli_format(&stage->cli, "node-%u", i), node_arguments(stage, i)))
            return false;
    while (answering < STAGE_NODES && clock_monotonic_ms() < until_ms) {
        struct answer *status = scene_status(stage, answering);
        answering += status != NULL;
        answer_free(status);
        if (!status)
            clock_sleep_ms(LOOK_MS);
    }
    return stage_check(stage, answering == STAGE_NODES,
                       "four validators answer, connected by mutual TLS", "%u of %d", answering,
                       STAGE_NODES);
}

/* An agent's command line: its key, and all nodes, beginning with another one for each agent. */
static void agent_arguments(struct stage *stage, const char *argv[24], const char *verb,
                            const char *name, uint32_t first)
{
    uint32_t count = 0;

    argv[count++] = "tenure";
    argv[count++] = verb;
    argv[count++] = "--key";
    argv[count++] = stage_path(stage, "net/keys/%s.key", name);
    argv[count++] = "--passphrase";
    argv[count++] = cli_format(&stage->cli, "file:%s", stage_path(stage, "net/passphrase"));
    for (uint32_t i = 0; i < STAGE_NODES; i++) {
        argv[count++] = "--node";
        argv[count++] = stage->urls[(first + i) % STAGE_NODES];
    }
    while (count < 24)
        argv[count++] = NULL;
}

#define AGENT_ARGUMENTS 14

static bool start_replayers(struct stage *stage)
{
    for (uint32_t i = 0; i < STAGE_NODES; i++) {
        const char *name = cli_format(&stage->cli, "replayer-%u", i), *argv[24];
        agent_arguments(stage, argv, "replay", name, i);
        argv[AGENT_ARGUMENTS] = "--beacon";
        argv[AGENT_ARGUMENTS + 1] = stage_path(stage, "net/keys/%s.beacon", name);
        if (!stage_start(stage, name, argv))
            return false;
    }
    return true;
}

bool scene_network(struct stage *stage)
{
    return found_chain(stage) && start_nodes(stage) && start_replayers(stage);
}

/* --- the market --- */

/* Runs `tenure` as somebody: the arguments, then key and nodes. */
static struct answer *act_as(struct stage *stage, const char *name, const char *const words[])
{
    const char *argv[64], *agent[24];
    uint32_t count = 0;

    agent_arguments(stage, agent, "", name, 0);
    argv[count++] = "tenure";
    while (*words)
        argv[count++] = *words++;
    for (uint32_t i = 2; i < AGENT_ARGUMENTS; i++)
        argv[count++] = agent[i];
    argv[count++] = "--json";
    argv[count] = NULL;
    return stage_ask(stage, argv);
}

static bool offer(struct stage *stage, const char *name, const char *const words[])
{
    struct answer *answer = act_as(stage, name, words);
    bool done = answer != NULL;

    answer_free(answer);
    return done;
}

static bool offer_compute(struct stage *stage, const struct cast_provider *provider,
                          const char *price)
{
    const char *const words[] = {
        "offer",    "compute",        "--price", price,          "--site", provider->organisation,
        "--device", provider->device, "--rate",  provider->rate, NULL};

    return offer(stage, provider->name, words);
}

/* The root of the training images, which fina offers and the job names. */
static const char *data_root(struct stage *stage)
{
    struct images images;
    char text[DIGEST_TEXT_SIZE];

    if (images_load(&images, IMAGES_FOLDER, "train", &stage->cli.fault)) {
        fprintf(stderr, "demo: %s\n", stage->cli.fault.text);
        return "";
    }
    digest_text(text, &images.data.root);
    images_release(&images);
    return cli_format(&stage->cli, "%s", text);
}

static bool list_offers(struct stage *stage)
{
    const char *const storage[] = {"offer", "storage",    "--price", "3", "--site",
                                   "fra1",  "--capacity", "2000",    NULL};
    const char *const line[] = {"offer",     "connection", "--price", "10",          "--site",
                                "lab-a",     "--to",       "lab-c",   "--bandwidth", "10M",
                                "--latency", "7000",       NULL};
    const char *const data[] = {"offer",     "data",   "--price",        "500",     "--site",
                                "fra1",      "--root", data_root(stage), "--bytes", "47040016",
                                "--samples", "60000",  "--licence",      "MIT",     NULL};
    struct answer *answer = NULL;
    uint32_t count = 0;
    bool ok = true;

    for (uint32_t i = 0; i < CAST_PROVIDERS && ok; i++)
        ok = offer_compute(stage, &cast_providers[i], cast_providers[i].price);
    /* A second machine of the last one's, dearer: it is leased when another is lost. */
    ok = ok && offer_compute(stage, &cast_providers[CAST_PROVIDERS - 1], "150");
    ok = ok && offer(stage, "dara", storage) && offer(stage, "elio", line) &&
         offer(stage, "fina", data);
    if (ok && !desk_get(&stage->desk, &answer, "/v1/offers"))
        count = answer_count(answer, "offers");
    answer_free(answer);
    return stage_check(stage, ok && count == 7,
                       "offers of compute, storage, connection and data are listed", "%u of 7",
                       count);
}

static bool start_workers(struct stage *stage)
{
    for (uint32_t i = 0; i < CAST_PROVIDERS; i++) {
        const struct cast_provider *provider = &cast_providers[i];
        const char *argv[24];
        enum kernel_kind kind;
        uint32_t count = AGENT_ARGUMENTS;
        agent_arguments(stage, argv, "work", provider->name, i);
        if (provider->kernel && kernel_parse(&kind, provider->kernel) &&
            kernel_is_supported(kind)) {
            argv[count++] = "--kernel";
            argv[count++] = provider->kernel;
        }
        if (provider->drill) {
            argv[count++] = "--drill";
            argv[count++] = provider->drill;
        }
        if (!stage_start(stage, provider->name, argv))
            return false;
    }
    return true;
}

static bool is_leased(struct stage *stage, const struct job_view *view, uint64_t n)
{
    (void)stage, (void)n;
    return view->progress.status >= JOBS_RUNNING;
}

static bool submit(struct stage *stage)
{
    const char *const plan[] = {"job", "plan", "--audit", "all", NULL};
    const char *const words[] = {"job",         "submit", "--name",     "fashion-mnist",
                                 "--seed",      "7",      "--audit",    "all",
                                 "--price-max", "1000",   "--stake",    "5000",
                                 "--segment-s", "60",     "--replay-s", "60",
                                 "--round-s",   "300",    NULL};
    struct answer *planned = act_as(stage, "uma", plan), *submitted = NULL;
    bool ok = planned != NULL;

    if (ok)
        stage_say(stage,
                  "uma plans a job: %" PRIu64 " parameters, %" PRIu64 " segments, %" PRIu64
                  " replayers each, budget %s",
                  answer_number(planned, "parameters"), answer_number(planned, "segments"),
                  answer_number(planned, "auditors"), answer_text(planned, "budget"));
    ok = ok && (submitted = act_as(stage, "uma", words));
    answer_free(planned);
    answer_free(submitted);
    if (!ok || !scene_wait(stage, "job 1 gets its machines", is_leased, 0, PATIENCE_MS))
        return false;
    return stage_check(stage, true, "one lease spans the three cheapest machines", "job 1 runs");
}

bool scene_market(struct stage *stage)
{
    return list_offers(stage) && start_workers(stage) && submit(stage);
}

/* --- rounds --- */

static bool is_closed(struct stage *stage, const struct job_view *view, uint64_t n)
{
    (void)stage;
    return view->progress.round >= n;
}

bool scene_round(struct stage *stage, uint32_t round)
{
    if (!scene_wait(stage, "the round is trained, replayed and closed", is_closed, round,
                    PATIENCE_MS))
        return false;
    stage_say(stage,
              "round %u is closed: all its segments were replayed and found equal, and are paid",
              round);
    return true;
}

static bool is_ended(struct stage *stage, const struct job_view *view, uint64_t n)
{
    (void)stage, (void)n;
    return view->progress.status == JOBS_ENDED && view->progress.reason == LEASES_COMPLETED;
}

bool scene_end(struct stage *stage)
{
    if (!scene_wait(stage, "the job completes", is_ended, 0, PATIENCE_MS))
        return false;
    return stage_check(stage, true, "all rounds are trained and the job is completed", "%d rounds",
                       CAST_ROUNDS);
}

/* --- bad days --- */

/* Until node `node` is at `height` or above. */
static bool wait_height(struct stage *stage, uint32_t node, uint64_t height)
{
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    while (height_of(stage, node) < height) {
        if (clock_monotonic_ms() > until_ms)
            return false;
        clock_sleep_ms(LOOK_MS);
    }
    return true;
}

const char *scene_root_at(struct stage *stage, uint32_t node, uint64_t height)
{
    const char *url = stage->urls[node], *text = "";
    struct answer *root = NULL;
    struct client client;
    struct fault fault;

    if (!client_init(&client, &url, 1, &fault) &&
        !client_get(&client, &root, &fault, "/v1/blocks/%" PRIu64, height)) {
        text = cli_format(&stage->cli, "%s", answer_text(root, "state_root"));
        answer_free(root);
    }
    client_release(&client);
    return text;
}

static bool is_running(struct stage *stage)
{
    struct job_view view;

    return !job_view_glance(&stage->desk, &view, 1) && view.progress.status != JOBS_ENDED;
}

bool scene_kill(struct stage *stage)
{
    struct process *victim = &stage_child(stage, "node-3")->process;
    uint64_t height = height_of(stage, 0);
    const char *theirs, *own;
    bool ok = is_running(stage);

    ok = process_signal(victim, SIGKILL) && ok && process_wait(victim, PATIENCE_MS);
    stage_say(stage, "node-3 is killed at height %" PRIu64, height);
    ok = ok && wait_height(stage, 0, height + BLOCKS_AWAY);
    if (!stage_check(stage, ok, "three of four validators go on",
                     "height %" PRIu64 " grew to %" PRIu64, height, height_of(stage, 0)))
        return false;
    height = height_of(stage, 0);
    if (!stage_restart(stage, "node-3", node_arguments(stage, 3)) || !wait_height(stage, 3, height))
        return stage_check(stage, false, "node-3 starts again and catches up",
                           "height %" PRIu64 " of %" PRIu64, height_of(stage, 3), height);
    theirs = scene_root_at(stage, 0, height);
    own = scene_root_at(stage, 3, height);
    return stage_check(stage, theirs[0] && !strcmp(theirs, own),
                       "node-3 starts again and catches up to the same state root",
                       "at height %" PRIu64 " %.16s.. and %.16s..", height, own, theirs);
}

bool scene_stop_primary(struct stage *stage)
{
    struct answer *status = scene_status(stage, 1);
    uint64_t view = answer_number(status, "view"), height = answer_number(status, "height");
    uint32_t primary = (uint32_t)answer_number(status, "primary"),
             other = (primary + 1) % STAGE_NODES;
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS, now = view;
    struct process *process =
        &stage_child(stage, cli_format(&stage->cli, "node-%u", primary % STAGE_NODES))->process;
    bool ok = status != NULL && is_running(stage) && process_signal(process, SIGSTOP);

    answer_free(status);
    stage_say(stage, "node-%u is the primary of view %" PRIu64 "; it is stopped at height %" PRIu64,
              primary, view, height);
    while (ok && now <= view && clock_monotonic_ms() < until_ms) {
        clock_sleep_ms(LOOK_MS);
        status = scene_status(stage, other);
        now = answer_number(status, "view");
        answer_free(status);
    }
    ok = ok && now > view && wait_height(stage, other, height + BLOCKS_AWAY);
    if (!stage_check(stage, ok, "the view changes and work goes on without the primary",
                     "view %" PRIu64 " became %" PRIu64 ", height %" PRIu64 " became %" PRIu64,
                     view, now, height, height_of(stage, other)))
        return false;
    height = height_of(stage, other);
    ok = process_signal(process, SIGCONT) && wait_height(stage, primary, height);
    return stage_check(stage, ok, "the old primary goes on and follows",
                       "height %" PRIu64 " of %" PRIu64, height_of(stage, primary), height);
}
