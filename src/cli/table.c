#include "cli/table.h"

#include <stdbool.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define GAP 2       // spaces between columns
#define LAST_MIN 24 // the last column gets at least so much, even when the line gets too long

static void append_spaces(struct ta_buf *out, int count)
{
    for (int i = 0; i < count; i++)
        ta_buf_putc(out, ' ');
}

// One line of `text` (without line breaks); the first is already indented. `width` counts from the indent.
static void wrap_line(struct ta_buf *out, const char *text, size_t size, int indent, int width)
{
    size_t at = 0;
    int column = 0;
    while (at < size) {
        size_t word = 0, spaces = 0;
        while (at + spaces < size && text[at + spaces] == ' ')
            spaces++;
        while (at + spaces + word < size && text[at + spaces + word] != ' ')
            word++;
        int columns = (int)ta_utf8_columns(text + at + spaces, word);
        if (column && column + (int)spaces + columns > width) {
            ta_buf_putc(out, '\n');
            append_spaces(out, indent);
            column = 0;
        } else if (column && word) {
            append_spaces(out, (int)spaces);
            column += (int)spaces;
        }
        ta_buf_append(out, text + at + spaces, word);
        column += columns;
        at += spaces + word;
    }
}

void ta_text_wrap(struct ta_buf *out, const char *text, int indent, int width)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length)
            append_spaces(out, indent);
        if (*text == ' ')
            ta_buf_append(out, text, length);
        else
            wrap_line(out, text, length, indent, TA_MAX(width - indent, LAST_MIN));
        ta_buf_putc(out, '\n');
        text += length + (text[length] == '\n');
    }
}

void ta_table_cell(struct ta_table *t, const char *format, ...)
{
    va_list args;
    t->cells = ta_xrealloc(t->cells, (t->count + 1) * sizeof(*t->cells));
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    // A line break in a tag would be a row of its own.
    struct ta_buf cell = {0};
    ta_buf_visible(&cell, text, false);
    free(text);
    t->cells[t->count++] = cell.size ? ta_buf_take(&cell) : ta_xstrdup("");
}

void ta_table_print(const struct ta_table *t, int indent, int width, struct ta_buf *out)
{
    size_t columns = (size_t)t->columns;
    int *widths = ta_xcalloc(columns, sizeof(*widths));
    for (size_t i = 0; i < t->count; i++)
        widths[i % columns] = TA_MAX(widths[i % columns],
                                     (int)ta_utf8_columns(t->cells[i], strlen(t->cells[i])));
    int last = indent;
    for (size_t i = 0; i + 1 < columns; i++)
        last += widths[i] + GAP;
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % columns, length = strlen(t->cells[i]);
        if (!column)
            append_spaces(out, indent);
        if (column + 1 == columns) {
            wrap_line(out, t->cells[i], length, last, TA_MAX(width - last, LAST_MIN));
            while (out->size && out->data[out->size - 1] == ' ')
                out->data[--out->size] = 0;
            ta_buf_putc(out, '\n');
        } else {
            ta_buf_puts(out, t->cells[i]);
            append_spaces(out, widths[column] + GAP - (int)ta_utf8_columns(t->cells[i], length));
        }
    }
    free(widths);
}

void ta_table_release(struct ta_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    ta_freep(&t->cells);
    t->count = 0;
}
