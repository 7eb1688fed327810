#include "tools/tenure/job_view.h"

#include "contracts/path.h"
#include "contracts/share.h"
#include "tools/tenure/shortage.h"
#include "tools/tenure/table.h"

#include <inttypes.h>
#include <string.h>

static const char *const status_names[] = {"unknown", "waiting", "running", "closing", "ended"};
static const char *const slot_names[] = {"unknown",  "waiting", "training", "drawing",
                                         "serving",  "sealing", "opening",  "voting",
                                         "verified", "missed",  "claiming", "diverged"};

const char *job_view_status_name(uint8_t status)
{
    return status_names[status <= JOBS_ENDED ? status : 0];
}

const char *job_view_slot_name(uint8_t status)
{
    return slot_names[status <= JOBS_SLOT_CLAIMING ? status : 0];
}

enum err job_view_number(struct cli *cli, uint64_t *number)
{
    if (cli_parse_number(number, cli->words[0], 1, UINT64_MAX))
        return ERR_NONE;
    return fault_set(&cli->fault, ERR_USAGE, "\"%s\" is no job's number", cli->words[0]);
}

static enum err list(struct desk *desk, const char *word, uint64_t job, const struct record *record,
                     struct lookup_list *out)
{
    struct path path = path_1(word, job);

    return lookup_all(&desk->client, desk->arena, path_key(&path), record, out, &desk->cli->fault);
}

enum err job_view_glance(struct desk *desk, struct job_view *view, uint64_t number)
{
    struct path job = path_1("job/", number), progress = path_1("progress/", number);
    enum err err;

    memset(view, 0, sizeof(*view));
    view->number = number;
    err = desk_state(desk, path_key(&job), &jobs_job_record, &view->job);
    if (err == ERR_NOT_FOUND)
        return fault_set(&desk->cli->fault, err, "there is no job %" PRIu64, number);
    if (!err && !share_check(&view->job))
        err = fault_set(&desk->cli->fault, ERR_MALFORMED,
                        "the node's job %" PRIu64 " has no shares", number);
    if (!err)
        err = desk_state(desk, path_key(&progress), &jobs_progress_record, &view->progress);
    if (!err)
        err = list(desk, "slot/", number, &jobs_slot_record, &view->slots);
    return err;
}

enum err job_view_want(struct desk *desk, struct job_view *view)
{
    uint64_t slots = 0;

    if (view->progress.status == JOBS_WAITING)
        slots = UINT64_MAX >> (64 - view->job.terms.workers);
    for (uint32_t i = 0; i < view->slots.count && view->progress.status == JOBS_RUNNING; i++) {
        const struct jobs_slot *slot = view->slots.values[i];
        slots |= (uint64_t)(slot->status == JOBS_SLOT_WAITING) << i;
    }
    return slots ? shortage_say(desk, &view->waits, &view->job, slots, true) : ERR_NONE;
}

enum err job_view_load(struct desk *desk, struct job_view *view, uint64_t number)
{
    enum err err = job_view_glance(desk, view, number);

    if (!err)
        err = list(desk, "round/", number, &jobs_round_record, &view->rounds);
    if (!err)
        err = list(desk, "result/", number, &jobs_result_record, &view->results);
    if (!err)
        err = desk_names(desk, &view->accounts);
    return err ? err : job_view_want(desk, view);
}

struct jobs_segment job_view_place(const struct job_view *view, uint32_t index)
{
    struct bytes key = view->results.keys[index];
    const uint8_t *at = key.data + key.size - 8; /* round u32 | slot u16 | attempt u16 */

    return (struct jobs_segment){view->number, bytes_get_u32(at), bytes_get_u16(at + 4),
                                 bytes_get_u16(at + 6)};
}

void job_view_progress(struct cli *cli, const struct job_view *view)
{
    char line[512] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < view->slots.count && used < sizeof(line) - 32; i++) {
        const struct jobs_slot *slot = view->slots.values[i];
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s", i ? ", " : ": ",
                                 job_view_slot_name(slot->status));
    }
    cli_progress(cli, "job %" PRIu64 " %s, round %u of %u%s", view->number,
                 job_view_status_name(view->progress.status), view->progress.round,
                 view->job.terms.rounds, line);
}

static void print_slots(struct cli *cli, const struct job_view *view)
{
    struct table table;

    table_init(&table, cli, "#slot|#steps|#round|#attempt|status|worker");
    for (uint32_t i = 0; i < view->slots.count; i++) {
        const struct jobs_slot *slot = view->slots.values[i];
        table_cell(&table, "%u", i);
        table_cell(&table, "%u", share_of(&view->job, (uint16_t)i).steps);
        table_cell(&table, "%u", slot->round);
        table_cell(&table, "%u", slot->attempt);
        table_cell(&table, "%s", job_view_slot_name(slot->status));
        table_cell(&table, "%s",
                   slot->leased ? desk_name(cli, &view->accounts, &slot->worker) : "");
    }
    printf("\n");
    table_print(&table, stdout);
}

