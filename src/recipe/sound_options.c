// The table of sound. What it names is "audio-..." to the user, but for the loudness.
#include "recipe/sound_options.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

static const struct ta_choice enhance_choices[] = {
    {"off", "sound stays as it is"},
    {"auto", "what is heard to be wrong is mended: hum, buzz, clicks, hiss, a missing or upside-down side"},
    {"light", "rumble and whistle taken away, loud passages tamed"},
    {"moderate", "some hiss too, and speech a little clearer"},
    {"aggressive", "much hiss, for bad tapes: it can be heard"},
    {"voice", "for speech"},
    {"music", "for music: hiss a little, dynamics nearly kept"},
    {"neural", "speech out of any noise, by a network: --audio-model"},
    {0},
};

static const struct ta_choice repair_choices[] = {
    {"keep", "as it is"},
    {"auto", "taken out where it is surely heard"},
    {"remove", "taken out wherever it is found on the way"},
    {0},
};

static const struct ta_choice channels_choices[] = {
    {"keep", "as they are"},
    {"auto", "a silent side gets the other's sound, a side that is upside down is turned over"},
    {"left", "the left one on both sides"},
    {"right", "the right one on both sides"},
    {"invert", "the right one turned over"},
    {0},
};

static const struct ta_choice layout_choices[] = {
    {"source", "as many speakers as the source"},
    {"mono", "one"},
    {"stereo", "two: left and right"},
    {"5.1", "six: front, centre, low frequencies, back"},
    {"7.1", "eight: sides too"},
    {0},
};

static const struct ta_choice upmix_choices[] = {
    {"matrix",
     "what both sides share to the centre, what differs to the back, as matrixed recordings mean it"},
    {"simple", "copies of both sides on all speakers, those at the back later and quieter"},
    {"surround", "libavfilter's, by frequency"},
    {0},
};

// In the order of ta_sound_denoisers (audio/network.h).
static const struct ta_choice model_choices[] = {
    {"auto", "the first of these that is here"},
    {"deepfilternet3", "the best, full band; needs ONNX Runtime"},
    {"gtcrn", "up to 8 kHz; needs ONNX Runtime"},
    {"rnnoise-sh", "quick; speech out of the noise of recordings"},
    {"rnnoise-bd", "quick; voices, also in singing, out of the noise of recordings"},
    {"rnnoise-cb", "quick; any sound out of the noise of recordings"},
    {"rnnoise-lq", "quick; voices out of any noise"},
    {"rnnoise-mp", "quick; any sound out of any noise"},
    {0},
};

static const struct ta_choice extend_choices[] = {
    {"off", "as it is"},
    {"narrow", "added to tracks that surely have nothing above 8 kHz"},
    {"always", "added to all"},
    {0},
};

static const struct ta_choice drift_choices[] = {
    {"keep", "gaps and overlaps of sound whose clock runs off are filled and trimmed"},
    {"correct", "sound whose clock runs fast or slow is resampled by a constant ratio"},
    {0},
};

// "off", LUFS, or what the number is for.
static int parse_loudness(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    double value = 0;
    char *end;
    (void)o;
    if (!strcmp(text, "web"))
        value = -14;
    else if (!strcmp(text, "broadcast"))
        value = -23;
    else if (strcmp(text, "off") != 0) {
        value = strtod(text, &end);
        if (end == text || *end || !(value >= -31 && value <= -9)) {
            ta_buf_puts(why, "must be off, web (-14), broadcast (-23), or -31 to -9 LUFS");
            return TA_ERR_INVALID;
        }
    }
    memcpy(field, &value, sizeof value);
    return 0;
}

static void format_loudness(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    double value;
    (void)o;
    memcpy(&value, field, sizeof value);
    if (value < 0)
        ta_buf_printf(out, "%g", value);
    else
        ta_buf_puts(out, "off");
}

static const struct ta_opt_kind loudness_kind = {.name = "loudness",
                                                 .syntax = "LUFS",
                                                 .parse = parse_loudness,
                                                 .format = format_loudness,
                                                 .type = TA_OPT_TYPE_DOUBLE};

