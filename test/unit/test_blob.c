#include "net/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/merkle.h"
#include "test/unit/storage.h"

#define BYTES_MAX (4u << 20)

static char directory[64];
static struct blob_store *store;
static struct arena arena;

static void world_open(void)
{
    snprintf(directory, sizeof(directory), "/tmp/test_blob.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(blob_open(&store, directory, BYTES_MAX, NULL), ERR_NONE);
    arena_init(&arena, 8u << 20);
}

static void world_reopen(void)
{
    blob_close(store);
    ck_assert_int_eq(blob_open(&store, directory, BYTES_MAX, NULL), ERR_NONE);
}

static void world_close(void)
{
    char command[128];
    blob_close(store);
    arena_release(&arena);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

/* Chunk number `n`: `size` bytes that begin with it. */
static struct digest chunk_put(uint32_t n, size_t size)
{
    uint8_t *data = calloc(1, size);
    bytes_put_u32(data, n);
    struct digest id = merkle_leaf(data, size);
    ck_assert_int_eq(blob_put_chunk(store, &id, bytes_of(data, size)), ERR_NONE);
    free(data);
    return id;
}

static void file_of(char path[256], const char *folder, const struct digest *id)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, id);
    snprintf(path, 256, "%s/%s/%.2s/%s", directory, folder, text, text);
}

START_TEST(what_was_put_is_got_also_after_a_restart)
{
    world_open();
    struct bytes chunk;
    struct digest ids[3];
    for (uint32_t i = 0; i < 3; i++)
        ids[i] = chunk_put(i, 1000 + i);
    struct digest root = merkle_root(ids, 3);
    ck_assert_int_eq(blob_put_manifest(store, &root, ids, 3), ERR_NONE);

    for (int again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < 3; i++) {
            ck_assert_int_eq(blob_get_chunk(&arena, store, &ids[i], &chunk), ERR_NONE);
            ck_assert_uint_eq(chunk.size, 1000 + i);
            ck_assert_uint_eq(bytes_get_u32(chunk.data), i);
        }
        const struct digest *got;
        uint32_t count;
        ck_assert_int_eq(blob_get_manifest(&arena, store, &root, &got, &count), ERR_NONE);
        ck_assert_uint_eq(count, 3);
        ck_assert_mem_eq(got, ids, sizeof(ids));
        ck_assert_uint_eq(blob_usage(store).bytes, 1000 + 1001 + 1002 + 96);
        ck_assert_uint_eq(blob_usage(store).files, 4);
        world_reopen();
    }
    world_close();
}
END_TEST

START_TEST(only_content_that_matches_its_name_is_kept)
{
    world_open();
    uint8_t *large = calloc(1, LIMIT_CHUNK_BYTES + 1);
    struct digest id = merkle_leaf("abc", 3), ids[2] = {{{1}}, {{2}}};
    ck_assert_int_eq(blob_put_chunk(store, &id, bytes_text("abd")), ERR_MISMATCH);
    ck_assert_int_eq(blob_put_chunk(store, &id, bytes_text("")), ERR_LIMIT);
    struct digest too_large = merkle_leaf(large, LIMIT_CHUNK_BYTES + 1);
    ck_assert_int_eq(blob_put_chunk(store, &too_large, bytes_of(large, LIMIT_CHUNK_BYTES + 1)),
                     ERR_LIMIT);
    struct digest root = merkle_root(ids, 2);
    ck_assert_int_eq(blob_put_manifest(store, &root, ids, 1), ERR_MISMATCH);
    ck_assert_int_eq(blob_put_manifest(store, &root, ids, 0), ERR_LIMIT);
    ck_assert_int_eq(blob_put_manifest(store, &root, ids, BLOB_CHUNKS_MAX + 1), ERR_LIMIT);
    struct bytes chunk;
    ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_NOT_FOUND);
    ck_assert_uint_eq(blob_usage(store).files, 0);
    free(large);
    world_close();
}
END_TEST

START_TEST(a_manifest_is_no_chunk_though_their_names_be_equal)
{
    /* The root over one chunk is that chunk's id. */
    world_open();
    struct digest id = chunk_put(5, 100);
    const struct digest *ids;
    uint32_t count;
    ck_assert_int_eq(blob_get_manifest(&arena, store, &id, &ids, &count), ERR_NOT_FOUND);
    ck_assert_int_eq(blob_put_manifest(store, &id, &id, 1), ERR_NONE);
    ck_assert_int_eq(blob_get_manifest(&arena, store, &id, &ids, &count), ERR_NONE);
    ck_assert_uint_eq(blob_usage(store).files, 2);
    world_close();
}
END_TEST

