"""Reads Blueprint files (Android.bp) and checks what bpfmt does not.

bpfmt knows the grammar only. Here: every module type and property is one that
this project means to use, every reference leads to a module of ours or to a
listed one of the platform, and every file is there.
"""

import re
from pathlib import Path

# Property -> how its value is read: "ref" names modules, "file" files and
# globs beside the Android.bp, "plain" neither. Nested maps are walked through.
NESTED = {
    "arch", "arm", "arm64", "x86_64", "strip", "backend", "cpp", "java", "ndk",
    "rust", "soong_config_variables", "test_options", "conditions_default",
    "target", "android", "optimize", "lint", "proto",
}
COMMON = {
    "name": "plain", "licenses": "ref", "system_ext_specific": "plain",
    "required": "ref", "enabled": "plain",
}
JAVA = {
    "srcs": "file", "static_libs": "ref", "libs": "ref", "sdk_version": "plain",
    "min_sdk_version": "plain", "optimize": "nested", "shrink": "plain",
    "obfuscate": "plain", "proguard_flags_files": "file", "lint": "nested",
    "errorprone": "nested", "plugins": "ref", "proto": "nested", "type": "plain",
    "canonical_path_from_root": "plain",
}
APP = JAVA | {
    "manifest": "file", "additional_manifests": "file", "platform_apis": "plain",
    "certificate": "plain", "privileged": "plain", "jni_libs": "ref",
    "resource_dirs": "file", "aaptflags": "plain",
}
NATIVE = {
    "compile_multilib": "plain", "arch": "nested", "srcs": "file",
    "shared_libs": "ref", "strip": "nested", "none": "plain", "init_rc": "file",
}
TYPES = {
    "package": {"default_applicable_licenses": "ref"},
    "license": {
        "name": "plain", "package_name": "plain", "license_kinds": "ref",
        "license_text": "file",
    },
    "cc_prebuilt_binary": COMMON | NATIVE,
    "cc_prebuilt_library_shared": COMMON | NATIVE,
    "prebuilt_etc": COMMON | {"src": "file", "sub_dir": "plain", "filename": "plain"},
    "aidl_interface": COMMON | {
        "srcs": "file", "local_include_dir": "file", "backend": "nested",
        "sdk_version": "plain", "versions_with_info": "plain", "frozen": "plain",
        "stability": "plain", "unstable": "plain", "owner": "plain",
    },
    "soong_config_module_type": {
        "name": "plain", "module_type": "plain", "config_namespace": "plain",
        "bool_variables": "plain", "properties": "plain",
    },
    "android_app": COMMON | APP,
    "android_test": COMMON | APP | {"test_suites": "plain", "instrumentation_for": "ref"},
    "java_library": COMMON | JAVA,
    "java_test_host": COMMON | JAVA | {"test_options": "nested", "unit_test": "plain", "test_suites": "plain"},
    "filegroup": COMMON | {"srcs": "file", "path": "file"},
    "python_test_host": COMMON | {
        "main": "file", "srcs": "file", "test_options": "nested", "unit_test": "plain",
    },
}
# Made by tools/package-android, so not in the repository.
MADE = "prebuilts/"


class BpError(Exception):
    """What is wrong, with file and line."""


class Module:
    def __init__(self, kind, props, file, line):
        self.kind, self.props, self.file, self.line = kind, props, file, line
        self.name = props.get("name")

    @property
    def at(self):
        return f"{self.file}:{self.line}"


TOKEN = re.compile(
    r'(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<text>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>-?\d+)|(?P<mark>\+=|[{}\[\]():,=+])",
    re.S,
)


