// format-in-frame-loop: text for each frame.
#include "media.h"
#include <stdio.h>

void titled(struct reader *r, char *title, size_t size)
{
    AVFrame frame;
    int n = 0;
    while (read_frame(r, &frame) >= 0)
        snprintf(title, size, "frame %d", n++); // finds format-in-frame-loop
}

// Told when a second has passed.
void told(struct reader *r, char *title, size_t size, double now, double last)
{
    AVFrame frame;
    int n = 0;
    while (read_frame(r, &frame) >= 0) {
        n++;
        if (now - last > 1)
            snprintf(title, size, "frame %d", n);
    }
}

int failing(struct reader *r, char *title, size_t size)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        if (frame.width < 1) {
            snprintf(title, size, "width %d", frame.width);
            return -1;
        }
    }
    return 0;
}

// Each picture has a name of its own.
void named(struct reader *r)
{
    AVFrame frame;
    char file_name[64];
    int n = 0;
    while (read_frame(r, &frame) >= 0)
        snprintf(file_name, sizeof file_name, "%d.png", n++);
}

// Somebody decides when.
void chaptered(struct reader *r, char *title, size_t size, int scene)
{
    AVFrame frame;
    int n = 0;
    while (read_frame(r, &frame) >= 0) {
        if (frame.width == scene)
            snprintf(title, size, "scene %d", n++);
    }
}
