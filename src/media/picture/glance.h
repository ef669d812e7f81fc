// A small picture of a film, quickly: what stands at about this place.
#ifndef TA_MEDIA_PICTURE_GLANCE_H
#define TA_MEDIA_PICTURE_GLANCE_H

struct ta_buf;
struct ta_cancel;
struct ta_log;

// A JPEG of at most `width` x `width` pixels, square ones and upright, of about this place (0..1) of the
// film, appended to `out`. The first picture that decodes behind it; nothing is indexed. TA_ERR_DAMAGED when
// none does.
int ta_glance(const char *path, double place, int width, const struct ta_cancel *cancel, struct ta_buf *out,
              struct ta_log *log);

#endif
