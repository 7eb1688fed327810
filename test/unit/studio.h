/* A training job in the market of market.h: what workers and replayers send, with made-up states instead of arithmetic.
 *
 * The state after interval j of (round, slot) is a hash of those numbers; honest people all know it. */
#ifndef TEST_UNIT_STUDIO_H
#define TEST_UNIT_STUDIO_H

#include "base/merkle.h"
#include "contracts/beacon.h"
#include "contracts/claim.h"
#include "contracts/jobs.h"
#include "contracts/leases.h"
#include "contracts/offers.h"
#include "contracts/path.h"
#include "contracts/share.h"
#include "test/unit/market.h"

#define STUDIO_PRICE     100 /* a GMAC */
#define STUDIO_FEE       3
#define STUDIO_STAKE     500
#define STUDIO_SEGMENT   10000
#define STUDIO_REPLAY    8000
#define STUDIO_BEACON    64 /* reveals in a seat's chain */
#define STUDIO_INTERVALS 10
#define STUDIO_DEPOSIT   10 /* of an account's first open job */

/* 784-128-10, batch 64, 200 steps, a leaf every 20: 3,902,668,800 multiply-adds, so a segment costs 390. */
#define STUDIO_SEGMENT_PRICE 390

static inline struct program studio_program(struct program_layer layers[3])
{
    layers[0].width = 784;
    layers[1].width = 128;
    layers[2].width = 10;
    return (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_MLP,
        .layers = layers,
        .layer_count = 3,
        .batch = 64,
        .optimizer = PROGRAM_ADAMW,
        .learning_rate = 0x3a83126f,  /* 0.001 */
        .beta1 = 0x3f666666,          /* 0.9 */
        .beta2 = 0x3f7fbe77,          /* 0.999 */
        .epsilon = 0x322bcc77,        /* 1e-8 */
        .outer_rate = 0x3f333333,     /* 0.7 */
        .outer_momentum = 0x3f666666, /* 0.9 */
        .steps = 200,
        .interval = 20,
        .bits = 8,
        .seed = 1,
    };
}

static inline struct digest studio_hash(const char *what, uint32_t round, uint16_t slot,
                                        uint32_t leaf)
{
    char text[96];
    int size = snprintf(text, sizeof(text), "%s %u %u %u", what, round, slot, leaf);
    return digest_of(text, (size_t)size);
}

static inline struct trace_leaf studio_leaf(uint32_t round, uint16_t slot, uint32_t leaf)
{
    return (struct trace_leaf){
        .state_root = studio_hash("state", round, slot, leaf),
        .witness = leaf == 0 ? digest_zero : studio_hash("witness", round, slot, leaf),
    };
}

static inline uint64_t studio_offer(struct market *m, uint32_t provider, uint64_t price,
                                    uint16_t slots)
{
    struct offers_register_compute args = {
        .terms =
            {
                .price = units_amount(price),
                .site = bytes_text("fra1"),
                .slots = slots,
                .stake_max = units_amount(STUDIO_STAKE),
                .until_ms = m->context.time_ms + 100000000,
                .expires_ms = m->context.time_ms + 90000000,
            },
        .compute = {.device = bytes_text("x86-avx2"),
                    .profile = OFFERS_PROFILE_F32V1,
                    .memory_mib = 1024,
                    .rate_mmacs = 1000,
                    .threads = 1},
    };
    ck_assert_int_eq(market_call(m, provider, CATALOG_OFFERS, OFFERS_REGISTER_COMPUTE, &args),
                     VERDICT_OK);
    struct offers_counter counter;
    ck_assert(view_load(&m->view, bytes_text("offer_count"), &offers_counter_record, &counter));
    return counter.count;
}

/* Terms of a job of `workers` slots; `roots` must have room for as many. */
static inline struct jobs_submit studio_terms(struct market *m, uint16_t workers, uint32_t rounds,
                                              struct digest *roots)
{
    static struct program_layer layers[3];
    struct program program = studio_program(layers);
    for (uint16_t w = 0; w < workers; w++)
        roots[w] = studio_leaf(0, w, 0).state_root;
    return (struct jobs_submit){
        .name = bytes_text("fashion"),
        .program = record_bytes(&m->arena, &program_record, &program),
        .data_root = studio_hash("data", 0, 0, 0),
        .global_root = studio_hash("global", 0, 0, 0),
        .start_roots = roots,
        .start_root_count = workers,
        .rounds = rounds,
        .workers = workers,
        .quorum = workers,
        .memory_mib = 512,
        .price_max = units_amount(1000),
        .replay_fee = units_amount(STUDIO_FEE),
        .stake = units_amount(STUDIO_STAKE),
        .sample = 0,
        .segment_ms = STUDIO_SEGMENT,
        .replay_ms = STUDIO_REPLAY,
        .round_ms = 5 * STUDIO_SEGMENT,
        .deadline_ms = m->context.time_ms + 10000000,
        .budget = units_amount(100000),
    };
}

