// Folders of things that can be made again: thumbnails, excerpts, what was measured.
#ifndef TA_BASE_KEPT_H
#define TA_BASE_KEPT_H

#include <stdint.h>

// Of what lies in the folder those stay that were used last (by their time of change, which whoever reads one
// sets): so many bytes, so many things, none that is older than `days` (0: any age). Folders count as nothing
// and go as a whole. What can't be removed is passed over. Any thread.
void ta_kept_prune(const char *folder, int64_t bytes, int count, int days);

#endif
