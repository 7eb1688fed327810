#include "tools/tenure/stint.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contracts/jobs.h"
#include "test/unit/sample.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"

#define LEAVES    26 /* 100 steps, a state every 4 */
#define MILLION   1000000u
#define LONGEST   (JOBS_INTERVALS_MAX + 1) /* leaves of the longest trace */
#define ROOM      (1u << 24)
#define KILLS_MAX 200

/* A worker's disk, and a segment of 25 intervals. */
struct place {
    char folder[64];
    struct sample *s;
    struct checkpoints checkpoints;
    struct stint stint;
    struct trace_leaf leaves[LONGEST];
    struct segment_watch watch;
    uint32_t trained; /* leaves that this stint trained */
};

static enum err on_leaf(void *self, uint32_t index, const struct trace_leaf *leaf,
                        struct state *state)
{
    struct place *p = self;
    struct digest root = state_root(state);

    ck_assert(index > 0);
    ck_assert(digest_equal(&root, &leaf->state_root));
    p->trained++;
    return ERR_NONE;
}

static void begin(struct place *p, uint16_t slot, uint64_t bytes_max)
{
    struct fault fault;
    struct state start = sample_start(p->s, slot);

    p->trained = 0;
    p->watch = (struct segment_watch){.self = p, .leaf = on_leaf};
    if (checkpoint_open(&p->checkpoints, p->folder, bytes_max, &fault) ||
        stint_init_take(&p->stint, &p->checkpoints, &p->s->segment, &p->watch, &start, p->leaves,
                        &fault))
        ck_abort_msg("%s", fault.text);
}

static void end(struct place *p)
{
    stint_release(&p->stint);
    checkpoint_close(&p->checkpoints);
}

static void reach(struct place *p, uint32_t leaf)
{
    ck_assert_int_eq(stint_reach(&p->stint, leaf, NULL), ERR_NONE);
    struct digest root = state_root(&p->stint.state);
    ck_assert(digest_equal(&root, &p->leaves[leaf].state_root));
    ck_assert_uint_eq(p->stint.state.step,
                      trace_step(p->s->program.steps, p->s->program.interval, leaf));
}

/* The trace as it is without any of this. */
static struct digest undisturbed(struct sample *s)
{
    struct trace_leaf leaves[LEAVES];
    struct state state = sample_start(s, 1);

    ck_assert_int_eq(segment_run(&s->segment, &state, leaves, NULL, NULL), ERR_NONE);
    state_release(&state);
    return trace_root(leaves, LEAVES);
}

static struct digest trace_of(const struct place *p)
{
    return trace_root(p->leaves, LEAVES);
}

/* A segment of so many steps. */
static void setup_steps(struct place *p, uint32_t steps, uint32_t interval)
{
    struct sample *s = sample_new();

    log_setup(LOG_LEVEL_ERROR, false);
    *p = (struct place){.folder = "/tmp/tenure-stint-XXXXXX", .s = s};
    harness_folder(p->folder);
    segment_release(&s->segment);
    state_release(&s->global);
    s->program.steps = steps;
    s->program.interval = interval;
    if (steps == MILLION) { /* 32-3, one sample: half a microsecond a step */
        s->layers[1].width = 3;
        s->program.layer_count = 2;
        s->program.batch = 1;
    }
    ck_assert_int_eq(segment_init(&s->segment, &s->program, &s->data, &s->kernel, NULL), ERR_NONE);
    ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_begin(&s->global, &s->program, &s->data.root);
}

static void setup(struct place *p)
{
    setup_steps(p, 100, 4);
}

/* The file of a leaf. */
static void file_of(const struct place *p, char path[256], uint32_t leaf)
{
    char root[DIGEST_TEXT_SIZE];

    digest_text(root, &p->leaves[0].state_root);
    snprintf(path, 256, "%s/%s/%u", p->folder, root, leaf);
}

static bool is_kept(const struct place *p, uint32_t leaf)
{
    char path[256];

    file_of(p, path, leaf);
    return file_exists(path);
}

