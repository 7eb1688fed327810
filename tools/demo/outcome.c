#include "tools/demo/outcome.h"

#include "contracts/amount.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/path.h"
#include "tools/demo/scene.h"
#include "tools/tenure/founding.h"
#include "tools/tenure/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a provider without knowledge of the images would reach is 10 %; the sketch of this job reached 86. */
#define ACCURACY_MIN_BP 8500

/* --- reading --- */

static bool read_members(struct stage *stage, struct outcome *outcome)
{
    struct lookup_list accounts;

    if (lookup_all(&stage->desk.client, stage->desk.arena, bytes_text("account/"),
                   &members_account_record, &accounts, &stage->cli.fault))
        return false;
    for (uint32_t i = 0; i < accounts.count && i < OUTCOME_MEMBERS_MAX; i++) {
        const struct members_account *account = accounts.values[i];
        struct outcome_member *member = &outcome->members[outcome->member_count++];
        snprintf(member->name, sizeof(member->name), "%.*s", (int)account->name.size,
                 (const char *)account->name.data);
        member->address = address_of(&account->public_key);
        member->balance = account->balance;
    }
    return true;
}

/* The loss as the command printed it, so that nothing is rounded twice. */
static void read_loss(char out[16], const char *json)
{
    const char *at = strstr(json, "\"loss\":");

    snprintf(out, 16, "%.6s", at ? at + 7 : "?");
}

/* Runs a command about job 1 at all nodes; up to four further arguments. */
static const char *ask_job(struct stage *stage, const char *verb, const char *const more[4])
{
    const char *argv[24] = {"tenure", "job", verb, "1", "--json"};
    uint32_t count = 5;

    for (uint32_t i = 0; i < STAGE_NODES; i++) {
        argv[count++] = "--node";
        argv[count++] = stage->urls[i];
    }
    for (uint32_t i = 0; i < 4 && more[i]; i++)
        argv[count++] = more[i];
    return stage_run(stage, argv);
}

/* After the last round the model is the one in the file; before, the state that the nodes keep. */
static bool measure(struct stage *stage, struct outcome *outcome, uint32_t round)
{
    const char *const from_nodes[4] = {"--round", cli_format(&stage->cli, "%u", round)};
    const char *const from_file[4] = {"--model", stage_path(stage, "model.safetensors")};
    const char *text = ask_job(stage, "evaluate", round == CAST_ROUNDS ? from_file : from_nodes);
    struct answer *root = NULL;

    if (!text || answer_parse(&root, bytes_text(text), &stage->cli.fault))
        return false;
    outcome->accuracy_bp[round] = (uint32_t)answer_number(root, "accuracy_bp");
    read_loss(outcome->loss[round], text);
    answer_free(root);
    return true;
}

bool outcome_read(struct stage *stage, struct outcome *outcome)
{
    const char *const out[4] = {"--out", stage_path(stage, "model.safetensors")};
    struct path items = path_1("item/", 1);
    bool ok;

    memset(outcome, 0, sizeof(*outcome));
    ok = job_view_load(&stage->desk, &outcome->view, 1) == ERR_NONE &&
         lookup_all(&stage->desk.client, stage->desk.arena, path_key(&items), &leases_item_record,
                    &outcome->items, &stage->cli.fault) == ERR_NONE &&
         lookup_all(&stage->desk.client, stage->desk.arena, bytes_text("compute/"),
                    &offers_compute_record, &outcome->devices, &stage->cli.fault) == ERR_NONE &&
         lookup_all(&stage->desk.client, stage->desk.arena, bytes_text("lock/"),
                    &credits_lock_record, &outcome->locks, &stage->cli.fault) == ERR_NONE &&
         read_members(stage, outcome);
    if (!ok)
        fprintf(stderr, "demo: %s\n", stage->cli.fault.text);
    ok = ok && ask_job(stage, "fetch", out);
    for (uint32_t round = 0; ok && round <= CAST_ROUNDS; round++)
        ok = measure(stage, outcome, round);
    return ok;
}

const char *outcome_name(struct stage *stage, const struct outcome *outcome,
                         const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];

    for (uint32_t i = 0; i < outcome->member_count; i++)
        if (address_equal(&outcome->members[i].address, address) && outcome->members[i].name[0])
            return outcome->members[i].name;
    address_text(text, address);
    return cli_format(&stage->cli, "%s", text);
}

static const struct outcome_member *member(const struct outcome *outcome, const char *name)
{
    for (uint32_t i = 0; i < outcome->member_count; i++)
        if (!strcmp(outcome->members[i].name, name))
            return &outcome->members[i];
    return &outcome->members[0];
}

/* --- checking --- */

