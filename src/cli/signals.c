#include "cli/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/command.h"

// Lock-free, so that the handler may touch it; atomic, because threads read it.
static atomic_int interrupted;

static void on_signal(int number)
{
    (void)number;
    if (!atomic_exchange(&interrupted, 1))
        return;
    // The status line may be half drawn: leave the shell's prompt a line of its own.
    ssize_t ignored = isatty(STDERR_FILENO) ? write(STDERR_FILENO, "\n", 1) : 0;
    (void)ignored;
    _exit(TA_EXIT_INTERRUPTED);
}

void ta_signals_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_IGN)
            continue;
        sigaction(numbers[i], &action, NULL);
    }
}

bool ta_signals_interrupted(void)
{
    return atomic_load(&interrupted);
}

void ta_signals_ignore_write_failures(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}