/* The epoch of the open block. */
static inline uint64_t studio_epoch(struct market *m)
{
    struct beacon_clock clock;
    ck_assert(beacon_clock_get(&m->view, &clock));
    return beacon_epoch(&clock, m->context.time_ms);
}

static inline enum verdict studio_submit(struct market *m, const struct jobs_submit *terms)
{
    return market_call(m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_SUBMIT, terms);
}

static inline struct jobs_progress studio_progress(struct market *m, uint64_t job)
{
    struct jobs_progress progress;
    ck_assert(jobs_get_progress(&m->view, job, &progress));
    return progress;
}

static inline struct jobs_slot studio_slot(struct market *m, uint64_t job, uint16_t slot)
{
    struct jobs_slot state;
    ck_assert(jobs_get_slot(&m->view, job, slot, &state));
    return state;
}

static inline struct jobs_segment studio_segment(struct market *m, uint64_t job, uint16_t slot)
{
    struct jobs_slot state = studio_slot(m, job, slot);
    return (struct jobs_segment){
        .job = job, .round = state.round, .slot = slot, .attempt = state.attempt};
}

/* Who of market_people has this address. */
static inline uint32_t studio_who(const struct address *address)
{
    for (uint32_t who = 0; who < MARKET_PEOPLE; who++) {
        struct address own = market_address(who);
        if (address_equal(&own, address))
            return who;
    }
    ck_abort_msg("nobody has this address");
    return MARKET_STRANGER;
}

static inline uint32_t studio_worker(struct market *m, uint64_t job, uint16_t slot)
{
    struct jobs_slot state = studio_slot(m, job, slot);
    return studio_who(&state.worker);
}

static inline struct share studio_share(struct market *m, uint64_t job, uint16_t slot)
{
    struct jobs_job record;
    ck_assert(jobs_get(&m->view, job, &record));
    return share_of(&record, slot);
}

/* Leaf i of a trace in which the intervals of the bits of `fakes` are made up. */
static inline struct trace_leaf studio_claim(uint32_t round, uint16_t slot, uint32_t i,
                                             uint32_t fakes)
{
    struct trace_leaf leaf = studio_leaf(round, slot, i);
    if (i > 0 && (fakes >> (i - 1) & 1))
        leaf.state_root = studio_hash("made up", round, slot, i);
    return leaf;
}

/* The trace of a segment of `intervals`. */
static inline struct digest studio_trace_of(uint32_t intervals,
                                            struct digest leaves[STUDIO_INTERVALS + 1],
                                            uint32_t round, uint16_t slot, uint32_t fakes)
{
    for (uint32_t i = 0; i <= intervals; i++) {
        struct trace_leaf leaf = studio_claim(round, slot, i, fakes);
        leaves[i] = trace_leaf_digest(&leaf);
    }
    return merkle_root(leaves, intervals + 1);
}

static inline struct digest studio_trace(struct digest leaves[STUDIO_INTERVALS + 1], uint32_t round,
                                         uint16_t slot, uint32_t fakes)
{
    return studio_trace_of(STUDIO_INTERVALS, leaves, round, slot, fakes);
}

/* The commitment of slot's worker, with those intervals made up. */
static inline enum verdict studio_claim_all(struct market *m, uint32_t who, uint64_t job,
                                            uint16_t slot, uint32_t fakes)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    uint32_t intervals = studio_share(m, job, slot).intervals;
    struct jobs_commit args = {
        .segment = studio_segment(m, job, slot), .leaves = leaves, .leaf_count = intervals + 1};
    args.trace_root = studio_trace_of(intervals, leaves, args.segment.round, slot, fakes);
    args.end = studio_claim(args.segment.round, slot, intervals, fakes);
    return market_call(m, who, CATALOG_JOBS, JOBS_COMMIT, &args);
}

