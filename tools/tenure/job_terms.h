/* What a consumer asks for, from the command line to the record that jobs.submit takes. */
#ifndef TOOLS_TENURE_JOB_TERMS_H
#define TOOLS_TENURE_JOB_TERMS_H

#include "contracts/jobs.h"
#include "tools/tenure/cli.h"

/* The options of `job plan` and `job submit`. */
#define JOB_TERMS_OPTIONS 46
extern const struct cli_option job_terms_options[JOB_TERMS_OPTIONS];

struct job_terms {
    struct program program;
    /* As the contract will keep it: terms without data root, states and, unless it was given, budget; no consumer. */
    struct jobs_job job;
    bool has_budget;
    bool by_rate; /* shares are to be made (tools/tenure/sharing.h) */
};

/* Reads and checks the options; `now_ms` is the block time that the deadline counts from, `auditors` f + 1 of the validators. ERR_USAGE
 * names the option. */
MUST_USE enum err job_terms_read(struct cli *cli, struct job_terms *terms, uint64_t now_ms,
                                 uint32_t auditors);

/* The chance, in hundredths of a per cent rounded down, that a segment with `faked` of its intervals made up is caught by one honest
 * replayer who draws `sample` of `intervals` (0: replays all): 1 - C(intervals - faked, sample) / C(intervals, sample). Requires
 * 1 <= faked <= intervals and sample <= intervals. */
uint32_t job_terms_caught(uint32_t intervals, uint32_t sample, uint32_t faked);

/* Of how many segments, each caught with that chance, one is caught in 99.9 % of cases or more. Requires 1 <= caught <= 10000. */
uint32_t job_terms_sure(uint32_t caught);

/* "784,128,10" to numbers from 1 on, at most `max` of them. False if that isn't it. */
bool job_terms_parse_list(uint32_t *numbers, uint32_t *count, uint32_t max, const char *text);

#endif
