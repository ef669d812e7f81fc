// busy-wait: a loop that does nothing but ask.
#include <sched.h>
#include <stdatomic.h>

struct flag {
    volatile int ready;
    atomic_int count;
};

void wait_for(struct flag *f)
{
    while (!f->ready) // finds busy-wait
        ;
}

void wait_politely(struct flag *f)
{
    while (atomic_load(&f->count) == 0) { // finds busy-wait
        sched_yield();
    }
}

const char *skip(const char *p)
{
    while (*++p == ' ')
        ;
    return p;
}

int next(void);
void drain(void)
{
    while (next() > 0)
        ;
}

// clang-format off
void drain_spaciously(void)
{
    while (next ())
        ;
}
// clang-format on

void copy(char *to, const char *from)
{
    while ((*to++ = *from++))
        ;
}

int find(const int *list, int value)
{
    int i;
    for (i = 0; list[i] != value; i++)
        ;
    return i;
}
