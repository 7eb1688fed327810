#include "tools/tenure/founding.h"

#include "base/check.h"
#include "contracts/beacon.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "tools/sys/certificate.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/sys/keyfile.h"
#include "tools/sys/random.h"
#include "tools/sys/settings.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ten years: a consortium renews certificates when it changes, not because a demo network grew old. */
#define CERTIFICATE_DAYS 3650

struct maker {
    struct arena *arena;
    const struct founding *founding;
    const struct founding_watch *watch;
    struct fault *fault;
    struct keyfile_passphrase passphrase;
    struct certificate authority;
    uint16_t api_ports[LIMIT_VALIDATORS], peer_ports[LIMIT_VALIDATORS];
    struct genesis genesis;
};

/* A name below the folder, as printf makes it; in the arena. */
static const char *name_of(struct maker *maker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *name_of(struct maker *maker, const char *format, ...)
{
    char *name = arena_alloc(maker->arena, FILE_PATH_SIZE);
    va_list list;

    CHECK(name != NULL);
    va_start(list, format);
    vsnprintf(name, FILE_PATH_SIZE, format, list);
    va_end(list);
    return name;
}

static enum err write_text(struct maker *maker, const char *name, const char *text, mode_t mode)
{
    char path[FILE_PATH_SIZE];
    enum err err = file_join(path, maker->founding->folder, name, maker->fault);

    return err ? err : file_create(path, bytes_text(text), mode, maker->fault);
}

static enum err make_subfolder(struct maker *maker, const char *name)
{
    char path[FILE_PATH_SIZE];
    enum err err = file_join(path, maker->founding->folder, name, maker->fault);

    return err ? err : file_make_folder(path, 0700, maker->fault);
}

static void tell(struct maker *maker, const char *what)
{
    if (maker->watch && maker->watch->step)
        maker->watch->step(maker->watch->self, what);
}

/* --- what is asked for --- */

static bool is_name(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size <= 48 && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == size;
}

static enum err check_request(struct maker *maker)
{
    const struct founding *founding = maker->founding;

    if (founding->validators < 1 || founding->validators > LIMIT_VALIDATORS)
        return fault_set(maker->fault, ERR_USAGE, "a chain has 1 to %d validators",
                         LIMIT_VALIDATORS);
    if (founding->port && founding->port + 2 * founding->validators > 65536)
        return fault_set(maker->fault, ERR_USAGE,
                         "%u validators need two ports each; %u leaves too few",
                         founding->validators, founding->port);
    for (uint32_t i = 0; i < founding->account_count; i++) {
        const char *name = founding->accounts[i].name;
        if (!is_name(name) || !strcmp(name, "operator") || !strncmp(name, "replayer-", 9) ||
            !strncmp(name, "node-", 5))
            return fault_set(
                maker->fault, ERR_USAGE,
                "\"%s\" can't name an account: use letters, digits, - and _ (operator, "
                "replayer-N and node-N are taken)",
                name);
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(founding->accounts[j].name, name))
                return fault_set(maker->fault, ERR_USAGE, "two accounts are named \"%s\"", name);
    }
    if (!parameters_check(&founding->parameters))
        return fault_set(maker->fault, ERR_USAGE,
                         "a parameter is out of its bounds (see contracts/parameters.h)");
    return ERR_NONE;
}

static enum err make_folder(struct maker *maker)
{
    const char *folder = maker->founding->folder;
    struct dirent *entry;
    DIR *open = opendir(folder);

    while (open && (entry = readdir(open)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            closedir(open);
            return fault_set(maker->fault, ERR_NOT_NOW,
                             "%s is not empty: a chain is founded in a new folder", folder);
        }
    if (open)
        closedir(open);
    return file_make_folder(folder, 0700, maker->fault);
}

/* Sockets stay open until all are picked, so that no port is picked twice. */
static enum err pick_ports(struct maker *maker)
{
    uint32_t count = 2 * maker->founding->validators;
    int sockets[2 * LIMIT_VALIDATORS];
    bool ok = true;

