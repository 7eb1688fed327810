/* A picture of how far rounds end from dense training, as SVG: a panel a task, an H a column, a line a kind of delta.
 *
 *     plot_begin(file, 2) ; plot_panel(file, &panel, 0) ; plot_panel(file, &other, 1) ; plot_end(file) */
#ifndef TEST_QUALITY_PLOT_H
#define TEST_QUALITY_PLOT_H

#include <stdint.h>
#include <stdio.h>

#define PLOT_COLUMNS 4u
#define PLOT_LINES   3u

/* In per cent of dense training's loss, above it; low <= mean <= high. */
struct plot_point {
    double mean, low, high;
};

struct plot_panel {
    const char *title;
    uint32_t steps[PLOT_COLUMNS];        /* H */
    const char *lines[PLOT_LINES];       /* names of the kinds of delta */
    double mb[PLOT_LINES][PLOT_COLUMNS]; /* that a worker sends */
    struct plot_point points[PLOT_LINES][PLOT_COLUMNS];
    double limit; /* per cent: what is below passes */
};

void plot_begin(FILE *file, uint32_t panels);
void plot_panel(FILE *file, const struct plot_panel *panel, uint32_t index);
void plot_end(FILE *file);

#endif