static void check_payments(struct stage *stage, const struct outcome *outcome)
{
    uint32_t verified = 0, exact = 0, others = 0;

    for (uint32_t i = 0; i < outcome->view.results.count; i++) {
        const struct jobs_result *result = outcome->view.results.values[i];
        const struct leases_item *item = outcome->items.values[result->item];
        if (result->reason == LEASES_COMPLETED) {
            verified++;
            exact += units_amount_compare(&result->paid, &item->price) == 0;
        } else {
            others += !units_amount_is_zero(&result->paid);
        }
    }
    stage_check(stage, verified == CAST_ROUNDS * CAST_WORKERS,
                "every segment of every round is verified", "%u of %d", verified,
                CAST_ROUNDS * CAST_WORKERS);
    stage_check(stage, exact == verified && verified > 0,
                "every honest segment is paid exactly its price", "%u of %u", exact, verified);
    stage_check(stage, others == 0, "nothing is paid for what isn't verified", "%u payments",
                others);
}

/* The attempt that was decided against its worker; NULL if there is none. */
static const struct jobs_result *find_cheat(const struct outcome *outcome,
                                            struct jobs_segment *place)
{
    for (uint32_t i = 0; i < outcome->view.results.count; i++) {
        const struct jobs_result *result = outcome->view.results.values[i];
        if (!result->decided)
            continue;
        *place = job_view_place(&outcome->view, i);
        return result;
    }
    return NULL;
}

static void check_cheat(struct stage *stage, const struct outcome *outcome)
{
    struct jobs_segment place = {0};
    const struct jobs_result *cheat = find_cheat(outcome, &place), *after = NULL;
    const struct outcome_member *cheater = member(outcome, cast_providers[CAST_CHEAT].name);
    char slashed[AMOUNT_TEXT_SIZE] = "0", paid[AMOUNT_TEXT_SIZE] = "nothing";
    struct amount stake = units_amount(CAST_STAKE);

    stage_check(stage,
                cheat && cheat->reason == LEASES_FRAUD &&
                    address_equal(&cheat->worker, &cheater->address),
                "the made-up segment is found by replay", "%s, reason %s",
                cheat ? outcome_name(stage, outcome, &cheat->worker) : "nobody",
                cheat ? leases_reason_name(cheat->reason) : "none");
    if (!cheat)
        return;
    units_amount_text(slashed, &cheat->slashed);
    units_amount_text(paid, &cheat->paid);
    stage_check(stage,
                units_amount_compare(&cheat->slashed, &stake) == 0 &&
                    units_amount_is_zero(&cheat->paid),
                "the cheat loses its stake of 5000 and is paid nothing", "slashed %s, paid %s",
                slashed, paid);
    for (uint32_t i = 0; i < outcome->view.results.count; i++) {
        const struct jobs_result *result = outcome->view.results.values[i];
        struct jobs_segment other = job_view_place(&outcome->view, i);
        if (other.round == place.round && other.slot == place.slot &&
            other.attempt > place.attempt && result->reason == LEASES_COMPLETED)
            after = result;
    }
    stage_check(stage, after && !address_equal(&after->worker, &cheat->worker),
                "its segment is leased to another provider and finished", "by %s",
                after ? outcome_name(stage, outcome, &after->worker) : "nobody");
}

/* The verdict on the cheat as a file that anybody can check with the genesis record alone. */
static void check_evidence(struct stage *stage, const struct outcome *outcome)
{
    struct jobs_segment place = {0};
    const char *file = stage_path(stage, "evidence.json"),
               *genesis = stage_path(stage, "net/genesis.bin");
    bool ok = find_cheat(outcome, &place) != NULL;
    const char *key =
        cli_format(&stage->cli, "result/1/%u/%u/%u", place.round, place.slot, place.attempt);
    const char *const prove[] = {"tenure", "prove",        key, "--out", file,
                                 "--node", stage->urls[0], NULL};
    const char *const verify[] = {"tenure", "verify", file, "--genesis", genesis, "--json", NULL};
    struct answer *fact;
    ok = ok && stage_run(stage, prove);
    fact = ok ? stage_ask(stage, verify) : NULL;
    stage_check(stage, answer_true(fact, "value.decided"),
                "the evidence is proven offline, from the genesis record alone",
                "%" PRIu64 " of %" PRIu64 " validators signed it",
                answer_number(fact, "signatures"), answer_number(fact, "validators"));
    answer_free(fact);
}

/* Adds what the account has locked: deposits of its offers, and stakes that are held while what it was paid for may be challenged. */
static bool add_locked(const struct outcome *outcome, const struct address *address,
                       struct amount *sum)
{
    bool ok = true;

    for (uint32_t i = 0; i < outcome->locks.count; i++) {
        const struct credits_lock *lock = outcome->locks.values[i];
        if (address_equal(&lock->owner, address))
            ok = ok && amount_add(sum, sum, &lock->amount);
    }
    return ok;
}