START_TEST(a_second_stint_trains_nothing_anew)
{
    struct place p;
    setup(&p);
    begin(&p, 1, ROOM);
    reach(&p, LEAVES - 1);
    ck_assert_uint_eq(p.trained, LEAVES - 1);
    ck_assert_uint_eq(p.stint.resumed, 0);
    end(&p);

    begin(&p, 1, ROOM);
    reach(&p, LEAVES - 1);
    ck_assert_uint_eq(p.trained, 0);
    ck_assert_uint_eq(p.stint.resumed, LEAVES - 1);
    struct digest ours = trace_of(&p), theirs = undisturbed(p.s);
    ck_assert(digest_equal(&ours, &theirs));
    reach(&p, 7); /* and any state in between is there */
    reach(&p, 0);
    reach(&p, 12);
    ck_assert_uint_eq(p.trained, 0);
    end(&p);
    sample_free(p.s);
}
END_TEST

/* Another process trains; it is killed without warning, again and again, at moments spread over all that it does: training, writing,
 * renaming, reading. */
START_TEST(killed_at_any_point_it_comes_to_the_same_commitment)
{
    struct place p;
    struct digest *trace =
        mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t kills = 0;

    ck_assert_ptr_ne(trace, MAP_FAILED);
    setup(&p);
    struct digest theirs = undisturbed(p.s);
    for (int status = 1; status != 0;) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            begin(&p, 1, ROOM);
            reach(&p, LEAVES - 1);
            *trace = trace_of(&p);
            _exit(0);
        }
        clock_sleep_ms(1 + kills % 7);
        if (kills < KILLS_MAX)
            kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) || status == 0);
        kills += status != 0;
    }
    ck_assert(digest_equal(trace, &theirs));
    ck_assert_uint_gt(kills, 2);
    sample_free(p.s);
}
END_TEST

/* A byte is turned over, or the file ends too early: it is noticed, removed, and trained again. */
START_TEST(a_damaged_checkpoint_is_noticed_and_computed_again)
{
    struct place p;
    struct stat status;
    char path[256];

    setup(&p);
    struct digest theirs = undisturbed(p.s);
    begin(&p, 1, ROOM);
    reach(&p, 3);
    file_of(&p, path, 3);
    ck_assert_int_eq(stat(path, &status), 0);
    end(&p);
    for (off_t at = 0; at < status.st_size; at += status.st_size / 40 + 1) {
        uint8_t byte;
        FILE *file = fopen(path, "r+b");
        ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
        ck_assert_uint_eq(fread(&byte, 1, 1, file), 1);
        byte ^= 0x10;
        ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(&byte, 1, 1, file), 1);
        fclose(file);
        begin(&p, 1, ROOM);
        reach(&p, 3);
        ck_assert_uint_eq(p.stint.damaged, 1);
        ck_assert_uint_eq(p.stint.resumed, 2); /* the last good one */
        ck_assert_uint_eq(p.trained, 1);
        end(&p);
        ck_assert_int_eq(truncate(path, at), 0);
        begin(&p, 1, ROOM);
        reach(&p, 3);
        ck_assert_uint_eq(p.stint.damaged, 1);
        end(&p);
    }
    begin(&p, 1, ROOM);
    reach(&p, LEAVES - 1);
    struct digest ours = trace_of(&p);
    ck_assert(digest_equal(&ours, &theirs));
    end(&p);
    sample_free(p.s);
}
END_TEST

static uint32_t kept_count(const struct place *p)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < LEAVES; i++)
        count += is_kept(p, i);
    return count;
}

