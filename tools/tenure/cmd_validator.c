#include "tools/tenure/cmd.h"

#include "contracts/beacon.h"
#include "contracts/conviction.h"
#include "contracts/governance.h"
#include "contracts/path.h"
#include "contracts/seats.h"
#include "tools/sys/file.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/founding.h"
#include "tools/tenure/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- what a proposal says --- */

static enum err read_key(struct cli *cli, struct sign_public *key, const char *text)
{
    if (bytes_from_hex(key->bytes, SIGN_PUBLIC_SIZE, text))
        return ERR_NONE;
    return fault_set(&cli->fault, ERR_USAGE,
                     "\"%s\" is no public key: 66 hexadecimal digits (tenure key show)", text);
}

/* The end of the chain of hashes in the file of --beacon. */
static enum err read_chain(struct cli *cli, struct digest *chain_end)
{
    struct digest secret, first;
    uint32_t length;
    const char *path;
    enum err err = cli_need(&path, cli, "beacon");

    if (!err)
        err = founding_beacon_read(&secret, &length, path, &cli->fault);
    if (err)
        return err;
    first = beacon_chain(&secret, length, 0);
    *chain_end = digest_of(first.bytes, sizeof(first.bytes));
    return ERR_NONE;
}

/* The validator of this name. */
static enum err find(struct desk *desk, const char *name, struct validator *found)
{
    struct lookup_list list;
    enum err err = lookup_all(&desk->client, desk->arena, bytes_text("validator/"),
                              &validator_record, &list, &desk->cli->fault);

    for (uint32_t i = 0; i < list.count && !err; i++) {
        const struct validator *validator = list.values[i];
        if (bytes_equal(validator->name, bytes_text(name))) {
            *found = *validator;
            return ERR_NONE;
        }
    }
    return err ? err
               : fault_set(&desk->cli->fault, ERR_NOT_FOUND,
                           "no validator is named \"%s\" (tenure validator list)", name);
}

static enum err fill_add(struct desk *desk, struct seats_change *change)
{
    struct cli *cli = desk->cli;
    const char *replayer;
    enum err err = cli_need(&replayer, cli, "replayer");

    change->name = bytes_text(cli->words[0]);
    change->address = bytes_text(cli->words[1]);
    if (!err)
        err = read_key(cli, &change->public_key, cli->words[2]);
    if (!err)
        err = desk_address(cli, &change->replayer, replayer);
    return err ? err : read_chain(cli, &change->chain_end);
}

static enum err fill_remove(struct desk *desk, struct seats_change *change)
{
    struct validator validator;
    enum err err = find(desk, desk->cli->words[0], &validator);

    change->old_key = validator.public_key;
    return err;
}

/* What isn't given stays as it is. */
static enum err fill_replace(struct desk *desk, struct seats_change *change)
{
    struct cli *cli = desk->cli;
    struct validator old;
    enum err err = find(desk, cli->words[0], &old);

    if (err)
        return err;
    *change = (struct seats_change){old.public_key, old.public_key, old.name,
                                    old.address,    old.replayer,   digest_zero};
    if (cli_has(cli, "name"))
        change->name = bytes_text(cli_text(cli, "name"));
    if (cli_has(cli, "address"))
        change->address = bytes_text(cli_text(cli, "address"));
    if (cli_has(cli, "public"))
        err = read_key(cli, &change->public_key, cli_text(cli, "public"));
    if (!err && cli_has(cli, "replayer"))
        err = desk_address(cli, &change->replayer, cli_text(cli, "replayer"));
    if (!err && cli_has(cli, "beacon"))
        err = read_chain(cli, &change->chain_end);
    return err;
}

/* Proposes; says what is left to do. */
static enum err propose(struct cli *cli, uint8_t method,
                        enum err (*fill)(struct desk *desk, struct seats_change *change))
{
    struct seats_change change = {.name = {0}};
    struct desk_calls calls = {0};
    struct sender_outcome outcome;
    struct desk desk;
    uint64_t number;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = fill(&desk, &change);
    if (!err)
        err = desk_call(&desk, &calls, CATALOG_GOVERNANCE, method, &change);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_send(&desk, &calls, &outcome);
    if (!err) {
        if (desk_event(&outcome, "proposed", "proposal", &number))
            cli_say(cli,
                    "proposal %" PRIu64 " (it passes when more than half of the operators say yes: "
                    "tenure proposal vote %" PRIu64 " yes)",
                    number, number);
        sender_outcome_release(&outcome);
    }
    desk_close(&desk);
    return err;
}

static enum err run_add(struct cli *cli)
{
    return propose(cli, GOVERNANCE_PROPOSE_ADD, fill_add);
}

static enum err run_remove(struct cli *cli)
{
    return propose(cli, GOVERNANCE_PROPOSE_REMOVE, fill_remove);
}

