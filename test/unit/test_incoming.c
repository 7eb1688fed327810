#include "tools/tenured/incoming.h"

#include <unistd.h>

#include "ledger/history.h"
#include "test/unit/town.h"
#include "tools/sys/file.h"
#include "tools/tenured/fetched.h"

static struct town town;
static struct arena arena;
static struct history *history;
static struct import_target targets[3]; /* of blocks 1 and 2 */
static char folder[160];
static struct fault fault;

static void start(void)
{
    struct history_block zero, block;

    town_init(&town);
    town_open(&town);
    town_step(&town, 1, 2, 1);
    town_step(&town, 1, 2, 2);
    snprintf(folder, sizeof(folder), "%s/incoming", town.path);
    arena_init(&arena, 64u << 20);
    history = history_open(town.chain, &fault);
    ck_assert_ptr_nonnull(history);
    ck_assert_int_eq(history_block(&arena, history, &zero, (struct height){0}, &fault), ERR_NONE);
    for (uint64_t i = 1; i <= 2; i++) {
        ck_assert_int_eq(history_block(&arena, history, &block, (struct height){i}, &fault),
                         ERR_NONE);
        targets[i] = (struct import_target){.genesis = town.genesis,
                                            .header_base = zero.header_raw,
                                            .header = block.header_raw,
                                            .certificate = block.certificate};
    }
}

static void end(void)
{
    history_close(history);
    arena_release(&arena);
    town_release(&town);
}

/* The import of a block with its first chunk. */
static void begin(uint64_t height)
{
    struct import *import;
    struct digest from;
    struct bytes chunk;

    ck_assert_int_eq(incoming_open(&import, town.path, &targets[height], &fault), ERR_NONE);
    ck_assert(import_next(import, 0, &from));
    ck_assert_int_eq(snapshot_cut(&arena, history, &chunk, (struct height){height}, &from, &fault),
                     ERR_NONE);
    ck_assert_int_eq(import_add(import, 0, chunk, &fault), ERR_NONE);
    import_close(import);
}

static uint64_t height_here(void)
{
    struct height height;

    ck_assert_msg(!incoming_height(town.path, &height, &fault), "%s", fault.text);
    return height.n;
}

static unsigned ranges_after(uint64_t height)
{
    struct import *import;
    unsigned ranges;

    ck_assert_msg(!incoming_open(&import, town.path, &targets[height], &fault), "%s", fault.text);
    ranges = import_ranges(import);
    import_close(import);
    return ranges;
}

/* CURRENT names the store's list of files: without it, or with another, there is no store. */
static void damage(bool is_gone)
{
    char path[FILE_PATH_SIZE];

    ck_assert_int_eq(file_join(path, folder, "CURRENT", &fault), ERR_NONE);
    if (is_gone)
        ck_assert_int_eq(unlink(path), 0);
    else
        ck_assert_int_eq(file_write(path, bytes_text("MANIFEST-999999\n"), 0600, &fault), ERR_NONE);
}

START_TEST(an_import_goes_on_and_one_of_another_height_gives_way)
{
    start();
    ck_assert_uint_eq(height_here(), 0);
    begin(1);
    ck_assert_uint_eq(height_here(), 1);
    ck_assert_uint_gt(ranges_after(1), 0);
    ck_assert_uint_eq(ranges_after(2), 0);
    ck_assert_uint_eq(height_here(), 2);
    end();
}
END_TEST

START_TEST(a_damaged_import_is_discarded_and_begun_again)
{
    for (int is_gone = 0; is_gone < 2; is_gone++) {
        start();
        begin(2);
        damage(is_gone);
        ck_assert_uint_eq(height_here(), 0);
        ck_assert(!file_exists(folder));
        begin(2);
        damage(is_gone);
        ck_assert_uint_eq(ranges_after(2), 0);
        ck_assert_uint_eq(height_here(), 2);
        end();
    }
}
END_TEST

START_TEST(damage_that_shows_late_is_discarded_too)
{
    struct import *import;
    struct fault why = {0};

    start();
    ck_assert_int_eq(incoming_open(&import, town.path, &targets[1], &fault), ERR_NONE);
    (void)fault_set(&why, ERR_CORRUPT, "a page does not match");
    ck_assert_int_eq(incoming_discard(&import, town.path, &why, &fault), ERR_NONE);
    ck_assert_ptr_null(import);
    ck_assert(!file_exists(folder));
    end();
}
END_TEST

HARNESS_MAIN("incoming", an_import_goes_on_and_one_of_another_height_gives_way,
             a_damaged_import_is_discarded_and_begun_again, damage_that_shows_late_is_discarded_too)
