#include "contracts/governance.h"

#include "contracts/beacon.h"
#include "contracts/credits.h"
#include "contracts/due.h"
#include "contracts/members.h"
#include "contracts/path.h"
#include "contracts/seats.h"

static const struct record_field proposal_fields[] = {
    RECORD_UINT(struct governance_proposal, kind),
    RECORD_UINT(struct governance_proposal, status),
    RECORD_FIXED(struct governance_proposal, proposer, RECORD_AS_ADDRESS),
    RECORD_FIXED(struct governance_proposal, account, RECORD_AS_ADDRESS),
    RECORD_AMOUNT(struct governance_proposal, amount),
    RECORD_UINT(struct governance_proposal, roles),
    RECORD_UINT(struct governance_proposal, yes),
    RECORD_UINT(struct governance_proposal, no),
    RECORD_UINT(struct governance_proposal, expires_ms),
    RECORD_UINT(struct governance_proposal, verdict),
};
static const struct record_field ballot_fields[] = {
    RECORD_BOOL(struct governance_ballot, yes),
};
static const struct record_field counter_fields[] = {
    RECORD_UINT(struct governance_counter, count),
    RECORD_UINT(struct governance_counter, open),
};
static const struct record_field money_fields[] = {
    RECORD_FIXED(struct governance_money, account, RECORD_AS_ADDRESS),
    RECORD_AMOUNT(struct governance_money, amount),
};
static const struct record_field roles_fields[] = {
    RECORD_FIXED(struct governance_roles, account, RECORD_AS_ADDRESS),
    RECORD_UINT(struct governance_roles, roles),
};
static const struct record_field vote_fields[] = {
    RECORD_UINT(struct governance_vote, proposal),
    RECORD_BOOL(struct governance_vote, yes),
};
static const struct record_field upgrade_fields[] = {
    RECORD_UINT(struct governance_upgrade, height),
    RECORD_UINT(struct governance_upgrade, version),
    RECORD_UINT(struct governance_upgrade, before),
};
const struct record governance_upgrade_record =
    RECORD(struct governance_upgrade, "upgrade", upgrade_fields);
const struct record governance_proposal_record =
    RECORD(struct governance_proposal, "proposal", proposal_fields);
const struct record governance_ballot_record =
    RECORD(struct governance_ballot, "ballot", ballot_fields);
const struct record governance_counter_record =
    RECORD(struct governance_counter, "proposal_counter", counter_fields);
const struct record governance_money_record =
    RECORD(struct governance_money, "propose_money", money_fields);
const struct record governance_roles_record =
    RECORD(struct governance_roles, "propose_roles", roles_fields);
const struct record governance_vote_record = RECORD(struct governance_vote, "vote", vote_fields);

static bool get(struct view_state *view, uint64_t id, struct governance_proposal *proposal)
{
    struct path path = path_1("proposal/", id);
    return view_load(view, path_key(&path), &governance_proposal_record, proposal);
}

static void put(struct view_state *view, uint64_t id, const struct governance_proposal *proposal)
{
    struct path path = path_1("proposal/", id);
    view_save(view, path_key(&path), &governance_proposal_record, proposal);
}

static struct governance_counter counter_get(struct view_state *view)
{
    struct governance_counter counter = {0};
    (void)view_load(view, bytes_text("proposal_count"), &governance_counter_record, &counter);
    return counter;
}

static void counter_put(struct view_state *view, const struct governance_counter *counter)
{
    view_save(view, bytes_text("proposal_count"), &governance_counter_record, counter);
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct governance_proposal *proposal, bool yes)
{
    struct event_proposal event = {
        .proposal = id,
        .account = *run->sender,
        .kind = proposal->kind,
        .status = proposal->status,
        .yes = yes,
    };
    event_add(run->events, tag, &event);
}

/* --- deciding --- */

static enum verdict change_parameters(const struct catalog_run *run, uint64_t id,
                                      const struct governance_proposal *proposal)
{
    struct path path = path_1("proposed/", id);
    struct parameters parameters;
    if (!view_load(run->view, path_key(&path), &parameters_record, &parameters))
        return VERDICT_NOT_FOUND;
    enum verdict verdict = beacon_change(run, parameters.epoch_ms);
    if (verdict != VERDICT_OK)
        return verdict;
    parameters_put(run->view, &parameters);
    emit(run, EVENT_PARAMETERS_CHANGED, id, proposal, true);
    return VERDICT_OK;
}

