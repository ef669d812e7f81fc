// Deinterlacing by libavfilter. yadif: "yet another deinterlacing filter"; w3fdif: Weston's three-field
// filter.
#include "video/deinterlace.h"

#include "base/mem.h"
#include "video/stages.h"

static const struct ta_choice w3fdif_choices[] = {
    {"simple", "two lines of the field and three of its neighbours: faster"},
    {"complex", "four lines of the field and five of its neighbours: sharper"},
    {0},
};

static const struct ta_opt w3fdif_options[] = {
    TA_FIELDS_OPTION(struct ta_deinterlace_opts),
    {.name = "w3fdif-filter",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_deinterlace_opts, w3fdif_filter, int),
     .def = "complex",
     .choices = w3fdif_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "filter of w3fdif"},
    {0},
};

static int describe_yadif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                          struct ta_buf *text)
{
    (void)in;
    (void)out;
    return ta_deinterlace_describe("yadif", opts, text);
}

static int describe_w3fdif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                           struct ta_buf *text)
{
    (void)in;
    (void)out;
    const struct ta_deinterlace_opts *o = opts;
    ta_buf_printf(text, "w3fdif=filter=%s:mode=%s:parity=auto:deint=interlaced",
                  w3fdif_choices[o->w3fdif_filter].name,
                  ta_deinterlace_fields(opts) == 2 ? "field" : "frame");
    return 0;
}

static const char *const yadif_filters[] = {"yadif", NULL};
static const char *const w3fdif_filters[] = {"w3fdif", NULL};

const struct ta_stage_info ta_stage_yadif = {
    .name = "deinterlace.yadif",
    .summary = "motion adaptive, edge directed deinterlacing (libavfilter)",
    .options = ta_deinterlace_options,
    .options_size = sizeof(struct ta_deinterlace_opts),
    .filters = yadif_filters,
    .reach = ta_deinterlace_reach,
    .fields = ta_deinterlace_fields,
    .configure = ta_deinterlace_configure,
    .describe = describe_yadif,
};

const struct ta_stage_info ta_stage_w3fdif = {
    .name = "deinterlace.w3fdif",
    .summary = "deinterlacing by fixed filters over three fields (libavfilter)",
    .options = w3fdif_options,
    .options_size = sizeof(struct ta_deinterlace_opts),
    .filters = w3fdif_filters,
    .reach = ta_deinterlace_reach,
    .fields = ta_deinterlace_fields,
    .configure = ta_deinterlace_configure,
    .describe = describe_w3fdif,
};
