/* Tables for people: columns as wide as their widest cell, numbers to the right. */
#ifndef TOOLS_TENURE_TABLE_H
#define TOOLS_TENURE_TABLE_H

#include <stdio.h>

#include "tools/tenure/cli.h"

#define TABLE_COLUMNS_MAX 12

/* Rows that one table prints: a page of the API, and a job's segments. */
#define TABLE_ROWS_MAX 4096

struct table {
    struct cli *cli; /* whose arena keeps the cells */
    uint32_t column_count;
    const char *titles[TABLE_COLUMNS_MAX];
    bool right[TABLE_COLUMNS_MAX]; /* numbers */
    const char **cells;            /* rows of column_count */
    uint32_t cell_count;
};

/* `titles` are separated by '|'; one that begins with '#' is a column of numbers: "name|#price". */
void table_init(struct table *table, struct cli *cli, const char *titles);

/* The next cell, left to right, row by row. Empty shows as "-". */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints what is full; "(none)" when there are no rows. */
void table_print(const struct table *table, FILE *out);

#endif
