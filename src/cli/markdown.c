// docs/options.md.
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/help.h"
#include "recipe/options.h"

// Text outside of code: '<', '*' and '_' would be read as markup.
static void append_prose(struct ta_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("<*_", *text))
            ta_buf_putc(out, '\\');
        ta_buf_putc(out, *text);
    }
}

static void table_head(struct ta_buf *out)
{
    ta_buf_puts(out, "| option | default | values | |\n|---|---|---|---|\n");
}

static void append_table(struct ta_buf *out, const struct ta_opt *table, const char *prefix)
{
    for (const struct ta_opt *o = table; o->name; o++) {
        struct ta_opt named = *o;
        char *name = *prefix ? ta_xprintf("%s-%s", prefix, o->name) : ta_xstrdup(o->name);
        named.name = name;
        ta_opt_markdown(&named, out);
        ta_freep(&name);
    }
}

static void append_command(struct ta_buf *out, const struct ta_command *c)
{
    ta_buf_printf(out, "\n## terminalai %s\n\n", c->name);
    append_prose(out, c->description);
    ta_buf_puts(out, "\n");
    for (const struct ta_choice *a = c->actions; a && a->name; a++) {
        ta_buf_printf(out, "%s- `%s`: ", a == c->actions ? "\n" : "", a->name);
        append_prose(out, a->help);
        ta_buf_puts(out, "\n");
    }
    ta_buf_puts(out, "\n```\n");
    ta_help_usage(c, out);
    ta_buf_puts(out, "\n");
    for (const struct ta_example *e = c->examples; e && e->command; e++)
        ta_buf_printf(out, "\n# %s\n%s\n", e->what, e->command);
    ta_buf_puts(out, "```\n");
    for (const struct ta_command_group *g = c->groups; g && g->table; g++) {
        ta_buf_puts(out, "\n");
        table_head(out);
        append_table(out, g->table, "");
    }
    for (const struct ta_command_group *g = c->file_groups; g && g->table; g++) {
        struct ta_buf rows = {0};
        ta_buf_printf(out, "\n%s\n\n", g->title);
        table_head(out);
        append_table(&rows, g->table, "");
        for (const char *row = ta_buf_text(&rows); *row;) { // names are written without dashes there
            size_t n = strcspn(row, "\n") + 1;
            size_t skip = !strncmp(row, "| `--[no-]", 10) ? 10 : !strncmp(row, "| `--", 5) ? 5 : 0;
            ta_buf_puts(out, skip ? "| `" : "");
            ta_buf_append(out, row + skip, n - skip);
            row += n;
        }
        ta_buf_release(&rows);
    }
    if (c->recipe)
        ta_buf_puts(out, "\nAlso takes the [options of the recipe](#options-of-the-recipe).\n");
    if (c->running)
        ta_buf_puts(out, "\nAlso takes the options of [how to run](#how-to-run).\n");
}

void ta_help_markdown(struct ta_buf *out)
{
    ta_buf_puts(
        out,
        "# Commands and options\n\nThis page is made by `terminalai help --markdown` from the tables in "
        "the sources; a test compares them. To change it, change the table and run `build/terminalai help "
        "--markdown > docs/options.md`.\n\n");
    append_prose(out, ta_help_layers);
    ta_buf_puts(
        out,
        "\n\nA switch is written `--name`, `--no-name` or `--name=on|off`; a value `--name VALUE` or "
        "`--name=VALUE`. Sizes take k, M, G or T (powers of 1024). Times are seconds (`90`), `1:23:45.5`, "
        "percent of the whole (`25%`) or frames (`1200f`). `--` ends the options.\n");
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        append_command(out, *c);
    ta_buf_puts(
        out,
        "\n## Options of the recipe\n\nFor `restore` and `plan`, in presets and in the configuration file.\n");
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups);
    for (int i = 0; i < count; i++) {
        if (!i || strcmp(groups[i].title, groups[i - 1].title)) {
            ta_buf_printf(out, "\n### %s\n\n", groups[i].title);
            table_head(out);
        }
        append_table(out, groups[i].table, groups[i].prefix);
    }
    ta_buf_puts(out, "\n## Options of every command\n\n");
    table_head(out);
    append_table(out, ta_common_options, "");
}
