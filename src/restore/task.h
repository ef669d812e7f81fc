// What single tasks and whole runs share.
#ifndef TA_RESTORE_TASK_H
#define TA_RESTORE_TASK_H

#include "restore/report.h"

// Is the plan's output there, with a report of this very plan beside it? Then `report` holds it (to be
// released). The file itself is not looked into.
bool ta_plan_delivered(const struct ta_plan *plan, struct ta_report *report);

#endif
