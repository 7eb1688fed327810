#include "tools/tenure/job_terms.h"

#include "base/check.h"
#include "contracts/share.h"
#include "tools/tenure/desk.h"

#include <string.h>

const struct cli_option job_terms_options[JOB_TERMS_OPTIONS] = {
    {"name", "TEXT", "of the job, for people", "training"},
    DESK_BULK_OPTIONS,
    {"data", "DIR", "folder of the training data: images, or train.bin",
     "/usr/share/datasets/fashion-mnist"},
    {"publish", NULL, "submit: send the data to the nodes, for agents that lack them", NULL},
    {"model", "FILE", "submit: begin with the parameters in this safetensors file (default: the seed's)", NULL},
    {"family", "NAME", "mlp (of images) or gpt (of tokens)", "mlp"},
    {"layers", "N,N,...", "mlp: inputs, hidden layers, classes", "784,128,10"},
    {"blocks", "N", "gpt: of attention and a hidden layer", "4"},
    {"heads", "N", "gpt: of attention", "4"},
    {"width", "N", "gpt: of a token; divided by the heads", "128"},
    {"context", "N", "gpt: tokens of a sequence", "64"},
    {"symbols", "N", "gpt: that a token may be (bytes: 256, GPT-2: 50257)", "256"},
    {"micro-batches", "N", "gpt: whose gradients make one step", "1"},
    {"warm-up", "STEPS", "gpt: of all rounds, in which the rate rises", "0"},
    {"decay", "STEPS", "gpt: at which the rate has fallen to --rate-last; 0: never", "0"},
    {"rate-last", "X", "gpt: the rate at the end of the cosine", "0"},
    {"clip", "X", "gpt: the longest norm of a gradient; 0: any", "1"},
    {"dropout", "X", "gpt: share of elements that a training pass leaves out", "0"},
    {"batch", "N", "samples (gpt: sequences) of a micro-batch", "64"},
    {"optimizer", "NAME", "adamw or sgd", "adamw"},
    {"learning-rate", "X", "of the inner optimizer", "0.001"},
    {"beta1", "X", "first moment (sgd: momentum)", "0.9"},
    {"beta2", "X", "second moment (adamw)", "0.999"},
    {"epsilon", "X", "of adamw", "1e-8"},
    {"weight-decay", "X", "decoupled", "0"},
    {"outer-rate", "X", "step of the averaged change after each round", "0.7"},
    {"outer-momentum", "X", "Nesterov momentum between rounds", "0.9"},
    {"steps", "H", "of a segment", "200"},
    {"interval", "C", "steps between two committed states", "20"},
    {"bits", "8|4", "of an element of the change that a segment sends after training", "8"},
    {"seed", "N", "of the weights and the order of samples", "1"},
    {"rounds", "R", "how many", "5"},
    {"workers", "W", "segments a round", "3"},
    {"shares", "H,...|rate",
     "steps of each worker's segment, multiples of C up to --steps (default: all --steps); rate: "
     "what the "
     "listed machines can train in --segment-s",
     NULL},
    {"quorum", "N", "verified segments that close a round (default: all)", NULL},
    {"memory", "MIB", "that a worker's machine must have (default: what the program needs)", NULL},
    {"price-max", "AMOUNT", "the most that a segment may cost", "1000"},
    {"replay-fee", "AMOUNT", "for an interval, to each replayer", "1"},
    {"stake", "AMOUNT", "that a worker stands to lose", "5000"},
    {"audit", "all|K", "replay everything, or K intervals a segment drawn by each replayer", "all"},
    {"segment-s", "SECONDS", "to train and commit a segment", "60"},
    {"replay-s", "SECONDS", "to replay and answer, to vote, to close", "60"},
    {"round-s", "SECONDS", "in which lost segments may be leased anew", "300"},
    {"deadline-s", "SECONDS", "of the whole job", "86400"},
    {"budget", "AMOUNT", "moves into escrow (default: the least that the terms need)", NULL},
};

bool job_terms_parse_list(uint32_t *numbers, uint32_t *count, uint32_t max, const char *text)
{
    uint32_t used = 0;

    for (;;) {
        size_t size = strcspn(text, ",");
        uint64_t number;
        char digits[16];
        if (used == max || size == 0 || size >= sizeof(digits))
            return false;
        memcpy(digits, text, size);
        digits[size] = 0;
        if (!cli_parse_number(&number, digits, 1, UINT32_MAX))
            return false;
        numbers[used++] = (uint32_t)number;
        if (!text[size])
            break;
        text += size + 1;
    }
    *count = used;
    return true;
}

