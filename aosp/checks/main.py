"""Checks all files of aosp/ and tests the checks. Prints one line for each
check and, last, 'N passed, N failed'. tools/check-aosp installs the tools and
runs this."""

import subprocess
import sys
import unittest
from pathlib import Path

import bp
import image
import permissions
import policy
import rc

AOSP = Path(__file__).resolve().parent.parent
ROOT = AOSP.parent
FOLDERS = ("aosp", "proto")
CHECKS = AOSP / "checks"
FILE_CONTEXTS = AOSP / "sepolicy/private/file_contexts"


class Run:
    def __init__(self):
        self.passed = self.failed = 0

    def step(self, name, problems):
        if problems:
            self.failed += 1
            print(f"{name}: FAILED")
            for problem in problems:
                print("    " + problem)
        else:
            self.passed += 1
            print(f"{name}: ok")


def formatted():
    """Android.bp files that bpfmt would write otherwise."""
    files = map(str, bp.files(ROOT, FOLDERS))
    done = subprocess.run(["bpfmt", "-l", *files], capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()


def init(users):
    try:
        return rc.parse((AOSP / "twined.rc").read_text(), "twined.rc", users), []
    except rc.RcError as error:
        return None, str(error).splitlines()


def compiled(variant, sections, config):
    try:
        with policy.Compiled(AOSP / "sepolicy", variant) as found:
            return image.check_policy(found, FILE_CONTEXTS, sections, config)
    except policy.PolicyError as error:
        return str(error).splitlines()


def main():
    run = Run()
    run.step("Android.bp: format (bpfmt)", formatted())
    try:
        modules = bp.read(ROOT, FOLDERS)
    except bp.BpError as error:
        run.step("Android.bp: grammar", [str(error)])
        modules = []
    platform = bp.platform_modules(CHECKS / "platform-modules.txt")
    run.step("Android.bp: types, properties, references, files", bp.check(modules, platform, ROOT))
    run.step("Android.bp: annotations", bp.check_annotations(modules, ROOT))
    listed = subprocess.run([AOSP.parent / "tools/package-android", "--list"],
                            capture_output=True, text=True).stdout.split()
    run.step("Android.bp: prebuilts", image.check_prebuilts(modules, listed))
    copied, problems = image.check_makefile(AOSP, modules)
    run.step("twine.mk (make)", problems)
    users, problems = image.check_config_fs(AOSP / "config.fs")
    run.step("config.fs", problems)
    sections, problems = init(users)
    run.step("twined.rc: grammar of init", problems)
    config = image.toml((AOSP / "config/twined.toml").read_text())
    if sections:
        run.step("twined.rc: paths, user, socket",
                 image.check_rc(sections, users, modules, config, copied))
        for variant in ("user", "userdebug"):
            run.step(f"sepolicy, {variant} (checkpolicy, secilc, sefcontext_compile)",
                     compiled(variant, sections, config))
    for file in sorted((AOSP / "permissions").glob("*")):
        run.step(f"permissions/{file.name}", permissions.check_shape(file))
    run.step("permissions: Java, manifest, grants", permissions.check(AOSP))
    run.step("TEST_MAPPING", image.check_test_mapping((AOSP / "TEST_MAPPING").read_text(), modules))

    tests = unittest.TestSuite(
        unittest.TestLoader().discover(str(folder)) for folder in (CHECKS, ROOT / "tools/android"))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(tests)
    # A test that could not run has found nothing.
    bad = len(result.failures) + len(result.errors) + len(result.skipped)
    run.failed += bad
    run.passed += result.testsRun - bad
    print(f"{run.passed} passed, {run.failed} failed")
    return run.failed == 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
