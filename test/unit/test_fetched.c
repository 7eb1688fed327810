#include "tools/tenured/fetched.h"

#include "test/unit/town.h"
#include "tools/sys/file.h"

static struct town town;
static char folder[sizeof(town.path)];
static struct fault fault;

static void start(void)
{
    town_init(&town);
    memcpy(folder, town.path, sizeof(folder));
}

static void end(void)
{
    memcpy(town.path, folder, sizeof(folder));
    town_release(&town);
}

static void open_chain(const char *name)
{
    ck_assert_int_lt(snprintf(town.path, sizeof(town.path), "%s/%s", folder, name),
                     (int)sizeof(town.path));
    town_open(&town);
}

static void close_chain(void)
{
    chain_close(town.chain);
    town.chain = NULL;
}

/* A chain of so many blocks in a folder of this name. */
static void put(const char *name, uint64_t height)
{
    open_chain(name);
    memset(town.nonces, 0, sizeof(town.nonces));
    for (uint64_t i = 1; i <= height; i++)
        town_step(&town, 1, 2, i);
    close_chain();
}

static bool has(const char *name)
{
    char path[FILE_PATH_SIZE];
    ck_assert_int_eq(file_join(path, folder, name, &fault), ERR_NONE);
    return file_exists(path);
}

static uint64_t height_of(const char *name)
{
    ck_assert(has(name));
    open_chain(name);
    uint64_t height = chain_head(town.chain)->header.height;
    close_chain();
    return height;
}

static void adopt(void)
{
    ck_assert_msg(!fetched_adopt(folder, town.genesis, &fault), "%s", fault.text);
    ck_assert(!has("fetched"));
    ck_assert(!has("discarded"));
}

START_TEST(only_a_whole_import_takes_the_place_of_the_chain)
{
    start();
    put("chain", 1);
    put("incoming", 2);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 1);
    ck_assert(has("incoming"));
    put("fetched", 3);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 3);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 3);
    end();
}
END_TEST

/* It went on by blocks while the last chunks came: what this node has voted on mustn't be undone. */
START_TEST(a_chain_never_goes_back)
{
    start();
    put("chain", 3);
    put("fetched", 2);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 3);
    put("fetched", 3);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 3);
    end();
}
END_TEST

/* Killed between the old chain's end and the new one's place, or before the old one was gone. */
START_TEST(a_kill_on_the_way_does_no_harm)
{
    start();
    put("discarded", 1);
    put("fetched", 2);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 2);
    put("discarded", 1);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 2);
    end();
}
END_TEST

/* Killed while the files of a folder were removed: what is left of them isn't opened. */
START_TEST(a_folder_that_is_half_removed_is_in_nobodys_way)
{
    char out[FILE_PATH_SIZE], path[FILE_PATH_SIZE];
    start();
    put("chain", 1);
    put("incoming", 2);
    ck_assert_int_eq(file_join(out, folder, "discarded", &fault), ERR_NONE);
    ck_assert_int_eq(file_make_folder(out, 0700, &fault), ERR_NONE);
    ck_assert_int_eq(file_join(path, out, "000012.sst", &fault), ERR_NONE);
    ck_assert_int_eq(file_write(path, bytes_text("half"), 0600, &fault), ERR_NONE);
    ck_assert_msg(!fetched_discard(folder, "incoming", &fault), "%s", fault.text);
    ck_assert(!has("incoming"));
    ck_assert(!has("discarded"));
    ck_assert_int_eq(fetched_discard(folder, "incoming", &fault), ERR_NONE); /* nothing there */
    adopt();
    ck_assert_uint_eq(height_of("chain"), 1);
    end();
}
END_TEST

/* CURRENT names the list of the files of the store in that folder. */
static void damage(const char *name)
{
    char here[FILE_PATH_SIZE], path[FILE_PATH_SIZE];
    ck_assert_int_eq(file_join(here, folder, name, &fault), ERR_NONE);
    ck_assert_int_eq(file_join(path, here, "CURRENT", &fault), ERR_NONE);
    ck_assert_int_eq(file_write(path, bytes_text("nothing"), 0600, &fault), ERR_NONE);
}

START_TEST(what_is_damaged_is_discarded_and_the_chain_stays)
{
    start();
    put("chain", 1);
    put("fetched", 3);
    damage("fetched");
    adopt();
    ck_assert_uint_eq(height_of("chain"), 1);
    damage("chain");
    put("fetched", 3);
    ck_assert_int_ne(fetched_adopt(folder, town.genesis, &fault), ERR_NONE);
    ck_assert(has("chain")); /* for whoever can mend it */
    ck_assert(has("fetched"));
    end();
}
END_TEST

START_TEST(what_is_complete_is_adopted)
{
    start();
    put("incoming", 2);
    ck_assert_int_eq(fetched_complete(folder, &fault), ERR_NONE);
    ck_assert(!has("incoming"));
    adopt();
    ck_assert_uint_eq(height_of("chain"), 2);
    end();
}
END_TEST

HARNESS_MAIN("fetched", only_a_whole_import_takes_the_place_of_the_chain, a_chain_never_goes_back,
             a_kill_on_the_way_does_no_harm, a_folder_that_is_half_removed_is_in_nobodys_way,
             what_is_complete_is_adopted, what_is_damaged_is_discarded_and_the_chain_stays)
