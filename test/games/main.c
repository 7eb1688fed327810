/* Games: does any way of cheating pay? Each strategy is played over many jobs with the contracts alone, at the default parameters; nothing is
 * trained: everybody who replays an interval knows whether it was made up, as a replay would show.
 *
 *     games [--jobs N] [--out FILE]        N jobs in all, spread over the strategies; FILE gets the table (docs/games.md)
 *
 * A gain is what the players of a strategy own afterwards, less what they owned before and what their work cost. A job has one segment of
 * ten intervals; training it costs WORK_COST, and replaying an interval a tenth of that. Exit status 1 if a strategy gains more than
 * honest play in the same seat. */
#include <getopt.h>

#include "test/harness.h"

/* The games run outside of Check: what a unit test asserts, stops them. */
#undef ck_assert
#undef ck_assert_msg
#undef ck_assert_int_eq
#undef ck_abort_msg
#define ck_assert(condition)          CHECK(condition)
#define ck_assert_msg(condition, ...) CHECK(condition)
#define ck_assert_int_eq(a, b)        CHECK((a) == (b))
#define ck_abort_msg(...)             CHECK(!"reached")

#include "contracts/attempt.h"
#include "contracts/audit.h"
#include "contracts/challenge.h"
#include "test/unit/studio.h"

#define BATCH     40  /* jobs on one chain: no more than a seat's chain of hashes has reveals for */
#define WORK_COST 312 /* four fifths of the price: what is left is the honest worker's gain */
#define STEP_COST (WORK_COST / STUDIO_INTERVALS)
#define GAME_FEE  40 /* an interval: four thirds of what replaying it costs */
#define ALL       ((1u << STUDIO_INTERVALS) - 1)
#define FRIEND    0 /* the seat that plays a strategy; the others are honest */

/* --- strategies --- */

enum worker {
    WORK,
    FAKE_ALL,
    FAKE_ONE,
    FAKE_END,
    OTHER_START,
    WITHHOLD,
    WITHHOLD_IF_DRAWN,
    SILENCE,
    DECLINE,
    PLANT /* every leaf; opened in the claim */
};
/* AGREE: seals what the worker committed, without replaying; SHY: the same, and doesn't open it. */
enum replayer { REPLAY, COPY, UNAVAILABLE, MUTE, AGREE, SHY };
enum challenger { NOBODY, LIAR, HONEST, PARTNER };
enum side { WORKER = 1, REPLAYER = 2, CONSUMER = 4, CHALLENGER = 8 };

struct strategy {
    const char *who, *what;
    enum worker worker;
    enum replayer replayer;
    enum challenger challenger;
    uint8_t sides; /* whose gains are added up: the conspirators */
    uint16_t sample;
};

