#include "contracts/load.h"

#include "contracts/path.h"

static const struct record_field total_fields[] = {
    RECORD_UINT(struct load_total, mmacs),
    RECORD_UINT(struct load_total, mmacs_ever),
    RECORD_UINT(struct load_total, jobs),
    RECORD_UINT(struct load_total, jobs_ever),
};
static const struct record_field job_fields[] = {
    RECORD_UINT(struct load_job, mmacs),
};
const struct record load_total_record = RECORD(struct load_total, "replay_load", total_fields);
const struct record load_job_record = RECORD(struct load_job, "replay_load_of_job", job_fields);

static struct load_total total_get(struct view_state *view, const struct address *replayer)
{
    struct load_total total = {.mmacs = 0};
    struct path path = path_account("load/", replayer);
    (void)view_load(view, path_key(&path), &load_total_record, &total);
    return total;
}

static void total_put(struct view_state *view, const struct address *replayer,
                      const struct load_total *total)
{
    struct path path = path_account("load/", replayer);
    view_save(view, path_key(&path), &load_total_record, total);
}

static struct path job_path(const struct address *replayer, uint64_t job)
{
    struct path path = path_account("load_job/", replayer);
    path_u64(&path, job);
    return path;
}

void load_add(const struct catalog_run *run, const struct address *replayer, uint64_t job,
              uint64_t mmacs, struct jobs_mark *mark)
{
    struct load_total total = total_get(run->view, replayer);
    struct load_job own = {.mmacs = 0};
    struct path path = job_path(replayer, job);
    bool is_open = view_load(run->view, path_key(&path), &load_job_record, &own);
    *mark = (struct jobs_mark){.mmacs = total.mmacs_ever - total.mmacs,
                               .jobs = total.jobs_ever - total.jobs,
                               .work = mmacs};
    own.mmacs += mmacs;
    view_save(run->view, path_key(&path), &load_job_record, &own);
    total.mmacs += mmacs;
    total.mmacs_ever += mmacs;
    total.jobs += !is_open;
    total.jobs_ever += !is_open;
    total_put(run->view, replayer, &total);
}

void load_drop(const struct catalog_run *run, const struct address *replayer, uint64_t job,
               uint64_t mmacs)
{
    struct load_total total = total_get(run->view, replayer);
    struct load_job own;
    struct path path = job_path(replayer, job);
    if (!view_load(run->view, path_key(&path), &load_job_record, &own))
        return;
    uint64_t done = own.mmacs < mmacs ? own.mmacs : mmacs;
    own.mmacs -= done;
    total.mmacs -= done;
    if (own.mmacs > 0) {
        view_save(run->view, path_key(&path), &load_job_record, &own);
    } else {
        view_delete(run->view, path_key(&path));
        total.jobs--;
    }
    total_put(run->view, replayer, &total);
}

static uint64_t limited(uint64_t count, uint64_t each_ms)
{
    return each_ms > 0 && count > JOBS_TIME_MAX_MS / each_ms ? JOBS_TIME_MAX_MS : count * each_ms;
}

uint64_t load_ms(struct view_state *view, const struct address *replayer,
                 const struct jobs_mark *mark, uint64_t rate_mmacs, uint64_t turn_ms)
{
    struct load_total total = total_get(view, replayer);
    uint64_t all = (total.mmacs_ever - mark->mmacs) / rate_mmacs;
    uint64_t all_ms = all < JOBS_TIME_MAX_MS / 1000
                          ? (total.mmacs_ever - mark->mmacs) * 1000 / rate_mmacs
                          : JOBS_TIME_MAX_MS;
    uint64_t turns_ms = limited(total.jobs_ever - mark->jobs, turn_ms);
    return all_ms < turns_ms ? all_ms : turns_ms;
}
