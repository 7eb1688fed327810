/* A story of messages, each preceded by its u16 size, to one seat of four; size 0 lets three seconds pass. Signatures are trusted, so
 * the liars are as many as they like: no story may reach a CHECK of the core. Before it starts, the story is read as a log, too. */
#include <string.h>

#include "base/check.h"
#include "consensus/consensus.h"
#include "ledger/block.h"
#include "test/fuzz/fuzz.h"
#include "tools/tenured/wire.h"

#define VALIDATORS 4
#define DEPTH_MAX  64 /* steps that answer steps */

struct story {
    struct committee committee;
    struct consensus_config config;
    struct consensus *core;
    struct arena arena; /* of the whole story */
    uint8_t genesis[BLOCK_HEADER_BYTES];
    size_t genesis_size;
    uint64_t now_ms;
};

static void begin(struct story *story)
{
    struct sign_public keys[VALIDATORS] = {{{2}}, {{3}}, {{2, 1}}, {{3, 1}}};
    struct block_header header = {.version = BLOCK_VERSION};
    memset(story, 0, sizeof(*story));
    committee_init(&story->committee, &digest_zero, keys, VALIDATORS);
    consensus_config_defaults(&story->config);
    story->config.committee = &story->committee;
    story->config.read = wire_read_header;
    story->config.seat = (struct seat){3};
    story->genesis_size = block_header_pack(story->genesis, &story->config.base.digest, &header);
    story->core = consensus_new(&story->config);
    CHECK(story->core);
    arena_init(&story->arena, 256 << 20);
}

static void end(struct story *story)
{
    consensus_free(story->core);
    arena_release(&story->arena);
}

/* One event, and what an obliging driver answers at once. */
static void step(struct story *story, struct event event, int depth)
{
    struct actions out;
    struct arena arena;
    event.now_ms = story->now_ms;
    event.clock_ms = story->now_ms;
    arena_init(&arena, consensus_step_bytes(story->core));
    out.arena = &arena;
    consensus_step(story->core, &event, &out);
    for (uint32_t i = 0; i < out.count && depth < DEPTH_MAX; i++) {
        const struct action *action = &out.list[i];
        struct event answer = {0};
        if (action->kind == ACTION_EXECUTE)
            answer = (struct event){.kind = EVENT_EXECUTED,
                                    .as.executed = {action->as.execute.ticket, EVENT_VALID}};
        else if (action->kind == ACTION_COMMIT)
            answer =
                (struct event){.kind = EVENT_COMMITTED, .as.committed = action->as.commit.height};
        else if (action->kind == ACTION_BUILD)
            answer = (struct event){.kind = EVENT_BUILT,
                                    .as.built = {.ticket = action->as.build.ticket}};
        else
            continue;
        step(story, answer, depth + 1);
    }
    arena_release(&arena);
}

static void hear(struct story *story, struct bytes in)
{
    struct verify_context context = {.base.digest = story->config.base.digest,
                                     .committee = &story->committee,
                                     .read = wire_read_header,
                                     .signature = verify_trusting};
    struct message message;
    if (verify_message(&story->arena, &context, &message, in, NULL) == ERR_NONE)
        step(story, (struct event){.kind = EVENT_MESSAGE, .as.message = &message}, 0);
}

/* The next part of the story; false at its end. */
static bool next(struct bytes *rest, struct bytes *part)
{
    if (rest->size < 2)
        return false;
    size_t size = bytes_get_u16(rest->data);
    if (size > rest->size - 2)
        size = rest->size - 2;
    *part = bytes_of(rest->data + 2, size);
    *rest = bytes_of(rest->data + 2 + size, rest->size - 2 - size);
    return true;
}

static void recover(struct bytes rest)
{
    struct story story;
    struct bytes part;
    enum err err = ERR_NONE;
    begin(&story);
    for (uint64_t sequence = 1; err == ERR_NONE && next(&rest, &part); sequence++) {
        err = consensus_recover(story.core, sequence, part, NULL);
        CHECK(err == ERR_NONE || err == ERR_CORRUPT);
    }
    end(&story);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data, size), part;
    recover(rest);

    struct story story;
    begin(&story);
    struct event start = {.kind = EVENT_START};
    start.as.start.header = bytes_of(story.genesis, story.genesis_size);
    step(&story, start, 0);
    while (next(&rest, &part)) {
        if (part.size > 0) {
            hear(&story, part);
        } else {
            story.now_ms += 3000;
            step(&story, (struct event){.kind = EVENT_TICK}, 0);
        }
    }
    end(&story);
    return 0;
}
