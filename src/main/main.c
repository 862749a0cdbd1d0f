/*
 * main/main.c - one binary: the commands, the parent, and the two children it starts
 */
#include <string.h>

#include "cli/command.h"
#include "main/media.h"
#include "main/parent.h"
#include "main/sandbox.h"
#include "main/signal.h"

static const char *
sandbox_here(void)
{
    return rf_sandbox_landlock_abi() > 0 ? "seccomp, landlock" : "seccomp; this kernel has no landlock";
}

int
main(int argc, char **argv)
{
    static const struct rf_cli_hooks hooks = { .run = rf_parent_run, .sandbox = sandbox_here };

    /* Started by our parent (main/launch.h); anyone else who uses these names is sent away by rf_launch_receive. */
    if (argc == 1 && strcmp(argv[0], "ringfence: media") == 0)
        return rf_media_main();
    if (argc == 1 && strcmp(argv[0], "ringfence: signal") == 0)
        return rf_signal_main();
    return rf_cli_main(argc, argv, &hooks);
}
