/* The whole market at once: what no call, however hostile, may ever break. */
#include "contracts/contracts.h"

#include "contracts/attempt.h"
#include "contracts/audit.h"
#include "test/unit/studio.h"

static struct market m;

/* --- a small random source, so that a seed is a run --- */

static uint64_t state;

static uint64_t any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t bound)
{
    return any() % bound;
}

/* --- hostile arguments: any values that a method's record can hold --- */

static uint64_t hostile_number(uint64_t max)
{
    const uint64_t edges[] = {
        0, 1, 2, 3, UINT64_MAX, UINT32_MAX, 65535, m.context.time_ms, m.context.time_ms + 5000};
    uint64_t value = below(2) ? edges[below(9)] : any() >> below(64);
    return value <= max ? value : max;
}

static void fill(const struct record *record, uint8_t *out);

static void fill_list(const struct record_field *field, uint8_t *out)
{
    uint32_t count = (uint32_t)below(field->max < 4 ? field->max + 1 : 5), element;
    element = field->kind == RECORD_KIND_DIGESTS ? DIGEST_SIZE : field->sub->size;
    uint8_t *list = arena_array(&m.arena, count, element);
    for (uint32_t i = 0; i < count; i++) {
        if (field->kind == RECORD_KIND_LIST)
            fill(field->sub, list + (size_t)i * element);
        else
            list[(size_t)i * element] = (uint8_t)any();
    }
    memcpy(out + field->offset, &list, sizeof(list));
    memcpy(out + field->count_offset, &count, sizeof(count));
}

static void fill_field(const struct record_field *field, uint8_t *out)
{
    uint8_t *at = out + field->offset;
    switch (field->kind) {
    case RECORD_KIND_UINT: {
        uint64_t max = field->size == 8 ? UINT64_MAX : (1ull << 8 * field->size) - 1;
        uint64_t value = hostile_number(field->max < max ? field->max : max);
        memcpy(at, &value, field->size); /* little-endian hosts */
        return;
    }
    case RECORD_KIND_BOOL:
        *(bool *)at = below(2);
        return;
    case RECORD_KIND_FIXED:
        if (field->size == ADDRESS_SIZE) {
            struct address address = market_address((uint32_t)below(MARKET_PEOPLE + 2));
            memcpy(at, address.bytes, ADDRESS_SIZE);
        } else {
            at[0] = (uint8_t)any();
        }
        return;
    case RECORD_KIND_AMOUNT:
        if (below(8) == 0)
            memset(at, 0xff, sizeof(struct amount));
        else
            *(struct amount *)at = units_amount(hostile_number(UINT64_MAX) % (2 * MARKET_FORTUNE));
        return;
    case RECORD_KIND_BYTES:
    case RECORD_KIND_TEXT:
        *(struct bytes *)at = below(2) ? bytes_text("x") : bytes_of(NULL, 0);
        return;
    case RECORD_KIND_ONE:
        fill(field->sub, at);
        return;
    case RECORD_KIND_LIST:
    case RECORD_KIND_DIGESTS:
        fill_list(field, out);
        return;
    }
}

static void fill(const struct record *record, uint8_t *out)
{
    for (uint32_t i = 0; i < record->field_count; i++)
        fill_field(&record->fields[i], out);
}

static void hostile_call(void)
{
    const struct catalog_entry *entry = &catalog_contracts[below(catalog_contract_count)];
    const struct catalog_method *method = &entry->methods[below(entry->method_count)];
    bool is_govern = entry->number == CATALOG_MEMBERS || entry->number == CATALOG_GOVERNANCE;
    uint32_t first =
        is_govern ? MARKET_CONSUMER : 0; /* operators that revoke everybody would end the game */
    struct address sender = market_address(first + (uint32_t)below(MARKET_PEOPLE - first));
    void *args = arena_alloc(&m.arena, method->args->size);
    fill(method->args, args);
    struct bytes packed = record_bytes(&m.arena, method->args, args);
    if (below(4) == 0) { /* and bytes that are no record */
        uint8_t *bent = arena_copy(&m.arena, packed.data, packed.size);
        bent[below(packed.size)] ^= (uint8_t)(1 + below(255));
        packed = bytes_of(bent, packed.size - below(2));
    }
    (void)market_call_raw(&m, &sender, entry->number, method->number, packed);
}

