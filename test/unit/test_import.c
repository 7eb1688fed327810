#include "ledger/import.h"

#include <signal.h>
#include <sys/wait.h>

#include "test/unit/crowd.h"

static struct town town;
static struct arena arena;
static struct history *history;
static struct history_block head;
static struct import_target target;
static char folder[96];
static struct fault fault;

static void release_import(void)
{
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
}

/* A chain of a crowd at height 3, whose snapshot is wanted. */
static void start(void)
{
    crowd_init(&town);
    for (uint64_t i = 1; i <= 3; i++)
        town_step(&town, 1, 2, i);
    snprintf(folder, sizeof(folder), "%s-import", town.path);
    arena_init(&arena, (size_t)1 << 30);
    struct history_block zero;
    history = history_open(town.chain, &fault);
    ck_assert_ptr_nonnull(history);
    ck_assert_int_eq(history_block(&arena, history, &zero, (struct height){0}, &fault), ERR_NONE);
    ck_assert_int_eq(history_block(&arena, history, &head, (struct height){3}, &fault), ERR_NONE);
    target = (struct import_target){.genesis = town.genesis,
                                    .header_base = zero.header_raw,
                                    .header = head.header_raw,
                                    .certificate = head.certificate};
}

static void end(void)
{
    history_close(history);
    arena_release(&arena);
    release_import();
    town_release(&town);
}

static struct import *opened(void)
{
    struct import *import;
    enum err err = import_open(&import, folder, &target, &fault);
    ck_assert_msg(!err, "%s", fault.text);
    return import;
}

static struct bytes chunk_at(const struct digest *from)
{
    struct bytes packed;
    ck_assert_int_eq(snapshot_cut(&arena, history, &packed, (struct height){3}, from, &fault),
                     ERR_NONE);
    return packed;
}

/* Takes the next chunk of a range in; false when there is none. */
static bool step(struct import *import, unsigned range)
{
    struct digest from;
    if (!import_next(import, range, &from))
        return false;
    enum err err = import_add(import, range, chunk_at(&from), &fault);
    ck_assert_msg(!err, "%s", fault.text);
    return true;
}

/* All of it, with the ranges in an order of `stride`. */
static void fill(struct import *import, unsigned stride)
{
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < SNAPSHOT_RANGES; i++)
            more |= step(import, i * stride % SNAPSHOT_RANGES);
    }
    ck_assert_uint_eq(import_ranges(import), SNAPSHOT_RANGES);
}

/* The folder is a chain that starts at 3, whole, and goes on as the first one does. */
static void is_the_same_chain(void)
{
    struct town other = town;
    strcpy(other.path, folder);
    other.chain = NULL;
    town_open(&other);
    struct digest digest = chain_head(other.chain)->digest;
    ck_assert(digest_equal(&digest, &head.digest));
    for (int i = 0; i < 3; i++) {
        struct tx tx = town_transfer(&town, 2, 1, 4);
        struct chain_tip tip = town_build(&town, &chain_head(town.chain)->digest,
                                          chain_head(town.chain)->header.time_ms + 5, &tx.raw, 1);
        enum err err = chain_execute(other.chain, tip.header_raw, tip.body_raw, &fault);
        ck_assert_msg(!err, "%s", fault.text);
        town_commit(&other, &tip);
        town_commit(&town, &tip);
    }
    struct history *own = history_open(other.chain, &fault);
    uint64_t keys;
    enum err err = history_audit(own, &keys, &fault);
    ck_assert_msg(!err, "%s", fault.text);
    ck_assert_uint_eq(history_start(own).n, 3);
    ck_assert_uint_eq(history_height(own).n, 6);
    history_close(own);
    chain_close(other.chain);
}

START_TEST(chunks_become_a_chain_that_goes_on)
{
    start();
    struct import *import = opened();
    fill(import, 5);
    ck_assert_uint_ge(import_leaves(import), CROWD_PEOPLE);
    ck_assert_int_eq(import_finish(import, &fault), ERR_NONE);
    import_close(import);
    is_the_same_chain();
    end();
}
END_TEST

START_TEST(below_its_start_a_chain_has_no_history)
{
    start();
    struct import *import = opened();
    fill(import, 1);
    ck_assert_int_eq(import_finish(import, &fault), ERR_NONE);
    import_close(import);
    struct chain *chain;
    ck_assert_int_eq(chain_open(&chain, folder, town.genesis, &fault), ERR_NONE);
    struct history *own = history_open(chain, &fault);
    struct history_block block;
    struct sparse_proof proof;
    struct bytes key = bytes_text("account/"), body;
    for (uint64_t h = 0; h <= 3; h++) {
        struct height height = {h};
        ck_assert_int_eq(history_block(&arena, own, &block, height, &fault),
                         h == 0 || h == 3 ? ERR_NONE : ERR_NOT_FOUND);
        ck_assert_int_eq(history_body(&arena, own, &body, height, &fault), ERR_NOT_FOUND);
        ck_assert_int_eq(history_prove(&arena, own, &proof, key, height, &fault),
                         h == 3 ? ERR_NONE : ERR_NOT_FOUND);
    }
    history_close(own);
    chain_close(chain);
    end();
}
END_TEST

