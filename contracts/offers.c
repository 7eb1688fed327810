#include "contracts/offers.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/credits.h"
#include "contracts/due.h"
#include "contracts/members.h"
#include "contracts/parameters.h"
#include "contracts/path.h"
#include "contracts/statement.h"

static const struct record_field terms_fields[] = {
    RECORD_AMOUNT(struct offers_terms, price),
    RECORD_TEXT(struct offers_terms, site, LIMIT_TEXT_BYTES),
    RECORD_UINT(struct offers_terms, slots),
    RECORD_AMOUNT(struct offers_terms, stake_max),
    RECORD_UINT(struct offers_terms, from_ms),
    RECORD_UINT(struct offers_terms, until_ms),
    RECORD_UINT(struct offers_terms, expires_ms),
};
static const struct record_field compute_fields[] = {
    RECORD_TEXT(struct offers_compute, device, LIMIT_TEXT_BYTES),
    RECORD_UINT(struct offers_compute, profile),
    RECORD_UINT(struct offers_compute, memory_mib),
    RECORD_UINT(struct offers_compute, rate_mmacs),
    RECORD_UINT(struct offers_compute, threads),
};
static const struct record_field storage_fields[] = {
    RECORD_UINT(struct offers_storage, capacity_gib),
    RECORD_UINT(struct offers_storage, durability),
    RECORD_TEXT(struct offers_storage, medium, LIMIT_TEXT_BYTES),
};
static const struct record_field connection_fields[] = {
    RECORD_TEXT(struct offers_connection, site_a, LIMIT_TEXT_BYTES),
    RECORD_TEXT(struct offers_connection, site_b, LIMIT_TEXT_BYTES),
    RECORD_UINT(struct offers_connection, bandwidth_kbps),
    RECORD_UINT(struct offers_connection, latency_us),
};
static const struct record_field data_fields[] = {
    RECORD_FIXED(struct offers_data, root, RECORD_AS_HEX),
    RECORD_UINT(struct offers_data, size),
    RECORD_UINT(struct offers_data, samples),
    RECORD_TEXT(struct offers_data, licence, LIMIT_TEXT_BYTES),
};
const struct record offers_terms_record = RECORD(struct offers_terms, "terms", terms_fields);
const struct record offers_compute_record =
    RECORD(struct offers_compute, "compute", compute_fields);
const struct record offers_storage_record =
    RECORD(struct offers_storage, "storage", storage_fields);
const struct record offers_connection_record =
    RECORD(struct offers_connection, "connection", connection_fields);
const struct record offers_data_record = RECORD(struct offers_data, "data", data_fields);

static const struct record_field offer_fields[] = {
    RECORD_FIXED(struct offers_offer, provider, RECORD_AS_ADDRESS),
    RECORD_UINT(struct offers_offer, kind),
    RECORD_UINT(struct offers_offer, profile),
    RECORD_ONE(struct offers_offer, terms, &offers_terms_record),
    RECORD_UINT(struct offers_offer, leased),
    RECORD_UINT(struct offers_offer, status),
    RECORD_UINT(struct offers_offer, reason),
    RECORD_UINT(struct offers_offer, listed_ms),
};
static const struct record_field count_fields[] = {
    RECORD_UINT(struct offers_count, open),
};
static const struct record_field ranked_fields[] = {
    RECORD_UINT(struct offers_ranked, offer),
};
static const struct record_field counter_fields[] = {
    RECORD_UINT(struct offers_counter, count),
};
static const struct record_field serial_fields[] = {
    RECORD_FIXED(struct offers_serial, signer, RECORD_AS_ADDRESS),
    RECORD_UINT(struct offers_serial, serial),
    RECORD_UINT(struct offers_serial, expires_ms),
};
const struct record offers_offer_record = RECORD(struct offers_offer, "offer", offer_fields);
const struct record offers_count_record = RECORD(struct offers_count, "offer_count", count_fields);
const struct record offers_ranked_record =
    RECORD(struct offers_ranked, "ranked_offer", ranked_fields);
const struct record offers_counter_record =
    RECORD(struct offers_counter, "counter", counter_fields);
const struct record offers_serial_record = RECORD(struct offers_serial, "serial", serial_fields);

