#include "tools/tenure/job_model.h"

#include "base/check.h"
#include "tools/sys/file.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/job_view.h"
#include "tools/tenure/workshop.h"
#include "trainer/evaluate.h"
#include "trainer/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* GPT-2's smallest with its causal masks takes a quarter. */
#define MODEL_FILE_BYTES_MAX (2u << 30)

/* A job with its program and the global state after `round` rounds. */
struct fetched {
    struct job_view view;
    struct workshop workshop;
    struct state state;
    uint32_t round;
};

static enum err pick_round(struct cli *cli, const struct job_view *view, uint32_t *round,
                           struct digest *root)
{
    const char *text = cli_text(cli, "round");
    uint64_t number = view->progress.round;

    if (text && !cli_parse_number(&number, text, 0, view->progress.round))
        return fault_set(&cli->fault, ERR_USAGE,
                         "--round \"%s\" is not 0 to %u: so many rounds are closed", text,
                         view->progress.round);
    *round = (uint32_t)number;
    *root = number == view->progress.round
                ? view->progress.global_root
                : ((struct jobs_round *)view->rounds.values[number])->global_root;
    return ERR_NONE;
}

static enum err fetch(struct desk *desk, struct fetched *fetched)
{
    struct cli *cli = desk->cli;
    struct digest root;
    uint64_t number;
    enum err err = job_view_number(cli, &number);

    if (!err)
        err = job_view_load(desk, &fetched->view, number);
    if (!err)
        err = pick_round(cli, &fetched->view, &fetched->round, &root);
    if (err)
        return err;
    err = workshop_open(&fetched->workshop, fetched->view.job.terms.program, &cli->fault);
    if (!err)
        err = workshop_fetch(&fetched->workshop, &desk->client, &fetched->state, STATE_GLOBAL,
                             &root, &cli->fault);
    if (err)
        workshop_release(&fetched->workshop);
    return err;
}

static void fetched_release(struct fetched *fetched)
{
    state_release(&fetched->state);
    workshop_release(&fetched->workshop);
}

static enum err write_model(struct cli *cli, const struct fetched *fetched, const char *path)
{
    const struct program *program = &fetched->workshop.program;
    size_t size = model_file_size(program);
    uint8_t *file = malloc(size);
    enum err err;

    CHECK(file != NULL);
    model_write(program, state_floats(&fetched->state, STATE_PARAMETERS), file);
    err = file_write(path, bytes_of(file, size), 0644, &cli->fault);
    free(file);
    if (err)
        return err;
    if (cli->json)
        printf("{\"file\":%s,\"round\":%u,\"bytes\":%zu}\n", cli_quote(cli, path), fetched->round,
               size);
    cli_say(cli, "%s: the model after %u rounds, %zu bytes of safetensors", path, fetched->round,
            size);
    return ERR_NONE;
}

enum err job_model_fetch(struct cli *cli)
{
    struct fetched fetched;
    const char *path;
    struct desk desk;
    enum err err = desk_open_bulk(&desk, cli);

    if (!err)
        err = cli_need(&path, cli, "out");
    if (!err && !(err = fetch(&desk, &fetched))) {
        err = write_model(cli, &fetched, path);
        fetched_release(&fetched);
    }
    desk_close(&desk);
    return err;
}

static enum err evaluate_on(struct cli *cli, const struct fetched *fetched,
                            const struct dataset *data)
{
    struct evaluation evaluation;
    enum kernel_kind kind;
    struct kernel kernel;
    enum err err = workshop_kernel(&kind, NULL, &cli->fault);
    uint32_t points;

    if (!err)
        err = kernel_init(&kernel, kind, NULL, &cli->fault);
    if (err)
        return err;
    err = evaluate(&evaluation, &fetched->workshop.program,
                   state_floats(&fetched->state, STATE_PARAMETERS), data, &kernel, &cli->fault);
    kernel_release(&kernel);
    if (err)
        return err;
    points = evaluate_basis_points(&evaluation);
    if (cli->json)
        printf("{\"round\":%u,\"samples\":%u,\"correct\":%u,\"accuracy_bp\":%u,\"loss\":%.6f}\n",
               fetched->round, evaluation.count, evaluation.correct, points,
               (double)evaluation.loss);
    cli_say(cli, "after %u rounds: %u.%02u %% of %u held-out samples right, mean loss %.4f",
            fetched->round, points / 100, points % 100, evaluation.count, (double)evaluation.loss);
    return ERR_NONE;
}

/* Small numbers cost replayers many times what others do, so nobody takes a state that begins with them (trainer/state.h). */
static enum err check_start(struct cli *cli, const struct program *program, const float *parameters,
                            const char *path)
{
    for (uint32_t i = 0; i < program_parameter_count(program); i++)
        if (parameters[i] != 0 && fabsf(parameters[i]) < 0x1p-100f)
            return fault_set(&cli->fault, ERR_MISMATCH,
                             "%s: parameter %" PRIu32 " is %g; a job begins with none below 2^-100 "
                             "but zero: set such to zero",
                             path, i, (double)parameters[i]);
    return ERR_NONE;
}

enum err job_model_read(struct cli *cli, const struct program *program, float *parameters,
                        const char *path, bool start)
{
    uint8_t *data = NULL;
    size_t size;
    struct fault fault;
    enum err err = file_read(&data, &size, path, MODEL_FILE_BYTES_MAX, &cli->fault);

    if (!err && (err = model_read(program, parameters, bytes_of(data, size), &fault)))
        fault_set(&cli->fault, err, "%s: %s", path, fault.text);
    if (!err && start)
        err = check_start(cli, program, parameters, path);
    free(data);
    return err;
}

enum err job_model_evaluate(struct cli *cli)
{
    const char *model = cli_text(cli, "model");
    struct fetched fetched;
    struct corpus corpus;
    struct desk desk;
    enum err err = desk_open_bulk(&desk, cli);

    if (!err && !(err = fetch(&desk, &fetched))) {
        if (model)
            err = job_model_read(cli, &fetched.workshop.program,
                                 state_floats(&fetched.state, STATE_PARAMETERS), model, false);
        if (!err)
            err = corpus_load(&corpus, cli_text(cli, "data"), CORPUS_HELD_OUT, &cli->fault);
        if (!err) {
            err = evaluate_on(cli, &fetched, &corpus.data);
            corpus_release(&corpus);
        }
        fetched_release(&fetched);
    }
    desk_close(&desk);
    return err;
}
