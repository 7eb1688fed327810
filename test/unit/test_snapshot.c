#include "ledger/snapshot.h"

#include "test/unit/crowd.h"

static struct town town;
static struct history *history;
static struct arena arena, cutting;
static struct digest root;
static struct fault fault;

/* A crowd after three blocks, and a history of it. */
static void start(void)
{
    crowd_init(&town);
    for (uint64_t i = 1; i <= 3; i++)
        town_step(&town, 1, 2, i);
    arena_init(&arena, SNAPSHOT_ARENA_BYTES);
    arena_init(&cutting, (size_t)1 << 30);
    root = chain_head(town.chain)->header.state_root;
    history = history_open(town.chain, &fault);
    ck_assert_ptr_nonnull(history);
}

static void end(void)
{
    history_close(history);
    arena_release(&arena);
    arena_release(&cutting);
    town_release(&town);
}

static struct bytes cut(uint64_t height, const struct digest *from)
{
    struct bytes packed;
    enum err err = snapshot_cut(&cutting, history, &packed, (struct height){height}, from, &fault);
    ck_assert_msg(!err, "%s", fault.text);
    return packed;
}

static enum err check(struct snapshot_chunk *chunk, struct bytes packed, const struct digest *from)
{
    arena_clear(&arena);
    return snapshot_check(&arena, chunk, packed, &root, from, &fault);
}

/* The chunk of height 3 that begins at `from`, unpacked, to be tampered with. */
static struct snapshot_chunk taken(const struct digest *from)
{
    struct snapshot_chunk chunk;
    ck_assert_int_eq(record_unpack(&cutting, &snapshot_chunk_record, &chunk, cut(3, from), NULL),
                     ERR_NONE);
    return chunk;
}

/* Where the chunk behind the one at `from` begins. */
static struct digest next(const struct digest *from)
{
    struct snapshot_chunk chunk = taken(from);
    return snapshot_behind(&chunk.to);
}

/* Is it refused, and with these words? */
static void refused(const struct snapshot_chunk *chunk, const struct digest *from, const char *why)
{
    struct snapshot_chunk out;
    struct bytes packed = record_bytes(&cutting, &snapshot_chunk_record, chunk);
    ck_assert_int_eq(check(&out, packed, from), ERR_MISMATCH);
    ck_assert_msg(strstr(fault.text, why), "%s", fault.text);
}

#define NOT_ALL   "a chunk that isn't all that the state has there"
#define CUT_SHORT "a chunk that is cut short"

START_TEST(chunks_of_a_height_are_all_its_leaves_in_order)
{
    start();
    uint32_t leaves = 0, chunks = 0;
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++) {
        struct digest from = snapshot_first(range), last = snapshot_last(range);
        for (bool more = true; more; chunks++) {
            struct snapshot_chunk chunk;
            struct bytes packed = cut(3, &from);
            enum err err = check(&chunk, packed, &from);
            ck_assert_msg(!err, "%s", fault.text);
            ck_assert_uint_le(packed.size, 2 * SNAPSHOT_CHUNK_BYTES);
            for (uint32_t i = 0; i < chunk.leaf_count; i++) {
                struct bytes value;
                ck_assert_int_eq(history_value(&cutting, history, &value, chunk.leaves[i].key,
                                               (struct height){3}, &fault),
                                 ERR_NONE);
                ck_assert(bytes_equal(value, chunk.leaves[i].value));
            }
            leaves += chunk.leaf_count;
            more = !digest_equal(&chunk.to, &last);
            if (more)
                from = snapshot_behind(&chunk.to);
        }
    }
    uint64_t keys;
    ck_assert_int_eq(history_audit(history, &keys, &fault), ERR_NONE);
    ck_assert_uint_eq(leaves, keys);
    ck_assert_uint_ge(chunks, 2 * SNAPSHOT_RANGES);
    end();
}
END_TEST

START_TEST(a_kept_height_is_cut_the_same_while_the_chain_goes_on)
{
    start();
    struct digest from = snapshot_first(5);
    struct bytes before = cut(3, &from);
    history_close(history);
    for (uint64_t i = 0; i < 5; i++)
        town_step(&town, 2, 1, 7);
    history = history_open(town.chain, &fault);
    ck_assert(bytes_equal(before, cut(3, &from)));
    struct snapshot_chunk chunk;
    ck_assert_int_eq(check(&chunk, cut(3, &from), &from), ERR_NONE);
    struct bytes none;
    ck_assert_int_eq(snapshot_cut(&cutting, history, &none, (struct height){9}, &from, &fault),
                     ERR_NOT_FOUND);
    end();
}
END_TEST

