// Completion for zsh.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/completion_words.h"
#include "cli/help.h"

// Inside single quotes, in a specification of _arguments.
static void append_zsh(struct ta_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            ta_buf_puts(out, "'\\'");
        else if (strchr("[]:\\", *text))
            ta_buf_putc(out, '\\');
        ta_buf_putc(out, *text);
    }
}

// As an action of _arguments: "((auto\:words of\ its own ...))".
static void append_zsh_words(struct ta_buf *out, const struct ta_words *w)
{
    for (int i = 0; i < w->count; i++) {
        ta_buf_puts(out, i ? " " : "");
        for (const char *c = w->items[i].name; *c; c++)
            ta_buf_printf(out, "%s%c", *c == ':' ? "\\\\\\" : "", *c);
        ta_buf_puts(out, w->items[i].text[0] ? "\\:" : "");
        for (const char *c = w->items[i].text; *c; c++) {
            if (*c == '\'')
                ta_buf_puts(out, "\\'\\'");
            else if (strchr(" ()[]:\\\";&|<>*?#$`,", *c))
                ta_buf_putc(out, '\\');
            ta_buf_putc(out, *c);
        }
    }
}

// Words that need more than an action has room for (files besides, or several of them) have a function.
static bool has_function(const struct ta_words *w)
{
    return w->count && (w->list || w->files);
}

static void append_zsh_values(struct ta_buf *out, const char *name, const struct ta_words *w, bool path)
{
    if (has_function(w)) {
        ta_buf_printf(out, "%s_terminalai_%s%s", w->list ? "_sequence " : "", name, w->list ? " -" : "");
    } else if (w->count) {
        ta_buf_puts(out, "((");
        append_zsh_words(out, w);
        ta_buf_puts(out, "))");
    } else if (path) {
        ta_buf_puts(out, "_files");
    }
}

struct zsh_functions {
    struct ta_buf *out;
    json_t *seen; // their names
};

static void append_zsh_function(struct zsh_functions *f, const char *name, const struct ta_words *w)
{
    if (!has_function(w) || json_object_get(f->seen, name))
        return;
    json_object_set_new(f->seen, name, json_true());
    ta_buf_printf(f->out, "_terminalai_%s() {\n    local ret=1\n    local -a words=(\n", name);
    for (int i = 0; i < w->count; i++) {
        ta_buf_puts(f->out, "        '");
        for (const char *c = w->items[i].name; *c; c++)
            ta_buf_printf(f->out, "%s%c", *c == ':' ? "\\" : "", *c);
        ta_buf_puts(f->out, w->items[i].text[0] ? ":" : "");
        for (const char *c = w->items[i].text; *c; c++)
            ta_buf_printf(f->out, "%s%c", *c == '\'' ? "'\\'" : "", *c);
        ta_buf_puts(f->out, "'\n");
    }
    ta_buf_printf(f->out, "    )\n    _describe -t words %s words \"$@\" && ret=0\n%s    return ret\n}\n\n",
                  name, w->files && !w->list ? "    _files && ret=0\n" : "");
}

static bool visit_functions(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct ta_words values;
    if (ta_option_is_offered(o) && !ta_option_is_switch(o)) {
        ta_words_of_value(name, o, &values);
        append_zsh_function(priv, name, &values);
        ta_words_release(&values);
    }
    return true;
}

static bool zsh_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct ta_buf *out = priv;
    if (!ta_option_is_offered(o))
        return true;
    bool takes_value = !ta_option_is_switch(o);
    const char *repeat = o->kind == &ta_opt_list || o->kind == &ta_opt_count ? "*" : "";
    ta_buf_puts(out, "            ");
    if (o->letter)
        ta_buf_printf(out, "%s{-%c%s,--%s%s}'", *repeat ? "\\*" : "", o->letter, takes_value ? "+" : "", name,
                      takes_value ? "=" : "");
    else
        ta_buf_printf(out, "'%s--%s%s", repeat, name, takes_value ? "=" : "");
    ta_buf_putc(out, '[');
    append_zsh(out, o->help ? o->help : "");
    ta_buf_putc(out, ']');
    if (takes_value) {
        struct ta_words values;
        ta_words_of_value(name, o, &values);
        ta_buf_puts(out, ":");
        append_zsh(out, o->syntax ? o->syntax : o->kind->syntax ? o->kind->syntax : "VALUE");
        ta_buf_puts(out, ":");
        append_zsh_values(out, name, &values, ta_option_takes_path(o));
        ta_words_release(&values);
    }
    ta_buf_puts(out, "' \\\n");
    return true;
}

