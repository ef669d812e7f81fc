// Completion scripts. Each is one text that knows all commands, options and choices, so that completing
// starts no process.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/completion_words.h"
#include "cli/help.h"

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
    struct ta_words values;
    struct ta_buf names = {0};
    ta_words_of_value(name, o, &values);
    ta_words_append_names(&values, &names);
    ta_buf_puts(&b->cases, "        ");
    if (o->letter)
        ta_buf_printf(&b->cases, "-%c|", o->letter);
    if (values.count)
        ta_buf_printf(&b->cases, "--%s) words='%s'%s%s ;;\n", name, ta_buf_text(&names),
                      values.list ? " list=1" : "", values.files ? " files=1" : "");
    else
        ta_buf_printf(&b->cases, "--%s) %s ;;\n", name, takes_path(o) ? "return" : "plain=1");
    ta_buf_release(&names);
    ta_words_release(&values);
    return true;
}

// Behind an action come other words, or numbers.
static void append_bash_others(struct ta_buf *out, const struct ta_command *c)
{
    struct ta_words words;
    struct ta_buf names = {0};
    ta_words_of_others(c, &words);
    ta_words_append_names(&words, &names);
    ta_buf_puts(out, "        [[ $cur == -* || $prev == -* ]] || for ((i++; i < COMP_CWORD; i++)); do\n"
                     "            case ${COMP_WORDS[i]} in ");
    for (const struct ta_choice *a = c->actions; a->name; a++)
        ta_buf_printf(out, "%s%s", a == c->actions ? "" : "|", a->name);
    ta_buf_printf(out, ") words='%s'%s ;; esac\n        done\n", ta_buf_text(&names),
                  words.files ? " files=1" : " plain=1");
    ta_buf_release(&names);
    ta_words_release(&words);
}

