#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/sys/process.h"
#include "tools/tenure/answer.h"
#include "tools/tenure/client.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/form.h"
#include "tools/tenure/founding.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* How long nodes may take to answer after their start, and to end after SIGTERM. */
#define START_MS 30000
#define END_MS   10000
/* How long they may take to find each other: no longer is waited, since one that doesn't is no error. */
#define MEET_MS 5000

/* --- init --- */

/* "name:role[,role]:organisation:balance" */
static enum err parse_account(struct cli *cli, struct founding_account *account, const char *text)
{
    char *rest = cli_format(cli, "%s", text), *name = strsep(&rest, ":"),
         *roles = strsep(&rest, ":");
    char *organisation = strsep(&rest, ":"), *balance = strsep(&rest, ":");

    if (!balance || rest)
        return fault_set(&cli->fault, ERR_USAGE,
                         "--account \"%s\" is not NAME:ROLES:ORGANISATION:BALANCE, as in "
                         "alice:provider:lab-a:100000",
                         text);
    if (!units_amount_parse(&account->balance, balance))
        return fault_set(&cli->fault, ERR_USAGE, "--account \"%s\": \"%s\" is no amount", text,
                         balance);
    account->name = name;
    account->organisation = organisation;
    return desk_roles(cli, &account->roles, roles);
}

static enum err parse_founding(struct cli *cli, struct founding *founding)
{
    uint64_t validators, port, patience_ms;
    const char *text;
    uint32_t at = 0;
    enum err err = cli_need(&founding->folder, cli, "dir");

    if (!err)
        err = cli_number(&validators, cli, "validators", 1, LIMIT_VALIDATORS);
    if (!err)
        err = cli_number(&port, cli, "port", 0, 65535);
    if (!err)
        err = cli_number(&patience_ms, cli, "patience", 100, 60000);
    if (err)
        return err;
    founding->name = cli_text(cli, "name");
    founding->log_level = cli_text(cli, "log");
    founding->validators = (uint32_t)validators;
    founding->port = (uint16_t)port;
    founding->timeout_ms = patience_ms;
    founding->parameters = parameters_default();
    while (!err && (text = cli_next(cli, "parameter", &at)))
        err = form_set(&cli->arena, &parameters_record, &founding->parameters, text, &cli->fault);
    at = 0;
    while (!err && (text = cli_next(cli, "account", &at))) {
        if (founding->account_count == FOUNDING_ACCOUNTS_MAX)
            return fault_set(&cli->fault, ERR_USAGE,
                             "more than %d accounts: register the others later (tenure member add)",
                             FOUNDING_ACCOUNTS_MAX);
        err = parse_account(cli, &founding->accounts[founding->account_count++], text);
    }
    return err;
}

static void on_step(void *self, const char *what)
{
    cli_progress(self, "making keys and certificates of the %s ...", what);
}

static enum err run_init(struct cli *cli)
{
    struct founding *founding = arena_alloc(&cli->arena, sizeof(*founding));
    struct founding_watch watch = {cli, on_step};
    enum err err;

    CHECK(founding != NULL);
    err = parse_founding(cli, founding);
    if (!err)
        err = founding_make(&cli->arena, founding, &watch, &cli->fault);
    if (err)
        return err;
    if (cli->json)
        printf("{\"folder\":%s,\"validators\":%u,\"accounts\":%u}\n",
               cli_quote(cli, founding->folder), founding->validators,
               founding->account_count + 2 * founding->validators + 1);
    cli_say(cli,
            "A chain of %u validators is founded in %s. Next:\n"
            "  tenure net up --dir %s       start its nodes\n"
            "  . %s/environment             point this shell at them, as operator\n"
            "  tenure status",
            founding->validators, founding->folder, founding->folder, founding->folder);
    return ERR_NONE;
}

static enum err run_join(struct cli *cli)
{
    struct founding_joined joined;
    struct address replayer;
    char key[2 * SIGN_PUBLIC_SIZE + 1], account[2 * SIGN_PUBLIC_SIZE + 1], name[ADDRESS_TEXT_SIZE];
    const char *folder;
    enum err err = cli_need(&folder, cli, "dir");

