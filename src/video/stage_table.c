// The tables that wings add to: a program of the tests brings them with a row more.
#include "video/deinterlace_neural.h"
#include "video/scale_neural.h"
#include "video/scale_rtx.h"
#include "video/stages.h"

const struct ta_stage_info *const ta_stages[] = {
    &ta_stage_planar,
    &ta_stage_crop,
    &ta_stage_mask,
    &ta_stage_bwdif,
    &ta_stage_yadif,
    &ta_stage_w3fdif,
    &ta_stage_deinterlace_motion,
    &ta_stage_deinterlace_neural,
    &ta_stage_ivtc,
    &ta_stage_deblock_weak,
    &ta_stage_deblock_strong,
    &ta_stage_hqdn3d,
    &ta_stage_recursive,
    &ta_stage_denoise_motion,
    &ta_stage_nlmeans,
    &ta_stage_cas,
    &ta_stage_colour,
    &ta_stage_zscale,
    &ta_stage_scale_neural,
    &ta_stage_scale_rtx,
    &ta_stage_hdr10,
    &ta_stage_hlg,
    &ta_stage_hdr_rtx,
    &ta_stage_depth,
    NULL,
};

// The second is also what the plan puts behind one that does not give the exact size.
const struct ta_choice ta_scale_choices[] = {
    {"auto",
     "neural where a network is named, or upconv7-photo-x2 has been fetched, and there is a device other than "
     "the CPU or the quality is best; else resize"},
    {"resize", "zimg's filters, to the exact size (--scale-kernel)"},
    {"neural", "a network (--scale-model), then resize to the exact size"},
    {"rtx",
     "NVIDIA's Video Super Resolution (--scale-rtx-quality), then resize to the exact size; not yet seen "
     "on a device"},
    {0},
};
