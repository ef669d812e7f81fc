#include "cli/help.h"

#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "cli/args.h"
#include "cli/table.h"

const char ta_help_purpose[] =
    "TerminalAI restores and upscales old video: VHS, Hi8, DV, DVD, broadcast, early web video.";

const char ta_help_layers[] =
    "A value comes from the first of these that has it: the command line; the environment "
    "(TERMINALAI_CRF=16 for --crf, TERMINALAI_PRESET_SPEED=slow for --preset-speed); the configuration "
    "file ~/.config/terminalai/config.yaml (lines such as \"crf: 16\"); the preset; the built-in default. "
    "\"terminalai plan INPUT --values\" shows each value and where it came from.";

void ta_help_usage(const struct ta_command *command, struct ta_buf *out)
{
    ta_buf_printf(out, "terminalai %s [OPTION...]%s%s", command->name, *command->operands ? " " : "",
                  command->operands);
}

void ta_help_overview(struct ta_buf *out, int width)
{
    ta_text_wrap(out, ta_help_purpose, 0, width);
    ta_buf_puts(out, "\nUsage: terminalai COMMAND [OPTION...] [FILE...]\n\nCommands:\n");
    struct ta_table table = {.columns = 2};
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        ta_table_cell(&table, "%s", (*c)->name);
        ta_table_cell(&table, "%s", (*c)->summary);
    }
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
    ta_buf_puts(out, "\nFirst steps:\n");
    table = (struct ta_table){.columns = 2};
    static const struct ta_example steps[] = {
        {"terminalai restore tape.avi", "makes tape.restored.mp4"},
        {"terminalai plan tape.avi", "says first what would be done, and why"},
        {"terminalai help restore", "all about one command"},
        {0},
    };
    for (const struct ta_example *s = steps; s->command; s++) {
        ta_table_cell(&table, "%s", s->command);
        ta_table_cell(&table, "%s", s->what);
    }
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

struct option_printer {
    struct ta_buf *out;
    int width;
    bool all;
    const char *title; // of the last heading
    int left_out;
};

static bool print_option(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    struct option_printer *p = priv;
    if (o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED))
        return true;
    if ((o->flags & TA_OPT_ADVANCED) && !p->all) {
        p->left_out++;
        return true;
    }
    if (!p->title || strcmp(p->title, title))
        ta_buf_printf(p->out, "\n%s:\n", title);
    p->title = title;
    struct ta_opt named = *o;
    named.name = name;
    ta_opt_help(&named, p->width, p->out);
    return true;
}

void ta_help_command(const struct ta_command *command, bool all, struct ta_buf *out, int width)
{
    ta_buf_puts(out, "Usage: ");
    ta_help_usage(command, out);
    ta_buf_puts(out, "\n\n");
    ta_text_wrap(out, command->description, 0, width);
    for (const struct ta_example *e = command->examples; e && e->command; e++) {
        ta_buf_puts(out, e == command->examples ? "\nExamples:\n" : "");
        ta_buf_printf(out, "  %s\n", e->command);
        ta_text_wrap(out, e->what, 6, width);
    }
    struct option_printer p = {.out = out, .width = width, .all = all};
    ta_command_each_option(command, print_option, &p);
    if (command->recipe) {
        ta_buf_putc(out, '\n');
        ta_text_wrap(out, ta_help_layers, 0, width);
    }
    if (p.left_out) {
        char *more = ta_xprintf("\n%d more %s that few people need: terminalai %s --help=all", p.left_out,
                                ta_plural(p.left_out, "option", "options"), command->name);
        ta_text_wrap(out, more, 0, width);
        ta_freep(&more);
    }
}