static const struct record_field register_compute_fields[] = {
    RECORD_ONE(struct offers_register_compute, terms, &offers_terms_record),
    RECORD_ONE(struct offers_register_compute, compute, &offers_compute_record),
};
static const struct record_field register_storage_fields[] = {
    RECORD_ONE(struct offers_register_storage, terms, &offers_terms_record),
    RECORD_ONE(struct offers_register_storage, storage, &offers_storage_record),
};
static const struct record_field register_connection_fields[] = {
    RECORD_ONE(struct offers_register_connection, terms, &offers_terms_record),
    RECORD_ONE(struct offers_register_connection, connection, &offers_connection_record),
};
static const struct record_field register_data_fields[] = {
    RECORD_ONE(struct offers_register_data, terms, &offers_terms_record),
    RECORD_ONE(struct offers_register_data, data, &offers_data_record),
};
static const struct record_field update_fields[] = {
    RECORD_UINT(struct offers_update, offer),
    RECORD_ONE(struct offers_update, terms, &offers_terms_record),
};
static const struct record_field withdraw_fields[] = {
    RECORD_UINT(struct offers_withdraw, offer),
};
static const struct record_field carry_fields[] = {
    RECORD_BYTES(struct offers_carry, statement, STATEMENT_PAYLOAD_BYTES + 512),
};
const struct record offers_register_compute_record =
    RECORD(struct offers_register_compute, "register_compute", register_compute_fields);
const struct record offers_register_storage_record =
    RECORD(struct offers_register_storage, "register_storage", register_storage_fields);
const struct record offers_register_connection_record =
    RECORD(struct offers_register_connection, "register_connection", register_connection_fields);
const struct record offers_register_data_record =
    RECORD(struct offers_register_data, "register_data", register_data_fields);
const struct record offers_update_record = RECORD(struct offers_update, "update", update_fields);
const struct record offers_withdraw_record =
    RECORD(struct offers_withdraw, "withdraw", withdraw_fields);
const struct record offers_carry_record = RECORD(struct offers_carry, "carry", carry_fields);

/* --- state --- */

bool offers_get(struct view_state *view, uint64_t offer, struct offers_offer *out)
{
    struct path path = path_1("offer/", offer);
    return view_load(view, path_key(&path), &offers_offer_record, out);
}

bool offers_get_compute(struct view_state *view, uint64_t offer, struct offers_compute *out)
{
    struct path path = path_1("compute/", offer);
    return view_load(view, path_key(&path), &offers_compute_record, out);
}

static void put(struct view_state *view, uint64_t id, const struct offers_offer *offer)
{
    struct path path = path_1("offer/", id);
    view_save(view, path_key(&path), &offers_offer_record, offer);
}

static uint64_t count_up(struct view_state *view, const char *word)
{
    struct offers_counter counter = {0};
    (void)view_load(view, bytes_text(word), &offers_counter_record, &counter);
    counter.count++;
    view_save(view, bytes_text(word), &offers_counter_record, &counter);
    return counter.count;
}

/* What the account has of this: `more` or fewer than before; the new count. */
static uint32_t count(struct view_state *view, const char *word, const struct address *account,
                      int more)
{
    struct path path = path_account(word, account);
    struct offers_count count = {0};
    (void)view_load(view, path_key(&path), &offers_count_record, &count);
    count.open = (uint32_t)((int64_t)count.open + more);
    if (more != 0)
        view_save(view, path_key(&path), &offers_count_record, &count);
    return count.open;
}

/* The account's open offers. */
static uint32_t count_open(struct view_state *view, const struct address *provider, int more)
{
    return count(view, "offering/", provider, more);
}

static bool has_room(const struct offers_offer *offer)
{
    return offer->status == OFFERS_LISTED && offer->leased < offer->terms.slots;
}

static struct path rank_path(uint64_t id, const struct offers_offer *offer)
{
    struct path path = path_of("price/");
    path_u8(&path, offer->kind);
    path_u8(&path, offer->profile);
    path_raw(&path, bytes_of(offer->terms.price.be, sizeof(offer->terms.price.be)));
    path_u64(&path, id);
    return path;
}

/* Replaces the offer, and moves its place in the index by price: only listed offers with room are in it. */
static void replace(struct view_state *view, uint64_t id, const struct offers_offer *old,
                    const struct offers_offer *new)
{
    if (old && has_room(old)) {
        struct path path = rank_path(id, old);
        view_delete(view, path_key(&path));
    }
    if (has_room(new)) {
        struct path path = rank_path(id, new);
        struct offers_ranked ranked = {.offer = id};
        view_save(view, path_key(&path), &offers_ranked_record, &ranked);
    }
    put(view, id, new);
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct offers_offer *offer)
{
    struct event_offer event = {
        .offer = id, .provider = offer->provider, .kind = offer->kind, .reason = offer->reason};
    event_add(run->events, tag, &event);
}

