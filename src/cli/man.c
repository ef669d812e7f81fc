// The manual page.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "cli/args.h"
#include "cli/help.h"
#include "recipe/options.h"

// Text for roff: backslashes and dashes are escaped, and a line can't start with a request.
static void append_roff(struct ta_buf *out, const char *text)
{
    bool line_start = !out->size || out->data[out->size - 1] == '\n';
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            ta_buf_puts(out, "\\&");
        line_start = *text == '\n';
        if (*text == '\\')
            ta_buf_puts(out, "\\e");
        else if (*text == '-')
            ta_buf_puts(out, "\\-");
        else if (*text == '~')
            ta_buf_puts(out, "\\(ti");
        else
            ta_buf_putc(out, *text);
    }
}

static void append_paragraphs(struct ta_buf *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        char *paragraph = end ? ta_xstrndup(text, (size_t)(end - text)) : ta_xstrdup(text);
        ta_buf_puts(out, ".PP\n");
        append_roff(out, paragraph);
        ta_buf_putc(out, '\n');
        ta_freep(&paragraph);
        text = end ? end + 2 : text + strlen(text);
    }
}

// "0 to 51 dB; default 18"
static void append_facts(struct ta_buf *out, const json_t *d)
{
    struct ta_buf facts = {0};
    const json_t *min = json_object_get(d, "min"), *max = json_object_get(d, "max");
    const json_t *standard = json_object_get(d, "default");
    const char *unit = json_string_value(json_object_get(d, "unit"));
    char *low = min ? ta_opt_json_to_text(min) : NULL, *high = max ? ta_opt_json_to_text(max) : NULL;
    char *def = json_is_null(standard) || json_is_boolean(standard) ? NULL : ta_opt_json_to_text(standard);
    if (low && high)
        ta_buf_printf(&facts, "%s to %s", low, high);
    else if (low || high)
        ta_buf_printf(&facts, "at %s %s", low ? "least" : "most", low ? low : high);
    if (unit)
        ta_buf_printf(&facts, "%s%s", facts.size ? " " : "in ", unit);
    if (def && *def)
        ta_buf_printf(&facts, "%sdefault %s", facts.size ? "; " : "", def);
    else if (json_is_true(standard))
        ta_buf_printf(&facts, "%sdefault on", facts.size ? "; " : "");
    if (facts.size) {
        ta_buf_puts(out, " (");
        append_roff(out, facts.data);
        ta_buf_puts(out, ")");
    }
    ta_buf_release(&facts);
    ta_freep(&low);
    ta_freep(&high);
    ta_freep(&def);
}

static void append_option(struct ta_buf *out, const char *dashes, const char *name, const struct ta_opt *o)
{
    if (o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED))
        return;
    json_t *d = ta_opt_describe(o);
    const char *syntax = json_string_value(json_object_get(d, "syntax"));
    ta_buf_puts(out, ".TP\n");
    if (o->letter) {
        ta_buf_puts(out, "\\fB\\-");
        ta_buf_putc(out, o->letter);
        ta_buf_puts(out, "\\fR, ");
    }
    ta_buf_puts(out, "\\fB");
    append_roff(out, dashes);
    append_roff(out, name);
    ta_buf_puts(out, "\\fR");
    if (syntax) {
        ta_buf_puts(out, " \\fI");
        append_roff(out, syntax);
        ta_buf_puts(out, "\\fR");
    }
    ta_buf_putc(out, '\n');
    append_roff(out, o->help ? o->help : "");
    append_facts(out, d);
    ta_buf_putc(out, '\n');
    for (const struct ta_choice *c = o->choices; c && c->name; c++) {
        ta_buf_puts(out, c == o->choices ? ".RS\n" : "");
        ta_buf_puts(out, ".IP \"\\fB");
        append_roff(out, c->name);
        ta_buf_puts(out, "\\fR\" 4\n");
        append_roff(out, c->help ? c->help : "");
        ta_buf_puts(out, c->help ? "\n" : "");
        ta_buf_puts(out, c[1].name ? "" : ".RE\n");
    }
    json_decref(d);
}

static void append_table(struct ta_buf *out, const struct ta_opt *table, const char *dashes,
                         const char *prefix)
{
    for (const struct ta_opt *o = table; o->name; o++) {
        char *name = *prefix ? ta_xprintf("%s-%s", prefix, o->name) : ta_xstrdup(o->name);
        append_option(out, dashes, name, o);
        ta_freep(&name);
    }
}

