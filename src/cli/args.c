#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/help.h"
#include "recipe/options.h"

// --- kinds of the command line alone ---

static int parse_list(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    if (!*text) {
        ta_buf_puts(why, "must not be empty");
        return TA_ERR_INVALID;
    }
    struct ta_list *list = field;
    list->items = ta_xrealloc(list->items, (size_t)(list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = ta_xstrdup(text);
    return 0;
}

static void format_list(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    const struct ta_list *list = field;
    for (int i = 0; i < list->count; i++)
        ta_buf_printf(out, "%s%s", i ? "," : "", list->items[i]);
}

static void release_list(void *field)
{
    struct ta_list *list = field;
    for (int i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct ta_list){0};
}

const struct ta_opt_kind ta_opt_list = {
    .name = "list", .syntax = "TEXT", .parse = parse_list, .format = format_list, .release = release_list};

static int parse_count(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    int *count = field;
    if (!strcmp(text, "on")) {
        *count += 1;
    } else if (!strcmp(text, "off")) {
        *count = 0;
    } else if (text[0] >= '0' && text[0] <= '9' && !text[1]) {
        *count = text[0] - '0';
    } else {
        ta_buf_puts(why, "must be a number from 0 to 9");
        return TA_ERR_INVALID;
    }
    return 0;
}

static void format_count(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_buf_printf(out, "%d", *(const int *)field);
}

const struct ta_opt_kind ta_opt_count = {.name = "count", .parse = parse_count, .format = format_count};

static int parse_help(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    (void)why;
    *(int *)field = !strcmp(text, "short") ? TA_HELP_SHORT : TA_HELP_ALL;
    return 0;
}

static void format_help(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_buf_puts(out, *(const int *)field == TA_HELP_ALL ? "all" : *(const int *)field ? "short" : "off");
}

const struct ta_opt_kind ta_opt_help_kind = {.name = "help", .parse = parse_help, .format = format_help};

// --- options of every command ---

static const struct ta_choice cpu_choices[] = {
    {"none", "plain C"},
    {"sse2", "what all 64 bit processors of x86 have"},
    {"ssse3", "since 2006"},
    {"sse4.1", "since 2008"},
    {"avx2", "since 2013"},
    {"avx512", "servers, and some others since 2017"},
    {"all", "what this processor has"},
    {0},
};

const struct ta_opt ta_common_options[] = {
    {.name = "help",
     .kind = &ta_opt_help_kind,
     TA_FIELD(struct ta_common_opts, help, int),
     .help =
         "show help: -h what most people need, --help everything, --help GROUP one group (--help noise) or option",
     .letter = 'h'},
    {.name = "version",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_common_opts, version, bool),
     .help = "show the version, and those of the libraries",
     .letter = 'V'},
    {.name = "verbose",
     .kind = &ta_opt_count,
     TA_FIELD(struct ta_common_opts, verbose, int),
     .help = "say more: -v what is decided and done, -vv details, -vvv everything",
     .letter = 'v'},
    {.name = "quiet",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_common_opts, quiet, bool),
     .help = "say nothing but errors, show no progress",
     .letter = 'q'},
    {.name = "log-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_common_opts, log_file, char *),
     .syntax = "FILE",
     .help = "append messages with time and level to FILE, details included whatever -v and -q say"},
    {.name = "log-level",
     .kind = &ta_opt_list,
     TA_FIELD(struct ta_common_opts, log_level, struct ta_list),
     .syntax = "[PART=]LEVEL",
     .help =
         "which messages to let through, for all or one part of the program (\"segment=debug\"): quiet, error, warn, "
         "info, verbose or debug; may be given several times",
     .flags = TA_OPT_ADVANCED},
    {.name = "cpu-mask",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_common_opts, cpu_mask, int),
     .def = "all",
     .choices = cpu_choices,
     .help = "use CPU instructions up to this set only; the result is the same, slower",
     .flags = TA_OPT_ADVANCED},
    {0},
};

// --- looking up ---

