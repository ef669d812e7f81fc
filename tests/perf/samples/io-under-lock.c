// io-under-lock: files are read or written while others wait for the lock.
#include <pthread.h>
#include <stdio.h>

struct store {
    pthread_mutex_t lock;
    int count;
    FILE *file;
};

void put(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->count++;
    fwrite(&s->count, sizeof s->count, 1, s->file); // finds io-under-lock
    pthread_mutex_unlock(&s->lock);
}

static void save(int count)
{
    FILE *f = fopen("count", "w");
    if (f)
        fclose(f);
    (void)count;
}

void put_far(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->count++;
    save(s->count); // finds io-under-lock
    pthread_mutex_unlock(&s->lock);
}

void put_copy(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    int count = ++s->count;
    pthread_mutex_unlock(&s->lock);
    fwrite(&count, sizeof count, 1, s->file);
}

// Called with the lock, which it gives back meanwhile.
static void save_outside(struct store *s)
{
    int count = s->count;
    pthread_mutex_unlock(&s->lock);
    save(count);
    pthread_mutex_lock(&s->lock);
}

void put_outside(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->count++;
    save_outside(s);
    pthread_mutex_unlock(&s->lock);
}

// On both ways the lock is given back first.
int put_some(struct store *s, int limit)
{
    pthread_mutex_lock(&s->lock);
    if (s->count > limit) {
        pthread_mutex_unlock(&s->lock);
        fwrite(&limit, sizeof limit, 1, s->file);
        return -1;
    }
    s->count++;
    pthread_mutex_unlock(&s->lock);
    save(limit);
    return 0;
}
