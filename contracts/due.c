#include "contracts/due.h"

static const struct record_field due_fields[] = {
    RECORD_UINT(struct due, time_ms),
    RECORD_UINT(struct due, kind),
    RECORD_UINT(struct due, object),
    RECORD_UINT(struct due, part),
};
const struct record due_record = RECORD(struct due, "due", due_fields);

static struct path due_path(const struct due *due)
{
    struct path path = path_1(due->kind == DUE_MATCH ? "due_match/" : "due/", due->time_ms);
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

static bool take(struct view_state *view, const char *word, uint64_t now_ms, struct path *after,
                 struct due *due)
{
    struct due entry;
    if (!next(view, word, path_key(after), &entry) || entry.time_ms > now_ms)
        return false;
    struct path path = due_path(&entry);
    view_delete(view, path_key(&path));
    *after = path;
    *due = entry;
    return true;
}

bool due_take(struct view_state *view, uint64_t now_ms, struct path *after, struct due *due)
{
    return take(view, "due/", now_ms, after, due);
}

bool due_take_match(struct view_state *view, uint64_t now_ms, struct path *after, struct due *due)
{
    return take(view, "due_match/", now_ms, after, due);
}

uint64_t due_first(struct view_state *view)
{
    struct due entry;
    uint64_t first = UINT64_MAX;
    if (next(view, "due/", bytes_of(NULL, 0), &entry))
        first = entry.time_ms;
    if (next(view, "due_match/", bytes_of(NULL, 0), &entry) && entry.time_ms < first)
        first = entry.time_ms;
    return first;
}
