// The .IFO files of a DVD: which titles there are, and of which sectors of the title set's .VOB files each is
// made. A parser of bytes alone: it opens nothing and trusts no number that it has not checked (it is
// fuzzed). Thread-safety: Safe.
#ifndef TA_MEDIA_PARTS_IFO_H
#define TA_MEDIA_PARTS_IFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ta_log;

enum { TA_IFO_SECTOR = 2048, TA_IFO_MAX_TITLES = 99, TA_IFO_MAX_BYTES = 4 << 20 };

// A run of sectors, counted from the start of the title set's first .VOB.
struct ta_ifo_run {
    uint32_t first, last;
};

struct ta_ifo_stream {
    char language[3]; // ISO 639-1, "" when the disc says none
    int coding;       // sound: 0 AC-3, 2 and 3 MPEG, 4 LPCM, 6 DTS
    int extension; // 1 normal; sound: 2 for the visually impaired, 3 and 4 comments; subtitles: 9 forced, ...
};

// A program chain has room for this many streams.
enum { TA_IFO_SOUNDS = 8, TA_IFO_SUBTITLES = 32 };

struct ta_ifo_title {
    struct ta_ifo_run *runs; // in the order of playing; those that meet are one
    int run_count;
    int64_t *chapters_ms; // where chapters begin in the title, the first at 0; ascending
    int chapter_count;
    int64_t duration_ms; // by its cells
    int cell_count;
    int angles;         // scenes that were taken from several angles: how many; only the first is in `runs`
    int bad_cells;      // left out: what is said of them makes no sense
    bool mixed;         // interleaved with other scenes, and nothing says how: the runs hold these too
    bool changes_clock; // a cell after the first begins with a clock of its own
    int sounds[TA_IFO_SOUNDS];       // stream number of each of the set's sounds; -1: not in this title
    int subtitles[TA_IFO_SUBTITLES]; // the same for its subtitles (the wide ones where there are several)
    uint32_t palette[16];            // of subtitles, 0xrrggbb
};

struct ta_ifo {
    int aspect_num, aspect_den; // shape of the picture: 4:3 or 16:9; 0/0 when it says neither
    bool pal;
    struct ta_ifo_stream sounds[TA_IFO_SOUNDS], subtitles[TA_IFO_SUBTITLES];
    int sound_count, subtitle_count;
    struct ta_ifo_title *titles; // in the order of their numbers, from 1; one without runs can't be played
    int title_count;
};

// VTS_nn_0.IFO (or its copy, .BUP). `name` is for messages. TA_ERR_FORMAT when it is no such file or not
// readable to a single title.
int ta_ifo_parse(struct ta_ifo **out, const void *data, size_t size, const char *name, struct ta_log *log);
void ta_ifo_destroy(struct ta_ifo **ifo);

// VIDEO_TS.IFO: the titles of the disc, each with its title set and its number there.
struct ta_ifo_entry {
    int set, title;
};
// The number of entries, at most TA_IFO_MAX_TITLES. TA_ERR_FORMAT as above.
int ta_ifo_parse_disc(struct ta_ifo_entry entries[TA_IFO_MAX_TITLES], const void *data, size_t size,
                      const char *name, struct ta_log *log);

#endif
