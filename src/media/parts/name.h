// What a source is called. Most are one file and called by its path. A film that is several files is called
// by one text that names them all, which is taken wherever the path of a source is:
//
//   "tapes/a.avi + b.avi + /other/c.avi"  files, one behind the other; a name without a slash lies in the
//                                         folder of the first one; the plus is TA_NAME_PLUS
//   "DVD/VIDEO_TS/VTS_02_0.IFO"           the title of a title set of a DVD that holds one
//   "DVD/VIDEO_TS/VTS_02_0.IFO#3"         the third title of a set that holds several
//
// All here is about names: no file is opened. Thread-safety: Safe.
#ifndef TA_MEDIA_PARTS_NAME_H
#define TA_MEDIA_PARTS_NAME_H

#include <stdbool.h>

// A plus that no name of a file holds: a no-break space follows it.
#define TA_NAME_PLUS " +\xc2\xa0"
enum { TA_NAME_MAX_FILES = 4096, TA_NAME_MAX_TITLE = 99 };

// The name of these files (one or more) as one source, freed by the caller; NULL when one of them can't be
// part of such a name (it holds TA_NAME_PLUS) or there are too many.
char *ta_name_join(char *const *paths, int count);
// The title's number (1..99; 0: the only one) when this is the name of a title of a DVD, else -1. *ifo (may
// be NULL) is the path of the title set's file, freed by the caller; NULL when it is no title.
int ta_name_title(const char *name, char **ifo);
bool ta_name_is_several(const char *name);
// The files that it names: a NULL-terminated array to free with ta_name_files_free(); the count. Of a title
// only the title set's .IFO.
int ta_name_files(const char *name, char ***files);
void ta_name_files_free(char ***files);

// The same source by paths from the root. Links in the last component stay.
char *ta_name_absolute(const char *name);
// The same source where paths that are relative start in `folder`.
char *ta_name_below(const char *folder, const char *name);
// Where an output without a name goes, and what comes before its ".restored.mp4": folder and stem of the
// (first) file; of a title on a DVD "DVD" and "DVD.title2" or "DVD.title2-3".
char *ta_name_dir(const char *name);
char *ta_name_stem(const char *name);
// The default name of an output: "tapes/tape.restored.mp4" for "tapes/tape.avi".
char *ta_name_output(const char *name, const char *extension);

// Are all its files there, as plain files? Are the files of both the same? Is `path` one of them?
bool ta_name_exists(const char *name);
bool ta_name_same(const char *a, const char *b);
bool ta_name_holds(const char *name, const char *path);

// Has the name an extension that video files have? Is it one that outputs get by default ("x.restored.mp4",
// "x.restored.2.mp4")?
bool ta_name_is_video(const char *name);
bool ta_name_is_sound(const char *name); // of a file of sound alone
bool ta_name_is_output(const char *name);

// Two file names that differ in one number only, which rises by one from `a` to `b` ("capture_001.avi",
// "capture_002.avi"; "GOPR0017.MP4", "GP010017.MP4"; "film.avi", "film.001.avi"): the next of a series.
bool ta_name_follows(const char *a, const char *b);

#endif
