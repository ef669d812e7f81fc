#include "restore/done.h"

#include <string.h>

#include "base/mem.h"

int64_t ta_counts_get(const struct ta_counts *counts, const char *name)
{
    for (int i = 0; i < counts->count; i++)
        if (!strcmp(counts->items[i].name, name))
            return counts->items[i].value;
    return 0;
}

bool ta_counts_set(struct ta_counts *counts, const char *name, int64_t value)
{
    size_t n = strlen(name);
    int i = 0;
    while (i < counts->count && strcmp(counts->items[i].name, name))
        i++;
    if (i == TA_COUNTS_MAX || !n || n >= TA_COUNT_NAME || strspn(name, "abcdefghijklmnopqrstuvwxyz_") != n)
        return false;
    memcpy(counts->items[i].name, name, n + 1);
    counts->items[i].value = value;
    counts->count = TA_MAX(counts->count, i + 1);
    return true;
}

json_t *ta_counts_json(const struct ta_counts *counts)
{
    json_t *o = json_object();
    for (int i = 0; i < counts->count; i++)
        json_object_set_new(o, counts->items[i].name, json_integer(counts->items[i].value));
    return o;
}

bool ta_counts_read(struct ta_counts *counts, const json_t *object)
{
    const char *name;
    json_t *value;
    *counts = (struct ta_counts){0};
    if (!json_is_object(object))
        return false;
    json_object_foreach((json_t *)object, name, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > TA_COUNT_VALUE_MAX ||
            !ta_counts_set(counts, name, json_integer_value(value)))
            return false;
    }
    return true;
}
