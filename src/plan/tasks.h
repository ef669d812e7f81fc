// Which tasks a plan has: its segments, and whatever it lists beside them.
//
// The segments follow from the cuts and come first: task k is segment k. Everything else stands in the JSON's
// "tasks", a list of {kind, stem, index, expect, needs}; a segment stands there only when it needs another
// task. Which kinds a program can run is not the plan's business (restore/task_kind.h).
#ifndef TA_PLAN_TASKS_H
#define TA_PLAN_TASKS_H

#include <jansson.h>

#include <terminalai/task.h>

#include "plan/plan.h"

extern const char ta_task_video_kind[]; // "video"

// The plan's part of JSON (NULL when there are only segments that need nothing).
json_t *ta_tasks_json(const struct ta_plan *plan);
void ta_tasks_release(struct ta_plan *plan);

// Is this the stem of a task: lower-case words and one or two hexadecimal numbers, joined by hyphens? No
// other name gets into the work folder.
bool ta_task_stem_valid(const char *stem);
// A segment more: what is listed behind the segments gets the next number. Only while no segment is needed.
void ta_tasks_shift(struct ta_plan *plan);
// There were `before` segments, and now there are others: tasks that need listed ones have them by their new
// numbers.
void ta_tasks_follow_cuts(struct ta_plan *plan, int before);
// Does any segment need a task, or any task a segment?
bool ta_plan_segments_are_linked(const struct ta_plan *plan);

#endif