/* With room for a few states they stay evenly spread, and the last one stays; another segment pushes them out. */
START_TEST(the_folder_stays_within_its_bound)
{
    struct place p;
    struct stat status;
    char path[256];

    setup(&p);
    begin(&p, 0, ROOM);
    reach(&p, LEAVES - 1);
    file_of(&p, path, LEAVES - 1);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(kept_count(&p), LEAVES - 1);
    end(&p);
    uint64_t room = 4 * (uint64_t)status.st_size;
    begin(&p, 1, room);
    reach(&p, LEAVES - 1);
    ck_assert_uint_eq(p.stint.unkept, 0);
    ck_assert(is_kept(&p, 8) && is_kept(&p, 16) && is_kept(&p, LEAVES - 1));
    ck_assert_uint_ge(kept_count(&p), 4);
    ck_assert_uint_le(kept_count(&p), 5); /* the first ones are a little smaller */
    reach(&p, 21);                        /* gone or not, it is the same state */
    ck_assert_uint_le(p.trained, LEAVES - 1 + 5);
    end(&p);
    begin(&p, 0, room);
    ck_assert_uint_eq(kept_count(&p), 0);
    end(&p);
    begin(&p, 1, 1000);
    reach(&p, 2); /* a folder without room costs time only */
    ck_assert_uint_eq(p.stint.unkept, 2);
    ck_assert_int_eq(p.stint.fault.code, ERR_LIMIT);
    end(&p);
    sample_free(p.s);
}
END_TEST

START_TEST(one_process_has_the_folder)
{
    struct place p;
    struct checkpoints other;
    struct fault fault;

    setup(&p);
    begin(&p, 1, ROOM);
    ck_assert_int_eq(checkpoint_open(&other, p.folder, ROOM, &fault), ERR_BUSY);
    checkpoint_close(&other);
    end(&p);
    sample_free(p.s);
}
END_TEST

/* As the contract takes it: every leaf's digest in one transaction. */
static size_t commitment_bytes(const struct trace_leaf *leaves, uint32_t count)
{
    struct digest digests[LONGEST];
    struct arena arena;
    struct jobs_commit args = {.leaves = digests, .leaf_count = count, .end = leaves[count - 1]};

    for (uint32_t i = 0; i < count; i++)
        digests[i] = trace_leaf_digest(&leaves[i]);
    args.trace_root = merkle_root(digests, count);
    arena_init(&arena, LIMIT_TX_BYTES * 2);
    size_t size = record_bytes(&arena, &jobs_commit_record, &args).size;
    arena_release(&arena);
    return size;
}

/* The worker keeps three states and what its disk has room for; who proves an interval needs one state and the interval's own steps. */
START_TEST(a_million_steps_are_committed_and_any_interval_is_proven)
{
    const uint32_t interval = 3907, count = JOBS_INTERVALS_MAX + 1; /* the shortest that fit */
    const struct digest preimage = digest_of("reveal", 6);
    const struct jobs_segment segment = {.job = 1, .slot = 1};
    struct jobs_drawn drawn[4];
    struct place p;
    setup_steps(&p, MILLION, interval);
    ck_assert_uint_eq(trace_leaf_count(MILLION, interval), count);
    begin(&p, 1, 1u << 19); /* for a part of the leaves' states only */
    reach(&p, count - 1);
    ck_assert_uint_eq(p.trained, count - 1);
    ck_assert_uint_lt(commitment_bytes(p.leaves, count), LIMIT_TX_BYTES);

    struct digest root = trace_root(p.leaves, count);
    jobs_draw_of(drawn, 4, count - 1, &preimage, &segment, &root);
    for (int i = 0; i < 4; i++) {
        struct trace_leaf end;
        struct state state = sample_start(p.s, 1);
        reach(&p, drawn[i].interval); /* the state that the worker serves */
        state_copy(&state, &p.stint.state);
        ck_assert_int_eq(segment_advance(&p.s->segment, &state, &end, NULL, NULL), ERR_NONE);
        ck_assert(trace_leaf_equal(&end, &p.leaves[drawn[i].interval + 1]));
        state_release(&state);
    }
    ck_assert_uint_lt(p.trained, count - 1 + 4 * 128); /* no draw has all trained anew */
    end(&p);
    sample_free(p.s);
}
END_TEST

HARNESS_MAIN("stint", a_second_stint_trains_nothing_anew,
             killed_at_any_point_it_comes_to_the_same_commitment,
             a_damaged_checkpoint_is_noticed_and_computed_again, the_folder_stays_within_its_bound,
             one_process_has_the_folder, a_million_steps_are_committed_and_any_interval_is_proven)
