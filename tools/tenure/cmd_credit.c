#include "tools/tenure/cmd.h"

#include "contracts/credits.h"
#include "contracts/members.h"
#include "contracts/path.h"
#include "tools/tenure/desk.h"

#include <stdlib.h>

/* Says what the contract would, with the figures, before a nonce is spent on it. */
static enum err check_balance(struct desk *desk, const struct amount *amount)
{
    struct members_account account;
    struct path path = path_account("account/", &desk->sender.address);
    char has[AMOUNT_TEXT_SIZE], needs[AMOUNT_TEXT_SIZE], who[ADDRESS_TEXT_SIZE];
    enum err err = desk_state(desk, path_key(&path), &members_account_record, &account);

    if (err || units_amount_compare(&account.balance, amount) >= 0)
        return err;
    units_amount_text(has, &account.balance);
    units_amount_text(needs, amount);
    address_text(who, &desk->sender.address);
    return fault_set(&desk->cli->fault, ERR_MISMATCH,
                     "the balance of %s is %s and does not cover %s", who, has, needs);
}

static enum err run_transfer(struct cli *cli)
{
    struct credits_transfer args = {.memo = bytes_text(cli_text(cli, "memo"))};
    struct desk_calls calls = {0};
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = desk_address(cli, &args.to, cli->words[0]);
    if (!err && !units_amount_parse(&args.amount, cli->words[1]))
        err = fault_set(&cli->fault, ERR_USAGE,
                        "\"%s\" is no amount: a whole number of at most 256 bits", cli->words[1]);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = check_balance(&desk, &args.amount);
    if (!err)
        err = desk_call(&desk, &calls, CATALOG_CREDITS, CREDITS_TRANSFER, &args);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    return err;
}

static enum err run_balance(struct cli *cli)
{
    const char *who = cli->word_count ? cli->words[0] : cli_text(cli, "key");
    struct members_account account;
    char amount[AMOUNT_TEXT_SIZE], text[ADDRESS_TEXT_SIZE];
    struct address address;
    struct path path;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!who)
        who = getenv("TENURE_KEY");
    if (!err && !who)
        err = fault_set(&cli->fault, ERR_USAGE,
                        "whose balance? Give an address, --key FILE or TENURE_KEY");
    if (!err)
        err = desk_address(cli, &address, who);
    if (!err) {
        path = path_account("account/", &address);
        err = desk_state(&desk, path_key(&path), &members_account_record, &account);
    }
    desk_close(&desk);
    if (err)
        return err;
    units_amount_text(amount, &account.balance);
    address_text(text, &address);
    if (cli->json)
        printf("{\"address\":\"%s\",\"balance\":\"%s\"}\n", text, amount);
    cli_say(cli, "%s", amount);
    return ERR_NONE;
}

static const struct cli_option transfer_options[] = {
    {"memo", "TEXT", "kept with the transaction, at most 64 bytes", ""}};

static const struct cli_command commands[] = {
    {"credit transfer", "TO AMOUNT", 2, 2, "pay credits to an account: tnr1... or a key file",
     "  tenure credit transfer tnr1... 2500 --memo \"for the data\"", transfer_options, 1,
     run_transfer},
    {"credit balance", "[ADDRESS]", 0, 1, "print an account's free credits (default: of --key)",
     "  tenure credit balance tnr1...", NULL, 0, run_balance},
};

const struct cli_noun cmd_credit = {commands, sizeof(commands) / sizeof(commands[0])};