static struct credits_place deposit_place(uint64_t id)
{
    return (struct credits_place){.kind = CREDITS_DEPOSIT, .object = id, .part = 0};
}

/* LISTED -> CLOSING or ENDED; CLOSING -> ENDED. */
static void stop(const struct catalog_run *run, uint64_t id, const struct offers_offer *old,
                 enum offers_reason reason)
{
    struct offers_offer offer = *old;
    bool is_over = offer.leased == 0;
    offer.status = is_over ? OFFERS_ENDED : OFFERS_CLOSING;
    offer.reason = (uint8_t)reason;
    if (old->status == OFFERS_LISTED)
        due_set(run->view, DUE_OFFER, id, 0, old->terms.expires_ms, 0);
    replace(run->view, id, old, &offer);
    if (is_over) {
        credits_unlock(run, deposit_place(id));
        count_open(run->view, &offer.provider, -1);
    }
    emit(run, is_over ? EVENT_OFFER_ENDED : EVENT_OFFER_CLOSING, id, &offer);
}

/* --- register --- */

static bool terms_hold(const struct catalog_run *run, const struct offers_terms *terms)
{
    uint64_t now = run->context->time_ms;
    return terms->slots >= 1 && terms->slots <= OFFERS_SLOTS_MAX &&
           terms->from_ms < terms->until_ms && terms->expires_ms > now &&
           terms->expires_ms <= terms->until_ms && terms->expires_ms - now <= OFFERS_LIFE_MS;
}

/* A new offer with its description under `word`. */
static enum verdict add(const struct catalog_run *run, enum offers_kind kind, uint8_t profile,
                        const struct offers_terms *terms, const char *word,
                        const struct record *record, const void *description)
{
    struct parameters parameters;
    if (!terms_hold(run, terms) || !parameters_get(run->view, &parameters))
        return VERDICT_OUT_OF_BOUNDS;
    if (count_open(run->view, run->sender, 0) >= OFFERS_OPEN_MAX)
        return VERDICT_TOO_MANY;
    uint64_t id = count_up(run->view, "offer_count");
    struct amount deposit;
    if (!amount_mul(&deposit, &parameters.offer_deposit, count_open(run->view, run->sender, 1)))
        return VERDICT_OVERFLOW;
    enum verdict verdict = credits_lock(run, deposit_place(id), run->sender, &deposit);
    if (verdict != VERDICT_OK)
        return verdict;

    struct offers_offer offer = {
        .provider = *run->sender,
        .kind = (uint8_t)kind,
        .profile = profile,
        .terms = *terms,
        .status = OFFERS_LISTED,
        .reason = OFFERS_OPEN,
        .listed_ms = run->context->time_ms,
    };
    struct path path = path_1(word, id);
    view_save(run->view, path_key(&path), record, description);
    replace(run->view, id, NULL, &offer);
    due_set(run->view, DUE_OFFER, id, 0, 0, terms->expires_ms);
    emit(run, EVENT_OFFER_LISTED, id, &offer);
    return VERDICT_OK;
}

static enum verdict on_register_compute(const struct catalog_run *run, const void *in)
{
    const struct offers_register_compute *args = in;
    const struct offers_compute *c = &args->compute;
    if (c->profile != OFFERS_PROFILE_F32V1 || c->memory_mib == 0 || c->rate_mmacs == 0 ||
        c->threads == 0)
        return VERDICT_OUT_OF_BOUNDS;
    return add(run, OFFERS_COMPUTE, c->profile, &args->terms, "compute/", &offers_compute_record,
               c);
}

static enum verdict on_register_storage(const struct catalog_run *run, const void *in)
{
    const struct offers_register_storage *args = in;
    if (args->storage.capacity_gib == 0)
        return VERDICT_OUT_OF_BOUNDS;
    return add(run, OFFERS_STORAGE, 0, &args->terms, "storage/", &offers_storage_record,
               &args->storage);
}

