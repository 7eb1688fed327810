/* llm.c's side of test/bench/training.c: a step of a gpt for each line on standard input, answered by "step SECONDS SECONDS", by the
 * wall and of the processor, among what llm.c prints itself. Compiled by test/bench/rivals/llmc in a folder of llm.c's sources.
 *
 *     llmc-step BLOCKS HEADS WIDTH CONTEXT SYMBOLS BATCH
 *
 * A step is forward, backward and AdamW; llm.c's path for processors doesn't clip. */
#define TESTING
#include <train_gpt2.c>

static int argument(char **argv, int i)
{
    return (int)strtol(argv[i], NULL, 10);
}

static double now_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void make(GPT2 *model, char **argv)
{
    int symbols = argument(argv, 5);
    *model = (GPT2){.config = {.num_layers = argument(argv, 1),
                               .num_heads = argument(argv, 2),
                               .channels = argument(argv, 3),
                               .max_seq_len = argument(argv, 4),
                               .vocab_size = symbols,
                               .padded_vocab_size = (symbols + 127) / 128 * 128}};
    fill_in_parameter_sizes(model->param_sizes, model->config);
    for (int i = 0; i < NUM_PARAMETER_TENSORS; i++)
        model->num_parameters += model->param_sizes[i];
    model->params_memory = malloc_and_point_parameters(&model->params, model->param_sizes);
    for (size_t i = 0; i < model->num_parameters; i++)
        model->params_memory[i] = (float)(int)(i * 2654435761u % 2001 - 1000) * 2e-5f;
}

int main(int argc, char **argv)
{
    static int tokens[1 << 16];
    static GPT2 model;
    if (argc != 7)
        return 2;
    make(&model, argv);
    int batch = argument(argv, 6), rows = batch * model.config.max_seq_len, step = 0;
    for (int i = 0; i <= rows; i++)
        tokens[i] = i * 7919 % model.config.vocab_size;
    while (getchar() != EOF) {
        double start = now_s(CLOCK_MONOTONIC), used = now_s(CLOCK_PROCESS_CPUTIME_ID);
        gpt2_forward(&model, tokens, tokens + 1, (size_t)batch, (size_t)model.config.max_seq_len);
        gpt2_zero_grad(&model);
        gpt2_backward(&model);
        gpt2_update(&model, 3e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, ++step);
        printf("\nstep %f %f\n", now_s(CLOCK_MONOTONIC) - start,
               now_s(CLOCK_PROCESS_CPUTIME_ID) - used);
        fflush(stdout);
    }
    return 0;
}
