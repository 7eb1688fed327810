#include "tools/sys/settings.h"

#include <stdio.h>
#include <string.h>

#define TEXT(member, section, name, value, help)                                                   \
    CONFIG_TEXT_KEY(struct settings, member, section, name, value, help)
#define LINES(member, section, name, help)                                                         \
    CONFIG_LINES_KEY(struct settings, member, section, name, "", help)
#define YES_NO(member, section, name, value, help)                                                 \
    CONFIG_BOOL_KEY(struct settings, member, section, name, value, help)
#define NUMBER(member, section, name, value, min, max, help)                                       \
    CONFIG_NUMBER_KEY(struct settings, member, section, name, value, min, max, help)

static const struct config_key settings_keys[] = {
    TEXT(data, "node", "data", "data",
         "Folder of the chain, the vote log and the blobs; made when it is missing."),
    TEXT(genesis, "node", "genesis", "genesis.bin", "The chain's genesis record."),
    TEXT(key, "node", "key", "validator.key",
         "Encrypted key of this validator; its public key says which seat is ours."),
    TEXT(passphrase, "node", "passphrase", "terminal",
         "Where the key's passphrase comes from: terminal, file:PATH or fd:NUMBER."),
    YES_NO(follow, "node", "follow", "no",
           "Start although the key has no seat: follow the chain until governance gives it one."),
    NUMBER(verifiers, "node", "verifiers", "0", 0, 64,
           "Threads that check signatures; 0 for one a core."),

    TEXT(peers_listen, "peers", "listen", "127.0.0.1:7000",
         "Host and port where the other validators reach this one."),
    LINES(peers, "peers", "peer", "A validator: its name and its host:port; and, to find a chain that has changed since genesis, "
          "its public key."),
    TEXT(authority, "peers", "authority", "authority.pem",
         "Certificate of the consortium's authority."),
    TEXT(certificate, "peers", "certificate", "node.pem", "TLS certificate of this node."),
    TEXT(certificate_key, "peers", "certificate_key", "node-key.pem",
         "Private key of that certificate."),

    TEXT(api_listen, "api", "listen", "127.0.0.1:8000",
         "Host and port of the HTTP API; without TLS only a loopback address."),
    YES_NO(api_tls, "api", "tls", "no",
           "Serve the API over TLS; clients that aren't on this machine need a certificate of the "
           "authority."),
    NUMBER(api_connections, "api", "connections", "512", 8, 65536,
           "Connections at a time, of all clients together."),
    NUMBER(api_requests_per_s, "api", "requests_per_s", "200", 1, 1000000,
           "Requests a second of one address; loopback has no limit."),

    NUMBER(store_cache_mb, "storage", "cache_mb", "24", 4, 65536,
           "Memory that the database uses for what was read."),
    NUMBER(blob_mb, "storage", "blob_mb", "4096", 16, 16777216,
           "Disk space for training states and data that are passed on."),
    TEXT(blob_place, "storage", "blobs", "",
         "Object storage behind that, such as s3://bucket/prefix, which keeps what the disk space "
         "doesn't; empty for none. Its key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
         "environment."),
    TEXT(blob_endpoint, "storage", "blobs_endpoint", "",
         "Where it is, such as https://host:9000; empty for AWS_ENDPOINT_URL, else AWS's own."),
    TEXT(blob_region, "storage", "blobs_region", "",
         "Its region; empty for AWS_REGION, else us-east-1."),
    NUMBER(keep_blocks, "storage", "keep_blocks", "0", 0, 1000000000000,
           "Blocks whose history is kept, with the state after each; 0 for all. A little more than "
           "transfer_blocks is kept in any case, for the others."),
    NUMBER(transfer_blocks, "storage", "transfer_blocks", "2000", 64, 1000000000,
           "A node that is more blocks behind fetches the state as it is, without the history."),

    NUMBER(timeout_ms, "consensus", "timeout_ms", "2000", 100, 60000,
           "How long a primary may be silent before it is replaced."),
    NUMBER(timeout_max_ms, "consensus", "timeout_max_ms", "60000", 100, 600000,
           "Bound to which that time doubles while nothing helps."),

    CONFIG_CHOICE_KEY(struct settings, log_level, "log", "level", "info", "debug info warn error",
                      "The least that is logged."),
    YES_NO(log_json, "log", "json", "no", "Log lines as JSON."),
};

const struct config_table settings_table = {settings_keys,
                                            sizeof(settings_keys) / sizeof(settings_keys[0])};

/* Puts the configuration file's folder before a relative path. */
static enum err settings_anchor(char path[FILE_PATH_SIZE], const char *file, size_t skip,
                                struct fault *fault)
{
    const char *slash = strrchr(file, '/');
    if (path[skip] == '/' || !slash)
        return ERR_NONE;
    char joined[2 * FILE_PATH_SIZE];
    int size = snprintf(joined, sizeof(joined), "%.*s%.*s/%s", (int)skip, path, (int)(slash - file),
                        file, path + skip);
    if (size < 0 || size >= FILE_PATH_SIZE)
        return fault_set(fault, ERR_LIMIT, "%s: the path %s becomes too long", file, path);
    memcpy(path, joined, (size_t)size + 1);
    return ERR_NONE;
}

enum err settings_read(struct settings *settings, const char *path, struct fault *fault)
{
    enum err err = config_read(settings, &settings_table, path, fault);
    char *const paths[] = {settings->data,      settings->genesis,     settings->key,
                           settings->authority, settings->certificate, settings->certificate_key};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && !err; i++)
        err = settings_anchor(paths[i], path, 0, fault);
    if (!err && strncmp(settings->passphrase, "file:", 5) == 0)
        err = settings_anchor(settings->passphrase, path, 5, fault);
    return err;
}
