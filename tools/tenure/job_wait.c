#include "tools/tenure/job_wait.h"

#include "contracts/path.h"
#include "tools/sys/diagnosis.h"

#include <inttypes.h>

struct wait {
    struct cli *cli;
    const struct job_view *view;
    struct lookup_list audits; /* struct jobs_audit, by slot and seat */
    uint64_t now_ms;
};

/* The replayers of the slot's audits in that status: "carl, dora". */
static const char *replayers(const struct wait *wait, uint32_t number,
                             enum jobs_audit_status status)
{
    const struct jobs_slot *slot = wait->view->slots.values[number];
    const char *list = "";
    for (uint32_t i = 0; i < wait->audits.count; i++) {
        const struct jobs_audit *audit = wait->audits.values[i];
        const struct jobs_segment *segment = &audit->segment;
        if (segment->round != slot->round || segment->slot != number ||
            segment->attempt != slot->attempt || audit->status != status)
            continue;
        list = cli_format(wait->cli, "%s%s%s", list, list[0] ? ", " : "",
                          desk_name(wait->cli, &wait->view->accounts, &audit->replayer));
    }
    return list[0] ? list : "replayers";
}

static const char *until(const struct wait *wait, uint64_t deadline_ms)
{
    char text[DIAGNOSIS_TIME_SIZE];
    if (deadline_ms == 0)
        return "";
    return cli_format(wait->cli, " until %s", diagnosis_time(text, deadline_ms, wait->now_ms));
}

static const char *slot_sentence(const struct wait *wait, uint32_t number)
{
    struct cli *cli = wait->cli;
    const struct jobs_slot *slot = wait->view->slots.values[number];
    const char *worker = desk_name(cli, &wait->view->accounts, &slot->worker);
    const char *end = until(wait, slot->deadline_ms);
    switch ((enum jobs_slot_status)slot->status) {
    case JOBS_SLOT_WAITING:
        return cli_format(
            cli, "slot %u waits for a machine: no listed offer fits (see explore offers)", number);
    case JOBS_SLOT_TRAINING:
        return cli_format(cli, "slot %u waits for %s, who trains%s", number, worker, end);
    case JOBS_SLOT_DRAWING:
        return cli_format(cli, "slot %u waits for the reveals that draw the intervals of %s%s",
                          number, replayers(wait, number, JOBS_AUDIT_ASSIGNED), end);
    case JOBS_SLOT_SERVING:
        return cli_format(cli, "slot %u waits for %s to serve the drawn states%s", number, worker,
                          end);
    case JOBS_SLOT_SEALING:
        return cli_format(cli, "slot %u waits for the seals of %s%s", number,
                          replayers(wait, number, JOBS_AUDIT_ASSIGNED), end);
    case JOBS_SLOT_OPENING:
        return cli_format(cli, "slot %u waits for %s to open their seals%s", number,
                          replayers(wait, number, JOBS_AUDIT_SEALED), end);
    case JOBS_SLOT_CLAIMING:
        return cli_format(cli, "slot %u waits for the claim of %s, who has the last word%s", number,
                          worker, end);
    case JOBS_SLOT_VOTING:
        return cli_format(cli,
                          "slot %u waits for the votes of all replayers on interval %u, which is "
                          "disputed%s",
                          number, slot->disputed, end);
    case JOBS_SLOT_VERIFIED:
    case JOBS_SLOT_MISSED:
    case JOBS_SLOT_DIVERGED:
        break;
    }
    return NULL;
}

static const char *running_sentence(const struct wait *wait, enum job_wait_verdict *verdict)
{
    const struct job_view *view = wait->view;
    const char *first = NULL;
    uint32_t more = 0;
    for (uint32_t i = 0; i < view->slots.count; i++) {
        const struct jobs_slot *slot = view->slots.values[i];
        const char *one = slot_sentence(wait, i);
        if (one && slot->status == JOBS_SLOT_WAITING)
            *verdict = JOB_WAIT_STUCK;
        more += one && first;
        /* A slot that waits for a machine needs somebody; the others help themselves. */
        if (one && (!first || slot->status == JOBS_SLOT_WAITING))
            first = one;
    }
    return cli_format(wait->cli, "job %" PRIu64 " is in round %u of %u: %s%s", view->number,
                      view->progress.round + 1, view->job.terms.rounds,
                      first ? first : "the round is closing",
                      more ? cli_format(wait->cli, "; %u more segment%s at work", more,
                                        more == 1 ? " is" : "s are")
                           : "");
}

static const char *sentence_of(const struct wait *wait, enum job_wait_verdict *verdict)
{
    struct cli *cli = wait->cli;
    const struct job_view *view = wait->view;
    const struct jobs_progress *progress = &view->progress;
    *verdict = JOB_WAIT_AT_WORK;
    switch ((enum jobs_status)progress->status) {
    case JOBS_WAITING:
        *verdict = progress->search == SCHEDULE_LIMIT ? JOB_WAIT_AT_WORK : JOB_WAIT_STUCK;
        return cli_format(cli, "job %" PRIu64 " waits for %s%s", view->number,
                          progress->search == SCHEDULE_LIMIT
                              ? "the matcher, which goes on looking in the next block"
                              : "machines: too few listed offers fit (price, memory, rate, stake, "
                                "window; see explore offers)",
                          until(wait, view->job.terms.deadline_ms));
    case JOBS_RUNNING:
        return running_sentence(wait, verdict);
    case JOBS_CLOSING:
        return cli_format(cli,
                          "job %" PRIu64
                          " closes round %u of %u: waiting for replayers to sign the same result%s",
                          view->number, progress->round + 1, view->job.terms.rounds,
                          until(wait, progress->deadline_ms));
    case JOBS_ENDED:
        break;
    }
    *verdict = progress->reason == LEASES_COMPLETED ? JOB_WAIT_DONE : JOB_WAIT_STUCK;
    return cli_format(cli, "job %" PRIu64 " has ended: %s", view->number,
                      leases_reason_name(progress->reason));
}

enum err job_wait_explain(struct desk *desk, const struct job_view *view, uint64_t now_ms,
                          const char **sentence, enum job_wait_verdict *verdict)
{
    struct wait wait = {.cli = desk->cli, .view = view, .now_ms = now_ms};
    struct path path = path_1("audit/", view->number);
    enum err err = lookup_all(&desk->client, desk->arena, path_key(&path), &jobs_audit_record,
                              &wait.audits, &desk->cli->fault);
    if (!err)
        *sentence = sentence_of(&wait, verdict);
    return err;
}
