#include "ledger/chain.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "ledger/history.h"
#include "test/unit/town.h"

static struct town town;
static uint64_t keys;

static struct digest head_digest(void)
{
    return chain_head(town.chain)->digest;
}

START_TEST(genesis_becomes_height_zero)
{
    town_init(&town);
    town_open(&town);
    const struct chain_tip *head = chain_head(town.chain);
    ck_assert_uint_eq(head->header.height, 0);
    ck_assert_uint_eq(head->header.time_ms, TOWN_START_MS);
    ck_assert(digest_equal(&head->header.chain, &town.chain_digest));
    ck_assert(digest_equal(&head->header.set_digest, &head->header.next_set_digest));
    struct digest digest = head_digest();
    ck_assert_uint_eq(town_balance(&town, &digest, 3), 1000);
    town_release(&town);
}
END_TEST

START_TEST(transfer_moves_credits_in_the_block_and_nowhere_before)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    ck_assert_uint_eq(tip.header.height, 1);
    ck_assert_uint_eq(town_balance(&town, &tip.digest, 2), 1030);
    ck_assert_uint_eq(town_balance(&town, &genesis, 2), 1000);
    struct digest digest = tip.digest;
    town_commit(&town, &tip);
    ck_assert(digest_equal(&chain_head(town.chain)->digest, &digest));
    ck_assert_uint_eq(town_balance(&town, &digest, 1), 970);
    ck_assert_uint_eq(town_balance(&town, &digest, 2), 1030);
    town_release(&town);
}
END_TEST

START_TEST(replica_executes_to_the_same_header)
{
    town_init(&town);
    struct town other;
    town_init(&other);
    town_open(&town);
    town_open(&other);
    struct bytes txs[TOWN_PEOPLE];
    for (int block = 0; block < 5; block++) {
        for (uint32_t i = 0; i < TOWN_PEOPLE; i++)
            txs[i] = town_transfer(&town, i, (i + 1) % TOWN_PEOPLE, i == 4 ? 5000 : 1 + i)
                         .raw; /* one fails each time */
        struct chain_tip head = *chain_head(town.chain);
        struct chain_tip tip =
            town_build(&town, &head.digest, head.header.time_ms + 10, txs, TOWN_PEOPLE);
        struct fault fault = {0};
        enum err err = chain_execute(other.chain, tip.header_raw, tip.body_raw, &fault);
        ck_assert_msg(!err, "%s", fault.text);
        ck_assert_int_eq(chain_execute(other.chain, tip.header_raw, tip.body_raw, &fault),
                         ERR_NONE); /* again: nothing new */
        town_commit(&other, &tip);
        town_commit(&town, &tip);
    }
    struct digest digest = head_digest();
    ck_assert(digest_equal(&chain_head(other.chain)->digest, &digest));
    ck_assert_uint_eq(town_balance(&town, &digest, 5), 1000 - 5 * 6);
    town_release(&other);
    town_release(&town);
}
END_TEST

START_TEST(candidates_that_may_not_be_in_a_block_are_left_out)
{
    town_init(&town);
    town_open(&town);
    struct tx first = town_transfer(&town, 1, 2, 1), second = town_transfer(&town, 1, 2, 1),
              third = town_transfer(&town, 1, 2, 1);
    struct bytes txs[] = {third.raw, first.raw, first.raw, second.raw, bytes_text("garbage"),
                          third.raw};
    struct digest genesis = head_digest();
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, txs, 6);
    struct block_body body;
    ck_assert_int_eq(block_body_unpack(&town.arena, &body, tip.body_raw, NULL), ERR_NONE);
    ck_assert_uint_eq(body.item_count,
                      3); /* first, second, third: a gap and a replay are left out */
    ck_assert(bytes_equal(body.items[0].tx, first.raw));
    ck_assert(bytes_equal(body.items[2].tx, third.raw));
    town_release(&town);
}
END_TEST

