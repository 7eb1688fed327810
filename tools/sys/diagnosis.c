#include "tools/sys/diagnosis.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define BIT(seat) (1ull << (seat))

static const char *const names[] = {
    [DIAGNOSIS_HEALTHY] = "healthy",         [DIAGNOSIS_DISK_LOW_HERE] = "disk_low",
    [DIAGNOSIS_CATCHING_UP] = "catching_up", [DIAGNOSIS_BEHIND] = "behind",
    [DIAGNOSIS_CLOCK_OFF] = "clock_off",     [DIAGNOSIS_MUTED] = "muted",
    [DIAGNOSIS_UNREACHABLE] = "unreachable", [DIAGNOSIS_HALTED] = "halted",
    [DIAGNOSIS_NO_QUORUM] = "no_quorum",     [DIAGNOSIS_VIEW_CHANGE] = "view_change",
    [DIAGNOSIS_NO_PROPOSAL] = "no_proposal", [DIAGNOSIS_NO_PREPARES] = "no_prepares",
    [DIAGNOSIS_NO_COMMITS] = "no_commits",   [DIAGNOSIS_NOT_STORED] = "not_stored",
    [DIAGNOSIS_NO_ANSWER] = "no_answer",
};

const char *diagnosis_name(enum diagnosis_verdict verdict)
{
    return names[verdict];
}

bool diagnosis_is_stuck(enum diagnosis_verdict verdict)
{
    return verdict >= DIAGNOSIS_NO_QUORUM;
}

const char *diagnosis_time(char text[DIAGNOSIS_TIME_SIZE], uint64_t unix_ms, uint64_t now_ms)
{
    uint64_t apart = unix_ms > now_ms ? unix_ms - now_ms : now_ms - unix_ms;
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, DIAGNOSIS_TIME_SIZE, apart > 12ull * 3600000 ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S",
             &tm);
    return text;
}

/* --- what the facts say about a seat --- */

static uint8_t size_of(uint64_t seats)
{
    return (uint8_t)__builtin_popcountll(seats);
}

static uint64_t all_seats(const struct diagnosis *d)
{
    return d->validators == 64 ? UINT64_MAX : BIT(d->validators) - 1;
}

/* What that seat itself said; NULL: nothing. */
static const struct diagnosis_node *node_of(const struct diagnosis *d, uint8_t seat)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->nodes[i].answers && d->nodes[i].seat == seat)
            return &d->nodes[i];
    return NULL;
}

/* Seats that `node` can exchange votes with, itself among them. */
static uint64_t reach_of(const struct diagnosis_node *node)
{
    return node->connected | (node->seat < LIMIT_VALIDATORS ? BIT(node->seat) : 0);
}

/* The node that has come furthest; of equals the one that reaches most. NULL: nobody answers. */
static const struct diagnosis_node *foremost(const struct diagnosis *d)
{
    const struct diagnosis_node *best = NULL;
    for (uint32_t i = 0; i < d->count; i++) {
        const struct diagnosis_node *node = &d->nodes[i];
        if (!node->answers)
            continue;
        uint8_t reach = size_of(reach_of(node));
        if (best == NULL || (reach >= d->quorum) > (size_of(reach_of(best)) >= d->quorum) ||
            ((reach >= d->quorum) == (size_of(reach_of(best)) >= d->quorum) &&
             (node->height > best->height ||
              (node->height == best->height && reach > size_of(reach_of(best))))))
            best = node;
    }
    return best;
}

/* How far a node's clock is ahead of the median of all that answer; 0 when there are too few to tell. */
static int64_t clock_ahead_ms(const struct diagnosis *d, const struct diagnosis_node *node)
{
    int64_t own = (int64_t)(node->clock_ms - node->asked_ms), median = 0;
    uint32_t answering = 0;
    for (uint32_t i = 0; i < d->count; i++)
        answering += d->nodes[i].answers;
    if (answering < 3)
        return 0;
    for (uint32_t i = 0; i < d->count; i++) {
        int64_t one = (int64_t)(d->nodes[i].clock_ms - d->nodes[i].asked_ms);
        uint32_t below = 0;
        for (uint32_t j = 0; j < d->count; j++)
            below += d->nodes[j].answers &&
                     ((int64_t)(d->nodes[j].clock_ms - d->nodes[j].asked_ms) < one ||
                      ((int64_t)(d->nodes[j].clock_ms - d->nodes[j].asked_ms) == one && j < i));
        if (d->nodes[i].answers && below == answering / 2)
            median = one;
    }
    return own - median;
}

/* --- the second part: who needs care --- */

struct remarks {
    const struct diagnosis *d;
    const struct diagnosis_node *best;
    struct text *out;
    enum diagnosis_verdict worst;
    uint64_t lost; /* seats that the foremost node doesn't reach */
};

