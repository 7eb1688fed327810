#include "test/sim/orders.h"

#include "base/check.h"
#include "test/sim/arrival.h"
#include "test/sim/forge.h"

#define SEATS    4u
#define NODE     2u
#define OTHERS   (COMMITTEE_BIT(0) | COMMITTEE_BIT(1) | COMMITTEE_BIT(3))
#define CASES    5040u /* ORDERS_LENGTH! */
#define AFTER_MS 20u   /* the node's own work is done, and no time-out is near */

/* What is sent: about one of two blocks of the liar, in view 0; or what follows them. */
enum act {
    PROPOSAL, /* of view 0, by seat 0 */
    PREPARE,
    COMMIT,
    CHANGE, /* VIEW-CHANGE to view 1; who has prepared the block reports it */
    OPENING, /* NEW-VIEW 1 of seats 0, 1 and 3, by seat 1: seat 3 has prepared the block, or nobody has any */
    AGAIN,    /* PREPARE in view 1, for the block that the OPENING chose */
    FINAL,    /* COMMIT, likewise */
    CHANGE_2, /* VIEW-CHANGE to view 2, with nothing prepared above view 0 */
};

struct part {
    enum act act;
    uint8_t from;
    uint8_t block; /* 0: none; 1, 2: the liar's */
};

static const struct part scenes[ORDERS_SCENES][ORDERS_LENGTH] = {
    /* The liar proposes two blocks; the honest are for the first one. */
    {{PROPOSAL, 0, 1},
     {PROPOSAL, 0, 2},
     {PREPARE, 0, 2},
     {PREPARE, 1, 1},
     {PREPARE, 3, 1},
     {COMMIT, 1, 1},
     {COMMIT, 3, 1}},
    /* The honest are for different ones, and the liar for both. */
    {{PROPOSAL, 0, 1},
     {PROPOSAL, 0, 2},
     {PREPARE, 0, 1},
     {PREPARE, 0, 2},
     {PREPARE, 1, 1},
     {PREPARE, 3, 2},
     {COMMIT, 0, 1}},
    /* The view fails while a block is being decided, and the next one proposes it again. */
    {{PROPOSAL, 0, 1},
     {PREPARE, 1, 1},
     {PREPARE, 3, 1},
     {COMMIT, 3, 1},
     {CHANGE, 1, 0},
     {CHANGE, 3, 1},
     {OPENING, 1, 1}},
    /* The same, decided in view 1. */
    {{PROPOSAL, 0, 1},
     {PREPARE, 1, 1},
     {OPENING, 1, 1},
     {AGAIN, 1, 1},
     {AGAIN, 3, 1},
     {FINAL, 1, 1},
     {FINAL, 3, 1}},
    /* The liar shows its other block to one that the NEW-VIEW then contradicts. */
    {{PROPOSAL, 0, 2},
     {PREPARE, 0, 2},
     {CHANGE, 3, 1},
     {OPENING, 1, 1},
     {AGAIN, 0, 1},
     {AGAIN, 3, 1},
     {FINAL, 3, 1}},
    /* Two views fail, and the node opens the third. */
    {{PROPOSAL, 0, 1},
     {PREPARE, 1, 1},
     {PREPARE, 3, 1},
     {OPENING, 1, 0},
     {CHANGE_2, 0, 0},
     {CHANGE_2, 1, 0},
     {CHANGE_2, 3, 1}},
};

struct stage {
    struct cluster *c;
    struct verify_context context;
    struct forge forge; /* of all keys but the node's */
    struct arena arena;
    struct bytes headers[3], bodies[3]; /* of the blocks; [0]: none */
};

static struct bytes packed(struct stage *stage, const struct record *record, const void *value)
{
    struct bytes bytes = record_bytes(&stage->arena, record, value);
    CHECK(bytes.data);
    return bytes;
}

static struct bytes seal(struct stage *stage, uint8_t from, enum message_tag tag, struct bytes body)
{
    return forge_seal(&stage->forge, (struct seat){from}, tag, body);
}

/* --- what is sent --- */

static struct ballot ballot_of(const struct stage *stage, uint8_t block)
{
    const struct bytes header = stage->headers[block];
    return (struct ballot){.set = stage->context.committee->digest,
                           .height = {1},
                           .digest = digest_of(header.data, header.size)};
}

static struct bytes change(struct stage *stage, uint8_t from, uint64_t view, uint8_t block)
{
    struct message_prepared prepared = {.header = stage->headers[block]};
    struct message_view_change made = {
        .set = stage->context.committee->digest,
        .view = {view},
        .committed.ballot = {.set = stage->context.committee->digest,
                             .digest = stage->context.base.digest},
        .prepared = &prepared,
        .prepared_count = block != 0,
    };
    if (block) {
        prepared.certificate.ballot = ballot_of(stage, block);
        forge_certify(&stage->forge, &prepared.certificate, OTHERS, MESSAGE_PREPARE);
    }
    return seal(stage, from, MESSAGE_VIEW_CHANGE,
                packed(stage, &message_view_change_record, &made));
}

static struct message_envelope opened(struct stage *stage, struct bytes message)
{
    uint16_t tag;
    void *value;
    CHECK(!record_choice_unpack(&stage->arena, &message_choice, &tag, &value, message, NULL));
    return *(const struct message_envelope *)value;
}

