#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "contracts/path.h"
#include "contracts/share.h"
#include "tools/sys/clock.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/job_model.h"
#include "tools/tenure/job_plan.h"
#include "tools/tenure/job_terms.h"
#include "tools/tenure/job_view.h"
#include "tools/tenure/sharing.h"
#include "tools/tenure/shortage.h"
#include "tools/tenure/workshop.h"

#include <inttypes.h>

/* Between two looks at a job that is waited for. */
#define LOOK_MS 300

/* --- plan --- */

static enum err ask_network(struct desk *desk, uint64_t *now_ms, uint32_t *validators,
                            struct parameters *parameters)
{
    struct answer *status = NULL;
    enum err err = desk_state(desk, bytes_text("parameters"), &parameters_record, parameters);

    if (!err)
        err = desk_get(desk, &status, "/v1/status");
    if (err)
        return err;
    *now_ms = answer_number(status, "time_ms");
    *validators = (uint32_t)answer_number(status, "validators");
    if (answer_count(status, "validators"))
        *validators = answer_count(status, "validators");
    answer_free(status);
    return ERR_NONE;
}

/* Shares by the rates of the machines that are listed now, if they were asked for. */
static enum err settle_shares(struct desk *desk, struct job_terms *terms)
{
    struct listing listing;
    enum err err = terms->by_rate ? listing_load(&listing, desk) : ERR_NONE;

    if (err || !terms->by_rate)
        return err;
    return sharing_by_rate(&terms->job, &listing, &desk->cli->fault);
}

/* What the terms need at least: a stake in proportion to the work, and a budget; what was given must cover them. */
static enum err settle_amounts(struct cli *cli, struct job_terms *terms,
                               const struct parameters *parameters)
{
    struct amount least = share_stake(terms->job.work, parameters);
    char text[AMOUNT_TEXT_SIZE];

    if (units_amount_compare(&terms->job.terms.stake, &least) < 0) {
        units_amount_text(text, &least);
        return fault_set(&cli->fault, ERR_USAGE,
                         "--stake is too low for this much work: the network asks for %s", text);
    }
    if (!share_budget(&least, &terms->job))
        return fault_set(&cli->fault, ERR_USAGE, "the terms cost more than 256 bits can count");
    if (!terms->has_budget)
        terms->job.terms.budget = least;
    if (units_amount_compare(&terms->job.terms.budget, &least) >= 0)
        return ERR_NONE;
    units_amount_text(text, &least);
    return fault_set(&cli->fault, ERR_USAGE,
                     "--budget does not cover the terms: they need at least %s", text);
}

static uint64_t all_slots(const struct jobs_job *job)
{
    return UINT64_MAX >> (64 - job->terms.workers);
}

static enum err run_plan(struct cli *cli)
{
    struct job_terms terms;
    uint32_t validators = 0;
    const char *waits;
    struct parameters parameters;
    uint64_t now_ms;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = ask_network(&desk, &now_ms, &validators, &parameters);
    if (!err)
        err = job_terms_read(cli, &terms, now_ms, (validators - 1) / 3 + 1);
    if (!err)
        err = settle_shares(&desk, &terms);
    if (!err)
        err = settle_amounts(cli, &terms, &parameters);
    if (!err)
        err = shortage_say(&desk, &waits, &terms.job, all_slots(&terms.job), false);
    if (!err)
        job_plan_print(cli, &terms, &parameters, waits);
    desk_close(&desk);
    return err;
}

/* --- submit --- */

/* The global state of round 0, from the seed or from --model. `global` is initialised here. */
static enum err make_global(struct cli *cli, struct state *global, const struct job_terms *terms,
                            const struct digest *data)
{
    const char *model = cli_text(cli, "model");
    enum err err = state_init(global, &terms->program, STATE_GLOBAL, &cli->fault);

    if (err)
        return err;
    state_begin(global, &terms->program, data);
    if (model)
        err = job_model_read(cli, &terms->program, state_floats(global, STATE_PARAMETERS), model,
                             true);
    if (err)
        state_release(global);
    else
        state_changed(global, STATE_PARAMETERS);
    return err;
}