bool ta_option_is_switch(const struct ta_opt *o)
{
    return o->kind == &ta_opt_switch || o->kind == &ta_opt_count || o->kind == &ta_opt_help_kind;
}

// Calls `visit` for a table; `prefix` "" or a slot's name.
static bool each_of_table(const struct ta_opt *table, const char *title, const char *prefix,
                          bool (*visit)(void *priv, const char *title, const char *name,
                                        const struct ta_opt *o),
                          void *priv)
{
    for (const struct ta_opt *o = table; o->name; o++) {
        char *name = *prefix ? ta_xprintf("%s-%s", prefix, o->name) : ta_xstrdup(o->name);
        bool go_on = visit(priv, title, name, o);
        free(name);
        if (!go_on)
            return false;
    }
    return true;
}

void ta_command_each_option(const struct ta_command *command,
                            bool (*visit)(void *priv, const char *title, const char *name,
                                          const struct ta_opt *o),
                            void *priv)
{
    for (const struct ta_command_group *g = command ? command->groups : NULL; g && g->table; g++)
        if (!each_of_table(g->table, g->title, "", visit, priv))
            return;
    if (command && (command->recipe || command->running)) {
        const struct ta_option_group *groups;
        int count = ta_option_groups(&groups);
        for (int i = 0; i < count; i++)
            if ((command->recipe || groups[i].table == ta_run_options) &&
                !each_of_table(groups[i].table, groups[i].title, groups[i].prefix, visit, priv))
                return;
    }
    each_of_table(ta_common_options, "For every command", "", visit, priv);
}

// Where a table's values lie; NULL for the recipe's tables.
static void *values_of(struct ta_cli *cli, const struct ta_opt *o)
{
    for (const struct ta_command_group *g = cli->command ? cli->command->groups : NULL; g && g->table; g++)
        for (const struct ta_opt *t = g->table; t->name; t++)
            if (t == o)
                return (char *)cli->values + g->offset;
    for (const struct ta_opt *t = ta_common_options; t->name; t++)
        if (t == o)
            return &cli->common;
    return NULL;
}

struct search {
    const char *name;  // to find, or
    const char *other; // ... this way of writing it; may be NULL
    char letter;
    struct ta_found_option found;
};

static bool search_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct search *s = priv;
    if (s->name ? strcmp(s->name, name) && (!s->other || strcmp(s->other, name)) : o->letter != s->letter)
        return true;
    s->found.opt = o;
    s->found.name = ta_xstrdup(name);
    return false;
}

static bool find_option(struct ta_cli *cli, const char *name, char letter, struct ta_found_option *found)
{
    char *other = name ? ta_option_other_spelling(name) : NULL;
    struct search s = {.name = name, .other = other, .letter = letter};
    ta_command_each_option(cli->command, search_visit, &s);
    free(other);
    if (!s.found.opt)
        return false;
    *found = s.found;
    found->values = values_of(cli, found->opt);
    return true;
}

struct names {
    const char **list;
    size_t count;
};

static bool names_visit(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    (void)title;
    struct names *n = priv;
    if (o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED))
        return true;
    n->list = ta_xrealloc(n->list, (n->count + 2) * sizeof(*n->list));
    n->list[n->count++] = ta_xstrdup(name);
    n->list[n->count] = NULL;
    return true;
}

// Does any other command know the option, by name or by letter? For "restore has it, probe does not".
static const struct ta_command *command_with_option(const char *name, char letter)
{
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        struct search s = {.name = name, .letter = letter};
        ta_command_each_option(*c, search_visit, &s);
        if (s.found.opt) {
            free(s.found.name);
            return *c;
        }
    }
    return NULL;
}

