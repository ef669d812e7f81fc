// terminalai encoders: which encoders this machine has, found by using them.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/table.h"
#include "media/encode/encoder_check.h"
#include "media/encode/encoder_hardware.h"

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

struct listing {
    struct ta_table table;
    json_t *list;
};

// One row: an encoder in software, or in a kind of hardware.
static void add_encoder(struct listing *l, const struct ta_encoder_info *e,
                        const struct ta_hardware_kind *kind)
{
    struct ta_buf why = {0};
    int err = ta_encoder_test(e, kind, &why);
    bool works = err >= 0;
    char *codec = kind ? ta_hardware_codec(e, kind) : ta_xstrdup(e->codec);
    char *name = kind ? ta_xprintf("%s --hardware", e->name) : ta_xstrdup(e->name);
    char *summary = kind ? ta_xprintf("%s (%s)", codec, kind->summary) : ta_xstrdup(e->summary);
    ta_table_cell(&l->table, "%s", name);
    ta_table_cell(&l->table, "%s", works ? "works" : "missing");
    ta_table_cell(&l->table, "%s", e->containers);
    ta_table_cell(&l->table, "%s%s%s", summary, works ? "" : "; ", works ? "" : ta_buf_text(&why));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b}", "name", e->name, "codec", codec, "summary",
                          summary, "containers", e->containers, "lossless", e->lossless, "hardware",
                          kind != NULL, "works", works);
    if (o && !works)
        ta_cli_row_failed(o, err, ta_buf_text(&why), NULL);
    json_array_append_new(l->list, o);
    free(codec);
    free(name);
    free(summary);
    ta_buf_release(&why);
}

static enum ta_exit run_encoders(struct ta_cli *cli)
{
    const struct encoders_opts *opts = cli->values;
    struct listing l = {.table = {.columns = 4}, .list = json_array()};
    for (int i = 0; ta_encoders[i]; i++) {
        const struct ta_encoder_info *e = ta_encoders[i];
        add_encoder(&l, e, NULL);
        for (const struct ta_hardware_kind *k = ta_hardware_kinds; k->name; k++) {
            char *codec = ta_hardware_codec(e, k);
            if (avcodec_find_encoder_by_name(codec)) // others are not worth a line
                add_encoder(&l, e, k);
            free(codec);
        }
    }
    return ta_cli_show_list(cli, opts->json, l.list, &l.table, NULL);
}

static const struct ta_command_group encoders_groups[] = {{"What to show", encoders_options, 0}, {0}};

const struct ta_command ta_command_encoders = {
    .name = "encoders",
    .operands = "",
    .summary = "list encoders and whether they work here",
    .description =
        "Opens each encoder and encodes a few frames with it: what is listed as working works, in software and "
        "in the kinds of graphics hardware that libavcodec was built for. The columns are the name for "
        "--encoder, the state, the containers it may be put in (the first is its "
        "default), and what it is good for.",
    .groups = encoders_groups,
    .values_size = sizeof(struct encoders_opts),
    .run = run_encoders,
};