static void remark(struct remarks *r, enum diagnosis_verdict verdict, const char *name)
{
    text_add(r->out, "; %s ", name);
    if (verdict > r->worst)
        r->worst = verdict;
}

static void remark_on_lost(struct remarks *r, uint8_t seat)
{
    char since[DIAGNOSIS_TIME_SIZE];
    const char *why = NULL;
    r->lost |= BIT(seat);
    remark(r, DIAGNOSIS_UNREACHABLE, r->d->names[seat]);
    for (uint32_t i = 0; i < r->d->count; i++)
        if (!r->d->nodes[i].answers && r->d->nodes[i].seat == seat)
            why = r->d->nodes[i].why;
    text_add(r->out, "unreachable since %s",
             diagnosis_time(since, r->best->since_ms[seat], r->d->now_ms));
    if (why)
        text_add(r->out, " (%s)", why);
}

static void remark_on_node(struct remarks *r, const struct diagnosis_node *node, const char *name)
{
    uint64_t top = r->best->height > r->best->target ? r->best->height : r->best->target;
    int64_t ahead_ms = clock_ahead_ms(r->d, node);
    uint64_t off_ms = (uint64_t)(ahead_ms < 0 ? -ahead_ms : ahead_ms);
    if (node->halted) {
        remark(r, DIAGNOSIS_HALTED, name);
        text_add(r->out, "has halted at block %" PRIu64 ": its result differs from the quorum's",
                 node->height);
    }
    if (node->muted) {
        remark(r, DIAGNOSIS_MUTED, name);
        text_add(r->out, "doesn't vote, since its log of votes isn't whole");
    }
    if (off_ms > r->d->clock_bound_ms) {
        remark(r, DIAGNOSIS_CLOCK_OFF, name);
        text_add(r->out, "has a clock that is %" PRIu64 " s %s", off_ms / 1000,
                 ahead_ms < 0 ? "behind" : "ahead");
    }
    if (node->height + DIAGNOSIS_LAG < top) {
        bool knows = node->target > node->height + 1;
        remark(r, knows ? DIAGNOSIS_CATCHING_UP : DIAGNOSIS_BEHIND, name);
        text_add(r->out, "%s: block %" PRIu64 " of %" PRIu64,
                 knows ? "is catching up" : "is behind", node->height, top);
    }
    if (node->disk_free_bytes < DIAGNOSIS_DISK_LOW) {
        remark(r, DIAGNOSIS_DISK_LOW_HERE, name);
        text_add(r->out, "has %" PRIu64 " MB left on its disk", node->disk_free_bytes >> 20);
    }
}

/* Nodes that don't answer and whose seats aren't known. */
static uint32_t nameless(const struct diagnosis *d)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->count; i++)
        count += !d->nodes[i].answers && d->nodes[i].seat >= d->validators;
    return count;
}

static void remark_on_all(struct remarks *r)
{
    const struct diagnosis *d = r->d;
    uint64_t reach = reach_of(r->best);
    /* No more of them than validators are unreachable: they are the same, and named already. */
    bool are_the_lost = nameless(d) <= size_of(all_seats(d) & ~reach);
    for (uint8_t seat = 0; seat < d->validators; seat++) {
        const struct diagnosis_node *node = node_of(d, seat);
        if (!(reach & BIT(seat)))
            remark_on_lost(r, seat);
        if (node != NULL)
            remark_on_node(r, node, d->names[seat]);
    }
    for (uint32_t i = 0; i < d->count; i++) {
        const struct diagnosis_node *node = &d->nodes[i];
        bool known = node->seat < d->validators;
        if (node->answers && !known)
            remark_on_node(r, node, node->label);
        if (node->answers || (known ? !(reach & BIT(node->seat)) : are_the_lost))
            continue;
        remark(r, DIAGNOSIS_UNREACHABLE,
               node->seat < d->validators ? d->names[node->seat] : node->label);
        text_add(r->out, "doesn't answer: %s", node->why);
    }
}

/* --- the first part: the cause --- */

static void list_seats(struct text *out, const struct diagnosis *d, uint64_t seats)
{
    const char *between = " ";
    text_add(out, " of validator%s", size_of(seats) == 1 ? "" : "s");
    for (uint8_t seat = 0; seat < d->validators; seat++) {
        if (!(seats & BIT(seat)))
            continue;
        text_add(out, "%s%s", between, d->names[seat]);
        between = ", ";
    }
}

/* Votes as all nodes know them that stand where `best` does. */
static struct diagnosis_node pooled(const struct diagnosis *d, const struct diagnosis_node *best)
{
    struct diagnosis_node sum = *best;
    for (uint32_t i = 0; i < d->count; i++) {
        const struct diagnosis_node *node = &d->nodes[i];
        if (!node->answers || node->view != best->view || node->active != best->active)
            continue;
        sum.changes |= node->changes;
        if (node->height != best->height)
            continue;
        sum.prepares |= node->prepares;
        sum.commits |= node->commits;
    }
    return sum;
}

