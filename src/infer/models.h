// Networks that are known by name: what a manifest says of them, and where their files are kept.
#ifndef TA_INFER_MODELS_H
#define TA_INFER_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct ta_log;

enum ta_model_purpose { TA_MODEL_UPSCALE, TA_MODEL_DEINTERLACE, TA_MODEL_SOUND };
enum ta_model_format { TA_MODEL_ONNX, TA_MODEL_RNNN }; // RNNN: weights of RNNoise, for libavfilter's arnndn
enum ta_model_range { TA_MODEL_UNIT, TA_MODEL_BYTE };  // white is 1, or 255
enum ta_model_colour { TA_MODEL_RGB, TA_MODEL_LUMA };
const char *ta_model_purpose_name(enum ta_model_purpose purpose); // as manifests have it
const char *ta_model_format_name(enum ta_model_format format);    // also how names of such files end
const char *ta_model_range_name(enum ta_model_range range);
const char *ta_model_colour_name(enum ta_model_colour colour);

// All texts are owned and never NULL, but for those that say so.
struct ta_model {
    char *name, *summary;
    enum ta_model_purpose purpose;
    enum ta_model_format format;
    int rate; // of sound, samples a second; 0 for pictures
    // Of pictures; 0 for sound, whose networks are known by the names of their inputs and outputs.
    int factor;        // 1 to 8
    int in[4], out[4]; // pictures, planes, height, width; 0: any. Planes are always told
    enum ta_model_range range;
    enum ta_model_colour colour;
    char *licence;
    int64_t bytes; // 1 to TA_MODEL_MAX_BYTES
    char sha256[TA_SHA256_HEX];
    char *source;   // who made it: an address for people
    char *file;     // where it is downloaded; NULL: nowhere
    char *pair;     // the name of the network that it can be blended with; NULL: none
    char *manifest; // where the entry stands; "built in"
};
#define TA_MODEL_MAX_BYTES ((int64_t)1 << 30)

struct ta_models {
    struct ta_model *items;
    int count;
};

// Adds the entries of one manifest; `name` is what messages call the text. TA_ERR_FORMAT after "NAME:LINE:
// what" for anything that is not as it must be; then nothing is added.
int ta_models_read(struct ta_models *models, const char *text, size_t size, const char *name,
                   struct ta_log *log);
void ta_models_release(struct ta_models *models);
const struct ta_model *ta_models_named(const struct ta_models *models, const char *name); // NULL: none
const struct ta_model *ta_models_with_sum(const struct ta_models *models, const char *sha256);

// Does the text mean a file (a path, or a name that ends in .onnx or .rnnn)? Else it is a name.
bool ta_model_is_file(const char *value);
// NAME.onnx or NAME.rnnn: what it is called in the folder of networks.
char *ta_model_file_name(const struct ta_model *m);

// What was found of a network that somebody named.
struct ta_model_found {
    char *path; // absolute
    char sha256[TA_SHA256_HEX];
    bool listed;           // `model` says what it is
    struct ta_model model; // {0} when no manifest has its checksum
};

// A network by its name, whose file is in the folder (NULL: there is none), or by its file. That its bytes
// are those of the manifest is checked (by name), that the file is an ONNX file whose numbers all lie in it,
// or a text of weights for RNNoise (both). TA_ERR_* after one message that says what to do: INVALID no such
// name, NOT_FOUND not fetched yet or no such file, DAMAGED other bytes than it must have, FORMAT and
// UNSUPPORTED as ta_onnx_file_check(). `found` is to be released, also after a failure.
int ta_model_find(struct ta_model_found *found, const struct ta_models *models, const char *folder,
                  const char *value, struct ta_log *log);
void ta_model_found_release(struct ta_model_found *found);

#endif