    if (!err)
        err = founding_join(&cli->arena, folder, &joined, &cli->fault);
    if (err)
        return err;
    replayer = address_of(&joined.replayer);
    address_text(name, &replayer);
    bytes_to_hex(key, bytes_of(joined.key.bytes, SIGN_PUBLIC_SIZE));
    bytes_to_hex(account, bytes_of(joined.replayer.bytes, SIGN_PUBLIC_SIZE));
    if (cli->json)
        printf("{\"name\":\"%s\",\"address\":\"%s\",\"api\":\"http://%s\",\"public_key\":\"%s\","
               "\"replayer\":\"%s\",\"replayer_key\":\"%s\",\"beacon\":%s}\n",
               joined.name, joined.address, joined.api, key, name, account,
               cli_quote(cli, cli_format(cli, "%s/keys/replayer-%u.beacon", folder,
                                         joined.number)));
    cli_say(cli,
            "%s has keys, a certificate and a configuration in %s/%s. Next:\n"
            "  tenured --config %s/%s/tenured.ini\n"
            "  tenure member add %s --roles replayer --organisation %s --name replayer-%u\n"
            "  tenure validator add %s %s %s --replayer %s --beacon %s/keys/replayer-%u.beacon\n"
            "and, when it has caught up, the other operators' votes: tenure proposal vote N yes",
            joined.name, folder, joined.name, folder, joined.name, account, joined.name,
            joined.number, joined.name, joined.address, key, name, folder, joined.number);
    return ERR_NONE;
}

/* --- up and down --- */

/* One node of a founded network. */
struct node {
    char name[64];
    char url[128];
    char folder[FILE_PATH_SIZE], pid_file[FILE_PATH_SIZE];
    struct process process;
    bool running;
};

/* The lines of DIR/nodes, with what their pid files say. */
static enum err list_nodes(struct cli *cli, struct node **out, uint32_t *count)
{
    struct node *nodes = arena_array(&cli->arena, LIMIT_VALIDATORS, sizeof(*nodes));
    char path[FILE_PATH_SIZE], *rest, *line;
    const char *folder;
    uint8_t *data = NULL;
    size_t size;
    enum err err = cli_need(&folder, cli, "dir");

    CHECK(nodes != NULL);
    if (!err)
        err = file_join(path, folder, "nodes", &cli->fault);
    if (!err && !file_exists(path))
        return fault_set(&cli->fault, ERR_NOT_FOUND,
                         "%s holds no network: make one with \"tenure net init\"", folder);
    if (!err)
        err = file_read(&data, &size, path, 1u << 16, &cli->fault);
    *count = 0;
    *out = nodes;
    rest = (char *)data;
    while (!err && (line = strsep(&rest, "\n")) && *count < LIMIT_VALIDATORS) {
        struct node *node = &nodes[*count];
        struct fault none;
        if (sscanf(line, "%63s %127s", node->name, node->url) != 2)
            continue;
        err = file_join(node->folder, folder, node->name, &cli->fault);
        if (!err)
            err = file_join(node->pid_file, node->folder, "pid", &cli->fault);
        node->running = !err && process_load(&node->process, node->pid_file, &none) == ERR_NONE &&
                        process_is_alive(&node->process);
        (*count)++;
    }
    free(data);
    return err;
}

static enum err start_node(struct cli *cli, struct node *node, const char *program)
{
    char settings[FILE_PATH_SIZE], log[FILE_PATH_SIZE];
    const char *const argv[] = {program, "--config", settings, NULL};
    enum err err = file_join(settings, node->folder, "tenured.ini", &cli->fault);

    if (!err)
        err = file_join(log, node->folder, "log", &cli->fault);
    if (!err)
        err = process_start(&node->process, argv, log, PROCESS_FREE, &cli->fault);
    if (!err)
        err = process_save(&node->process, node->pid_file, &cli->fault);
    return err;
}

/* Until every node answers; one that ended instead is an error that names its log. */
static enum err wait_nodes(struct cli *cli, struct node *nodes, uint32_t count)
{
    uint64_t until_ms = clock_monotonic_ms() + START_MS;

    for (uint32_t i = 0; i < count; i++) {
        const char *url = nodes[i].url;
        struct client client;
        struct client_reply reply;
        enum err err = client_init(&client, &url, 1, &cli->fault);
        client.patience_ms = 0;
        while (!err && client_call(&client, &reply, CLIENT_GET, "/health", bytes_of(NULL, 0), 0,
                                   &cli->fault)) {
            if (!process_is_alive(&nodes[i].process))
                err = fault_set(&cli->fault, ERR_IO, "%s ended; see why in %s/log", nodes[i].name,
                                nodes[i].folder);
            else if (clock_monotonic_ms() > until_ms)
                err =
                    fault_set(&cli->fault, ERR_NOT_NOW, "%s does not answer yet; look into %s/log",
                              nodes[i].name, nodes[i].folder);
            cli_progress(cli, "%u of %u nodes answer ...", i, count);
            clock_sleep_ms(50);
        }
        cli->timed_out = err == ERR_NOT_NOW;
        client_release(&client);
        if (err)
            return err;
    }
    return ERR_NONE;
}

