#include "tools/demo/stage.h"

#include "base/check.h"
#include "tools/sys/clock.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a command may take, and how long children get to end by themselves. */
#define COMMAND_MS 60000
#define END_MS     5000

#define ARGUMENTS_MAX 64

/* --- the folder --- */

/* Only a folder that an earlier demo made is emptied: it holds this mark. */
#define MARK "made-by-demo"

static bool clear_folder(const char *folder)
{
    char mark[FILE_PATH_SIZE];
    struct fault fault;

    if (!file_exists(folder))
        return true;
    if (file_join(mark, folder, MARK, &fault) || !file_exists(mark)) {
        fprintf(stderr,
                "demo: %s is there and was not made by a demo: remove it or give another folder\n",
                folder);
        return false;
    }
    return file_remove_tree(folder, &fault) == ERR_NONE;
}

bool stage_open(struct stage *stage, const char *folder)
{
    memset(stage, 0, sizeof(*stage));
    stage->start_ms = clock_monotonic_ms();
    arena_init(&stage->cli.arena, 512u << 20);
    snprintf(stage->folder, sizeof(stage->folder), "%s", folder);
    if (!process_own_folder(stage->programs, sizeof(stage->programs)) || !clear_folder(folder))
        return false;
    if (file_make_folder(stage_path(stage, "logs"), 0700, &stage->cli.fault) ||
        file_write(stage_path(stage, MARK), bytes_text("\n"), 0600, &stage->cli.fault)) {
        fprintf(stderr, "demo: %s\n", stage->cli.fault.text);
        return false;
    }
    return true;
}

bool stage_finish(struct stage *stage)
{
    bool gone = true;

    for (uint32_t i = 0; i < stage->child_count; i++)
        process_signal(&stage->children[i].process, SIGCONT);
    for (uint32_t i = 0; i < stage->child_count; i++)
        process_signal(&stage->children[i].process, SIGTERM);
    for (uint32_t i = 0; i < stage->child_count; i++)
        gone = process_end(&stage->children[i].process, END_MS) && gone;
    client_release(&stage->desk.client);
    arena_release(&stage->cli.arena);
    return gone;
}

const char *stage_path(struct stage *stage, const char *format, ...)
{
    char below[FILE_PATH_SIZE];
    va_list list;

    va_start(list, format);
    vsnprintf(below, sizeof(below), format, list);
    va_end(list);
    return cli_format(&stage->cli, "%s/%s", stage->folder, below);
}

bool stage_connect(struct stage *stage)
{
    const char *urls[STAGE_NODES];
    uint8_t *data = NULL;
    char *rest, *line;
    uint32_t count = 0;
    size_t size;

    if (file_read(&data, &size, stage_path(stage, "net/nodes"), 65536, &stage->cli.fault)) {
        fprintf(stderr, "demo: %s\n", stage->cli.fault.text);
        return false;
    }
    rest = (char *)data;
    while ((line = strsep(&rest, "\n")) && count < STAGE_NODES)
        count += sscanf(line, "%*s %63s", stage->urls[count]) == 1;
    free(data);
    for (uint32_t i = 0; i < STAGE_NODES; i++)
        urls[i] = stage->urls[i];
    stage->desk = (struct desk){.cli = &stage->cli, .arena = &stage->cli.arena};
    return client_init(&stage->desk.client, urls, count, &stage->cli.fault) == ERR_NONE &&
           count == STAGE_NODES;
}

/* --- children --- */

/* argv with the program's whole path; nothing is copied, so it lives as long as `argv`. */
static void complete(struct stage *stage, const char *full[ARGUMENTS_MAX], const char *const argv[])
{
    uint32_t count = 0;

    while (argv[count]) {
        CHECK(count < ARGUMENTS_MAX - 1);
        full[count] = argv[count];
        count++;
    }
    full[count] = NULL;
    full[0] = cli_format(&stage->cli, "%s/%s", stage->programs, argv[0]);
}

static bool launch(struct stage *stage, struct stage_child *child, const char *const argv[])
{
    const char *full[ARGUMENTS_MAX];
    struct fault fault;

    complete(stage, full, argv);
    if (!process_start(&child->process, full, stage_path(stage, "logs/%s.log", child->name),
                       PROCESS_TIED, &fault))
        return true;
    fprintf(stderr, "demo: %s: %s\n", child->name, fault.text);
    return false;
}

bool stage_start(struct stage *stage, const char *name, const char *const argv[])
{
    struct stage_child *child = &stage->children[stage->child_count];

    CHECK(stage->child_count < STAGE_CHILDREN);
    snprintf(child->name, sizeof(child->name), "%s", name);
    if (!launch(stage, child, argv))
        return false;
    stage->child_count++;
    return true;
}

struct stage_child *stage_child(struct stage *stage, const char *name)
{
    for (uint32_t i = 0; i < stage->child_count; i++)
        if (!strcmp(stage->children[i].name, name))
            return &stage->children[i];
    CHECK(!"a child of this name");
    return NULL;
}

bool stage_restart(struct stage *stage, const char *name, const char *const argv[])
{
    return launch(stage, stage_child(stage, name), argv);
}

const char *stage_run(struct stage *stage, const char *const argv[])
{
    const char *full[ARGUMENTS_MAX], *log = stage_path(stage, "logs/command");
    struct process process;
    struct fault fault;
    uint8_t *data = NULL;
    const char *text = NULL;
    size_t size = 0;
    int status = -1;

    complete(stage, full, argv);
    unlink(log);
    if (process_start(&process, full, log, PROCESS_TIED, &fault)) {
        fprintf(stderr, "demo: %s\n", fault.text);
        return NULL;
    }
    if (!process_join(&process, COMMAND_MS, &status))
        process_end(&process, END_MS);
    if (!file_read(&data, &size, log, 16u << 20, &fault))
        text = arena_copy(&stage->cli.arena, data, size + 1);
    free(data);
    if (status == 0)
        return text;
    fprintf(stderr, "demo: tenure %s %s: exit %d: %s\n", argv[1], argv[2] ? argv[2] : "", status,
            text ? text : "");
    return NULL;
}

struct answer *stage_ask(struct stage *stage, const char *const argv[])
{
    const char *text = stage_run(stage, argv);
    struct answer *root = NULL;
    struct fault fault;

    if (text && answer_parse(&root, bytes_text(text), &fault))
        fprintf(stderr, "demo: tenure %s: %s\n", argv[1], fault.text);
    return root;
}

/* --- the story --- */

uint64_t stage_tenths(const struct stage *stage)
{
    return (clock_monotonic_ms() - stage->start_ms) / 100;
}

void stage_say(const struct stage *stage, const char *format, ...)
{
    uint64_t tenths = stage_tenths(stage);
    va_list list;

    va_start(list, format);
    printf("[%3u.%u s]      ", (unsigned)(tenths / 10), (unsigned)(tenths % 10));
    vprintf(format, list);
    printf("\n");
    va_end(list);
    fflush(stdout);
}

bool stage_check(struct stage *stage, bool ok, const char *what, const char *found, ...)
{
    uint64_t tenths = stage_tenths(stage);
    va_list list;

    va_start(list, found);
    printf("[%3u.%u s] %s %s: ", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
           ok ? "ok  " : "FAIL", what);
    vprintf(found, list);
    printf("\n");
    va_end(list);
    fflush(stdout);
    stage->passed += ok;
    stage->failed += !ok;
    return ok;
}
