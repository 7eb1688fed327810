/* Where the demo plays: its folder, its child processes, its clock, and the list of what it has checked.
 *
 * Every child is started by stage_start or stage_run, is tied to this process (it dies with it, whatever happens), and is ended by
 * stage_finish. Nothing else is ever signalled. */
#ifndef TOOLS_DEMO_STAGE_H
#define TOOLS_DEMO_STAGE_H

#include "tools/sys/file.h"
#include "tools/sys/process.h"
#include "tools/tenure/desk.h"

#define STAGE_NODES    4
#define STAGE_CHILDREN 16

struct stage_child {
    char name[32]; /* "node-2"; also of its log, FOLDER/logs/NAME.log */
    struct process process;
};

struct stage {
    char folder[FILE_PATH_SIZE];   /* of everything the demo makes */
    char programs[FILE_PATH_SIZE]; /* where tenure and tenured are */
    struct stage_child children[STAGE_CHILDREN];
    uint32_t child_count;
    char urls[STAGE_NODES][64];
    struct cli cli;   /* an arena and a fault for what the demo reads itself */
    struct desk desk; /* asks the nodes; signs nothing */
    uint64_t start_ms;
    uint32_t passed, failed;
};

/* Empties or makes the folder, finds the programs. False, with a sentence on stderr, when that can't be. */
bool stage_open(struct stage *stage, const char *folder);

/* Ends all children. True if none is left. */
bool stage_finish(struct stage *stage);

/* Reads which ports the nodes were given, and opens the desk. */
bool stage_connect(struct stage *stage);

/* Starts a program with arguments (NULL at the end of `argv`, whose first is "tenure" or "tenured"). False with a sentence on stderr. */
bool stage_start(struct stage *stage, const char *name, const char *const argv[]);
struct stage_child *stage_child(struct stage *stage, const char *name);

/* Starts a child again that has ended. */
bool stage_restart(struct stage *stage, const char *name, const char *const argv[]);

/* Runs `tenure` with arguments to its end and gives what it printed, in the arena; NULL, with its last words on stderr, unless it exits 0. */
const char *stage_run(struct stage *stage, const char *const argv[]);

/* As stage_run with --json, parsed; free it with answer_free. NULL as above. */
struct answer *stage_ask(struct stage *stage, const char *const argv[]);

/* Seconds since the start, in tenths. */
uint64_t stage_tenths(const struct stage *stage);

/* One line of the story. */
void stage_say(const struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One thing checked: prints it with what was found, as printf makes it; gives `ok` back. */
bool stage_check(struct stage *stage, bool ok, const char *what, const char *found, ...)
    __attribute__((format(printf, 4, 5)));

/* A path below the folder, in the arena. */
const char *stage_path(struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
