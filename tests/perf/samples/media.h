// What the samples share: declarations as media programs have them; nothing of it exists.
#ifndef TA_SAMPLES_MEDIA_H
#define TA_SAMPLES_MEDIA_H

#include <stddef.h>

typedef struct AVFrame {
    unsigned char *data[4];
    int linesize[4], width, height;
} AVFrame;
typedef struct AVPacket {
    unsigned char *data;
    int size;
} AVPacket;

struct reader;
struct writer;
struct line {
    unsigned char *row;
    size_t bytes;
};

int read_frame(struct reader *r, AVFrame *frame);
int write_frame(struct writer *w, const AVFrame *frame);

#endif
