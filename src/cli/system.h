// What the system that started the service (systemd) is told: one datagram each (sd_notify(3)).
#ifndef TA_CLI_SYSTEM_H
#define TA_CLI_SYSTEM_H

// Lines such as "READY=1". Does nothing where nobody asked to be told. Any thread.
void ta_system_tell(const char *lines);
// Milliseconds within which it wants to hear "WATCHDOG=1" again and again; 0: it does not.
int ta_system_watchdog_ms(void);
// Children are not to speak for this process: called before the first is made, after which only the above
// know.
void ta_system_take(void);

#endif
