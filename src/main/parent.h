/*
 * main/parent.h - `ringfence run`: the process that starts, watches and ends the other two
 *
 * It alone may be root, and it reads nothing that came from the network: sockets are bound here and read in the
 * children. What it reads are the operator's files, the local CA, and words of a fixed size from its children.
 */
#ifndef RF_MAIN_PARENT_H
#define RF_MAIN_PARENT_H

/** Runs until it is told to stop. @param config  path or NULL @return exit status */
int rf_parent_run(const char *state_dir, const char *config);

#endif
