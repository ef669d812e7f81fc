// Completion for bash. As for the other shells it is one text that knows all commands, options and choices,
// so that completing starts no process.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/completion_words.h"
#include "cli/help.h"

struct bash_lists {
    struct ta_buf names; // all options
    struct ta_buf cases; // what follows an option that takes a value
};

static bool bash_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct bash_lists *b = priv;
    if (!ta_option_is_offered(o))
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
        ta_buf_printf(&b->cases, "--%s) %s ;;\n", name, ta_option_takes_path(o) ? "return" : "plain=1");
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