uint32_t job_terms_caught(uint32_t intervals, uint32_t sample, uint32_t faked)
{
    double missed = 1;

    CHECK(faked >= 1);
    CHECK(faked <= intervals);
    CHECK(sample <= intervals);
    if (sample == 0)
        return 10000;
    for (uint32_t i = 0; i < sample; i++)
        missed *= faked + i < intervals ? (double)(intervals - faked - i) / (intervals - i) : 0;
    return (uint32_t)((1 - missed) * 10000 + 1e-6);
}

uint32_t job_terms_sure(uint32_t caught)
{
    double missed = 1;
    uint32_t segments = 0;

    CHECK(caught >= 1);
    CHECK(caught <= 10000);
    for (; missed > 0.001; segments++)
        missed *= 1 - caught / 10000.0;
    return segments;
}

static enum err number_u32(uint32_t *out, struct cli *cli, const char *option, uint64_t min,
                           uint64_t max)
{
    uint64_t value;

    if (cli_number(&value, cli, option, min, max))
        return cli->fault.code;
    *out = (uint32_t)value;
    return ERR_NONE;
}

static enum err number_u16(uint16_t *out, struct cli *cli, const char *option, uint64_t min,
                           uint64_t max)
{
    uint64_t value;

    if (cli_number(&value, cli, option, min, max))
        return cli->fault.code;
    *out = (uint16_t)value;
    return ERR_NONE;
}

static enum err seconds(uint64_t *out_ms, struct cli *cli, const char *option, uint64_t max_ms)
{
    uint64_t value;

    if (cli_number(&value, cli, option, 1, max_ms / 1000))
        return cli->fault.code;
    *out_ms = value * 1000;
    return ERR_NONE;
}

static enum err read_optimizer(struct cli *cli, struct program *program)
{
    const char *name = cli_text(cli, "optimizer");
    enum err err = ERR_NONE;

    if (!strcmp(name, "adamw"))
        program->optimizer = PROGRAM_ADAMW;
    else if (!strcmp(name, "sgd"))
        program->optimizer = PROGRAM_SGD;
    else
        return fault_set(&cli->fault, ERR_USAGE, "--optimizer \"%s\" is neither adamw nor sgd",
                         name);
    err = cli_float_bits(&program->learning_rate, cli, "learning-rate");
    if (!err)
        err = cli_float_bits(&program->beta1, cli, "beta1");
    if (!err && program->optimizer == PROGRAM_ADAMW) {
        err = cli_float_bits(&program->beta2, cli, "beta2");
        if (!err)
            err = cli_float_bits(&program->epsilon, cli, "epsilon");
    }
    if (!err)
        err = cli_float_bits(&program->weight_decay, cli, "weight-decay");
    if (!err)
        err = cli_float_bits(&program->outer_rate, cli, "outer-rate");
    if (!err)
        err = cli_float_bits(&program->outer_momentum, cli, "outer-momentum");
    return err;
}

static enum err read_layers(struct cli *cli, struct program *program)
{
    uint32_t widths[PROGRAM_LAYERS_MAX];

    program->layers = arena_array(&cli->arena, PROGRAM_LAYERS_MAX, sizeof(program->layers[0]));
    CHECK(program->layers != NULL);
    if (!job_terms_parse_list(widths, &program->layer_count, PROGRAM_LAYERS_MAX,
                              cli_text(cli, "layers")) ||
        program->layer_count < 2)
        return fault_set(&cli->fault, ERR_USAGE,
                         "--layers \"%s\" is not 2 to %u numbers with commas between them",
                         cli_text(cli, "layers"), PROGRAM_LAYERS_MAX);
    for (uint32_t i = 0; i < program->layer_count; i++)
        program->layers[i].width = widths[i];
    return ERR_NONE;
}

/* A share below 1 as so many of 2^32. */
static enum err read_dropout(struct cli *cli, uint32_t *threshold)
{
    uint32_t bits;

    if (cli_float_bits(&bits, cli, "dropout"))
        return cli->fault.code;
    if (!(program_float(bits) >= 0 && program_float(bits) < 1))
        return fault_set(&cli->fault, ERR_USAGE, "--dropout %s is no share between 0 and 1",
                         cli_text(cli, "dropout"));
    *threshold = (uint32_t)(program_float(bits) * 0x1p32f);
    return ERR_NONE;
}

