#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "contracts/offers.h"
#include "tools/tenure/desk.h"

/* --- terms, common to the four kinds --- */

static enum err text_option(struct bytes *out, struct cli *cli, const char *option)
{
    const char *text;

    if (cli_need(&text, cli, option))
        return cli->fault.code;
    *out = bytes_text(text);
    return ERR_NONE;
}

/* The window is counted from the node's block time, which the contract will look at. */
static enum err fill_terms(struct desk *desk, struct offers_terms *terms)
{
    struct cli *cli = desk->cli;
    uint64_t slots, days;
    struct answer *status = NULL;
    enum err err = cli_amount(&terms->price, cli, "price");

    if (!err)
        err = text_option(&terms->site, cli, "site");
    if (!err)
        err = cli_number(&slots, cli, "slots", 1, OFFERS_SLOTS_MAX);
    if (!err)
        err = cli_amount(&terms->stake_max, cli, "stake-max");
    if (!err)
        err = cli_number(&days, cli, "days", 1, 365);
    if (!err)
        err = desk_get(desk, &status, "/v1/status");
    if (err)
        return err;
    terms->slots = (uint16_t)slots;
    terms->from_ms = answer_number(status, "time_ms");
    terms->until_ms = terms->from_ms + days * 86400000;
    terms->expires_ms = terms->until_ms;
    answer_free(status);
    return ERR_NONE;
}

/* --- the kinds --- */

static enum err fill_compute(struct desk *desk, struct desk_calls *calls)
{
    struct cli *cli = desk->cli;
    struct offers_register_compute args = {.compute.profile = OFFERS_PROFILE_F32V1};
    uint64_t memory, rate, threads;
    enum err err = fill_terms(desk, &args.terms);

    if (!err)
        err = text_option(&args.compute.device, cli, "device");
    if (!err)
        err = cli_number(&memory, cli, "memory", 1, UINT32_MAX);
    if (!err)
        err = cli_number(&rate, cli, "rate", 1, UINT64_MAX);
    if (!err)
        err = cli_number(&threads, cli, "threads", 1, UINT16_MAX);
    if (err)
        return err;
    args.compute.memory_mib = (uint32_t)memory;
    args.compute.rate_mmacs = rate;
    args.compute.threads = (uint16_t)threads;
    return desk_call(desk, calls, CATALOG_OFFERS, OFFERS_REGISTER_COMPUTE, &args);
}

static enum err fill_storage(struct desk *desk, struct desk_calls *calls)
{
    struct cli *cli = desk->cli;
    struct offers_register_storage args = {0};
    uint64_t durability;
    enum err err = fill_terms(desk, &args.terms);

    if (!err)
        err = cli_number(&args.storage.capacity_gib, cli, "capacity", 1, UINT64_MAX);
    if (!err)
        err = cli_number(&durability, cli, "loss", 0, UINT32_MAX);
    if (!err)
        err = text_option(&args.storage.medium, cli, "medium");
    if (err)
        return err;
    args.storage.durability = (uint32_t)durability;
    return desk_call(desk, calls, CATALOG_OFFERS, OFFERS_REGISTER_STORAGE, &args);
}

static enum err fill_connection(struct desk *desk, struct desk_calls *calls)
{
    struct cli *cli = desk->cli;
    struct offers_register_connection args = {0};
    uint64_t latency;
    enum err err = fill_terms(desk, &args.terms);

    args.connection.site_a = args.terms.site;
    if (!err)
        err = text_option(&args.connection.site_b, cli, "to");
    if (!err)
        err = cli_number(&args.connection.bandwidth_kbps, cli, "bandwidth", 1, UINT64_MAX);
    if (!err)
        err = cli_number(&latency, cli, "latency", 0, UINT32_MAX);
    if (err)
        return err;
    args.connection.latency_us = (uint32_t)latency;
    return desk_call(desk, calls, CATALOG_OFFERS, OFFERS_REGISTER_CONNECTION, &args);
}

static enum err fill_data(struct desk *desk, struct desk_calls *calls)
{
    struct cli *cli = desk->cli;
    struct offers_register_data args = {0};
    const char *root;
    enum err err = fill_terms(desk, &args.terms);

    if (!err)
        err = cli_need(&root, cli, "root");
    if (!err && !bytes_from_hex(args.data.root.bytes, DIGEST_SIZE, root))
        err = fault_set(&cli->fault, ERR_USAGE, "--root \"%s\" is no digest: 64 hexadecimal digits",
                        root);
    if (!err)
        err = cli_number(&args.data.size, cli, "bytes", 1, UINT64_MAX);
    if (!err)
        err = cli_number(&args.data.samples, cli, "samples", 1, UINT64_MAX);
    if (!err)
        err = text_option(&args.data.licence, cli, "licence");
    return err ? err : desk_call(desk, calls, CATALOG_OFFERS, OFFERS_REGISTER_DATA, &args);
}

