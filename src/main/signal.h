/*
 * main/signal.h - the signal process: into the sandbox, then workers and the desk
 */
#ifndef RF_MAIN_SIGNAL_H
#define RF_MAIN_SIGNAL_H

/** main() of the child; returns its exit status. */
int rf_signal_main(void);

#endif
