#include "tools/tenure/cmd.h"

#include "contracts/challenge.h"
#include "contracts/path.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/job_view.h"
#include "tools/tenure/table.h"

#include <inttypes.h>
#include <string.h>

static const char *const status_names[] = {"unknown", "open", "upheld", "refuted", "undecided"};

static const char *status_name(uint8_t status)
{
    return status_names[status <= CHALLENGE_UNDECIDED ? status : 0];
}

/* --- which segment --- */

/* JOB ROUND SLOT and --interval. */
static enum err read_place(struct cli *cli, struct jobs_segment *segment, uint16_t *interval)
{
    uint64_t job, round, slot, number;

    if (!cli_parse_number(&job, cli->words[0], 1, UINT64_MAX) ||
        !cli_parse_number(&round, cli->words[1], 0, JOBS_ROUNDS_MAX) ||
        !cli_parse_number(&slot, cli->words[2], 0, JOBS_WORKERS_MAX - 1))
        return fault_set(&cli->fault, ERR_USAGE,
                         "JOB ROUND SLOT are numbers: jobs from 1, rounds and slots from 0");
    if (cli_number(&number, cli, "interval", 0, JOBS_INTERVALS_MAX - 1))
        return cli->fault.code;
    *segment = (struct jobs_segment){.job = job, .round = (uint32_t)round, .slot = (uint16_t)slot};
    *interval = (uint16_t)number;
    return ERR_NONE;
}

/* The attempt that was paid: each segment has one at most. */
static enum err find_paid(struct desk *desk, struct jobs_segment *segment,
                          struct jobs_result *result)
{
    struct path path = path_1("result/", segment->job);
    struct lookup_list list;
    enum err err;

    path_u32(&path, segment->round);
    path_u16(&path, segment->slot);
    err = lookup_all(&desk->client, desk->arena, path_key(&path), &jobs_result_record, &list,
                     &desk->cli->fault);
    for (uint32_t i = 0; !err && i < list.count; i++) {
        *result = *(struct jobs_result *)list.values[i];
        segment->attempt = bytes_get_u16(list.keys[i].data + list.keys[i].size - 2);
        if (result->reason == LEASES_COMPLETED)
            return ERR_NONE;
    }
    return err ? err
               : fault_set(&desk->cli->fault, ERR_NOT_FOUND,
                           "no segment of job %" PRIu64 " round %u slot %u was paid (see tenure "
                           "job status %" PRIu64 ")",
                           segment->job, segment->round, segment->slot, segment->job);
}

/* --- its leaves --- */

/* The block of this time: the times of blocks ascend. */
static enum err find_block(struct desk *desk, uint64_t time_ms, uint64_t *height)
{
    struct answer *root = NULL;
    enum err err = desk_get(desk, &root, "/v1/status");
    uint64_t low = 0, high = answer_number(root, "height");