static int refuse_unknown(struct ta_cli *cli, const char *name)
{
    struct names names = {0};
    ta_command_each_option(cli->command, names_visit, &names);
    const char *nearest = ta_nearest(name, names.list), *no = "";
    if (!nearest && !strncmp(name, "no-", 3)) {
        nearest = ta_nearest(name + 3, names.list);
        no = "no-";
    }
    const struct ta_command *other = command_with_option(name, 0);
    struct ta_buf quoted = {0};
    char *dashed = ta_xprintf("--%s", name);
    ta_buf_quote(&quoted, dashed);
    if (other && !cli->command)
        ta_cli_usage(cli, "unknown option %s; it belongs behind the command: \"terminalai %s %s\"",
                     quoted.data, other->name, dashed);
    else if (other)
        ta_cli_usage(cli, "unknown option %s; \"%s\" has it, \"%s\" has not", quoted.data, other->name,
                     cli->command->name);
    else if (nearest)
        ta_cli_usage(cli, "unknown option %s; did you mean \"--%s%s\"?", quoted.data, no, nearest);
    else
        ta_cli_usage(cli, "unknown option %s", quoted.data);
    free(dashed);
    ta_buf_release(&quoted);
    for (size_t i = 0; i < names.count; i++)
        free((char *)names.list[i]);
    free(names.list);
    return TA_ERR_USAGE;
}

// --- setting ---

bool ta_cli_is_given(const struct ta_cli *cli, const char *option)
{
    for (int i = 0; i < cli->given.count; i++)
        if (!strcmp(cli->given.items[i], option))
            return true;
    return false;
}

static int set_option(struct ta_cli *cli, const struct ta_found_option *found, const char *value,
                      const char *as_written)
{
    int err;
    if (found->values) {
        err = ta_opt_set(found->opt, found->values, value, as_written, cli->log);
        if (err >= 0)
            parse_list(NULL, found->opt->name, &cli->given, NULL);
    } else {
        err = ta_options_set(cli->options, TA_LAYER_CALLER, found->name, value, as_written);
    }
    if (err < 0)
        ta_cli_usage(cli, NULL);
    return err < 0 ? TA_ERR_USAGE : 0;
}

// The value of an option that needs one and has none behind "=": the next argument. One that is itself an
// option was rather forgotten.
static const char *next_value(struct ta_cli *cli, const char *option, int argc, char **argv, int *i)
{
    const char *value = *i + 1 < argc ? argv[*i + 1] : NULL;
    struct ta_found_option found = {0};
    if (value && !strncmp(value, "--", 2) && value[2]) {
        char *name = ta_xstrndup(value + 2, strcspn(value + 2, "="));
        if (find_option(cli, name, 0, &found) ||
            (!strncmp(name, "no-", 3) && find_option(cli, name + 3, 0, &found)))
            value = NULL;
        free(name);
        free(found.name);
    } else if (value && !strcmp(value, "--")) {
        value = NULL;
    }
    if (value)
        *i += 1;
    else
        ta_cli_usage(cli, "%s needs a value", option);
    return value;
}

// "--help noise": the word behind it, unless that is something else.
static bool next_is_help_about(const struct ta_cli *cli, int argc, char **argv, int i)
{
    const char *next = i + 1 < argc ? argv[i + 1] : NULL;
    return cli->command && !cli->command->family && next && next[0] && next[0] != '-' &&
           !strpbrk(next, "./\\");
}

static int take_help_about(struct ta_cli *cli, const char *about)
{
    if (!strcmp(about, "all"))
        return 0;
    if (!cli->command || !ta_help_knows(cli->command, about)) {
        struct ta_buf groups = {0};
        ta_help_groups(cli->command, &groups);
        ta_cli_usage(cli, "--help knows no group or option \"%s\"%s%s", about,
                     groups.size ? "; groups: " : "", ta_buf_text(&groups));
        ta_buf_release(&groups);
        return TA_ERR_USAGE;
    }
    cli->common.help_about = about;
    return 0;
}

