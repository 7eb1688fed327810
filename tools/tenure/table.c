#include "tools/tenure/table.h"

#include "base/check.h"

#include <stdarg.h>
#include <string.h>

void table_init(struct table *table, struct cli *cli, const char *titles)
{
    char *rest = cli_format(cli, "%s", titles), *title;

    memset(table, 0, sizeof(*table));
    table->cli = cli;
    while ((title = strsep(&rest, "|"))) {
        CHECK(table->column_count < TABLE_COLUMNS_MAX);
        table->right[table->column_count] = title[0] == '#';
        table->titles[table->column_count++] = title + (title[0] == '#');
    }
    table->cells =
        arena_array(&cli->arena, TABLE_ROWS_MAX * table->column_count, sizeof(table->cells[0]));
    CHECK(table->cells != NULL);
}

void table_cell(struct table *table, const char *format, ...)
{
    char text[512];
    va_list list;

    if (table->cell_count == TABLE_ROWS_MAX * table->column_count)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    table->cells[table->cell_count++] = cli_format(table->cli, "%s", text[0] ? text : "-");
}

/* Characters on the terminal: bytes that don't continue a UTF-8 sequence. */
static int width(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void print_row(const struct table *table, FILE *out, const char *const cells[],
                      const int widths[])
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        int pad = widths[i] - width(cells[i]);
        bool last = i + 1 == table->column_count;
        if (table->right[i])
            fprintf(out, "%*s%s", pad, "", cells[i]);
        else
            fprintf(out, "%s%*s", cells[i], last ? 0 : pad, "");
        fputs(last ? "\n" : "  ", out);
    }
}

void table_print(const struct table *table, FILE *out)
{
    int widths[TABLE_COLUMNS_MAX];

    if (table->cell_count < table->column_count) {
        fprintf(out, "(none)\n");
        return;
    }
    for (uint32_t i = 0; i < table->column_count; i++)
        widths[i] = width(table->titles[i]);
    for (uint32_t i = 0; i < table->cell_count; i++)
        if (width(table->cells[i]) > widths[i % table->column_count])
            widths[i % table->column_count] = width(table->cells[i]);
    print_row(table, out, table->titles, widths);
    for (uint32_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
        print_row(table, out, table->cells + i, widths);
}