static void append_command(struct ta_buf *out, const struct ta_command *c)
{
    struct ta_buf usage = {0};
    ta_help_usage(c, &usage);
    ta_buf_puts(out, ".SS ");
    append_roff(out, usage.data);
    ta_buf_putc(out, '\n');
    append_paragraphs(out, c->description);
    for (const struct ta_choice *a = c->actions; a && a->name; a++) {
        ta_buf_puts(out, ".TP\n\\fB");
        append_roff(out, a->name);
        ta_buf_puts(out, "\\fR\n");
        append_roff(out, a->help);
        ta_buf_putc(out, '\n');
    }
    for (const struct ta_command_group *g = c->groups; g && g->table; g++)
        append_table(out, g->table, "--", "");
    for (const struct ta_command_group *g = c->file_groups; g && g->table; g++) {
        append_paragraphs(out, g->title);
        append_table(out, g->table, "", "");
    }
    if (c->recipe)
        ta_buf_puts(out, ".PP\nAlso takes the options of the recipe, below.\n");
    if (c->running)
        ta_buf_puts(out, ".PP\nAlso takes the options of how to run, below.\n");
    ta_buf_release(&usage);
}

static void append_pairs(struct ta_buf *out, const struct ta_example *pairs)
{
    for (; pairs->command; pairs++) {
        ta_buf_puts(out, ".TP\n\\fB");
        append_roff(out, pairs->command);
        ta_buf_puts(out, "\\fR\n");
        append_roff(out, pairs->what);
        ta_buf_putc(out, '\n');
    }
}

static const struct ta_example exit_statuses[] = {
    {"0", "done"},
    {"1", "failed"},
    {"2", "wrong call: an unknown option, a value out of range"},
    {"3", "done, but the output lacks something, such as frames that could not be decoded"},
    {"130", "interrupted; the same command goes on"},
    {0},
};

static const struct ta_example files[] = {
    {"OUT.json", "report of a restored file: the plan, checksums, what was measured, times, warnings"},
    {"OUT.terminalai/", "finished segments of a run that is not finished; removed when it is"},
    {"~/.config/terminalai/config.yaml", "options that are always wanted; settings of the service"},
    {"~/.config/terminalai/presets/NAME.yaml", "own presets"},
    {"~/.cache/terminalai/",
     "what was found out about sources, so that it is not found out again; may be deleted"},
    {"~/.local/state/terminalai/performance_metrics.jsonl",
     "a line for each run: time, memory, frames a second"},
    {0},
};

static const struct ta_example environment[] = {
    {"TERMINALAI_*", "values of options: TERMINALAI_CRF=16"},
    {"NO_COLOR", "set to anything, messages have no colours"},
    {"COLUMNS", "width of help and tables when the output is no terminal"},
    {"XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME",
     "folders instead of ~/.config, ~/.cache and ~/.local/state"},
    {0},
};

void ta_help_man(struct ta_buf *out)
{
    ta_buf_printf(out, ".TH TERMINALAI 1 \"\" \"terminalai %s\" \"User Commands\"\n", ta_version());
    // No justified lines, no hyphens that a reader would type.
    ta_buf_puts(out, ".ad l\n.nh\n.SH NAME\nterminalai \\- restore and upscale old video\n.SH SYNOPSIS\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        struct ta_buf usage = {0};
        ta_help_usage(*c, &usage);
        ta_buf_puts(out, c == ta_commands ? "" : ".br\n");
        append_roff(out, usage.data);
        ta_buf_putc(out, '\n');
        ta_buf_release(&usage);
    }
    ta_buf_puts(out, ".SH DESCRIPTION\n");
    append_paragraphs(out, ta_help_purpose);
    ta_buf_puts(out, ".SH COMMANDS\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        append_command(out, *c);
    ta_buf_puts(out, ".SH OPTIONS OF THE RECIPE\n");
    append_paragraphs(out, ta_help_layers);
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups);
    for (int i = 0; i < count; i++) {
        if (!i || strcmp(groups[i].title, groups[i - 1].title)) {
            ta_buf_puts(out, ".SS ");
            append_roff(out, groups[i].title);
            ta_buf_putc(out, '\n');
        }
        append_table(out, groups[i].table, "--", groups[i].prefix);
    }
    ta_buf_puts(out, ".SH OPTIONS OF EVERY COMMAND\n");
    append_table(out, ta_common_options, "--", "");
    ta_buf_puts(out, ".SH EXIT STATUS\n");
    append_pairs(out, exit_statuses);
    ta_buf_puts(out, ".SH ENVIRONMENT\n");
    append_pairs(out, environment);
    ta_buf_puts(out, ".SH FILES\n");
    append_pairs(out, files);
    ta_buf_puts(out, ".SH EXAMPLES\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if ((*c)->examples)
            append_pairs(out, (*c)->examples);
}
