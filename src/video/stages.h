// The stages by name, for the list in stages.c and for the plan, which places some of them itself.
#ifndef TA_VIDEO_STAGES_H
#define TA_VIDEO_STAGES_H

#include "media/picture/convert.h"
#include "video/stage.h"

extern const struct ta_stage_info ta_stage_planar; // packed to planar, no loss
extern const struct ta_stage_info ta_stage_crop;   // its options are struct ta_edges
extern const struct ta_stage_info ta_stage_mask;
extern const struct ta_stage_info ta_stage_bwdif, ta_stage_yadif, ta_stage_w3fdif;
extern const struct ta_stage_info ta_stage_deinterlace_motion;
extern const struct ta_stage_info
    ta_stage_ivtc; // frames of film; the plan puts another behind for the others
extern const struct ta_stage_info ta_stage_deblock_weak, ta_stage_deblock_strong;
extern const struct ta_stage_info ta_stage_hqdn3d, ta_stage_recursive;
extern const struct ta_stage_info ta_stage_denoise_motion;
extern const struct ta_stage_info ta_stage_nlmeans;
extern const struct ta_stage_info ta_stage_cas;
extern const struct ta_stage_info ta_stage_colour; // levels, tone, chroma, white balance, LUTs
extern const struct ta_stage_info ta_stage_zscale; // exact size and pixel format in one step
extern const struct ta_stage_info ta_stage_depth;  // pixel format and bit depth at the same size

extern const struct ta_stage_info ta_stage_hdr10, ta_stage_hlg, ta_stage_hdr_rtx;

// The choices of the slot "scale": the plan's own choice, that of the exact size, and those that a wing adds.
extern const struct ta_choice ta_scale_choices[];

// An option that all stages of the slot "deinterlace" have: the field `fields` of `owner`.
enum ta_fields { TA_FIELDS_BOTH = 0, TA_FIELDS_ONE };
extern const struct ta_choice ta_fields_choices[];
// clang-format off
#define TA_FIELDS_OPTION(owner)             \
    {.name = "fields",                      \
     .kind = &ta_opt_choice,                \
     TA_FIELD(owner, fields, int),          \
     .def = "both",                         \
     .choices = ta_fields_choices,          \
     .help = "frames made from each interlaced frame"}
// clang-format on

// Of those that compensate motion, and of "ivtc" for what it leaves to them: how hard they try. "auto" until
// the plan replaces it.
enum ta_effort { TA_EFFORT_AUTO = 0, TA_EFFORT_GOOD, TA_EFFORT_BEST };
extern const struct ta_choice ta_effort_choices[];
// clang-format off
#define TA_EFFORT_OPTION(owner)             \
    {.name = "effort",                      \
     .kind = &ta_opt_choice,                \
     TA_FIELD(owner, effort, int),          \
     .def = "auto",                         \
     .choices = ta_effort_choices,          \
     .flags = TA_OPT_ADVANCED,              \
     .help = "how hard motion compensation tries"}
// clang-format on

// Options that the plan sets itself when it places these stages.
struct ta_planar_opts {
    char *pix_fmt;
};
// Of both zimg stages; the depth stage has no size and no kernel.
struct ta_convert_opts {
    int64_t width, height;
    char *pix_fmt;
    int kernel; // enum ta_scale_kernel, or the next:
    int dither; // enum ta_dither_kind
    int range;  // enum ta_range_choice
};
struct ta_hdr_opts { // of all HDR stages
    int64_t peak;
    int method; // enum ta_hdr_method
    int64_t contrast, saturation, middle_grey;
    char *runtime; // version of NVIDIA's library, set by the plan; NULL: none
};
enum ta_hdr_method { TA_HDR_NATIVE = 0, TA_HDR_RTX };
struct ta_ivtc_opts {
    int fields;       // enum ta_fields, for the deinterlacer behind
    int rate;         // enum ta_ivtc_rate
    int video;        // enum ta_ivtc_video
    int effort;       // enum ta_effort, for the deinterlacer behind
    char *frame_rate; // "24000/1001": set by the plan
};
enum ta_ivtc_video { TA_IVTC_BWDIF = 0, TA_IVTC_MOTION };
enum ta_ivtc_rate { TA_IVTC_VARIABLE = 0, TA_IVTC_CONSTANT };
enum { TA_KERNEL_CHOICE_AUTO = TA_KERNEL_LANCZOS + 1 }; // what the plan replaces by a kernel
enum ta_range_choice { TA_RANGE_KEEP = 0, TA_RANGE_LIMITED };

#endif