START_TEST(block_is_bounded_by_count_and_bytes)
{
    town_init(&town);
    town_open(&town);
    struct bytes txs[8];
    for (int i = 0; i < 8; i++)
        txs[i] = town_transfer(&town, 1, 2, 1).raw;
    struct digest genesis = head_digest();
    struct chain_proposal proposal = {
        .parent = genesis,
        .time_ms = TOWN_START_MS + 1,
        .candidates = txs,
        .candidate_count = 8,
        .count_max = 5,
        .bytes_max = LIMIT_BLOCK_BYTES,
    };
    struct chain_tip tip;
    struct block_body body;
    ck_assert_int_eq(chain_build(town.chain, &tip, &proposal, NULL), ERR_NONE);
    ck_assert_int_eq(block_body_unpack(&town.arena, &body, tip.body_raw, NULL), ERR_NONE);
    ck_assert_uint_eq(body.item_count, 5);
    proposal.bytes_max = block_body_size(2, 2 * txs[0].size);
    ck_assert_int_eq(chain_build(town.chain, &tip, &proposal, NULL), ERR_NONE);
    ck_assert_int_eq(block_body_unpack(&town.arena, &body, tip.body_raw, NULL), ERR_NONE);
    ck_assert_uint_eq(body.item_count, 2);
    ck_assert_uint_le(tip.body_raw.size, proposal.bytes_max);
    town_release(&town);
}
END_TEST

START_TEST(commit_of_one_child_discards_the_other)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip a = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    struct chain_tip b = town_build(&town, &genesis, TOWN_START_MS + 2, NULL, 0);
    struct chain_tip c = town_build(&town, &b.digest, TOWN_START_MS + 3, &tx.raw,
                                    1); /* the same one, on another branch */
    struct digest b_digest = b.digest, c_digest = c.digest, a_digest = a.digest;
    ck_assert_uint_eq(town_balance(&town, &c_digest, 2), 1030);
    ck_assert_uint_eq(town_balance(&town, &b_digest, 2), 1000);
    struct fault fault = {0};
    ck_assert_int_eq(chain_commit(town.chain, NULL, 0, &c_digest, bytes_text("x"), &fault),
                     ERR_MISMATCH);
    town_commit(&town, &b);
    ck_assert_int_eq(chain_tip(town.chain, &a, &a_digest), ERR_NOT_FOUND);
    ck_assert_int_eq(chain_commit(town.chain, NULL, 0, &a_digest, bytes_text("x"), &fault),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(chain_tip(town.chain, &c, &c_digest), ERR_NONE);
    town_commit(&town, &c);
    ck_assert_uint_eq(town_balance(&town, &c_digest, 2), 1030);
    ck_assert_uint_eq(chain_head(town.chain)->header.height, 2);
    town_release(&town);
}
END_TEST

START_TEST(discarded_block_takes_its_descendants)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct chain_tip a = town_build(&town, &genesis, TOWN_START_MS + 1, NULL, 0);
    struct digest a_digest = a.digest;
    struct digest b_digest = town_build(&town, &a_digest, TOWN_START_MS + 2, NULL, 0).digest;
    chain_discard(town.chain, &a_digest);
    ck_assert_int_eq(chain_tip(town.chain, &a, &b_digest), ERR_NOT_FOUND);
    chain_discard(town.chain, &a_digest);
    ck_assert_int_eq(chain_tip(town.chain, &a, &genesis), ERR_NONE);
    town_release(&town);
}
END_TEST

/* Repacks the header after `change` and executes it. */
static enum err execute_changed(const struct chain_tip *tip, struct block_header header,
                                struct bytes body, struct fault *fault)
{
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    size_t size = block_header_pack(raw, &digest, &header);
    *fault = (struct fault){0};
    (void)tip;
    return chain_execute(town.chain, bytes_of(raw, size), body, fault);
}

