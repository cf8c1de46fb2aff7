"""Checks built programs and libraries for the image: size, libraries needed,
alignment of segments."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "aosp/checks"))
import bp  # noqa: E402

AOSP = Path(__file__).resolve().parents[2] / "aosp"
# DESIGN: stripped, 64-bit.
BUDGET_KIB = {"twined": 3584, "twinectl": 1024, "libtwine_jni.so": 614}
PAGE_BYTES = 16384  # The largest that Android uses, on 64 bits.


def needed(readelf, file):
    out = subprocess.run([readelf, "-dW", file], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"NEEDED.*\[(.+?)\]", out))


def alignments(readelf, file):
    out = subprocess.run([readelf, "-lW", file], check=True, capture_output=True, text=True).stdout
    return [int(line.split()[-1], 16) for line in out.splitlines() if line.split()[:1] == ["LOAD"]]


def problems(file, arch, size, libraries, aligned, allowed):
    """What is wrong with one file; all facts are arguments."""
    if arch != "arm" and size > BUDGET_KIB[file] * 1024:
        yield f"{size // 1024} KiB, over the budget of {BUDGET_KIB[file]} KiB"
    for library in sorted(libraries - {name + ".so" for name in allowed}):
        yield f"needs {library}, which Android.bp does not name"
    if arch != "arm" and min(aligned) < PAGE_BYTES:
        yield f"segments are aligned to {min(aligned)}, not to {PAGE_BYTES}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readelf", default="readelf")
    parser.add_argument("--arch", required=True)
    parser.add_argument("files", nargs="+", type=Path)
    args = parser.parse_args()
    modules = {module.name: module.props for module in bp.read(AOSP)}
    failed = False
    for file in args.files:
        allowed = set(modules[file.name.removesuffix(".so")]["shared_libs"])
        size = file.stat().st_size
        wrong = list(problems(file.name, args.arch, size, needed(args.readelf, file),
                              alignments(args.readelf, file), allowed))
        failed |= bool(wrong)
        print(f"{file}: {size // 1024} KiB: {'; '.join(wrong) or 'ok'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