static int parse_long(struct ta_cli *cli, int argc, char **argv, int *i)
{
    const char *arg = argv[*i] + 2, *equals = strchr(arg, '=');
    char *name = ta_xstrndup(arg, equals ? (size_t)(equals - arg) : strlen(arg));
    char *dashed = ta_xprintf("--%s", name);
    struct ta_found_option found = {0};
    const char *value = equals ? equals + 1 : NULL;
    int err = 0;
    if (!find_option(cli, name, 0, &found)) {
        if (strncmp(name, "no-", 3) || !find_option(cli, name + 3, 0, &found)) {
            err = refuse_unknown(cli, name);
        } else if (!ta_option_is_switch(found.opt) || found.opt->kind == &ta_opt_help_kind) {
            ta_cli_usage(cli, "unknown option \"%s\"; --%s can't be switched off", dashed, found.name);
            err = TA_ERR_USAGE;
        } else if (value) {
            ta_cli_usage(cli, "%s takes no value", dashed);
            err = TA_ERR_USAGE;
        }
        value = "off";
    } else if (found.opt->kind == &ta_opt_help_kind) {
        value = value ? value : next_is_help_about(cli, argc, argv, *i) ? argv[++*i] : "all";
        err = take_help_about(cli, value);
    } else if (!value && ta_option_is_switch(found.opt)) {
        value = "on";
    } else if (!value) {
        value = next_value(cli, dashed, argc, argv, i);
        err = value ? 0 : TA_ERR_USAGE;
    }
    if (!err)
        err = set_option(cli, &found, value, dashed);
    free(found.name);
    free(dashed);
    free(name);
    return err;
}

static void refuse_letter(struct ta_cli *cli, const char *arg, char letter)
{
    const struct ta_command *other = cli->command ? command_with_option(NULL, letter) : NULL;
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, arg);
    if (arg[1] != letter || arg[2])
        ta_cli_usage(cli, "unknown letter in %s", quoted.data);
    else if (other)
        ta_cli_usage(cli, "unknown option %s; \"%s\" has it, \"%s\" has not", quoted.data, other->name,
                     cli->command->name);
    else
        ta_cli_usage(cli, "unknown option %s", quoted.data);
    ta_buf_release(&quoted);
}

// "-v", "-vv", "-o FILE", "-oFILE", "-vo FILE"
static int parse_letters(struct ta_cli *cli, int argc, char **argv, int *i)
{
    for (const char *s = argv[*i] + 1; *s; s++) {
        struct ta_found_option found = {0};
        char as_written[3] = {'-', *s, 0};
        if (!find_option(cli, NULL, *s, &found)) {
            refuse_letter(cli, argv[*i], *s);
            return TA_ERR_USAGE;
        }
        bool last = !ta_option_is_switch(found.opt);
        const char *value = found.opt->kind == &ta_opt_help_kind ? "short"
                            : !last                              ? "on"
                            : s[1]                               ? s + 1
                                                                 : next_value(cli, as_written, argc, argv, i);
        int err = value ? set_option(cli, &found, value, as_written) : TA_ERR_USAGE;
        free(found.name);
        if (err || last)
            return err;
    }
    return 0;
}

// The second operand, of a family: a message when it has no such member.
static int refuse_member(struct ta_cli *cli, const char *word)
{
    const char *nearest = ta_command_nearest(cli->command, word);
    struct ta_buf quoted = {0}, names = {0};
    ta_buf_quote(&quoted, word);
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if (ta_command_is_of(*c, cli->command))
            ta_buf_printf(&names, "%s%s", names.size ? ", " : "", ta_command_last_word(*c));
    if (nearest)
        ta_cli_usage(cli, "%s has no command %s; did you mean \"%s\"?", cli->command->name, quoted.data,
                     nearest);
    else
        ta_cli_usage(cli, "%s has no command %s; it has %s", cli->command->name, quoted.data,
                     ta_buf_text(&names));
    ta_buf_release(&quoted);
    ta_buf_release(&names);
    return TA_ERR_USAGE;
}

