// lock-in-pixel-loop: a lock for each row.
#include <pthread.h>

struct sums {
    pthread_mutex_t lock;
    long total;
};

void add(struct sums *s, const unsigned char *p, int width, int height)
{
    for (int y = 0; y < height; y++) {
        pthread_mutex_lock(&s->lock); // finds lock-in-pixel-loop
        s->total += p[y * width];
        pthread_mutex_unlock(&s->lock);
    }
}

void add_once(struct sums *s, const unsigned char *p, int width, int height)
{
    long own = 0;
    for (int y = 0; y < height; y++)
        own += p[y * width];
    pthread_mutex_lock(&s->lock);
    s->total += own;
    pthread_mutex_unlock(&s->lock);
}

void jobs(struct sums *s, struct sums *next, int stop)
{
    while (!stop && s != next) {
        pthread_mutex_lock(&s->lock);
        s->total++;
        pthread_mutex_unlock(&s->lock);
    }
}