/* --- people who mostly do their work, and sometimes lie or stay away --- */

static struct digest roots[JOBS_WORKERS_MAX];

static void submit(void)
{
    uint16_t workers = (uint16_t)(1 + below(3));
    struct jobs_submit terms = studio_terms(&m, workers, 1 + (uint32_t)below(3), roots);
    struct jobs_steps shares[3];
    terms.quorum = (uint16_t)(1 + below(workers));
    terms.sample = (uint16_t)(below(2) ? 0 : 1 + below(4));
    terms.shares = shares;
    terms.share_count = below(2) ? 0 : workers;
    for (uint16_t w = 0; w < terms.share_count; w++) /* more intervals than are drawn, 10 at most */
        shares[w].steps =
            20 * (uint32_t)(terms.sample + 1 + below(STUDIO_INTERVALS - terms.sample));
    terms.price_max = units_amount(995 + below(10)); /* that can't be shared out evenly */
    terms.stake = units_amount(STUDIO_STAKE - below(10));
    terms.budget = units_amount(20000);
    terms.deadline_ms = m.context.time_ms + 50000 + below(400000);
    (void)studio_submit(&m, &terms);
}

static void list_or_withdraw(void)
{
    uint32_t provider = MARKET_PROVIDER_A + (uint32_t)below(4);
    struct offers_withdraw withdraw = {.offer = 1 + below(30)};
    if (below(3) == 0)
        (void)market_call(&m, provider, CATALOG_OFFERS, OFFERS_WITHDRAW, &withdraw);
    else if (market_balance(&m, provider) > 10000)
        studio_offer(&m, provider, 1 + below(200), (uint16_t)(1 + below(3)));
}

/* Lies stay the same from seal to opening. */
static uint32_t lie(const struct jobs_segment *segment, uint8_t seat)
{
    uint32_t mix = (uint32_t)(segment->job * 7 + segment->round * 5 + segment->slot * 3 +
                              segment->attempt + seat);
    return mix % 5 == 0 ? mix % STUDIO_INTERVALS : UINT32_MAX;
}

static void replay(const struct jobs_segment *segment, enum jobs_slot_status status)
{
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        uint16_t slot = segment->slot;
        if (below(4) == 0)
            continue;
        if (status == JOBS_SLOT_VOTING && below(2)) {
            struct trace_leaf leaf = studio_leaf(segment->round, slot,
                                                 studio_slot(&m, segment->job, slot).disputed + 1u);
            if (below(6) == 0)
                leaf.state_root = digest_zero, leaf.witness = digest_zero;
            (void)studio_vote(&m, segment->job, slot, seat, leaf);
        } else if (studio_audit(&m, segment->job, slot, seat, &audit)) {
            if (status == JOBS_SLOT_SEALING)
                (void)studio_seal(&m, segment->job, slot, seat, lie(segment, seat));
            else
                (void)studio_open(&m, segment->job, slot, seat, lie(segment, seat));
        }
    }
}

static void serve(const struct jobs_segment *segment, uint32_t worker)
{
    struct attempt attempt;
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_start starts[JOBS_INTERVALS_MAX];
    ck_assert(attempt_load(&attempt, &run, segment->job, segment->slot));
    struct jobs_serve args = {.segment = *segment, .starts = starts};
    args.start_count = audit_drawn(&attempt, drawn);
    for (uint32_t i = 0; i < args.start_count; i++)
        starts[i] =
            (struct jobs_start){drawn[i], studio_leaf(segment->round, segment->slot, drawn[i])};
    (void)market_call(&m, worker, CATALOG_JOBS, JOBS_SERVE, &args);
}

#define PLANTS 0x155 /* intervals that a planter plants */

