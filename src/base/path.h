// Names of files, and whether two mean the same one.
#ifndef TA_BASE_PATH_H
#define TA_BASE_PATH_H

#include <stdbool.h>

// Path parts; results are owned by the caller. "a/b.c.avi": dir "a", name "b.c.avi", stem "b.c", extension
// "avi" ("" if none; a leading dot is no extension). ta_path_dir("x") is ".".
char *ta_path_join(const char *dir, const char *name);
char *ta_path_dir(const char *path);
const char *ta_path_name(const char *path); // borrowed from `path`
char *ta_path_stem(const char *path);
const char *ta_path_extension(const char *path); // borrowed, without the dot
// The name under which `path` is made, in the same folder: NAME.TAG.part, with as much of the name as the
// file system has room for. TAG is TA_TAG_SIZE - 1 hexadecimal digits.
enum { TA_TAG_SIZE = 9 };
char *ta_path_part(const char *path, const char *tag);
bool ta_path_is_tag(const char *text);
// Bytes that a name may have in this folder.
int ta_path_name_max(const char *dir);
// path made absolute, "." and ".." and links resolved as far as they exist; never NULL.
char *ta_path_absolute(const char *path);
// This program's own file; NULL: the system does not tell.
char *ta_path_of_program(void);
// Do both names exist and mean the same file (device and inode)? False if either does not exist.
bool ta_path_same_file(const char *a, const char *b);

#endif
