#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "contracts/leases.h"
#include "contracts/path.h"
#include "tools/sys/clock.h"
#include "tools/sys/diagnosis.h"
#include "tools/sys/file.h"
#include "tools/tenure/job_wait.h"
#include "tools/tenure/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How long one node may take to say how it is: others wait to be asked. */
#define ASK_MS 2000

/* How much of the end of a log is read for the reason why a node ended. */
#define LOG_TAIL 65536

/* --- asking every node by itself: one that is silent is an answer too --- */

struct ask {
    const char *url;
    const char *name;      /* of the node, from a network's folder; NULL: not known */
    struct answer *status; /* NULL: it doesn't answer */
    const char *why;       /* then: why */
    uint64_t asked_ms;     /* Unix time here, in the middle of the call */
};

struct asks {
    struct ask list[CLIENT_NODES_MAX];
    uint32_t count, answered;
};

static void ask_one(struct desk *desk, struct ask *ask)
{
    struct client one;
    struct fault fault = {0};
    enum err err = client_init(&one, &ask->url, 1, &fault);
    one.patience_ms = 0;
    one.request_ms = ASK_MS;
    one.authority = desk->client.authority;
    one.certificate = desk->client.certificate;
    one.certificate_key = desk->client.certificate_key;
    uint64_t before_ms = clock_wall_ms();
    if (!err)
        err = client_get(&one, &ask->status, &fault, "/v1/status");
    ask->asked_ms = before_ms + (clock_wall_ms() - before_ms) / 2;
    if (err) {
        const char *reason = strstr(fault.text, "answer: "); /* the URL stands before it already */
        ask->why = cli_format(desk->cli, "%s", reason ? reason + strlen("answer: ") : fault.text);
    }
    client_release(&one);
}

static void ask_all(struct desk *desk, struct asks *asks)
{
    for (uint32_t i = 0; i < desk->client.node_count; i++) {
        struct ask *ask = &asks->list[asks->count++];
        ask->url = desk->client.nodes[i];
        ask_one(desk, ask);
        asks->answered += ask->status != NULL;
    }
}

static void asks_release(struct asks *asks)
{
    for (uint32_t i = 0; i < asks->count; i++)
        answer_free(asks->list[i].status);
}

static void print_answers(const struct asks *asks)
{
    printf("[\n");
    for (uint32_t i = 0; i < asks->count; i++) {
        if (asks->list[i].status)
            answer_print(stdout, asks->list[i].status);
        else
            printf("null\n");
        if (i + 1 < asks->count)
            printf(",\n");
    }
    printf("]\n");
}

/* --- status --- */

/* "1" for the seats of a list, "." for the others: who has voted, at a glance. */
static const char *votes_text(struct cli *cli, const struct answer *status, const char *path)
{
    uint64_t validators = answer_number(status, "validators");
    char text[LIMIT_VALIDATORS + 1] = "";
    for (uint64_t seat = 0; seat < validators && seat < LIMIT_VALIDATORS; seat++)
        text[seat] = '.';
    for (uint32_t i = 0; i < answer_count(status, path); i++) {
        uint64_t seat = answer_number(answer_item(status, path, i), "");
        if (seat < validators && seat < LIMIT_VALIDATORS)
            text[seat] = (char)('0' + seat % 10);
    }
    return cli_format(cli, "%s", text);
}

static void status_row(struct table *table, struct cli *cli, const struct ask *ask)
{
    const struct answer *status = ask->status;
    uint32_t peers = answer_count(status, "peers"), connected = 0;
    bool active = answer_true(status, "consensus.active");

    for (uint32_t i = 0; i < peers; i++)
        connected += answer_true(answer_item(status, "peers", i), "connected");
    table_cell(table, "%s", ask->url);
    table_cell(table, "%s", answer_text(status, "name"));
    table_cell(table, "%" PRIu64, answer_number(status, "height"));
    table_cell(table, "%" PRIu64 "%s", answer_number(status, "view"),
               active || !status ? "" : " changing");
    table_cell(table, "%" PRIu64, answer_number(status, "primary"));
    table_cell(table, "%" PRIu64, answer_number(status, "consensus.in_flight"));
    table_cell(table, "%s", votes_text(cli, status, "consensus.prepares"));
    table_cell(table, "%s", votes_text(cli, status, "consensus.commits"));
    table_cell(table, "%u of %u", connected, peers);
    table_cell(table, "%" PRIu64, answer_number(status, "pool.count"));
    table_cell(table, "%.8s", answer_text(status, "state_root"));
}

