// polling-sleep: sleeping and asking again.
#include "media.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

struct box {
    volatile int full;
};

void wait_for(struct box *b)
{
    while (!b->full)
        usleep(1000); // finds polling-sleep
}

void serve(struct box *b, int *stop)
{
    while (!*stop) {
        if (b->full)
            b->full = 0;
        else
            sleep(1); // finds polling-sleep
    }
}

// A sleep that a signal cut short goes on.
void pause_for(struct timespec *t)
{
    while (nanosleep(t, t) < 0 && errno == EINTR)
        ;
}

// Frames are shown at their time.
void play(struct reader *r, struct writer *w)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        write_frame(w, &frame);
        usleep(40000);
    }
}

// A few tries, and an end.
int try(int (*open_device)(void))
{
    for (int i = 0; i < 3; i++) {
        if (open_device() >= 0)
            return 0;
        sleep(1);
    }
    return -1;
}
