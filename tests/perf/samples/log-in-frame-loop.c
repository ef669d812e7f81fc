// log-in-frame-loop: a line for each frame.
#include "media.h"
#include <stdio.h>

void show(struct reader *r)
{
    AVFrame frame;
    int n = 0;
    while (read_frame(r, &frame) >= 0)
        fprintf(stderr, "frame %d\r", n++); // finds log-in-frame-loop
    while (read_frame(r, &frame) >= 0) {
        fprintf(stdout, "frame %d\r", n++); // finds log-in-frame-loop
        fflush(stdout);                     // finds log-in-frame-loop
    }
}

// What is written is the result.
void list(struct reader *r, FILE *text)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0)
        fprintf(text, "%d\n", frame.width);
}

void log_all(struct reader *r, FILE *logfile)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0)
        fprintf(logfile, "%d\n", frame.width); // finds log-in-frame-loop
}

void show_some(struct reader *r, int verbose)
{
    AVFrame frame;
    int n = 0;
    while (read_frame(r, &frame) >= 0) {
        if (++n % 100 == 0)
            fprintf(stderr, "frame %d\r", n);
        if (verbose)
            fprintf(stderr, "width %d\n", frame.width);
    }
    fprintf(stderr, "%d frames\n", n);
}
