#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "cli/args.h"
#include "cli/table.h"
#include "recipe/options.h"

const char ta_help_purpose[] =
    "TerminalAI restores and upscales old video: VHS, Hi8, DV, DVD, broadcast, early web video.";

const char ta_help_layers[] =
    "A value comes from the first of these that has it: the command line; the environment "
    "(TERMINALAI_CRF=16 for --crf, TERMINALAI_PRESET_SPEED=slow for --preset-speed); the configuration "
    "file ~/.config/terminalai/config.yaml (lines such as \"crf: 16\"); the preset; the built-in default. "
    "\"terminalai plan INPUT --values\" shows each value and where it came from.";

void ta_help_usage(const struct ta_command *command, struct ta_buf *out)
{
    ta_buf_printf(out, "terminalai %s%s%s%s", command->name, command->family ? "" : " [OPTION...]",
                  *command->operands ? " " : "", command->operands);
}

// The commands that begin with no other's name, or those of a family.
static void print_commands(const struct ta_command *family, struct ta_buf *out, int width)
{
    struct ta_table table = {.columns = 2};
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        if (family ? !ta_command_is_of(*c, family) : ta_command_is_of(*c, NULL))
            continue;
        ta_table_cell(&table, "%s", ta_command_last_word(*c));
        ta_table_cell(&table, "%s", (*c)->summary);
    }
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

void ta_help_overview(struct ta_buf *out, int width)
{
    ta_text_wrap(out, ta_help_purpose, 0, width);
    ta_buf_puts(out, "\nUsage: terminalai COMMAND [OPTION...] [FILE...]\n\nCommands:\n");
    print_commands(NULL, out, width);
    ta_buf_puts(out, "\nFirst steps:\n");
    struct ta_table table = {.columns = 2};
    static const struct ta_example steps[] = {
        {"terminalai restore tape.avi", "makes tape.restored.mp4"},
        {"terminalai plan tape.avi", "says first what would be done, and why"},
        {"terminalai restore -h", "what most people need of a command; --help: everything"},
        {0},
    };
    for (const struct ta_example *s = steps; s->command; s++) {
        ta_table_cell(&table, "%s", s->command);
        ta_table_cell(&table, "%s", s->what);
    }
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

// --- which options ---

struct option_printer {
    const struct ta_command *command;
    struct ta_buf *out;
    int width;
    const char *about; // NULL: all
    const char *title; // of the last heading
    bool options;      // no group is called so: options are looked for by their names
    bool pointed;      // the options of "restore" are left out
    int shown;
};

// What "restore" explains, and other commands take too.
static bool is_of_restore(const struct ta_command *command, const char *name, const struct ta_opt *o)
{
    return command->recipe && command != &ta_command_restore && ta_option_find(name, NULL) == o;
}

// "noise" is the group "Noise", and "denoise" the group of the option of that name.
static bool is_group(const char *title, const char *about)
{
    struct ta_buf a = {0}, b = {0};
    for (const char *c = title; *c; c++)
        ta_buf_putc(&a, (char)tolower((unsigned char)*c));
    for (const char *c = about; *c; c++)
        ta_buf_putc(&b, (char)(*c == '-' ? ' ' : tolower((unsigned char)*c)));
    bool is = strstr(ta_buf_text(&a), ta_buf_text(&b)) != NULL;
    ta_buf_release(&a);
    ta_buf_release(&b);
    return is;
}

static bool print_option(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    struct option_printer *p = priv;
    if (o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED))
        return true;
    if (p->about && !(p->options ? strstr(name, p->about) != NULL : is_group(title, p->about)))
        return true;
    if (!p->about && is_of_restore(p->command, name, o)) {
        p->pointed = true;
        return true;
    }
    p->shown++;
    if (!p->out)
        return true;
    if (!p->title || strcmp(p->title, title))
        ta_buf_printf(p->out, "%s%s:\n", p->out->size ? "\n" : "", title);
    p->title = title;
    struct ta_opt named = *o;
    named.name = name;
    ta_opt_help(&named, p->width, p->out);
    return true;
}

static int print_about(struct option_printer *p)
{
    char *other = ta_option_other_spelling(p->about);
    if (other)
        p->about = other;
    for (int by_name = 0; by_name < 2 && !p->shown; by_name++) {
        p->options = by_name;
        ta_command_each_option(p->command, print_option, p);
    }
    ta_freep(&other);
    return p->shown;
}

bool ta_help_knows(const struct ta_command *command, const char *about)
{
    struct option_printer p = {.command = command, .about = about};
    return print_about(&p) > 0;
}

struct titles {
    struct ta_buf *out;
    const char *last;
};

static bool add_title(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)name;
    (void)o;
    struct titles *t = priv;
    if (!t->last || strcmp(t->last, title))
        ta_buf_printf(t->out, "%s%s", t->last ? ", " : "", title);
    t->last = title;
    return true;
}

void ta_help_groups(const struct ta_command *command, struct ta_buf *out)
{
    struct titles t = {.out = out};
    if (command)
        ta_command_each_option(command, add_title, &t);
}

// --- forms ---

struct short_printer {
    const struct ta_command *command;
    struct ta_buf *out;
    const char *wanted; // NULL: all that are the command's own and not advanced
    bool whole;         // an option may take several lines
    int width;
};