    for (uint32_t i = 0; i < count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        uint16_t port = (uint16_t)(maker->founding->port + i);
        sockets[i] = -1;
        if (!maker->founding->port) {
            sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            ok = ok && sockets[i] >= 0 &&
                 !bind(sockets[i], (struct sockaddr *)&address, sizeof(address)) &&
                 !getsockname(sockets[i], (struct sockaddr *)&address, &size);
            port = ntohs(address.sin_port);
        }
        if (i % 2)
            maker->peer_ports[i / 2] = port;
        else
            maker->api_ports[i / 2] = port;
    }
    for (uint32_t i = 0; i < count; i++)
        if (sockets[i] >= 0)
            close(sockets[i]);
    return ok ? ERR_NONE : fault_set(maker->fault, ERR_IO, "the system has no free ports to give");
}

/* --- keys --- */

static enum err make_passphrase(struct maker *maker)
{
    uint8_t raw[16];
    char hex[2 * sizeof(raw) + 1];

    random_fill(raw, sizeof(raw));
    bytes_to_hex(hex, bytes_of(raw, sizeof(raw)));
    memcpy(maker->passphrase.text, hex, sizeof(hex));
    maker->passphrase.size = sizeof(hex) - 1;
    return write_text(maker, "passphrase", hex, 0600);
}

static enum err make_key(struct maker *maker, struct sign_public *public, const char *name)
{
    char path[FILE_PATH_SIZE];
    struct sign_secret secret;
    enum err err;

    do
        random_fill(secret.bytes, sizeof(secret.bytes));
    while (!sign_public_of(public, &secret));
    err = file_join(path, maker->founding->folder, name, maker->fault);
    if (!err)
        err = keyfile_create(path, &secret, &maker->passphrase, maker->fault);
    sign_secret_clear(&secret);
    return err;
}

static struct bytes text_copy(struct maker *maker, const char *text)
{
    void *copy = arena_copy(maker->arena, text, strlen(text));

    CHECK(copy != NULL);
    return bytes_of(copy, strlen(text));
}

/* Adds an account whose key is made here unless it has one. */
static enum err add_account(struct maker *maker, const struct founding_account *from,
                            struct sign_public *public)
{
    struct genesis_account *account = &maker->genesis.accounts[maker->genesis.account_count++];

    account->name = text_copy(maker, from->name);
    account->organisation = text_copy(maker, from->organisation);
    account->roles = from->roles;
    account->balance = from->balance;
    if (from->public)
        account->public_key = *from->public;
    else if (make_key(maker, &account->public_key, name_of(maker, "keys/%s.key", from->name)))
        return maker->fault->code;
    *public = account->public_key;
    return ERR_NONE;
}

static enum err make_accounts(struct maker *maker)
{
    static const struct founding_account operator= {
        "operator", MEMBERS_ROLE_OPERATOR, "consortium", {{0}}, NULL};
    struct sign_public public;
    enum err err = add_account(maker, &operator, & public);

    for (uint32_t i = 0; i < maker->founding->account_count && !err; i++)
        err = add_account(maker, &maker->founding->accounts[i], &public);
    return err;
}

/* --- a validator and its replayer --- */

static enum err make_beacon(struct maker *maker, struct digest *chain_end, uint32_t seat)
{
    char hex[DIGEST_TEXT_SIZE], line[DIGEST_TEXT_SIZE + 16];
    struct digest secret, first;

    random_fill(secret.bytes, sizeof(secret.bytes));
    first = beacon_chain(&secret, FOUNDING_BEACON_LENGTH, 0);
    *chain_end = digest_of(first.bytes, sizeof(first.bytes));
    digest_text(hex, &secret);
    snprintf(line, sizeof(line), "%s %u\n", hex, FOUNDING_BEACON_LENGTH);
    return write_text(maker, name_of(maker, "keys/replayer-%u.beacon", seat), line, 0600);
}

static enum err make_certificate(struct maker *maker, uint32_t seat, const char *name)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};
    struct certificate node;
    enum err err =
        certificate_issue(&node, &maker->authority, name, hosts, 3, CERTIFICATE_DAYS, maker->fault);

    if (!err)
        err = write_text(maker, name_of(maker, "node-%u/node.pem", seat), node.pem, 0644);
    if (!err)
        err = write_text(maker, name_of(maker, "node-%u/node-key.pem", seat), node.key, 0600);
    certificate_clear(&node);
    return err;
}