/* So that this node, too, can show whoever joins how the present validators came to be. */
START_TEST(boundaries_come_along_with_their_certificates)
{
    start();
    struct history_block block;
    ck_assert_int_eq(history_block(&arena, history, &block, (struct height){1}, &fault), ERR_NONE);
    const struct import_boundary boundary = {block.header_raw, bytes_text("certificate")};
    target.boundaries = &boundary;
    target.boundary_count = 1;
    struct import *import = opened();
    fill(import, 1);
    ck_assert_int_eq(import_finish(import, &fault), ERR_NONE);
    import_close(import);
    struct chain *chain;
    ck_assert_int_eq(chain_open(&chain, folder, town.genesis, &fault), ERR_NONE);
    struct history *own = history_open(chain, &fault);
    ck_assert_int_eq(history_block(&arena, own, &block, (struct height){1}, &fault), ERR_NONE);
    ck_assert(bytes_equal(block.certificate, boundary.certificate));
    ck_assert(bytes_equal(block.header_raw, boundary.header));
    ck_assert_int_eq(history_block(&arena, own, &block, (struct height){2}, &fault), ERR_NOT_FOUND);
    history_close(own);
    chain_close(chain);
    end();
}
END_TEST

START_TEST(wrong_chunk_changes_nothing)
{
    start();
    struct import *import = opened();
    struct digest first = snapshot_first(0), other = snapshot_first(1), from;
    ck_assert_int_eq(import_add(import, 0, chunk_at(&other), &fault), ERR_MISMATCH);
    ck_assert_int_eq(import_add(import, 0, bytes_text("garbage"), &fault), ERR_MALFORMED);
    struct bytes good = chunk_at(&first);
    uint8_t *bad = arena_copy(&arena, good.data, good.size);
    bad[good.size / 2] ^= 1;
    ck_assert_int_ne(import_add(import, 0, bytes_of(bad, good.size), &fault), ERR_NONE);
    ck_assert(import_next(import, 0, &from));
    ck_assert(digest_equal(&from, &first));
    ck_assert_uint_eq(import_leaves(import), 0);
    fill(import, 3);
    ck_assert_int_eq(import_finish(import, &fault), ERR_NONE);
    import_close(import);
    is_the_same_chain();
    end();
}
END_TEST

START_TEST(unfinished_import_is_no_chain_and_nobody_elses)
{
    start();
    struct import *import = opened();
    step(import, 2);
    import_close(import);
    struct chain *chain;
    ck_assert_int_eq(chain_open(&chain, folder, town.genesis, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "holds an import that isn't finished"));
    struct import_target wanted = target;
    struct history_block two;
    ck_assert_int_eq(history_block(&arena, history, &two, (struct height){2}, &fault), ERR_NONE);
    target.header = two.header_raw;
    ck_assert_int_eq(import_open(&import, folder, &target, &fault), ERR_MISMATCH);
    target = wanted;
    import = opened();
    ck_assert_uint_gt(import_leaves(import), 0);
    import_close(import);
    /* and a chain is no import */
    history_close(history);
    chain_close(town.chain);
    ck_assert_int_eq(import_open(&import, town.path, &target, &fault), ERR_MISMATCH);
    town.chain = NULL;
    history = NULL;
    end();
}
END_TEST

/* ThreadSanitizer can't follow a child of a process that has had threads into threads of its own. */
#ifdef __SANITIZE_THREAD__
#define FORKS_WITH_THREADS false
#else
#define FORKS_WITH_THREADS true
#endif

/* All chunks of the snapshot, by range. */
static struct bytes chunks[SNAPSHOT_RANGES][8];

static void cut_all(void)
{
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++) {
        struct digest from = snapshot_first(range), last = snapshot_last(range);
        for (unsigned i = 0; i < 8; i++) {
            struct snapshot_chunk chunk;
            chunks[range][i] = chunk_at(&from);
            ck_assert_int_eq(
                record_unpack(&arena, &snapshot_chunk_record, &chunk, chunks[range][i], NULL),
                ERR_NONE);
            if (digest_equal(&chunk.to, &last))
                break;
            from = snapshot_behind(&chunk.to);
        }
    }
}

/* Takes in what is missing, finishes, and ends; 3: there is a chain already. */
static void child(void)
{
    struct import *import;
    struct digest from;
    enum err err = import_open(&import, folder, &target, &fault);
    if (err)
        _exit(err == ERR_MISMATCH ? 3 : 1);
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++)
        for (unsigned i = 0; import_next(import, range, &from); i++) {
            CHECK(i < 8);
            err = import_add(import, range, chunks[range][i], &fault);
            if (err && err != ERR_MISMATCH) /* one that is in already is none that it wants */
                _exit(1);
        }
    _exit(import_finish(import, &fault) ? 2 : 0);
}

START_TEST(kill_at_any_moment_leaves_an_import_that_goes_on_or_a_whole_chain)
{
    if (!FORKS_WITH_THREADS)
        return;
    start();
    cut_all();
    history_close(history);
    history = NULL;
    chain_close(town.chain);
    uint64_t leaves = 0;
    unsigned resumed = 0;
    bool whole = false;
    for (useconds_t pause = 30000; !whole; pause += 30000) {
        pid_t pid = fork();
        if (pid == 0)
            child();
        usleep(pause);
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
        struct import *import;
        enum err err = import_open(&import, folder, &target, &fault);
        whole = err == ERR_MISMATCH;
        if (whole)
            break;
        ck_assert_msg(!err, "%s", fault.text);
        ck_assert_uint_ge(import_leaves(import), leaves);
        leaves = import_leaves(import);
        resumed += leaves > 0;
        import_close(import);
    }
    ck_assert_uint_gt(resumed, 0);
    town_open(&town);
    is_the_same_chain();
    end();
}
END_TEST

HARNESS_MAIN("import", chunks_become_a_chain_that_goes_on, below_its_start_a_chain_has_no_history,
             boundaries_come_along_with_their_certificates, wrong_chunk_changes_nothing,
             unfinished_import_is_no_chain_and_nobody_elses,
             kill_at_any_moment_leaves_an_import_that_goes_on_or_a_whole_chain)
