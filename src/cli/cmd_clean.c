// terminalai clean: work folders that nobody goes on with.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/table.h"

struct clean_opts {
    bool remove, kept, recursive, json;
};

static const struct ta_opt clean_options[] = {
    {.name = "remove",
     .kind = &ta_opt_switch,
     TA_FIELD(struct clean_opts, remove, bool),
     .help =
         "remove them, without asking; one that a run is working in stays, and so do files that no run makes"},
    {.name = "kept",
     .kind = &ta_opt_switch,
     TA_FIELD(struct clean_opts, kept, bool),
     .help = "with --remove, also work that is finished and was kept for \"restore --redo\""},
    {.name = "recursive",
     .kind = &ta_opt_switch,
     TA_FIELD(struct clean_opts, recursive, bool),
     .help = "look in folders in folders too",
     .letter = 'R'},
    {.name = "json", .kind = &ta_opt_switch, TA_FIELD(struct clean_opts, json, bool), .help = "for programs"},
    {0},
};

static void append_age(struct ta_buf *out, double seconds)
{
    int64_t s = (int64_t)seconds;
    if (s < 60)
        ta_buf_puts(out, "less than a minute");
    else if (s < 7200)
        ta_buf_printf(out, "%" PRId64 " %s", s / 60, ta_plural(s / 60, "minute", "minutes"));
    else if (s < 172800)
        ta_buf_printf(out, "%" PRId64 " hours", s / 3600); // two at least
    else
        ta_buf_printf(out, "%" PRId64 " days", s / 86400);
}

// "interrupted 3 hours ago, 4 of 10 tasks, 1.2 GB; makes tape.mp4; its source is gone"
static void append_facts(const json_t *o, struct ta_buf *out)
{
    const char *state = ta_json_member_text(o, "state");
    if (!strcmp(state, "running")) {
        ta_buf_puts(out, "a run is working in it");
    } else if (!strcmp(state, "foreign")) {
        ta_buf_puts(out, "holds files that no run makes: left alone");
        return;
    } else if (!strcmp(state, "kept")) {
        ta_buf_puts(out, "finished ");
        append_age(out, json_number_value(json_object_get(o, "age_seconds")));
        ta_buf_puts(out, " ago, kept for --redo");
    } else {
        ta_buf_puts(out, !strcmp(state, "garbled") ? "no plan that can be read, " : "interrupted ");
        append_age(out, json_number_value(json_object_get(o, "age_seconds")));
        ta_buf_puts(out, !strcmp(state, "garbled") ? " old" : " ago");
    }
    if (json_object_get(o, "tasks_total"))
        ta_buf_printf(out, ", %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " %s",
                      json_integer_value(json_object_get(o, "tasks_done")),
                      json_integer_value(json_object_get(o, "tasks_total")),
                      ta_plural(json_integer_value(json_object_get(o, "tasks_total")), "task", "tasks"));
    ta_buf_puts(out, ", ");
    ta_append_bytes(out, json_integer_value(json_object_get(o, "bytes")));
    if (*ta_json_member_text(o, "output")) {
        ta_buf_puts(out, "; makes ");
        ta_buf_name(out, ta_json_member_text(o, "output"));
    }
    if (*ta_json_member_text(o, "output") && json_is_true(json_object_get(o, "output_exists")))
        ta_buf_puts(out, ", which is there");
    if (*ta_json_member_text(o, "source") && !json_is_true(json_object_get(o, "source_exists"))) {
        ta_buf_puts(out, "; its source is gone: ");
        ta_buf_name(out, ta_json_member_text(o, "source"));
    }
    if (json_is_true(json_object_get(o, "removed")))
        ta_buf_puts(out, "; removed");
}

// The folder's name as it is on disk; to be freed.
static char *folder_of(const json_t *o)
{
    const char *hex = ta_json_member_text(o, "folder_hex");
    if (!*hex)
        return ta_xstrdup(ta_json_member_text(o, "folder"));
    struct ta_buf name = {0};
    for (; hex[0] && hex[1]; hex += 2) {
        char two[3] = {hex[0], hex[1], 0};
        ta_buf_putc(&name, (char)strtol(two, NULL, 16));
    }
    return ta_buf_take(&name);
}

// Removes what may be removed; each item learns what became of it.
static enum ta_exit remove_all(struct ta_cli *cli, json_t *list)
{
    const struct clean_opts *opts = cli->values;
    enum ta_exit status = TA_EXIT_OK;
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o)
    {
        const char *state = ta_json_member_text(o, "state");
        bool stays = !strcmp(state, "running") || !strcmp(state, "foreign") ||
                     (!strcmp(state, "kept") && !opts->kept);
        char *folder = folder_of(o);
        int err = stays ? TA_ERR_BUSY : ta_work_discard(folder, cli->log);
        free(folder);
        json_object_set_new(o, "removed", json_boolean(err >= 0));
        if (err < 0 && !stays)
            status = TA_EXIT_FAILED;
    }
    return status;
}

