"""Collects the licence texts of every crate that is linked into the given
packages, for the image's NOTICE. A crate without one is an error."""

import json
import subprocess
import sys
from pathlib import Path

TARGET = "aarch64-linux-android"
NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")
HEAD = """Twine is licensed under the Apache License, Version 2.0 (see LICENSE). The
programs hold the following crates, each under the licences that it names.
"""


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def linked(data, roots):
    """Ids of all packages below the roots that are linked: no build scripts'
    and no tests' dependencies, no procedural macros."""
    packages = {p["id"]: p for p in data["packages"]}
    nodes = {n["id"]: n for n in data["resolve"]["nodes"]}

    def is_macro(package):
        return any("proc-macro" in target["kind"] for target in package["targets"])

    todo = [i for i, p in packages.items() if p["name"] in roots and p["source"] is None]
    found = set()
    while todo:
        package = todo.pop()
        if package in found or is_macro(packages[package]):
            continue
        found.add(package)
        todo += [
            dep["pkg"] for dep in nodes[package]["deps"]
            if any(kind["kind"] is None for kind in dep["dep_kinds"])
        ]
    return [packages[i] for i in found]


def texts(package):
    folder = Path(package["manifest_path"]).parent
    files = [f for f in sorted(folder.iterdir()) if f.is_file() and f.name.upper().startswith(NAMES)]
    return [f.read_text(errors="replace").strip() for f in files]


def notice(packages):
    """The text, each licence once with the crates that it is of."""
    by_text, without = {}, []
    for package in sorted(packages, key=lambda p: (p["name"], p["version"])):
        name = f"{package['name']} {package['version']} ({package['license']})"
        found = texts(package)
        if not found:
            without.append((name, package["license"]))
        for text in found:
            by_text.setdefault(text, []).append(name)
    # A crate that names its licence and brings no file: the text is that of
    # another crate with the same licence.
    for name, licence in without:
        same = [t for t, names in by_text.items() if any(n.endswith(f"({licence})") for n in names)]
        if not same:
            raise SystemExit(f"{name}: no licence file, and no other crate under {licence}")
        by_text[same[0]].append(name)
    parts = [HEAD]
    for text, names in by_text.items():
        parts.append("=" * 78 + "\n" + "\n".join(names) + "\n" + "-" * 78 + "\n" + text + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    everything = linked(metadata(), set(sys.argv[1:]))
    print(notice([package for package in everything if package["source"] is not None]))