START_TEST(wrong_header_is_refused_with_its_first_difference)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    struct block_header good = tip.header, bad;
    struct fault fault;

    bad = good;
    bad.state_root.bytes[5] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "block 1: the root of state is"));
    bad = good;
    bad.receipt_root.bytes[5] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "the root of receipts"));
    bad = good;
    bad.tx_root.bytes[5] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "the root of transactions"));
    bad = good;
    bad.parameters_digest.bytes[5] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "the root of parameters"));
    bad = good;
    bad.height = 2;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    bad = good;
    bad.time_ms = TOWN_START_MS;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "must be later"));
    bad = good;
    bad.chain.bytes[0] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    bad = good;
    bad.set_digest.bytes[0] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MISMATCH);
    bad = good;
    bad.parent.bytes[0] ^= 1;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_NOT_FOUND);
    bad = good;
    bad.version = 9;
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_MALFORMED);
    ck_assert_int_eq(execute_changed(&tip, good, tip.body_raw, &fault), ERR_NONE);
    bad = good;
    bad.view = 3; /* another block, and a right one: the view is the proposer's to say */
    ck_assert_int_eq(execute_changed(&tip, bad, tip.body_raw, &fault), ERR_NONE);
    town_release(&town);
}
END_TEST

START_TEST(wrong_body_is_refused)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30), later = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    struct bytes header = tip.header_raw;
    struct fault fault = {0};
    struct bytes kept = bytes_of(arena_copy(&town.arena, header.data, header.size), header.size);
    chain_discard(town.chain, &tip.digest);

    struct block_item items[2] = {{later.raw}, {tx.raw}};
    struct block_body body = {items, 1};
    ck_assert_int_eq(chain_execute(town.chain, kept,
                                   record_bytes(&town.arena, &block_body_record, &body), &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 1: transaction 0 may not be in it: nonce_gap");
    items[0].tx = tx.raw;
    body.item_count = 2;
    ck_assert_int_eq(chain_execute(town.chain, kept,
                                   record_bytes(&town.arena, &block_body_record, &body), &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 1: transaction 1 may not be in it: nonce_used");
    items[0].tx = bytes_text("garbage");
    body.item_count = 1;
    ck_assert_int_eq(chain_execute(town.chain, kept,
                                   record_bytes(&town.arena, &block_body_record, &body), &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 1: transaction 0 may not be in it: malformed");
    ck_assert_int_eq(chain_execute(town.chain, kept, bytes_text("garbage"), &fault), ERR_MALFORMED);
    ck_assert_int_eq(chain_execute(town.chain, bytes_text("garbage"), kept, &fault), ERR_MALFORMED);
    town_release(&town);
}
END_TEST

START_TEST(write_set_of_a_diverging_block_can_be_compared)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    struct block_header bad = tip.header;
    bad.state_root.bytes[0] ^= 1;
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    size_t size = block_header_pack(raw, &digest, &bad), own_count, bad_count;
    struct fault fault;
    ck_assert_int_eq(chain_execute(town.chain, bytes_of(raw, size), tip.body_raw, &fault),
                     ERR_MISMATCH);
    const struct overlay_value *own = chain_writes(town.chain, &tip.digest, &own_count);
    const struct overlay_value *other = chain_writes(town.chain, &digest, &bad_count);
    ck_assert_uint_ge(own_count, 2); /* two accounts */
    ck_assert_uint_eq(own_count, bad_count);
    for (size_t i = 0; i < own_count; i++)
        ck_assert(bytes_equal(own[i].key, other[i].key) &&
                  bytes_equal(own[i].value, other[i].value));
    ck_assert_ptr_null(chain_writes(town.chain, &genesis, &own_count));
    town_release(&town);
}
END_TEST

START_TEST(held_block_survives_a_restart_until_its_height_is_committed)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    struct digest digest = tip.digest;
    ck_assert_int_eq(chain_hold(town.chain, tip.header_raw, tip.body_raw, NULL), ERR_NONE);
    ck_assert_int_eq(chain_hold(town.chain, tip.header_raw, tip.body_raw, NULL), ERR_NONE);
    chain_close(town.chain);
    town_open(&town);
    struct bytes header, body;
    ck_assert_int_eq(chain_tip(town.chain, &tip, &digest), ERR_NOT_FOUND); /* executed it isn't */
    ck_assert_int_eq(chain_held(&town.arena, town.chain, &genesis, &header, &body, NULL),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(chain_held(&town.arena, town.chain, &digest, &header, &body, NULL), ERR_NONE);
    ck_assert_int_eq(chain_execute(town.chain, header, body, NULL), ERR_NONE);
    ck_assert_int_eq(chain_tip(town.chain, &tip, &digest), ERR_NONE);
    town_commit(&town, &tip);
    ck_assert_int_eq(chain_held(&town.arena, town.chain, &digest, &header, &body, NULL),
                     ERR_NOT_FOUND);
    town_release(&town);
}
END_TEST

START_TEST(restart_goes_on_at_the_same_root)
{
    town_init(&town);
    town_open(&town);
    for (uint32_t i = 0; i < 20; i++) {
        town_step(&town, i % TOWN_PEOPLE, (i + 3) % TOWN_PEOPLE, 1 + i);
        struct chain_tip before = *chain_head(town.chain);
        chain_close(town.chain);
        town_open(&town);
        const struct chain_tip *after = chain_head(town.chain);
        ck_assert(digest_equal(&after->digest, &before.digest));
        ck_assert(digest_equal(&after->header.state_root, &before.header.state_root));
    }
    struct fault fault = {0};
    struct history *history = history_open(town.chain, &fault);
    ck_assert_int_eq(history_audit(history, &keys, &fault), ERR_NONE);
    history_close(history);
    town_release(&town);
}
END_TEST

/* ThreadSanitizer can't follow a child of a process that has had threads, as RocksDB's, into threads of its own; all other modes run these. */
#ifdef __SANITIZE_THREAD__
#define FORKS_WITH_THREADS false
#else
#define FORKS_WITH_THREADS true
#endif

/* AddressSanitizer takes memory of its own whenever it likes, and ends the process when there is none. */
#ifdef __SANITIZE_ADDRESS__
#define LIVES_WITHOUT_MEMORY false
#else
#define LIVES_WITHOUT_MEMORY FORKS_WITH_THREADS
#endif

/* A child that makes blocks until it is killed, writing each committed state root to the pipe. */
static void child(int out)
{
    town_open(&town);
    for (uint32_t i = 0;; i++) {
        town_step(&town, i % TOWN_PEOPLE, (i + 1) % TOWN_PEOPLE, 1);
        const struct chain_tip *head = chain_head(town.chain);
        if (write(out, &head->header, sizeof(head->header)) != sizeof(head->header))
            _exit(0);
    }
}

START_TEST(kill_at_any_moment_loses_nothing_committed)
{
    if (!FORKS_WITH_THREADS)
        return;
    town_init(&town);
    unsigned seed = 1;
    for (int round = 0; round < 12; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0)
            child(ends[1]);
        close(ends[1]);
        struct block_header last = {0}, each;
        int wanted = 1 + round;
        while (wanted-- > 0 && read(ends[0], &each, sizeof(each)) == sizeof(each))
            last = each;
        seed = seed * 1103515245 + 12345;
        usleep(seed % 3000); /* somewhere inside the next block */
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(ends[0], &each, sizeof(each)) == sizeof(each))
            last = each;
        close(ends[0]);

        town_open(&town);
        const struct block_header *head = &chain_head(town.chain)->header;
        ck_assert_uint_ge(head->height, last.height); /* what was acknowledged is there */
        ck_assert_uint_le(head->height, last.height + 1);
        if (head->height == last.height)
            ck_assert(digest_equal(&head->state_root, &last.state_root));
        struct fault fault = {0};
        struct history *history = history_open(town.chain, &fault);
        ck_assert_msg(!history_audit(history, &keys, &fault), "%s", fault.text);
        history_close(history);
        for (uint32_t i = 0; i < TOWN_PEOPLE; i++) {
            struct digest digest = head_digest();
            enum tx_verdict verdict;
            ck_assert_int_eq(
                chain_sender(town.chain, &digest, &town.publics[i], &verdict, &town.nonces[i]),
                ERR_NONE);
        }
        chain_close(town.chain);
        town.chain = NULL;
    }
    town_release(&town);
}
END_TEST

/* Commits on a disk that takes no more, and exits with what it saw. */
static void child_on_a_full_disk(void)
{
    town_open(&town);
    struct digest before = head_digest();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit none = {1, 1};
    setrlimit(RLIMIT_FSIZE, &none); /* no file may grow */
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &before, TOWN_START_MS + 500, &tx.raw, 1);
    struct digest digest = tip.digest;
    struct fault first = {0}, second = {0};
    enum err commit = chain_commit(town.chain, NULL, 0, &digest, bytes_text("c"), &first);
    enum err again = chain_commit(town.chain, NULL, 0, &digest, bytes_text("c"), &second);
    bool stays = digest_equal(&chain_head(town.chain)->digest, &before);
    bool says = strstr(second.text, "an earlier write failed") != NULL;
    chain_close(town.chain);
    _exit(commit == ERR_IO && again == ERR_IO && stays && says ? 7 : 1);
}

START_TEST(full_disk_stops_the_chain_and_harms_nothing)
{
    if (!FORKS_WITH_THREADS)
        return;
    town_init(&town);
    town_open(&town);
    town_step(&town, 1, 2, 5);
    struct digest before = head_digest();
    chain_close(town.chain);
    pid_t pid = fork();
    if (pid == 0)
        child_on_a_full_disk();
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    town_open(&town);
    ck_assert(digest_equal(&chain_head(town.chain)->digest, &before));
    town_step(&town, 2, 3, 5);
    town_release(&town);
}
END_TEST

/* Executes a body of no transactions but many bytes with and without memory for them, and exits with what it saw. */
static void child_without_memory(void)
{
    static const uint8_t zeros[LIMIT_BLOCK_BYTES];
    mallopt(M_MMAP_THRESHOLD, 65536); /* nothing as large comes from what is free already ... */
    mallopt(M_ARENA_MAX, 1);          /* ... or was reserved for a thread */
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 500, &tx.raw, 1);
    struct bytes header = bytes_of(
        arena_copy(&town.arena, tip.header_raw.data, tip.header_raw.size), tip.header_raw.size);
    struct bytes body = bytes_of(zeros, sizeof(zeros));
    chain_discard(town.chain, &tip.digest);
    struct fault fault = {0};
    enum err rich = chain_execute(town.chain, header, body, &fault);
    struct rlimit limits, none = {1, 1};
    getrlimit(RLIMIT_AS, &limits);
    none.rlim_max = limits.rlim_max;
    setrlimit(RLIMIT_AS, &none); /* nothing may grow */
    enum err poor = chain_execute(town.chain, header, body, &fault);
    setrlimit(RLIMIT_AS, &limits);
    _exit(rich == ERR_MALFORMED && poor == ERR_LIMIT ? 7 : 1);
}

