#include "test/quality/plot.h"

#include <math.h>
#include <stdbool.h>

/* In pixels: a panel, and the field in it that is drawn on. */
#define PANEL_WIDTH  440.0
#define PANEL_HEIGHT 380.0
#define FIELD_LEFT   64.0
#define FIELD_TOP    58.0
#define FIELD_WIDTH  356.0
#define FIELD_HEIGHT 210.0

/* Blue, orange, green that people with any colour vision tell apart (Okabe and Ito, 2008). */
static const char *const colours[PLOT_LINES] = {"#0072b2", "#d55e00", "#009e73"};

/* What stands between two grid lines, and where the field begins and ends, in per cent. */
struct scale {
    double step, low, high;
};

/* Seven grid lines at most, on round numbers. */
static struct scale scale_of(const struct plot_panel *panel)
{
    static const double steps[] = {0.5, 1, 2, 5, 10, 20, 50, 100};
    double low = 0, high = 2 * panel->limit;

    for (uint32_t line = 0; line < PLOT_LINES; line++)
        for (uint32_t column = 0; column < PLOT_COLUMNS; column++) {
            low = fmin(low, panel->points[line][column].low);
            high = fmax(high, panel->points[line][column].high);
        }
    struct scale scale = {0};
    for (uint32_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        scale.step = steps[i];
        scale.low = floor(low / scale.step) * scale.step;
        scale.high = ceil(high / scale.step) * scale.step;
        if (scale.high - scale.low <= 7 * scale.step)
            break;
    }
    return scale;
}

static double y_of(const struct scale *scale, double value)
{
    return FIELD_TOP + FIELD_HEIGHT * (scale->high - value) / (scale->high - scale->low);
}

/* The lines stand side by side in a column, so that none hides another. */
static double x_of(uint32_t column, uint32_t line)
{
    return FIELD_LEFT + FIELD_WIDTH * (column + 0.5) / PLOT_COLUMNS + 12.0 * ((double)line - 1);
}

static void draw_field(FILE *file, const struct plot_panel *panel, const struct scale *scale)
{
    fprintf(file, "<text x='%.1f' y='22' font-size='15' font-weight='bold'>%s</text>\n", FIELD_LEFT,
            panel->title);
    fprintf(file,
            "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#009e73' "
            "fill-opacity='0.12'/>\n",
            FIELD_LEFT, y_of(scale, panel->limit), FIELD_WIDTH,
            y_of(scale, scale->low) - y_of(scale, panel->limit));
    for (double value = scale->low; value <= scale->high + scale->step / 2; value += scale->step) {
        double y = y_of(scale, value);
        bool zero = fabs(value) < scale->step / 2;
        fprintf(file, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s'/>\n", FIELD_LEFT,
                y, FIELD_LEFT + FIELD_WIDTH, y, zero ? "#222" : "#ddd");
        if (zero)
            fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='end'>dense</text>\n",
                    FIELD_LEFT - 6, y + 4);
        else
            fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='end'>%+.*f %%</text>\n",
                    FIELD_LEFT - 6, y + 4, scale->step < 1, value);
    }
}

static void draw_columns(FILE *file, const struct plot_panel *panel)
{
    double y = FIELD_TOP + FIELD_HEIGHT + 20;

    fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='end'>H</text>\n", FIELD_LEFT - 6, y);
    for (uint32_t column = 0; column < PLOT_COLUMNS; column++)
        fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='middle'>%u</text>\n", x_of(column, 1),
                y, panel->steps[column]);
    fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='end'>MB sent</text>\n", FIELD_LEFT - 6,
            y + 19);
    for (uint32_t line = 0; line < PLOT_LINES; line++)
        for (uint32_t column = 0; column < PLOT_COLUMNS; column++) {
            double mb = panel->mb[line][column];
            fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='%s'>%.*f</text>\n",
                    x_of(column, 1), y + 19 + 17 * line, colours[line],
                    mb < 10    ? 2
                    : mb < 100 ? 1
                               : 0,
                    mb);
        }
}

static void draw_line(FILE *file, const struct plot_panel *panel, const struct scale *scale,
                      uint32_t line)
{
    fprintf(file, "<polyline fill='none' stroke='%s' stroke-width='1.5' points='", colours[line]);
    for (uint32_t column = 0; column < PLOT_COLUMNS; column++)
        fprintf(file, "%.1f,%.1f ", x_of(column, line),
                y_of(scale, panel->points[line][column].mean));
    fprintf(file, "'/>\n");
    for (uint32_t column = 0; column < PLOT_COLUMNS; column++) {
        const struct plot_point *point = &panel->points[line][column];
        double x = x_of(column, line);
        fprintf(file,
                "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='1.5'/>\n"
                "<circle cx='%.1f' cy='%.1f' r='3.5' fill='%s'/>\n",
                x, y_of(scale, point->low), x, y_of(scale, point->high), colours[line], x,
                y_of(scale, point->mean), colours[line]);
    }
    fprintf(file, "<circle cx='%.1f' cy='40' r='4' fill='%s'/>\n<text x='%.1f' y='44'>%s</text>\n",
            FIELD_LEFT + 5 + 110 * line, colours[line], FIELD_LEFT + 14 + 110 * line,
            panel->lines[line]);
}

void plot_begin(FILE *file, uint32_t panels)
{
    fprintf(file,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' width='%.0f' "
            "font-family='sans-serif' font-size='12' fill='#222'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            PANEL_WIDTH * panels, PANEL_HEIGHT, PANEL_WIDTH * panels);
}

void plot_panel(FILE *file, const struct plot_panel *panel, uint32_t index)
{
    struct scale scale = scale_of(panel);

    fprintf(file, "<g transform='translate(%.0f 0)'>\n", PANEL_WIDTH * index);
    draw_field(file, panel, &scale);
    draw_columns(file, panel);
    for (uint32_t line = 0; line < PLOT_LINES; line++)
        draw_line(file, panel, &scale, line);
    fprintf(file, "</g>\n");
}

void plot_end(FILE *file)
{
    fprintf(file,
            "<text x='%.1f' y='%.1f'>Held-out loss against dense training: mean of the seeds, "
            "best to worst; the green field is what passes.</text>\n</svg>\n",
            FIELD_LEFT, PANEL_HEIGHT - 14);
}
