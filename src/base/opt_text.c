// What an option table says to people and to other programs: help, Markdown, JSON description.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/opt.h"
#include "base/utf8.h"

#define NAME_INDENT 2
#define HELP_COLUMN 28
#define WIDTH_MIN 50

static bool is_limited(const struct ta_opt *o)
{
    bool numeric = o->kind == &ta_opt_int || o->kind->type == TA_OPT_TYPE_DOUBLE ||
                   o->kind->type == TA_OPT_TYPE_FLOATS || o->kind == &ta_opt_bytes;
    return numeric && (o->min != 0 || o->max != 0);
}

static void append_limit(const struct ta_opt *o, double limit, struct ta_buf *out)
{
    if (o->kind == &ta_opt_bytes)
        ta_bytes_format((int64_t)limit, out);
    else
        ta_number_append(out, limit);
}

// "0..51", "at least 1", "at most 10"; nothing without limits.
static void append_limits(const struct ta_opt *o, struct ta_buf *out)
{
    if (!is_limited(o))
        return;
    if (isinf(o->max)) {
        ta_buf_puts(out, "at least ");
        append_limit(o, o->min, out);
    } else if (isinf(o->min)) {
        ta_buf_puts(out, "at most ");
        append_limit(o, o->max, out);
    } else {
        append_limit(o, o->min, out);
        ta_buf_puts(out, "..");
        append_limit(o, o->max, out);
    }
}

static void append_choices(const struct ta_opt *o, const char *quote, struct ta_buf *out)
{
    for (const struct ta_choice *c = o->choices; c && c->name; c++)
        ta_buf_printf(out, "%s%s%s%s", c == o->choices ? "" : ", ", quote, c->name, quote);
}

static bool has_choice_help(const struct ta_opt *o)
{
    for (const struct ta_choice *c = o->choices; c && c->name; c++)
        if (c->help)
            return true;
    return false;
}

static bool is_on_by_default(const struct ta_opt *o)
{
    bool on = false;
    struct ta_buf ignored = {0};
    if (o->kind == &ta_opt_switch && o->def)
        (void)o->kind->parse(o, o->def, &on, &ignored);
    ta_buf_release(&ignored);
    return on;
}

// Is there a default worth telling? That of a switch shows in its form.
static bool tells_default(const struct ta_opt *o)
{
    return o->def && *o->def && o->kind != &ta_opt_switch;
}

// "(0..51 dB, default 18)" as far as it applies, with a leading space.
static void append_facts(const struct ta_opt *o, struct ta_buf *out)
{
    struct ta_buf facts = {0};
    if (has_choice_help(o))
        ; // they get lines of their own
    else if (o->choices)
        append_choices(o, "", &facts);
    else
        append_limits(o, &facts);
    bool unit_told = false;
    if (facts.size && o->unit && !o->choices) {
        ta_buf_printf(&facts, " %s", o->unit);
        unit_told = true;
    }
    if (tells_default(o)) {
        ta_buf_printf(&facts, "%sdefault %s", !facts.size ? "" : o->choices ? "; " : ", ", o->def);
        if (o->unit && !unit_told) {
            ta_buf_printf(&facts, " %s", o->unit);
            unit_told = true;
        }
    }
    if (o->unit && !unit_told)
        ta_buf_printf(&facts, "%sin %s", facts.size ? ", " : "", o->unit);
    if (is_on_by_default(o))
        ta_buf_printf(&facts, "%sdefault on", facts.size ? ", " : "");
    if (facts.size)
        ta_buf_printf(out, " (%s)", facts.data);
    ta_buf_release(&facts);
}

static const char *syntax_of(const struct ta_opt *o)
{
    return o->syntax ? o->syntax : o->kind->syntax ? o->kind->syntax : "";
}

// "--crf N"; "--[no-]audio" for a switch that is on by default.
static void append_form(const struct ta_opt *o, struct ta_buf *out)
{
    const char *syntax = syntax_of(o);
    ta_buf_printf(out, "--%s%s%s%s", is_on_by_default(o) ? "[no-]" : "", o->name, *syntax ? " " : "", syntax);
}

// Appends the words of `text`, breaking lines at `width` with the given indent. The line holds `column`
// columns already.
static void append_wrapped(struct ta_buf *out, const char *text, int column, int indent, int width)
{
    bool line_empty = true;
    while (*text) {
        text += strspn(text, " ");
        size_t length = strcspn(text, " ");
        if (!length)
            break;
        int columns = (int)ta_utf8_columns(text, length);
        if (!line_empty && column + 1 + columns > width) {
            ta_buf_printf(out, "\n%*s", indent, "");
            column = indent;
            line_empty = true;
        }
        if (!line_empty) {
            ta_buf_putc(out, ' ');
            column++;
        }
        ta_buf_append(out, text, length);
        column += columns;
        line_empty = false;
        text += length;
    }
    ta_buf_putc(out, '\n');
}

