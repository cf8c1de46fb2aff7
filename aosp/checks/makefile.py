"""Evaluates twine.mk with GNU make, as a product would include it."""

import subprocess

WRAPPER = """
TARGET_COPY_OUT_PRODUCT := product
soong_config_set = $(eval SOONG_SET += $(1).$(2)=$(3))
{settings}
include {makefile}
$(foreach name,{names},$(info $(name)=$($(name))))
all:;
"""
NAMES = (
    "PRODUCT_PACKAGES PRODUCT_COPY_FILES SOONG_SET TARGET_FS_CONFIG_GEN "
    "SYSTEM_EXT_PUBLIC_SEPOLICY_DIRS SYSTEM_EXT_PRIVATE_SEPOLICY_DIRS"
)


class MakeError(Exception):
    """What make said."""


def evaluate(makefile, **settings):
    """The variables that the build reads, each as a list of words."""
    text = WRAPPER.format(
        settings="\n".join(f"{name} := {value}" for name, value in settings.items()),
        makefile=makefile, names=NAMES,
    )
    done = subprocess.run(["make", "-f", "-", "--warn-undefined-variables"], input=text,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise MakeError(done.stderr.strip())
    lines = (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {name: words.split() for name, words in lines if name in NAMES.split()}