static struct bytes opening_body(struct stage *stage, uint8_t block)
{
    struct message_envelope changes[3] = {
        opened(stage, change(stage, 0, 1, 0)),
        opened(stage, change(stage, 1, 1, 0)),
        opened(stage, change(stage, 3, 1, block)),
    };
    const struct message_new_view made = {.set = stage->context.committee->digest,
                                          .view = {1},
                                          .changes = changes,
                                          .change_count = 3};
    return packed(stage, &message_new_view_record, &made);
}

static struct bytes vote(struct stage *stage, const struct part *part, enum message_tag tag,
                         bool again)
{
    struct ballot ballot = ballot_of(stage, part->block);
    if (again) {
        ballot.view.n = 1;
        ballot.new_view = message_digest(NULL, MESSAGE_NEW_VIEW, &stage->context.chain,
                                         opening_body(stage, part->block));
    }
    return seal(stage, part->from, tag, packed(stage, &ballot_record, &ballot));
}

static struct bytes message_of(struct stage *stage, const struct part *part)
{
    const struct message_pre_prepare proposal = {.set = stage->context.committee->digest,
                                                 .header = stage->headers[part->block]};
    switch (part->act) {
    case PROPOSAL:
        return seal(stage, part->from, MESSAGE_PRE_PREPARE,
                    packed(stage, &message_pre_prepare_record, &proposal));
    case PREPARE:
    case AGAIN:
        return vote(stage, part, MESSAGE_PREPARE, part->act == AGAIN);
    case COMMIT:
    case FINAL:
        return vote(stage, part, MESSAGE_COMMIT, part->act == FINAL);
    case CHANGE:
    case CHANGE_2:
        return change(stage, part->from, part->act == CHANGE ? 1 : 2, part->block);
    case OPENING:
        return seal(stage, part->from, MESSAGE_NEW_VIEW, opening_body(stage, part->block));
    }
    return bytes_of(NULL, 0);
}

/* --- cases --- */

/* A cluster of the node alone, and the liar's two blocks. */
static void set_stage(struct stage *stage)
{
    struct cluster_options options = cluster_quiet(SEATS);
    options.story = false;
    options.liars = OTHERS;
    options.timeout_ms = options.timeout_max_ms = 1000000;
    options.block_interval_max_ms = 1000000;
    struct cluster *c = stage->c = cluster_new(&options);
    arena_init(&stage->arena, 16u << 20);
    stage->context = conductor_context(c, NODE);
    stage->forge = (struct forge){.dice = &c->dice,
                                  .arena = &stage->arena,
                                  .context = &stage->context,
                                  .header = c->world.kind->header,
                                  .mine = OTHERS};
    struct books *books = c->world.kind->open(&c->world);
    CHECK(c->world.kind->submit(books, 1, 0));
    const struct books_order order = {.parent = stage->context.base.digest,
                                      .height = {1},
                                      .time_ms = BOOKS_START_MS,
                                      .empty_too = true};
    CHECK(
        c->world.kind->build(books, &stage->arena, &order, &stage->headers[1], &stage->bodies[1]));
    c->world.kind->close(books);
    stage->headers[2] = forge_twin(&stage->forge, stage->headers[1]);
    for (uint8_t seat = 0; seat < SEATS; seat++)
        if (seat != NODE)
            cluster_crash(c, seat);
}

static void deliver(struct cluster *c, enum conductor_happening kind, uint8_t from,
                    struct bytes bytes)
{
    struct wheel_event event = {
        .time_ms = c->now_ms + 1, .kind = (int)kind, .seat = NODE, .life = UINT32_MAX, .b = from};
    wheel_add(&c->wheel, &event, bytes);
    cluster_run(c, c->now_ms + AFTER_MS);
}

/* The parts in the order that is the number of a permutation, in the factorial number system. */
static void perform(struct stage *stage, const struct part *parts, uint32_t number)
{
    uint8_t left[ORDERS_LENGTH];
    for (uint8_t i = 0; i < ORDERS_LENGTH; i++)
        left[i] = i;
    for (uint32_t count = ORDERS_LENGTH; count; number /= count, count--) {
        const uint32_t at = number % count;
        const struct part *part = &parts[left[at]];
        left[at] = left[count - 1];
        deliver(stage->c, CONDUCTOR_MESSAGE, part->from, message_of(stage, part));
    }
}

static void run_case(struct orders *orders, uint32_t scene, uint32_t number)
{
    struct stage stage = {.c = NULL};
    set_stage(&stage);
    struct cluster *c = stage.c;
    deliver(c, CONDUCTOR_BODY, 0, stage.bodies[1]);
    perform(&stage, scenes[scene], number);
    orders->cases++;
    orders->decided += c->judge.height[NODE];
    orders->entered += c->coverage.counts[COVERAGE_VIEWS];
    orders->conflicts += c->coverage.counts[COVERAGE_CONFLICTS];
    orders->refused += c->coverage.counts[COVERAGE_REFUSED];
    if (c->judge.fault_count && !orders->failed++)
        text_add(&orders->faults, "scene %u, order %u:\n%s", scene, number,
                 text_string(&c->judge.faults));
    arena_release(&stage.arena);
    cluster_free(c);
}

void orders_run(struct orders *orders, uint32_t scene)
{
    CHECK(scene < ORDERS_SCENES);
    if (!orders->cases)
        text_init(&orders->faults, 64u << 10);
    for (uint32_t number = 0; number < CASES; number++)
        run_case(orders, scene, number);
}

void orders_release(struct orders *orders)
{
    text_release(&orders->faults);
}
