#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/form.h"

#include <string.h>

static enum err find_method(struct cli *cli, const struct catalog_method **method,
                            uint8_t *contract)
{
    *method = catalog_find(cli->words[0], cli->words[1], contract);
    if (*method)
        return ERR_NONE;
    return fault_set(&cli->fault, ERR_USAGE,
                     "no contract \"%s\" has a method \"%s\"; \"tenure methods\" lists them all",
                     cli->words[0], cli->words[1]);
}

static enum err run_call(struct cli *cli)
{
    const struct catalog_method *method;
    struct desk_calls calls = {0};
    struct desk desk;
    uint8_t contract;
    void *args = NULL;
    enum err err = find_method(cli, &method, &contract);

    if (err)
        return err;
    args = arena_alloc(&cli->arena, method->args->size);
    CHECK(args != NULL);
    err = form_fill(&cli->arena, method->args, args, cli->words + 2, cli->word_count - 2,
                    &cli->fault);
    if (err)
        return err;
    err = desk_open(&desk, cli);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_call(&desk, &calls, contract, method->number, args);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    return err;
}

static void describe_json(struct text *text, const struct catalog_entry *entry,
                          const struct catalog_method *method)
{
    text_add(text, "%s{\"contract\":\"%s\",\"method\":\"%s\",\"fields\":[",
             text->size > 1 ? ",\n " : "", entry->name, method->name);
    for (uint32_t i = 0; i < method->args->field_count; i++)
        text_add(text, "%s\"%s\"", i ? "," : "", method->args->fields[i].name);
    text_add(text, "]}");
}

static enum err run_methods(struct cli *cli)
{
    struct text text;
    bool found = false;

    text_init(&text, 1u << 20);
    text_add(&text, "%s", cli->json ? "[" : "");
    for (uint32_t i = 0; i < catalog_contract_count; i++) {
        const struct catalog_entry *entry = &catalog_contracts[i];
        if (cli->word_count && strcmp(cli->words[0], entry->name))
            continue;
        found = true;
        for (uint32_t j = 0; j < entry->method_count; j++) {
            if (cli->json) {
                describe_json(&text, entry, &entry->methods[j]);
                continue;
            }
            text_add(&text, "%s %s\n", entry->name, entry->methods[j].name);
            form_describe(&text, entry->methods[j].args);
        }
    }
    text_add(&text, "%s", cli->json ? "]\n" : "");
    if (found)
        fputs(text_string(&text), stdout);
    text_release(&text);
    return found ? ERR_NONE
                 : fault_set(&cli->fault, ERR_USAGE, "there is no contract \"%s\"", cli->words[0]);
}

static const struct cli_command commands[] = {
    {"call", "CONTRACT METHOD [FIELD=VALUE ...]", 2, CLI_WORDS_MAX,
     "call any method of any contract, with its arguments by name",
     "  tenure call jobs cancel job=3", NULL, 0, run_call},
    {"methods", "[CONTRACT]", 0, 1, "list the contracts' methods with their arguments",
     "  tenure methods jobs", NULL, 0, run_methods},
};

const struct cli_noun cmd_call = {commands, sizeof(commands) / sizeof(commands[0])};
