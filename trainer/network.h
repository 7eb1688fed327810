/* A program's model at work, of either family: reads batches of its data, and passes forward and
 * backward. What trains or evaluates looks at this header only. */
#ifndef TRAINER_NETWORK_H
#define TRAINER_NETWORK_H

#include "trainer/dataset.h"
#include "trainer/gpt.h"
#include "trainer/mlp.h"

struct network {
    const struct program *program; /* borrowed */
    struct kernel *kernel;         /* borrowed */
    uint32_t samples;              /* (gpt: sequences) the most that fit at once */
    struct mlp mlp;                /* in use if the family is PROGRAM_MLP */
    struct gpt gpt;                /* likewise PROGRAM_GPT */
    float *loss;                   /* [rows of all micro-batches]; owned */
    float *total; /* [P], the sum of their gradients; NULL if there is one; owned */
};

/* Which batch: its numbers are a function of these and the program's seed. */
struct network_place {
    uint32_t round;
    uint16_t slot;
    uint32_t step;
};

/* What a pass over questions leaves; borrowed until the next pass. */
struct network_answers {
    float *logits; /* [rows][classes] */
    float *loss;   /* [rows], room to write */
    const uint16_t *labels;
    uint32_t rows;
};

/* ERR_NONE if the program can be trained and evaluated on this data; else ERR_MISMATCH, and a
 * sentence. */
MUST_USE enum err network_check_data(const struct program *program, const struct dataset *data,
                                     struct fault *fault);

/* Memory for training, a micro-batch at a time. ERR_LIMIT when there is none. */
MUST_USE enum err network_init(struct network *network, const struct program *program,
                               struct kernel *kernel, struct fault *fault);

/* Memory for network_ask only. */
MUST_USE enum err network_init_asking(struct network *network, const struct program *program,
                                      struct kernel *kernel, struct fault *fault);
void network_release(struct network *network);

/* Passes the batch of `place` forward and backward. The mean loss is the result; the gradient [P] is
 * in *gradient, borrowed until the next pass. Stands under the profile's control (kernel.h). */
float network_train(struct network *network, const float **gradient, const float *parameters,
                    const struct dataset *data, const struct network_place *place);

/* Questions in `data`: samples, or the tokens of its whole sequences, taken one after the other. */
uint32_t network_question_count(const struct network *network, const struct dataset *data);

/* Passes forward as many questions as fit, from `from`, which is 0 or the end of the pass before. */
struct network_answers network_ask(struct network *network, const float *parameters,
                                   const struct dataset *data, uint32_t from);

#endif