    while (!err && low < high) {
        uint64_t middle = low + (high - low) / 2;
        answer_free(root);
        root = NULL;
        err = desk_get(desk, &root, cli_format(desk->cli, "/v1/blocks/%" PRIu64, middle));
        if (answer_number(root, "time_ms") < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    answer_free(root);
    *height = low;
    return err;
}

/* The trace as it was when the segment was paid: the slot's next segment has overwritten it. */
static enum err past_trace(struct desk *desk, struct bytes key, uint64_t paid_ms,
                           struct jobs_trace *trace)
{
    struct cli *cli = desk->cli;
    struct answer *root = NULL;
    char *hex = arena_alloc(desk->arena, 2 * key.size + 1);
    const char *text;
    uint64_t height;
    uint8_t *raw;
    enum err err = find_block(desk, paid_ms, &height);

    bytes_to_hex(hex, key);
    if (!err)
        err =
            desk_get(desk, &root, cli_format(cli, "/v1/proof?key=%s&height=%" PRIu64, hex, height));
    if (!err) {
        text = answer_text(root, "value");
        raw = arena_alloc(desk->arena, strlen(text) / 2 + 1);
        if (!raw || !bytes_from_hex(raw, strlen(text) / 2, text))
            err = fault_set(&cli->fault, ERR_MALFORMED, "the node's answer has no value");
        else
            err = record_unpack(desk->arena, &jobs_trace_record, trace,
                                bytes_of(raw, strlen(text) / 2), &cli->fault);
    }
    answer_free(root);
    return err;
}

static bool is_of(const struct jobs_trace *trace, const struct jobs_segment *segment)
{
    return trace->segment.round == segment->round && trace->segment.attempt == segment->attempt;
}

static enum err find_leaves(struct desk *desk, const struct jobs_segment *segment,
                            const struct jobs_result *result, struct jobs_trace *trace)
{
    struct path path = path_part("trace/", segment->job, segment->slot);
    enum err err = desk_state(desk, path_key(&path), &jobs_trace_record, trace);

    if (!err && !is_of(trace, segment))
        err = past_trace(desk, path_key(&path), result->ended_ms, trace);
    if (!err && !is_of(trace, segment))
        err = fault_set(&desk->cli->fault, ERR_NOT_FOUND,
                        "the nodes' state no longer has the leaves of this segment");
    return err;
}

/* --- the commands --- */

static enum err run_raise(struct cli *cli)
{
    struct challenge_raise args;
    struct jobs_result result = {.ended_ms = 0};
    struct jobs_trace trace;
    struct desk_calls calls = {0};
    struct sender_outcome outcome;
    struct desk desk;
    uint64_t number = 0;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = read_place(cli, &args.segment, &args.interval);
    if (!err)
        err = find_paid(&desk, &args.segment, &result);
    if (!err)
        err = find_leaves(&desk, &args.segment, &result, &trace);
    if (!err)
        err = desk_sign(&desk);
    if (!err) {
        args.leaves = trace.leaves;
        args.leaf_count = trace.leaf_count;
        err = desk_call(&desk, &calls, CATALOG_CHALLENGES, CHALLENGE_RAISE, &args);
    }
    if (!err && !(err = desk_send(&desk, &calls, &outcome))) {
        if (desk_event(&outcome, "challenge_raised", "challenge", &number))
            cli_say(cli, "challenge %" PRIu64 " is open: every replayer repeats interval %u",
                    number, args.interval);
        sender_outcome_release(&outcome);
    }
    desk_close(&desk);
    return err;
}

static void print_list(struct cli *cli, const struct lookup_list *list,
                       const struct lookup_list *accounts)
{
    struct table table;
    char bond[AMOUNT_TEXT_SIZE], slashed[AMOUNT_TEXT_SIZE];

    table_init(&table, cli, "#job|#round|#slot|#attempt|#interval|state|by|#bond|#slashed");
    for (uint32_t i = 0; i < list->count; i++) {
        const struct challenge *challenge = list->values[i];
        units_amount_text(bond, &challenge->bond);
        units_amount_text(slashed, &challenge->slashed);
        table_cell(&table, "%" PRIu64, challenge->segment.job);
        table_cell(&table, "%u", challenge->segment.round);
        table_cell(&table, "%u", challenge->segment.slot);
        table_cell(&table, "%u", challenge->segment.attempt);
        table_cell(&table, "%u", challenge->interval);
        table_cell(&table, "%s", status_name(challenge->status));
        table_cell(&table, "%s", desk_name(cli, accounts, &challenge->challenger));
        table_cell(&table, "%s", bond);
        table_cell(&table, "%s", slashed);
    }
    table_print(&table, stdout);
}

/* What the API says of those keys. */
static enum err print_json(struct desk *desk, struct bytes prefix)
{
    struct answer *root = NULL;
    char *hex = arena_alloc(desk->arena, 2 * prefix.size + 1);
    enum err err;

    bytes_to_hex(hex, prefix);
    err = desk_get(desk, &root, cli_format(desk->cli, "/v1/state?prefix=%s&limit=1000", hex));
    if (!err)
        answer_print(stdout, root);
    answer_free(root);
    return err;
}

static enum err run_list(struct cli *cli)
{
    struct lookup_list list = {0}, accounts;
    struct path path = path_of("challenged/");
    struct desk desk;
    uint64_t job;
    enum err err = desk_open(&desk, cli);

    if (!err && cli->word_count) {
        err = job_view_number(cli, &job);
        path = path_1("challenged/", job);
    }
    if (!err && cli->json) {
        err = print_json(&desk, path_key(&path));
    } else if (!err) {
        err = lookup_all(&desk.client, desk.arena, path_key(&path), &challenge_record, &list,
                         &cli->fault);
        if (!err)
            err = desk_names(&desk, &accounts);
        if (!err)
            print_list(cli, &list, &accounts);
    }
    desk_close(&desk);
    return err;
}

static const struct cli_option raise_options[] = {
    {"interval", "K", "which interval of the segment is named false, from 0", NULL}};

static const struct cli_command commands[] = {
    {"challenge raise", "JOB ROUND SLOT", 3, 3,
     "name an interval of a paid segment false; the bond is lost if it was true",
     "  tenure challenge raise 1 0 2 --interval 3", raise_options, 1, run_raise},
    {"challenge list", "[JOB]", 0, 1, "show what was challenged, and what became of it",
     "  tenure challenge list 1", NULL, 0, run_list},
};

const struct cli_noun cmd_challenge = {commands, sizeof(commands) / sizeof(commands[0])};