static enum ta_exit show(struct ta_cli *cli, const json_t *list)
{
    const struct clean_opts *opts = cli->values;
    struct ta_buf out = {0};
    size_t i, idle = 0, kept = 0;
    json_t *o;
    int64_t bytes = 0, kept_bytes = 0;
    json_array_foreach(list, i, o)
    {
        struct ta_buf facts = {0};
        append_facts(o, &facts);
        ta_buf_name(&out, ta_json_member_text(o, "folder"));
        ta_buf_printf(&out, ": %s\n", ta_buf_text(&facts));
        ta_buf_release(&facts);
        bool is_kept = !strcmp(ta_json_member_text(o, "state"), "kept") &&
                       !json_is_true(json_object_get(o, "removed"));
        bool counts = strcmp(ta_json_member_text(o, "state"), "running") &&
                      strcmp(ta_json_member_text(o, "state"), "foreign") &&
                      strcmp(ta_json_member_text(o, "state"), "kept");
        int64_t size = json_integer_value(json_object_get(o, "bytes"));
        idle += counts;
        bytes += counts ? size : 0;
        kept += is_kept;
        kept_bytes += is_kept ? size : 0;
    }
    if (!json_array_size(list))
        ta_buf_puts(&out, "no work folders\n");
    if (idle && !opts->remove) {
        ta_buf_printf(&out, "%zu without a run, ", idle);
        ta_append_bytes(&out, bytes);
        ta_buf_puts(&out, "; --remove removes them\n");
    }
    if (kept) {
        ta_buf_printf(&out, "%zu finished and kept, ", kept);
        ta_append_bytes(&out, kept_bytes);
        ta_buf_puts(&out, "; --remove --kept removes them too\n");
    }
    enum ta_exit status = ta_cli_show(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static enum ta_exit run_clean(struct ta_cli *cli)
{
    const struct clean_opts *opts = cli->values;
    enum ta_exit status = TA_EXIT_OK;
    json_t *all = json_array(), *failed = json_array();
    int dirs = cli->operand_count ? cli->operand_count : 1;
    for (int i = 0; i < dirs; i++) {
        const char *dir = cli->operand_count ? cli->operands[i] : ".";
        char *text = NULL;
        ta_cli_begin(cli);
        int err = ta_work_list(dir, opts->recursive, &text, cli->log);
        json_t *list = err >= 0 ? json_loads(text, 0, NULL) : NULL;
        const struct ta_problem *failure = ta_cli_end(cli, err, dir);
        if (list) {
            json_array_extend(all, list);
        } else {
            status = TA_EXIT_FAILED;
            json_array_append_new(failed, ta_cli_json_failed(cli, "folder", dir, failure, err));
        }
        json_decref(list);
        free(text);
    }
    if (opts->remove)
        status = ta_exit_worse(status, remove_all(cli, all));
    if (opts->json) {
        json_array_extend(all, failed);
        char *text = ta_json_text(all);
        status = ta_exit_worse(status, ta_cli_output(cli, text));
        free(text);
    } else {
        status = ta_exit_worse(status, json_array_size(all) || !json_array_size(failed) ? show(cli, all)
                                                                                        : TA_EXIT_OK);
    }
    json_decref(all);
    json_decref(failed);
    return status;
}

static const struct ta_example clean_examples[] = {
    {"terminalai clean restored/", "which unfinished work lies there, how old and how large"},
    {"terminalai clean --remove --recursive /scratch", "and away with it"},
    {0},
};

static const struct ta_command_group clean_groups[] = {{"What to do", clean_options, 0}, {0}};

const struct ta_command ta_command_clean = {
    .name = "clean",
    .operands = "[DIR...]",
    .summary = "list and remove abandoned work folders",
    .description =
        "Lists the work folders (OUTPUT.terminalai) in each DIR, or in the current folder: how old and how large each "
        "is, what it would become, whether its source still exists and whether a run is working in it. With --remove "
        "those without a run are removed, but work that is finished and kept (--keep-work) only with --kept; "
        "nothing is asked. Sources and outputs are never touched.",
    .examples = clean_examples,
    .groups = clean_groups,
    .values_size = sizeof(struct clean_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 0,
    .max_operands = -1,
    .run = run_clean,
};