static enum err make_settings(struct maker *maker, uint32_t seat)
{
    const struct founding *founding = maker->founding;
    struct settings settings;
    struct text out;
    size_t used = 0;
    enum err err = config_read(&settings, &settings_table, "/dev/null", maker->fault);

    if (err)
        return err;
    snprintf(settings.genesis, sizeof(settings.genesis), "../genesis.bin");
    snprintf(settings.authority, sizeof(settings.authority), "../authority.pem");
    snprintf(settings.passphrase, sizeof(settings.passphrase), "file:../passphrase");
    snprintf(settings.peers_listen, sizeof(settings.peers_listen), "127.0.0.1:%u",
             maker->peer_ports[seat]);
    snprintf(settings.api_listen, sizeof(settings.api_listen), "127.0.0.1:%u",
             maker->api_ports[seat]);
    for (uint32_t i = 0; i < founding->validators; i++)
        if (i != seat)
            used += (size_t)snprintf(settings.peers + used, sizeof(settings.peers) - used,
                                     "node-%u 127.0.0.1:%u\n", i, maker->peer_ports[i]);
    snprintf(settings.log_level, sizeof(settings.log_level), "%s", founding->log_level);
    if (founding->timeout_ms)
        settings.timeout_ms = founding->timeout_ms;
    text_init(&out, 1u << 16);
    config_print(&out, &settings_table, &settings);
    CHECK(!out.failed);
    err = write_text(maker, name_of(maker, "node-%u/tenured.ini", seat), text_string(&out), 0644);
    text_release(&out);
    return err;
}

static enum err make_validator(struct maker *maker, uint32_t seat)
{
    struct genesis_validator *validator = &maker->genesis.validators[seat];
    char name[32], replayer[32];
    struct founding_account account = {replayer, MEMBERS_ROLE_REPLAYER, name,
                                       units_amount(FOUNDING_REPLAYER_BALANCE), NULL};
    struct sign_public public;
    enum err err;

    snprintf(name, sizeof(name), "node-%u", seat);
    snprintf(replayer, sizeof(replayer), "replayer-%u", seat);
    validator->name = text_copy(maker, name);
    err = make_subfolder(maker, name);
    if (!err)
        err =
            make_key(maker, &validator->public_key, name_of(maker, "node-%u/validator.key", seat));
    if (!err)
        err = add_account(maker, &account, &public);
    if (err)
        return err;
    validator->replayer = address_of(&public);
    /* Of its own, for the evidence that it may find (tools/tenured/charges.h). */
    account = (struct founding_account){name, MEMBERS_ROLE_AUDITOR, name, units_amount(0),
                                        &validator->public_key};
    err = add_account(maker, &account, &public);
    if (!err)
        err = make_beacon(maker, &validator->chain_end, seat);
    if (!err)
        err = make_certificate(maker, seat, name);
    if (!err)
        err = make_settings(maker, seat);
    return err;
}

/* --- all of it --- */

static enum err write_genesis(struct maker *maker)
{
    char path[FILE_PATH_SIZE];
    struct bytes packed;
    enum err err = genesis_check(&maker->genesis, maker->fault);

    if (err)
        return err;
    packed = record_bytes(maker->arena, &genesis_record, &maker->genesis);
    if (!packed.data)
        return fault_set(maker->fault, ERR_LIMIT, "the genesis record is too large");
    err = file_join(path, maker->founding->folder, "genesis.bin", maker->fault);
    return err ? err : file_create(path, packed, 0644, maker->fault);
}

/* Shell lines that point the command at this network, and the list of nodes for `net up`. */
static enum err write_environment(struct maker *maker)
{
    char folder[FILE_PATH_SIZE];
    struct text environment, nodes;
    enum err err;

    if (!realpath(maker->founding->folder, folder))
        return fault_set(maker->fault, ERR_IO, "%s is gone", maker->founding->folder);
    text_init(&environment, 1u << 16);
    text_init(&nodes, 1u << 16);
    text_add(&environment, "export TENURE_NODE='");
    for (uint32_t i = 0; i < maker->founding->validators; i++) {
        text_add(&environment, "%shttp://127.0.0.1:%u", i ? " " : "", maker->api_ports[i]);
        text_add(&nodes, "node-%u http://127.0.0.1:%u\n", i, maker->api_ports[i]);
    }
    text_add(&environment,
             "'\nexport TENURE_KEY='%s/keys/operator.key'\nexport "
             "TENURE_PASSPHRASE='file:%s/passphrase'\n",
             folder, folder);
    err = write_text(maker, "environment", text_string(&environment), 0644);
    if (!err)
        err = write_text(maker, "nodes", text_string(&nodes), 0644);
    text_release(&environment);
    text_release(&nodes);
    return err;
}