/* A node that refused a block for want of memory would part from those that have it. */
START_TEST(want_of_memory_is_no_verdict_on_a_block)
{
    if (!LIVES_WITHOUT_MEMORY)
        return;
    town_init(&town);
    pid_t pid = fork();
    if (pid == 0)
        child_without_memory();
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    town_release(&town);
}
END_TEST

START_TEST(what_is_too_large_for_every_machine_is_no_block)
{
    town_init(&town);
    town_open(&town);
    struct digest genesis = head_digest();
    struct tx tx = town_transfer(&town, 1, 2, 30);
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &tx.raw, 1);
    struct bytes header = bytes_of(
        arena_copy(&town.arena, tip.header_raw.data, tip.header_raw.size), tip.header_raw.size);
    uint8_t *body = calloc(LIMIT_BLOCK_BYTES + 1, 1);
    struct fault fault = {0};
    chain_discard(town.chain, &tip.digest);
    ck_assert_int_eq(
        chain_execute(town.chain, header, bytes_of(body, LIMIT_BLOCK_BYTES + 1), &fault),
        ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(fault.text, "block 1: over the bounds of a block"));
    ck_assert_int_eq(chain_execute(town.chain, bytes_of(body, BLOCK_HEADER_BYTES + 1),
                                   bytes_of(body, 1), &fault),
                     ERR_MALFORMED);
    free(body);
    town_release(&town);
}
END_TEST