static void work(uint64_t job, uint16_t slot)
{
    struct jobs_slot at;
    if (!jobs_get_slot(&m.view, job, slot, &at) || below(5) == 0)
        return;
    struct jobs_segment segment = studio_segment(&m, job, slot);
    bool is_gone =
        (job + slot + segment.round + segment.attempt) % 6 == 0; /* this worker has vanished */
    if (is_gone && (at.status == JOBS_SLOT_TRAINING || at.status == JOBS_SLOT_SERVING))
        return;
    switch ((enum jobs_slot_status)at.status) {
    case JOBS_SLOT_TRAINING:
        if (below(6) == 0)
            (void)studio_plant(&m, job, slot, PLANTS, false);
        else
            (void)studio_commit(&m, studio_who(&at.worker), job, slot,
                                below(5) == 0 ? (uint32_t)(1 + below(10)) : UINT32_MAX);
        return;
    case JOBS_SLOT_DRAWING:
        (void)market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_DRAW, &segment);
        return;
    case JOBS_SLOT_SERVING:
        serve(&segment, studio_who(&at.worker));
        return;
    case JOBS_SLOT_CLAIMING:
        if (!is_gone && studio_reveal(&m, job, slot, PLANTS, false) != VERDICT_OK)
            (void)studio_settle(&m, job, slot);
        replay(&segment, (enum jobs_slot_status)at.status);
        return;
    case JOBS_SLOT_SEALING:
    case JOBS_SLOT_OPENING:
    case JOBS_SLOT_VOTING:
        replay(&segment, (enum jobs_slot_status)at.status);
        return;
    case JOBS_SLOT_WAITING:
    case JOBS_SLOT_VERIFIED:
    case JOBS_SLOT_MISSED:
    case JOBS_SLOT_DIVERGED:
        return;
    }
}

static uint32_t revealed[MARKET_SEATS];

static void reveal(void)
{
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        struct digest secret = market_beacon_secret(seat);
        if (revealed[seat] == STUDIO_BEACON || below(8) == 0)
            continue;
        struct beacon_reveal args = {.epoch = studio_epoch(&m), .preimage =
                                         beacon_chain(&secret, STUDIO_BEACON, revealed[seat])};
        revealed[seat] += market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_BEACON, BEACON_REVEAL,
                                      &args) == VERDICT_OK;
    }
}

static void work_on_all_jobs(void)
{
    struct bytes prefix = bytes_text("open/"), after = {NULL, 0}, key, value;
    while (view_next(&m.view, prefix, after, &key, &value)) {
        uint64_t job = bytes_get_u64(key.data + 5);
        for (uint16_t slot = 0; slot < 3; slot++)
            work(job, slot);
        if (studio_progress(&m, job).status == JOBS_CLOSING)
            for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
                if (below(2) && studio_progress(&m, job).status == JOBS_CLOSING)
                    (void)studio_close(&m, job, seat, below(6) ? "global" : "another");
        after = key;
    }
}

static void block(void)
{
    if (below(4) == 0)
        submit();
    if (below(3) == 0)
        list_or_withdraw();
    reveal();
    work_on_all_jobs();
    for (int i = 0; i < 20; i++)
        hostile_call();
}

