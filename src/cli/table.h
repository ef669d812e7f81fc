// Text for people: wrapped paragraphs and tables with aligned columns.
#ifndef TA_CLI_TABLE_H
#define TA_CLI_TABLE_H

#include <stddef.h>

struct ta_buf;

// Appends `text` broken at spaces to `width` columns, each line behind `indent` spaces. Lines that the text
// has stay; lines that start with a space are not broken.
void ta_text_wrap(struct ta_buf *out, const char *text, int indent, int width);

// Rows of cells; the last column is wrapped into what is left of the width.
struct ta_table {
    char **cells;
    size_t count; // cells
    int columns;  // set it first
};
void ta_table_cell(struct ta_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ta_table_print(const struct ta_table *t, int indent, int width, struct ta_buf *out);
void ta_table_release(struct ta_table *t);

#endif