static enum err make_authority(struct maker *maker)
{
    enum err err = certificate_authority(&maker->authority, maker->founding->name, CERTIFICATE_DAYS,
                                         maker->fault);

    if (!err)
        err = write_text(maker, "authority.pem", maker->authority.pem, 0644);
    if (!err)
        err = write_text(maker, "authority.key", maker->authority.key, 0600);
    return err;
}

static enum err make_all(struct maker *maker)
{
    const struct founding *founding = maker->founding;
    uint32_t accounts = founding->account_count + 2 * founding->validators + 1;
    enum err err;

    maker->genesis = (struct genesis){
        .version = GENESIS_VERSION,
        .name = bytes_text(founding->name),
        .time_ms = clock_wall_ms(),
        .parameters = founding->parameters,
        .validators =
            arena_array(maker->arena, founding->validators, sizeof(struct genesis_validator)),
        .validator_count = founding->validators,
        .accounts = arena_array(maker->arena, accounts, sizeof(struct genesis_account)),
    };
    CHECK(maker->genesis.validators != NULL);
    CHECK(maker->genesis.accounts != NULL);
    err = make_subfolder(maker, "keys");
    if (!err)
        err = make_passphrase(maker);
    if (!err)
        err = make_authority(maker);
    tell(maker, "accounts");
    if (!err)
        err = make_accounts(maker);
    tell(maker, "validators");
    for (uint32_t i = 0; i < founding->validators && !err; i++)
        err = make_validator(maker, i);
    if (!err)
        err = write_genesis(maker);
    return err ? err : write_environment(maker);
}

enum err founding_make(struct arena *arena, const struct founding *founding,
                       const struct founding_watch *watch, struct fault *fault)
{
    struct maker maker = {.arena = arena, .founding = founding, .watch = watch, .fault = fault};
    enum err err = check_request(&maker);

    if (!err)
        err = make_folder(&maker);
    if (!err)
        err = pick_ports(&maker);
    if (!err)
        err = make_all(&maker);
    keyfile_passphrase_clear(&maker.passphrase);
    certificate_clear(&maker.authority);
    return err;
}

/* --- one node more --- */

/* Reads a text file of the folder into `text`. */
static enum err read_text(struct maker *maker, const char *name, char *text, size_t size)
{
    char path[FILE_PATH_SIZE];
    uint8_t *data = NULL;
    size_t length = 0;
    enum err err = file_join(path, maker->founding->folder, name, maker->fault);

    if (!err)
        err = file_read(&data, &length, path, size - 1, maker->fault);
    if (err)
        return err;
    memcpy(text, data, length);
    text[length] = 0;
    free(data);
    return ERR_NONE;
}

/* Counts the nodes that are there; their addresses go to `mine`, with what else a new one has in common with them. */
static enum err read_nodes(struct maker *maker, struct settings *mine, uint32_t *count)
{
    size_t used = 0;

    for (*count = 0; *count < LIMIT_VALIDATORS; ++*count) {
        char path[FILE_PATH_SIZE];
        struct settings theirs;
        enum err err = file_join(path, maker->founding->folder,
                                 name_of(maker, "node-%u/tenured.ini", *count), maker->fault);
        if (err || !file_exists(path))
            return err;
        err = settings_read(&theirs, path, maker->fault);
        if (err)
            return err;
        used += (size_t)snprintf(mine->peers + used, sizeof(mine->peers) - used, "node-%u %s\n",
                                 *count, theirs.peers_listen);
        mine->timeout_ms = theirs.timeout_ms;
        snprintf(mine->log_level, sizeof(mine->log_level), "%s", theirs.log_level);
    }
    return fault_set(maker->fault, ERR_LIMIT, "%s has %d nodes: there is no number for another",
                     maker->founding->folder, LIMIT_VALIDATORS);
}