static const struct strategy strategies[] = {
    {"worker", "does its work", WORK, REPLAY, NOBODY, WORKER, 1},
    {"worker", "makes up the whole segment", FAKE_ALL, REPLAY, NOBODY, WORKER, 1},
    {"worker", "makes up one interval", FAKE_ONE, REPLAY, NOBODY, WORKER, 1},
    {"worker", "makes up one interval, and is challenged", FAKE_ONE, REPLAY, HONEST, WORKER, 1},
    {"worker", "makes up the end state", FAKE_END, REPLAY, NOBODY, WORKER, 1},
    {"worker", "commits a trace from another start", OTHER_START, REPLAY, NOBODY, WORKER, 1},
    {"worker", "withholds what is drawn", WITHHOLD, REPLAY, NOBODY, WORKER, 1},
    {"worker", "makes up half, withholds if that is drawn", WITHHOLD_IF_DRAWN, REPLAY, NOBODY,
     WORKER, 1},
    {"worker", "plants every leaf", PLANT, REPLAY, NOBODY, WORKER, 1},
    {"worker", "commits nothing", SILENCE, REPLAY, NOBODY, WORKER, 1},
    {"replayer", "replays", WORK, REPLAY, NOBODY, REPLAYER, 1},
    {"replayer", "copies the first opening", WORK, COPY, NOBODY, REPLAYER, 1},
    {"replayer", "says \"unavailable\"", WORK, UNAVAILABLE, NOBODY, REPLAYER, 1},
    {"replayer", "says nothing", WORK, MUTE, NOBODY, REPLAYER, 1},
    {"replayer", "seals a planted trace that it was handed", PLANT, AGREE, NOBODY, REPLAYER, 1},
    {"replayer", "the same with audit = all", PLANT, AGREE, NOBODY, REPLAYER, 0},
    {"replayer", "seals it, and waits for the claim", PLANT, SHY, NOBODY, REPLAYER, 1},
    {"planter", "hands its trace to a replayer that seals it", PLANT, AGREE, NOBODY, WORKER, 1},
    {"worker and f replayers", "are honest", WORK, REPLAY, NOBODY, WORKER | REPLAYER, 1},
    {"worker and f replayers", "make up all, and agree", FAKE_ALL, AGREE, NOBODY, WORKER | REPLAYER,
     1},
    {"worker and f replayers", "make up one interval, and agree", FAKE_ONE, AGREE, NOBODY,
     WORKER | REPLAYER, 1},
    {"worker and f replayers", "the same with audit = all", FAKE_ONE, AGREE, NOBODY,
     WORKER | REPLAYER, 0},
    {"consumer", "pays for what it gets", WORK, REPLAY, NOBODY, CONSUMER, 1},
    {"consumer", "ships an initial state that nobody can have", DECLINE, REPLAY, NOBODY, CONSUMER,
     1},
    {"consumer", "challenges its own honest segment", WORK, REPLAY, LIAR, CONSUMER | CHALLENGER, 1},
    {"consumer and worker", "are honest", WORK, REPLAY, NOBODY, CONSUMER | WORKER, 1},
    {"consumer and worker", "make up one interval, then challenge it", FAKE_ONE, REPLAY, PARTNER,
     CONSUMER | WORKER | CHALLENGER, 1},
    {"challenger", "keeps quiet", WORK, REPLAY, NOBODY, CHALLENGER, 1},
    {"challenger", "lies", WORK, REPLAY, LIAR, CHALLENGER, 1},
};
#define STRATEGIES (sizeof(strategies) / sizeof(strategies[0]))

struct score {
    uint32_t jobs, paid, caught;
    int64_t gain; /* of all jobs */
};

/* One chain with its players. */
struct game {
    struct market m;
    const struct strategy *strategy;
    uint64_t batch;
    uint64_t job;                /* that is played */
    uint32_t fakes;              /* intervals that are made up in it */
    uint32_t next[MARKET_SEATS]; /* of each seat's chain of hashes */
    int64_t cost[MARKET_PEOPLE];
    uint64_t value; /* that the consumer got */
    struct score *score;
};

static uint32_t challenger_of(const struct game *g)
{
    return g->strategy->challenger == HONEST ? MARKET_OPERATOR_A : MARKET_AUDITOR;
}

static struct digest secret(const struct game *g, uint8_t seat)
{
    uint8_t raw[9] = {seat};
    bytes_put_u64(raw + 1, g->batch);
    return digest_of(raw, sizeof(raw));
}

static enum verdict call(struct game *g, uint32_t who, uint8_t contract, uint8_t method,
                         const void *args)
{
    return market_call(&g->m, who, contract, method, args);
}

/* --- the worker --- */

static uint32_t choose_fakes(const struct game *g)
{
    switch (g->strategy->worker) {
    case FAKE_ALL:
        return ALL;
    case FAKE_ONE:
        return 1u << ((g->batch * BATCH + g->job) % STUDIO_INTERVALS);
    case FAKE_END:
        return 1u << (STUDIO_INTERVALS - 1);
    case WITHHOLD_IF_DRAWN:
        return ALL >> (STUDIO_INTERVALS / 2);
    case WORK:
    case OTHER_START:
    case WITHHOLD:
    case SILENCE:
    case DECLINE:
    case PLANT:
        return 0;
    }
    return 0;
}

