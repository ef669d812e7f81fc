#include "base/reading.h"

#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"

void ta_read_note(struct ta_reading *r, int err)
{
    if (!r->err && err < 0)
        r->err = err;
}

void ta_read_refuse(struct ta_reading *r, const char *what)
{
    if (r->err)
        return;
    ta_error(r->log, "%s: %s", r->where, what);
    r->err = TA_ERR_FORMAT;
}

int64_t ta_read_int(struct ta_reading *r, const json_t *o, const char *key, int64_t min, int64_t max)
{
    int64_t value = min > 0 ? min : max < 0 ? max : 0;
    if (!r->err)
        r->err = ta_json_get_int(o, r->where, key, min, max, &value, r->log);
    return value;
}

int ta_read_small(struct ta_reading *r, const json_t *o, const char *key, int min, int max)
{
    return (int)ta_read_int(r, o, key, min, max);
}

double ta_read_number(struct ta_reading *r, const json_t *o, const char *key)
{
    double value = 0;
    if (!r->err)
        r->err = ta_json_get_number(o, r->where, key, &value, r->log);
    return value;
}

bool ta_read_bool(struct ta_reading *r, const json_t *o, const char *key)
{
    int value = 0;
    if (!r->err)
        r->err = ta_json_get_bool(o, r->where, key, &value, r->log);
    return value;
}

const char *ta_read_text(struct ta_reading *r, const json_t *o, const char *key)
{
    const char *value = "";
    if (!r->err)
        r->err = ta_json_get_string(o, r->where, key, &value, r->log);
    return value;
}

json_t *ta_read_array(struct ta_reading *r, const json_t *o, const char *key)
{
    json_t *value = NULL;
    if (!r->err)
        r->err = ta_json_get_array(o, r->where, key, &value, r->log);
    return value;
}

json_t *ta_read_object(struct ta_reading *r, const json_t *o, const char *key)
{
    json_t *value = NULL;
    if (!r->err)
        r->err = ta_json_get_object(o, r->where, key, &value, r->log);
    return value;
}

char *ta_read_copy(struct ta_reading *r, const json_t *o, const char *key)
{
    return ta_xstrdup(ta_read_text(r, o, key));
}

void ta_read_checksum(struct ta_reading *r, const json_t *o, const char *key, char out[65])
{
    const char *text = ta_read_text(r, o, key);
    out[0] = 0;
    if (strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64)
        memcpy(out, text, 65);
    else
        ta_read_refuse(r, "a checksum is not 64 hex digits");
}