static enum err run_replace(struct cli *cli)
{
    return propose(cli, GOVERNANCE_PROPOSE_REPLACE, fill_replace);
}

/* --- lists --- */

static void print_validators(struct cli *cli, const struct lookup_list *list,
                             const struct lookup_list *accounts)
{
    struct table table;

    table_init(&table, cli, "#seat|name|state|address|replayer|organisation|public key");
    for (uint32_t i = 0; i < list->count; i++) {
        const struct validator *validator = list->values[i];
        char hex[2 * SIGN_PUBLIC_SIZE + 1];
        bytes_to_hex(hex, bytes_of(validator->public_key.bytes, SIGN_PUBLIC_SIZE));
        table_cell(&table, "%u", list->keys[i].data[list->keys[i].size - 1]);
        table_cell(&table, "%.*s", (int)validator->name.size, (const char *)validator->name.data);
        table_cell(&table, "%s", validator->vacant ? "vacant" : "sits");
        table_cell(&table, "%.*s", (int)validator->address.size,
                   (const char *)validator->address.data);
        table_cell(&table, "%s", desk_name(cli, accounts, &validator->replayer));
        table_cell(&table, "%.*s", (int)validator->organisation.size,
                   (const char *)validator->organisation.data);
        table_cell(&table, "%s", hex);
    }
    table_print(&table, stdout);
}

static enum err show_validators(struct desk *desk)
{
    struct lookup_list list, accounts;
    enum err err = lookup_all(&desk->client, desk->arena, bytes_text("validator/"),
                              &validator_record, &list, &desk->cli->fault);
    if (!err)
        err = desk_names(desk, &accounts);
    if (!err)
        print_validators(desk->cli, &list, &accounts);
    return err;
}

static const char *kind_name(uint8_t kind)
{
    switch ((enum governance_kind)kind) {
    case GOVERNANCE_MINT:
        return "mint";
    case GOVERNANCE_BURN:
        return "burn";
    case GOVERNANCE_SPEND:
        return "spend";
    case GOVERNANCE_ROLES:
        return "roles";
    case GOVERNANCE_PARAMETERS:
        return "parameters";
    case GOVERNANCE_ADD:
        return "add validator";
    case GOVERNANCE_REMOVE:
        return "remove validator";
    case GOVERNANCE_REPLACE:
        return "replace validator";
    case GOVERNANCE_UPGRADE:
        return "upgrade";
    }
    return "unknown";
}

static const char *status_name(uint8_t status)
{
    switch ((enum governance_status)status) {
    case GOVERNANCE_OPEN:
        return "open";
    case GOVERNANCE_PASSED:
        return "passed";
    case GOVERNANCE_FAILED:
        return "failed";
    case GOVERNANCE_EXPIRED:
        return "expired";
    }
    return "unknown";
}

static enum err show_proposals(struct desk *desk)
{
    struct cli *cli = desk->cli;
    struct lookup_list list, accounts;
    struct table table;
    enum err err = lookup_all(&desk->client, desk->arena, bytes_text("proposal/"),
                              &governance_proposal_record, &list, &cli->fault);
    if (!err)
        err = desk_names(desk, &accounts);
    if (err)
        return err;
    table_init(&table, cli, "#proposal|kind|state|#yes|#no|by|verdict");
    for (uint32_t i = 0; i < list.count; i++) {
        const struct governance_proposal *proposal = list.values[i];
        struct bytes key = list.keys[i];
        table_cell(&table, "%" PRIu64, bytes_get_u64(key.data + key.size - 8));
        table_cell(&table, "%s", kind_name(proposal->kind));
        table_cell(&table, "%s", status_name(proposal->status));
        table_cell(&table, "%" PRIu32, proposal->yes);
        table_cell(&table, "%" PRIu32, proposal->no);
        table_cell(&table, "%s", desk_name(cli, &accounts, &proposal->proposer));
        table_cell(&table, "%s", proposal->status == GOVERNANCE_OPEN ? ""
                                                                    : verdict_name(proposal->verdict));
    }
    table_print(&table, stdout);
    return ERR_NONE;
}

/* A table, or what the API says as JSON. */
static enum err show(struct cli *cli, const char *path, enum err (*table)(struct desk *desk))
{
    struct answer *root;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err && !cli->json) {
        err = table(&desk);
    } else if (!err) {
        err = desk_get(&desk, &root, path);
        if (!err) {
            answer_print(stdout, root);
            answer_free(root);
        }
    }
    desk_close(&desk);
    return err;
}

static enum err run_list(struct cli *cli)
{
    return show(cli, "/v1/validators", show_validators);
}

