// The tables of the recipe and of running, and the list of all option groups.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/tuning.h"
#include "recipe/options.h"
#include "video/stage.h"

static const struct ta_choice quality_choices[] = {
    {"fast",
     "8 bit inside where source and output are 8 bit, quick encoder settings, and bwdif and recursive "
     "where presets follow motion; enough for noisy tapes"},
    {"good", "10 bit inside, dithered once at the end: no bands in skies, fades and animation"},
    {"best", "10 bit inside, slow encoder settings, error-diffusion dither"},
    {0},
};

static const struct ta_choice scan_choices[] = {
    {"sample", "short windows spread over the file; all frames only where these disagree"},
    {"full", "every frame is decoded and measured before planning"},
    {0},
};

static const struct ta_choice dither_choices[] = {
    {"auto", "ordered, error-diffusion for best"},
    {"none", "round"},
    {"ordered", "fixed pattern"},
    {"error-diffusion", "best looking, slower"},
    {0},
};

static const struct ta_choice chapter_choices[] = {
    {"auto", "the source's; of a DV tape that has none, one for each recording, named by its date and time"},
    {"source", "the source's only"},
    {"off", "none"},
    {0},
};
static const struct ta_choice picture_choices[] = {
    {"restore", "the main job"},
    {"copy", "they stay as they are, if there are any: only sound is restored, as \"terminalai audio\" does"},
    {0},
};
static const struct ta_choice audio_codec_choices[] = {
    {"auto", "copied where the container and its players take it, else transcoded"},
    {"flac",
     "uncompressed and restored sound becomes FLAC, which loses nothing; the rest is copied (Matroska)"},
    {"aac", "AAC, 192 kbit/s for two channels"},
    {"opus", "Opus"},
    {"ac3", "Dolby Digital, 640 kbit/s for 5.1"},
    {"eac3", "Dolby Digital Plus, 640 kbit/s for 5.1"},
    {"pcm", "uncompressed, 24 bit"},
    {0},
};

static const struct ta_choice verify_choices[] = {
    {"quick", "all packets and times; key frames and seams decoded"},
    {"full", "every frame decoded"},
    {0},
};

const struct ta_choice ta_speed_choices[] = {
    {"auto", "by quality"},
    {"ultrafast", "to try things: the largest files"},
    {"superfast", "quick, much smaller than ultrafast"},
    {"veryfast", "quick and small"},
    {"faster", "a little smaller"},
    {"fast", "a little smaller again"},
    {"medium", "what encoders take by themselves"},
    {"slow", "slower and smaller"},
    {"slower", "slower still, a little smaller"},
    {"veryslow", "the smallest that is worth it"},
    {"placebo", "much slower for next to nothing"},
    {0},
};

// What shops call sizes, by lines.
static const char *named_resolution(const char *text)
{
    static const char *const names[][2] = {{"8k", "4320"},     {"4k", "2160"},     {"uhd", "2160"},
                                           {"qhd", "1440"},    {"hd", "720"},      {"fhd", "1080"},
                                           {"fullhd", "1080"}, {"full-hd", "1080"}};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (!strcasecmp(text, names[i][0]))
            return names[i][1];
    return text;
}

// The right word for what is nearly a resolution.
static int refuse_resolution(const char *text, int lines, const char *rest, struct ta_buf *why)
{
    if (lines >= 16 && lines <= 32768 && !strcasecmp(rest, "i"))
        ta_buf_printf(why, "the output has whole pictures, no fields: %d makes them of %d lines", lines,
                      lines);
    else if (!strcasecmp(text, "2k"))
        ta_buf_puts(why, "is 1080 to some and 1440 to others: say which");
    else if (!strcasecmp(text, "sd"))
        ta_buf_puts(why, "is 480 lines in some countries and 576 in others: say which");
    else
        ta_buf_puts(why,
                    "must be auto, source, a number of lines such as 1080 (hd, fhd, qhd, uhd, 4k and 8k are "
                    "known too), or WIDTHxHEIGHT (up to 32768)");
    return TA_ERR_INVALID;
}