START_TEST(a_corrupt_file_is_removed_and_can_be_put_again)
{
    static const char *const damages[] = {"flipped", "cut", "longer", "gone"};
    for (int damage = 0; damage < 4; damage++) {
        world_open();
        struct digest id = chunk_put(7, 1000);
        char path[256];
        file_of(path, "chunks", &id);
        FILE *file = fopen(path, "r+");
        ck_assert_ptr_nonnull(file);
        if (damage == 0)
            ck_assert(fseek(file, 500, SEEK_SET) == 0 && fputc('x', file) == 'x');
        else if (damage == 2)
            ck_assert(fseek(file, 0, SEEK_END) == 0 && fputc('x', file) == 'x');
        fclose(file);
        if (damage == 1)
            ck_assert_int_eq(truncate(path, 999), 0);
        if (damage == 3)
            ck_assert_int_eq(unlink(path), 0);

        struct bytes chunk;
        ck_assert_msg(blob_get_chunk(&arena, store, &id, &chunk) == ERR_CORRUPT, "%s",
                      damages[damage]);
        ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_NOT_FOUND);
        ck_assert(!blob_has_chunk(store, &id));
        ck_assert_int_ne(access(path, F_OK), 0);
        ck_assert_uint_eq(blob_usage(store).corrupt, 1);
        ck_assert_uint_eq(blob_usage(store).bytes, 0);
        chunk_put(7, 1000);
        ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_NONE);
        world_close();
    }
}
END_TEST

START_TEST(an_opened_chunk_is_not_checked_but_for_its_size)
{
    char path[256], data[6];
    struct bytes chunk;
    struct digest id;
    uint64_t size;
    int fd;
    world_open();
    id = chunk_put(7, 1000);
    ck_assert_int_eq(blob_open_chunk(store, &(struct digest){{1}}, &fd, &size), ERR_NOT_FOUND);
    file_of(path, "chunks", &id);
    FILE *file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs("flipped", file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(blob_open_chunk(store, &id, &fd, &size), ERR_NONE);
    ck_assert_uint_eq(size, 1000);
    ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_CORRUPT);
    ck_assert_int_eq(read(fd, data, 6), 6); /* who sends it still can */
    close(fd);
    ck_assert_int_eq(blob_open_chunk(store, &id, &fd, &size), ERR_NOT_FOUND);
    for (int is_gone = 0; is_gone < 2; is_gone++) {
        chunk_put(7, 1000);
        ck_assert_int_eq(is_gone ? unlink(path) : truncate(path, 999), 0);
        ck_assert_int_eq(blob_open_chunk(store, &id, &fd, &size), ERR_CORRUPT);
        ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_CORRUPT);
        ck_assert(!blob_has_chunk(store, &id));
    }
    world_close();
}
END_TEST

START_TEST(a_full_disk_takes_nothing_and_leaves_nothing)
{
    struct rlimit all, none;
    struct bytes chunk;
    uint8_t data[1000] = {9};
    struct digest id = merkle_leaf(data, sizeof(data));
    char path[256];
    world_open();
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &all);
    none = all;
    none.rlim_cur = 500;
    setrlimit(RLIMIT_FSIZE, &none);
    ck_assert_int_eq(blob_put_chunk(store, &id, bytes_of(data, sizeof(data))), ERR_IO);
    ck_assert_uint_eq(blob_usage(store).bytes, 0);
    ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_NOT_FOUND);
    file_of(path, "chunks", &id);
    ck_assert_int_ne(access(path, F_OK), 0);
    strcat(path, ".new");
    ck_assert_int_ne(access(path, F_OK), 0);
    setrlimit(RLIMIT_FSIZE, &all);
    ck_assert_int_eq(blob_put_chunk(store, &id, bytes_of(data, sizeof(data))), ERR_NONE);
    ck_assert_int_eq(blob_get_chunk(&arena, store, &id, &chunk), ERR_NONE);
    world_close();
}
END_TEST

START_TEST(the_bound_pushes_out_what_was_used_longest_ago)
{
    world_open();
    struct digest ids[80];
    uint32_t fits = BYTES_MAX / LIMIT_CHUNK_BYTES;
    for (uint32_t i = 0; i < fits; i++)
        ids[i] = chunk_put(i, LIMIT_CHUNK_BYTES);
    ck_assert_uint_eq(blob_usage(store).bytes, BYTES_MAX);
    ck_assert_uint_eq(blob_usage(store).evicted, 0);
    struct bytes chunk;
    ck_assert_int_eq(blob_get_chunk(&arena, store, &ids[0], &chunk), ERR_NONE);
    ids[fits] = chunk_put(fits, LIMIT_CHUNK_BYTES);
    ck_assert(blob_has_chunk(store, &ids[0]));
    ck_assert(!blob_has_chunk(store, &ids[1]));
    ck_assert(blob_has_chunk(store, &ids[fits]));
    ck_assert_uint_eq(blob_usage(store).bytes, BYTES_MAX);
    ck_assert_uint_eq(blob_usage(store).evicted, 1);
    char path[256];
    file_of(path, "chunks", &ids[1]);
    ck_assert_int_ne(access(path, F_OK), 0);
    world_close();
}
END_TEST

