// Completion for fish.
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/completion_words.h"
#include "cli/help.h"

// Inside single quotes.
static void append_quoted(struct ta_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("'\\", *text))
            ta_buf_putc(out, '\\');
        ta_buf_putc(out, *text);
    }
}

// Words as fish takes them apart again: "name"\t"text", in double quotes for what spaces and brackets are in
// it.
static void append_words(struct ta_buf *out, const struct ta_words *w)
{
    struct ta_buf all = {0};
    if (w->list)
        ta_buf_puts(&all, "(__fish_append , ");
    for (int i = 0; i < w->count; i++) {
        ta_buf_printf(&all, "%s\"%s\"", i ? " " : "", w->items[i].name);
        if (!w->items[i].text[0])
            continue;
        ta_buf_puts(&all, "\\t\"");
        for (const char *c = w->items[i].text; *c; c++) {
            if (strchr("\"$\\", *c))
                ta_buf_putc(&all, '\\');
            ta_buf_putc(&all, *c);
        }
        ta_buf_putc(&all, '"');
    }
    if (w->list)
        ta_buf_putc(&all, ')');
    append_quoted(out, ta_buf_text(&all));
    ta_buf_release(&all);
}

// Where what is offered is offered: behind the command alone, behind it and an operand, or anywhere in its
// line.
enum place { ALONE, BEHIND, ANYWHERE };

// `c`: NULL where the command itself is to be named.
static void begin(struct ta_buf *out, const struct ta_command *c, enum place place)
{
    static const char *const names[] = {[ALONE] = "alone", [BEHIND] = "behind", [ANYWHERE] = "is"};
    ta_buf_printf(out, "complete -c terminalai -n '__terminalai_%s%s%s'", names[place], c ? " " : "",
                  c ? c->name : "");
}

struct fish_command {
    struct ta_buf *out;
    const struct ta_command *command; // NULL: options of every command
};

static bool is_common(const struct ta_opt *o)
{
    for (const struct ta_opt *t = ta_common_options; t->name; t++)
        if (t == o)
            return true;
    return false;
}

static bool visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct fish_command *f = priv;
    if (!ta_option_is_offered(o) || (f->command && is_common(o)))
        return true;
    if (f->command)
        begin(f->out, f->command, ANYWHERE);
    else
        ta_buf_puts(f->out, "complete -c terminalai");
    if (o->letter)
        ta_buf_printf(f->out, " -s %c", o->letter);
    ta_buf_printf(f->out, " -l %s", name);
    if (!ta_option_is_switch(o)) {
        struct ta_words values;
        ta_words_of_value(name, o, &values);
        if (values.count) {
            ta_buf_puts(f->out, values.files && !values.list ? " -r -F -a '" : " -x -a '");
            append_words(f->out, &values);
            ta_buf_puts(f->out, "'");
        } else {
            ta_buf_puts(f->out, ta_option_takes_path(o) ? " -r -F" : " -x");
        }
        ta_words_release(&values);
    }
    ta_buf_puts(f->out, " -d '");
    append_quoted(f->out, o->help ? o->help : "");
    ta_buf_puts(f->out, "'\n");
    return true;
}

static void append_command(struct ta_buf *out, const struct ta_command *c)
{
    struct ta_words operands, others;
    ta_words_of_operands(c, &operands);
    ta_words_of_others(c, &others);
    if (operands.count || c->operand_kind == TA_OPERAND_NONE) {
        begin(out, c, c->actions || c->family ? ALONE : ANYWHERE);
        ta_buf_puts(out, operands.count ? " -f -a '" : " -f");
        append_words(out, &operands);
        ta_buf_puts(out, operands.count ? "'\n" : "\n");
    }
    if (others.count) {
        begin(out, c, BEHIND);
        ta_buf_puts(out, " -a '");
        append_words(out, &others);
        ta_buf_puts(out, "'\n");
    } else if (c->actions) {
        begin(out, c, BEHIND);
        ta_buf_puts(out, " -f\n"); // numbers and such
    }
    ta_words_release(&others);
    ta_words_release(&operands);
}

void ta_completion_fish(struct ta_buf *out)
{
    ta_buf_puts(
        out, "# Completion of terminalai for fish, made by \"terminalai completion fish\".\n\n"
             "# Commands and operands before the cursor; not options, nor the values of those that may stand "
             "before the command.\n"
             "function __terminalai_words\n"
             "    set -l value no\n"
             "    for word in (commandline -opc)[2..-1]\n"
             "        if test $value = yes\n"
             "            set value no\n"
             "        else if contains -- $word");
    for (const struct ta_opt *o = ta_common_options; o->name; o++)
        if (!ta_option_is_switch(o))
            ta_buf_printf(out, " --%s", o->name);
    ta_buf_puts(out, "\n"
                     "            set value yes\n"
                     "        else if not string match -q -- '-*' $word\n"
                     "            echo -- $word\n"
                     "        end\n"
                     "    end\n"
                     "end\n\n"
                     "# Does the line begin with these words?\n"
                     "function __terminalai_is\n"
                     "    set -l words (__terminalai_words)\n"
                     "    test (count $words) -ge (count $argv)\n"
                     "    and set -l first $words[1..(count $argv)]\n"
                     "    and test \"$first\" = \"$argv\"\n"
                     "end\n\n"
                     "# Are they all that there are?\n"
                     "function __terminalai_alone\n"
                     "    set -l words (__terminalai_words)\n"
                     "    test \"$words\" = \"$argv\"\n"
                     "end\n\n"
                     "function __terminalai_behind\n"
                     "    __terminalai_is $argv\n"
                     "    and not __terminalai_alone $argv\n"
                     "end\n\n");
    struct fish_command f = {.out = out};
    ta_command_each_option(NULL, visit, &f);
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        if (!ta_command_is_of(*c, NULL)) {
            begin(out, NULL, ALONE);
            ta_buf_printf(out, " -f -a %s -d '", (*c)->name);
            append_quoted(out, (*c)->summary);
            ta_buf_puts(out, "'\n");
        }
        append_command(out, *c);
        f.command = *c;
        ta_command_each_option(*c, visit, &f);
    }
}