const struct ta_opt ta_sound_recipe_options[] = {
    {.name = "audio-enhance",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, enhance, int),
     .def = "off",
     .choices = enhance_choices,
     .help = "what is done for the sound"},
    {.name = "audio-model",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, model, int),
     .def = "auto",
     .choices = model_choices,
     .help = "the network of --audio-enhance neural; \"terminalai models\" gets them"},
    {.name = "audio-reduction",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_recipe, reduction, double),
     .def = "100",
     .min = 0,
     .max = 100,
     .unit = "dB",
     .help = "most that --audio-enhance neural takes off noise; 100 is no limit"},
    {.name = "audio-link",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_sound_recipe, link, bool),
     .def = "off",
     .flags = TA_OPT_ADVANCED,
     .help =
         "--audio-enhance neural cleans all channels as their sum is, in a fraction of the time; else each by "
         "itself"},
    {.name = "audio-extend",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, extend, int),
     .def = "off",
     .choices = extend_choices,
     .help = "treble above 8 kHz, guessed by the network flashsr-lite in ONNX Runtime"},
    {.name = "audio-hum",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, hum, int),
     .def = "keep",
     .choices = repair_choices,
     .help = "hum of the mains, 50 or 60 Hz and its harmonics"},
    {.name = "audio-buzz",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, buzz, int),
     .def = "keep",
     .choices = repair_choices,
     .help = "buzz of head switching in Hi-Fi sound, at the rate of fields"},
    {.name = "audio-clicks",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, clicks, int),
     .def = "keep",
     .choices = repair_choices,
     .help = "clicks, crackle, and dropouts of up to 60 ms"},
    {.name = "audio-channels",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, channels, int),
     .def = "keep",
     .choices = channels_choices,
     .help = "stereo of which one side is missing or upside down"},
    {.name = "audio-layout",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, layout, int),
     .def = "source",
     .choices = layout_choices,
     .help = "speakers of the output; fewer are mixed down as ITU-R BS.775 says, more by --audio-upmix"},
    {.name = "audio-upmix",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, upmix, int),
     .def = "matrix",
     .choices = upmix_choices,
     .help = "how two channels become 5.1 or 7.1"},
    {.name = "audio-lfe",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_recipe, lfe, double),
     .def = "120",
     .min = 60,
     .max = 200,
     .unit = "Hz",
     .flags = TA_OPT_ADVANCED,
     .help = "up to where the upmix's channel of low frequencies goes"},
    {.name = "audio-rear-delay",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_recipe, delay, double),
     .def = "15",
     .min = 0,
     .max = 50,
     .unit = "ms",
     .flags = TA_OPT_ADVANCED,
     .help = "by how much the speakers at the back come later with --audio-upmix simple"},
    {.name = "audio-centre",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_recipe, centre, double),
     .def = "0.707",
     .min = 0,
     .max = 1,
     .flags = TA_OPT_ADVANCED,
     .help = "how loud the centre is with --audio-upmix simple"},
    {.name = "audio-gain",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_recipe, gain, double),
     .def = "0",
     .min = -60,
     .max = 60,
     .unit = "dB",
     .help = "how much louder the sound becomes; peaks are kept below -1.5 dBTP"},
    {.name = "loudness",
     .kind = &loudness_kind,
     TA_FIELD(struct ta_sound_recipe, loudness, double),
     .def = "off",
     .help =
         "loudness of each track as a whole by EBU R 128, -31 to -9 LUFS or what for: web (-14), broadcast "
         "(-23)"},
    {.name = "audio-drift",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_recipe, drift, int),
     .def = "keep",
     .choices = drift_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "sound whose clock runs off against the pictures', where that is sure"},
    {.name = "audio-bitrate",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_sound_recipe, bitrate, int64_t),
     .def = "0",
     .min = 0,
     .max = 1536,
     .unit = "kbit/s",
     .flags = TA_OPT_ADVANCED,
     .help = "of sound that is restored; 0 goes by codec and channels"},
    {0},
};

bool ta_sound_recipe_restores(const struct ta_sound_recipe *r)
{
    return r->enhance || r->extend || r->hum || r->buzz || r->clicks || r->channels || r->layout ||
           r->gain != 0 || r->loudness < 0 || r->drift;
}
