/* The second implementation of numeric profile f32-v1 (trainer/NUMERICS.md): plain scalar C that shares no code
 * with trainer/ and was written from the specification alone. Runs a course (test/reference/course.h) and prints
 * its roots; test/reference/check compares them with the trainer's. */
#include "base/check.h"
#include "test/reference/course.h"
#include "test/reference/pupil.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
    abort();
}

static bool round_run(struct pupil *global, struct pupil *segments)
{
    const struct course *course = global->course;
    struct digest root = pupil_root(global);
    course_print_start(global->round, &root);
    for (uint32_t i = 0; i < course->slot_count; i++) {
        pupil_start(&segments[i], global, i, course->slots[i]);
        if (!pupil_run(&segments[i]))
            return false;
    }
    pupil_close(global, segments, course->slot_count);
    return true;
}

int main(int count, char **words)
{
    struct course course;
    struct pupil global;
    struct pupil segments[COURSE_SLOTS_MAX];
    bool is_finite = true;
    course_init(&course, count - 1, words + 1);
    pupil_init(&global, &course, false);
    for (uint32_t i = 0; i < course.slot_count; i++)
        pupil_init(&segments[i], &course, true);
    while (is_finite && global.round < course.rounds)
        is_finite = round_run(&global, segments);
    if (is_finite) {
        struct digest root = pupil_root(&global);
        course_print_end(&root);
    }
    for (uint32_t i = 0; i < course.slot_count; i++)
        pupil_release(&segments[i]);
    pupil_release(&global);
    course_release(&course);
    return 0;
}