/* The attempt's commitment, or what the worker does instead of one. True if time must pass now. */
static bool train(struct game *g)
{
    struct jobs_segment segment = studio_segment(&g->m, g->job, 0);
    g->fakes = choose_fakes(g);
    if (g->strategy->worker == DECLINE)
        CHECK(call(g, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_DECLINE, &segment) == VERDICT_OK);
    if (g->strategy->worker == SILENCE || g->strategy->worker == DECLINE)
        return true;
    if (g->strategy->worker == OTHER_START) {
        struct digest leaves[STUDIO_INTERVALS + 1];
        struct jobs_commit args = {
            .segment = segment, .leaves = leaves, .leaf_count = STUDIO_INTERVALS + 1};
        (void)studio_trace(leaves, 1, 0, 0);
        args.end = studio_leaf(1, 0, STUDIO_INTERVALS);
        args.trace_root = merkle_root(leaves, args.leaf_count);
        CHECK(call(g, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_COMMIT, &args) == VERDICT_WRONG_START);
        return true;
    }
    g->cost[MARKET_PROVIDER_A] += STEP_COST * (STUDIO_INTERVALS - __builtin_popcount(g->fakes));
    if (g->strategy->worker == PLANT)
        CHECK(studio_plant(&g->m, g->job, 0, ALL, false) == VERDICT_OK);
    else
        CHECK(studio_claim_all(&g->m, MARKET_PROVIDER_A, g->job, 0, g->fakes) == VERDICT_OK);
    return false;
}

/* Leaf i as it was committed. */
static struct trace_leaf committed(struct game *g, uint32_t i)
{
    struct jobs_segment segment = studio_segment(&g->m, g->job, 0);
    struct address worker = studio_slot(&g->m, g->job, 0).worker;
    if (g->strategy->worker == PLANT && i > 0)
        return studio_planted(&g->m, &segment, &worker, (uint16_t)(i - 1), false);
    return studio_claim(0, 0, i, g->fakes);
}

static bool serve(struct game *g)
{
    struct catalog_run run = {&g->m.view, &g->m.context, &g->m.events, &address_zero};
    struct attempt attempt;
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_start starts[JOBS_INTERVALS_MAX];
    struct jobs_serve args = {.segment = studio_segment(&g->m, g->job, 0), .starts = starts};
    uint32_t seen = 0;
    CHECK(attempt_load(&attempt, &run, g->job, 0));
    args.start_count = audit_drawn(&attempt, drawn);
    for (uint32_t i = 0; i < args.start_count; i++) {
        starts[i] = (struct jobs_start){drawn[i], studio_slot(&g->m, g->job, 0).claimed
                                                      ? studio_claim(0, 0, drawn[i], g->fakes)
                                                      : committed(g, drawn[i])};
        seen |= 1u << drawn[i];
    }
    if (g->strategy->worker == WITHHOLD ||
        (g->strategy->worker == WITHHOLD_IF_DRAWN && (seen & g->fakes)))
        return true;
    CHECK(call(g, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_SERVE, &args) == VERDICT_OK);
    return false;
}

/* --- the replayers --- */

static enum replayer play_of(const struct game *g, uint8_t seat)
{
    return seat == FRIEND ? g->strategy->replayer : REPLAY;
}

/* Leaf interval + 1 as this seat gives it; an honest one replays for it. */
static struct trace_leaf answer_of(struct game *g, uint8_t seat, uint32_t interval)
{
    switch (play_of(g, seat)) {
    case REPLAY:
        g->cost[MARKET_REPLAYER_0 + seat] += STEP_COST;
        return studio_leaf(0, 0, interval + 1);
    case AGREE:
    case SHY:
        return committed(g, interval + 1);
    case UNAVAILABLE:
    case MUTE:
    case COPY:
        break;
    }
    return (struct trace_leaf){.witness = digest_zero};
}

