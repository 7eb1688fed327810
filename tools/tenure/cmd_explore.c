#include "tools/tenure/cmd.h"

#include "contracts/leases.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/path.h"
#include "contracts/validator.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/job_view.h"
#include "tools/tenure/table.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define AMOUNT(name, value)                                                                        \
    char name[AMOUNT_TEXT_SIZE];                                                                   \
    units_amount_text(name, value)

#define ADDRESS(name, value)                                                                       \
    char name[ADDRESS_TEXT_SIZE];                                                                  \
    address_text(name, value)

/* Opens the desk, and either prints what the node answers at `path`, or lets `show` make a table. */
static enum err explore(struct cli *cli, const char *path, enum err (*show)(struct desk *desk))
{
    struct answer *root = NULL;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err && !cli->json)
        err = show(&desk);
    else if (!err && !(err = desk_get(&desk, &root, path)))
        answer_print(stdout, root);
    answer_free(root);
    desk_close(&desk);
    return err;
}

static const char *time_text(struct cli *cli, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];

    if (ms == 0)
        return "-";
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    return cli_format(cli, "%s.%03u", text, (unsigned)(ms % 1000));
}

/* A long hexadecimal text, cut for a table; --json has it whole. */
static const char *brief(struct cli *cli, const char *hex)
{
    return strlen(hex) > 16 ? cli_format(cli, "%.16s..", hex) : hex;
}

static bool is_object(const struct answer *value)
{
    const struct answer *ignored;
    void *first = NULL;

    return answer_member(value, &first, &ignored) != NULL;
}

/* An object in one line: "event=transferred tag=10 data=(from=... to=...)". */
static void print_line(const struct answer *value)
{
    const struct answer *inner;
    const char *name, *space = "";
    void *at = NULL;
    char text[1024];

    while ((name = answer_member(value, &at, &inner))) {
        printf("%s%s=", space, name);
        space = " ";
        if (is_object(inner)) {
            putchar('(');
            print_line(inner);
            putchar(')');
        } else {
            answer_show(text, sizeof(text), inner);
            fputs(text, stdout);
        }
    }
}

static void print_list(const struct answer *list, const char *name, int depth)
{
    printf("%*s%s (%u)\n", 2 * depth, "", name, answer_count(list, ""));
    for (uint32_t i = 0; i < answer_count(list, ""); i++) {
        printf("%*s- ", 2 * depth + 2, "");
        print_line(answer_item(list, "", i));
        putchar('\n');
    }
}

/* An object's members, one a line; nested ones indented. */
static void print_members(const struct answer *value, int depth)
{
    const struct answer *inner;
    const char *name;
    void *at = NULL;
    char text[1024];

    while ((name = answer_member(value, &at, &inner))) {
        if (is_object(inner)) {
            printf("%*s%s\n", 2 * depth, "", name);
            print_members(inner, depth + 1);
        } else if (is_object(answer_item(inner, "", 0))) {
            print_list(inner, name, depth);
        } else {
            answer_show(text, sizeof(text), inner);
            printf("%*s%-*s %s\n", 2 * depth, "", 18 - 2 * depth, name, text);
        }
    }
}

/* --- blocks and transactions: as the node tells them --- */

static enum err show_blocks(struct desk *desk)
{
    struct cli *cli = desk->cli;
    struct answer *root = NULL;
    struct table table;
    enum err err = client_get(&desk->client, &root, &cli->fault, "/v1/blocks?limit=%s%s%s",
                              cli_text(cli, "limit"), cli_has(cli, "from") ? "&from=" : "",
                              cli_has(cli, "from") ? cli_text(cli, "from") : "");

    if (err)
        return err;
    table_init(&table, cli, "#height|time (UTC)|#view|#proposer|#transactions|digest|state root");
    for (uint32_t i = 0; i < answer_count(root, "blocks"); i++) {
        const struct answer *block = answer_item(root, "blocks", i);
        table_cell(&table, "%" PRIu64, answer_number(block, "height"));
        table_cell(&table, "%s", time_text(cli, answer_number(block, "time_ms")));
        table_cell(&table, "%" PRIu64, answer_number(block, "view"));
        table_cell(&table, "%" PRIu64, answer_number(block, "proposer"));
        table_cell(&table, "%" PRIu64, answer_number(block, "transactions"));
        table_cell(&table, "%s", brief(cli, answer_text(block, "digest")));
        table_cell(&table, "%s", brief(cli, answer_text(block, "state_root")));
    }
    table_print(&table, stdout);
    answer_free(root);
    return ERR_NONE;
}

