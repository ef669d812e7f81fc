// thread-in-frame-loop: a thread's life is a frame.
#include "media.h"
#include <pthread.h>

void *half(void *arg);

void in_threads(struct reader *r)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        pthread_t t;
        pthread_create(&t, NULL, half, &frame); // finds thread-in-frame-loop
        half(&frame);
        pthread_join(t, NULL);
    }
}

void start(pthread_t *list, int count)
{
    for (int i = 0; i < count; i++)
        pthread_create(&list[i], NULL, half, NULL);
}
