#include "tools/tenured/cores.h"

#include <string.h>

#include "ledger/history.h"
#include "tools/sys/log.h"
#include "tools/tenured/driver.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

static enum err cores_recover(struct driver *driver, struct fault *fault)
{
    const struct votelog *log = &driver->node->votelog;
    enum err err = ERR_NONE;
    for (size_t i = 0; i < log->count && !err; i++) {
        const struct votelog_record *record = &log->records[i];
        err = consensus_recover(driver->consensus, record->sequence, record->bytes, fault);
    }
    return err;
}

enum err cores_make(struct driver *driver, struct fault *fault)
{
    struct node *node = driver->node;
    const struct votelog *log = &node->votelog;
    const struct roster *roster = node->roster;
    struct consensus_config config;
    consensus_config_defaults(&config);
    config.committee = &roster->committee;
    config.chain = node->chain_digest;
    config.base = (struct consensus_base){{roster->since - 1}, roster->base};
    config.seat = roster->seat;
    config.sequence = log->count > 0 ? log->records[0].sequence - 1 : 0;
    config.read = wire_read_header;
    config.timeout_ms = node->settings.timeout_ms;
    config.timeout_max_ms = node->settings.timeout_max_ms;
    config.block_interval_max_ms = node->genesis.parameters.block_interval_max_ms;
    driver->consensus = consensus_new(&config);
    if (!driver->consensus)
        return fault_set(fault, ERR_LIMIT, "no memory for consensus");
    arena_release(&driver->step_arena);
    arena_init(&driver->step_arena, consensus_step_bytes(driver->consensus));
    memset(driver->heights, 0, sizeof(driver->heights));
    return cores_recover(driver, fault);
}

void cores_free(struct driver *driver)
{
    consensus_free(driver->consensus);
    driver->consensus = NULL;
}

/* Tells the core where the chain stands here. */
static enum err cores_start(struct driver *driver, struct history *history, struct arena *arena,
                            struct fault *fault)
{
    const struct votelog *log = &driver->node->votelog;
    const struct roster *roster = driver->node->roster;
    struct history_block block;
    enum err err = history_block(arena, history, &block, history_height(history), fault);
    if (err)
        return err;
    bool is_base = block.header.height + 1 == roster->since;
    struct event start = {
        .kind = EVENT_START,
        .as.start = {.header = block.header_raw,
                     .certificate = is_base ? bytes_of(NULL, 0) : block.certificate,
                     .muted_height = log->muted_height}};
    start.as.start.muted = votelog_is_muted(log, roster->since, &start.as.start.muted_view);
    if (start.as.start.muted)
        log_event(LOG_LEVEL_WARN, "muted",
                  "the log of votes is not all that this key has signed: no votes in views up to "
                  "%llu, no view change before block %llu",
                  (unsigned long long)start.as.start.muted_view.n,
                  (unsigned long long)log->muted_height.n);
    driver_step(driver, &start);
    struct event work = {.kind = EVENT_WORK, .as.work = driver->work};
    driver_step(driver, &work);
    return ERR_NONE;
}

bool cores_begin(struct driver *driver)
{
    struct arena arena;
    struct fault fault = {0};
    arena_init(&arena, 1u << 20);
    struct history *history = history_open(driver->node->chain, &fault);
    enum err err = history ? cores_start(driver, history, &arena, &fault) : fault.code;
    if (history)
        history_close(history);
    arena_release(&arena);
    return !node_failed(driver->node, err, &fault);
}

/* A boundary is durable: the core of the set before has said its last, and that of the next one takes over. */
static bool cores_change(struct driver *driver, const struct roster *roster)
{
    struct fault fault = {0};
    driver->wait_count = 0;
    parcel_shelf_clear(&driver->shelf);
    catchup_clear(&driver->catchup);
    driver->catchup.next = driver->catchup.to = (struct height){0};
    driver->catchup.next.n = 1;
    driver->catchup.guided = false;
    cores_free(driver);
    if (node_failed(driver->node, cores_make(driver, &fault), &fault))
        return false;
    log_event(LOG_LEVEL_INFO, "validators-changed",
              "from block %llu on there are %u validators; this node %s",
              (unsigned long long)roster->since, roster->committee.count,
              roster->seat.n != ROSTER_NONE ? "is one of them" : "only follows");
    return cores_begin(driver);
}

bool cores_renew(struct driver *driver)
{
    struct node *node = driver->node;
    struct roster *before = node->roster, *after;
    struct fault fault = {0};
    driver->renew = false;
    if (!driver_settle(driver) ||
        node_failed(node, roster_make(&after, node, before, &fault), &fault))
        return false;
    bool is_boundary = after->since != before->since;
    roster_connect(node, before, after);
    roster_publish_take(node, after);
    return !is_boundary || cores_change(driver, after);
}

void cores_publish(struct driver *driver)
{
    struct consensus_summary summary;
    consensus_summarise(driver->consensus, &summary);
    pthread_mutex_lock(&driver->mutex);
    driver->summary = summary;
    pthread_mutex_unlock(&driver->mutex);
    atomic_store(&driver->node->verifier.view, summary.view.n);
    atomic_store(&driver->node->verifier.height, summary.committed.n);
}

void cores_tell(const struct narrate_line *line)
{
    enum log_level level = LOG_LEVEL_INFO;
    const char *event = "consensus";
    switch (line->kind) {
    case NARRATE_PROPOSED:
    case NARRATE_RECEIVED:
    case NARRATE_VOTED:
    case NARRATE_COMMITTED:
    case NARRATE_TURN:
        level = LOG_LEVEL_DEBUG;
        break;
    case NARRATE_STARTED:
    case NARRATE_WANTED:
    case NARRATE_ENTERED:
    case NARRATE_BEHIND:
        break;
    case NARRATE_ACCUSED:
    case NARRATE_INVALID:
    case NARRATE_SUSPECTED:
    case NARRATE_SLOW:
    case NARRATE_RESIGNED:
    case NARRATE_JOINED:
        level = LOG_LEVEL_WARN;
        break;
    case NARRATE_DIVERGED:
        level = LOG_LEVEL_ERROR;
        event = "diverged";
        break;
    }
    char text[NARRATE_TEXT_SIZE];
    narrate_text(text, line);
    log_event(level, event, "%s", text);
}