/* Balance and locks = what it began with + what it was paid - what it was slashed. */
static void check_balance(struct stage *stage, const struct outcome *outcome, uint32_t index)
{
    const struct cast_provider *provider = &cast_providers[index];
    const struct outcome_member *found = member(outcome, provider->name);
    struct amount expected = units_amount(CAST_PROVIDER_BALANCE), has = found->balance;
    char wanted[AMOUNT_TEXT_SIZE], is[AMOUNT_TEXT_SIZE];
    bool ok = add_locked(outcome, &found->address, &has);

    for (uint32_t i = 0; i < outcome->view.results.count; i++) {
        const struct jobs_result *result = outcome->view.results.values[i];
        if (address_equal(&result->worker, &found->address))
            ok = ok && amount_add(&expected, &expected, &result->paid) &&
                 amount_sub(&expected, &expected, &result->slashed);
    }
    units_amount_text(wanted, &expected);
    units_amount_text(is, &has);
    stage_check(stage, ok && units_amount_compare(&expected, &has) == 0,
                cli_format(&stage->cli, "%s has %d + payments - slashes = %s, stakes included",
                           provider->name, CAST_PROVIDER_BALANCE, wanted),
                "%s", is);
}

static void check_supply(struct stage *stage)
{
    struct answer *root = NULL;
    const char *minted = "?";
    bool even = false;

    if (!desk_get(&stage->desk, &root, "/v1/supply")) {
        even = answer_true(root, "even");
        minted = cli_format(&stage->cli, "%s", answer_text(root, "minted"));
    }
    answer_free(root);
    stage_check(
        stage, even,
        "supply is conserved: balances + escrows + stakes + deposits + treasury = minted - burned",
        "%s, minted %s", even ? "even" : "uneven", minted);
}

static void check_roots(struct stage *stage)
{
    uint64_t lowest = UINT64_MAX;
    const char *first = "";
    uint32_t equal = 0;

    for (uint32_t i = 0; i < STAGE_NODES; i++) {
        struct answer *status = scene_status(stage, i);
        uint64_t height = answer_number(status, "height");
        lowest = height < lowest ? height : lowest;
        answer_free(status);
    }
    for (uint32_t i = 0; i < STAGE_NODES; i++) {
        const char *root = scene_root_at(stage, i, lowest);
        first = i ? first : root;
        equal += root[0] && !strcmp(root, first);
    }
    stage_check(stage, equal == STAGE_NODES, "all four state roots are equal",
                "%u of %d at height %" PRIu64 ", %.16s..", equal, STAGE_NODES, lowest, first);
}

void outcome_check(struct stage *stage, const struct outcome *outcome)
{
    uint32_t accuracy = outcome->accuracy_bp[CAST_ROUNDS];

    check_payments(stage, outcome);
    check_cheat(stage, outcome);
    check_evidence(stage, outcome);
    for (uint32_t i = 0; i < CAST_PROVIDERS; i++)
        check_balance(stage, outcome, i);
    check_supply(stage);
    check_roots(stage);
    stage_check(stage, accuracy >= ACCURACY_MIN_BP,
                "the fetched model gets at least 85 % of 10,000 test images right", "%u.%02u %%",
                accuracy / 100, accuracy % 100);
}

/* --- telling --- */

static void bar(uint32_t value, uint32_t max, uint32_t width)
{
    uint32_t filled = max ? value * width / max : 0;

    for (uint32_t i = 0; i < width; i++)
        fputs(i < filled ? "█" : "·", stdout);
}

static void tell_learning(const struct outcome *outcome)
{
    printf("\nWhat the model learned (10,000 images it never saw)\n\n  after   accuracy            "
           "                       loss\n");
    for (uint32_t i = 0; i <= CAST_ROUNDS; i++) {
        uint32_t points = outcome->accuracy_bp[i],
                 loss = (uint32_t)(strtod(outcome->loss[i], NULL) * 1000);
        printf("  %u %-6s %3u.%02u %% ", i, i == 1 ? "round" : "rounds", points / 100,
               points % 100);
        bar(points, 10000, 30);
        printf("  %s ", outcome->loss[i]);
        bar(loss, 2500, 15);
        printf("\n");
    }
}

/* The device class that an offer promised. */
static const char *device_of(struct stage *stage, const struct outcome *outcome, uint64_t offer)
{
    for (uint32_t i = 0; i < outcome->devices.count; i++) {
        struct bytes key = outcome->devices.keys[i],
                     device = ((struct offers_compute *)outcome->devices.values[i])->device;
        if (bytes_get_u64(key.data + key.size - 8) == offer)
            return cli_format(&stage->cli, "%.*s", (int)device.size, (const char *)device.data);
    }
    return "?";
}

