#include "contracts/catalog.h"

#include <inttypes.h>
#include <string.h>

#include "contracts/beacon.h"
#include "contracts/conviction.h"
#include "contracts/challenge.h"
#include "contracts/credits.h"
#include "contracts/due.h"
#include "contracts/governance.h"
#include "contracts/jobs.h"
#include "contracts/leases.h"
#include "contracts/load.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/parameters.h"
#include "contracts/schedule.h"
#include "contracts/seats.h"
#include "contracts/validator.h"

const struct catalog_entry catalog_contracts[] = {
    {CATALOG_MEMBERS, "members", members_methods, MEMBERS_METHOD_COUNT},
    {CATALOG_CREDITS, "credits", credits_methods, CREDITS_METHOD_COUNT},
    {CATALOG_OFFERS, "offers", offers_methods, OFFERS_METHOD_COUNT},
    {CATALOG_JOBS, "jobs", jobs_methods, JOBS_METHOD_COUNT},
    {CATALOG_BEACON, "beacon", beacon_methods, BEACON_METHOD_COUNT},
    {CATALOG_GOVERNANCE, "governance", governance_methods, GOVERNANCE_METHOD_COUNT},
    {CATALOG_EVIDENCE, "evidence", conviction_methods, CONVICTION_METHOD_COUNT},
    {CATALOG_CHALLENGES, "challenges", challenge_methods, CHALLENGE_METHOD_COUNT},
};
const uint32_t catalog_contract_count = sizeof(catalog_contracts) / sizeof(catalog_contracts[0]);

const struct catalog_state catalog_states[] = {
    {"account/", "address", &members_account_record},
    {"operators", "", &members_operators_record},
    {"lock/", "u8 u64 u32", &credits_lock_record},
    {"treasury", "", &credits_treasury_record},
    {"supply", "", &credits_supply_record},
    {"due/", "u64 u8 u64 u32", &due_record},
    {"due_match/", "u64 u8 u64 u32", &due_record},
    {"due_statement/", "u64 u8 u64 u32", &due_record},
    {"parameters", "", &parameters_record},
    {"validators", "", &validator_set_record},
    {"validator/", "u8", &validator_record},
    {"set/", "digest", &validator_set_record},
    {"offer/", "u64", &offers_offer_record},
    {"compute/", "u64", &offers_compute_record},
    {"storage/", "u64", &offers_storage_record},
    {"connection/", "u64", &offers_connection_record},
    {"data/", "u64", &offers_data_record},
    {"offering/", "address", &offers_count_record},
    {"price/", "u8 u8 amount u64", &offers_ranked_record},
    {"offer_count", "", &offers_counter_record},
    {"statement/", "address u64", &offers_serial_record},
    {"signing/", "address", &offers_count_record},
    {"serial/", "u64", &offers_serial_record},
    {"statement_count", "", &offers_counter_record},
    {"lease/", "u64", &leases_lease_record},
    {"item/", "u64 u32", &leases_item_record},
    {"lease_count", "", &leases_counter_record},
    {"search/", "u64 u16", &schedule_search_record},
    {"open/", "u64", &jobs_open_record},
    {"ordering/", "address", &jobs_count_record},
    {"load/", "address", &load_total_record},
    {"load_job/", "address u64", &load_job_record},
    {"job/", "u64", &jobs_job_record},
    {"progress/", "u64", &jobs_progress_record},
    {"slot/", "u64 u16", &jobs_slot_record},
    {"trace/", "u64 u16", &jobs_trace_record},
    {"served/", "u64 u16", &jobs_served_record},
    {"audit/", "u64 u16 u8", &jobs_audit_record},
    {"vote/", "u64 u16 u8", &jobs_vote_record},
    {"ballot_close/", "u64 u8", &jobs_ballot_record},
    {"round/", "u64 u32", &jobs_round_record},
    {"result/", "u64 u32 u16 u16", &jobs_result_record},
    {"job_count", "", &jobs_counter_record},
    {"challenge/", "u64", &challenge_open_record},
    {"challenged/", "u64 u32 u16 u16 u16", &challenge_record},
    {"ruling/", "u64 u8", &jobs_vote_record},
    {"challenge_count", "", &challenge_counter_record},
    {"reveal/", "u8 u8", &beacon_reveal_kept_record},
    {"clock", "", &beacon_clock_record},
    {"proposal/", "u64", &governance_proposal_record},
    {"proposed/", "u64", &parameters_record},
    {"ballot/", "u64 address", &governance_ballot_record},
    {"candidate/", "u64", &seats_change_record},
    {"upgrading/", "u64", &governance_upgrade_record},
    {"upgrade", "", &governance_upgrade_record},
    {"proposal_count", "", &governance_counter_record},
};
const uint32_t catalog_state_count = sizeof(catalog_states) / sizeof(catalog_states[0]);

