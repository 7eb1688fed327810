#include "tools/tenure/workshop.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* A program's layers. */
#define PROGRAM_ARENA_BYTES 65536

enum err workshop_kernel(enum kernel_kind *kind, const char *name, struct fault *fault)
{
    if (name ? !kernel_parse(kind, name) : !kernel_best(kind))
        return fault_set(fault, ERR_USAGE,
                         name ? "\"%s\" is no kernel: scalar, avx2, avx512 or neon"
                              : "this CPU has no FMA instruction: it can run a node, but neither "
                                "train nor replay%s",
                         name ? name : "");
    if (!kernel_is_supported(*kind))
        return fault_set(fault, ERR_USAGE, "this CPU can't run the kernel %s", kernel_name(*kind));
    return ERR_NONE;
}

enum err workshop_open(struct workshop *workshop, struct bytes program, struct fault *fault)
{
    memset(workshop, 0, sizeof(*workshop));
    arena_init(&workshop->arena, PROGRAM_ARENA_BYTES);
    return program_unpack(&workshop->arena, &workshop->program, program, fault);
}

/* The data with that root: our own, or the nodes'. */
static enum err find_data(struct workshop *workshop, struct client *client, const char *folder,
                          const struct digest *root, struct fault *fault)
{
    struct fault ours;
    enum err err = corpus_load(&workshop->corpus, folder, CORPUS_TRAINING, &ours);

    if (!err && digest_equal(&workshop->corpus.data.root, root))
        return ERR_NONE;
    if (!err)
        fault_set(&ours, ERR_MISMATCH, "the data in %s are not the job's: their root differs",
                  folder);
    corpus_release(&workshop->corpus);
    err = corpus_fetch(&workshop->corpus, client, root, fault);
    return err == ERR_NOT_FOUND ? fault_set(fault, err, "%s; nor do the nodes have them", ours.text)
                                : err;
}

enum err workshop_furnish(struct workshop *workshop, struct client *client, const char *folder,
                          const struct digest *data, enum kernel_kind kind, uint32_t threads,
                          struct fault *fault)
{
    struct kernel_parallel parallel;
    enum err err;

    CHECK(!workshop->ready);
    err = find_data(workshop, client, folder, data, fault);
    if (err)
        return err;
    workshop->threads = threads > 1 ? parallel_new(threads) : NULL;
    if (threads > 1 && !workshop->threads)
        return fault_set(fault, ERR_LIMIT, "the system gives no %u threads", threads);
    parallel = (struct kernel_parallel){workshop->threads, threads, parallel_each};
    err = kernel_init(&workshop->kernel, kind, workshop->threads ? &parallel : NULL, fault);
    if (err)
        return err;
    err = segment_init(&workshop->segment, &workshop->program, &workshop->corpus.data,
                       &workshop->kernel, fault);
    if (err)
        kernel_release(&workshop->kernel);
    workshop->ready = !err;
    return err;
}

void workshop_release(struct workshop *workshop)
{
    if (workshop->ready) {
        segment_release(&workshop->segment);
        kernel_release(&workshop->kernel);
    }
    if (workshop->threads)
        parallel_free(workshop->threads);
    workshop->threads = NULL;
    corpus_release(&workshop->corpus);
    arena_release(&workshop->arena);
    workshop->ready = false;
}

/* Gives the chunks of a fetched blob to the state, which checks them all against the root. */
static enum err load(struct state *state, const struct transfer_blob *blob,
                     const struct digest *root, struct fault *fault)
{
    struct bytes *chunks = calloc(blob->chunk_count + 1u, sizeof(*chunks));
    enum err err;

    CHECK(chunks != NULL);
    for (uint32_t i = 0; i < blob->chunk_count; i++)
        chunks[i] =
            bytes_of(blob->data + blob->offsets[i], blob->offsets[i + 1] - blob->offsets[i]);
    err = state_load(state, root, chunks, blob->chunk_count, fault);
    free(chunks);
    return err;
}

enum err workshop_fetch(struct workshop *workshop, struct client *client, struct state *state,
                        enum state_kind kind, const struct digest *root, struct fault *fault)
{
    struct transfer_blob blob;
    enum err err =
        transfer_fetch(client, &blob, root, state_chunk_count(&workshop->program, kind), fault);

    if (err)
        return err;
    err = state_init(state, &workshop->program, kind, fault);
    if (!err && (err = load(state, &blob, root, fault)))
        state_release(state);
    transfer_release(&blob);
    return err;
}

/* The state's canonical bytes. Chunk 0 is small and packed apart, so all are copied into one piece of memory. */
static void to_blob(struct transfer_blob *blob, const struct state *state)
{
    uint8_t *room = malloc(LIMIT_CHUNK_BYTES);

    CHECK(room != NULL);
    blob->chunk_count = (uint32_t)state->chunk_count;
    blob->data = malloc((size_t)state->chunk_count * LIMIT_CHUNK_BYTES);
    blob->offsets = calloc(state->chunk_count + 1, sizeof(blob->offsets[0]));
    CHECK(blob->data != NULL);
    CHECK(blob->offsets != NULL);
    for (uint32_t i = 0; i < blob->chunk_count; i++) {
        struct bytes chunk = state_chunk(state, i, room);
        memcpy(blob->data + blob->offsets[i], chunk.data, chunk.size);
        blob->offsets[i + 1] = blob->offsets[i] + chunk.size;
    }
    free(room);
}

enum err workshop_push(struct client *client, struct state *state, uint32_t copies,
                       struct fault *fault)
{
    struct transfer_blob blob;
    struct digest root;
    enum err err;

    to_blob(&blob, state);
    err = transfer_push(client, &root, &blob, copies, fault);
    transfer_release(&blob);
    return err;
}

enum err workshop_start(struct workshop *workshop, struct client *client, struct state *start,
                        const struct state *global, const struct digest *residue_root,
                        uint16_t slot, uint32_t steps, struct fault *fault)
{
    struct state before;
    bool carried = !digest_is_zero(residue_root);
    enum err err = state_init(start, &workshop->program, STATE_SEGMENT, fault);

    if (err)
        return err;
    if (carried &&
        (err = workshop_fetch(workshop, client, &before, STATE_SEGMENT, residue_root, fault))) {
        state_release(start);
        return err;
    }
    segment_start(start, &workshop->program, global,
                  carried ? state_floats(&before, STATE_RESIDUE) : NULL, slot, steps);
    if (carried)
        state_release(&before);
    return ERR_NONE;
}
