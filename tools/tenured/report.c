#include "tools/tenured/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "tools/sys/clock.h"

static bool report_connected(const struct peer_state *state)
{
    return state->connected[PEER_VOTES] && state->connected[PEER_BULK];
}

static void report_disk(const struct node *node, struct diagnosis_node *facts)
{
    struct statvfs disk;
    facts->disk_free_bytes = UINT64_MAX;
    if (statvfs(node->settings.data, &disk) == 0)
        facts->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
}

static void report_consensus(const struct consensus_summary *summary, struct diagnosis_node *facts)
{
    uint64_t now_ms = clock_monotonic_ms();
    facts->height = summary->committed.n;
    facts->durable = summary->durable.n;
    facts->target = summary->target.n;
    facts->idle_ms = now_ms - summary->commit_ms;
    facts->owed_ms = summary->pending_ms == UINT64_MAX ? 0 : now_ms - summary->pending_ms;
    facts->timeout_ms = summary->timeout_ms;
    facts->view = summary->view.n;
    facts->primary = summary->primary.n;
    facts->active = summary->active;
    facts->muted = summary->muted;
    facts->halted = summary->halted;
    facts->in_flight = summary->in_flight;
    facts->prepares = summary->prepares;
    facts->commits = summary->commits;
    facts->changes = summary->changes;
}

static void report_peers(struct node *node, const struct roster *roster, struct api_status *status)
{
    for (uint8_t seat = 0; seat < roster->committee.count; seat++) {
        struct peer_state state = {0};
        if (seat == roster->seat.n)
            continue;
        if (roster->places[seat] != ROSTER_NONE)
            peer_status(node->net, (struct place){roster->places[seat]}, &state);
        struct api_peer *peer = &status->peers[status->peer_count++];
        peer->seat.n = seat;
        snprintf(peer->name, sizeof(peer->name), "%s", roster->names[seat]);
        peer->queued_bytes = state.queued_bytes[PEER_VOTES] + state.queued_bytes[PEER_BULK];
        if (report_connected(&state))
            status->node.connected |= COMMITTEE_BIT(seat);
        status->node.since_ms[seat] = status->node.clock_ms - state.changed_ms[PEER_VOTES];
    }
}

/* What is wrong here or with the whole chain; that another validator is away is its own affair while the chain moves. */
static void report_waiting(const struct roster *roster, struct api_status *status)
{
    struct diagnosis diagnosis = {
        .validators = roster->committee.count,
        .quorum = status->quorum,
        .interval_max_ms = status->interval_max_ms,
        .clock_bound_ms = status->clock_bound_ms,
        .now_ms = status->node.clock_ms,
        .nodes = &status->node,
        .count = 1,
    };
    struct text sentence;
    memcpy(diagnosis.names, roster->names, sizeof(diagnosis.names));
    text_init(&sentence, 65536);
    struct diagnosis_finding finding = diagnosis_make(&diagnosis, &sentence);
    if (finding.verdict != DIAGNOSIS_HEALTHY && finding.verdict != DIAGNOSIS_UNREACHABLE)
        snprintf(status->waiting, sizeof(status->waiting), "%s", text_string(&sentence));
    text_release(&sentence);
}

void report_status(void *self, struct api_status *status)
{
    struct node *node = self;
    struct consensus_summary summary;
    struct consensus_config defaults;
    driver_summary(&node->driver, &summary);
    consensus_config_defaults(&defaults);
    struct pool_stats pool = executor_stats(&node->executor);
    status->node.answers = true;
    struct roster *roster = roster_hold(node);
    status->node.seat = roster->seat.n;
    status->node.clock_ms = clock_wall_ms();
    status->node.asked_ms = status->node.clock_ms;
    status->validator = roster->seat.n != ROSTER_NONE;
    status->quorum = committee_quorum(&roster->committee);
    status->interval_max_ms = node->genesis.parameters.block_interval_max_ms;
    status->clock_bound_ms = defaults.clock_bound_ms;
    status->catching_up = summary.target.n > summary.committed.n + 1;
    status->pool_count = pool.count;
    status->pool_bytes = pool.bytes;
    status->uptime_ms = clock_monotonic_ms() - node->started_ms;
    report_disk(node, &status->node);
    report_consensus(&summary, &status->node);
    report_peers(node, roster, status);
    if (status->validator)
        report_waiting(roster, status);
    roster_drop(roster);
}

static void report_metric(struct text *text, const char *name, const char *type, const char *help,
                          uint64_t value)
{
    text_add(text, "# HELP tenure_%s %s\n# TYPE tenure_%s %s\ntenure_%s %llu\n", name, help, name,
             type, name, (unsigned long long)value);
}

void report_metrics(void *self, struct text *text)
{
    struct node *node = self;
    struct consensus_summary summary;
    driver_summary(&node->driver, &summary);
    report_metric(text, "consensus_durable_height", "gauge", "Last block that is durable here.",
                  summary.durable.n);
    report_metric(text, "consensus_in_flight", "gauge", "Blocks proposed and not committed.",
                  summary.in_flight);
    report_metric(text, "consensus_timeout_ms", "gauge", "Patience with the primary now.",
                  summary.timeout_ms);
    report_metric(text, "consensus_active", "gauge", "0 while a view change is on.",
                  summary.active);
    report_metric(text, "committed_transactions_total", "counter",
                  "Transactions committed since the start.",
                  atomic_load(&node->executor.committed_txs));
    report_metric(text, "driver_queue", "gauge", "Events that wait for consensus.",
                  queue_count(&node->driver.queue));
    report_metric(text, "verifier_votes_queue", "gauge", "Messages that wait for their check.",
                  queue_count(&node->verifier.votes));
    report_metric(text, "verifier_bulk_queue", "gauge",
                  "Bodies and batches that wait for their check.",
                  queue_count(&node->verifier.bulk));
    report_metric(text, "executor_queue", "gauge",
                  "Blocks that wait to be built, executed or committed.",
                  queue_count(&node->executor.jobs));
}