/* Peers that a node can't reach, and what it waits for. */
static void status_lines(const struct ask *ask)
{
    const struct answer *status = ask->status;
    uint64_t now_ms = answer_number(status, "clock_ms");
    char since[DIAGNOSIS_TIME_SIZE];

    if (!status)
        printf("%s: %s\n", ask->url, ask->why);
    for (uint32_t i = 0; i < answer_count(status, "peers"); i++) {
        const struct answer *peer = answer_item(status, "peers", i);
        if (!answer_true(peer, "connected"))
            printf("%s: peer %s unreachable since %s\n", answer_text(status, "name"),
                   answer_text(peer, "name"),
                   diagnosis_time(since, answer_number(peer, "since_ms"), now_ms));
    }
    if (answer_text(status, "waiting")[0])
        printf("%s: %s\n", answer_text(status, "name"), answer_text(status, "waiting"));
}

static enum err run_status(struct cli *cli)
{
    struct asks asks = {0};
    struct table table;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err)
        ask_all(&desk, &asks);
    if (!err && cli->json)
        print_answers(&asks);
    table_init(&table, cli,
               "node|name|#height|#view|#primary|#in flight|prepares|commits|peers|#pool|root");
    for (uint32_t i = 0; i < asks.count && !cli->json; i++)
        status_row(&table, cli, &asks.list[i]);
    if (!err && !cli->json)
        table_print(&table, stdout);
    for (uint32_t i = 0; i < asks.count && !cli->json; i++)
        status_lines(&asks.list[i]);
    desk_close(&desk);
    if (!err && !asks.answered) {
        cli->unreachable = true;
        err = fault_set(&cli->fault, ERR_IO, "no node answers");
    }
    asks_release(&asks);
    return err;
}

/* --- doctor: the facts --- */

static uint64_t seats_of(const struct answer *status, const char *path)
{
    uint64_t seats = 0;
    for (uint32_t i = 0; i < answer_count(status, path); i++) {
        uint64_t seat = answer_number(answer_item(status, path, i), "");
        if (seat < LIMIT_VALIDATORS)
            seats |= 1ull << seat;
    }
    return seats;
}

static void read_peers(struct diagnosis *d, struct diagnosis_node *node,
                       const struct answer *status)
{
    for (uint32_t i = 0; i < answer_count(status, "peers"); i++) {
        const struct answer *peer = answer_item(status, "peers", i);
        uint64_t seat = answer_number(peer, "seat");
        if (seat >= LIMIT_VALIDATORS)
            continue;
        if (answer_true(peer, "connected"))
            node->connected |= 1ull << seat;
        node->since_ms[seat] = answer_number(peer, "since_ms");
        snprintf(d->names[seat], sizeof(d->names[seat]), "%s", answer_text(peer, "name"));
    }
    if (node->seat < LIMIT_VALIDATORS)
        snprintf(d->names[node->seat], sizeof(d->names[node->seat]), "%s",
                 answer_text(status, "name"));
}

static void read_node(struct diagnosis *d, struct diagnosis_node *node, const struct ask *ask)
{
    const struct answer *status = ask->status;
    uint64_t seat = answer_number(status, "seat"), primary = answer_number(status, "primary");
    node->answers = true;
    node->seat = seat < LIMIT_VALIDATORS ? (uint8_t)seat : LIMIT_VALIDATORS;
    node->clock_ms = answer_number(status, "clock_ms");
    node->asked_ms = ask->asked_ms;
    node->disk_free_bytes = answer_number(status, "disk_free_bytes");
    node->height = answer_number(status, "consensus.height");
    node->durable = answer_number(status, "consensus.durable_height");
    node->target = answer_number(status, "peers_height");
    node->idle_ms = answer_number(status, "consensus.idle_ms");
    node->owed_ms = answer_number(status, "consensus.owed_ms");
    node->timeout_ms = answer_number(status, "consensus.timeout_ms");
    node->view = answer_number(status, "view");
    node->primary = primary < LIMIT_VALIDATORS ? (uint8_t)primary : 0;
    node->active = answer_true(status, "consensus.active");
    node->muted = answer_true(status, "consensus.muted");
    node->halted = answer_true(status, "consensus.halted");
    node->in_flight = (uint32_t)answer_number(status, "consensus.in_flight");
    node->prepares = seats_of(status, "consensus.prepares");
    node->commits = seats_of(status, "consensus.commits");
    node->changes = seats_of(status, "consensus.view_changes");
    read_peers(d, node, status);
    d->validators = (uint8_t)answer_number(status, "validators");
    d->quorum = (uint8_t)answer_number(status, "consensus.quorum");
    d->interval_max_ms = answer_number(status, "consensus.interval_max_ms");
    d->clock_bound_ms = answer_number(status, "consensus.clock_bound_ms");
}