// "auto", "source", lines ("1080", "1080p", "4k") or "WIDTHxHEIGHT".
static int parse_resolution(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    char **out = field;
    int w = 0, h = 0, end = 0;
    const char *given = text;
    text = named_resolution(text);
    bool ok = !strcmp(text, "auto") || !strcmp(text, "source");
    if (!ok && sscanf(text, "%6dx%6d%n", &w, &h, &end) == 2 && !text[end])
        ok = w >= 2 && w <= 32768 && h >= 2 && h <= 32768;
    else if (!ok && (end = 0, sscanf(text, "%6d%n", &h, &end) == 1) &&
             (!text[end] || !strcmp(text + end, "p")))
        ok = h >= 16 && h <= 32768;
    if (!ok)
        return refuse_resolution(given, h, end ? given + end : "", why);
    free(*out);
    *out = ta_xstrdup(text);
    return 0;
}

static void format_text(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    char *const *text = field;
    ta_buf_puts(out, *text ? *text : "");
}

static void release_text(void *field)
{
    ta_freep((char **)field);
}

static const struct ta_opt_kind kind_resolution = {
    .name = "resolution",
    .syntax = "LINES|WxH|source",
    .parse = parse_resolution,
    .format = format_text,
    .release = release_text,
};

// Names that other programs have for the same.
static int parse_encoder(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    static const struct {
        const char *other, *name;
    } known[] = {{"x264", "h264"}, {"avc", "h264"},   {"h.264", "h264"},  {"h265", "hevc"},
                 {"x265", "hevc"}, {"h.265", "hevc"}, {"svt-av1", "av1"}, {"svtav1", "av1"}};
    for (size_t i = 0; i < TA_COUNT(known); i++)
        if (!strcasecmp(text, known[i].other))
            text = known[i].name;
    return ta_opt_text.parse(o, text, field, why);
}

static const struct ta_opt_kind kind_encoder = {
    .name = "text",
    .syntax = "NAME",
    .parse = parse_encoder,
    .format = format_text,
    .release = release_text,
    .type = TA_OPT_TYPE_TEXT,
};

AVRational ta_aspect_from_text(const char *text)
{
    double w = 0, h = 0;
    int end = 0;
    if (!text || strspn(text, "0123456789.:") != strlen(text) || strlen(text) > 20 ||
        sscanf(text, "%lf:%lf%n", &w, &h, &end) != 2 || text[end] || !(w > 0) || !(h > 0) || w / h < 0.1 ||
        w / h > 10)
        return (AVRational){0, 1};
    return av_d2q(w / h, 10000);
}

// "auto" or "WIDTH:HEIGHT".
static int parse_aspect(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    char **out = field;
    if (strcmp(text, "auto") != 0 && !ta_aspect_from_text(text).num) {
        ta_buf_puts(why, "must be auto, 4:3, 16:9 or another WIDTH:HEIGHT such as 2.35:1");
        return TA_ERR_INVALID;
    }
    free(*out);
    *out = ta_xstrdup(text);
    return 0;
}

static const struct ta_opt_kind kind_aspect = {
    .name = "aspect",
    .syntax = "W:H",
    .parse = parse_aspect,
    .format = format_text,
    .release = release_text,
};