START_TEST(dropped_added_or_changed_leaves_are_noticed)
{
    start();
    struct digest from = snapshot_first(0), second = next(&from);
    const struct digest *starts[] = {&from, &second};
    for (int s = 0; s < 2; s++) {
        struct snapshot_chunk chunk = taken(starts[s]);
        ck_assert_uint_gt(chunk.leaf_count, 50);
        uint32_t count = chunk.leaf_count;
        for (uint32_t drop = 0; drop < count; drop += drop < 3 || drop > count - 5 ? 1 : 37) {
            chunk = taken(starts[s]);
            memmove(chunk.leaves + drop, chunk.leaves + drop + 1,
                    (count - drop - 1) * sizeof(*chunk.leaves));
            chunk.leaf_count--;
            refused(&chunk, starts[s], "a chunk that");
        }
        chunk = taken(starts[s]);
        chunk.leaves[count / 2].value = bytes_text("other");
        refused(&chunk, starts[s], "a chunk that");
        chunk = taken(starts[s]);
        chunk.leaves[count / 2] = chunk.leaves[count / 2 + 1];
        refused(&chunk, starts[s], "a chunk whose leaves aren't in order");
        chunk = taken(starts[s]);
        chunk.leaves[0].value = bytes_of("", 0);
        refused(&chunk, starts[s], "an empty key or value");
    }
    end();
}
END_TEST

START_TEST(added_leaf_is_noticed)
{
    start();
    struct digest range = snapshot_first(3), from = next(&range);
    struct snapshot_chunk chunk = taken(&from), more = chunk;
    ck_assert_uint_eq(snapshot_range(&from), 3);
    more.leaves = arena_array(&cutting, chunk.leaf_count + 1, sizeof(*more.leaves));
    /* a key that falls into the chunk */
    char name[16];
    struct digest position;
    unsigned number = 0;
    do {
        snprintf(name, sizeof(name), "k%u", number++);
        position = digest_of(name, strlen(name));
    } while (digest_compare(&position, &chunk.from) < 0 ||
             digest_compare(&position, &chunk.to) > 0);
    uint32_t at = 0;
    for (uint32_t i = 0; i < chunk.leaf_count; i++) {
        struct bytes key = chunk.leaves[i].key;
        struct digest here = digest_of(key.data, key.size);
        at += digest_compare(&here, &position) < 0;
    }
    memcpy(more.leaves, chunk.leaves, at * sizeof(*more.leaves));
    more.leaves[at] = (struct snapshot_leaf){bytes_text(name), bytes_text("x")};
    memcpy(more.leaves + at + 1, chunk.leaves + at, (chunk.leaf_count - at) * sizeof(*more.leaves));
    more.leaf_count++;
    refused(&more, &from, "a chunk");
    end();
}
END_TEST

START_TEST(a_chunk_counts_only_in_its_place_and_its_height)
{
    start();
    struct digest first = snapshot_first(4), second = next(&first);
    struct snapshot_chunk chunk;
    ck_assert_int_eq(check(&chunk, cut(3, &second), &first), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "a chunk of another place in the state");
    ck_assert_int_eq(check(&chunk, cut(3, &first), &second), ERR_MISMATCH);
    /* height 2 has other balances in two chunks, and another root for all of them */
    ck_assert_int_eq(check(&chunk, cut(2, &first), &first), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, NOT_ALL);
    /* it can't be passed off as another by its bounds */
    chunk = taken(&second);
    chunk.from = first;
    refused(&chunk, &first, NOT_ALL);
    end();
}
END_TEST

