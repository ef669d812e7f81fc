// The table alone: a program of the tests brings one with a row more.
#include "restore/task_kind.h"

const struct ta_task_kind *const ta_task_kinds[] = {&ta_task_video, &ta_task_sound, &ta_task_sound_finish,
                                                    NULL};
