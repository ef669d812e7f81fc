// Reading the members of JSON objects one after the other, with one look at the error at the end: the first
// member that is wrong is logged, and whatever is read after it is zero, empty or missing.
#ifndef TA_BASE_READING_H
#define TA_BASE_READING_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ta_log;

struct ta_reading {
    const char *where; // names the text in messages
    struct ta_log *log;
    int err; // of the first that was wrong, else 0
};

// Each logs as the functions of base/tree.h do; keys that end in '?' are optional here, too. Texts, arrays
// and objects are borrowed from `o`. `o` may be NULL once there is an error.
//
// What is missing or wrong is the number of the range nearest to 0, false, "" or NULL (which jansson takes
// for an empty array or object).
int64_t ta_read_int(struct ta_reading *r, const json_t *o, const char *key, int64_t min, int64_t max);
int ta_read_small(struct ta_reading *r, const json_t *o, const char *key, int min, int max);
double ta_read_number(struct ta_reading *r, const json_t *o, const char *key);
bool ta_read_bool(struct ta_reading *r, const json_t *o, const char *key);
const char *ta_read_text(struct ta_reading *r, const json_t *o, const char *key);
json_t *ta_read_array(struct ta_reading *r, const json_t *o, const char *key);
json_t *ta_read_object(struct ta_reading *r, const json_t *o, const char *key);
// A copy, to be freed.
char *ta_read_copy(struct ta_reading *r, const json_t *o, const char *key);
// 64 hexadecimal digits; "" when wrong.
void ta_read_checksum(struct ta_reading *r, const json_t *o, const char *key, char out[65]);

// Unless something was wrong before: logs "WHERE: WHAT" and notes TA_ERR_FORMAT.
void ta_read_refuse(struct ta_reading *r, const char *what);
// Notes what a function that logs for itself has returned.
void ta_read_note(struct ta_reading *r, int err);

#endif