static enum err read_gpt(struct cli *cli, struct program_gpt *gpt)
{
    const struct {
        const char *option;
        uint32_t *to, max;
    } counts[] = {
        {"blocks", &gpt->blocks, PROGRAM_BLOCKS_MAX},
        {"heads", &gpt->heads, PROGRAM_GPT_WIDTH_MAX},
        {"width", &gpt->width, PROGRAM_GPT_WIDTH_MAX},
        {"context", &gpt->context, PROGRAM_CONTEXT_MAX},
        {"symbols", &gpt->symbols, PROGRAM_SYMBOLS_MAX},
        {"micro-batches", &gpt->micro_batches, PROGRAM_MICRO_MAX},
        {"warm-up", &gpt->warm_up, PROGRAM_DECAY_MAX},
        {"decay", &gpt->decay, PROGRAM_DECAY_MAX},
    };
    enum err err = ERR_NONE;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]) && !err; i++)
        err = number_u32(counts[i].to, cli, counts[i].option, 0, counts[i].max);
    if (!err)
        err = cli_float_bits(&gpt->rate_last, cli, "rate-last");
    if (!err)
        err = cli_float_bits(&gpt->clip, cli, "clip");
    if (!err)
        err = read_dropout(cli, &gpt->dropout);
    return err;
}

/* Options of the other family would be without effect, which nobody means. */
static enum err refuse_others(struct cli *cli, const char *family)
{
    for (uint32_t i = 0; i < cli->value_count; i++) {
        const char *help = cli->values[i].option->help;
        size_t size = strcspn(help, ":");
        if ((!strncmp(help, "mlp:", 4) || !strncmp(help, "gpt:", 4)) && strncmp(help, family, size))
            return fault_set(&cli->fault, ERR_USAGE, "--%s is of --family %.*s, not %s",
                             cli->values[i].option->name, (int)size, help, family);
    }
    return ERR_NONE;
}

static enum err read_family(struct cli *cli, struct program *program)
{
    const char *name = cli_text(cli, "family");

    if (!strcmp(name, "mlp") || !strcmp(name, "gpt")) {
        bool gpt = name[0] == 'g';
        program->family = gpt ? PROGRAM_GPT : PROGRAM_MLP;
        if (refuse_others(cli, name))
            return cli->fault.code;
        return gpt ? read_gpt(cli, &program->gpt) : read_layers(cli, program);
    }
    return fault_set(&cli->fault, ERR_USAGE, "--family \"%s\" is neither mlp nor gpt", name);
}

static enum err read_program(struct cli *cli, struct program *program)
{
    uint32_t bits = 0;
    enum err err;

    *program = (struct program){.profile = PROGRAM_PROFILE};
    err = read_family(cli, program);
    if (!err)
        err = number_u32(&program->batch, cli, "batch", 1, UINT32_MAX);
    if (!err)
        err = read_optimizer(cli, program);
    if (!err)
        err = number_u32(&program->steps, cli, "steps", 1, PROGRAM_STEPS_MAX);
    if (!err)
        err = number_u32(&program->interval, cli, "interval", 1, program->steps);
    if (!err)
        err = number_u32(&bits, cli, "bits", 4, 8);
    program->bits = (uint8_t)bits;
    if (!err)
        err = cli_number(&program->seed, cli, "seed", 0, UINT64_MAX);
    if (!err && program_check(program, &cli->fault))
        return cli->fault.code = ERR_USAGE;
    return err;
}

static enum err read_money(struct cli *cli, struct job_terms *terms)
{
    struct jobs_submit *submit = &terms->job.terms;
    enum err err = cli_amount(&submit->price_max, cli, "price-max");

    if (!err)
        err = cli_amount(&submit->replay_fee, cli, "replay-fee");
    if (!err)
        err = cli_amount(&submit->stake, cli, "stake");
    terms->has_budget = cli_has(cli, "budget");
    if (!err && terms->has_budget)
        err = cli_amount(&submit->budget, cli, "budget");
    return err;
}

static enum err read_memory(struct cli *cli, struct job_terms *terms)
{
    uint32_t needed = program_memory_mib(&terms->program), *given = &terms->job.terms.memory_mib;

    *given = needed;
    if (!cli_has(cli, "memory"))
        return ERR_NONE;
    if (number_u32(given, cli, "memory", 1, UINT32_MAX))
        return cli->fault.code;
    if (*given >= needed)
        return ERR_NONE;
    return fault_set(&cli->fault, ERR_USAGE,
                     "--memory %u is too little: training this program takes %u MiB", *given,
                     needed);
}

