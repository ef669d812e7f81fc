// terminalai encoders: which encoders this machine has, found by using them.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/table.h"
#include "media/encoder.h"

struct encoders_opts {
    bool json;
};

static const struct ta_opt encoders_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct encoders_opts, json, bool),
     .help = "print JSON, for programs"},
    {0},
};

static enum ta_exit run_encoders(struct ta_cli *cli)
{
    const struct encoders_opts *opts = cli->values;
    struct ta_table table = {.columns = 4};
    struct ta_buf out = {0};
    json_t *list = json_array();
    for (const struct ta_encoder_info *e = ta_encoders; e->name; e++) {
        struct ta_buf why = {0};
        bool works = ta_encoder_test(e, &why) >= 0;
        ta_table_cell(&table, "%s", e->name);
        ta_table_cell(&table, "%s", works ? "works" : "missing");
        ta_table_cell(&table, "%s", e->containers);
        ta_table_cell(&table, "%s%s%s", e->summary, works ? "" : "; ", works ? "" : ta_buf_text(&why));
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "name", e->name, "codec", e->codec, "summary",
                              e->summary, "containers", e->containers, "lossless", e->lossless, "works",
                              works);
        if (o && !works)
            json_object_set_new(o, "why", ta_cli_json_text(ta_buf_text(&why)));
        json_array_append_new(list, o);
        ta_buf_release(&why);
    }
    if (opts->json) {
        char *text = ta_json_text(list);
        ta_buf_puts(&out, text);
        free(text);
    } else {
        ta_table_print(&table, 0, ta_console_columns(STDOUT_FILENO), &out);
    }
    enum ta_exit status = ta_cli_output(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    ta_table_release(&table);
    json_decref(list);
    return status;
}

static const struct ta_command_group encoders_groups[] = {{"What to show", encoders_options, 0}, {0}};

const struct ta_command ta_command_encoders = {
    .name = "encoders",
    .operands = "",
    .summary = "list encoders and whether they work here",
    .description =
        "Opens each encoder and encodes a few frames with it: what is listed as working works. The columns "
        "are the name for --encoder, the state, the containers it may be put in (the first is its "
        "default), and what it is good for.",
    .groups = encoders_groups,
    .values_size = sizeof(struct encoders_opts),
    .run = run_encoders,
};
