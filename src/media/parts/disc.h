// DVDs: VIDEO_TS folders (with or without a folder around them) whose titles are sources.
//
// A title is what its .IFO says: the cells of its program chain, in the order of playing, read from the
// title set's .VOB files as one stream of bytes. Menus are no titles. Where no .IFO (and no .BUP) is
// readable, the .VOB files of a set, one behind the other, are its title.
#ifndef TA_MEDIA_PARTS_DISC_H
#define TA_MEDIA_PARTS_DISC_H

#include "media/parts/bytes.h"
#include "media/parts/ifo.h"
#include "media/parts/recorder.h"

// Is this folder a DVD: does it hold a folder VIDEO_TS, or title sets? Looks at names alone.
bool ta_disc_is(const char *folder);
// Is this the name of a file that is part of a DVD (VIDEO_TS.IFO, VTS_01_2.VOB, ...)?
bool ta_disc_has_name(const char *name);
// The names (parts/name.h) of the titles of a DVD: `path` is its folder, its VIDEO_TS folder, VIDEO_TS.IFO,
// or the .IFO of one title set. A NULL-terminated array to free with ta_name_files_free(); the count. Titles
// that are made of the same cells are one; what is left out is said in the log.
int ta_disc_titles(char ***names, const char *path, struct ta_log *log);

struct ta_title {
    char **files; // the .IFO, then the set's .VOB files; NULL-terminated
    int file_count;
    struct ta_extent *extents; // in files[1...], numbered from 0
    int extent_count;
    int64_t bytes;   // of all extents
    int64_t missing; // bytes that the .IFO speaks of and the .VOB files have not
    struct ta_ifo *ifo;
    const struct ta_ifo_title *title;
};
// `name` is that of a title of a DVD. TA_ERR_* after a message.
int ta_title_load(struct ta_title **out, const char *name, struct ta_log *log);
void ta_title_destroy(struct ta_title **title);

// What the disc says of the streams, onto those that libav has found: languages, kinds, colours of subtitles,
// the shape of the picture, chapters, the duration.
void ta_title_describe(const struct ta_title *t, AVFormatContext *fmt, int video);

// What a recorder's list, VR_MANGR.IFO or its copy, says of the .VRO file beside it. NULL where there is
// none, or it can't be read: *why says it then (to be freed), else it is NULL.
struct ta_recorder *ta_recorder_beside(const char *vro, char **why);
// Is this the name of a recorder's file of recordings?
bool ta_disc_is_vro(const char *name);

// Is this program stream scrambled (CSS)? Looks at places all over it, and leaves `pb` anywhere.
bool ta_disc_is_encrypted(AVIOContext *pb);

#endif
