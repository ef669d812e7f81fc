// alloc-in-frame-loop: memory that is taken and given back for each frame.
#include "media.h"
#include <stdlib.h>
#include <string.h>

void scaled(struct reader *r, size_t bytes)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        unsigned char *row = malloc(bytes); // finds alloc-in-frame-loop
        memset(row, 0, bytes);
        free(row);
    }
}

static void label(AVFrame *frame, const char *name)
{
    char *copy = strdup(name); // finds alloc-in-frame-loop
    frame->data[0][0] = (unsigned char)copy[0];
}

void labelled(struct reader *r)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0)
        label(&frame, "a");
}

// Taken once, before the loop.
void once(struct reader *r, size_t bytes)
{
    AVFrame frame;
    unsigned char *row = malloc(bytes);
    while (read_frame(r, &frame) >= 0)
        memset(row, 0, bytes);
    free(row);
}

// Taken when it is missing, or too small.
void lazy(struct reader *r, struct line *l)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        if (!l->row)
            l->row = malloc(l->bytes);
        if (frame.width > (int)l->bytes) {
            free(l->row);
            l->bytes = (size_t)frame.width;
            l->row = malloc(l->bytes);
        }
    }
}

// The way of an error ends the loop.
char *failing(struct reader *r)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0)
        if (frame.width == 0)
            return strdup("no width");
    return NULL;
}

// A loop over files is none of frames.
void files(char **names, int count, char **out)
{
    for (int i = 0; i < count; i++)
        out[i] = strdup(names[i]);
}