// The first operand, or the second where the first is a family's name.
static int choose_command(struct ta_cli *cli, const char *name)
{
    if (!strcmp(name, "version") && !cli->command) { // as other programs have it
        cli->common.version = true;
        return 0;
    }
    const struct ta_command *member = cli->command ? ta_command_member(cli->command, name) : NULL;
    if (cli->command && !member)
        return refuse_member(cli, name);
    cli->command = member ? member : ta_command_find(name);
    if (!cli->command) {
        const char *nearest = ta_command_nearest(NULL, name);
        struct ta_buf quoted = {0};
        ta_buf_quote(&quoted, name);
        if (nearest)
            ta_cli_usage(cli, "unknown command %s; did you mean \"%s\"?", quoted.data, nearest);
        else if (strpbrk(name, "./"))
            ta_cli_usage(cli, "unknown command %s; to restore a file: terminalai restore %s", quoted.data,
                         quoted.data);
        else
            ta_cli_usage(cli, "unknown command %s", quoted.data);
        ta_buf_release(&quoted);
        return TA_ERR_USAGE;
    }
    ta_freep(&cli->values); // a family's, of none
    cli->values = ta_xcalloc(1, cli->command->values_size + 1);
    for (const struct ta_command_group *g = cli->command->groups; g && g->table; g++)
        ta_opt_defaults(g->table, (char *)cli->values + g->offset);
    return cli->command->recipe || cli->command->running ? ta_options_create(&cli->options, cli->log) : 0;
}

static int add_operand(struct ta_cli *cli, char *operand)
{
    if (!cli->command || cli->command->family)
        return choose_command(cli, operand);
    cli->operands[cli->operand_count++] = operand;
    return 0;
}

static int check_operands(struct ta_cli *cli)
{
    const struct ta_command *c = cli->command;
    if (!c)
        return 0;
    if (c->family) {
        ta_cli_usage(cli, "%s needs %s", c->name, c->operands);
        return TA_ERR_USAGE;
    }
    if (cli->operand_count < c->min_operands) {
        ta_cli_usage(cli, "%s needs %s", c->name, c->operands);
        return TA_ERR_USAGE;
    }
    if (c->max_operands >= 0 && cli->operand_count > c->max_operands) {
        struct ta_buf quoted = {0};
        ta_buf_quote(&quoted, cli->operands[c->max_operands]);
        if (c->max_operands)
            ta_cli_usage(cli, "%s takes %s: what is %s?", c->name, c->operands, quoted.data);
        else
            ta_cli_usage(cli, "%s takes options only: what is %s?", c->name, quoted.data);
        ta_buf_release(&quoted);
        return TA_ERR_USAGE;
    }
    return 0;
}

int ta_args_parse(struct ta_cli *cli, int argc, char **argv)
{
    bool options_end = false;
    ta_opt_defaults(ta_common_options, &cli->common);
    cli->operands = ta_xcalloc((size_t)argc + 1, sizeof(*cli->operands));
    const char *linked = argc ? ta_command_of_link(argv[0]) : NULL;
    if (linked && choose_command(cli, linked) < 0)
        return TA_ERR_USAGE;
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        int err;
        if (options_end || arg[0] != '-' || !arg[1])
            err = add_operand(cli, arg);
        else if (!strcmp(arg, "--"))
            err = 0, options_end = true;
        else if (arg[1] == '-')
            err = parse_long(cli, argc, argv, &i);
        else
            err = parse_letters(cli, argc, argv, &i);
        if (err)
            return TA_ERR_USAGE;
        if (cli->common.help && cli->command)
            return 0;
        if (cli->common.version)
            return 0;
    }
    return cli->common.help ? 0 : check_operands(cli);
}

void ta_cli_release(struct ta_cli *cli)
{
    for (const struct ta_command_group *g = cli->command && cli->values ? cli->command->groups : NULL;
         g && g->table; g++)
        ta_opt_release(g->table, (char *)cli->values + g->offset);
    ta_freep(&cli->values);
    release_list(&cli->given);
    ta_opt_release(ta_common_options, &cli->common);
    ta_options_destroy(&cli->options);
    ta_env_destroy(&cli->env);
    ta_freep(&cli->operands);
}