void ta_completion_bash(struct ta_buf *out)
{
    ta_buf_puts(out, "# Completion of terminalai for bash, made by \"terminalai completion bash\".\n"
                     "# An empty answer lets bash complete file names.\n"
                     "_terminalai()\n{\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local command='' words='' options='' plain='' list='' files='' before='' i\n"
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
                     "        *)\n"
                     "            command=\"${command:+$command }${COMP_WORDS[i]}\"\n"
                     "            case $command in\n            ");
    bar = "";
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if ((*c)->family) {
            ta_buf_printf(out, "%s%s", bar, (*c)->name);
            bar = "|";
        }
    ta_buf_puts(out, ") ;; # the next word belongs to it\n"
                     "            *) break ;;\n"
                     "            esac\n"
                     "            ;;\n"
                     "        esac\n"
                     "    done\n"
                     "    case $command in\n");
    for (const struct ta_command *const *c = ta_commands;; c++) {
        struct bash_lists b = {{0}, {0}};
        struct ta_buf operands = {0};
        struct ta_words words;
        ta_command_each_option(*c, bash_visit, &b);
        ta_words_of_operands(*c, &words);
        ta_words_append_names(&words, &operands);
        ta_words_release(&words);
        ta_buf_printf(out, "    '%s')\n        options='%s'\n        case $prev in\n", *c ? (*c)->name : "",
                      b.names.data);
        ta_buf_printf(out, "%s", ta_buf_text(&b.cases));
        ta_buf_printf(out, "        *) [[ $cur == -* ]] && words=$options || words='%s' ;;\n        esac\n",
                      ta_buf_text(&operands));
        if (*c && (*c)->actions)
            append_bash_others(out, *c);
        ta_buf_puts(out, "        ;;\n");
        ta_buf_release(&operands);
        ta_buf_release(&b.names);
        ta_buf_release(&b.cases);
        if (!*c)
            break;
    }
    ta_buf_puts(out, "    esac\n"
                     "    if [[ $list && $cur == *,* ]]; then # a,b,c: the last one is completed\n"
                     "        before=${cur%,*},\n"
                     "    fi\n"
                     "    if [[ $words ]]; then\n"
                     "        COMPREPLY=($(compgen -P \"$before\" -W \"$words\" -- \"${cur#\"$before\"}\"))\n"
                     "    fi\n"
                     "    if [[ $files && ! $before ]]; then\n"
                     "        COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
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

// As an action of _arguments: "((auto\:words of\ its own ...))".
static void append_zsh_words(struct ta_buf *out, const struct ta_words *w)
{
    for (int i = 0; i < w->count; i++) {
        ta_buf_puts(out, i ? " " : "");
        for (const char *c = w->items[i].name; *c; c++)
            ta_buf_printf(out, "%s%c", *c == ':' ? "\\\\" : "", *c);
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

static void append_zsh_values(struct ta_buf *out, const struct ta_words *w, bool path)
{
    struct ta_buf names = {0};
    ta_words_append_names(w, &names);
    if (w->list)
        ta_buf_printf(out, "_sequence compadd - %s", ta_buf_text(&names));
    else if (w->count && w->files)
        ta_buf_printf(out, "{_alternative \"names\\:name\\:(%s)\" \"files\\:file\\:_files\"}",
                      ta_buf_text(&names));
    else if (w->count) {
        ta_buf_puts(out, "((");
        append_zsh_words(out, w);
        ta_buf_puts(out, "))");
    } else if (path) {
        ta_buf_puts(out, "_files");
    }
    ta_buf_release(&names);
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
        struct ta_words values;
        ta_words_of_value(name, o, &values);
        ta_buf_puts(out, ":");
        append_zsh(out, o->syntax ? o->syntax : o->kind->syntax ? o->kind->syntax : "VALUE");
        ta_buf_puts(out, ":");
        append_zsh_values(out, &values, takes_path(o));
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
            append_zsh_values(out, &others, others.files);
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

// Lines "name<tab>text", inside single quotes; of a list behind what is there of it already.
static void append_fish_words(struct ta_buf *out, const struct ta_words *w)
{
    if (w->list)
        ta_buf_puts(out, "(__fish_append , ");
    for (int i = 0; i < w->count; i++) {
        ta_buf_printf(out, "%s%s", i ? w->list ? " " : "\n" : "", w->items[i].name);
        if (w->list || !w->items[i].text[0])
            continue;
        ta_buf_putc(out, '\t');
        for (const char *c = w->items[i].text; *c; c++)
            if (!strchr("\"$()\\'", *c))
                ta_buf_putc(out, *c);
    }
    if (w->list)
        ta_buf_puts(out, ")");
}

// The condition that the line is one of this command.
static void append_fish_seen(struct ta_buf *out, const struct ta_command *c)
{
    const char *space = strchr(c->name, ' ');
    int first = space ? (int)(space - c->name) : (int)strlen(c->name);
    ta_buf_printf(out, "__fish_seen_subcommand_from %.*s", first, c->name);
    if (space)
        ta_buf_printf(out, "; and __fish_seen_subcommand_from %s", space + 1);
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
    if (f->command) {
        ta_buf_puts(f->out, " -n '");
        append_fish_seen(f->out, f->command);
        ta_buf_puts(f->out, "'");
    }
    if (o->letter)
        ta_buf_printf(f->out, " -s %c", o->letter);
    ta_buf_printf(f->out, " -l %s", name);
    if (!ta_option_is_switch(o)) {
        struct ta_words values;
        ta_words_of_value(name, o, &values);
        if (values.count) {
            ta_buf_puts(f->out, values.files && !values.list ? " -r -F -a '" : " -x -a '");
            append_fish_words(f->out, &values);
            ta_buf_puts(f->out, "'");
        } else {
            ta_buf_puts(f->out, takes_path(o) ? " -r -F" : " -x");
        }
        ta_words_release(&values);
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
        if (!ta_command_is_of(*c, NULL)) {
            ta_buf_printf(out, "complete -c terminalai -n __fish_use_subcommand -f -a %s -d '", (*c)->name);
            append_fish(out, (*c)->summary);
            ta_buf_puts(out, "'\n");
        }
        struct ta_words operands;
        ta_words_of_operands(*c, &operands);
        if (operands.count || (*c)->operand_kind == TA_OPERAND_NONE) {
            ta_buf_puts(out, "complete -c terminalai -n '");
            append_fish_seen(out, *c);
            for (const struct ta_choice *a = (*c)->actions; a && a->name; a++)
                ta_buf_printf(out, "%s%s",
                              a == (*c)->actions ? "; and not __fish_seen_subcommand_from " : " ", a->name);
            ta_buf_puts(out, operands.count ? "' -f -a '" : "' -f");
            append_fish_words(out, &operands);
            ta_buf_puts(out, operands.count ? "'\n" : "\n");
        }
        struct ta_words others;
        ta_words_of_others(*c, &others);
        if (others.count) {
            ta_buf_puts(out, "complete -c terminalai -n '");
            append_fish_seen(out, *c);
            for (const struct ta_choice *a = (*c)->actions; a && a->name; a++)
                ta_buf_printf(out, "%s%s", a == (*c)->actions ? "; and __fish_seen_subcommand_from " : " ",
                              a->name);
            ta_buf_puts(out, "' -a '");
            append_fish_words(out, &others);
            ta_buf_puts(out, "'\n");
        }
        ta_words_release(&others);
        ta_words_release(&operands);
        f.command = *c;
        ta_command_each_option(*c, fish_visit, &f);
    }
}
