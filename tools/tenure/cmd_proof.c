#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "tools/sys/file.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/proof.h"

#include <inttypes.h>
#include <stdlib.h>

/* A proof file: 256 levels of path, a value, and all changes of the validators, in hexadecimal; as much as a node answers. */
#define FILE_BYTES_MAX CLIENT_ANSWER_BYTES

static enum err run_prove(struct cli *cli)
{
    char hex[2 * LIMIT_KEY_BYTES + 1];
    struct client_reply reply;
    const char *path, *out;
    struct bytes key;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = proof_parse_key(&cli->arena, &key, cli->words[0], &cli->fault);
    if (!err)
        err = cli_need(&out, cli, "out");
    if (!err) {
        bytes_to_hex(hex, key);
        path =
            cli_format(cli, "/v1/proof?key=%s%s%s", hex, cli_has(cli, "height") ? "&height=" : "",
                       cli_has(cli, "height") ? cli_text(cli, "height") : "");
        err =
            client_call(&desk.client, &reply, CLIENT_GET, path, bytes_of(NULL, 0), 0, &cli->fault);
        if (!err && reply.status != 200)
            err = client_refusal(&desk.client, &reply, path, &cli->fault);
        if (!err)
            err = file_write(out, reply.body, 0644, &cli->fault);
    }
    desk_close(&desk);
    if (!err && cli->json)
        printf("{\"file\":%s}\n", cli_quote(cli, out));
    if (!err)
        cli_say(cli, "%s: check it anywhere with \"tenure verify %s --genesis genesis.bin\"", out,
                out);
    return err;
}

/* The value as its record's JSON, or in hexadecimal when it is of no known kind. */
static void print_value(struct cli *cli, struct text *text, const struct proof_fact *fact)
{
    const struct catalog_state *state = catalog_state(fact->key);
    void *value = state ? arena_alloc(&cli->arena, state->record->size) : NULL;
    char *hex;

    if (fact->value.size == 0) {
        text_add(text, "null");
    } else if (value && !record_unpack(&cli->arena, state->record, value, fact->value, NULL)) {
        record_json(text, state->record, value);
    } else {
        hex = arena_alloc(&cli->arena, 2 * fact->value.size + 1);
        CHECK(hex != NULL);
        bytes_to_hex(hex, fact->value);
        text_add(text, "\"%s\"", hex);
    }
}

static void print_fact(struct cli *cli, const struct proof_fact *fact)
{
    char chain[DIGEST_TEXT_SIZE];
    struct answer *root = NULL;
    struct text key, value;

    text_init(&key, 1u << 16);
    text_init(&value, 1u << 20);
    catalog_key_text(&key, fact->key);
    print_value(cli, &value, fact);
    digest_text(chain, &fact->chain);
    if (cli->json)
        printf("{\"verified\":true,\"chain\":\"%s\",\"height\":%" PRIu64 ",\"time_ms\":%" PRIu64
               ",\"signatures\":%u,\"validators\":%u,\"key\":\"%s\",\"value\":%s}\n",
               chain, fact->height, fact->time_ms, fact->signatures, fact->validators,
               text_string(&key), text_string(&value));
    cli_say(cli,
            "verified: %u of the %u validators of chain %.16s.. certify that after block %" PRIu64
            "%s %s",
            fact->signatures, fact->validators, chain, fact->height,
            fact->value.size ? "" : " there is no", text_string(&key));
    if (!cli->json && fact->value.size &&
        !answer_parse(&root, bytes_text(text_string(&value)), &cli->fault))
        answer_print(stdout, root);
    answer_free(root);
    text_release(&key);
    text_release(&value);
}

static enum err run_verify(struct cli *cli)
{
    uint8_t *file = NULL, *genesis = NULL;
    size_t file_size, genesis_size;
    struct answer *root = NULL;
    struct proof_fact fact;
    const char *path;
    enum err err = cli_need(&path, cli, "genesis");

    if (!err)
        err = file_read(&genesis, &genesis_size, path, 64u << 20, &cli->fault);
    if (!err)
        err = file_read(&file, &file_size, cli->words[0], FILE_BYTES_MAX, &cli->fault);
    if (!err)
        err = answer_parse(&root, bytes_of(file, file_size), &cli->fault);
    if (!err)
        err = proof_check(&cli->arena, &fact, root, bytes_of(genesis, genesis_size), &cli->fault);
    if (!err)
        print_fact(cli, &fact);
    answer_free(root);
    free(genesis);
    free(file);
    return err;
}

static const struct cli_option prove_options[] = {
    {"out", "FILE", "where to write the proof", NULL},
    {"height", "HEIGHT", "after which block (default: the newest)", NULL},
};
static const struct cli_option verify_options[] = {
    {"genesis", "FILE", "the chain's genesis record, from a source you trust", NULL}};

static const struct cli_command commands[] = {
    {"prove", "KEY", 1, 1, "write a file that proves a value of the state, or that there is none",
     "  tenure prove result/1/1/1/0 --out cheat.json     (job, round, slot, attempt)",
     prove_options, 2, run_prove},
    {"verify", "FILE", 1, 1, "check such a file offline, trusting only the genesis record",
     "  tenure verify cheat.json --genesis demo/genesis.bin", verify_options, 1, run_verify},
};

const struct cli_noun cmd_proof = {commands, sizeof(commands) / sizeof(commands[0])};