static enum verdict on_register_connection(const struct catalog_run *run, const void *in)
{
    const struct offers_register_connection *args = in;
    const struct offers_connection *c = &args->connection;
    if (c->bandwidth_kbps == 0 || bytes_equal(c->site_a, c->site_b))
        return VERDICT_OUT_OF_BOUNDS;
    return add(run, OFFERS_CONNECTION, 0, &args->terms, "connection/", &offers_connection_record,
               c);
}

static enum verdict on_register_data(const struct catalog_run *run, const void *in)
{
    const struct offers_register_data *args = in;
    if (args->data.size == 0 || args->data.samples == 0)
        return VERDICT_OUT_OF_BOUNDS;
    return add(run, OFFERS_DATA, 0, &args->terms, "data/", &offers_data_record, &args->data);
}

/* --- update, withdraw, expiry --- */

/* The sender's own listed offer. */
static enum verdict own_listed(const struct catalog_run *run, uint64_t id,
                               struct offers_offer *offer)
{
    if (!offers_get(run->view, id, offer))
        return VERDICT_NOT_FOUND;
    if (!address_equal(&offer->provider, run->sender))
        return VERDICT_NOT_OWNER;
    return offer->status == OFFERS_LISTED ? VERDICT_OK : VERDICT_WRONG_STATE;
}

static enum verdict on_update(const struct catalog_run *run, const void *in)
{
    const struct offers_update *args = in;
    struct offers_offer old;
    enum verdict verdict = own_listed(run, args->offer, &old);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!terms_hold(run, &args->terms))
        return VERDICT_OUT_OF_BOUNDS;
    if (args->terms.slots < old.leased)
        return VERDICT_IN_USE;
    struct offers_offer offer = old;
    offer.terms = args->terms;
    due_set(run->view, DUE_OFFER, args->offer, 0, old.terms.expires_ms, offer.terms.expires_ms);
    replace(run->view, args->offer, &old, &offer);
    emit(run, EVENT_OFFER_UPDATED, args->offer, &offer);
    return VERDICT_OK;
}

static enum verdict on_withdraw(const struct catalog_run *run, const void *in)
{
    const struct offers_withdraw *args = in;
    struct offers_offer offer;
    enum verdict verdict = own_listed(run, args->offer, &offer);
    if (verdict == VERDICT_OK)
        stop(run, args->offer, &offer, OFFERS_WITHDRAWN);
    return verdict;
}

void offers_due(const struct catalog_run *run, uint64_t id)
{
    struct offers_offer offer;
    if (offers_get(run->view, id, &offer) && offer.status == OFFERS_LISTED)
        stop(run, id, &offer, OFFERS_EXPIRED);
}

void offers_lease(const struct catalog_run *run, uint64_t id)
{
    struct offers_offer old;
    if (!offers_get(run->view, id, &old)) {
        CHECK(run->view->err != ERR_NONE);
        return;
    }
    CHECK(has_room(&old));
    struct offers_offer offer = old;
    offer.leased++;
    replace(run->view, id, &old, &offer);
}

void offers_return(const struct catalog_run *run, uint64_t id)
{
    struct offers_offer old;
    if (!offers_get(run->view, id, &old)) {
        CHECK(run->view->err != ERR_NONE);
        return;
    }
    CHECK(old.leased > 0);
    struct offers_offer offer = old;
    offer.leased--;
    replace(run->view, id, &old, &offer);
    if (offer.status == OFFERS_CLOSING && offer.leased == 0)
        stop(run, id, &offer, (enum offers_reason)offer.reason);
}

/* --- statements --- */

static enum verdict statement_says(enum statement_verdict verdict)
{
    switch (verdict) {
    case STATEMENT_OK:
        return VERDICT_OK;
    case STATEMENT_MALFORMED:
    case STATEMENT_WRONG_VERSION:
        return VERDICT_BAD_ARGUMENTS;
    case STATEMENT_WRONG_CHAIN:
    case STATEMENT_BAD_SIGNATURE:
        return VERDICT_BAD_SIGNATURE;
    case STATEMENT_EXPIRED:
        return VERDICT_EXPIRED;
    }
    return VERDICT_BAD_ARGUMENTS;
}