/* Whether a node reaches all its peers, or as many as run here beside it. */
static bool has_met(const char *url, uint32_t others)
{
    struct client client;
    struct answer *status = NULL;
    struct fault none;
    uint32_t peers, connected = 0;
    enum err err = client_init(&client, &url, 1, &none);

    if (!err)
        err = client_get(&client, &status, &none, "/v1/status");
    peers = err ? 0 : answer_count(status, "peers");
    for (uint32_t i = 0; i < peers; i++)
        connected += answer_true(answer_item(status, "peers", i), "connected");
    answer_free(status);
    client_release(&client);
    return !err && (connected == peers || connected >= others);
}

/* Until they have found each other, so that what is asked of them next isn't answered by "unreachable". */
static void wait_links(struct cli *cli, const struct node *nodes, uint32_t count)
{
    uint64_t until_ms = clock_monotonic_ms() + MEET_MS;

    for (uint32_t i = 0; i < count; i++)
        while (!has_met(nodes[i].url, count - 1) && clock_monotonic_ms() < until_ms) {
            cli_progress(cli, "%u of %u nodes reach each other ...", i, count);
            clock_sleep_ms(50);
        }
}

static enum err run_up(struct cli *cli)
{
    char folder[FILE_PATH_SIZE - 16], program[FILE_PATH_SIZE];
    struct node *nodes;
    uint32_t count, started = 0;
    enum err err = list_nodes(cli, &nodes, &count);

    if (!process_own_folder(folder, sizeof(folder)))
        folder[0] = 0;
    snprintf(program, sizeof(program), "%s/tenured", folder);
    for (uint32_t i = 0; i < count && !err; i++)
        if (!nodes[i].running) {
            err = start_node(cli, &nodes[i], program);
            started += err == ERR_NONE;
        }
    if (!err)
        err = wait_nodes(cli, nodes, count);
    if (err)
        return err;
    if (started)
        wait_links(cli, nodes, count);
    if (cli->json)
        printf("{\"nodes\":%u,\"started\":%u}\n", count, started);
    cli_say(cli, "%u nodes run, %u of them started now; their logs are in %s/node-*/log", count,
            started, cli_text(cli, "dir"));
    return ERR_NONE;
}

static enum err run_down(struct cli *cli)
{
    struct node *nodes;
    uint32_t count, ended = 0;
    enum err err = list_nodes(cli, &nodes, &count);

    for (uint32_t i = 0; i < count && !err; i++)
        if (nodes[i].running)
            process_signal(&nodes[i].process, SIGTERM);
    for (uint32_t i = 0; i < count && !err; i++) {
        if (!nodes[i].running)
            continue;
        cli_progress(cli, "waiting for %s to end ...", nodes[i].name);
        if (!process_end(&nodes[i].process, END_MS))
            err = fault_set(&cli->fault, ERR_NOT_NOW, "%s (pid %d) does not end", nodes[i].name,
                            (int)nodes[i].process.pid);
        ended++;
    }
    if (err)
        return err;
    if (cli->json)
        printf("{\"ended\":%u}\n", ended);
    cli_say(cli, "%u of %u nodes were running and have ended", ended, count);
    return ERR_NONE;
}

static const struct cli_option init_options[] = {
    {"dir", "DIR", "the new folder", NULL},
    {"validators", "N", "how many validators, 1 to 64; 4 stand one that fails", "4"},
    {"name", "TEXT", "of the chain, for people", "tenure"},
    {"account", "NAME:ROLES:ORG:BALANCE", "an account with a key in DIR/keys; repeat it", NULL},
    {"parameter", "FIELD=VALUE", "a parameter of the contracts (contracts/parameters.h); repeat it",
     NULL},
    {"port", "PORT", "node N's API listens on PORT + 2N, its peers on the next; 0 picks free ones",
     "7100"},
    {"patience", "MS", "how long a primary may be silent before it is replaced", "2000"},
    {"log", "LEVEL", "of the nodes: debug, info, warn or error", "info"},
};

static const struct cli_option dir_option[] = {{"dir", "DIR", "the network's folder", NULL}};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct cli_command commands[] = {
    {"net init", "", 0, 0,
     "found a chain: keys, certificates, genesis and configuration for its nodes",
     "  tenure net init --dir demo --validators 4 --account alice:provider:lab-a:100000 --account "
     "bob:consumer:uni-b:5000000",
     init_options, COUNT(init_options), run_init},
    {"net join", "", 0, 0,
     "make a node more for a network on this machine: keys, certificate and configuration",
     "  tenure net join --dir demo", dir_option, COUNT(dir_option), run_join},
    {"net up", "", 0, 0, "start the nodes of a network on this machine and wait until they answer",
     "  tenure net up --dir demo", dir_option, COUNT(dir_option), run_up},
    {"net down", "", 0, 0, "stop the nodes that \"net up\" started", "  tenure net down --dir demo",
     dir_option, COUNT(dir_option), run_down},
};

const struct cli_noun cmd_net = {commands, COUNT(commands)};