class Parser:
    """Recursive descent; `modules` holds what it found."""

    def __init__(self, text, file="Android.bp"):
        self.text, self.file, self.at = text, file, 0
        self.variables, self.modules = {}, []

    def line(self):
        return self.text.count("\n", 0, self.at) + 1

    def wrong(self, what):
        return BpError(f"{self.file}:{self.line()}: {what}")

    def skip(self):
        while (m := TOKEN.match(self.text, self.at)) and m["space"]:
            self.at = m.end()

    def peek(self):
        self.skip()
        if self.at == len(self.text):
            return None
        m = TOKEN.match(self.text, self.at)
        if not m:
            raise self.wrong(f"cannot read {self.text[self.at:self.at + 20]!r}")
        return m[0]

    def take(self, wanted=None):
        token = self.peek()
        if token is None or (wanted and token != wanted):
            raise self.wrong(f"found {token!r}, expected {wanted or 'more'}")
        self.at += len(token)
        return token

    def parse(self):
        while self.peek() is not None:
            line, word = self.line(), self.take()
            if not re.fullmatch(r"[A-Za-z_]\w*", word):
                raise self.wrong(f"found {word!r}, expected a module or a variable")
            if self.peek() == "{":
                self.modules.append(Module(word, self.map(), self.file, line))
            elif self.take() in ("=", "+="):
                value = self.value()
                self.variables[word] = (
                    self.variables[word] + value if word in self.variables else value
                )
            else:
                raise self.wrong(f"{word}: neither a module nor a variable")
        return self.modules

    def map(self):
        self.take("{")
        found = {}
        while self.peek() != "}":
            key = self.take()
            self.take(":")
            if key in found:
                raise self.wrong(f"{key} is set twice")
            found[key] = self.value()
            if self.peek() == ",":
                self.take()
        self.take("}")
        return found

    def value(self):
        value = self.operand()
        while self.peek() == "+":
            self.take()
            value = value + self.operand()
        return value

    def operand(self):
        token = self.peek()
        if token == "{":
            return self.map()
        if token == "[":
            self.take()
            items = []
            while self.peek() != "]":
                items.append(self.value())
                if self.peek() == ",":
                    self.take()
            self.take("]")
            return items
        token = self.take()
        if token.startswith('"'):
            return token[1:-1]
        if token in ("true", "false"):
            return token == "true"
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        if token in self.variables:
            return self.variables[token]
        raise self.wrong(f"{token}: no such variable")


def files(root, folders):
    """All Android.bp files below these folders of root."""
    return [file for folder in folders for file in sorted(Path(root, folder).rglob("Android.bp"))]


def read(root, folders=(".",)):
    """All modules of all Android.bp files below these folders of root."""
    modules = []
    for file in files(root, folders):
        modules += Parser(file.read_text(), str(file.relative_to(root))).parse()
    return modules


def platform_modules(file):
    """The list of the platform's modules, without its comments."""
    lines = (line.split("#")[0].strip() for line in Path(file).read_text().splitlines())
    return {line for line in lines if line}


def generated(module):
    """Modules that Soong makes from this one."""
    if module.kind != "aidl_interface":
        return set()
    frozen = [int(v["version"]) for v in module.props.get("versions_with_info", [])]
    versions = {*frozen, max(frozen, default=0) + 1}
    return {f"{module.name}-V{version}-java" for version in versions}


def leaves(props, path=()):
    """(property name, value) of all that is no map."""
    for key, value in props.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield path, key, value


def check(modules, platform, root):
    """Everything that is wrong, one line each."""
    wrong = []
    ours = {}
    for module in modules:
        if module.name in ours:
            wrong.append(f"{module.at}: {module.name} is there twice, see {ours[module.name].at}")
        if module.name:
            ours[module.name] = module
    known = set(ours) | platform
    for module in modules:
        known |= generated(module)
    types = dict(TYPES)
    for module in modules:
        if module.kind == "soong_config_module_type":
            types[module.name] = TYPES.get(module.props.get("module_type"), {})
    for module in modules:
        if module.kind not in types:
            wrong.append(f"{module.at}: unknown module type {module.kind}")
            continue
        where = Path(root, module.file).parent
        for path, key, value in leaves(module.props):
            of_config = "soong_config_variables" in path
            for step in path:
                if step not in NESTED and not of_config:
                    wrong.append(f"{module.at}: {module.kind} has no property {step}")
            how = types[module.kind].get(key)
            if how is None and not (set(path) & {"backend", "lint", "optimize"} and key == "enabled"):
                wrong.append(f"{module.at}: {module.kind} has no property {key}")
            values = value if isinstance(value, list) else [value]
            for item in values:
                reference = how == "ref" or (isinstance(item, str) and item.startswith(":"))
                if reference and item.lstrip(":") not in known:
                    wrong.append(f"{module.at}: {module.name}.{key}: no module {item}")
                elif how == "file" and not reference and not item.startswith(MADE):
                    found = any(where.glob(item)) if "*" in item else (where / item).exists()
                    if not found:
                        wrong.append(f"{module.at}: {module.name}.{key}: no file {item}")
    return wrong


ANNOTATIONS = "framework-annotations-lib"


def check_annotations(modules, root):
    """Java against an SDK that imports android.annotation, which no SDK has."""
    wrong = []
    for module in modules:
        if "sdk_version" not in module.props or ANNOTATIONS in module.props.get("libs", []):
            continue
        where = Path(root, module.file).parent
        for pattern in module.props.get("srcs", []):
            for file in sorted(where.glob(pattern)) if pattern.endswith(".java") else ():
                if re.search(r"^import (static )?android\.annotation\.", file.read_text(), re.M):
                    wrong.append(f"{module.at}: {module.name}.libs: {file.name} needs {ANNOTATIONS}")
                    break
    return wrong
