/* demo: the main job from end to end, on this machine.
 *
 * Four validators make a chain. Three providers train for a consumer, one of them cheats, a validator is killed, the primary is stopped.
 * Everything that should then be true is checked here; the exit code is 0 only if all of it is. */
#include "tools/demo/outcome.h"
#include "tools/demo/scene.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool play(struct stage *stage, struct outcome *outcome)
{
    return scene_network(stage) && scene_market(stage) && scene_round(stage, 1) &&
           scene_round(stage, 2) && scene_kill(stage) && scene_round(stage, 3) &&
           scene_stop_primary(stage) && scene_end(stage) && outcome_read(stage, outcome);
}

int main(int argc, char **argv)
{
    const char *folder = argc == 3 && !strcmp(argv[1], "--dir") ? argv[2] : "build/demo";
    static struct stage stage;
    static struct outcome outcome;
    bool played, gone;

    if (argc != 1 && argc != 3) {
        fprintf(stderr, "usage: demo [--dir FOLDER]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    printf("Tenure: machines shared on a ledger, training paid only when its replay is equal.\n\n");
    if (!stage_open(&stage, folder))
        return 1;
    played = play(&stage, &outcome);
    if (played) {
        outcome_check(&stage, &outcome);
        outcome_tell(&stage, &outcome);
    } else {
        fprintf(stderr, "demo: the logs of all nodes and agents are in %s/logs\n", folder);
    }
    printf("\n");
    gone = stage_finish(&stage);
    stage_check(&stage, gone, "no process is left behind", "%u ended", stage.child_count);
    printf("\n%u checks passed, %u failed, in %u s\n", stage.passed, stage.failed,
           (unsigned)(stage_tenths(&stage) / 10));
    return played && stage.failed == 0 ? 0 : 1;
}