const struct ta_opt ta_recipe_options[] = {
    {.name = "preset",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_recipe_opts, preset, char *),
     .def = "vhs",
     .syntax = "NAME",
     .letter = 'p',
     .help = "named recipe to start from; \"terminalai presets\" lists them"},
    {.name = "resolution",
     .kind = &kind_resolution,
     TA_FIELD(struct ta_recipe_opts, resolution, char *),
     .def = "auto",
     .letter = 'r',
     .help = "height of the output as it is shown, with square pixels (4k, uhd and 8k are known too); "
             "auto is 1080 for standard definition and the source's size above it"},
    {.name = "aspect",
     .kind = &kind_aspect,
     TA_FIELD(struct ta_recipe_opts, aspect, char *),
     .def = "auto",
     .help = "shape of the whole source picture as it is shown, 4:3, 16:9 or another, where the file says "
             "the wrong one or none; auto is the file's word, and 4:3 for standard definition without one"},
    {.name = "quality",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, quality, int),
     .def = "good",
     .choices = quality_choices,
     .help = "how much care and time"},
    {.name = "encoder",
     .kind = &kind_encoder,
     TA_FIELD(struct ta_recipe_opts, encoder, char *),
     .def = "auto",
     .syntax = "NAME",
     .letter = 'e',
     .help =
         "auto (h264, or hevc for HDR), or a name that \"terminalai encoders\" lists, which also tells what "
         "works here"},
    {.name = "hardware",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_recipe_opts, hardware, bool),
     .def = "off",
     .help =
         "encode h264, hevc or av1 in graphics hardware, the first of NVENC, QSV, VAAPI and AMF that really "
         "opens; fast, but not the same bytes everywhere"},
    {.name = "crf",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_recipe_opts, crf, double),
     .def = "18",
     .min = 0,
     .max = 51,
     .help = "constant quality on x264's scale, lower is better; mapped to each encoder's own control"},
    {.name = "preset-speed",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, preset_speed, int),
     .def = "auto",
     .choices = ta_speed_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "encoder speed by x264's preset names"},
    {.name = "range",
     .kind = &ta_opt_range,
     TA_FIELD(struct ta_recipe_opts, range, struct ta_range),
     .def = "",
     .help = "part of the source to restore, as times (1:23:45.5), percent (25%) or frames (1200f)"},
    {.name = "programme",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_recipe_opts, programme, int64_t),
     .def = "0",
     .min = 0,
     .max = 65535,
     .help =
         "the programme of a broadcast to restore, by its number, and nothing of others; 0 is that of the "
         "largest picture"},
    {.name = "scan",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, scan, int),
     .def = "sample",
     .choices = scan_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "how much is measured before planning"},
    {.name = "segment-length",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_recipe_opts, segment_length, double),
     .def = "0",
     .min = 0,
     .max = 36000,
     .unit = "seconds",
     .flags = TA_OPT_ADVANCED,
     .help =
         "length of the pieces that are restored one by one; what a kill can lose. 0 is 30, and less where "
         "that is more than half a minute of work, by what is known of two cores and tried on this machine"},
    {.name = "dither",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, dither, int),
     .def = "auto",
     .choices = dither_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "how 10 bit become 8"},
    {.name = "audio-codec",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, audio_codec, int),
     .def = "auto",
     .choices = audio_codec_choices,
     .help = "how sound is stored"},
    {.name = "chapters",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, chapters, int),
     .def = "auto",
     .choices = chapter_choices,
     .help = "chapters of the output"},
    {.name = "pictures",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_recipe_opts, pictures, int),
     .def = "restore",
     .choices = picture_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "what becomes of the pictures"},
    {.name = "framemd5",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_recipe_opts, framemd5, bool),
     .def = "off",
     .help = "write OUTPUT.framemd5: a checksum of every decoded picture and of all sound, in the form of "
             "ffmpeg's framemd5"},
    {0},
};

const struct ta_opt ta_run_options[] = {
    {.name = "jobs",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_run_opts, jobs, int64_t),
     .def = "0",
     .min = 0,
     .max = 512,
     .letter = 'j',
     .help = "segments restored at once; 0 decides by cores and memory"},
    {.name = "memory",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct ta_run_opts, memory, int64_t),
     .def = "0",
     .min = 0,
     .max = INFINITY,
     .flags = TA_OPT_ADVANCED,
     .help =
         "memory that segments running at once may need together, and networks on the processor; 0 is half of the "
         "machine's"},
    {.name = "work-dir",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_run_opts, work_dir, char *),
     .def = "",
     .syntax = "DIR",
     .help = "folder for unfinished work instead of beside the output"},
    {.name = "keep-work",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, keep_work, bool),
     .def = "off",
     .flags = TA_OPT_ADVANCED,
     .help = "keep the work folder after success"},
    {.name = "restart",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, restart, bool),
     .def = "off",
     .help = "throw away what an interrupted run finished and begin anew"},
    {.name = "no-resume",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, no_resume, bool),
     .def = "off",
     .flags = TA_OPT_ADVANCED,
     .help = "refuse to go on with an interrupted run"},
    {.name = "overwrite",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, overwrite, bool),
     .def = "off",
     .letter = 'y',
     .help = "replace an existing output, once the new one is finished and verified"},
    {.name = "strict",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, strict, bool),
     .def = "off",
     .help = "fail where frames can't be decoded, instead of repeating a neighbour and counting it"},
    {.name = "verify",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_run_opts, verify, int),
     .def = "quick",
     .choices = verify_choices,
     .help = "how the finished file is checked before it gets its name"},
    {.name = "max-temp-size",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct ta_run_opts, max_temp_size, int64_t),
     .def = "0",
     .min = 0,
     .max = INFINITY,
     .flags = TA_OPT_ADVANCED,
     .help = "stop, resumable, before segments and joined file take more disk than this; 0 is no limit"},
    {.name = "max-work-size",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct ta_run_opts, max_work_size, int64_t),
     .def = "0",
     .min = 0,
     .max = INFINITY,
     .flags = TA_OPT_ADVANCED,
     .help = "stop, resumable, when all work folders in the place of this one (--work-dir, or the output's "
             "folder) together take more disk than this; 0 is no limit"},
    {.name = "no-cache",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, no_cache, bool),
     .def = "off",
     .flags = TA_OPT_ADVANCED,
     .help =
         "keep nothing of what was found out about the source in ~/.cache/terminalai, and take nothing from "
         "there"},
    {.name = "engine",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_run_opts, engine, char *),
     .def = "auto",
     .syntax = "NAME",
     .help = "what runs networks; \"terminalai engines\" lists what is here. The plan keeps it"},
    {.name = "device",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_run_opts, device, char *),
     .def = "auto",
     .syntax = "NAME",
     .help =
         "where networks run: cpu, gpu, npu, or a provider by the engine's own name; auto is the first that "
         "is not the CPU, else the CPU. The plan keeps it"},
    {.name = "engine-library",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_run_opts, engine_library, char *),
     .def = "",
     .syntax = "FILE",
     .flags = TA_OPT_ADVANCED,
     .help =
         "the engine's library, or a folder that holds it or Python packages; without it, "
         "TERMINALAI_ENGINE_LIBRARY, then the packages of the pythons in PATH, then the system's folders"},
    {.name = "engine-fallback",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_run_opts, engine_fallback, bool),
     .def = "off",
     .help =
         "go on with the CPU, with a warning, where a device has not the memory or fails; the pictures may "
         "differ a little there"},
    {.name = "batch",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_run_opts, batch, int64_t),
     .def = "0",
     .min = 0,
     .max = TA_BATCH_MAX,
     .flags = TA_OPT_ADVANCED,
     .help = "pictures that an engine gets at a time; 0 is 16 for devices and 1 for the CPU, and less where "
             "memory is short"},
    {0},
};