static enum err fill_withdraw(struct desk *desk, struct desk_calls *calls)
{
    struct offers_withdraw args;

    if (!cli_parse_number(&args.offer, desk->cli->words[0], 1, UINT64_MAX))
        return fault_set(&desk->cli->fault, ERR_USAGE, "\"%s\" is no offer's number",
                         desk->cli->words[0]);
    return desk_call(desk, calls, CATALOG_OFFERS, OFFERS_WITHDRAW, &args);
}

static enum err send(struct cli *cli, enum err (*fill)(struct desk *desk, struct desk_calls *calls))
{
    struct desk_calls calls = {0};
    struct sender_outcome outcome;
    struct desk desk;
    uint64_t offer;
    enum err err = desk_open(&desk, cli);

    if (!err)
        err = fill(&desk, &calls);
    if (!err)
        err = desk_sign(&desk);
    if (!err)
        err = desk_send(&desk, &calls, &outcome);
    if (!err) {
        if (desk_event(&outcome, "offer_listed", "offer", &offer))
            cli_say(cli, "offer %llu is listed", (unsigned long long)offer);
        sender_outcome_release(&outcome);
    }
    desk_close(&desk);
    return err;
}

static enum err run_compute(struct cli *cli)
{
    return send(cli, fill_compute);
}

static enum err run_storage(struct cli *cli)
{
    return send(cli, fill_storage);
}

static enum err run_connection(struct cli *cli)
{
    return send(cli, fill_connection);
}

static enum err run_data(struct cli *cli)
{
    return send(cli, fill_data);
}

static enum err run_withdraw(struct cli *cli)
{
    return send(cli, fill_withdraw);
}

#define TERMS(unit)                                                                                \
    {"price", "AMOUNT", unit, NULL}, {"site", "TEXT", "where it is", NULL},                        \
        {"slots", "N", "how many leases at a time", "1"},                                          \
        {"stake-max", "AMOUNT", "the largest stake that may be locked for one lease", "1000000"},  \
    {                                                                                              \
        "days", "N", "how long the offer stands, from now on", "30"                                \
    }

static const struct cli_option compute_options[] = {
    TERMS("for 10^9 multiply-adds of training"),
    {"device", "TEXT", "the device class, such as x86-avx512", NULL},
    {"memory", "MIB", "for each slot", "1024"},
    {"rate", "N", "10^6 multiply-adds of training a second, for each slot", NULL},
    {"threads", "N", "for each slot", "1"},
};

static const struct cli_option storage_options[] = {
    TERMS("for a GiB and a day"),
    {"capacity", "GIB", "how much", NULL},
    {"loss", "N", "expected losses a year, in 10^-9 of the bytes", "1000"},
    {"medium", "TEXT", "nvme, object, tape", "nvme"},
};

static const struct cli_option connection_options[] = {
    TERMS("for a GiB moved"),
    {"to", "TEXT", "the other end; --site is this one", NULL},
    {"bandwidth", "KBPS", "kilobits a second", NULL},
    {"latency", "US", "microseconds one way", NULL},
};

static const struct cli_option data_options[] = {
    TERMS("for one delivery of the whole"),
    {"root", "HEX", "the data's root", NULL},
    {"bytes", "N", "its size", NULL},
    {"samples", "N", "how many", NULL},
    {"licence", "TEXT", "on what terms it may be used", NULL},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct cli_command commands[] = {
    {"offer compute", "", 0, 0, "offer machines that train",
     "  tenure offer compute --price 100 --site fra1 --device x86-avx512 --rate 20k --slots 2",
     compute_options, COUNT(compute_options), run_compute},
    {"offer storage", "", 0, 0, "offer room for data",
     "  tenure offer storage --price 3 --site fra1 --capacity 2000", storage_options,
     COUNT(storage_options), run_storage},
    {"offer connection", "", 0, 0, "offer a line between two sites",
     "  tenure offer connection --price 10 --site fra1 --to ams2 --bandwidth 10M --latency 7000",
     connection_options, COUNT(connection_options), run_connection},
    {"offer data", "", 0, 0, "offer a data set",
     "  tenure offer data --price 500 --site fra1 --root 9f..e1 --bytes 47M --samples 60k "
     "--licence MIT",
     data_options, COUNT(data_options), run_data},
    {"offer withdraw", "OFFER", 1, 1, "take an offer back; leases that run go on",
     "  tenure offer withdraw 7", NULL, 0, run_withdraw},
};

const struct cli_noun cmd_offer = {commands, COUNT(commands)};
