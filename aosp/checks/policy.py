"""Compiles the SELinux policy with the tools that the platform uses, on a small
base (base/) of the AOSP types, rules and neverallows that it meets.

A rule that breaks a neverallow, of AOSP's or of ours, is an error of the
compilers, and so is a type or a permission that does not exist.
"""

import re
import subprocess
import tempfile
from pathlib import Path

BASE = Path(__file__).parent / "base"
TOOLS = ("m4", "checkpolicy", "secilc", "sefcontext_compile", "selabel_lookup")
POLICY_VERSION = "30"  # What AOSP compiles for.
# What treble's own tests demand of types, by the place of the file.
ATTRIBUTES = {
    "/(system_ext|system/system_ext)/bin/": {"exec_type", "system_file_type", "file_type"},
    "/data/": {"file_type", "data_file_type", "core_data_file_type"},
    "/dev/socket/": {"file_type", "coredomain_socket"},
}


class PolicyError(Exception):
    """What a compiler said."""


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise PolicyError((done.stderr or done.stdout).strip())
    return done.stdout


def sources(sepolicy):
    """The policy's files in the order of the platform's build."""
    base = sorted(BASE.glob("*"))
    public, private = (sorted(Path(sepolicy, d).glob("*.te")) for d in ("public", "private"))
    return [*base[:-1], *public, *private, base[-1]]


class Compiled:
    """One variant of the image: its policy as CIL, checked by both compilers.

    To be used with `with`; `more` is appended to the policy."""

    def __init__(self, sepolicy, variant, more=""):
        self.folder = tempfile.TemporaryDirectory()
        try:
            self.compile(sepolicy, variant, more)
        except PolicyError:
            self.folder.cleanup()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def compile(self, sepolicy, variant, more):
        conf, self.binary, cil = (Path(self.folder.name, n) for n in ("conf", "binary", "cil"))
        extra = Path(self.folder.name, "more.te")
        extra.write_text(more)
        files = sources(sepolicy)
        files.insert(-1, extra)
        conf.write_text(run("m4", "-s", "-D", f"target_build_variant={variant}", *map(str, files)))
        options = ("-M", "-c", POLICY_VERSION)
        run("checkpolicy", *options, "-o", str(self.binary), str(conf))
        run("checkpolicy", *options, "-C", "-o", str(cil), str(conf))
        run("secilc", "-M", "true", "-c", POLICY_VERSION, "-f", "/dev/null",
            "-o", str(Path(self.folder.name, "binary2")), str(cil))
        self.cil = cil.read_text()

    def attributes_of(self, name):
        """The attributes of a type."""
        sets = re.findall(r"\(typeattributeset (\w+) \(([^()]*)\)\)", self.cil)
        return {attribute for attribute, types in sets if name in types.split()}

    def allowed(self, source, target, kind):
        """The permissions that are granted between the two types by name."""
        rules = re.findall(
            rf"\(allow {source} {target} \({kind} \(([^()]*)\)\)\)", self.cil)
        return {permission for rule in rules for permission in rule.split()}

    def label(self, file_contexts, path):
        """The type that a path gets, or None."""
        compiled = Path(self.folder.name, "contexts")
        run("sefcontext_compile", "-o", str(compiled), "-p", str(self.binary), str(file_contexts))
        try:
            found = run("selabel_lookup", "-b", "file", "-f", str(compiled), "-k", path)
        except PolicyError:
            return None
        return found.strip().split(":")[-2]


def wrong_attributes(compiled, file_contexts):
    """Labels whose type has not the attributes of its place."""
    wrong = []
    for line in Path(file_contexts).read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        path, name = words[0], words[-1].split(":")[2]
        places = [place for place in ATTRIBUTES if path.startswith(place)]
        if not places:
            wrong.append(f"file_contexts: {path}: not a place for a file of ours")
        for place in places:
            for missing in sorted(ATTRIBUTES[place] - compiled.attributes_of(name)):
                wrong.append(f"file_contexts: {path}: {name} is no {missing}")
    return wrong