/* The same; leaves from `false_from` on are made up (above STUDIO_INTERVALS: honest). */
static inline enum verdict studio_commit(struct market *m, uint32_t who, uint64_t job,
                                         uint16_t slot, uint32_t false_from)
{
    uint32_t all = (1u << STUDIO_INTERVALS) - 1;
    uint32_t honest = false_from > STUDIO_INTERVALS ? all : (1u << (false_from - 1)) - 1;
    return studio_claim_all(m, who, job, slot, all & ~honest);
}

static inline bool studio_audit(struct market *m, uint64_t job, uint16_t slot, uint8_t seat,
                                struct jobs_audit *audit)
{
    struct path path = path_part("audit/", job, slot);
    path_u8(&path, seat);
    struct jobs_segment segment = studio_segment(m, job, slot);
    return view_load(&m->view, path_key(&path), &jobs_audit_record, audit) &&
           audit->segment.round == segment.round && audit->segment.attempt == segment.attempt;
}

/* The seat's honest answers; from interval `false_from` on they are lies. */
static inline uint32_t studio_answers(struct market *m, uint64_t job, uint16_t slot, uint8_t seat,
                                      uint32_t false_from,
                                      struct jobs_answer answers[STUDIO_INTERVALS])
{
    struct jobs_audit audit;
    ck_assert(studio_audit(m, job, slot, seat, &audit));
    uint32_t count = studio_share(m, job, slot).replayed;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t interval = audit.interval_count > 0 ? audit.intervals[i].interval : (uint16_t)i;
        answers[i].interval = interval;
        answers[i].leaf = studio_leaf(audit.segment.round, slot, interval + 1u);
        if (interval >= false_from)
            answers[i].leaf.state_root = studio_hash("lie", audit.segment.round, slot, interval);
    }
    return count;
}

static inline enum verdict studio_seal(struct market *m, uint64_t job, uint16_t slot, uint8_t seat,
                                       uint32_t false_from)
{
    struct jobs_answer answers[STUDIO_INTERVALS];
    struct address replayer = market_address(MARKET_REPLAYER_0 + seat);
    struct jobs_seal args = {.segment = studio_segment(m, job, slot)};
    struct digest nonce = studio_hash("nonce", args.segment.round, slot, seat);
    uint32_t count = studio_answers(m, job, slot, seat, false_from, answers);
    args.seal = jobs_seal_of(&m->context.chain, &replayer, &args.segment, answers, count, &nonce);
    return market_call(m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_SEAL, &args);
}

static inline enum verdict studio_vote(struct market *m, uint64_t job, uint16_t slot, uint8_t seat,
                                       struct trace_leaf leaf)
{
    struct jobs_cast args = {.segment = studio_segment(m, job, slot)};
    args.answer.interval = studio_slot(m, job, slot).disputed;
    args.answer.leaf = leaf;
    return market_call(m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_VOTE, &args);
}

static inline enum verdict studio_close(struct market *m, uint64_t job, uint8_t seat,
                                        const char *global)
{
    struct jobs_job record;
    struct digest roots[JOBS_WORKERS_MAX];
    struct jobs_progress progress = studio_progress(m, job);
    ck_assert(jobs_get(&m->view, job, &record));
    struct jobs_close args = {.job = job, .round = progress.round, .start_roots = roots};
    args.global_root = studio_hash(global, progress.round + 1, 0, 0);
    bool is_last = progress.round + 1 == record.terms.rounds;
    args.start_root_count = is_last ? 0 : record.terms.workers;
    for (uint16_t w = 0; w < record.terms.workers; w++)
        roots[w] = studio_leaf(progress.round + 1, w, 0).state_root;
    return market_call(m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_CLOSE, &args);
}

/* What the worker says of interval i when it claims; a `lie`: not what training gives. */
static inline struct jobs_answer studio_truth(const struct jobs_segment *segment, uint16_t i,
                                              bool lie)
{
    struct jobs_answer truth = {i, studio_leaf(segment->round, segment->slot, i + 1u)};
    if (lie)
        truth.leaf.witness = studio_hash("no witness", segment->round, segment->slot, i);
    return truth;
}

/* The leaf that is committed for the end of interval i when it is planted; if it was a `lie`, what the worker would have to say is one. */
static inline struct trace_leaf studio_planted(struct market *m, const struct jobs_segment *segment,
                                               const struct address *worker, uint16_t i, bool lie)
{
    struct jobs_answer truth = studio_truth(segment, i, lie);
    return claim_plant(&m->context.chain, worker, segment, &truth, &digest_zero);
}

