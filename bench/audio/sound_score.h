#ifndef TA_BENCH_SOUND_SCORE_H
#define TA_BENCH_SOUND_SCORE_H

#include "sound_make.h"

// Prints one JSON object: SI-SDR over all channels, segmental SNR (20 ms, -10 to 35 dB, where there is sound)
// and log-spectral distance, all in dB, and the delay of `test` that fits best within 20 ms, in samples.
void sound_score(int rate, const struct sound *truth, const struct sound *test);

#endif
