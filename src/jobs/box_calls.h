// Which calls to the kernel a boxed child may make (box.h).
#ifndef TA_JOBS_BOX_CALLS_H
#define TA_JOBS_BOX_CALLS_H

#include <stdbool.h>

// Can they be restricted on this machine?
bool ta_box_calls_known(void);
// From here on, for this thread and all that comes of it: what is of no use to programs that restore films is
// refused (EPERM), so are sockets: without `network` those of networks, without `local` all new ones. After
// PR_SET_NO_NEW_PRIVS; needs no memory. True where calls can't be restricted at all, too.
bool ta_box_calls_enter(bool network, bool local);

#endif