// Recipe, then each slot (its choice, its stages' options), then running.
enum { MAX_GROUPS = 48, MAX_NAMES = 256 };

struct all_options {
    struct ta_option_group groups[MAX_GROUPS];
    int group_count;
    const char *names[MAX_NAMES];
};

static struct all_options all;
static pthread_once_t all_once = PTHREAD_ONCE_INIT;

static void add_group(const char *title, const char *prefix, const struct ta_opt *table)
{
    if (table)
        all.groups[all.group_count++] = (struct ta_option_group){title, prefix, table};
}

static void collect(void)
{
    add_group("What to make", "", ta_recipe_options);
    add_group("Sound", "", ta_sound_recipe_options);
    for (const struct ta_slot *s = ta_slots; s->name; s++) {
        if (!s->title)
            continue;
        add_group(s->title, "", s->option);
        add_group(s->title, s->name, ta_slot_options(s->name));
    }
    add_group("How to run", "", ta_run_options);
    int n = 0;
    for (int g = 0; g < all.group_count; g++)
        for (const struct ta_opt *o = all.groups[g].table; o->name; o++)
            if (!(o->flags & TA_OPT_HIDDEN))
                all.names[n++] = ta_option_full_name(&all.groups[g], o);
}

int ta_option_groups(const struct ta_option_group **groups)
{
    pthread_once(&all_once, collect);
    *groups = all.groups;
    return all.group_count;
}

const char *const *ta_option_names(void)
{
    pthread_once(&all_once, collect);
    return all.names;
}

char *ta_option_other_spelling(const char *name)
{
    if (!strcmp(name, "upscaler"))
        return ta_xstrdup("scale");
    if (!strcmp(name, "model"))
        return ta_xstrdup("scale-model");
    static const char american[] = "color";
    const char *at = strstr(name, american);
    return at ? ta_xprintf("%.*scolour%s", (int)(at - name), name, at + strlen(american)) : NULL;
}

char *ta_option_full_name(const struct ta_option_group *group, const struct ta_opt *o)
{
    return group->prefix[0] ? ta_xprintf("%s-%s", group->prefix, o->name) : ta_xstrdup(o->name);
}

const struct ta_opt *ta_option_find(const char *name, const struct ta_option_group **group)
{
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups);
    for (int g = 0; g < count; g++) {
        const char *rest = name;
        size_t n = strlen(groups[g].prefix);
        if (n) {
            if (strncmp(name, groups[g].prefix, n) != 0 || name[n] != '-')
                continue;
            rest = name + n + 1;
        }
        const struct ta_opt *o = ta_opt_find(groups[g].table, rest);
        if (o) {
            if (group)
                *group = &groups[g];
            return o;
        }
    }
    return NULL;
}