/* All nodes must speak of one chain: else a URL is wrong, and no conclusion holds. */
static enum err read_all(struct cli *cli, struct diagnosis *d, const struct asks *asks)
{
    const struct ask *first = NULL;
    d->nodes = arena_array(&cli->arena, asks->count, sizeof(d->nodes[0]));
    CHECK(d->nodes != NULL);
    d->count = asks->count;
    d->now_ms = clock_wall_ms();
    for (uint32_t i = 0; i < asks->count; i++) {
        const struct ask *ask = &asks->list[i];
        d->nodes[i] = (struct diagnosis_node){
            .label = ask->name ? ask->name : ask->url, .why = ask->why, .seat = LIMIT_VALIDATORS};
        if (!ask->status)
            continue;
        if (first && strcmp(answer_text(first->status, "chain"), answer_text(ask->status, "chain")))
            return fault_set(&cli->fault, ERR_USAGE,
                             "%s and %s are nodes of different chains: ask those of one",
                             first->url, ask->url);
        first = first ? first : ask;
        read_node(d, &d->nodes[i], ask);
    }
    for (uint32_t i = 0; i < asks->count; i++)
        for (uint8_t seat = 0; seat < d->validators; seat++)
            if (!d->nodes[i].answers && !strcmp(d->nodes[i].label, d->names[seat]))
                d->nodes[i].seat = seat;
    return ERR_NONE;
}

/* --- doctor: a network's folder knows its nodes' names and logs --- */