START_TEST(missing_chunks_are_told_by_index)
{
    world_open();
    struct digest ids[4] = {chunk_put(1, 50), {{1}}, chunk_put(2, 50), {{2}}};
    uint32_t missing[4];
    ck_assert_uint_eq(blob_missing(store, missing, ids, 4), 2);
    ck_assert_uint_eq(missing[0], 1);
    ck_assert_uint_eq(missing[1], 3);
    world_close();
}
END_TEST

START_TEST(a_thousand_files_come_and_go_and_leftovers_are_removed)
{
    world_open();
    struct digest ids[3000];
    for (uint32_t i = 0; i < 3000; i++)
        ids[i] = chunk_put(i, 2000);
    for (uint32_t i = 0; i < 3000; i++)
        ck_assert_int_eq(blob_has_chunk(store, &ids[i]), i >= 3000 - BYTES_MAX / 2000);
    char path[256];
    snprintf(path, sizeof(path), "%s/chunks/ab", directory);
    ck_assert_int_eq(access(path, F_OK), 0); /* one of 3,000 chunks began so */
    snprintf(path, sizeof(path), "%s/chunks/ab/leftover.new", directory);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    struct blob_usage before = blob_usage(store);
    world_reopen();
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_uint_eq(blob_usage(store).bytes, before.bytes);
    ck_assert_uint_eq(blob_usage(store).files, before.files);
    ck_assert(blob_has_chunk(store, &ids[2999]));
    world_close();
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_told)
{
    struct fault fault;
    ck_assert_int_eq(blob_open(&store, "/proc/none/blobs", BYTES_MAX, &fault), ERR_IO);
    ck_assert_str_eq(fault.text,
                     "can't make the folder /proc/none/blobs: No such file or directory");
    ck_assert_int_eq(blob_open(&store, "/tmp", 1000, &fault), ERR_USAGE);
}
END_TEST

/* --- with object storage --- */

static char endpoint[64];
static struct fault fault;

static pid_t far_open(struct bucket **bucket, const char *place)
{
    pid_t child = storage_start(endpoint);
    *bucket = storage_open(endpoint, place);
    world_open();
    return child;
}

static void far_close(struct bucket *bucket)
{
    world_close();
    bucket_close(bucket);
}

static void empty_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s/*", directory);
    ck_assert_int_eq(system(command), 0);
    world_reopen();
}

static enum err chunk_get(const struct digest *id)
{
    struct bytes found;
    arena_clear(&arena);
    return blob_get_chunk(&arena, store, id, &found);
}

START_TEST(what_the_folder_pushes_out_stays_in_the_bucket)
{
    struct bucket *bucket;
    struct digest ids[80];
    uint32_t missing[80];

    far_open(&bucket, "s3://chunks/data");
    ck_assert_int_eq(blob_attach(store, bucket, 100, &fault), ERR_NONE);
    for (uint32_t i = 0; i < 80; i++)
        ids[i] = chunk_put(i, LIMIT_CHUNK_BYTES);
    ck_assert_uint_le(blob_usage(store).bytes, BYTES_MAX);
    ck_assert_uint_gt(blob_usage(store).evicted, 0);
    ck_assert_uint_eq(blob_missing(store, missing, ids, 80), 0);
    for (uint32_t i = 0; i < 80; i++)
        ck_assert_int_eq(chunk_get(&ids[i]), ERR_NONE);
    ck_assert_uint_le(blob_usage(store).bytes, BYTES_MAX);
    far_close(bucket);
}
END_TEST

START_TEST(no_more_is_known_of_the_bucket_than_the_bound)
{
    struct bucket *bucket;
    struct digest ids[80];
    uint32_t missing[80];

    far_open(&bucket, "s3://chunks/data");
    ck_assert_int_eq(blob_attach(store, bucket, 10, &fault), ERR_NONE);
    for (uint32_t i = 0; i < 80; i++)
        ids[i] = chunk_put(i, LIMIT_CHUNK_BYTES);
    ck_assert_uint_eq(blob_missing(store, missing, ids, 80),
                      6); /* of 16 that the folder pushed out */
    ck_assert_uint_eq(missing[5], 5);
    for (uint32_t i = 0; i < 80; i++)
        ck_assert_int_eq(chunk_get(&ids[i]), ERR_NONE);
    chunk_put(0, LIMIT_CHUNK_BYTES); /* again */
    ck_assert_uint_eq(blob_missing(store, missing, ids, 80), 6);
    ck_assert_uint_eq(missing[0], 1);
    empty_folder();
    ck_assert_int_eq(blob_attach(store, bucket, 10, &fault), ERR_NONE);
    ck_assert_uint_eq(blob_missing(store, missing, ids, 80), 70);
    ck_assert_int_eq(chunk_get(&ids[missing[0]]), ERR_NONE);
    ck_assert_uint_eq(blob_missing(store, missing, ids, 80), 69);
    far_close(bucket);
}
END_TEST