static enum err run_blocks(struct cli *cli)
{
    const char *from = cli_text(cli, "from");
    uint64_t number;

    if (cli_number(&number, cli, "limit", 1, 1000) ||
        (from && cli_number(&number, cli, "from", 0, UINT64_MAX)))
        return cli->fault.code;
    return explore(cli,
                   cli_format(cli, "/v1/blocks?limit=%s%s%s", cli_text(cli, "limit"),
                              from ? "&from=" : "", from ? from : ""),
                   show_blocks);
}

static enum err show_path(struct desk *desk, const char *path)
{
    struct answer *root = NULL;
    enum err err = desk_get(desk, &root, path);

    if (!err)
        print_members(root, 0);
    answer_free(root);
    return err;
}

static enum err show_block(struct desk *desk)
{
    return show_path(desk, cli_format(desk->cli, "/v1/blocks/%s", desk->cli->words[0]));
}

static enum err run_block(struct cli *cli)
{
    uint64_t height;

    if (!cli_parse_number(&height, cli->words[0], 0, UINT64_MAX))
        return fault_set(&cli->fault, ERR_USAGE, "\"%s\" is no height", cli->words[0]);
    return explore(cli, cli_format(cli, "/v1/blocks/%s", cli->words[0]), show_block);
}

static enum err show_tx(struct desk *desk)
{
    struct answer *root = NULL;
    enum err err =
        desk_get(desk, &root, cli_format(desk->cli, "/v1/transactions/%s", desk->cli->words[0]));

    if (!err && !strcmp(answer_text(root, "status"), "unknown"))
        err = fault_set(&desk->cli->fault, ERR_NOT_FOUND, "this node knows no such transaction");
    if (!err)
        print_members(root, 0);
    answer_free(root);
    return err;
}

static enum err run_tx(struct cli *cli)
{
    struct digest id;

    if (!bytes_from_hex(id.bytes, sizeof(id.bytes), cli->words[0]))
        return fault_set(&cli->fault, ERR_USAGE,
                         "\"%s\" is no transaction's id: 64 hexadecimal digits", cli->words[0]);
    return explore(cli, cli_format(cli, "/v1/transactions/%s", cli->words[0]), show_tx);
}

/* --- state: as the contracts keep it --- */

static enum err show_account(struct desk *desk)
{
    struct cli *cli = desk->cli;
    struct members_account account;
    struct address address;
    struct path path;
    enum err err = desk_address(cli, &address, cli->words[0]);

    if (err)
        return err;
    path = path_account("account/", &address);
    err = desk_state(desk, path_key(&path), &members_account_record, &account);
    if (err)
        return err == ERR_NOT_FOUND
                   ? fault_set(&cli->fault, err, "no account has the address %s", cli->words[0])
                   : err;
    ADDRESS(text, &address);
    AMOUNT(balance, &account.balance);
    printf("address       %s\n", text);
    printf("name          %.*s\n", (int)account.name.size, (const char *)account.name.data);
    printf("organisation  %.*s\n", (int)account.organisation.size,
           (const char *)account.organisation.data);
    printf("roles         %s%s\n", desk_roles_text(cli, account.roles),
           account.revoked ? " (revoked)" : "");
    printf("balance       %s\n", balance);
    printf("transactions  %" PRIu64 "\n", account.nonce);
    return ERR_NONE;
}

static enum err run_account(struct cli *cli)
{
    struct address address;

    if (desk_address(cli, &address, cli->words[0]))
        return cli->fault.code;
    ADDRESS(text, &address);
    return explore(cli, cli_format(cli, "/v1/accounts/%s", text), show_account);
}

/* The number in a key such as offer/7, which is big-endian at its end. */
static uint64_t key_number(struct bytes key)
{
    return bytes_get_u64(key.data + key.size - 8);
}

static enum err all(struct desk *desk, const char *word, const struct record *record,
                    struct lookup_list *list)
{
    return lookup_all(&desk->client, desk->arena, bytes_text(word), record, list,
                      &desk->cli->fault);
}