static bool print_short(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct short_printer *p = priv;
    bool common = ta_opt_find(ta_common_options, name) == o;
    bool unwanted = p->wanted ? strcmp(p->wanted, name)
                              : common || is_of_restore(p->command, name, o) || (o->flags & TA_OPT_ADVANCED);
    if (unwanted || (o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED)))
        return true;
    struct ta_opt named = *o;
    named.name = name;
    ta_opt_help_line(&named, p->whole, p->width, p->out);
    return !p->wanted;
}

static void print_examples(const struct ta_command *command, int most, struct ta_buf *out, int width)
{
    for (const struct ta_example *e = command->examples; e && e->command && most--; e++) {
        ta_buf_puts(out, e == command->examples ? "\nExamples:\n" : "");
        ta_buf_printf(out, "  %s\n", e->command);
        ta_text_wrap(out, e->what, 6, width);
    }
}

static void print_actions(const struct ta_command *command, struct ta_buf *out, int width)
{
    if (!command->actions)
        return;
    struct ta_table table = {.columns = 2};
    ta_buf_puts(out, "\nActions:\n");
    for (const struct ta_choice *a = command->actions; a->name; a++) {
        ta_table_cell(&table, "%s", a->name);
        ta_table_cell(&table, "%s", a->help);
    }
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

// On a screen: what it is, examples, the options that most people need, and where the rest is.
static void print_command_short(const struct ta_command *command, bool whole, struct ta_buf *out, int width)
{
    static const int EXAMPLES = 4, FEW_EXAMPLES = 2;
    char *first = ta_xstrndup(command->description, strcspn(command->description, "\n"));
    ta_text_wrap(out, first, 0, width);
    ta_freep(&first);
    print_actions(command, out, width);
    print_examples(command, command->actions ? FEW_EXAMPLES : EXAMPLES, out, width);
    ta_buf_puts(out, command->often ? "\nWhat most people need:\n" : "\nOptions:\n");
    size_t before = out->size;
    struct short_printer p = {.command = command, .out = out, .whole = whole, .width = width};
    for (int i = 0; command->often && command->often[i]; i++) {
        p.wanted = command->often[i];
        ta_command_each_option(command, print_short, &p);
    }
    if (!command->often)
        ta_command_each_option(command, print_short, &p);
    if (out->size == before)
        ta_buf_puts(out, "  none of its own\n");
    struct ta_buf more = {0}, groups = {0};
    ta_buf_printf(&more, "\nEverything: terminalai %s --help", command->name);
    if (command->recipe) {
        ta_help_groups(&ta_command_restore, &groups);
        ta_buf_printf(&more,
                      "; one group or option: --help GROUP, such as --help noise or --help crf. Groups: %s",
                      ta_buf_text(&groups));
    }
    ta_text_wrap(out, ta_buf_text(&more), 0, width);
    ta_buf_release(&groups);
    ta_buf_release(&more);
}

// Each option as long as it is when that fits, else in a line.
static void print_screen(const struct ta_command *command, struct ta_buf *out, int width)
{
    enum { SCREEN_LINES = 40 };
    struct ta_buf all = {0};
    size_t lines = 2; // the usage, and an empty one
    print_command_short(command, true, &all, width);
    for (size_t i = 0; i < all.size; i++)
        lines += all.data[i] == '\n';
    if (lines > SCREEN_LINES) {
        ta_buf_clear(&all);
        print_command_short(command, false, &all, width);
    }
    ta_buf_puts(out, ta_buf_text(&all));
    ta_buf_release(&all);
}

static void print_command_all(const struct ta_command *command, struct ta_buf *out, int width)
{
    ta_text_wrap(out, command->description, 0, width);
    print_actions(command, out, width);
    print_examples(command, -1, out, width);
    struct option_printer p = {.command = command, .out = out, .width = width};
    ta_command_each_option(command, print_option, &p);
    ta_buf_puts(out, command->recipe ? "\n" : "");
    if (p.pointed)
        ta_text_wrap(
            out,
            "All options of \"restore\" that say what to make and how to run are taken too: terminalai "
            "restore --help.\n",
            0, width);
    if (command->recipe)
        ta_text_wrap(out, ta_help_layers, 0, width);
}

static void print_family(const struct ta_command *family, struct ta_buf *out, int width)
{
    ta_text_wrap(out, family->description, 0, width);
    print_examples(family, -1, out, width);
    ta_buf_puts(out, "\nCommands:\n");
    print_commands(family, out, width);
    ta_buf_printf(out, "\nEach one: terminalai %s COMMAND --help\n", family->name);
}

void ta_help_command(const struct ta_command *command, enum ta_help_wish wish, const char *about,
                     struct ta_buf *out, int width)
{
    if (about) {
        struct option_printer p = {.command = command, .out = out, .width = width, .about = about};
        print_about(&p);
        return;
    }
    ta_buf_puts(out, "Usage: ");
    ta_help_usage(command, out);
    ta_buf_puts(out, "\n\n");
    if (command->family)
        print_family(command, out, width);
    else if (wish == TA_HELP_SHORT)
        print_screen(command, out, width);
    else
        print_command_all(command, out, width);
}