static enum err read_times(struct cli *cli, struct jobs_submit *submit, uint64_t now_ms)
{
    enum err err = seconds(&submit->segment_ms, cli, "segment-s", JOBS_TIME_MAX_MS);

    if (!err)
        err = seconds(&submit->replay_ms, cli, "replay-s", JOBS_TIME_MAX_MS);
    if (!err)
        err = seconds(&submit->round_ms, cli, "round-s", JOBS_TIME_MAX_MS);
    if (!err && submit->round_ms < submit->segment_ms)
        return fault_set(&cli->fault, ERR_USAGE, "--round-s can't be less than --segment-s");
    if (!err)
        err = seconds(&submit->deadline_ms, cli, "deadline-s", JOBS_LIFE_MS);
    submit->deadline_ms += now_ms;
    return err;
}

static enum err read_shares(struct cli *cli, struct job_terms *terms)
{
    struct jobs_submit *submit = &terms->job.terms;
    uint32_t steps[JOBS_WORKERS_MAX];

    submit->shares = arena_array(&cli->arena, submit->workers, sizeof(submit->shares[0]));
    CHECK(submit->shares != NULL);
    if (!cli_has(cli, "shares"))
        return ERR_NONE;
    terms->by_rate = !strcmp(cli_text(cli, "shares"), "rate");
    if (terms->by_rate)
        return ERR_NONE;
    if (job_terms_parse_list(steps, &submit->share_count, submit->workers,
                             cli_text(cli, "shares"))) {
        for (uint32_t i = 0; i < submit->share_count; i++)
            submit->shares[i].steps = steps[i];
        if (share_check(&terms->job))
            return ERR_NONE;
    }
    return fault_set(
        &cli->fault, ERR_USAGE,
        "--shares \"%s\" is neither \"rate\" nor %u numbers, %u or multiples of %u below it",
        cli_text(cli, "shares"), submit->workers, terms->job.steps, terms->job.interval);
}

static enum err read_audit(struct cli *cli, struct job_terms *terms)
{
    const char *audit = cli_text(cli, "audit");
    uint32_t max = JOBS_DRAWN_MAX;
    uint64_t sample = 0;

    for (uint16_t w = 0; w < terms->job.terms.workers; w++) {
        struct share share = share_of(&terms->job, w);
        max = share.intervals < max ? share.intervals : max;
    }
    if (strcmp(audit, "all") && !cli_parse_number(&sample, audit, 1, max))
        return fault_set(&cli->fault, ERR_USAGE,
                         "--audit \"%s\" is neither \"all\" nor a number from 1 to %u", audit, max);
    terms->job.terms.sample = (uint16_t)sample;
    return ERR_NONE;
}

/* What follows from the program. */
static enum err measure(struct cli *cli, struct jobs_job *job, const struct program *program)
{
    bool counts = share_measure(job, program);

    if (job->intervals > JOBS_INTERVALS_MAX)
        return fault_set(&cli->fault, ERR_USAGE,
                         "%u steps in intervals of %u are %u intervals; at most %d fit", job->steps,
                         job->interval, job->intervals, JOBS_INTERVALS_MAX);
    return counts ? ERR_NONE
                  : fault_set(&cli->fault, ERR_USAGE, "a segment is more work than can be counted");
}

enum err job_terms_read(struct cli *cli, struct job_terms *terms, uint64_t now_ms,
                        uint32_t auditors)
{
    struct jobs_submit *submit = &terms->job.terms;
    enum err err;

    memset(terms, 0, sizeof(*terms));
    terms->job.auditors = auditors;
    submit->name = bytes_text(cli_text(cli, "name"));
    err = read_program(cli, &terms->program);
    if (!err)
        err = measure(cli, &terms->job, &terms->program);
    if (err)
        return err;
    err = number_u32(&submit->rounds, cli, "rounds", 1, JOBS_ROUNDS_MAX);
    if (!err)
        err = number_u16(&submit->workers, cli, "workers", 1, JOBS_WORKERS_MAX);
    submit->quorum = submit->workers;
    if (!err && cli_has(cli, "quorum"))
        err = number_u16(&submit->quorum, cli, "quorum", 1, submit->workers);
    if (!err)
        err = read_shares(cli, terms);
    if (!err)
        err = read_memory(cli, terms);
    if (!err)
        err = read_money(cli, terms);
    if (!err)
        err = read_audit(cli, terms);
    if (!err)
        err = read_times(cli, submit, now_ms);
    submit->program =
        record_bytes(&cli->arena, program_record_of(&terms->program), &terms->program);
    CHECK(submit->program.data != NULL);
    return err;
}
