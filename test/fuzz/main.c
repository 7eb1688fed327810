/* Replays a fuzz target's files where there is no libFuzzer: each argument is a file or a folder of files.
 *
 *     build/release/fuzz/fuzz_record test/fuzz/corpus/record */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test/fuzz/fuzz.h"

#define PATH_SIZE 4096

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        perror(path);
        return 0;
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data =
        malloc(size + 1); /* exactly the input, so that a sanitizer sees a read past it */
    int whole = data && fread(data, 1, size, file) == size;
    fclose(file);
    if (whole) {
        uint8_t *exact = realloc(data, size > 0 ? size : 1);
        data = exact ? exact : data;
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return whole;
}

/* The number of files replayed, or -1 if one can't be read. */
static int replay(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return replay_file(path) ? 1 : -1;
    int count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(folder));) {
        char child[PATH_SIZE];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        int found = replay(child);
        count = found < 0 ? -1 : count + found;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = replay(argv[i]);
        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    if (total == 0) {
        fprintf(stderr, "%s: no file to replay\n", argv[0]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
