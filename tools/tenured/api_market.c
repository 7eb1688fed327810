#include "contracts/jobs.h"
#include "contracts/offers.h"
#include "tools/tenured/api_list.h"
#include "tools/tenured/api_routes.h"
#include "trainer/program.h"

/* ?after=ID&limit=: the objects numbered under `word`, ascending, as {"NAME":[...],"next":ID or
 * null}. */
static enum http_answer list_objects(struct api_ask *ask, const char *name, const char *word,
                                     enum err (*item)(struct api_ask *ask,
                                                      const struct history_entry *entry))
{
    uint64_t after, limit;
    struct bytes next;
    if (!api_ask_number(ask, "after", &after, 0, UINT64_MAX) ||
        !api_ask_number(ask, "limit", &limit, 100, API_PAGE_MAX))
        return HTTP_ANSWER;
    struct path prefix = path_of(word), from = path_1(word, after);
    text_add(ask->out, "{\"%s\":[", name);
    enum err err = api_list_walk(ask, &next, path_key(&prefix), path_key(&from), limit, item);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, "");
    text_add(ask->out, "]");
    if (next.size == prefix.size + 8)
        api_ask_integer(ask->out, "next", bytes_get_u64(next.data + prefix.size));
    else
        text_add(ask->out, ",\"next\":null");
    text_add(ask->out, "}\n");
    return HTTP_ANSWER;
}

/* The one object that the path names. */
static enum http_answer one_object(struct api_ask *ask, const char *word, const char *missing,
                                   enum err (*item)(struct api_ask *ask,
                                                    const struct history_entry *entry))
{
    uint64_t id;
    if (!api_ask_word_number(ask, &id))
        return HTTP_ANSWER;
    struct path path = path_1(word, id);
    struct history_entry entry = {.key = path_key(&path)};
    enum err err = history_value(&ask->arena, ask->history, &entry.value, entry.key,
                                 history_height(ask->history), &ask->fault);
    if (err == ERR_NONE)
        err = item(ask, &entry);
    if (err != ERR_NONE)
        return api_ask_failed(ask, err, missing);
    text_add(ask->out, "\n");
    return HTTP_ANSWER;
}

/* The number in a key such as offer/7. */
static uint64_t id_of(const struct history_entry *entry)
{
    return bytes_get_u64(entry->key.data + entry->key.size - 8);
}

/* --- offers --- */

static enum err add_offer(struct api_ask *ask, const struct history_entry *entry)
{
    static const char *const words[] = {"compute/", "storage/", "connection/", "data/"};
    struct offers_offer offer;
    enum err err = api_list_object(ask, entry, "id", id_of(entry));
    if (err == ERR_NONE)
        err = record_unpack(&ask->arena, &offers_offer_record, &offer, entry->value, &ask->fault);
    if (err == ERR_NONE && offer.kind >= OFFERS_COMPUTE && offer.kind <= OFFERS_DATA) {
        struct path key = path_1(words[offer.kind - OFFERS_COMPUTE], id_of(entry));
        err = api_list_member(ask, "resource", &key);
    }
    text_add(ask->out, "}");
    return err;
}

enum http_answer api_market_offers(struct api_ask *ask)
{
    return list_objects(ask, "offers", "offer/", add_offer);
}

enum http_answer api_market_offer(struct api_ask *ask)
{
    return one_object(ask, "offer/", "there is no such offer", add_offer);
}

/* --- leases --- */

static enum err add_item(struct api_ask *ask, const struct history_entry *entry)
{
    uint32_t item = bytes_get_u32(entry->key.data + entry->key.size - 4);
    enum err err = api_list_object(ask, entry, "item", item);
    text_add(ask->out, "}");
    return err;
}

static enum err add_lease(struct api_ask *ask, const struct history_entry *entry)
{
    struct path items = path_1("item/", id_of(entry));
    struct bytes next;
    enum err err = api_list_object(ask, entry, "id", id_of(entry));
    if (err != ERR_NONE)
        return err;
    text_add(ask->out, ",\"items\":[");
    err = api_list_walk(ask, &next, path_key(&items), bytes_of(NULL, 0), API_PAGE_MAX, add_item);
    text_add(ask->out, "]}");
    return err;
}

