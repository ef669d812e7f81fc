// Frames of DV of which blocks are missing.
#ifndef TA_MEDIA_DV_MEND_H
#define TA_MEDIA_DV_MEND_H

#include "media/av.h"
#include "media/dv/facts.h"

// Fills what is missing in a frame of the profile's size: `there` has a byte for each block, not 0 where it
// is there. From `like`, a whole frame of that profile; NULL: gray, without sound.
void ta_dv_mend(uint8_t *data, const uint8_t *there, const uint8_t *like, const AVDVProfile *p, bool wide);

// Does a packet hold a whole frame, as far as pictures go? `facts` is what ta_dv_examine() says of it.
// Decoders go by the first block.
bool ta_dv_is_whole(const uint8_t *data, size_t size, const struct ta_dv_facts *facts);

// The same for packets of a container that knows nothing of blocks, in the order of the file: what is missing
// comes from the last whole one. Thread-safety: Unsafe.
struct ta_dv_mender;
struct ta_dv_mender *ta_dv_mender_create(void);
void ta_dv_mender_destroy(struct ta_dv_mender **m);
// Packets are read from another place on: those of before do not count.
void ta_dv_mender_restart(struct ta_dv_mender *m);
// Whole packets stay as they are, and so do those of which nobody knows what they should be. TA_ERR_NOMEM.
int ta_dv_mender_run(struct ta_dv_mender *m, AVPacket *packet);

#endif
