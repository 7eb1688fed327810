/* What comes out of a job: the model as a file, and how good it is. */
#ifndef TOOLS_TENURE_JOB_MODEL_H
#define TOOLS_TENURE_JOB_MODEL_H

#include "tools/tenure/cli.h"

/* `tenure job fetch`: the global state after --round rounds as safetensors in --out. */
MUST_USE enum err job_model_fetch(struct cli *cli);

/* `tenure job evaluate`: that state, or the model in --model, on the held-out images. The same bits on every machine. */
MUST_USE enum err job_model_evaluate(struct cli *cli);

#endif
