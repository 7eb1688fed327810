#include "tools/tenure/cmd.h"

#include "base/address.h"
#include "tools/sys/keyfile.h"
#include "tools/sys/random.h"

#include <stdlib.h>

static enum err show(struct cli *cli, const char *path)
{
    char address[ADDRESS_TEXT_SIZE], hex[2 * SIGN_PUBLIC_SIZE + 1];
    struct sign_public public;
    struct address of;
    enum err err = keyfile_public(&public, path, &cli->fault);

    if (err)
        return err;
    of = address_of(&public);
    address_text(address, &of);
    bytes_to_hex(hex, bytes_of(public.bytes, sizeof(public.bytes)));
    if (cli->json)
        printf("{\"file\":%s,\"address\":\"%s\",\"public_key\":\"%s\"}\n", cli_quote(cli, path),
               address, hex);
    cli_say(cli, "file        %s\naddress     %s\npublic key  %s", path, address, hex);
    return ERR_NONE;
}

static enum err run_new(struct cli *cli)
{
    const char *source = cli_text(cli, "passphrase");
    struct keyfile_passphrase passphrase;
    struct sign_public public;
    struct sign_secret secret;
    enum err err;

    if (!source && !(source = getenv("TENURE_PASSPHRASE")))
        source = "terminal";
    err = keyfile_passphrase_read(&passphrase, source, cli->words[0], true, &cli->fault);
    if (err)
        return err;
    do
        random_fill(secret.bytes, sizeof(secret.bytes));
    while (!sign_public_of(&public, &secret));
    err = keyfile_create(cli->words[0], &secret, &passphrase, &cli->fault);
    sign_secret_clear(&secret);
    keyfile_passphrase_clear(&passphrase);
    return err ? err : show(cli, cli->words[0]);
}

static enum err run_show(struct cli *cli)
{
    return show(cli, cli->words[0]);
}

static const struct cli_command commands[] = {
    {"key new", "FILE", 1, 1, "make a key and write it, encrypted, to a new file",
     "  tenure key new alice.key", NULL, 0, run_new},
    {"key show", "FILE", 1, 1, "print a key file's address and public key; needs no passphrase",
     "  tenure key show alice.key", NULL, 0, run_show},
};

const struct cli_noun cmd_key = {commands, sizeof(commands) / sizeof(commands[0])};