static enum err show_offers(struct desk *desk)
{
    static const char *const kinds[] = {"", "compute", "storage", "connection", "data"};
    static const char *const statuses[] = {"", "listed", "closing", "ended"};
    struct lookup_list offers, accounts;
    struct table table;
    enum err err = all(desk, "offer/", &offers_offer_record, &offers);

    if (!err)
        err = desk_names(desk, &accounts);
    if (err)
        return err;
    table_init(&table, desk->cli,
               "#offer|kind|provider|site|#price|#slots|#leased|status|until (UTC)");
    for (uint32_t i = 0; i < offers.count; i++) {
        const struct offers_offer *offer = offers.values[i];
        AMOUNT(price, &offer->terms.price);
        table_cell(&table, "%" PRIu64, key_number(offers.keys[i]));
        table_cell(&table, "%s", kinds[offer->kind <= OFFERS_DATA ? offer->kind : 0]);
        table_cell(&table, "%s", desk_name(desk->cli, &accounts, &offer->provider));
        table_cell(&table, "%.*s", (int)offer->terms.site.size,
                   (const char *)offer->terms.site.data);
        table_cell(&table, "%s", price);
        table_cell(&table, "%u", offer->terms.slots);
        table_cell(&table, "%u", offer->leased);
        table_cell(&table, "%s", statuses[offer->status <= OFFERS_ENDED ? offer->status : 0]);
        table_cell(&table, "%s", time_text(desk->cli, offer->terms.until_ms));
    }
    table_print(&table, stdout);
    return ERR_NONE;
}

static enum err run_offers(struct cli *cli)
{
    return explore(cli, "/v1/offers", show_offers);
}

static enum err show_leases(struct desk *desk)
{
    struct lookup_list items, accounts;
    struct table table;
    enum err err = all(desk, "item/", &leases_item_record, &items);

    if (!err)
        err = desk_names(desk, &accounts);
    if (err)
        return err;
    table_init(&table, desk->cli,
               "#lease|#item|#offer|#slot|provider|#price|#stake|#segments|#paid|ended");
    for (uint32_t i = 0; i < items.count; i++) {
        const struct leases_item *item = items.values[i];
        const uint8_t *end = items.keys[i].data + items.keys[i].size;
        AMOUNT(price, &item->price);
        AMOUNT(stake, &item->stake);
        AMOUNT(paid, &item->paid);
        table_cell(&table, "%" PRIu64, bytes_get_u64(end - 12));
        table_cell(&table, "%u", bytes_get_u32(end - 4));
        table_cell(&table, "%" PRIu64, item->offer);
        table_cell(&table, "%u", item->slot);
        table_cell(&table, "%s", desk_name(desk->cli, &accounts, &item->provider));
        table_cell(&table, "%s", price);
        table_cell(&table, "%s", stake);
        table_cell(&table, "%u", item->segments);
        table_cell(&table, "%s", paid);
        table_cell(&table, "%s", item->ended_ms ? leases_reason_name(item->reason) : "");
    }
    table_print(&table, stdout);
    return ERR_NONE;
}

static enum err run_leases(struct cli *cli)
{
    return explore(cli, "/v1/leases", show_leases);
}

static enum err show_job(struct desk *desk)
{
    struct job_view view;
    uint64_t number;
    enum err err = job_view_number(desk->cli, &number);

    if (!err)
        err = job_view_load(desk, &view, number);
    if (!err)
        job_view_print(desk->cli, &view);
    return err;
}

static enum err run_job(struct cli *cli)
{
    uint64_t number;

    if (job_view_number(cli, &number))
        return cli->fault.code;
    return explore(cli, cli_format(cli, "/v1/jobs/%" PRIu64, number), show_job);
}

static enum err show_jobs(struct desk *desk)
{
    struct lookup_list jobs, progress, accounts;
    struct table table;
    enum err err = all(desk, "job/", &jobs_job_record, &jobs);

