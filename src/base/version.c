#include <terminalai/terminalai.h>

const char *ta_version(void)
{
    return TA_VERSION;
}
