// sync-in-frame-loop: the disk is waited for, for each frame.
#include "media.h"
#include <stdio.h>
#include <unistd.h>

void write_all(struct reader *r, struct writer *w, int fd)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        write_frame(w, &frame);
        fsync(fd); // finds sync-in-frame-loop
    }
}

void flush_all(struct reader *r, FILE *f)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        fwrite(frame.data[0], 1, 1, f);
        fflush(f); // finds sync-in-frame-loop
    }
}

void write_then_sync(struct reader *r, struct writer *w, int fd)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0)
        write_frame(w, &frame);
    fsync(fd);
}