enum http_answer api_market_leases(struct api_ask *ask)
{
    return list_objects(ask, "leases", "lease/", add_lease);
}

enum http_answer api_market_lease(struct api_ask *ask)
{
    return one_object(ask, "lease/", "there is no such lease", add_lease);
}

/* --- jobs --- */

static enum err add_job(struct api_ask *ask, const struct history_entry *entry)
{
    struct path key = path_1("progress/", id_of(entry));
    enum err err = api_list_object(ask, entry, "id", id_of(entry));
    if (err == ERR_NONE)
        err = api_list_member(ask, "progress", &key);
    text_add(ask->out, "}");
    return err;
}

enum http_answer api_market_jobs(struct api_ask *ask)
{
    return list_objects(ask, "jobs", "job/", add_job);
}

static enum err add_slot(struct api_ask *ask, const struct history_entry *entry)
{
    uint16_t slot = bytes_get_u16(entry->key.data + entry->key.size - 2);
    enum err err = api_list_object(ask, entry, "slot", slot);
    text_add(ask->out, "}");
    return err;
}

static enum err add_round(struct api_ask *ask, const struct history_entry *entry)
{
    uint32_t round = bytes_get_u32(entry->key.data + entry->key.size - 4);
    enum err err = api_list_object(ask, entry, "round", round);
    text_add(ask->out, "}");
    return err;
}

static enum err add_result(struct api_ask *ask, const struct history_entry *entry)
{
    const uint8_t *end = entry->key.data + entry->key.size;
    enum err err = api_list_object(ask, entry, "round", bytes_get_u32(end - 8));
    api_ask_integer(ask->out, "slot", bytes_get_u16(end - 4));
    api_ask_integer(ask->out, "attempt", bytes_get_u16(end - 2));
    text_add(ask->out, "}");
    return err;
}

/* One list of the job's parts; `truncated` says that there are more, to be read from /v1/state. */
static enum err add_parts(struct api_ask *ask, const char *name, const char *word, uint64_t job,
                          enum err (*item)(struct api_ask *ask, const struct history_entry *entry))
{
    struct path prefix = path_1(word, job);
    struct bytes next;
    api_ask_name(ask->out, name);
    text_add(ask->out, "[");
    enum err err =
        api_list_walk(ask, &next, path_key(&prefix), bytes_of(NULL, 0), API_PAGE_MAX, item);
    text_add(ask->out, "]");
    if (next.size > 0)
        text_add(ask->out, ",\"%s_truncated\":true", name);
    return err;
}

/* The program in words; a job in state has one that the trainer accepted. */
static enum err add_program(struct api_ask *ask, const struct history_entry *entry)
{
    struct jobs_job job;
    struct program program;
    enum err err = record_unpack(&ask->arena, &jobs_job_record, &job, entry->value, &ask->fault);
    if (err == ERR_NONE)
        err = program_unpack(&ask->arena, &program, job.terms.program, &ask->fault);
    if (err == ERR_NONE) {
        api_ask_name(ask->out, "program");
        record_json(ask->out, program_record_of(&program), &program);
    }
    return err;
}

static enum err add_whole_job(struct api_ask *ask, const struct history_entry *entry)
{
    uint64_t id = id_of(entry);
    struct path progress = path_1("progress/", id);
    enum err err = api_list_object(ask, entry, "id", id_of(entry));
    if (err == ERR_NONE)
        err = add_program(ask, entry);
    if (err == ERR_NONE)
        err = api_list_member(ask, "progress", &progress);
    if (err == ERR_NONE)
        err = add_parts(ask, "slots", "slot/", id, add_slot);
    if (err == ERR_NONE)
        err = add_parts(ask, "rounds", "round/", id, add_round);
    if (err == ERR_NONE)
        err = add_parts(ask, "results", "result/", id, add_result);
    text_add(ask->out, "}");
    return err;
}

enum http_answer api_market_job(struct api_ask *ask)
{
    return one_object(ask, "job/", "there is no such job", add_whole_job);
}
