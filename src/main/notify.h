/*
 * main/notify.h - what the service manager is told (sd_notify protocol: datagrams to $NOTIFY_SOCKET)
 */
#ifndef RF_MAIN_NOTIFY_H
#define RF_MAIN_NOTIFY_H

#include <stdint.h>

/** "READY=1", "STATUS=...": nothing happens when no service manager asked for it. */
void rf_notify(const char *state);

/** Interval in which it wants WATCHDOG=1; 0: it does not. */
uint64_t rf_notify_watchdog_us(void);

#endif