static void print_results(struct cli *cli, const struct job_view *view)
{
    struct table table;
    char paid[AMOUNT_TEXT_SIZE], fees[AMOUNT_TEXT_SIZE], slashed[AMOUNT_TEXT_SIZE];

    table_init(&table, cli, "#round|#slot|#attempt|worker|outcome|#paid|#replay fees|#slashed");
    for (uint32_t i = 0; i < view->results.count; i++) {
        const struct jobs_result *result = view->results.values[i];
        struct jobs_segment place = job_view_place(view, i);
        units_amount_text(paid, &result->paid);
        units_amount_text(fees, &result->fees);
        units_amount_text(slashed, &result->slashed);
        table_cell(&table, "%u", place.round);
        table_cell(&table, "%u", place.slot);
        table_cell(&table, "%u", place.attempt);
        table_cell(&table, "%s", desk_name(cli, &view->accounts, &result->worker));
        table_cell(&table, "%s",
                   result->reason == LEASES_COMPLETED ? "verified"
                                                      : leases_reason_name(result->reason));
        table_cell(&table, "%s", paid);
        table_cell(&table, "%s", fees);
        table_cell(&table, "%s", slashed);
    }
    printf("\nsegments that are settled\n");
    table_print(&table, stdout);
}

/* What f + 1 replayers found against what the worker had committed. */
static void print_evidence(const struct job_view *view)
{
    for (uint32_t i = 0; i < view->results.count; i++) {
        const struct jobs_result *result = view->results.values[i];
        struct jobs_segment place = job_view_place(view, i);
        struct digest found = trace_leaf_digest(&result->answer.leaf);
        char text[DIGEST_TEXT_SIZE];
        if (!result->decided)
            continue;
        printf("\nevidence: round %u, slot %u, attempt %u, interval %u\n", place.round, place.slot,
               place.attempt, result->answer.interval);
        digest_text(text, &result->committed);
        printf("  committed leaf  %s\n", text);
        digest_text(text, &found);
        printf("  replayed leaf   %s\n", text);
    }
}

/* Replayers that this job doesn't choose any more. */
static void print_barred(uint64_t barred)
{
    for (unsigned seat = 0; seat < LIMIT_VALIDATORS; seat++)
        if (barred >> seat & 1)
            printf("not chosen    replayer of seat %u: it was outvoted here, or its dispute was "
                   "not decided\n",
                   seat);
}

void job_view_print(struct cli *cli, const struct job_view *view)
{
    const struct jobs_submit *terms = &view->job.terms;
    char budget[AMOUNT_TEXT_SIZE], paid[AMOUNT_TEXT_SIZE], fees[AMOUNT_TEXT_SIZE],
        root[DIGEST_TEXT_SIZE];

    units_amount_text(budget, &terms->budget);
    units_amount_text(paid, &view->progress.paid);
    units_amount_text(fees, &view->progress.fees);
    digest_text(root, &view->progress.global_root);
    printf("job %" PRIu64 "  %.*s\n", view->number, (int)terms->name.size,
           (const char *)terms->name.data);
    printf("status        %s%s%s\n", job_view_status_name(view->progress.status),
           view->progress.status == JOBS_ENDED ? ": " : "",
           view->progress.status == JOBS_ENDED ? leases_reason_name(view->progress.reason) : "");
    printf("rounds        %u of %u closed, %u segments each of %s%u steps\n", view->progress.round,
           terms->rounds, terms->workers, terms->share_count > 0 ? "up to " : "", view->job.steps);
    if (view->waits)
        printf("waits for     %s%s\n", view->waits,
               view->progress.search == SCHEDULE_LIMIT
                   ? "; the matcher goes on looking in the next block"
                   : "");
    if (terms->sample)
        printf("audit         %u of %u intervals, by %u replayers\n", terms->sample,
               view->job.intervals, view->job.auditors);
    else
        printf("audit         all %u intervals, by %u replayers\n", view->job.intervals,
               view->job.auditors);
    printf("money         budget %s, paid %s to workers and %s to replayers\n", budget, paid, fees);
    printf("global state  %s\n", root);
    if (view->progress.tainted)
        printf("tainted       a segment of round %u was proven false after it was paid; what came "
               "after descends from it\n",
               view->progress.tainted_from);
    print_barred(view->progress.barred);
    if (view->slots.count)
        print_slots(cli, view);
    if (view->results.count)
        print_results(cli, view);
    print_evidence(view);
}