uint8_t governance_version(struct view_state *view, struct height height)
{
    struct governance_upgrade upgrade;
    if (!view_load(view, bytes_text("upgrade"), &governance_upgrade_record, &upgrade))
        return view->err ? 0 : 1;
    return height.n > upgrade.height ? upgrade.version : upgrade.before;
}

static enum verdict check_upgrade(const struct catalog_run *run,
                                  const struct governance_upgrade *upgrade)
{
    uint8_t now = governance_version(run->view, run->context->height);
    if (upgrade->before != 0 || now == UINT8_MAX || upgrade->version != now + 1)
        return VERDICT_OUT_OF_BOUNDS;
    return upgrade->height < run->context->height.n ? VERDICT_TOO_LATE : VERDICT_OK;
}

static enum verdict upgrade(const struct catalog_run *run, uint64_t id)
{
    struct path path = path_1("upgrading/", id);
    struct governance_upgrade upgrade;
    if (!view_load(run->view, path_key(&path), &governance_upgrade_record, &upgrade))
        return VERDICT_NOT_FOUND;
    enum verdict verdict = check_upgrade(run, &upgrade);
    if (verdict != VERDICT_OK)
        return verdict;
    upgrade.before = governance_version(run->view, run->context->height);
    view_save(run->view, bytes_text("upgrade"), &governance_upgrade_record, &upgrade);
    struct event_upgrade event = {.height = upgrade.height, .version = upgrade.version};
    event_add(run->events, EVENT_UPGRADE_DECIDED, &event);
    return VERDICT_OK;
}

static enum verdict change_seats(const struct catalog_run *run, enum governance_kind kind,
                                 const struct seats_change *change)
{
    switch (kind) {
    case GOVERNANCE_ADD:
        return seats_add(run, change);
    case GOVERNANCE_REMOVE:
        return seats_remove(run, change);
    case GOVERNANCE_REPLACE:
        return seats_replace(run, change);
    case GOVERNANCE_MINT:
    case GOVERNANCE_BURN:
    case GOVERNANCE_SPEND:
    case GOVERNANCE_ROLES:
    case GOVERNANCE_PARAMETERS:
    case GOVERNANCE_UPGRADE:
        break;
    }
    return VERDICT_NOT_FOUND;
}

static enum verdict change_candidate(const struct catalog_run *run, uint64_t id,
                                     enum governance_kind kind)
{
    struct path path = path_1("candidate/", id);
    struct seats_change change;
    if (!view_load(run->view, path_key(&path), &seats_change_record, &change))
        return VERDICT_NOT_FOUND;
    return change_seats(run, kind, &change);
}

static enum verdict carry_out(const struct catalog_run *run, uint64_t id,
                              const struct governance_proposal *proposal)
{
    switch ((enum governance_kind)proposal->kind) {
    case GOVERNANCE_MINT:
        return credits_mint(run, &proposal->account, &proposal->amount);
    case GOVERNANCE_BURN:
        return credits_burn(run, &proposal->amount);
    case GOVERNANCE_SPEND:
        return credits_spend(run, &proposal->account, &proposal->amount);
    case GOVERNANCE_ROLES:
        return members_give_roles(run, &proposal->account, proposal->roles);
    case GOVERNANCE_PARAMETERS:
        return change_parameters(run, id, proposal);
    case GOVERNANCE_ADD:
    case GOVERNANCE_REMOVE:
    case GOVERNANCE_REPLACE:
        return change_candidate(run, id, (enum governance_kind)proposal->kind);
    case GOVERNANCE_UPGRADE:
        return upgrade(run, id);
    }
    return VERDICT_NOT_FOUND;
}

/* OPEN -> `status`: the timer stops and the proposal no longer counts as open. */
static void end(const struct catalog_run *run, uint64_t id, struct governance_proposal *proposal,
                enum governance_status status)
{
    struct governance_counter counter = counter_get(run->view);
    counter.open--;
    counter_put(run->view, &counter);
    due_set(run->view, DUE_PROPOSAL, id, 0, proposal->expires_ms, 0);
    struct path path = path_1("candidate/", id);
    view_delete(run->view, path_key(&path));
    proposal->status = (uint8_t)status;
    put(run->view, id, proposal);
    emit(run, EVENT_DECIDED, id, proposal, status == GOVERNANCE_PASSED);
}

/* Counts one vote, and carries the proposal out when it is decided. An action that can't be done leaves nothing behind; one that only
 * comes TOO_SOON is no reason to fail: the vote is refused, so that it can be cast in the next block. */