const struct catalog_entry *catalog_contract(uint8_t number)
{
    for (uint32_t i = 0; i < catalog_contract_count; i++)
        if (catalog_contracts[i].number == number)
            return &catalog_contracts[i];
    return NULL;
}

const struct catalog_method *catalog_method(uint8_t contract, uint8_t method)
{
    const struct catalog_entry *entry = catalog_contract(contract);
    for (uint32_t i = 0; entry && i < entry->method_count; i++)
        if (entry->methods[i].number == method)
            return &entry->methods[i];
    return NULL;
}

const struct catalog_method *catalog_find(const char *contract, const char *method,
                                          uint8_t *contract_number)
{
    for (uint32_t i = 0; i < catalog_contract_count; i++) {
        const struct catalog_entry *entry = &catalog_contracts[i];
        if (strcmp(entry->name, contract) != 0)
            continue;
        for (uint32_t j = 0; j < entry->method_count; j++)
            if (strcmp(entry->methods[j].name, method) == 0) {
                *contract_number = entry->number;
                return &entry->methods[j];
            }
    }
    return NULL;
}

const struct catalog_state *catalog_state(struct bytes key)
{
    for (uint32_t i = 0; i < catalog_state_count; i++) {
        struct bytes word = bytes_text(catalog_states[i].word);
        bool is_single = catalog_states[i].key[0] == 0;
        if (is_single ? bytes_equal(key, word) : bytes_begins(key, word))
            return &catalog_states[i];
    }
    return NULL;
}

/* --- keys as text --- */

static void hex_text(struct text *text, struct bytes raw)
{
    char hex[2 * LIMIT_KEY_BYTES + 1];
    bytes_to_hex(hex, raw);
    text_add(text, "%s", hex);
}

/* Appends one part of a key by the word for its type; the bytes it took, 0 if there aren't enough. */
static size_t part_text(struct text *text, struct bytes type, struct bytes rest)
{
    if (bytes_equal(type, bytes_text("address")) && rest.size >= ADDRESS_SIZE) {
        struct address address;
        char name[ADDRESS_TEXT_SIZE];
        memcpy(address.bytes, rest.data, ADDRESS_SIZE);
        address_text(name, &address);
        text_add(text, "%s", name);
        return ADDRESS_SIZE;
    }
    if (bytes_equal(type, bytes_text("amount")) && rest.size >= sizeof(struct amount)) {
        struct amount amount;
        char decimal[AMOUNT_TEXT_SIZE];
        memcpy(amount.be, rest.data, sizeof(amount.be));
        units_amount_text(decimal, &amount);
        text_add(text, "%s", decimal);
        return sizeof(amount.be);
    }
    size_t size = bytes_equal(type, bytes_text("u8"))    ? 1
                  : bytes_equal(type, bytes_text("u16")) ? 2
                  : bytes_equal(type, bytes_text("u32")) ? 4
                  : bytes_equal(type, bytes_text("u64")) ? 8
                                                         : 0;
    if (size == 0 || rest.size < size)
        return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | rest.data[i];
    text_add(text, "%" PRIu64, value);
    return size;
}

void catalog_key_text(struct text *text, struct bytes key)
{
    const struct catalog_state *state = key.size <= LIMIT_KEY_BYTES ? catalog_state(key) : NULL;
    if (!state) {
        hex_text(text,
                 bytes_of(key.data, key.size <= LIMIT_KEY_BYTES ? key.size : LIMIT_KEY_BYTES));
        return;
    }
    struct bytes rest = bytes_of(key.data + strlen(state->word), key.size - strlen(state->word));
    text_add(text, "%s", state->word);
    const char *type = state->key;
    while (rest.size > 0) {
        size_t length = strcspn(type, " ");
        size_t taken = part_text(text, bytes_of(type, length), rest);
        if (taken == 0) {
            hex_text(text, rest);
            return;
        }
        rest = bytes_of(rest.data + taken, rest.size - taken);
        type += length;
        type += *type == ' ';
        if (rest.size > 0)
            text_add(text, "/");
    }
}
