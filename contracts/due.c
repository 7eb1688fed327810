#include "contracts/due.h"

static const struct record_field due_fields[] = {
    RECORD_UINT(struct due, time_ms),
    RECORD_UINT(struct due, kind),
    RECORD_UINT(struct due, object),
    RECORD_UINT(struct due, part),
};
const struct record due_record = RECORD(struct due, "due", due_fields);

static const char *const words[DUE_QUEUES] = {"due/", "due_match/", "due_statement/"};

static enum due_queue queue_of(enum due_kind kind)
{
    switch (kind) {
    case DUE_MATCH:
    case DUE_SEARCH:
        return DUE_MATCHES;
    case DUE_STATEMENT:
        return DUE_STATEMENTS;
    case DUE_OFFER:
    case DUE_JOB:
    case DUE_SLOT:
    case DUE_PROPOSAL:
    case DUE_CHALLENGE:
    case DUE_STAKE:
        break;
    }
    return DUE_DEADLINES;
}

static struct path due_path(const struct due *due)
{
    struct path path = path_1(words[queue_of((enum due_kind)due->kind)], due->time_ms);
    path_u8(&path, due->kind);
    path_u64(&path, due->object);
    path_u32(&path, due->part);
    return path;
}

void due_set(struct view_state *view, enum due_kind kind, uint64_t object, uint32_t part,
             uint64_t old_ms, uint64_t new_ms)
{
    if (old_ms == new_ms)
        return;
    struct due due = {.time_ms = old_ms, .kind = (uint8_t)kind, .object = object, .part = part};
    if (old_ms != 0) {
        struct path path = due_path(&due);
        view_delete(view, path_key(&path));
    }
    due.time_ms = new_ms;
    if (new_ms != 0) {
        struct path path = due_path(&due);
        view_save(view, path_key(&path), &due_record, &due);
    }
}

static bool next(struct view_state *view, const char *text, struct bytes after, struct due *due)
{
    struct path word = path_of(text);
    struct bytes key, raw;
    if (!view_next(view, path_key(&word), after, &key, &raw))
        return false;
    return view_load(view, key, &due_record, due);
}

bool due_take(struct view_state *view, enum due_queue queue, uint64_t now_ms, struct path *after,
              struct due *due)
{
    struct due entry;
    if (!next(view, words[queue], path_key(after), &entry) || entry.time_ms > now_ms)
        return false;
    struct path path = due_path(&entry);
    view_delete(view, path_key(&path));
    *after = path;
    *due = entry;
    return true;
}

uint64_t due_first(struct view_state *view)
{
    struct due entry;
    uint64_t first = UINT64_MAX;
    for (int queue = 0; queue < DUE_QUEUES; queue++)
        if (next(view, words[queue], bytes_of(NULL, 0), &entry) && entry.time_ms < first)
            first = entry.time_ms;
    return first;
}