START_TEST(no_call_breaks_money_or_capacity_and_every_lock_is_freed_in_time)
{
    uint64_t endings[LEASES_UNCLOSED + 1] = {0};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        state = seed * 0x9e3779b97f4a7c15ull;
        memset(revealed, 0, sizeof(revealed));
        studio_init(&m);
        for (int i = 0; i < 150; i++) {
            block();
            ck_assert_int_eq(m.view.err, ERR_NONE);
            market_step(&m, 1 + below(2500)); /* money and capacity, over the write set */
            if (i % 30 == 0)
                (void)market_supply(&m); /* money, in full */
        }
        struct bytes prefix = bytes_text("item/"), after = {NULL, 0}, key, value;
        for (struct leases_item item; view_next(&m.view, prefix, after, &key, &value);
             after = key) {
            ck_assert(view_load(&m.view, key, &leases_item_record, &item));
            endings[item.reason]++;
        }
        for (int i = 0; contracts_due(&m.view) != UINT64_MAX && i < 1000; i++)
            market_step(&m, OFFERS_LIFE_MS); /* everybody is gone */
        ck_assert_uint_eq(contracts_due(&m.view), UINT64_MAX);
        struct contracts_supply supply = market_supply(&m);
        ck_assert_uint_eq(market_number(&supply.escrows), 0);
        ck_assert_uint_eq(market_number(&supply.stakes), 0);
        ck_assert_uint_eq(market_number(&supply.deposits), 0);
        ck_assert(!view_next(&m.view, bytes_text("load_job/"), bytes_of(NULL, 0), &key, &value));
        market_release(&m);
    }
    /* The run is worth something only if it got around. */
    ck_assert_uint_gt(endings[LEASES_COMPLETED], 0);
    ck_assert_uint_gt(endings[LEASES_FRAUD], 0);
    ck_assert_uint_gt(endings[LEASES_SILENT], 0);
    ck_assert_uint_gt(endings[LEASES_UNAUDITED], 0);
    ck_assert_uint_gt(endings[LEASES_EXPIRED], 0);
}
END_TEST

START_TEST(a_call_that_is_no_call_is_refused)
{
    struct address operator= market_address(MARKET_OPERATOR_A),
                   stranger = market_address(MARKET_STRANGER);
    studio_init(&m);
    ck_assert_int_eq(market_call_raw(&m, &operator, 0, 1, bytes_text("x")), VERDICT_NO_CONTRACT);
    ck_assert_int_eq(market_call_raw(&m, &operator, 255, 1, bytes_text("x")), VERDICT_NO_CONTRACT);
    ck_assert_int_eq(market_call_raw(&m, &operator, CATALOG_CREDITS, 0, bytes_text("x")),
                     VERDICT_NO_METHOD);
    ck_assert_int_eq(market_call_raw(&m, &operator, CATALOG_CREDITS, 2, bytes_text("x")),
                     VERDICT_NO_METHOD);
    ck_assert_int_eq(market_call_raw(&m, &operator, CATALOG_CREDITS, 1, bytes_text("x")),
                     VERDICT_BAD_ARGUMENTS);
    ck_assert_int_eq(market_call_raw(&m, &operator, CATALOG_CREDITS, 1, bytes_of(NULL, 0)),
                     VERDICT_BAD_ARGUMENTS);
    ck_assert_int_eq(market_call_raw(&m, &stranger, CATALOG_CREDITS, 1, bytes_text("x")),
                     VERDICT_NO_ACCOUNT);

    struct credits_transfer args = {.to = stranger, .amount = units_amount(1)};
    struct bytes good = record_bytes(&m.arena, &credits_transfer_record, &args);
    uint8_t *longer = arena_alloc(&m.arena, good.size + 1); /* a trailing byte */
    memcpy(longer, good.data, good.size);
    ck_assert_int_eq(
        market_call_raw(&m, &operator, CATALOG_CREDITS, 1, bytes_of(longer, good.size + 1)),
        VERDICT_BAD_ARGUMENTS);
    longer[0]++; /* another count of fields */
    ck_assert_int_eq(
        market_call_raw(&m, &operator, CATALOG_CREDITS, 1, bytes_of(longer, good.size)),
        VERDICT_BAD_ARGUMENTS);
    ck_assert_int_eq(market_call_raw(&m, &operator, CATALOG_CREDITS, 1, good), VERDICT_NO_ACCOUNT);
    market_release(&m);
}
END_TEST

START_TEST(what_falls_due_is_bounded_a_block_and_the_rest_is_in_the_next)
{
    studio_init(&m);
    struct parameters parameters;
    ck_assert(parameters_get(&m.view, &parameters));
    parameters.due_max = 4;
    parameters_put(&m.view, &parameters);
    for (int i = 0; i < 10; i++)
        studio_offer(&m, MARKET_PROVIDER_A, 5, 1);
    const uint32_t expected[] = {4, 4, 2, 0};
    for (int i = 0; i < 4; i++) {
        market_step(&m, i == 0 ? 90000000 : 1);
        ck_assert_uint_eq(market_events(&m, EVENT_OFFER_ENDED), expected[i]);
    }
    ck_assert_uint_eq(contracts_due(&m.view), UINT64_MAX);
    market_release(&m);
}
END_TEST