    if (!err)
        err = all(desk, "progress/", &jobs_progress_record, &progress);
    if (!err)
        err = desk_names(desk, &accounts);
    if (err)
        return err;
    table_init(&table, desk->cli,
               "#job|name|consumer|status|#round|#rounds|#workers|#paid|submitted (UTC)");
    for (uint32_t i = 0; i < jobs.count && i < progress.count; i++) {
        const struct jobs_job *job = jobs.values[i];
        const struct jobs_progress *at = progress.values[i];
        AMOUNT(paid, &at->paid);
        table_cell(&table, "%" PRIu64, key_number(jobs.keys[i]));
        table_cell(&table, "%.*s", (int)job->terms.name.size, (const char *)job->terms.name.data);
        table_cell(&table, "%s", desk_name(desk->cli, &accounts, &job->consumer));
        table_cell(&table, "%s",
                   at->status == JOBS_ENDED ? leases_reason_name(at->reason)
                                            : job_view_status_name(at->status));
        table_cell(&table, "%u", at->round);
        table_cell(&table, "%u", job->terms.rounds);
        table_cell(&table, "%u", job->terms.workers);
        table_cell(&table, "%s", paid);
        table_cell(&table, "%s", time_text(desk->cli, job->submitted_ms));
    }
    table_print(&table, stdout);
    return ERR_NONE;
}

static enum err run_jobs(struct cli *cli)
{
    return explore(cli, "/v1/jobs", show_jobs);
}

static enum err show_validators(struct desk *desk)
{
    struct lookup_list validators, accounts;
    struct table table;
    enum err err = all(desk, "validator/", &validator_record, &validators);

    if (!err)
        err = desk_names(desk, &accounts);
    if (err)
        return err;
    table_init(&table, desk->cli, "#seat|name|replayer|organisation|#epoch revealed|public key");
    for (uint32_t i = 0; i < validators.count; i++) {
        const struct validator *validator = validators.values[i];
        char hex[2 * SIGN_PUBLIC_SIZE + 1];
        bytes_to_hex(hex, bytes_of(validator->public_key.bytes, SIGN_PUBLIC_SIZE));
        table_cell(&table, "%u", validators.keys[i].data[validators.keys[i].size - 1]);
        table_cell(&table, "%.*s", (int)validator->name.size, (const char *)validator->name.data);
        table_cell(&table, "%s", desk_name(desk->cli, &accounts, &validator->replayer));
        table_cell(&table, "%.*s", (int)validator->organisation.size,
                   (const char *)validator->organisation.data);
        table_cell(&table, "%" PRIu64, validator->revealed_epoch);
        table_cell(&table, "%s", brief(desk->cli, hex));
    }
    table_print(&table, stdout);
    return ERR_NONE;
}

static enum err run_validators(struct cli *cli)
{
    return explore(cli, "/v1/validators", show_validators);
}

static const struct cli_option blocks_options[] = {
    {"from", "HEIGHT", "the first height (default: the newest blocks)", NULL},
    {"limit", "N", "how many at most", "20"},
};

static const struct cli_command commands[] = {
    {"explore blocks", "", 0, 0, "list blocks", "  tenure explore blocks --from 100 --limit 10",
     blocks_options, 2, run_blocks},
    {"explore block", "HEIGHT", 1, 1, "show a block with its certificate and transactions",
     "  tenure explore block 42", NULL, 0, run_block},
    {"explore tx", "ID", 1, 1, "show a transaction's receipt with its events",
     "  tenure explore tx 9f0c...e1", NULL, 0, run_tx},
    {"explore account", "ADDRESS", 1, 1, "show an account", "  tenure explore account tnr1...",
     NULL, 0, run_account},
    {"explore offers", "", 0, 0, "list offers", "  tenure explore offers", NULL, 0, run_offers},
    {"explore leases", "", 0, 0, "list what was leased, from whom, and what was paid",
     "  tenure explore leases", NULL, 0, run_leases},
    {"explore jobs", "", 0, 0, "list jobs", "  tenure explore jobs", NULL, 0, run_jobs},
    {"explore job", "JOB", 1, 1, "show a job: every segment, who did it, what became of it",
     "  tenure explore job 1", NULL, 0, run_job},
    {"explore validators", "", 0, 0, "list validators and their replayers",
     "  tenure explore validators", NULL, 0, run_validators},
};

const struct cli_noun cmd_explore = {commands, sizeof(commands) / sizeof(commands[0])};