/* That state and the start states, which follow from it, into the terms; the global one is made available at the nodes. */
static enum err begin(struct desk *desk, struct job_terms *terms, const struct digest *data)
{
    struct cli *cli = desk->cli;
    struct jobs_submit *submit = &terms->job.terms;
    struct state global, start;
    enum err err = make_global(cli, &global, terms, data);

    if (err)
        return err;
    submit->data_root = *data;
    submit->global_root = state_root(&global);
    submit->start_roots = arena_array(&cli->arena, submit->workers, sizeof(struct digest));
    submit->start_root_count = submit->workers;
    CHECK(submit->start_roots != NULL);
    err = state_init(&start, &terms->program, STATE_SEGMENT, &cli->fault);
    if (!err) {
        for (uint16_t i = 0; i < submit->workers; i++) {
            segment_start(&start, &terms->program, &global, NULL, i,
                          share_of(&terms->job, i).steps);
            submit->start_roots[i] = state_root(&start);
        }
        state_release(&start);
        err = workshop_push(&desk->client, &global, UINT32_MAX, &cli->fault);
    }
    state_release(&global);
    return err;
}

static enum err submit_terms(struct desk *desk, struct job_terms *terms,
                             const struct parameters *parameters)
{
    struct cli *cli = desk->cli;
    struct desk_calls calls = {0};
    struct sender_outcome outcome;
    const char *waits = NULL;
    struct corpus corpus;
    uint64_t job = 0;
    enum err err = settle_shares(desk, terms);

    if (!err)
        err = settle_amounts(cli, terms, parameters);
    if (!err)
        err = shortage_say(desk, &waits, &terms->job, all_slots(&terms->job), false);
    if (err)
        return err;
    cli_progress(cli, "reading the training data ...");
    err = corpus_load(&corpus, cli_text(cli, "data"), CORPUS_TRAINING, &cli->fault);
    if (err)
        return err;
    err = network_check_data(&terms->program, &corpus.data, &cli->fault);
    if (!err)
        err = begin(desk, terms, &corpus.data.root);
    if (!err && cli_has(cli, "publish"))
        err = corpus_push(&corpus, &desk->client, &cli->fault);
    corpus_release(&corpus);
    if (!err)
        err = desk_call(desk, &calls, CATALOG_JOBS, JOBS_SUBMIT, &terms->job.terms);
    if (!err)
        err = desk_send(desk, &calls, &outcome);
    if (err)
        return err;
    if (desk_event(&outcome, "job_submitted", "job", &job))
        cli_say(cli,
                "job %" PRIu64 " is submitted; follow it with \"tenure job status %" PRIu64
                " --wait\"",
                job, job);
    if (waits)
        cli_say(cli, "it waits for %s", waits);
    sender_outcome_release(&outcome);
    return ERR_NONE;
}

static enum err run_submit(struct cli *cli)
{
    struct job_terms terms;
    uint32_t validators = 0;
    struct parameters parameters;
    uint64_t now_ms;
    struct desk desk;
    enum err err = desk_open_bulk(&desk, cli);

    if (!err)
        err = ask_network(&desk, &now_ms, &validators, &parameters);
    if (!err)
        err = job_terms_read(cli, &terms, now_ms, (validators - 1) / 3 + 1);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = submit_terms(&desk, &terms, &parameters);
    desk_close(&desk);
    return err;
}

/* --- status --- */

/* One look at a job that is waited for. ERR_BUSY while it goes on; ERR_MISMATCH when it ended in another way than completed. */
static enum err look(struct desk *desk, uint64_t number)
{
    struct cli *cli = desk->cli;
    struct job_view view;
    enum err err = job_view_glance(desk, &view, number);

    if (err)
        return err;
    if (view.progress.status != JOBS_ENDED) {
        job_view_progress(cli, &view);
        return ERR_BUSY;
    }
    cli_progress_end(cli);
    if (view.progress.reason == LEASES_COMPLETED)
        return ERR_NONE;
    return fault_set(&cli->fault, ERR_MISMATCH, "job %" PRIu64 " ended: %s", number,
                     leases_reason_name(view.progress.reason));
}

static enum err wait_end(struct desk *desk, uint64_t number)
{
    uint64_t until_ms = clock_monotonic_ms() + desk->timeout_ms;
    struct arena arena;
    enum err err;

