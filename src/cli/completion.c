// Completion scripts. Each is one text that knows all commands, options and choices, so that completing
// starts no process.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/help.h"
#include "media/encode/encoder_row.h"

// --- words that values and operands may be ---

static void append_preset_names(struct ta_buf *out)
{
    char *text = ta_presets_describe();
    json_t *presets = json_loads(text, 0, NULL), *preset;
    size_t i;
    json_array_foreach(presets, i, preset)
    {
        const char *name = json_string_value(json_object_get(preset, "name"));
        if (name && name[strcspn(name, " '\"\\$`()")] == 0)
            ta_buf_printf(out, "%s%s", out->size ? " " : "", name);
    }
    json_decref(presets);
    free(text);
}

// The words an option's value may be, with spaces between; "" when it is free (numbers, files).
static void append_values(const char *name, const struct ta_opt *o, struct ta_buf *out)
{
    if (o->choices) {
        for (const struct ta_choice *c = o->choices; c->name; c++)
            ta_buf_printf(out, "%s%s", c == o->choices ? "" : " ", c->name);
    } else if (!strcmp(name, "preset")) {
        append_preset_names(out);
    } else if (!strcmp(name, "encoder")) {
        ta_buf_puts(out, "auto");
        for (const struct ta_encoder_info *const *e = ta_encoders; *e; e++)
            ta_buf_printf(out, " %s", (*e)->name);
    } else if (!strcmp(name, "resolution")) {
        ta_buf_puts(out, "auto source 480 576 720 1080 1440 2160");
    }
}

static void append_operands(const struct ta_command *c, struct ta_buf *out)
{
    if (c->operand_kind == TA_OPERAND_PRESET)
        append_preset_names(out);
    else if (c->operand_kind == TA_OPERAND_SHELL)
        ta_buf_puts(out, "bash zsh fish");
    else if (c->operand_kind == TA_OPERAND_COMMAND)
        for (const struct ta_command *const *other = ta_commands; *other; other++)
            ta_buf_printf(out, "%s%s", other == ta_commands ? "" : " ", (*other)->name);
}

// Is the value of this option the name of a file or folder?
static bool takes_path(const struct ta_opt *o)
{
    static const char *const words[] = {"FILE", "DIR", "OUT", "TAPE"};
    for (size_t i = 0; o->syntax && i < TA_COUNT(words); i++)
        if (!strcmp(o->syntax, words[i]))
            return true;
    return false;
}

static bool is_shown(const struct ta_opt *o)
{
    return !(o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED));
}

// --- bash ---

struct bash_lists {
    struct ta_buf names; // all options
    struct ta_buf cases; // what follows an option that takes a value
};

static bool bash_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct bash_lists *b = priv;
    if (!is_shown(o))
        return true;
    ta_buf_printf(&b->names, "%s--%s", b->names.size ? " " : "", name);
    if (ta_option_is_switch(o))
        return true;
    struct ta_buf values = {0};
    append_values(name, o, &values);
    ta_buf_puts(&b->cases, "        ");
    if (o->letter)
        ta_buf_printf(&b->cases, "-%c|", o->letter);
    if (values.size)
        ta_buf_printf(&b->cases, "--%s) words='%s' ;;\n", name, values.data);
    else
        ta_buf_printf(&b->cases, "--%s) %s ;;\n", name, takes_path(o) ? "return" : "plain=1");
    ta_buf_release(&values);
    return true;
}

void ta_completion_bash(struct ta_buf *out)
{
    ta_buf_puts(out, "# Completion of terminalai for bash, made by \"terminalai completion bash\".\n"
                     "# An empty answer lets bash complete file names.\n"
                     "_terminalai()\n{\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local command='' words='' options='' plain='' i\n"
                     "    COMPREPLY=()\n"
                     "    if [[ $cur == '=' ]]; then # --name= is three words here\n"
                     "        cur=''\n"
                     "    elif [[ $prev == '=' ]]; then\n"
                     "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
                     "    fi\n"
                     "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                     "        case ${COMP_WORDS[i]} in\n"
                     "        ");
    const char *bar = "";
    for (const struct ta_opt *o = ta_common_options; o->name; o++) {
        if (!ta_option_is_switch(o)) {
            ta_buf_printf(out, "%s--%s", bar, o->name);
            bar = "|";
        }
    }
    ta_buf_puts(out, ") ((i++)); [[ ${COMP_WORDS[i]} == '=' ]] && ((i++)) ;;\n"
                     "        -*) ;;\n"
                     "        *) command=${COMP_WORDS[i]}; break ;;\n"
                     "        esac\n"
                     "    done\n"
                     "    case $command in\n");
    for (const struct ta_command *const *c = ta_commands;; c++) {
        struct bash_lists b = {{0}, {0}};
        struct ta_buf operands = {0};
        ta_command_each_option(*c, bash_visit, &b);
        if (*c)
            append_operands(*c, &operands);
        else
            for (const struct ta_command *const *other = ta_commands; *other; other++)
                ta_buf_printf(&operands, "%s%s", other == ta_commands ? "" : " ", (*other)->name);
        ta_buf_printf(out, "    %s)\n        options='%s'\n        case $prev in\n", *c ? (*c)->name : "''",
                      b.names.data);
        ta_buf_printf(out, "%s", ta_buf_text(&b.cases));
        ta_buf_printf(
            out, "        *) [[ $cur == -* ]] && words=$options || words='%s' ;;\n        esac\n        ;;\n",
            ta_buf_text(&operands));
        ta_buf_release(&operands);
        ta_buf_release(&b.names);
        ta_buf_release(&b.cases);
        if (!*c)
            break;
    }
    ta_buf_puts(out, "    esac\n"
                     "    if [[ $words ]]; then\n"
                     "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "    fi\n"
                     "    if [[ $plain ]]; then # a number or such: nothing to offer\n"
                     "        compopt +o default +o bashdefault 2>/dev/null\n"
                     "    fi\n"
                     "}\n"
                     "complete -o bashdefault -o default -F _terminalai terminalai\n");
}