static enum err run_proposals(struct cli *cli)
{
    return show(cli, "/v1/state?prefix=70726f706f73616c2f" /* proposal/ */, show_proposals);
}

/* --- votes --- */

static enum err run_vote(struct cli *cli)
{
    struct governance_vote vote;
    struct desk_calls calls = {0};
    struct desk desk;
    bool is_no = strcmp(cli->words[1], "no") == 0;

    vote.yes = strcmp(cli->words[1], "yes") == 0;
    if (!cli_parse_number(&vote.proposal, cli->words[0], 1, UINT64_MAX) || (!vote.yes && !is_no))
        return fault_set(&cli->fault, ERR_USAGE, "give a proposal's number, and yes or no");
    enum err err = desk_open(&desk, cli);
    if (!err)
        err = desk_call(&desk, &calls, CATALOG_GOVERNANCE, GOVERNANCE_VOTE, &vote);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    return err;
}

static enum err run_upgrade(struct cli *cli)
{
    struct governance_upgrade upgrade = {.before = 0};
    struct desk_calls calls = {0};
    struct desk desk;
    uint64_t version;

    if (!cli_parse_number(&upgrade.height, cli->words[0], 1, UINT64_MAX) ||
        !cli_parse_number(&version, cli->words[1], 2, UINT8_MAX))
        return fault_set(&cli->fault, ERR_USAGE, "give a height and a protocol version above 1");
    upgrade.version = (uint8_t)version;
    enum err err = desk_open(&desk, cli);
    if (!err)
        err = desk_call(&desk, &calls, CATALOG_GOVERNANCE, GOVERNANCE_PROPOSE_UPGRADE, &upgrade);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    return err;
}

/* --- evidence --- */

static enum err run_accuse(struct cli *cli)
{
    struct conviction_submit args;
    struct desk_calls calls = {0};
    struct desk desk;
    uint8_t *data = NULL;
    size_t size = 0;
    enum err err = file_read(&data, &size, cli->words[0], LIMIT_TX_BYTES, &cli->fault);

    if (err)
        return err;
    args.evidence = bytes_of(data, size);
    err = desk_open(&desk, cli);
    if (!err)
        err = desk_call(&desk, &calls, CATALOG_EVIDENCE, CONVICTION_SUBMIT, &args);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    free(data);
    return err;
}

static const struct cli_option add_options[] = {
    {"replayer", "ADDRESS", "the account that replays for the seat (role replayer)", NULL},
    {"beacon", "FILE", "its chain of hashes: a secret and a length", NULL},
};

static const struct cli_option replace_options[] = {
    {"name", "NAME", "of its host, as in its TLS certificate", NULL},
    {"address", "HOST:PORT", "where the others reach it", NULL},
    {"public", "KEY", "that signs its votes", NULL},
    {"replayer", "ADDRESS", "the account that replays for the seat", NULL},
    {"beacon", "FILE", "the new replayer's chain of hashes", NULL},
};

static const struct cli_command commands[] = {
    {"validator list", "", 0, 0, "list who decides: seats, hosts, replayers",
     "  tenure validator list", NULL, 0, run_list},
    {"validator add", "NAME HOST:PORT PUBLIC-KEY", 3, 3,
     "propose a validator more; its node may fetch the chain from now on (an operator signs)",
     "  tenure validator add node-4 10.0.0.5:7001 02a1...ff --replayer tnr1... --beacon "
     "replayer-4.beacon",
     add_options, 2, run_add},
    {"validator remove", "NAME", 1, 1,
     "propose a validator fewer; its node stops when it isn't needed any more (an operator signs)",
     "  tenure validator remove node-4", NULL, 0, run_remove},
    {"validator replace", "NAME", 1, 1,
     "propose another key, host or replayer for a seat, also a vacant one (an operator signs)",
     "  tenure validator replace node-2 --public 03b2...ee --address 10.0.0.9:7001", replace_options,
     5, run_replace},
    {"validator accuse", "FILE", 1, 1,
     "have the seat vacated of a validator that signed what no correct one signs",
     "  tenure validator accuse node-0/data/evidence/1-2-1", NULL, 0, run_accuse},
    {"proposal list", "", 0, 0, "list what operators have proposed, and how the votes stand",
     "  tenure proposal list", NULL, 0, run_proposals},
    {"proposal upgrade", "HEIGHT VERSION", 2, 2,
     "propose a newer protocol above a height; older programs halt there (an operator signs)",
     "  tenure proposal upgrade 120000 2", NULL, 0, run_upgrade},
    {"proposal vote", "PROPOSAL yes|no", 2, 2, "vote on a proposal (an operator signs)",
     "  tenure proposal vote 7 yes", NULL, 0, run_vote},
};

const struct cli_noun cmd_validator = {commands, sizeof(commands) / sizeof(commands[0])};
