// TerminalAI: restores and upscales old video. Everything public.
#ifndef TERMINALAI_TERMINALAI_H
#define TERMINALAI_TERMINALAI_H

#include <terminalai/compare.h>
#include <terminalai/env.h>
#include <terminalai/error.h>
#include <terminalai/log.h>
#include <terminalai/options.h>
#include <terminalai/metrics.h>
#include <terminalai/plan.h>
#include <terminalai/survey.h>
#include <terminalai/preview.h>
#include <terminalai/probe.h>
#include <terminalai/problem.h>
#include <terminalai/restore.h>
#include <terminalai/task.h>
#include <terminalai/verify.h>
#include <terminalai/work.h>

#ifdef __cplusplus
extern "C" {
#endif

// "0.1.0" of the library that runs.
const char *ta_version(void);

#ifdef __cplusplus
}
#endif
#endif
