#include "tools/tenured/report.h"

#include <stdio.h>
#include <string.h>

#include "tools/sys/clock.h"

/* Appends; what doesn't fit is cut. */
static void report_add(char *text, size_t size, const char *part)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", part);
}

static bool report_connected(const struct peer_state *state)
{
    return state->connected[PEER_VOTES] && state->connected[PEER_BULK];
}

/* The names of the seats, "a, b"; then which of them can't be reached. */
static void report_seats(struct node *node, uint64_t seats, char *text, size_t size)
{
    const char *between = "";
    for (uint8_t seat = 0; seat < node->committee.count; seat++) {
        if (!(seats & COMMITTEE_BIT(seat)))
            continue;
        report_add(text, size, between);
        report_add(text, size, node->names[seat]);
        between = ", ";
    }
    for (uint8_t seat = 0; seat < node->committee.count; seat++) {
        struct peer_state state;
        char part[LIMIT_TEXT_BYTES + 64];
        if (seat == node->seat.n || !(seats & COMMITTEE_BIT(seat)))
            continue;
        peer_status(node->net, (struct seat){seat}, &state);
        if (report_connected(&state))
            continue;
        snprintf(part, sizeof(part), "; %s unreachable for %llu s", node->names[seat],
                 (unsigned long long)(state.changed_ms[PEER_VOTES] / 1000));
        report_add(text, size, part);
    }
}

void report_waiting(struct node *node, const struct consensus_summary *summary, char *text,
                    size_t size)
{
    uint64_t all = committee_all(&node->committee);
    uint8_t quorum = committee_quorum(&node->committee);
    text[0] = 0;
    if (summary->halted) {
        report_add(text, size, "halted: this node computed another result than the quorum");
    } else if (summary->target.n > summary->committed.n + BOUNDS_WINDOW) {
        snprintf(text, size, "catching up to block %llu", (unsigned long long)summary->target.n);
    } else if (!summary->active) {
        snprintf(text, size, "changing to view %llu; waiting for VIEW-CHANGE of validators ",
                 (unsigned long long)summary->view.n);
        report_seats(node, all & ~summary->changes, text, size);
    } else if (summary->in_flight > 0 && committee_size(summary->prepares) < quorum) {
        report_add(text, size, "waiting for PREPARE of validators ");
        report_seats(node, all & ~summary->prepares, text, size);
    } else if (summary->in_flight > 0 && committee_size(summary->commits) < quorum) {
        report_add(text, size, "waiting for COMMIT of validators ");
        report_seats(node, all & ~summary->commits, text, size);
    }
}

void report_status(void *self, struct api_status *status)
{
    struct node *node = self;
    struct consensus_summary summary;
    driver_summary(&node->driver, &summary);
    struct pool_stats pool = executor_stats(&node->executor);
    status->seat = node->seat;
    status->validator = true;
    status->view = summary.view.n;
    status->primary = summary.primary;
    status->peers_height = summary.target.n;
    status->catching_up = summary.target.n > summary.committed.n + 1;
    status->pool_count = pool.count;
    status->pool_bytes = pool.bytes;
    status->uptime_ms = clock_monotonic_ms() - node->started_ms;
    report_waiting(node, &summary, status->waiting, sizeof(status->waiting));
    for (uint8_t seat = 0; seat < node->committee.count; seat++) {
        struct peer_state state;
        if (seat == node->seat.n)
            continue;
        peer_status(node->net, (struct seat){seat}, &state);
        struct api_peer *peer = &status->peers[status->peer_count++];
        peer->seat.n = seat;
        snprintf(peer->name, sizeof(peer->name), "%s", node->names[seat]);
        peer->connected = report_connected(&state);
        peer->changed_ms = state.changed_ms[PEER_VOTES];
        peer->queued_bytes = state.queued_bytes[PEER_VOTES] + state.queued_bytes[PEER_BULK];
    }
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
