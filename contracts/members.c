#include "contracts/members.h"

#include "base/check.h"
#include "contracts/path.h"

static const struct record_field account_fields[] = {
    RECORD_FIXED(struct members_account, public_key, RECORD_AS_HEX),
    RECORD_TEXT(struct members_account, name, LIMIT_TEXT_BYTES),
    RECORD_TEXT(struct members_account, organisation, LIMIT_TEXT_BYTES),
    RECORD_UINT_MAX(struct members_account, roles, MEMBERS_ROLES_ALL),
    RECORD_BOOL(struct members_account, revoked),
    RECORD_UINT(struct members_account, nonce),
    RECORD_AMOUNT(struct members_account, balance),
};
static const struct record_field operators_fields[] = {
    RECORD_UINT(struct members_operators, count),
};
static const struct record_field register_fields[] = {
    RECORD_FIXED(struct members_register, public_key, RECORD_AS_HEX),
    RECORD_TEXT(struct members_register, name, LIMIT_TEXT_BYTES),
    RECORD_TEXT(struct members_register, organisation, LIMIT_TEXT_BYTES),
    RECORD_UINT(struct members_register, roles),
};
static const struct record_field set_roles_fields[] = {
    RECORD_FIXED(struct members_set_roles, address, RECORD_AS_ADDRESS),
    RECORD_UINT(struct members_set_roles, roles),
};
static const struct record_field subject_fields[] = {
    RECORD_FIXED(struct members_subject, address, RECORD_AS_ADDRESS),
};

const struct record members_account_record =
    RECORD(struct members_account, "account", account_fields);
const struct record members_operators_record =
    RECORD(struct members_operators, "operators", operators_fields);
const struct record members_register_record =
    RECORD(struct members_register, "register", register_fields);
const struct record members_set_roles_record =
    RECORD(struct members_set_roles, "set_roles", set_roles_fields);
const struct record members_subject_record =
    RECORD(struct members_subject, "subject", subject_fields);

bool members_get(struct view_state *view, const struct address *address,
                 struct members_account *account)
{
    struct path path = path_account("account/", address);
    return view_load(view, path_key(&path), &members_account_record, account);
}

void members_put(struct view_state *view, const struct address *address,
                 const struct members_account *account)
{
    struct path path = path_account("account/", address);
    view_save(view, path_key(&path), &members_account_record, account);
}

void members_nonce_use(struct view_state *view, const struct address *address)
{
    struct members_account account;
    if (!members_get(view, address, &account)) {
        CHECK(view->err != ERR_NONE);
        return;
    }
    account.nonce++;
    members_put(view, address, &account);
}

bool members_is(struct view_state *view, const struct address *address, uint32_t roles)
{
    struct members_account account;
    return members_get(view, address, &account) && !account.revoked &&
           (account.roles & roles) == roles;
}

static void emit(const struct catalog_run *run, enum event_tag tag, const struct address *address,
                 uint32_t roles)
{
    struct event_member event = {.account = *address, .roles = roles};
    event_add(run->events, tag, &event);
}

static void operators_change(struct view_state *view, uint32_t before, uint32_t after)
{
    bool was = before & MEMBERS_ROLE_OPERATOR, is = after & MEMBERS_ROLE_OPERATOR;
    if (was == is)
        return;
    struct members_operators operators = {0};
    (void)view_load(view, bytes_text("operators"), &members_operators_record, &operators);
    operators.count = is ? operators.count + 1 : operators.count - 1;
    view_save(view, bytes_text("operators"), &members_operators_record, &operators);
}

uint32_t members_operator_count(struct view_state *view)
{
    struct members_operators operators = {0};
    (void)view_load(view, bytes_text("operators"), &members_operators_record, &operators);
    return operators.count;
}

