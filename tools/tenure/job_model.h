/* What comes out of a job: the model as a file, and how good it is. */
#ifndef TOOLS_TENURE_JOB_MODEL_H
#define TOOLS_TENURE_JOB_MODEL_H

#include "tools/tenure/cli.h"
#include "trainer/program.h"

/* `tenure job fetch`: the global state after --round rounds as safetensors in --out. */
MUST_USE enum err job_model_fetch(struct cli *cli);

/* Fills parameters[P] from a model's file, for `job evaluate` and `job submit` --model. `start`: a job is to begin with them. ERR_IO,
 * ERR_MALFORMED, ERR_MISMATCH: no such file, or not of this program, or with numbers that no job may begin with. */
MUST_USE enum err job_model_read(struct cli *cli, const struct program *program, float *parameters,
                                 const char *path, bool start);

/* `tenure job evaluate`: that state, or the model in --model, on the held-out images. The same bits on every machine. */
MUST_USE enum err job_model_evaluate(struct cli *cli);

#endif
