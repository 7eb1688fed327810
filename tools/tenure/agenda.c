#include "tools/tenure/agenda.h"

#include "base/check.h"

static bool is_same(const struct agenda_task *a, const struct agenda_task *b)
{
    return a->segment.job == b->segment.job && a->segment.round == b->segment.round &&
           a->segment.slot == b->segment.slot && a->segment.attempt == b->segment.attempt &&
           a->challenge == b->challenge && a->brief == b->brief;
}

static bool goes_before(const struct agenda_task *a, const struct agenda_task *b)
{
    return a->brief != b->brief ? a->brief : a->deadline_ms < b->deadline_ms;
}

static bool was_tried(const struct agenda *agenda, const struct agenda_task *task, uint64_t now_ms)
{
    for (uint32_t i = 0; i < AGENDA_TRIED_MAX; i++)
        if (now_ms < agenda->tried[i].until_ms && is_same(&agenda->tried[i].task, task))
            return true;
    return false;
}

/* The last place is for what is brief, so that this never waits for two long ones. */
static bool may_interrupt(const struct agenda *agenda, const struct agenda_task *task)
{
    if (agenda->depth == AGENDA_DEPTH || (agenda->depth == AGENDA_DEPTH - 1 && !task->brief))
        return false;
    return agenda->depth == 0 || goes_before(task, &agenda->running[agenda->depth - 1].task);
}

void agenda_clear(struct agenda *agenda)
{
    agenda->any = false;
}

bool agenda_take(struct agenda *agenda, const struct agenda_task *task, uint64_t now_ms)
{
    for (uint32_t i = 0; i < agenda->depth; i++) {
        struct agenda_running *running = &agenda->running[i];
        if (!is_same(&running->task, task))
            continue;
        bool is_mine = i + 1 == agenda->depth && !running->taken;
        running->task.deadline_ms = task->deadline_ms; /* the ledger may have moved it */
        running->taken = true;
        return is_mine;
    }
    if (!was_tried(agenda, task, now_ms) && may_interrupt(agenda, task) &&
        (!agenda->any || goes_before(task, &agenda->noted))) {
        agenda->noted = *task;
        agenda->any = true;
    }
    return false;
}

bool agenda_begin(struct agenda *agenda, struct agenda_task *task, uint64_t now_ms)
{
    if (!agenda->any)
        return false;
    CHECK(agenda->depth < AGENDA_DEPTH);
    agenda->any = false;
    agenda->running[agenda->depth++] = (struct agenda_running){agenda->noted, now_ms, false};
    *task = agenda->noted;
    return true;
}

void agenda_end(struct agenda *agenda, uint64_t now_ms)
{
    const struct agenda_running *over = &agenda->running[--agenda->depth];

    CHECK(agenda->depth < AGENDA_DEPTH);
    agenda->tried[agenda->tried_next] = (struct agenda_tried){
        over->task, now_ms + (now_ms - over->begun_ms) + AGENDA_REST_MS};
    agenda->tried_next = (agenda->tried_next + 1) % AGENDA_TRIED_MAX;
}

bool agenda_is_running(const struct agenda *agenda, uint64_t job)
{
    for (uint32_t i = 0; i < agenda->depth; i++)
        if (agenda->running[i].task.segment.job == job)
            return true;
    return false;
}

bool agenda_is_late(const struct agenda *agenda, uint64_t time_ms)
{
    CHECK(agenda->depth > 0);
    uint64_t deadline_ms = agenda->running[agenda->depth - 1].task.deadline_ms;
    return deadline_ms && time_ms >= deadline_ms;
}