/* The message of the last error in the node's log; NULL: there is none. */
static const char *last_error(struct cli *cli, const char *folder, const char *name)
{
    char path[FILE_PATH_SIZE], tail[LOG_TAIL + 1], *found = NULL;
    snprintf(path, sizeof(path), "%s/%s/log", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    if (fseek(file, -LOG_TAIL, SEEK_END))
        rewind(file);
    tail[fread(tail, 1, LOG_TAIL, file)] = 0;
    fclose(file);
    for (char *at = tail; (at = strstr(at, " error ")); at++)
        found = at + strlen(" error ");
    if (!found)
        return NULL;
    found[strcspn(found, "\n")] = 0;
    return cli_format(cli, "its log ends with: %s", found);
}

/* DIR/nodes has a line "NAME URL" for each: they become the nodes to ask. */
static enum err take_folder(struct cli *cli, struct asks *asks, const char *folder)
{
    char path[FILE_PATH_SIZE];
    uint8_t *data = NULL;
    size_t size;
    const char *urls = "";
    enum err err = file_join(path, folder, "nodes", &cli->fault);
    if (cli_has(cli, "node"))
        return fault_set(&cli->fault, ERR_USAGE, "give --dir or --node, not both");
    if (!err)
        err = file_read(&data, &size, path, 1u << 16, &cli->fault);
    char *rest = (char *)data, *line, name[64], url[128];
    for (uint32_t i = 0; !err && (line = strsep(&rest, "\n")) && i < CLIENT_NODES_MAX;) {
        if (sscanf(line, "%63s %127s", name, url) != 2)
            continue;
        asks->list[i++].name = cli_format(cli, "%s", name);
        urls = cli_format(cli, "%s %s", urls, url);
    }
    free(data);
    if (!err && setenv("TENURE_NODE", urls, 1))
        err = fault_set(&cli->fault, ERR_LIMIT, "no memory");
    return err;
}

/* --- doctor: the sentence --- */

static enum err explain_job(struct desk *desk, uint64_t number, const char **sentence)
{
    struct cli *cli = desk->cli;
    struct job_view view;
    enum job_wait_verdict verdict = JOB_WAIT_DONE;
    enum err err = job_view_load(desk, &view, number);
    if (!err)
        err = job_wait_explain(desk, &view, clock_wall_ms(), sentence, &verdict);
    if (!err && verdict == JOB_WAIT_STUCK)
        cli->done = CLI_FAILED;
    return err;
}

/* The job that --job or --lease names; 0: neither. */
static enum err find_job(struct desk *desk, uint64_t *job)
{
    struct cli *cli = desk->cli;
    struct leases_lease lease;
    uint64_t number = 0;
    enum err err = ERR_NONE;
    *job = 0;
    if (cli_has(cli, "job"))
        return cli_number(job, cli, "job", 1, UINT64_MAX);
    if (!cli_has(cli, "lease"))
        return ERR_NONE;
    err = cli_number(&number, cli, "lease", 1, UINT64_MAX);
    struct path path = path_1("lease/", number);
    if (!err)
        err = desk_state(desk, path_key(&path), &leases_lease_record, &lease);
    if (err == ERR_NOT_FOUND)
        return fault_set(&cli->fault, err, "there is no lease %" PRIu64, number);
    if (!err)
        *job = lease.job;
    return err;
}

static void print_finding(struct cli *cli, const struct diagnosis *d,
                          const struct diagnosis_finding *finding, const char *chain,
                          const char *job)
{
    const char *comma = "";
    if (!cli->json) {
        /* A job's owner asks about the job; the chain is told of when it is the reason. */
        cli_say(cli, "%s", job ? job : chain);
        return;
    }
    printf("{\"verdict\":\"%s\",\"stuck\":%s,\"sentence\":%s,\"missing\":[",
           diagnosis_name(finding->verdict),
           diagnosis_is_stuck(finding->verdict) ? "true" : "false", cli_quote(cli, chain));
    for (uint8_t seat = 0; seat < d->validators; seat++) {
        if (!(finding->missing >> seat & 1))
            continue;
        printf("%s{\"seat\":%u,\"name\":%s}", comma, seat, cli_quote(cli, d->names[seat]));
        comma = ",";
    }
    printf("]");
    if (job)
        printf(",\"job\":%s", cli_quote(cli, job));
    printf("}\n");
}

static enum err diagnose(struct desk *desk, struct asks *asks, const char *folder)
{
    struct cli *cli = desk->cli;
    struct diagnosis *d = arena_alloc(&cli->arena, sizeof(*d));
    struct diagnosis_finding finding;
    const char *job = NULL;
    struct text sentence;
    uint64_t number = 0;

    CHECK(d != NULL);
    ask_all(desk, asks);
    for (uint32_t i = 0; i < asks->count && folder; i++) {
        struct ask *ask = &asks->list[i];
        const char *error = ask->status || !ask->name ? NULL : last_error(cli, folder, ask->name);
        ask->why = error ? error : ask->why;
    }
    enum err err = read_all(cli, d, asks);
    if (err)
        return err;
    text_init(&sentence, 65536);
    finding = diagnosis_make(d, &sentence);
    if (finding.verdict != DIAGNOSIS_HEALTHY)
        cli->done = CLI_CARE;
    if (diagnosis_is_stuck(finding.verdict))
        cli->done = finding.verdict == DIAGNOSIS_NO_ANSWER ? CLI_UNREACHABLE : CLI_FAILED;
    else
        err = find_job(desk, &number);
    if (!err && number)
        err = explain_job(desk, number, &job);
    if (!err)
        print_finding(cli, d, &finding, text_string(&sentence), job);
    text_release(&sentence);
    return err;
}

static enum err run_doctor(struct cli *cli)
{
    struct asks asks = {0};
    struct desk desk = {0};
    const char *folder = cli_text(cli, "dir");
    enum err err = folder ? take_folder(cli, &asks, folder) : ERR_NONE;

    if (err)
        return err;
    err = desk_open(&desk, cli);
    if (!err)
        err = diagnose(&desk, &asks, folder);
    desk_close(&desk);
    asks_release(&asks);
    return err;
}

static const struct cli_option doctor_options[] = {
    {"dir", "DIR", "the network's folder: ask all its nodes, and read the logs of silent ones",
     NULL},
    {"job", "JOB", "say what this job waits for", NULL},
    {"lease", "LEASE", "the same for the job of this lease", NULL},
};

static const struct cli_command commands[] = {
    {"status", "", 0, 0,
     "ask every node how it is: view, heights in flight, votes for the next block, peers",
     "  tenure status --node http://127.0.0.1:7100", NULL, 0, run_status},
    {"doctor", "", 0, 0,
     "say in one sentence why the chain, or a job, isn't moving, and who is missing since when; "
     "exit code 0: it moves, 5: it moves but a validator needs care, 1: it doesn't move, 3: no "
     "node answers",
     "  tenure doctor\n  tenure doctor --dir net --json\n  tenure doctor --job 7", doctor_options,
     sizeof(doctor_options) / sizeof(doctor_options[0]), run_doctor},
};

const struct cli_noun cmd_doctor = {commands, sizeof(commands) / sizeof(commands[0])};
