#include "tools/tenure/desk.h"

#include "base/check.h"
#include "contracts/members.h"
#include "net/blob.h"
#include "tools/sys/file.h"
#include "tools/sys/keyfile.h"
#include "tools/tenure/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An option's value, else that of a variable of the environment, else NULL. */
static const char *option_or(const struct cli *cli, const char *option, const char *variable)
{
    const char *text = cli_text(cli, option);

    return text ? text : getenv(variable);
}

enum err desk_open(struct desk *desk, struct cli *cli)
{
    const char *nodes[CLIENT_NODES_MAX + 1], *node;
    uint32_t count = 0, at = 0;
    uint64_t timeout_s;
    enum err err;

    memset(desk, 0, sizeof(*desk));
    desk->cli = cli;
    desk->arena = &cli->arena;
    while (count <= CLIENT_NODES_MAX && (node = cli_next(cli, "node", &at)))
        nodes[count++] = node;
    if (!count && getenv("TENURE_NODE")) {
        char *rest = cli_format(cli, "%s", getenv("TENURE_NODE"));
        while (count <= CLIENT_NODES_MAX && (node = strsep(&rest, " ")))
            if (node[0])
                nodes[count++] = node;
    }
    if (cli_number(&timeout_s, cli, "timeout", 1, 86400))
        return cli->fault.code;
    desk->timeout_ms = timeout_s * 1000;
    err = client_init(&desk->client, nodes, count, &cli->fault);
    desk->client.authority = option_or(cli, "authority", "TENURE_AUTHORITY");
    desk->client.certificate = option_or(cli, "certificate", "TENURE_CERTIFICATE");
    desk->client.certificate_key = option_or(cli, "certificate-key", "TENURE_CERTIFICATE_KEY");
    return err;
}

static void on_warning(void *self, const char *sentence)
{
    cli_progress_end(self);
    fprintf(stderr, "tenure: %s\n", sentence);
}

static void on_progress(void *self, const char *verb, uint32_t done, uint32_t count)
{
    cli_progress(self, "%s chunk %u of %u (%u %%)", verb, done, count,
                 (uint32_t)((uint64_t)done * 100 / count));
}

enum err desk_open_bulk(struct desk *desk, struct cli *cli)
{
    const char *folder = option_or(cli, "cache", "TENURE_CACHE");
    enum err err = desk_open(desk, cli);

    desk->client.watcher = cli;
    desk->client.warn = on_warning;
    desk->client.progress = on_progress;
    if (!err && cli_text(cli, "rate"))
        err = cli_number(&desk->client.throttle.rate, cli, "rate", 1000, 1000000000000);
    if (!err && folder && folder[0])
        err = transfer_cache(&desk->client.cache, &desk->cache_lock, folder, DESK_CACHE_BYTES,
                             &cli->fault);
    return err;
}

const char *desk_key_path(const struct cli *cli)
{
    return option_or(cli, "key", "TENURE_KEY");
}

enum err desk_key(struct cli *cli, struct sign_secret *secret)
{
    const char *path = desk_key_path(cli);
    const char *source = option_or(cli, "passphrase", "TENURE_PASSPHRASE");
    struct keyfile_passphrase passphrase;
    struct sign_public public;
    enum err err;

    if (!path)
        return fault_set(&cli->fault, ERR_USAGE, "who signs? Give --key FILE or set TENURE_KEY");
    if (!source)
        source = "terminal";
    if ((err = keyfile_public(&public, path, &cli->fault)))
        return err;
    err = keyfile_passphrase_read(&passphrase, source, path, false, &cli->fault);
    if (!err)
        err = keyfile_open(secret, &public, path, &passphrase, &cli->fault);
    keyfile_passphrase_clear(&passphrase);
    return err;
}

enum err desk_sign(struct desk *desk)
{
    struct sign_secret secret;
    enum err err = desk_key(desk->cli, &secret);

    if (!err)
        err = sender_init(&desk->sender, &desk->client, &secret, &desk->cli->fault);
    sign_secret_clear(&secret);
    return err;
}

void desk_close(struct desk *desk)
{
    desk->cli->unreachable = desk->client.unreachable;
    sender_release(&desk->sender);
    if (desk->client.cache) {
        blob_close(desk->client.cache);
        close(desk->cache_lock);
    }
    client_release(&desk->client);
}

enum err desk_call(struct desk *desk, struct desk_calls *calls, uint8_t contract, uint8_t method,
                   const void *args)
{
    const struct catalog_method *described = catalog_method(contract, method);
    struct bytes packed;

    CHECK(described != NULL);
    CHECK(calls->count < LIMIT_TX_CALLS);
    packed = record_bytes(&desk->cli->arena, described->args, args);
    if (!packed.data)
        return fault_set(&desk->cli->fault, ERR_LIMIT, "the arguments are too large");
    calls->calls[calls->count++] = (struct call){contract, method, packed};
    return ERR_NONE;
}