// A line of two columns; the second starts on a line of its own when the first is too long.
static void append_row(struct ta_buf *out, const char *left, int left_indent, const char *right,
                       int right_indent, int width)
{
    int column = left_indent + (int)ta_utf8_columns(left, strlen(left));
    ta_buf_printf(out, "%*s%s", left_indent, "", left);
    if (!*right) {
        ta_buf_putc(out, '\n');
        return;
    }
    if (column + 2 > right_indent)
        ta_buf_printf(out, "\n%*s", right_indent, "");
    else
        ta_buf_printf(out, "%*s", right_indent - column, "");
    append_wrapped(out, right, right_indent, right_indent, width);
}

void ta_opt_help(const struct ta_opt *o, int width, struct ta_buf *out)
{
    if (o->flags & TA_OPT_HIDDEN)
        return;
    width = TA_MAX(width, WIDTH_MIN);
    struct ta_buf form = {0}, help = {0};
    if (o->letter)
        ta_buf_printf(&form, "-%c, ", o->letter);
    append_form(o, &form);
    if (o->flags & TA_OPT_DEPRECATED)
        ta_buf_puts(&help, "deprecated: ");
    ta_buf_puts(&help, o->help ? o->help : "");
    append_facts(o, &help);
    append_row(out, form.data, NAME_INDENT, help.data, HELP_COLUMN, width);

    if (has_choice_help(o)) {
        int longest = 0;
        for (const struct ta_choice *c = o->choices; c->name; c++)
            longest = TA_MAX(longest, (int)ta_utf8_columns(c->name, strlen(c->name)));
        int indent = HELP_COLUMN + 2, help_indent = indent + TA_MIN(longest, 16) + 2;
        for (const struct ta_choice *c = o->choices; c->name; c++) {
            if (c->help)
                append_row(out, c->name, indent, c->help, help_indent, width);
            else
                ta_buf_printf(out, "%*s%s\n", indent, "", c->name);
        }
    }
    ta_buf_release(&help);
    ta_buf_release(&form);
}

// The first part of a help text: up to a semicolon, or to a parenthesis that does not stand at its start.
static int first_part(const char *help)
{
    enum { LEAST = 20 };
    int n = (int)strcspn(help, ";");
    const char *open = strchr(help, '(');
    if (open && open - help >= LEAST && open - help < n)
        n = (int)(open - help);
    while (n && (help[n - 1] == ' ' || help[n - 1] == ','))
        n--;
    return n;
}

// How much of `line` fits into `room` columns: up to a comma of the help text, if one is there, which reads
// as if it were all; else up to a word, or a choice, and "..." tells. `help`: how much of the line is help
// text.
static size_t fitting_part(const char *line, size_t size, size_t help, int room, const char **dots)
{
    static const int DOTS = 4;
    size_t at_comma = 0, at_word = 0;
    *dots = "";
    if ((int)ta_utf8_columns(line, size) <= room)
        return size;
    for (size_t i = 1; i < size && (int)ta_utf8_columns(line, i) <= room; i++) {
        if (line[i] == ',' && i < help)
            at_comma = i;
        if (line[i] == ' ' && (int)ta_utf8_columns(line, i) <= room - DOTS)
            at_word = i;
    }
    if (help >= size && at_comma)
        return at_comma;
    *dots = " ...";
    return at_word;
}

void ta_opt_help_line(const struct ta_opt *o, bool whole, int width, struct ta_buf *out)
{
    struct ta_buf form = {0}, line = {0};
    const char *help = o->help ? o->help : "";
    if (o->letter)
        ta_buf_printf(&form, "-%c, ", o->letter);
    append_form(o, &form);
    ta_buf_printf(&line, "%.*s", first_part(help), help);
    size_t help_size = line.size;
    if (o->choices) {
        ta_buf_puts(&line, ": ");
        append_choices(o, "", &line);
    }
    if (whole) {
        append_row(out, form.data, NAME_INDENT, ta_buf_text(&line), HELP_COLUMN, TA_MAX(width, WIDTH_MIN));
    } else {
        const char *dots;
        int column = NAME_INDENT + (int)ta_utf8_columns(form.data, form.size);
        int room = TA_MAX(width, WIDTH_MIN) - TA_MAX(column + 2, HELP_COLUMN);
        size_t end = fitting_part(ta_buf_text(&line), line.size, help_size, room, &dots);
        ta_buf_printf(out, "%*s%s%*s%.*s%s\n", NAME_INDENT, "", form.data, TA_MAX(2, HELP_COLUMN - column),
                      "", (int)end, ta_buf_text(&line), dots);
    }
    ta_buf_release(&line);
    ta_buf_release(&form);
}