START_TEST(folder_of_another_chain_is_refused)
{
    town_init(&town);
    town_open(&town);
    chain_close(town.chain);
    town_genesis(&town, "another town");
    struct fault fault = {0};
    ck_assert_int_eq(chain_open(&town.chain, town.path, town.genesis, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "use another data folder"));
    town.chain = NULL;
    town_release(&town);
}
END_TEST

START_TEST(folder_in_use_is_refused)
{
    town_init(&town);
    town_open(&town);
    struct chain *second;
    struct fault fault = {0};
    ck_assert_int_eq(chain_open(&second, town.path, town.genesis, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "in use by another process"));
    town_release(&town);
}
END_TEST

START_TEST(folder_of_a_newer_format_is_refused)
{
    town_init(&town);
    struct store *store;
    ck_assert_int_eq(store_open(&store, town.path, 1 << 20, NULL), ERR_NONE);
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, STORE_META, bytes_text("format"), bytes_of("\0\0\0\x63", 4));
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);
    store_close(store);
    struct fault fault = {0};
    ck_assert_int_eq(chain_open(&town.chain, town.path, town.genesis, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "newer version of this program (format 99"));
    town.chain = NULL;
    town_release(&town);
}
END_TEST

START_TEST(bytes_that_are_no_genesis_are_refused)
{
    town_init(&town);
    struct fault fault = {0};
    ck_assert_int_eq(chain_open(&town.chain, town.path, bytes_text("garbage"), &fault),
                     ERR_MALFORMED);
    town.chain = NULL;
    town_release(&town);
}
END_TEST