static void reveal(struct game *g, uint8_t seat, const struct jobs_audit *audit)
{
    struct beacon_clock clock = beacon_clock_of(&g->m.parameters);
    uint64_t epoch = beacon_epoch(&clock, g->m.context.time_ms);
    struct digest own = secret(g, seat);
    struct beacon_reveal args = {.epoch = epoch,
                                 .preimage = beacon_chain(&own, STUDIO_BEACON, g->next[seat])};
    if (audit->drawn || epoch < audit->epoch)
        return;
    CHECK(call(g, MARKET_REPLAYER_0 + seat, CATALOG_BEACON, BEACON_REVEAL, &args) == VERDICT_OK);
    g->next[seat]++;
}

/* The answers that a seat sealed, computed once. */
struct sealed {
    struct jobs_segment segment;
    struct jobs_answer answers[STUDIO_INTERVALS];
    uint32_t count;
};
static struct sealed sealed[MARKET_SEATS];

static void seal(struct game *g, uint8_t seat, const struct jobs_audit *audit)
{
    struct sealed *own = &sealed[seat];
    struct address replayer = market_address(MARKET_REPLAYER_0 + seat);
    struct jobs_seal args = {.segment = audit->segment};
    own->count = g->strategy->sample ? audit->interval_count : STUDIO_INTERVALS;
    for (uint32_t i = 0; i < own->count; i++) {
        own->answers[i].interval = g->strategy->sample ? audit->intervals[i].interval : (uint16_t)i;
        own->answers[i].leaf = answer_of(g, seat, own->answers[i].interval);
    }
    args.seal = jobs_seal_of(&g->m.context.chain, &replayer, &audit->segment, own->answers,
                             own->count, &digest_zero);
    CHECK(call(g, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_SEAL, &args) == VERDICT_OK);
}

static void open_seal(struct game *g, uint8_t seat, const struct jobs_audit *audit)
{
    struct jobs_open_seal args = {.segment = audit->segment,
                                  .answers = sealed[seat].answers,
                                  .answer_count = sealed[seat].count};
    struct jobs_answer copied[STUDIO_INTERVALS];
    if (play_of(g, seat) ==
        COPY) { /* the others' answers are public by now, but not what was sealed */
        for (uint32_t i = 0; i < args.answer_count; i++) {
            copied[i] = args.answers[i];
            copied[i].leaf = studio_leaf(0, 0, copied[i].interval + 1u);
        }
        args.answers = copied;
        CHECK(call(g, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_OPEN, &args) ==
              VERDICT_WRONG_SEAL);
        return;
    }
    CHECK(call(g, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_OPEN, &args) == VERDICT_OK);
}

/* An opening that covers the disputed interval is a vote already. */
static void vote(struct game *g, uint8_t seat)
{
    int64_t *cost = &g->cost[MARKET_REPLAYER_0 + seat], before = *cost;
    struct trace_leaf leaf = answer_of(g, seat, studio_slot(&g->m, g->job, 0).disputed);
    if (studio_vote(&g->m, g->job, 0, seat, leaf) != VERDICT_OK)
        *cost = before;
}