static enum err write_joined(struct maker *maker, struct settings *mine,
                             const struct founding_joined *joined)
{
    char nodes[16384];
    struct text out;
    enum err err;

    snprintf(mine->genesis, sizeof(mine->genesis), "../genesis.bin");
    snprintf(mine->authority, sizeof(mine->authority), "../authority.pem");
    snprintf(mine->passphrase, sizeof(mine->passphrase), "file:../passphrase");
    snprintf(mine->peers_listen, sizeof(mine->peers_listen), "%s", joined->address);
    snprintf(mine->api_listen, sizeof(mine->api_listen), "%s", joined->api);
    mine->follow = true;
    text_init(&out, 1u << 16);
    config_print(&out, &settings_table, mine);
    CHECK(!out.failed);
    err = write_text(maker, name_of(maker, "node-%u/tenured.ini", joined->number),
                     text_string(&out), 0644);
    text_release(&out);
    if (!err)
        err = read_text(maker, "nodes", nodes, sizeof(nodes) - 96);
    if (err)
        return err;
    snprintf(nodes + strlen(nodes), 96, "%s http://%s\n", joined->name, joined->api);
    char path[FILE_PATH_SIZE];
    err = file_join(path, maker->founding->folder, "nodes", maker->fault);
    return err ? err : file_write(path, bytes_text(nodes), 0644, maker->fault);
}

static enum err join_all(struct maker *maker, struct founding_joined *joined)
{
    struct settings mine;
    enum err err = config_read(&mine, &settings_table, "/dev/null", maker->fault);

    if (!err)
        err =
            read_text(maker, "passphrase", maker->passphrase.text, sizeof(maker->passphrase.text));
    if (!err)
        err = read_text(maker, "authority.pem", maker->authority.pem, CERTIFICATE_PEM_SIZE);
    if (!err)
        err = read_text(maker, "authority.key", maker->authority.key, CERTIFICATE_PEM_SIZE);
    if (!err)
        err = read_nodes(maker, &mine, &joined->number);
    if (!err)
        err = pick_ports(maker);
    if (err)
        return err;
    maker->passphrase.size = strlen(maker->passphrase.text);
    snprintf(joined->name, sizeof(joined->name), "node-%u", joined->number);
    snprintf(joined->address, sizeof(joined->address), "127.0.0.1:%u", maker->peer_ports[0]);
    snprintf(joined->api, sizeof(joined->api), "127.0.0.1:%u", maker->api_ports[0]);
    err = make_subfolder(maker, joined->name);
    if (!err)
        err =
            make_key(maker, &joined->key, name_of(maker, "node-%u/validator.key", joined->number));
    if (!err)
        err = make_key(maker, &joined->replayer,
                       name_of(maker, "keys/replayer-%u.key", joined->number));
    if (!err)
        err = make_beacon(maker, &joined->chain_end, joined->number);
    if (!err)
        err = make_certificate(maker, joined->number, joined->name);
    return err ? err : write_joined(maker, &mine, joined);
}

enum err founding_join(struct arena *arena, const char *folder, struct founding_joined *joined,
                       struct fault *fault)
{
    const struct founding founding = {.folder = folder, .validators = 1};
    struct maker maker = {.arena = arena, .founding = &founding, .fault = fault};
    enum err err = join_all(&maker, joined);

    keyfile_passphrase_clear(&maker.passphrase);
    certificate_clear(&maker.authority);
    return err;
}

enum err founding_beacon_read(struct digest *secret, uint32_t *length, const char *path,
                              struct fault *fault)
{
    uint8_t *data = NULL;
    char hex[DIGEST_TEXT_SIZE];
    struct digest found;
    unsigned number;
    size_t size;
    enum err err = file_read(&data, &size, path, 256, fault);

    if (err)
        return err;
    if (sscanf((const char *)data, "%64s %u", hex, &number) != 2 || number == 0 ||
        !bytes_from_hex(found.bytes, sizeof(found.bytes), hex)) {
        err = fault_set(fault, ERR_MALFORMED,
                        "%s is no beacon file: 64 hexadecimal digits and a length", path);
    } else {
        *secret = found;
        *length = number;
    }
    free(data);
    return err;
}