START_TEST(folder_that_is_lost_costs_nothing_and_nodes_share_a_bucket)
{
    struct bucket *bucket;
    struct digest id, late, root;
    const struct digest *ids;
    uint32_t missing, count;

    far_open(&bucket, "s3://chunks");
    id = chunk_put(1, 100); /* before there is a bucket */
    root = merkle_root(&id, 1);
    ck_assert_int_eq(blob_put_manifest(store, &root, &id, 1), ERR_NONE);
    ck_assert_int_eq(blob_attach(store, bucket, 100, &fault), ERR_NONE);
    late = chunk_put(2, 100);
    empty_folder();
    ck_assert_int_eq(chunk_get(&id), ERR_NOT_FOUND);
    ck_assert_int_eq(blob_attach(store, bucket, 100, &fault), ERR_NONE);
    ck_assert_uint_eq(blob_missing(store, &missing, &late, 1), 0);
    ck_assert_int_eq(chunk_get(&id), ERR_NONE);
    ck_assert_int_eq(blob_get_manifest(&arena, store, &root, &ids, &count), ERR_NONE);
    ck_assert_uint_eq(count, 1);

    uint8_t other[] = "by another node";
    struct digest theirs = merkle_leaf(other, sizeof(other));
    char text[DIGEST_TEXT_SIZE], name[96];
    digest_text(text, &theirs);
    snprintf(name, sizeof(name), "chunks/%s", text);
    ck_assert_int_eq(chunk_get(&theirs), ERR_NOT_FOUND);
    ck_assert_int_eq(bucket_put(bucket, name, bytes_of(other, sizeof(other)), &fault), ERR_NONE);
    ck_assert_int_eq(chunk_get(&theirs), ERR_NONE);
    far_close(bucket);
}
END_TEST

START_TEST(object_that_is_not_its_name_s_is_never_served)
{
    struct bucket *bucket;
    struct digest id;
    uint32_t missing;

    far_open(&bucket, "s3://chunks/wrong");
    ck_assert_int_eq(blob_attach(store, bucket, 100, &fault), ERR_NONE);
    id = chunk_put(1, 100);
    empty_folder();
    ck_assert_int_eq(blob_attach(store, bucket, 100, &fault), ERR_NONE);
    ck_assert_uint_eq(blob_missing(store, &missing, &id, 1), 0);
    ck_assert_int_eq(chunk_get(&id), ERR_CORRUPT);
    ck_assert_uint_eq(blob_missing(store, &missing, &id, 1), 1);
    ck_assert_uint_eq(blob_usage(store).corrupt, 1);
    far_close(bucket);
}
END_TEST

START_TEST(what_the_bucket_did_not_take_is_not_stored)
{
    struct bucket *bucket, *none;
    uint8_t data[] = "chunk";
    struct digest id = merkle_leaf(data, sizeof(data));
    uint32_t missing;
    pid_t storage = far_open(&bucket, "s3://chunks");

    none = storage_open(endpoint, "s3://none");
    ck_assert_int_eq(blob_attach(store, none, 100, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "s3://none answers with status 404: NoSuchBucket");
    bucket_close(none);
    ck_assert_int_eq(blob_attach(store, bucket, 100, &fault), ERR_NONE);
    kill(storage, SIGKILL);
    ck_assert_int_eq(blob_put_chunk(store, &id, bytes_of(data, sizeof(data))), ERR_IO);
    ck_assert_uint_eq(blob_missing(store, &missing, &id, 1), 1);
    ck_assert_int_eq(chunk_get(&id), ERR_IO);
    far_close(bucket);
}
END_TEST

HARNESS_MAIN(
    "blob", what_was_put_is_got_also_after_a_restart, only_content_that_matches_its_name_is_kept,
    a_manifest_is_no_chunk_though_their_names_be_equal,
    a_corrupt_file_is_removed_and_can_be_put_again, an_opened_chunk_is_not_checked_but_for_its_size,
    a_full_disk_takes_nothing_and_leaves_nothing, the_bound_pushes_out_what_was_used_longest_ago,
    missing_chunks_are_told_by_index, a_thousand_files_come_and_go_and_leftovers_are_removed,
    a_folder_that_cannot_be_made_is_told, what_the_folder_pushes_out_stays_in_the_bucket,
    no_more_is_known_of_the_bucket_than_the_bound,
    folder_that_is_lost_costs_nothing_and_nodes_share_a_bucket,
    object_that_is_not_its_name_s_is_never_served, what_the_bucket_did_not_take_is_not_stored)