START_TEST(admission_says_why_not)
{
    town_init(&town);
    town_open(&town);
    struct pool *pool = pool_new((struct pool_listener){0});
    struct tx tx, good = town_transfer(&town, 1, 2, 1);
    enum tx_verdict verdict;
    ck_assert_int_eq(chain_admit(&town.arena, town.chain, pool, &tx, good.raw, &verdict, NULL),
                     ERR_NONE);
    ck_assert_int_eq(verdict, TX_OK);
    ck_assert_int_eq(pool_add(pool, &tx, 0, (struct height){0}, 5), TX_OK);
    ck_assert_int_eq(chain_admit(&town.arena, town.chain, pool, &tx, good.raw, &verdict, NULL),
                     ERR_NONE);
    ck_assert_int_eq(verdict, TX_KNOWN);

    struct sign_secret stranger = {{9}};
    struct tx_body body = good.body;
    ck_assert(sign_public_of(&body.sender, &stranger));
    struct tx made;
    ck_assert(tx_make(&town.arena, &made, &body, &stranger));
    ck_assert_int_eq(chain_admit(&town.arena, town.chain, pool, &tx, made.raw, &verdict, NULL),
                     ERR_NONE);
    ck_assert_int_eq(verdict, TX_UNKNOWN_SENDER);
    body = good.body;
    body.last_height = 0;
    ck_assert_int_eq(chain_admit(&town.arena, town.chain, pool, &tx, town_sign(&town, 1, &body).raw,
                                 &verdict, NULL),
                     ERR_NONE);
    ck_assert_int_eq(verdict, TX_EXPIRED);

    struct digest genesis = head_digest();
    struct chain_tip tip = town_build(&town, &genesis, TOWN_START_MS + 1, &good.raw, 1);
    struct pool_nonces nonces = chain_nonces(town.chain, &tip.digest);
    ck_assert_uint_eq(nonces.next(nonces.self, &town.addresses[1], 0), 1);
    ck_assert_uint_eq(nonces.next(nonces.self, &town.addresses[2], 0), 0);
    struct digest digest = tip.digest;
    ck_assert_int_eq(chain_commit(town.chain, pool, 9, &digest, bytes_text("c"), NULL), ERR_NONE);
    ck_assert_uint_eq(pool_stats(pool).count, 0);
    ck_assert_int_eq(chain_admit(&town.arena, town.chain, pool, &tx, good.raw, &verdict, NULL),
                     ERR_NONE);
    ck_assert_int_eq(verdict, TX_NONCE_USED);
    pool_free(pool);
    town_release(&town);
}
END_TEST