static enum verdict count_vote(const struct catalog_run *run, uint64_t id,
                               struct governance_proposal *proposal, bool yes)
{
    struct path path = path_1("ballot/", id);
    path_address(&path, run->sender);
    struct governance_ballot ballot = {.yes = yes};
    view_save(run->view, path_key(&path), &governance_ballot_record, &ballot);
    *(yes ? &proposal->yes : &proposal->no) += 1;
    put(run->view, id, proposal);
    emit(run, EVENT_VOTED, id, proposal, yes);

    uint64_t operators = members_operator_count(run->view);
    if (2ull * proposal->yes > operators) {
        size_t savepoint = view_begin(run->view);
        uint32_t events = run->events->count;
        enum verdict verdict = carry_out(run, id, proposal);
        if (verdict == VERDICT_OK) {
            view_keep(run->view, savepoint);
        } else {
            view_undo(run->view, savepoint);
            event_undo(run->events, events);
        }
        if (verdict == VERDICT_TOO_SOON)
            return verdict;
        proposal->verdict = (uint16_t)verdict;
        end(run, id, proposal, verdict == VERDICT_OK ? GOVERNANCE_PASSED : GOVERNANCE_FAILED);
    } else if (2ull * proposal->no >= operators) {
        end(run, id, proposal, GOVERNANCE_FAILED);
    }
    return VERDICT_OK;
}

/* --- proposing --- */

/* `subject` is of the record `kind_of`, to be kept under `word`; NULL: none. */
static enum verdict propose(const struct catalog_run *run, struct governance_proposal *proposal,
                            const char *word, const struct record *kind_of, const void *subject)
{
    struct parameters parameters;
    struct governance_counter counter = counter_get(run->view);
    if (counter.open >= GOVERNANCE_OPEN_MAX || !parameters_get(run->view, &parameters))
        return VERDICT_TOO_MANY;
    counter.count++;
    counter.open++;
    counter_put(run->view, &counter);
    uint64_t id = counter.count;
    if (subject) {
        struct path path = path_1(word, id);
        view_save(run->view, path_key(&path), kind_of, subject);
    }
    proposal->status = GOVERNANCE_OPEN;
    proposal->proposer = *run->sender;
    proposal->expires_ms = run->context->time_ms + parameters.proposal_ms;
    put(run->view, id, proposal);
    due_set(run->view, DUE_PROPOSAL, id, 0, 0, proposal->expires_ms);
    emit(run, EVENT_PROPOSED, id, proposal, true);
    return count_vote(run, id, proposal, true);
}

static enum verdict propose_money(const struct catalog_run *run,
                                  const struct governance_money *args, enum governance_kind kind)
{
    struct members_account account;
    if (units_amount_is_zero(&args->amount))
        return VERDICT_OUT_OF_BOUNDS;
    if (kind == GOVERNANCE_BURN) {
        if (!address_equal(&args->account, &address_zero))
            return VERDICT_OUT_OF_BOUNDS;
    } else if (!members_get(run->view, &args->account, &account)) {
        return VERDICT_NO_ACCOUNT;
    }
    struct governance_proposal proposal = {
        .kind = (uint8_t)kind, .account = args->account, .amount = args->amount};
    return propose(run, &proposal, NULL, NULL, NULL);
}

static enum verdict on_propose_mint(const struct catalog_run *run, const void *in)
{
    return propose_money(run, in, GOVERNANCE_MINT);
}

static enum verdict on_propose_burn(const struct catalog_run *run, const void *in)
{
    return propose_money(run, in, GOVERNANCE_BURN);
}

static enum verdict on_propose_spend(const struct catalog_run *run, const void *in)
{
    return propose_money(run, in, GOVERNANCE_SPEND);
}

static enum verdict on_propose_roles(const struct catalog_run *run, const void *in)
{
    const struct governance_roles *args = in;
    struct members_account account;
    if (args->roles & ~MEMBERS_ROLES_ALL)
        return VERDICT_OUT_OF_BOUNDS;
    if (!members_get(run->view, &args->account, &account))
        return VERDICT_NO_ACCOUNT;
    struct governance_proposal proposal = {
        .kind = GOVERNANCE_ROLES, .account = args->account, .roles = args->roles};
    return propose(run, &proposal, NULL, NULL, NULL);
}

static enum verdict on_propose_parameters(const struct catalog_run *run, const void *in)
{
    const struct parameters *args = in;
    if (!parameters_check(args))
        return VERDICT_OUT_OF_BOUNDS;
    struct governance_proposal proposal = {.kind = GOVERNANCE_PARAMETERS};
    return propose(run, &proposal, "proposed/", &parameters_record, args);
}

