/* What the operator of a node sets: the configuration file of tenured, which `tenure net init`
 * writes.
 *
 * A path that isn't absolute is taken from the folder in which the configuration file lies. */
#ifndef TOOLS_SYS_SETTINGS_H
#define TOOLS_SYS_SETTINGS_H

#include "tools/sys/config.h"
#include "tools/sys/file.h"

#define SETTINGS_ADDRESS_SIZE 256
#define SETTINGS_PEERS_SIZE   16384

struct settings {
    char data[FILE_PATH_SIZE];       /* folder */
    char genesis[FILE_PATH_SIZE];    /* packed genesis record */
    char key[FILE_PATH_SIZE];        /* key file of this validator */
    char passphrase[FILE_PATH_SIZE]; /* as keyfile_passphrase_read takes it */
    bool follow;                     /* start although the key has no seat yet */
    uint64_t verifiers;              /* threads; 0: one a core */

    char peers_listen[SETTINGS_ADDRESS_SIZE];
    char peers[SETTINGS_PEERS_SIZE]; /* lines of "NAME HOST:PORT" or "NAME HOST:PORT KEY" */
    char authority[FILE_PATH_SIZE];  /* PEM files */
    char certificate[FILE_PATH_SIZE];
    char certificate_key[FILE_PATH_SIZE];

    char api_listen[SETTINGS_ADDRESS_SIZE];
    bool api_tls; /* with the same certificate and authority */
    uint64_t api_connections;
    uint64_t api_requests_per_s;

    uint64_t store_cache_mb;
    uint64_t blob_mb;
    char blob_place[SETTINGS_ADDRESS_SIZE]; /* "s3://bucket/prefix"; "": none */
    char blob_endpoint[SETTINGS_ADDRESS_SIZE], blob_region[64];
    uint64_t keep_blocks;     /* of history; 0: all */
    uint64_t transfer_blocks; /* behind by more: the state is fetched, not the blocks */

    uint64_t timeout_ms; /* patience of consensus with a silent primary */
    uint64_t timeout_max_ms;

    char log_level[8];
    bool log_json;
};

extern const struct config_table settings_table;

/* Reads `path` and makes its relative paths good. Errors as config_read. */
MUST_USE enum err settings_read(struct settings *settings, const char *path, struct fault *fault);

#endif
