// setup-in-frame-loop: tables are made for one frame and thrown away.
#include "media.h"

struct SwsContext;
struct SwsContext *sws_getContext(int width, int height);
void sws_freeContext(struct SwsContext *c);
int sws_scale(struct SwsContext *c, AVFrame *frame);

void scaled(struct reader *r)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        struct SwsContext *c = sws_getContext(frame.width, frame.height); // finds setup-in-frame-loop
        sws_scale(c, &frame);
        sws_freeContext(c);
    }
}

void scaled_by_one(struct reader *r, int width, int height)
{
    AVFrame frame;
    struct SwsContext *c = sws_getContext(width, height);
    while (read_frame(r, &frame) >= 0) {
        if (frame.width != width) {
            sws_freeContext(c);
            c = sws_getContext(width = frame.width, frame.height);
        }
        sws_scale(c, &frame);
    }
    sws_freeContext(c);
}