/* The honest commitment of slot's worker, with the intervals of the bits of `plants` planted. */
static inline enum verdict studio_plant(struct market *m, uint64_t job, uint16_t slot,
                                        uint32_t plants, bool lie)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    struct address worker = studio_slot(m, job, slot).worker;
    uint32_t intervals = studio_share(m, job, slot).intervals;
    struct jobs_commit args = {
        .segment = studio_segment(m, job, slot), .leaves = leaves, .leaf_count = intervals + 1};
    for (uint16_t i = 0; i <= intervals; i++) {
        args.end = studio_leaf(args.segment.round, slot, i);
        if (i > 0 && (plants >> (i - 1) & 1))
            args.end = studio_planted(m, &args.segment, &worker, i - 1u, lie);
        leaves[i] = trace_leaf_digest(&args.end);
    }
    args.trace_root = merkle_root(leaves, intervals + 1);
    return market_call(m, studio_who(&worker), CATALOG_JOBS, JOBS_COMMIT, &args);
}

/* The worker's last word: it opens these. */
static inline enum verdict studio_reveal(struct market *m, uint64_t job, uint16_t slot,
                                         uint32_t plants, bool lie)
{
    struct jobs_answer truths[STUDIO_INTERVALS];
    struct jobs_claim args = {.segment = studio_segment(m, job, slot), .truths = truths};
    for (uint16_t i = 0; i < studio_share(m, job, slot).intervals; i++)
        if (plants >> i & 1)
            truths[args.truth_count++] = studio_truth(&args.segment, i, lie);
    return market_call(m, studio_worker(m, job, slot), CATALOG_JOBS, JOBS_CLAIM, &args);
}

/* The worker's last word: nothing was planted. */
static inline enum verdict studio_settle(struct market *m, uint64_t job, uint16_t slot)
{
    return studio_reveal(m, job, slot, 0, false);
}

static inline enum verdict studio_open_only(struct market *m, uint64_t job, uint16_t slot,
                                            uint8_t seat, uint32_t false_from)
{
    struct jobs_answer answers[STUDIO_INTERVALS];
    struct jobs_open_seal args = {.segment = studio_segment(m, job, slot), .answers = answers};
    args.nonce = studio_hash("nonce", args.segment.round, slot, seat);
    args.answer_count = studio_answers(m, job, slot, seat, false_from, answers);
    return market_call(m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_OPEN, &args);
}

/* The same, and a worker that planted nothing claims when it is asked to. */
static inline enum verdict studio_open(struct market *m, uint64_t job, uint16_t slot, uint8_t seat,
                                       uint32_t false_from)
{
    enum verdict verdict = studio_open_only(m, job, slot, seat, false_from);
    if (verdict == VERDICT_OK && studio_slot(m, job, slot).status == JOBS_SLOT_CLAIMING)
        ck_assert_int_eq(studio_settle(m, job, slot), VERDICT_OK);
    return verdict;
}

/* All assigned replayers of the slot seal and open honestly. */
static inline void studio_replay(struct market *m, uint64_t job, uint16_t slot)
{
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        if (studio_audit(m, job, slot, seat, &audit) && audit.status == JOBS_AUDIT_ASSIGNED)
            ck_assert_int_eq(studio_seal(m, job, slot, seat, UINT32_MAX), VERDICT_OK);
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        if (studio_audit(m, job, slot, seat, &audit) && audit.status == JOBS_AUDIT_SEALED)
            ck_assert_int_eq(studio_open(m, job, slot, seat, UINT32_MAX), VERDICT_OK);
}

/* The slot's segment is trained, committed, replayed and paid. */
static inline void studio_honest(struct market *m, uint64_t job, uint16_t slot)
{
    uint32_t worker = studio_worker(m, job, slot);
    ck_assert_int_eq(studio_commit(m, worker, job, slot, UINT32_MAX), VERDICT_OK);
    studio_replay(m, job, slot);
    ck_assert_int_eq(studio_slot(m, job, slot).status, JOBS_SLOT_VERIFIED);
}

/* Two replayers agree on the round's result. */
static inline void studio_agree(struct market *m, uint64_t job)
{
    ck_assert_int_eq(studio_close(m, job, 0, "global"), VERDICT_OK);
    ck_assert_int_eq(studio_close(m, job, 1, "global"), VERDICT_OK);
}