    arena_init(&arena, CLI_ARENA_BYTES);
    desk->arena = &arena;
    while ((err = look(desk, number)) == ERR_BUSY && clock_monotonic_ms() < until_ms) {
        clock_sleep_ms(LOOK_MS);
        arena_clear(&arena);
    }
    desk->arena = &desk->cli->arena;
    arena_release(&arena);
    desk->cli->timed_out = err == ERR_BUSY;
    return err == ERR_BUSY ? fault_set(&desk->cli->fault, ERR_NOT_NOW,
                                       "job %" PRIu64 " has not ended yet", number)
                           : err;
}

/* The API's answer, and what the command alone can tell: why it waits, or null. */
static enum err print_status(struct desk *desk, uint64_t number)
{
    struct answer *root = NULL;
    struct job_view view;
    enum err err = client_get(&desk->client, &root, &desk->cli->fault, "/v1/jobs/%" PRIu64, number);

    if (!err)
        err = job_view_glance(desk, &view, number);
    if (!err)
        err = job_view_want(desk, &view);
    if (!err) {
        answer_put(root, "waits_for", view.waits);
        answer_print(stdout, root);
    }
    answer_free(root);
    return err;
}

static enum err run_status(struct cli *cli)
{
    struct job_view view;
    uint64_t number;
    struct desk desk;
    enum err err = desk_open(&desk, cli), ended = ERR_NONE;

    if (!err)
        err = job_view_number(cli, &number);
    desk.client.patience_ms = desk.timeout_ms;
    if (!err && cli_has(cli, "wait"))
        ended = wait_end(&desk, number);
    if (!err && cli->json) {
        err = print_status(&desk, number);
    } else if (!err) {
        struct fault kept = cli->fault;
        err = job_view_load(&desk, &view, number);
        if (!err) {
            job_view_print(cli, &view);
            cli->fault = kept;
        }
    }
    desk_close(&desk);
    return err ? err : ended;
}

static enum err run_cancel(struct cli *cli)
{
    struct desk_calls calls = {0};
    struct jobs_cancel args;
    struct desk desk;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = job_view_number(cli, &args.job);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_call(&desk, &calls, CATALOG_JOBS, JOBS_CANCEL, &args);
    if (!err)
        err = desk_send(&desk, &calls, NULL);
    desk_close(&desk);
    return err;
}

static const struct cli_option status_options[] = {
    {"wait", NULL, "until the job has ended, at most --timeout", NULL}};
static const struct cli_option fetch_options[] = {
    {"out", "FILE", "where to write the model", NULL},
    {"round", "R", "after R rounds (default: all that are closed)", NULL},
    DESK_BULK_OPTIONS,
};
static const struct cli_option evaluate_options[] = {
    {"data", "DIR", "folder of the held-out data", IMAGES_FOLDER},
    {"round", "R", "after R rounds (default: all that are closed)", NULL},
    DESK_BULK_OPTIONS,
    {"model", "FILE", "take the parameters from this safetensors file instead of the nodes", NULL},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct cli_command commands[] = {
    {"job plan", "", 0, 0,
     "say what a job costs and how surely a cheat is caught, before anything is signed",
     "  tenure job plan --rounds 5 --workers 3 --audit 2", job_terms_options, JOB_TERMS_OPTIONS,
     run_plan},
    {"job submit", "", 0, 0, "submit a training job; its budget moves into escrow",
     "  tenure job submit --rounds 5 --workers 3 --steps 200 --interval 20 --audit all --price-max "
     "1000",
     job_terms_options, JOB_TERMS_OPTIONS, run_submit},
    {"job status", "JOB", 1, 1, "show where a job stands, segment by segment",
     "  tenure job status 1 --wait --timeout 600", status_options, COUNT(status_options),
     run_status},
    {"job fetch", "JOB", 1, 1, "write the model to a safetensors file",
     "  tenure job fetch 1 --out model.safetensors", fetch_options, COUNT(fetch_options),
     job_model_fetch},
    {"job evaluate", "JOB", 1, 1, "measure the model on the held-out test data",
     "  tenure job evaluate 1 --round 3", evaluate_options, COUNT(evaluate_options),
     job_model_evaluate},
    {"job cancel", "JOB", 1, 1, "end a job when its round is settled; what isn't spent comes back",
     "  tenure job cancel 1", NULL, 0, run_cancel},
};

const struct cli_noun cmd_job = {commands, COUNT(commands)};