// --- zsh ---

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

static bool zsh_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct ta_buf *out = priv;
    if (!is_shown(o))
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
        struct ta_buf values = {0};
        append_values(name, o, &values);
        ta_buf_puts(out, ":");
        append_zsh(out, o->syntax ? o->syntax : o->kind->syntax ? o->kind->syntax : "VALUE");
        ta_buf_puts(out, ":");
        if (values.size)
            ta_buf_printf(out, "(%s)", values.data);
        else if (takes_path(o))
            ta_buf_puts(out, "_files");
        ta_buf_release(&values);
    }
    ta_buf_puts(out, "' \\\n");
    return true;
}

void ta_completion_zsh(struct ta_buf *out)
{
    ta_buf_puts(
        out,
        "#compdef terminalai\n# Completion of terminalai for zsh, made by \"terminalai completion zsh\".\n\n"
        "_terminalai() {\n"
        "    local curcontext=$curcontext state line\n"
        "    typeset -A opt_args\n"
        "    _arguments -C \\\n");
    ta_command_each_option(NULL, zsh_visit, out);
    ta_buf_puts(out, "            '1:command:->command' '*::argument:->argument'\n"
                     "    case $state in\n"
                     "    command)\n"
                     "        local -a commands=(\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        ta_buf_printf(out, "            '%s:", (*c)->name);
        append_zsh(out, (*c)->summary);
        ta_buf_puts(out, "'\n");
    }
    ta_buf_puts(
        out,
        "        )\n        _describe command commands\n        ;;\n    argument)\n        case $line[1] in\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        struct ta_buf operands = {0};
        append_operands(*c, &operands);
        ta_buf_printf(out, "        %s)\n            _arguments -S \\\n", (*c)->name);
        ta_command_each_option(*c, zsh_visit, out);
        if ((*c)->operand_kind == TA_OPERAND_NONE)
            ta_buf_puts(out, "            && return\n");
        else if (operands.size)
            ta_buf_printf(out, "            '*:name:(%s)'\n", operands.data);
        else
            ta_buf_puts(out, "            '*:file:_files'\n");
        ta_buf_puts(out, "            ;;\n");
        ta_buf_release(&operands);
    }
    ta_buf_puts(out, "        esac\n        ;;\n    esac\n}\n\n_terminalai \"$@\"\n");
}

// --- fish ---

// Inside single quotes.
static void append_fish(struct ta_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("'\\", *text))
            ta_buf_putc(out, '\\');
        ta_buf_putc(out, *text);
    }
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

static bool fish_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct fish_command *f = priv;
    if (!is_shown(o) || (f->command && is_common(o)))
        return true;
    ta_buf_puts(f->out, "complete -c terminalai");
    if (f->command)
        ta_buf_printf(f->out, " -n '__fish_seen_subcommand_from %s'", f->command->name);
    if (o->letter)
        ta_buf_printf(f->out, " -s %c", o->letter);
    ta_buf_printf(f->out, " -l %s", name);
    if (!ta_option_is_switch(o)) {
        struct ta_buf values = {0};
        append_values(name, o, &values);
        if (values.size)
            ta_buf_printf(f->out, " -x -a '%s'", values.data);
        else
            ta_buf_puts(f->out, takes_path(o) ? " -r -F" : " -x");
        ta_buf_release(&values);
    }
    ta_buf_puts(f->out, " -d '");
    append_fish(f->out, o->help ? o->help : "");
    ta_buf_puts(f->out, "'\n");
    return true;
}

void ta_completion_fish(struct ta_buf *out)
{
    ta_buf_puts(out, "# Completion of terminalai for fish, made by \"terminalai completion fish\".\n");
    struct fish_command f = {.out = out};
    ta_command_each_option(NULL, fish_visit, &f);
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        ta_buf_printf(out, "complete -c terminalai -n __fish_use_subcommand -f -a %s -d '", (*c)->name);
        append_fish(out, (*c)->summary);
        ta_buf_puts(out, "'\n");
        struct ta_buf operands = {0};
        append_operands(*c, &operands);
        if (operands.size)
            ta_buf_printf(out, "complete -c terminalai -n '__fish_seen_subcommand_from %s' -f -a '%s'\n",
                          (*c)->name, operands.data);
        else if ((*c)->operand_kind == TA_OPERAND_NONE)
            ta_buf_printf(out, "complete -c terminalai -n '__fish_seen_subcommand_from %s' -f\n", (*c)->name);
        ta_buf_release(&operands);
        f.command = *c;
        ta_command_each_option(*c, fish_visit, &f);
    }
}