/* Leaf i of a program that diverges in that interval; STUDIO_INTERVALS: it doesn't. */
static inline struct trace_leaf studio_diverging(uint16_t slot, uint32_t i, uint32_t diverges)
{
    struct digest witness = studio_hash("witness of a divergence", 0, slot, i);
    if (i <= diverges)
        return studio_leaf(0, slot, i);
    return trace_diverged(i == diverges + 1 ? &witness : &digest_zero);
}

/* The worker says that its segment diverged in that interval. */
static inline enum verdict studio_diverge(struct market *m, uint64_t job, uint16_t slot, uint32_t diverges)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    struct jobs_commit args = {.segment = studio_segment(m, job, slot),
                               .leaves = leaves,
                               .leaf_count = STUDIO_INTERVALS + 1,
                               .end = studio_diverging(slot, STUDIO_INTERVALS, diverges)};
    for (uint32_t i = 0; i <= STUDIO_INTERVALS; i++) {
        struct trace_leaf leaf = studio_diverging(slot, i, diverges);
        leaves[i] = trace_leaf_digest(&leaf);
    }
    args.trace_root = merkle_root(leaves, STUDIO_INTERVALS + 1);
    return market_call(m, studio_worker(m, job, slot), CATALOG_JOBS, JOBS_COMMIT, &args);
}

/* Every assigned replayer seals its answers, of a program that diverges in `diverges`; then each opens them while it is asked to. */
static inline void studio_replay_diverging(struct market *m, uint64_t job, uint16_t slot, uint32_t diverges)
{
    struct jobs_segment segment = studio_segment(m, job, slot);
    struct jobs_answer answers[MARKET_SEATS][STUDIO_INTERVALS];
    struct jobs_audit audits[MARKET_SEATS];
    uint32_t trained = studio_slot(m, job, slot).trained;
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        audits[seat] = (struct jobs_audit){.status = JOBS_AUDIT_ENDED};
        if (!studio_audit(m, job, slot, seat, &audits[seat]))
            continue;
        uint32_t count = audits[seat].interval_count ? audits[seat].interval_count : trained;
        for (uint32_t i = 0; i < count; i++) {
            uint16_t interval = audits[seat].interval_count ? audits[seat].intervals[i].interval
                                                            : (uint16_t)i;
            answers[seat][i] = (struct jobs_answer){interval,
                                                    studio_diverging(slot, interval + 1u, diverges)};
        }
        audits[seat].interval_count = count;
        struct jobs_seal seal = {.segment = segment};
        seal.seal = jobs_seal_of(&m->context.chain, &audits[seat].replayer, &segment, answers[seat],
                                 count, &digest_zero);
        ck_assert_int_eq(market_call(m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_SEAL, &seal),
                         VERDICT_OK);
    }
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        struct jobs_open_seal open = {.segment = segment,
                                      .answers = answers[seat],
                                      .answer_count = audits[seat].interval_count};
        if (audits[seat].status == JOBS_AUDIT_ASSIGNED)
            (void)market_call(m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_OPEN, &open);
    }
}

static inline void studio_init(struct market *m)
{
    struct parameters parameters = parameters_default();
    struct digest ends[MARKET_SEATS];
    parameters.epoch_ms = 10000;
    parameters.answer_ms = 4000;
    parameters.replay_mmacs = 4000;
    parameters.transfer_kib = 1000000000; /* states are where they are wanted */
    parameters.challenge_ms = 0; /* a paid segment is over; test_challenge has its window */
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        struct digest secret = market_beacon_secret(seat),
                      first = beacon_chain(&secret, STUDIO_BEACON, 0);
        ends[seat] = digest_of(first.bytes, DIGEST_SIZE);
    }
    market_init(m, &parameters, ends);
}

/* Three providers with one slot each, and a job that is leased and in round 0. Its number is 1. */
static inline void studio_start(struct market *m, uint16_t workers, uint32_t rounds,
                                uint16_t sample)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(m);
    for (uint16_t w = 0; w < workers; w++)
        studio_offer(m, MARKET_PROVIDER_A + w, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(m, workers, rounds, roots);
    terms.sample = sample;
    ck_assert_int_eq(studio_submit(m, &terms), VERDICT_OK);
    market_step(m, 1);
    ck_assert_int_eq(studio_progress(m, 1).status, JOBS_RUNNING);
}

#endif
