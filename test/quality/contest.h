/* One training, dense or in rounds, without a ledger: segments and the close of a round as the agents run them (trainer/segment.h,
 * trainer/aggregate.h).
 *
 *     contest_begin -> start --contest_run(exchange)--> result
 *
 * Every training of a seed starts from the same parameters: the seed's weights, or those that one machine with all the workers' batches
 * comes to in `alone` steps. */
#ifndef TEST_QUALITY_CONTEST_H
#define TEST_QUALITY_CONTEST_H

#include "trainer/dataset.h"
#include "trainer/program.h"

#define CONTEST_WORKERS 4u

/* How often workers meet, what they send, and the rates that suit it. */
struct exchange {
    uint32_t steps;                   /* H, which divides a contest's steps; 0: dense */
    uint8_t bits;                     /* of an element: 32, 8, 4; dense: 32 */
    enum program_optimizer optimizer; /* inner: AdamW, or SGD without momentum */
    float inner_rate;
    float outer_rate, outer_momentum; /* dense: 1, 0 */
};

struct contest {
    struct program
        program; /* of one worker, but for what an exchange says; it has AdamW's betas and epsilon */
    uint32_t alone;                            /* steps before; 0: none */
    float alone_rate;                          /* theirs */
    uint32_t steps;                            /* of each worker from there on, 1.. */
    const struct dataset *training, *held_out; /* borrowed */
};

struct result {
    double loss;     /* mean cross entropy on held-out data, in nats */
    double accuracy; /* right answers there, in per cent */
    double training; /* mean cross entropy on the training data, in nats */
};

/* Parameters that all trainings of this seed start from: program_parameter_count(&contest->program) values for the caller to free. */
float *contest_begin(const struct contest *contest, uint64_t seed);

/* Trains and judges. A pure function, on any thread; an error ends the process with a sentence. */
void contest_run(const struct contest *contest, const struct exchange *exchange, uint64_t seed,
                 const float *start, struct result *result);

/* Bytes that one worker sends in such a training: deltas with their exponents; dense, a float32 gradient a step. */
double contest_bytes(const struct contest *contest, const struct exchange *exchange);

#endif
