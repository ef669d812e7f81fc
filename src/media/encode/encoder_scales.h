// The user's scales, which are x264's, on each encoder's own.
#ifndef TA_MEDIA_ENCODE_ENCODER_SCALES_H
#define TA_MEDIA_ENCODE_ENCODER_SCALES_H

struct ta_encoder_info;

enum { TA_ENCODER_SPEEDS = 10 };
extern const char *const ta_encoder_speeds[];              // x264's names, fastest first; ends with NULL
int ta_encoder_speed_number(const char *speed);            // place among them; -1 for NULL and unknown names
const char *ta_encoder_quality_speed(const char *quality); // "fast" -> "veryfast"; NULL when unknown

// Both are for the lossy encoders that take a crf.
double ta_encoder_crf(const struct ta_encoder_info *info, double crf);
const char *ta_encoder_speed(const struct ta_encoder_info *info, const char *speed); // NULL when unknown

#endif