/* What could not be carried out now is refused: it is tried, and undone. */
static enum verdict propose_seats(const struct catalog_run *run, const struct seats_change *args,
                                  enum governance_kind kind)
{
    size_t savepoint = view_begin(run->view);
    uint32_t events = run->events->count;
    enum verdict verdict = change_seats(run, kind, args);
    view_undo(run->view, savepoint);
    event_undo(run->events, events);
    if (verdict != VERDICT_OK)
        return verdict;
    struct governance_proposal proposal = {.kind = (uint8_t)kind, .account = args->replayer};
    return propose(run, &proposal, "candidate/", &seats_change_record, args);
}

static enum verdict on_propose_add(const struct catalog_run *run, const void *in)
{
    return propose_seats(run, in, GOVERNANCE_ADD);
}

static enum verdict on_propose_remove(const struct catalog_run *run, const void *in)
{
    return propose_seats(run, in, GOVERNANCE_REMOVE);
}

static enum verdict on_propose_replace(const struct catalog_run *run, const void *in)
{
    return propose_seats(run, in, GOVERNANCE_REPLACE);
}

static enum verdict on_propose_upgrade(const struct catalog_run *run, const void *in)
{
    const struct governance_upgrade *args = in;
    enum verdict verdict = check_upgrade(run, args);
    if (verdict != VERDICT_OK)
        return verdict;
    struct governance_proposal proposal = {.kind = GOVERNANCE_UPGRADE};
    return propose(run, &proposal, "upgrading/", &governance_upgrade_record, args);
}

static enum verdict on_vote(const struct catalog_run *run, const void *in)
{
    const struct governance_vote *args = in;
    struct governance_proposal proposal;
    struct governance_ballot ballot;
    if (!get(run->view, args->proposal, &proposal))
        return VERDICT_NOT_FOUND;
    if (proposal.status != GOVERNANCE_OPEN)
        return VERDICT_WRONG_STATE;
    struct path path = path_1("ballot/", args->proposal);
    path_address(&path, run->sender);
    if (view_load(run->view, path_key(&path), &governance_ballot_record, &ballot))
        return VERDICT_ALREADY_DONE;
    return count_vote(run, args->proposal, &proposal, args->yes);
}

void governance_due(const struct catalog_run *run, uint64_t id)
{
    struct governance_proposal proposal;
    if (get(run->view, id, &proposal) && proposal.status == GOVERNANCE_OPEN)
        end(run, id, &proposal, GOVERNANCE_EXPIRED);
}

const struct catalog_method governance_methods[GOVERNANCE_METHOD_COUNT] = {
    {GOVERNANCE_PROPOSE_MINT, "propose_mint", &governance_money_record, MEMBERS_ROLE_OPERATOR,
     on_propose_mint},
    {GOVERNANCE_PROPOSE_BURN, "propose_burn", &governance_money_record, MEMBERS_ROLE_OPERATOR,
     on_propose_burn},
    {GOVERNANCE_PROPOSE_SPEND, "propose_spend", &governance_money_record, MEMBERS_ROLE_OPERATOR,
     on_propose_spend},
    {GOVERNANCE_PROPOSE_ROLES, "propose_roles", &governance_roles_record, MEMBERS_ROLE_OPERATOR,
     on_propose_roles},
    {GOVERNANCE_PROPOSE_PARAMETERS, "propose_parameters", &parameters_record, MEMBERS_ROLE_OPERATOR,
     on_propose_parameters},
    {GOVERNANCE_VOTE, "vote", &governance_vote_record, MEMBERS_ROLE_OPERATOR, on_vote},
    {GOVERNANCE_PROPOSE_ADD, "propose_add_validator", &seats_change_record, MEMBERS_ROLE_OPERATOR,
     on_propose_add},
    {GOVERNANCE_PROPOSE_REMOVE, "propose_remove_validator", &seats_change_record,
     MEMBERS_ROLE_OPERATOR, on_propose_remove},
    {GOVERNANCE_PROPOSE_REPLACE, "propose_replace_validator", &seats_change_record,
     MEMBERS_ROLE_OPERATOR, on_propose_replace},
    {GOVERNANCE_PROPOSE_UPGRADE, "propose_upgrade", &governance_upgrade_record,
     MEMBERS_ROLE_OPERATOR, on_propose_upgrade},
};