START_TEST(commit_that_revokes_an_account_empties_its_share_of_the_pool)
{
    town_init(&town);
    town_open(&town);
    struct pool *pool = pool_new((struct pool_listener){0});
    struct tx pending = town_transfer(&town, 4, 2, 1), other = town_transfer(&town, 5, 2, 1);
    ck_assert_int_eq(pool_add(pool, &pending, 0, (struct height){0}, 5), TX_OK);
    ck_assert_int_eq(pool_add(pool, &other, 0, (struct height){0}, 5), TX_OK);
    struct members_subject subject = {town.addresses[4]};
    struct call call = {CATALOG_MEMBERS, MEMBERS_REVOKE,
                        record_bytes(&town.arena, &members_subject_record, &subject)};
    struct tx_body body = town_transfer(&town, 0, 2, 1).body;
    body.calls = &call;
    struct tx revoke = town_sign(&town, 0, &body);
    struct digest genesis = head_digest();
    struct digest digest = town_build(&town, &genesis, TOWN_START_MS + 1, &revoke.raw, 1).digest;
    ck_assert_int_eq(chain_commit(town.chain, pool, 9, &digest, bytes_text("c"), NULL), ERR_NONE);
    ck_assert_uint_eq(pool_get(pool, &pending.id).size, 0);
    ck_assert_uint_eq(pool_stats(pool).executable, 1);
    struct tx tx;
    enum tx_verdict verdict;
    ck_assert_int_eq(chain_admit(&town.arena, town.chain, pool, &tx, pending.raw, &verdict, NULL),
                     ERR_NONE);
    ck_assert_int_eq(verdict, TX_REVOKED_SENDER);
    pool_free(pool);
    town_release(&town);
}
END_TEST

HARNESS_MAIN("chain", commit_that_revokes_an_account_empties_its_share_of_the_pool,
             genesis_becomes_height_zero, transfer_moves_credits_in_the_block_and_nowhere_before,
             replica_executes_to_the_same_header,
             candidates_that_may_not_be_in_a_block_are_left_out,
             block_is_bounded_by_count_and_bytes, commit_of_one_child_discards_the_other,
             discarded_block_takes_its_descendants,
             wrong_header_is_refused_with_its_first_difference, wrong_body_is_refused,
             write_set_of_a_diverging_block_can_be_compared,
             held_block_survives_a_restart_until_its_height_is_committed,
             restart_goes_on_at_the_same_root, kill_at_any_moment_loses_nothing_committed,
             full_disk_stops_the_chain_and_harms_nothing,
             want_of_memory_is_no_verdict_on_a_block,
             what_is_too_large_for_every_machine_is_no_block, folder_of_another_chain_is_refused,
             folder_in_use_is_refused, folder_of_a_newer_format_is_refused,
             bytes_that_are_no_genesis_are_refused, admission_says_why_not)