START_TEST(ends_of_a_chunk_cannot_be_cut)
{
    start();
    struct digest first = snapshot_first(9);
    struct snapshot_chunk chunk = taken(&first);
    /* fewer leaves, with bounds and proofs that fit them: too small */
    struct bytes key = chunk.leaves[chunk.leaf_count - 2].key;
    chunk.to = digest_of(key.data, key.size);
    chunk.leaf_count--;
    ck_assert_int_eq(
        history_prove_at(&cutting, history, &chunk.right, &chunk.to, (struct height){3}, &fault),
        ERR_NONE);
    refused(&chunk, &first, CUT_SHORT);
    /* the end is claimed to be further than the leaves go */
    chunk = taken(&first);
    chunk.to = snapshot_last(9);
    ck_assert_int_eq(
        history_prove_at(&cutting, history, &chunk.right, &chunk.to, (struct height){3}, &fault),
        ERR_NONE);
    refused(&chunk, &first, "a chunk that doesn't end with its last leaf");
    /* the last chunk of the range without its last leaf, first leaf, any leaf */
    struct digest from = first, last = snapshot_last(9);
    while (chunk = taken(&from), !digest_equal(&chunk.to, &last))
        from = snapshot_behind(&chunk.to);
    ck_assert_uint_gt(chunk.leaf_count, 2);
    chunk.leaf_count--;
    refused(&chunk, &from, NOT_ALL);
    chunk.leaves++;
    refused(&chunk, &from, NOT_ALL);
    chunk.leaf_count = 0;
    refused(&chunk, &from, NOT_ALL);
    end();
}
END_TEST

/* Whoever fetches would look for the rest of that range in the middle of the next one. */
START_TEST(a_chunk_ends_with_its_range_even_if_all_of_it_is_true)
{
    start();
    struct digest from = snapshot_first(9), last = snapshot_last(9), behind = snapshot_first(10);
    struct snapshot_chunk chunk;
    while (chunk = taken(&from), !digest_equal(&chunk.to, &last))
        from = snapshot_behind(&chunk.to);
    const struct snapshot_chunk more = taken(&behind);
    struct snapshot_leaf *leaves =
        arena_array(&cutting, chunk.leaf_count + more.leaf_count, sizeof(*leaves));
    size_t bytes = 0;
    ck_assert_ptr_nonnull(leaves);
    for (uint32_t i = 0; i < chunk.leaf_count; i++) {
        leaves[i] = chunk.leaves[i];
        bytes += leaves[i].key.size + leaves[i].value.size;
    }
    for (uint32_t i = 0; bytes < SNAPSHOT_CHUNK_BYTES; i++) {
        leaves[chunk.leaf_count++] = more.leaves[i];
        bytes += more.leaves[i].key.size + more.leaves[i].value.size;
    }
    chunk.leaves = leaves;
    chunk.to =
        digest_of(leaves[chunk.leaf_count - 1].key.data, leaves[chunk.leaf_count - 1].key.size);
    ck_assert_int_eq(
        history_prove_at(&cutting, history, &chunk.right, &chunk.to, (struct height){3}, &fault),
        ERR_NONE);
    refused(&chunk, &from, "a chunk that runs into the next range");
    end();
}
END_TEST

START_TEST(paths_of_a_wrong_length_or_kind_prove_nothing)
{
    start();
    struct digest from = snapshot_first(12);
    for (int side = 0; side < 2; side++) {
        struct snapshot_chunk chunk = taken(&from);
        struct sparse_proof *proof = side ? &chunk.right : &chunk.left, whole = *proof;
        proof->path_count--;
        refused(&chunk, &from, NOT_ALL);
        proof->path++;
        refused(&chunk, &from, NOT_ALL);
        proof->path_count = 0;
        refused(&chunk, &from, NOT_ALL);
        *proof = whole;
        proof->path = arena_array(&cutting, LIMIT_SPARSE_PATH, sizeof(*proof->path));
        memcpy(proof->path, whole.path, whole.path_count * sizeof(*proof->path));
        proof->path_count = LIMIT_SPARSE_PATH;
        refused(&chunk, &from, NOT_ALL);
        *proof = whole;
        for (uint8_t kind = 0; kind <= SPARSE_END_OTHER; kind++) {
            proof->end = kind;
            if (kind != whole.end)
                refused(&chunk, &from, NOT_ALL);
        }
    }
    end();
}
END_TEST