/* Notes (signer, serial) as used until the statement is worth nothing any more. */
static enum verdict use_serial(const struct catalog_run *run, const struct address *signer,
                               const struct statement_body *body)
{
    struct path path = path_account("statement/", signer);
    path_u64(&path, body->serial);
    struct offers_serial serial;
    if (view_load(run->view, path_key(&path), &offers_serial_record, &serial))
        return VERDICT_SERIAL_USED;
    if (count(run->view, "signing/", signer, 1) > OFFERS_SERIALS_MAX)
        return VERDICT_TOO_MANY;
    serial = (struct offers_serial){
        .signer = *signer, .serial = body->serial, .expires_ms = body->expiry_ms};
    view_save(run->view, path_key(&path), &offers_serial_record, &serial);

    uint64_t number = count_up(run->view, "statement_count");
    struct path by_number = path_1("serial/", number);
    view_save(run->view, path_key(&by_number), &offers_serial_record, &serial);
    due_set(run->view, DUE_STATEMENT, number, 0, 0, body->expiry_ms + 1);
    struct event_serial event = {.signer = *signer, .serial = body->serial};
    event_add(run->events, EVENT_STATEMENT_USED, &event);
    return VERDICT_OK;
}

void offers_forget(const struct catalog_run *run, uint64_t number)
{
    struct path by_number = path_1("serial/", number);
    struct offers_serial serial;
    if (!view_load(run->view, path_key(&by_number), &offers_serial_record, &serial))
        return;
    struct path path = path_account("statement/", &serial.signer);
    path_u64(&path, serial.serial);
    view_delete(run->view, path_key(&path));
    view_delete(run->view, path_key(&by_number));
    (void)count(run->view, "signing/", &serial.signer, -1);
    struct event_serial event = {.signer = serial.signer, .serial = serial.serial};
    event_add(run->events, EVENT_STATEMENT_FORGOTTEN, &event);
}

static enum verdict on_carry(const struct catalog_run *run, const void *in)
{
    const struct offers_carry *args = in;
    uint64_t now = run->context->time_ms;
    struct statement statement;
    enum verdict verdict = statement_says(
        statement_check(run->view->arena, &statement, args->statement, &run->context->chain, now));
    if (verdict != VERDICT_OK)
        return verdict;
    const struct statement_body *body = &statement.body;
    uint8_t number = (uint8_t)(body->kind & 0xff);
    if (body->kind >> 8 != CATALOG_OFFERS || number == OFFERS_CARRY ||
        body->expiry_ms - now > OFFERS_LIFE_MS)
        return VERDICT_OUT_OF_BOUNDS;
    const struct catalog_method *method = catalog_method(CATALOG_OFFERS, number);
    if (!method)
        return VERDICT_NO_METHOD;

    struct address signer = address_of(&body->signer);
    struct members_account account;
    if (!members_get(run->view, &signer, &account))
        return VERDICT_NO_ACCOUNT;
    if (account.revoked)
        return VERDICT_REVOKED;
    if ((account.roles & method->roles) == 0)
        return VERDICT_NOT_PERMITTED;
    verdict = use_serial(run, &signer, body);
    if (verdict != VERDICT_OK)
        return verdict;
    void *inner = arena_alloc(run->view->arena, method->args->size);
    if (!inner ||
        record_unpack(run->view->arena, method->args, inner, body->payload, NULL) != ERR_NONE)
        return VERDICT_BAD_ARGUMENTS;
    struct catalog_run as_signer = *run;
    as_signer.sender = &signer;
    return method->run(&as_signer, inner);
}

const struct catalog_method offers_methods[OFFERS_METHOD_COUNT] = {
    {OFFERS_REGISTER_COMPUTE, "register_compute", &offers_register_compute_record,
     MEMBERS_ROLE_PROVIDER, on_register_compute},
    {OFFERS_REGISTER_STORAGE, "register_storage", &offers_register_storage_record,
     MEMBERS_ROLE_PROVIDER, on_register_storage},
    {OFFERS_REGISTER_CONNECTION, "register_connection", &offers_register_connection_record,
     MEMBERS_ROLE_PROVIDER, on_register_connection},
    {OFFERS_REGISTER_DATA, "register_data", &offers_register_data_record, MEMBERS_ROLE_PROVIDER,
     on_register_data},
    {OFFERS_UPDATE, "update", &offers_update_record, MEMBERS_ROLE_PROVIDER, on_update},
    {OFFERS_WITHDRAW, "withdraw", &offers_withdraw_record, MEMBERS_ROLE_PROVIDER, on_withdraw},
    {OFFERS_CARRY, "carry", &offers_carry_record, 0, on_carry},
};