enum err desk_submit(struct desk *desk, struct desk_calls *calls, struct sender_outcome *outcome)
{
    struct cli *cli = desk->cli;
    enum err err = sender_send(&desk->sender, &cli->arena, outcome, calls->calls, calls->count,
                               desk->timeout_ms, &cli->fault);

    if (err == ERR_NOT_NOW)
        cli->timed_out = true;
    if (err)
        return err;
    if (outcome->verdict) {
        err = fault_set(&cli->fault, ERR_MISMATCH, "%s (%s, block %llu)", outcome->message,
                        outcome->name, (unsigned long long)outcome->height);
        if (cli->json)
            answer_print(stdout, outcome->receipt);
        sender_outcome_release(outcome);
    }
    return err;
}

enum err desk_send(struct desk *desk, struct desk_calls *calls, struct sender_outcome *outcome)
{
    struct cli *cli = desk->cli;
    struct sender_outcome own;
    char id[DIGEST_TEXT_SIZE];
    enum err err;

    cli_progress(cli, "waiting for the transaction's block ...");
    err = desk_submit(desk, calls, &own);
    cli_progress_end(cli);
    if (err)
        return err;
    digest_text(id, &own.id);
    if (cli->json)
        answer_print(stdout, own.receipt);
    cli_say(cli, "done in block %llu: transaction %s", (unsigned long long)own.height, id);
    if (outcome)
        *outcome = own;
    else
        sender_outcome_release(&own);
    return ERR_NONE;
}

bool desk_event(const struct sender_outcome *outcome, const char *name, const char *field,
                uint64_t *number)
{
    for (uint32_t i = 0; i < answer_count(outcome->receipt, "events"); i++) {
        const struct answer *event = answer_item(outcome->receipt, "events", i);
        if (strcmp(answer_text(event, "event"), name))
            continue;
        *number = answer_number(answer_at(event, "data"), field);
        return true;
    }
    return false;
}

enum err desk_get(struct desk *desk, struct answer **root, const char *path)
{
    return client_get(&desk->client, root, &desk->cli->fault, "%s", path);
}

enum err desk_state(struct desk *desk, struct bytes key, const struct record *record, void *value)
{
    return lookup_get(&desk->client, desk->arena, key, record, value, &desk->cli->fault);
}

enum err desk_names(struct desk *desk, struct lookup_list *accounts)
{
    return lookup_all(&desk->client, desk->arena, bytes_text("account/"), &members_account_record,
                      accounts, &desk->cli->fault);
}

const char *desk_name(struct cli *cli, const struct lookup_list *accounts,
                      const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];

    for (uint32_t i = 0; i < accounts->count; i++) {
        const struct members_account *account = accounts->values[i];
        struct address found = address_of(&account->public_key);
        if (address_equal(&found, address) && account->name.size)
            return cli_format(cli, "%.*s", (int)account->name.size,
                              (const char *)account->name.data);
    }
    address_text(text, address);
    return cli_format(cli, "%s", text);
}

enum err desk_address(struct cli *cli, struct address *address, const char *text)
{
    struct sign_public public;

    if (address_parse(address, text))
        return ERR_NONE;
    if (!file_exists(text) || keyfile_public(&public, text, &cli->fault))
        return fault_set(&cli->fault, ERR_USAGE, "\"%s\" is no address (tnr1...) and no key file",
                         text);
    *address = address_of(&public);
    return ERR_NONE;
}

static const char *const role_names[] = {"operator", "provider", "consumer", "replayer", "auditor"};

enum err desk_roles(struct cli *cli, uint32_t *roles, const char *text)
{
    char *rest = cli_format(cli, "%s", text), *name;
    uint32_t made = 0;

    while ((name = strsep(&rest, ","))) {
        uint32_t bit = 0;
        while (bit < 5 && strcmp(role_names[bit], name))
            bit++;
        if (bit == 5)
            return fault_set(&cli->fault, ERR_USAGE,
                             "\"%s\" is no role: operator, provider, consumer, replayer, auditor, "
                             "separated by commas",
                             name);
        made |= 1u << bit;
    }
    *roles = made;
    return ERR_NONE;
}

char *desk_roles_text(struct cli *cli, uint32_t roles)
{
    char *text = cli_format(cli, "%s", "");

    for (uint32_t bit = 0; bit < 5; bit++)
        if (roles >> bit & 1)
            text = cli_format(cli, "%s%s%s", text, text[0] ? "," : "", role_names[bit]);
    return text;
}