static void tell_work(struct stage *stage, const struct outcome *outcome)
{
    struct table table;

    printf("\nWho did what, and who was paid\n\n");
    table_init(&table, &stage->cli,
               "provider|machine|#segments verified|#price each|#paid|#stake lost|why it ended");
    for (uint32_t i = 0; i < outcome->items.count; i++) {
        const struct leases_item *item = outcome->items.values[i];
        struct amount slashed = units_zero;
        char price[AMOUNT_TEXT_SIZE], paid[AMOUNT_TEXT_SIZE], lost[AMOUNT_TEXT_SIZE];
        for (uint32_t j = 0; j < outcome->view.results.count; j++) {
            const struct jobs_result *result = outcome->view.results.values[j];
            if (result->item == i && !amount_add(&slashed, &slashed, &result->slashed))
                slashed = units_zero;
        }
        units_amount_text(price, &item->price);
        units_amount_text(paid, &item->paid);
        units_amount_text(lost, &slashed);
        table_cell(&table, "%s", outcome_name(stage, outcome, &item->provider));
        table_cell(&table, "%s", device_of(stage, outcome, item->offer));
        table_cell(&table, "%u", item->segments);
        table_cell(&table, "%s", price);
        table_cell(&table, "%s", paid);
        table_cell(&table, "%s", lost);
        table_cell(&table, "%s", leases_reason_name(item->reason));
    }
    table_print(&table, stdout);
}

/* What the replayers earned: fees for each interval, and a share of the cheat's stake for those that proved it. */
static void tell_replayers(const struct outcome *outcome)
{
    struct amount began = units_amount(FOUNDING_REPLAYER_BALANCE), earned;
    char text[AMOUNT_TEXT_SIZE];

    const char *comma = "";

    printf("Replayers earned fees, and a share of the stake that they proved lost:");
    for (uint32_t i = 0; i < outcome->member_count; i++) {
        const struct outcome_member *found = &outcome->members[i];
        if (strncmp(found->name, "replayer-", 9) || !amount_sub(&earned, &found->balance, &began))
            continue;
        units_amount_text(text, &earned);
        printf("%s %s %s", comma, found->name, text);
        comma = ",";
    }
    printf(".\n");
}

static void tell_cheat(struct stage *stage, const struct outcome *outcome)
{
    struct jobs_segment place = {0};
    const struct jobs_result *cheat = find_cheat(outcome, &place);
    char committed[DIGEST_TEXT_SIZE], replayed[DIGEST_TEXT_SIZE];
    struct digest leaf;

    if (!cheat)
        return;
    leaf = trace_leaf_digest(&cheat->answer.leaf);
    digest_text(committed, &cheat->committed);
    digest_text(replayed, &leaf);
    printf("\nThe cheat\n\n");
    printf("  In round %u, slot %u, %s trained half of its segment and made up the rest.\n",
           place.round, place.slot, outcome_name(stage, outcome, &cheat->worker));
    printf("  Interval %u, replayed by others, ends elsewhere than what was committed:\n",
           cheat->answer.interval);
    printf("    committed  %s\n    replayed   %s\n", committed, replayed);
    printf("  So the segment was not paid, the stake was lost, and somebody else did the work.\n");
}

void outcome_tell(struct stage *stage, const struct outcome *outcome)
{
    char fees[AMOUNT_TEXT_SIZE], paid[AMOUNT_TEXT_SIZE], budget[AMOUNT_TEXT_SIZE];

    units_amount_text(fees, &outcome->view.progress.fees);
    units_amount_text(paid, &outcome->view.progress.paid);
    units_amount_text(budget, &outcome->view.job.terms.budget);
    tell_learning(outcome);
    tell_work(stage, outcome);
    printf(
        "\numa put %s into escrow: %s went to workers and %s to replayers, the rest came back.\n",
        budget, paid, fees);
    tell_replayers(outcome);
    tell_cheat(stage, outcome);
    printf("\nLook further (everything is kept in %s until the next demo):\n\n", stage->folder);
    printf("  PATH=%s:$PATH\n", stage->programs);
    printf("  tenure net up --dir %s/net && . %s/net/environment\n", stage->folder, stage->folder);
    printf("  tenure explore job 1                  every segment: who, what came of it, the "
           "evidence\n");
    printf("  tenure explore leases                 machines, prices, stakes, payments\n");
    printf("  tenure explore blocks --limit 10      the newest blocks; explore block N, explore tx "
           "ID\n");
    printf("  tenure job fetch 1 --round 3 --out model.safetensors\n");
    printf("  tenure verify %s/evidence.json --genesis %s/net/genesis.bin\n", stage->folder,
           stage->folder);
    printf("  tenure net down --dir %s/net\n", stage->folder);
}
