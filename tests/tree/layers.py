#!/usr/bin/env python3
"""Every #include points down src/LAYERS, and every header compiles alone."""
import os
import subprocess

import tap

root = tap.ROOT
run = subprocess.run([os.path.join(root, "tools", "check-layers"), "gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall",
                      "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-parameter",
                      "-Wno-missing-field-initializers", "-I", os.path.join(root, "tests"), "-DRF_HAVE_IPSEC_MB=0",
                      "-DRF_SANITIZED=0", '-DRF_VERSION="test"'],
                     capture_output=True, text=True)
tap.ok(run.returncode == 0, "every #include points down src/LAYERS and every header compiles alone", run.stdout)
tap.done()
