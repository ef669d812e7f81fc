// open-in-frame-loop: the same file is opened again for each frame.
#include "media.h"
#include <stdio.h>

void corrected(struct reader *r, const char *table)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        FILE *f = fopen(table, "rb"); // finds open-in-frame-loop
        frame.data[0][0] = (unsigned char)fgetc(f);
        fclose(f);
    }
}

void corrected_by_one(struct reader *r, const char *table)
{
    AVFrame frame;
    FILE *f = fopen(table, "rb");
    while (read_frame(r, &frame) >= 0)
        frame.data[0][0] = (unsigned char)fgetc(f);
    fclose(f);
}

// Each picture is a file of its own.
void pictures(struct reader *r, int n)
{
    AVFrame frame;
    char name[64];
    while (read_frame(r, &frame) >= 0) {
        snprintf(name, sizeof name, "%d.pgm", n++);
        FILE *f = fopen(name, "wb");
        fwrite(frame.data[0], 1, 1, f);
        fclose(f);
    }
}