// The default as ta_opt_to_json() would write it, or null when there is none to tell.
static json_t *default_to_json(const struct ta_opt *o)
{
    _Alignas(max_align_t) char field[TA_OPT_FIELD_MAX] = {0};
    const struct ta_opt table[] = {
        {.name = o->name,
         .kind = o->kind,
         .def = o->def,
         .min = o->min,
         .max = o->max,
         .min_count = o->min_count,
         .max_count = o->max_count,
         .choices = o->choices},
        {.name = NULL},
    };
    if (!o->def && o->kind != &ta_opt_switch)
        return json_null();
    ta_opt_defaults(table, field);
    json_t *object = ta_opt_to_json(table, field);
    json_t *value = json_incref(json_object_get(object, o->name));
    json_decref(object);
    ta_opt_release(table, field);
    return value;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(object, key, json_string(text));
}

static void set_limit(json_t *object, const char *key, const struct ta_opt *o, double limit)
{
    if (!is_limited(o) || isinf(limit))
        return;
    bool whole = o->kind == &ta_opt_int || o->kind == &ta_opt_bytes;
    json_object_set_new(object, key, whole ? json_integer((json_int_t)limit) : json_real(limit));
}

json_t *ta_opt_describe(const struct ta_opt *o)
{
    json_t *object = json_object();
    set_text(object, "name", o->name);
    set_text(object, "kind", o->kind->name);
    json_object_set_new(object, "default", default_to_json(o));
    set_limit(object, "min", o, o->min);
    set_limit(object, "max", o, o->max);
    if (o->kind->type == TA_OPT_TYPE_FLOATS) {
        json_object_set_new(object, "min_count", json_integer(o->min_count));
        json_object_set_new(object, "max_count", json_integer(o->max_count ? o->max_count : 8));
    }
    if (o->choices) {
        json_t *choices = json_array();
        for (const struct ta_choice *c = o->choices; c->name; c++) {
            json_t *choice = json_object();
            set_text(choice, "name", c->name);
            set_text(choice, "help", c->help);
            json_array_append_new(choices, choice);
        }
        json_object_set_new(object, "choices", choices);
    }
    set_text(object, "unit", o->unit);
    set_text(object, "help", o->help);
    set_text(object, "syntax", syntax_of(o));
    if (o->letter)
        set_text(object, "letter", (const char[]){o->letter, '\0'});
    json_object_set_new(object, "advanced", json_boolean(o->flags & TA_OPT_ADVANCED));
    if (o->flags & TA_OPT_HIDDEN)
        json_object_set_new(object, "hidden", json_true());
    if (o->flags & TA_OPT_DEPRECATED)
        json_object_set_new(object, "deprecated", json_true());
    return object;
}

// Text in a cell: a bar would end it, and Markdown would read '<' and '*' its own way.
static void append_cell(struct ta_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<*_\\", *text))
            ta_buf_putc(out, '\\');
        ta_buf_putc(out, *text == '\n' ? ' ' : *text);
    }
}

void ta_opt_markdown(const struct ta_opt *o, struct ta_buf *out)
{
    if (o->flags & TA_OPT_HIDDEN)
        return;
    struct ta_buf form = {0}, limits = {0};
    if (o->letter)
        ta_buf_printf(&form, "-%c, ", o->letter);
    append_form(o, &form);
    ta_buf_puts(out, "| `");
    for (const char *c = form.data; *c; c++) { // in code, a bar is the only thing to escape
        if (*c == '|')
            ta_buf_putc(out, '\\');
        ta_buf_putc(out, *c);
    }
    ta_buf_puts(out, "` | ");
    if (o->kind == &ta_opt_switch)
        ta_buf_puts(out, is_on_by_default(o) ? "`on`" : "`off`");
    else if (o->def && *o->def)
        ta_buf_printf(out, "`%s`", o->def);
    ta_buf_puts(out, " | ");
    if (o->choices) {
        append_choices(o, "`", out);
    } else {
        append_limits(o, &limits);
        append_cell(out, ta_buf_text(&limits));
        if (o->unit) {
            ta_buf_puts(out, limits.size ? " " : "");
            append_cell(out, o->unit);
        }
    }
    ta_buf_puts(out, " | ");
    if (o->flags & TA_OPT_DEPRECATED)
        ta_buf_puts(out, "deprecated: ");
    append_cell(out, o->help ? o->help : "");
    for (const struct ta_choice *c = o->choices; c && c->name; c++) {
        if (!c->help)
            continue;
        ta_buf_printf(out, "<br>`%s`: ", c->name);
        append_cell(out, c->help);
    }
    ta_buf_puts(out, " |\n");
    ta_buf_release(&limits);
    ta_buf_release(&form);
}
