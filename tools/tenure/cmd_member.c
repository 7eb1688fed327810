#include "tools/tenure/cmd.h"

#include "contracts/members.h"
#include "tools/tenure/desk.h"

/* Runs `fill` to make the calls, and signs and sends them. */
static enum err send(struct cli *cli, enum err (*fill)(struct desk *desk, struct desk_calls *calls))
{
    struct desk_calls calls = {0};
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = fill(&desk, &calls);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    return err;
}

static enum err fill_add(struct desk *desk, struct desk_calls *calls)
{
    struct cli *cli = desk->cli;
    struct members_register args = {.name = bytes_text(cli_text(cli, "name")),
                                    .organisation = bytes_text(cli_text(cli, "organisation"))};
    const char *roles;
    enum err err = cli_need(&roles, cli, "roles");

    if (err)
        return err;
    if (!bytes_from_hex(args.public_key.bytes, SIGN_PUBLIC_SIZE, cli->words[0]))
        return fault_set(&cli->fault, ERR_USAGE,
                         "\"%s\" is no public key: 66 hexadecimal digits (tenure key show)",
                         cli->words[0]);
    err = desk_roles(cli, &args.roles, roles);
    return err ? err : desk_call(desk, calls, CATALOG_MEMBERS, MEMBERS_REGISTER, &args);
}

static enum err fill_roles(struct desk *desk, struct desk_calls *calls)
{
    struct members_set_roles args;
    enum err err = desk_address(desk->cli, &args.address, desk->cli->words[0]);

    if (!err)
        err = desk_roles(desk->cli, &args.roles, desk->cli->words[1]);
    return err ? err : desk_call(desk, calls, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &args);
}

static enum err fill_subject(struct desk *desk, struct desk_calls *calls, uint8_t method)
{
    struct members_subject args;
    enum err err = desk_address(desk->cli, &args.address, desk->cli->words[0]);

    return err ? err : desk_call(desk, calls, CATALOG_MEMBERS, method, &args);
}

static enum err fill_revoke(struct desk *desk, struct desk_calls *calls)
{
    return fill_subject(desk, calls, MEMBERS_REVOKE);
}

static enum err fill_restore(struct desk *desk, struct desk_calls *calls)
{
    return fill_subject(desk, calls, MEMBERS_RESTORE);
}

static enum err run_add(struct cli *cli)
{
    return send(cli, fill_add);
}

static enum err run_roles(struct cli *cli)
{
    return send(cli, fill_roles);
}

static enum err run_revoke(struct cli *cli)
{
    return send(cli, fill_revoke);
}

static enum err run_restore(struct cli *cli)
{
    return send(cli, fill_restore);
}

static const struct cli_option add_options[] = {
    {"roles", "ROLES", "provider, consumer, replayer, auditor, separated by commas", NULL},
    {"name", "TEXT", "of the member, for people", ""},
    {"organisation", "TEXT", "members of one organisation never audit each other", ""},
};

static const struct cli_command commands[] = {
    {"member add", "PUBLIC-KEY", 1, 1, "let a key take part, in some roles (an operator signs)",
     "  tenure member add 02a1...ff --roles provider --organisation lab-a --name alice",
     add_options, 3, run_add},
    {"member roles", "ADDRESS ROLES", 2, 2, "give a member other roles (an operator signs)",
     "  tenure member roles tnr1... provider,consumer", NULL, 0, run_roles},
    {"member revoke", "ADDRESS", 1, 1,
     "close an account to new transactions, leases and audits (an operator signs)",
     "  tenure member revoke tnr1...", NULL, 0, run_revoke},
    {"member restore", "ADDRESS", 1, 1, "open a revoked account again (an operator signs)",
     "  tenure member restore tnr1...", NULL, 0, run_restore},
};

const struct cli_noun cmd_member = {commands, sizeof(commands) / sizeof(commands[0])};
