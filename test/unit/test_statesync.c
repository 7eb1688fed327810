#include "tools/tenured/statesync.h"

#include "test/unit/town.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

static struct node node;
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
    ck_assert_msg(!statesync_adopt(folder, town.genesis, &fault), "%s", fault.text);
    ck_assert(!has("fetched"));
    ck_assert(!has("replaced"));
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
    put("replaced", 1);
    put("fetched", 2);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 2);
    put("replaced", 1);
    adopt();
    ck_assert_uint_eq(height_of("chain"), 2);
    end();
}
END_TEST

START_TEST(a_peer_has_a_bounded_number_of_records_waiting)
{
    ck_assert_int_eq(statesync_init(&node.statesync, &node), ERR_NONE);
    for (int i = 0; i < 100; i++)
        statesync_record(&node.statesync, (struct place){1}, WIRE_WANT_CHUNK, bytes_text("want"));
    ck_assert_uint_eq(queue_count(&node.statesync.queue), STATESYNC_ASKED_MAX);
    statesync_record(&node.statesync, (struct place){2}, WIRE_WANT_CHUNK, bytes_text("want"));
    ck_assert_uint_eq(queue_count(&node.statesync.queue), STATESYNC_ASKED_MAX + 1);
    statesync_release(&node.statesync);
}
END_TEST

START_TEST(a_height_is_needed_while_it_is_served)
{
    ck_assert_int_eq(statesync_init(&node.statesync, &node), ERR_NONE);
    ck_assert_uint_eq(statesync_needed(&node.statesync), UINT64_MAX);
    ck_assert(!statesync_is_active(&node.statesync));
    statesync_release(&node.statesync);
}
END_TEST

HARNESS_MAIN("statesync", only_a_whole_import_takes_the_place_of_the_chain,
             a_chain_never_goes_back, a_kill_on_the_way_does_no_harm,
             a_peer_has_a_bounded_number_of_records_waiting, a_height_is_needed_while_it_is_served)
