#include <terminalai/error.h>

const char *ta_error_text(int err)
{
    if (err >= 0)
        return "success";
    switch (err) {
#define TA_ERROR_CASE(name, value, text) \
    case name:                           \
        return text;
        TA_ERROR_LIST(TA_ERROR_CASE)
#undef TA_ERROR_CASE
    default:
        return "unknown error";
    }
}