/* A leaf that is alone in its subtree rises, so that the subtree has its digest: it mustn't be shown as one outside. */
START_TEST(a_lone_leaf_cannot_be_passed_off_as_a_neighbour)
{
    start();
    struct digest from = snapshot_first(7);
    struct snapshot_chunk chunk = taken(&from);
    struct bytes key = chunk.leaves[0].key, value = chunk.leaves[0].value;
    struct digest position = digest_of(key.data, key.size);
    struct sparse_proof own;
    ck_assert_int_eq(
        history_prove_at(&cutting, history, &own, &position, (struct height){3}, &fault), ERR_NONE);
    chunk.left = own;
    chunk.left.end = SPARSE_END_OTHER;
    chunk.left.other_key = position;
    chunk.left.other_value = digest_of(value.data, value.size);
    chunk.leaves++;
    chunk.leaf_count--;
    refused(&chunk, &from, "a chunk that");
    end();
}
END_TEST

START_TEST(any_flipped_bit_and_any_cut_is_refused)
{
    start();
    struct digest from = snapshot_first(2), last = snapshot_last(2);
    for (struct snapshot_chunk at = taken(&from); !digest_equal(&at.to, &last); at = taken(&from))
        from = snapshot_behind(&at.to);
    struct bytes packed = cut(3, &from);
    uint8_t *copy = arena_copy(&cutting, packed.data, packed.size);
    struct snapshot_chunk chunk;
    ck_assert_int_eq(check(&chunk, bytes_of(copy, packed.size), &from), ERR_NONE);
    for (size_t i = 0; i < packed.size; i += 1 + i % 61) {
        copy[i] ^= 1 << i % 8;
        ck_assert_int_ne(check(&chunk, bytes_of(copy, packed.size), &from), ERR_NONE);
        copy[i] ^= 1 << i % 8;
        ck_assert_int_ne(check(&chunk, bytes_of(copy, i), &from), ERR_NONE);
    }
    end();
}
END_TEST

/* Ten people: each range has a leaf or two, or none. */
START_TEST(small_states_and_empty_ranges_have_chunks_too)
{
    town_init(&town);
    town_open(&town);
    arena_init(&arena, SNAPSHOT_ARENA_BYTES);
    arena_init(&cutting, (size_t)1 << 30);
    for (uint64_t block = 0; block < 3; block++) {
        root = chain_head(town.chain)->header.state_root;
        history = history_open(town.chain, &fault);
        for (unsigned i = 0; i < 256; i++) { /* from anywhere, not just the ranges' starts */
            struct digest from = digest_of(&i, sizeof(i));
            if (i < SNAPSHOT_RANGES)
                from = snapshot_first(i);
            struct snapshot_chunk chunk;
            enum err err = check(&chunk, cut(block, &from), &from);
            ck_assert_msg(!err, "%s", fault.text);
            if (chunk.leaf_count == 0)
                continue;
            chunk.leaf_count--;
            struct bytes packed = record_bytes(&cutting, &snapshot_chunk_record, &chunk);
            ck_assert_int_eq(check(&chunk, packed, &from), ERR_MISMATCH);
        }
        history_close(history);
        town_step(&town, 1, 2, 5);
    }
    history = NULL;
    end();
}
END_TEST

START_TEST(positions_count_up)
{
    struct digest zero = digest_zero, last = snapshot_last(3), next = snapshot_first(4);
    struct digest one = snapshot_behind(&zero), behind = snapshot_behind(&last);
    ck_assert_uint_eq(one.bytes[DIGEST_SIZE - 1], 1);
    ck_assert(digest_equal(&behind, &next));
    ck_assert_uint_eq(snapshot_range(&last), 3);
    ck_assert_uint_eq(snapshot_range(&next), 4);
}
END_TEST

HARNESS_MAIN("snapshot", chunks_of_a_height_are_all_its_leaves_in_order,
             a_kept_height_is_cut_the_same_while_the_chain_goes_on,
             dropped_added_or_changed_leaves_are_noticed, added_leaf_is_noticed,
             a_chunk_counts_only_in_its_place_and_its_height, ends_of_a_chunk_cannot_be_cut,
             a_chunk_ends_with_its_range_even_if_all_of_it_is_true,
             paths_of_a_wrong_length_or_kind_prove_nothing,
             a_lone_leaf_cannot_be_passed_off_as_a_neighbour,
             any_flipped_bit_and_any_cut_is_refused, small_states_and_empty_ranges_have_chunks_too,
             positions_count_up)