static void append_zsh_command(struct ta_buf *out, const struct ta_command *c)
{
    struct ta_words operands;
    ta_words_of_operands(c, &operands);
    ta_buf_puts(out, "            _arguments -S \\\n");
    ta_command_each_option(c, zsh_visit, out);
    if (c->operand_kind == TA_OPERAND_NONE && !operands.count)
        ta_buf_puts(out, "            && return\n");
    else if (operands.count) {
        ta_buf_puts(out, c->actions ? "            '1:action:((" : "            '*:name:((");
        append_zsh_words(out, &operands);
        ta_buf_puts(out, c->actions ? "))' " : "))'\n");
        if (c->actions) {
            struct ta_words others;
            ta_words_of_others(c, &others);
            ta_buf_puts(out, "'*:name:");
            append_zsh_values(out, c->name, &others, others.files);
            ta_buf_puts(out, "'\n");
            ta_words_release(&others);
        }
    } else
        ta_buf_puts(out, "            '*:file:_files'\n");
    ta_words_release(&operands);
}

// The same once more, one word further.
static void append_zsh_family(struct ta_buf *out, const struct ta_command *family)
{
    struct ta_words members;
    ta_words_of_operands(family, &members);
    ta_buf_puts(out, "            _arguments -C '1:command:((");
    append_zsh_words(out, &members);
    ta_buf_puts(out, "))' '*::argument:->member'\n            [[ $state == member ]] && case $line[1] in\n");
    ta_words_release(&members);
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if (ta_command_is_of(*c, family)) {
            ta_buf_printf(out, "            %s)\n", ta_command_last_word(*c));
            append_zsh_command(out, *c);
            ta_buf_puts(out, "            ;;\n");
        }
    ta_buf_puts(out, "            esac\n");
}

void ta_completion_zsh(struct ta_buf *out)
{
    ta_buf_puts(
        out,
        "#compdef terminalai\n# Completion of terminalai for zsh, made by \"terminalai completion zsh\".\n\n");
    struct zsh_functions functions = {out, json_object()};
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        struct ta_words others;
        ta_command_each_option(*c, visit_functions, &functions);
        ta_words_of_others(*c, &others);
        append_zsh_function(&functions, (*c)->name, &others);
        ta_words_release(&others);
    }
    json_decref(functions.seen);
    ta_buf_puts(out, "_terminalai() {\n"
                     "    local curcontext=$curcontext state line\n"
                     "    typeset -A opt_args\n"
                     "    _arguments -C \\\n");
    ta_command_each_option(NULL, zsh_visit, out);
    ta_buf_puts(out, "            '1:command:->command' '*::argument:->argument'\n"
                     "    case $state in\n"
                     "    command)\n"
                     "        local -a commands=(\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        if (ta_command_is_of(*c, NULL))
            continue;
        ta_buf_printf(out, "            '%s:", (*c)->name);
        append_zsh(out, (*c)->summary);
        ta_buf_puts(out, "'\n");
    }
    ta_buf_puts(
        out,
        "        )\n        _describe command commands\n        ;;\n    argument)\n        case $line[1] in\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        if (ta_command_is_of(*c, NULL))
            continue;
        ta_buf_printf(out, "        %s)\n", (*c)->name);
        if ((*c)->family)
            append_zsh_family(out, *c);
        else
            append_zsh_command(out, *c);
        ta_buf_puts(out, "            ;;\n");
    }
    ta_buf_puts(out, "        esac\n        ;;\n    esac\n}\n\n_terminalai \"$@\"\n");
}