/* Every seat does what its audit asks for. True if time must pass now. */
static bool act(struct game *g, enum jobs_slot_status status)
{
    struct jobs_segment segment = studio_segment(&g->m, g->job, 0);
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        struct jobs_audit audit = {.status = JOBS_AUDIT_ENDED};
        if (studio_slot(&g->m, g->job, 0).status != status)
            return false;
        if (play_of(g, seat) == MUTE)
            continue;
        (void)studio_audit(&g->m, g->job, 0, seat, &audit);
        if (status == JOBS_SLOT_DRAWING && audit.status == JOBS_AUDIT_ASSIGNED)
            reveal(g, seat, &audit);
        if (status == JOBS_SLOT_SEALING && audit.status == JOBS_AUDIT_ASSIGNED)
            seal(g, seat, &audit);
        if (audit.status == JOBS_AUDIT_SEALED && play_of(g, seat) != SHY &&
            (status == JOBS_SLOT_OPENING || status == JOBS_SLOT_CLAIMING ||
             status == JOBS_SLOT_VOTING))
            open_seal(g, seat, &audit);
        if (status == JOBS_SLOT_VOTING && studio_slot(&g->m, g->job, 0).status == status)
            vote(g, seat);
    }
    if (status == JOBS_SLOT_DRAWING)
        (void)call(g, MARKET_AUDITOR, CATALOG_JOBS, JOBS_DRAW, &segment);
    if (status == JOBS_SLOT_CLAIMING) {
        uint32_t plants = g->strategy->worker == PLANT ? ALL : 0;
        CHECK(studio_reveal(&g->m, g->job, 0, plants, false) == VERDICT_OK);
    }
    return studio_slot(&g->m, g->job, 0).status == status;
}

/* --- a job --- */

static void wait(struct game *g, bool is_drawing)
{
    uint64_t now = g->m.context.time_ms, epoch_ms = g->m.parameters.epoch_ms;
    uint64_t next = is_drawing ? (now / epoch_ms + 1) * epoch_ms : contracts_due(&g->m.view);
    market_step(&g->m, next > now ? next - now : 1);
}

/* One step of the job; true if time must pass now. */
static bool step(struct game *g)
{
    struct jobs_slot slot = studio_slot(&g->m, g->job, 0);
    struct jobs_cancel cancel = {.job = g->job};
    if (studio_progress(&g->m, g->job).status == JOBS_CLOSING) {
        CHECK(studio_close(&g->m, g->job, 1, "global") == VERDICT_OK);
        CHECK(studio_close(&g->m, g->job, 2, "global") == VERDICT_OK);
        return false;
    }
    if (slot.attempt > 0) { /* the first attempt failed: the consumer looks elsewhere */
        (void)call(g, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel);
        return true;
    }
    switch ((enum jobs_slot_status)slot.status) {
    case JOBS_SLOT_TRAINING:
        return train(g);
    case JOBS_SLOT_SERVING:
        return serve(g);
    case JOBS_SLOT_DRAWING:
    case JOBS_SLOT_SEALING:
    case JOBS_SLOT_OPENING:
    case JOBS_SLOT_CLAIMING:
    case JOBS_SLOT_VOTING:
        return act(g, (enum jobs_slot_status)slot.status);
    case JOBS_SLOT_WAITING:
    case JOBS_SLOT_VERIFIED:
    case JOBS_SLOT_MISSED:
    case JOBS_SLOT_DIVERGED:
        break;
    }
    return true;
}

/* Honest validators replay from the segment's start until f + 1 have answered. */
static void challenge(struct game *g)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    uint16_t interval = g->fakes ? (uint16_t)__builtin_ctz(g->fakes) : 0;
    struct challenge_raise args = {.segment = {.job = g->job},
                                   .interval = interval,
                                   .leaves = leaves,
                                   .leaf_count = STUDIO_INTERVALS + 1};
    struct challenge_counter counter;
    (void)studio_trace(leaves, 0, 0, g->fakes);
    CHECK(call(g, challenger_of(g), CATALOG_CHALLENGES, CHALLENGE_RAISE, &args) == VERDICT_OK);
    CHECK(
        view_load(&g->m.view, bytes_text("challenge_count"), &challenge_counter_record, &counter));
    for (uint8_t seat = 1; seat <= 2; seat++) {
        struct challenge_answer answer = {.challenge = counter.count,
                                          .answer = {interval, studio_leaf(0, 0, interval + 1u)}};
        g->cost[MARKET_REPLAYER_0 + seat] += STEP_COST * (interval + 1);
        CHECK(call(g, MARKET_REPLAYER_0 + seat, CATALOG_CHALLENGES, CHALLENGE_ANSWER, &answer) ==
              VERDICT_OK);
    }
}