START_TEST(an_offer_leased_beyond_its_slots_stops_the_node)
{
    struct offers_offer offer;
    struct path path = path_1("offer/", 1);
    struct fault fault = {.code = ERR_NONE};
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, 5, 1);
    ck_assert(offers_get(&m.view, 1, &offer));
    offer.leased = 2;
    view_save(&m.view, path_key(&path), &offers_offer_record, &offer);
    ck_assert_int_eq(contracts_end(&m.view, &fault), ERR_CORRUPT);
    market_release(&m);
}
END_TEST

START_TEST(the_same_calls_give_the_same_state_and_events)
{
    struct digest digests[2];
    for (int run = 0; run < 2; run++) {
        struct digest_stream stream;
        state = 42;
        memset(revealed, 0, sizeof(revealed));
        studio_init(&m);
        digest_init(&stream);
        for (int i = 0; i < 40; i++) {
            block();
            for (uint32_t e = 0; e < m.events.count; e++)
                digest_add(&stream, m.events.list[e].packed.data, m.events.list[e].packed.size);
            market_step(&m, 1 + below(3000));
        }
        for (size_t i = 0; i < m.count; i++) {
            digest_add(&stream, m.rows[i].key.data, m.rows[i].key.size);
            digest_add(&stream, m.rows[i].value.data, m.rows[i].value.size);
        }
        digests[run] = digest_end(&stream);
        market_release(&m);
    }
    ck_assert(digest_equal(&digests[0], &digests[1]));
}
END_TEST

/* What one event did to free balances, told by the event alone. */
static void rebuild(int64_t balances[MARKET_PEOPLE], const struct event_entry *event)
{
    uint16_t tag;
    void *value;
    ck_assert_int_eq(
        record_choice_unpack(&m.arena, &event_choice, &tag, &value, event->packed, NULL), ERR_NONE);
    if (tag >= EVENT_TRANSFERRED && tag <= EVENT_SPENT) {
        const struct event_transfer *transfer = value;
        int64_t amount = (int64_t)market_number(&transfer->amount);
        if (!address_equal(&transfer->from, &address_zero))
            balances[studio_who(&transfer->from)] -= amount;
        if (!address_equal(&transfer->to, &address_zero))
            balances[studio_who(&transfer->to)] += amount;
    } else if (tag >= EVENT_LOCKED && tag <= EVENT_PAID) {
        const struct event_lock *lock = value;
        int64_t amount = (int64_t)market_number(&lock->amount);
        balances[studio_who(&lock->account)] += tag == EVENT_LOCKED ? -amount : amount;
    }
}

START_TEST(balances_are_rebuilt_from_events_alone)
{
    int64_t balances[MARKET_PEOPLE];
    for (uint32_t who = 0; who < MARKET_PEOPLE; who++)
        balances[who] = MARKET_FORTUNE;
    state = 7;
    memset(revealed, 0, sizeof(revealed));
    studio_init(&m);
    for (int i = 0; i < 100; i++) {
        block();
        for (uint32_t e = 0; e < m.events.count; e++)
            rebuild(balances, &m.events.list[e]);
        for (uint32_t who = 0; who < MARKET_PEOPLE; who++)
            ck_assert_uint_eq(market_balance(&m, who), (uint64_t)balances[who]);
        market_step(&m, 1 + below(3000));
    }
    market_release(&m);
}
END_TEST

HARNESS_MAIN("contracts", no_call_breaks_money_or_capacity_and_every_lock_is_freed_in_time,
             a_call_that_is_no_call_is_refused,
             what_falls_due_is_bounded_a_block_and_the_rest_is_in_the_next,
             an_offer_leased_beyond_its_slots_stops_the_node,
             the_same_calls_give_the_same_state_and_events, balances_are_rebuilt_from_events_alone)
