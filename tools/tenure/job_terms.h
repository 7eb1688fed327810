/* What a consumer asks for, from the command line to the record that jobs.submit takes. */
#ifndef TOOLS_TENURE_JOB_TERMS_H
#define TOOLS_TENURE_JOB_TERMS_H

#include "contracts/jobs.h"
#include "tools/tenure/cli.h"

/* The options of `job plan` and `job submit`. */
#define JOB_TERMS_OPTIONS 44
extern const struct cli_option job_terms_options[JOB_TERMS_OPTIONS];

struct job_terms {
    struct program program;
    struct jobs_submit submit; /* without data root, states and, unless it was given, budget */
    uint32_t intervals;        /* of a segment */
    uint64_t work;             /* multiply-adds of a segment */
    bool has_budget;
};

/* Reads and checks the options; `now_ms` is the block time that the deadline counts from. ERR_USAGE names the option. */
MUST_USE enum err job_terms_read(struct cli *cli, struct job_terms *terms, uint64_t now_ms);

/* The chance, in hundredths of a per cent rounded down, that a segment with `faked` of its intervals made up is caught by one honest
 * replayer who draws `sample` of `intervals` (0: replays all): 1 - C(intervals - faked, sample) / C(intervals, sample). Requires
 * 1 <= faked <= intervals and sample <= intervals. */
uint32_t job_terms_caught(uint32_t intervals, uint32_t sample, uint32_t faked);

/* "784,128,10" to layers. False unless it is 2 to PROGRAM_LAYERS_MAX numbers. */
bool job_terms_parse_layers(struct program_layer layers[PROGRAM_LAYERS_MAX], uint32_t *count,
                            const char *text);

#endif