static void play(struct game *g)
{
    struct digest roots[1];
    struct jobs_submit terms = studio_terms(&g->m, 1, 1, roots);
    struct jobs_segment segment = {.job = g->job};
    struct jobs_result result;
    terms.sample = g->strategy->sample;
    terms.replay_fee = units_amount(GAME_FEE);
    terms.segment_ms = terms.replay_ms = terms.round_ms = g->m.parameters.answer_ms;
    CHECK(studio_submit(&g->m, &terms) == VERDICT_OK);
    market_step(&g->m, 1);
    CHECK(studio_progress(&g->m, g->job).status == JOBS_RUNNING);
    while (studio_progress(&g->m, g->job).status != JOBS_ENDED) {
        bool is_drawing = studio_slot(&g->m, g->job, 0).status == JOBS_SLOT_DRAWING;
        if (step(g))
            wait(g, is_drawing);
    }
    CHECK(jobs_get_result(&g->m.view, &segment, &result));
    bool is_paid = result.reason == LEASES_COMPLETED;
    g->score->jobs++;
    g->score->paid += is_paid;
    if (is_paid && g->fakes == 0)
        g->value += market_number(&result.paid) + market_number(&result.fees);
    if (is_paid && g->strategy->challenger != NOBODY &&
        (g->strategy->challenger == LIAR || g->fakes != 0))
        challenge(g);
    struct jobs_progress progress = studio_progress(&g->m, g->job);
    g->score->caught += result.reason == LEASES_FRAUD || result.reason == LEASES_WITHHELD ||
                        result.reason == LEASES_SILENT || progress.tainted ||
                        (progress.barred >> FRIEND & 1);
}

/* --- many --- */

static int64_t owned(struct game *g, uint8_t sides)
{
    int64_t sum = 0;
    if (sides & WORKER)
        sum += (int64_t)market_balance(&g->m, MARKET_PROVIDER_A) - g->cost[MARKET_PROVIDER_A];
    if (sides & REPLAYER)
        sum += (int64_t)market_balance(&g->m, MARKET_REPLAYER_0 + FRIEND) -
               g->cost[MARKET_REPLAYER_0 + FRIEND];
    if (sides & CONSUMER)
        sum += (int64_t)market_balance(&g->m, MARKET_CONSUMER) + (int64_t)g->value;
    if (sides & CHALLENGER)
        sum += (int64_t)market_balance(&g->m, MARKET_AUDITOR);
    return sum;
}

/* `count` jobs on a chain of their own; another `batch` has other draws. */
static void play_batch(const struct strategy *strategy, struct score *score, uint64_t batch,
                       uint32_t count)
{
    struct game g = {.strategy = strategy, .batch = batch, .score = score};
    struct parameters parameters = parameters_default();
    struct digest ends[MARKET_SEATS];
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        struct digest own = secret(&g, seat), first = beacon_chain(&own, STUDIO_BEACON, 0);
        ends[seat] = digest_of(first.bytes, DIGEST_SIZE);
    }
    market_init(&g.m, &parameters, ends);
    studio_offer(&g.m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    int64_t before = owned(&g, strategy->sides);
    for (g.job = 1; g.job <= count; g.job++)
        play(&g);
    for (int i = 0; i < 3; i++) /* until every stake is home */
        market_step(&g.m, parameters.challenge_ms);
    score->gain += owned(&g, strategy->sides) - before;
    market_release(&g.m);
}

/* --- the table --- */

static double per_job(const struct score *score)
{
    return (double)score->gain / score->jobs;
}

