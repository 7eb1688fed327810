/* A stand-in for an S3 server (test/e2e/s3_stand_in), for the tests of what speaks to one. It ends with the test. */
#ifndef TEST_UNIT_STORAGE_H
#define TEST_UNIT_STORAGE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "net/bucket.h"
#include "test/harness.h"

#define STORAGE_KEY_ID "AKID"
#define STORAGE_SECRET "sesame"

/* The process, to be killed by those who want the storage to be away. */
static inline pid_t storage_start(char endpoint[64])
{
    char port[16] = "";
    FILE *from;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        execl("test/e2e/s3_stand_in", "s3_stand_in", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    from = fdopen(ends[0], "r");
    ck_assert_msg(fgets(port, sizeof(port), from) != NULL,
                  "test/e2e/s3_stand_in does not start: run the tests from the root of the tree");
    fclose(from);
    snprintf(endpoint, 64, "http://127.0.0.1:%d", atoi(port));
    return child;
}

static inline struct bucket *storage_open(const char *endpoint, const char *place)
{
    struct bucket_options options = {
        .place = place, .endpoint = endpoint, .key_id = STORAGE_KEY_ID, .secret = STORAGE_SECRET};
    struct bucket *bucket = NULL;

    ck_assert_int_eq(bucket_open(&bucket, &options, NULL), ERR_NONE);
    return bucket;
}

#endif
