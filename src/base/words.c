#include "base/words.h"

const char *ta_plural(int64_t count, const char *one, const char *many)
{
    return count == 1 || count == -1 ? one : many;
}