enum verdict members_add(const struct catalog_run *run, const struct members_register *args)
{
    if (!sign_public_is_valid(&args->public_key))
        return VERDICT_BAD_KEY;
    struct address address = address_of(&args->public_key);
    struct members_account account;
    if (members_get(run->view, &address, &account))
        return VERDICT_ACCOUNT_EXISTS;
    account = (struct members_account){
        .public_key = args->public_key,
        .name = args->name,
        .organisation = args->organisation,
        .roles = args->roles,
    };
    members_put(run->view, &address, &account);
    operators_change(run->view, 0, args->roles);
    emit(run, EVENT_MEMBER_REGISTERED, &address, args->roles);
    return VERDICT_OK;
}

enum verdict members_give_roles(const struct catalog_run *run, const struct address *address,
                                uint32_t roles)
{
    struct members_account account;
    if (roles & ~MEMBERS_ROLES_ALL)
        return VERDICT_OUT_OF_BOUNDS;
    if (!members_get(run->view, address, &account))
        return VERDICT_NO_ACCOUNT;
    if (account.roles == roles)
        return VERDICT_NOTHING_TO_DO;
    bool loses = (account.roles & ~roles) & MEMBERS_ROLE_OPERATOR;
    if (loses && members_operator_count(run->view) <= 1)
        return VERDICT_NOT_PERMITTED;
    operators_change(run->view, account.roles, roles);
    account.roles = roles;
    members_put(run->view, address, &account);
    emit(run, EVENT_MEMBER_ROLES, address, roles);
    return VERDICT_OK;
}

/* --- methods --- */

static enum verdict on_register(const struct catalog_run *run, const void *in)
{
    const struct members_register *args = in;
    if ((args->roles & ~MEMBERS_ROLES_ALL) || (args->roles & MEMBERS_ROLE_OPERATOR))
        return VERDICT_OUT_OF_BOUNDS;
    return members_add(run, args);
}

static enum verdict on_set_roles(const struct catalog_run *run, const void *in)
{
    const struct members_set_roles *args = in;
    struct members_account account;
    if (!members_get(run->view, &args->address, &account))
        return VERDICT_NO_ACCOUNT;
    if ((account.roles ^ args->roles) & MEMBERS_ROLE_OPERATOR)
        return VERDICT_OUT_OF_BOUNDS;
    return members_give_roles(run, &args->address, args->roles);
}

static enum verdict change_revoked(const struct catalog_run *run, const struct address *address,
                                   bool revoked)
{
    struct members_account account;
    if (!members_get(run->view, address, &account))
        return VERDICT_NO_ACCOUNT;
    if (account.revoked == revoked)
        return VERDICT_WRONG_STATE;
    if (account.roles & MEMBERS_ROLE_OPERATOR)
        return VERDICT_NOT_PERMITTED;
    account.revoked = revoked;
    members_put(run->view, address, &account);
    emit(run, revoked ? EVENT_MEMBER_REVOKED : EVENT_MEMBER_RESTORED, address, account.roles);
    return VERDICT_OK;
}

static enum verdict on_revoke(const struct catalog_run *run, const void *in)
{
    const struct members_subject *args = in;
    return change_revoked(run, &args->address, true);
}

static enum verdict on_restore(const struct catalog_run *run, const void *in)
{
    const struct members_subject *args = in;
    return change_revoked(run, &args->address, false);
}

const struct catalog_method members_methods[MEMBERS_METHOD_COUNT] = {
    {MEMBERS_REGISTER, "register", &members_register_record, MEMBERS_ROLE_OPERATOR, on_register},
    {MEMBERS_SET_ROLES, "set_roles", &members_set_roles_record, MEMBERS_ROLE_OPERATOR,
     on_set_roles},
    {MEMBERS_REVOKE, "revoke", &members_subject_record, MEMBERS_ROLE_OPERATOR, on_revoke},
    {MEMBERS_RESTORE, "restore", &members_subject_record, MEMBERS_ROLE_OPERATOR, on_restore},
};