/* What honest play gains in the same seats: the first strategy of each list. */
static uint32_t honest_of(uint32_t i)
{
    uint32_t first = i;
    while (first > 0 && !strcmp(strategies[first - 1].who, strategies[i].who))
        first--;
    return first;
}

static void print_table(FILE *out, const struct score scores[STRATEGIES], uint32_t jobs)
{
    fprintf(out,
            "# Games\n\nDoes any way of cheating pay? `make games` plays each strategy over many "
            "jobs with the contracts alone, at the "
            "default\nparameters, and writes this table; it fails if a strategy gains more than "
            "honest play in the same seats.\n\n"
            "Four validators, of which one replayer (f = 1) plays the strategy. A segment has %d "
            "intervals, costs %d to train and is\n"
            "paid %d; its stake is %d; each of two replayers draws one interval, is paid %d for it "
            "and spends %d. The worst case is\n"
            "assumed throughout: nobody challenges what was paid, unless the line says so.\n\n"
            "| who | what they do | jobs | paid | caught | gain a job | honest play "
            "|\n|---|---|--:|--:|--:|--:|--:|\n",
            STUDIO_INTERVALS, WORK_COST, STUDIO_SEGMENT_PRICE, STUDIO_STAKE, GAME_FEE, STEP_COST);
    for (uint32_t i = 0; i < STRATEGIES; i++)
        fprintf(out, "| %s | %s | %u | %.1f %% | %.1f %% | %.1f | %.1f |\n", strategies[i].who,
                strategies[i].what, scores[i].jobs, 100.0 * scores[i].paid / scores[i].jobs,
                100.0 * scores[i].caught / scores[i].jobs, per_job(&scores[i]),
                per_job(&scores[honest_of(i)]));
    fprintf(out,
            "\n%u jobs. Gains are of all who play the strategy together: what they own afterwards, "
            "less what they owned before and what\n"
            "their work cost; an honest segment is worth its price and fees to its consumer. "
            "Caught: fraud, withholding, silence, a\n"
            "challenge that was upheld, or a replayer that was outvoted.\n\n"
            "What the table doesn't hold: a replayer whose worker hands it the *true* trace can "
            "seal that without replaying, and gains\n"
            "what a replay costs. It can't tell that trace from a planted one, and who hands out a "
            "planted one gains more (\"planter\"), so\n"
            "it has to trust a worker whose interest is against it. Without the worker's help "
            "nobody has the answers: leaves are committed\n"
            "as digests, and witnesses need the work.\n",
            jobs);
}

static bool is_honest_best(const struct score scores[STRATEGIES])
{
    bool is_best = true;
    for (uint32_t i = 0; i < STRATEGIES; i++) {
        if (per_job(&scores[i]) <= per_job(&scores[honest_of(i)]))
            continue;
        printf("games: %s: \"%s\" gains %.1f, honest play %.1f\n", strategies[i].who,
               strategies[i].what, per_job(&scores[i]), per_job(&scores[honest_of(i)]));
        is_best = false;
    }
    return is_best;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"jobs", required_argument, NULL, 'j'}, {"out", required_argument, NULL, 'o'}, {0}};
    struct score scores[STRATEGIES] = {{0}};
    uint32_t wanted = 10000, jobs = 0;
    FILE *out = NULL;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'j')
            wanted = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option != 'o' || !(out = fopen(optarg, "w")))
            return 2;
    }
    uint32_t batches = wanted / (BATCH * (uint32_t)STRATEGIES) + 1;
    for (uint32_t i = 0; i < STRATEGIES; i++) {
        for (uint32_t batch = 0; batch < batches; batch++)
            play_batch(&strategies[i], &scores[i], batch, BATCH);
        jobs += scores[i].jobs;
    }
    print_table(out ? out : stdout, scores, jobs);
    if (out && fclose(out))
        return 2;
    bool is_best = is_honest_best(scores);
    printf("%u jobs: honest play is %sthe best play\n", jobs, is_best ? "" : "not ");
    return is_best ? 0 : 1;
}
