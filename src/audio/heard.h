// What is heard in a track, for whoever decides from it.
#ifndef TA_AUDIO_HEARD_H
#define TA_AUDIO_HEARD_H

#include "dsp/sound_measure.h"

#endif