static bool is_moving(const struct diagnosis *d, const struct diagnosis_node *node)
{
    if (node->halted)
        return false;
    if (!node->active)
        return node->idle_ms <= node->timeout_ms;
    return node->idle_ms <= d->interval_max_ms + node->timeout_ms &&
           node->owed_ms <= node->timeout_ms;
}

static struct diagnosis_finding
view_change_cause(const struct diagnosis *d, const struct diagnosis_node *node, struct text *out)
{
    uint8_t have = size_of(node->changes);
    text_add(out, "changing to view %" PRIu64 "; ", node->view);
    if (have >= d->quorum) {
        text_add(out, "waiting for NEW-VIEW of its primary %s", d->names[node->primary]);
        return (struct diagnosis_finding){DIAGNOSIS_VIEW_CHANGE, BIT(node->primary)};
    }
    text_add(out, "%u of %u VIEW-CHANGEs are here; waiting for those", have, d->quorum);
    list_seats(out, d, all_seats(d) & ~node->changes);
    return (struct diagnosis_finding){DIAGNOSIS_VIEW_CHANGE, all_seats(d) & ~node->changes};
}

static struct diagnosis_finding vote_cause(const struct diagnosis *d,
                                           const struct diagnosis_node *node, struct text *out)
{
    bool prepared = size_of(node->prepares) >= d->quorum;
    uint64_t missing = all_seats(d) & ~(prepared ? node->commits : node->prepares);
    if (size_of(node->commits) >= d->quorum) {
        text_add(out, "block %" PRIu64 " is decided; waiting for its execution and the disk",
                 node->height + 1);
        return (struct diagnosis_finding){DIAGNOSIS_NOT_STORED, 0};
    }
    text_add(out, "waiting for %s", prepared ? "COMMIT" : "PREPARE");
    list_seats(out, d, missing);
    text_add(out, " for block %" PRIu64 " in view %" PRIu64, node->height + 1, node->view);
    return (struct diagnosis_finding){prepared ? DIAGNOSIS_NO_COMMITS : DIAGNOSIS_NO_PREPARES,
                                      missing};
}

static struct diagnosis_finding cause(const struct diagnosis *d, const struct diagnosis_node *best,
                                      struct text *out)
{
    struct diagnosis_node node = pooled(d, best);
    char since[DIAGNOSIS_TIME_SIZE];
    if (size_of(reach_of(best)) < d->quorum) {
        text_add(out,
                 "no quorum: %u of %u validators reach each other and %u are needed; block %" PRIu64
                 " was the last",
                 size_of(reach_of(best)), d->validators, d->quorum, best->height);
        return (struct diagnosis_finding){DIAGNOSIS_NO_QUORUM, all_seats(d) & ~reach_of(best)};
    }
    if (best->target > best->height + DIAGNOSIS_LAG || is_moving(d, best)) {
        text_add(out, "the chain moves: block %" PRIu64 " in view %" PRIu64,
                 best->target > best->height ? best->target : best->height, best->view);
        return (struct diagnosis_finding){DIAGNOSIS_HEALTHY, 0};
    }
    if (!node.active)
        return view_change_cause(d, &node, out);
    if (node.in_flight > 0)
        return vote_cause(d, &node, out);
    if (node.durable < node.height) {
        text_add(out, "block %" PRIu64 " is decided; waiting for the disk", node.height);
        return (struct diagnosis_finding){DIAGNOSIS_NOT_STORED, 0};
    }
    text_add(
        out, "waiting for primary %s to propose block %" PRIu64 " in view %" PRIu64 " since %s",
        d->names[node.primary], node.height + 1, node.view,
        diagnosis_time(since, d->now_ms - (node.owed_ms ? node.owed_ms : node.idle_ms), d->now_ms));
    return (struct diagnosis_finding){DIAGNOSIS_NO_PROPOSAL, BIT(node.primary)};
}

struct diagnosis_finding diagnosis_make(const struct diagnosis *d, struct text *out)
{
    const struct diagnosis_node *best = foremost(d);
    if (best == NULL) {
        text_add(out, "no node answers");
        for (uint32_t i = 0; i < d->count; i++)
            text_add(out, "; %s: %s", d->nodes[i].label, d->nodes[i].why);
        return (struct diagnosis_finding){DIAGNOSIS_NO_ANSWER, 0};
    }
    struct diagnosis_finding finding = cause(d, best, out);
    struct remarks remarks = {.d = d, .best = best, .out = out};
    remark_on_all(&remarks);
    finding.missing |= remarks.lost;
    if (finding.verdict == DIAGNOSIS_HEALTHY)
        finding.verdict = remarks.worst;
    return finding;
}
