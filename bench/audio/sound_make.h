// Sounds whose truth is known, and what tapes do to them; the same for the same seed.
#ifndef TA_BENCH_SOUND_MAKE_H
#define TA_BENCH_SOUND_MAKE_H

#include <stdbool.h>
#include <stddef.h>

struct sound {
    int channels;
    size_t samples;
    float **planes;
};

void sound_init(struct sound *s, int channels, size_t samples);
void sound_release(struct sound *s);

// False where there is no such kind. music: chords of plucked and bowed partials, a bass and a drum;
// applause: hands of a crowd.
bool sound_make(const char *kind, int rate, unsigned seed, struct sound *s);
// amount: hum, hiss and buzz in dB below the sound (over all); clicks a minute; dropouts a minute; clip in dB
// that the peak is driven over full scale.
bool sound_spoil(const char *kind, int rate, unsigned seed, double amount, struct sound *s);

#endif
