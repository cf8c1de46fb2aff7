"""What the files of this folder say about each other: each path, user, module
and label has one truth, and here the others are held against it."""

import configparser
import json
import re
from pathlib import Path

import makefile
import policy

SYSTEM_EXT_AIDS = range(7500, 8000)  # android_filesystem_config.h


def check_config_fs(file):
    """The daemon's user, as AOSP's fs_config_generator wants it; returns
    (users, problems)."""
    parser = configparser.ConfigParser()
    parser.read(file)
    users, wrong = [], []
    for section in parser.sections():
        name = section.removeprefix("AID_").lower()
        if not re.fullmatch(r"AID_SYSTEM_EXT_[A-Z0-9_]+", section):
            wrong.append(f"config.fs: {section}: a user of system_ext is called AID_SYSTEM_EXT_…")
        elif int(parser[section].get("value", "0"), 0) not in SYSTEM_EXT_AIDS:
            wrong.append(f"config.fs: {section}: the value has to be 7500 to 7999")
        users.append(name)
    return users, wrong


def toml(text):
    """`table.key` to value of a flat TOML file; enough for ours, whose real
    parser is the daemon's."""
    found, table = {}, ""
    for line in text.splitlines():
        if head := re.fullmatch(r"\[(\w+)\]\s*", line):
            table = head[1] + "."
        elif pair := re.fullmatch(r'(\w+)\s*=\s*"([^"]*)"\s*', line):
            found[table + pair[1]] = pair[2]
    return found


def installed(modules):
    """Path on the phone to module, of programs and files in system_ext."""
    paths = {}
    for module in modules:
        props = module.props
        if not props.get("system_ext_specific"):
            continue
        if module.kind == "cc_prebuilt_binary":
            paths[f"/system_ext/bin/{module.name}"] = module
        elif module.kind == "prebuilt_etc":
            name = props.get("filename", module.name)
            paths[f"/system_ext/etc/{props['sub_dir']}/{name}"] = module
    return paths


def check_rc(sections, users, modules, config, copied):
    """The daemon's service against what is installed and configured."""
    wrong = []

    def expect(what, found, wanted):
        if found != wanted:
            wrong.append(f"twined.rc: {what} is {found}, and {wanted} elsewhere")

    paths = installed(modules)
    service = next(s for s in sections if s.kind == "service")
    program, *args = service.args[1:]
    if program not in paths:
        wrong.append(f"twined.rc: {program} is not installed")
    elif "twined.rc" not in paths[program].props.get("init_rc", []):
        wrong.append(f"Android.bp: {program} does not bring twined.rc")
    files = dict(zip(args[::2], args[1::2]))
    if files.get("--config") not in paths:
        wrong.append(f"twined.rc: {files.get('--config')} is not installed")
    if files.get("--overlay", "").removeprefix("/") not in copied:
        wrong.append(f"twined.rc: twine.mk does not install {files.get('--overlay')}")
    expect("user", service.one("user"), users[:1])
    expect("first group", service.one("group")[:1], users[:1])
    expect("the only capability", service.one("capabilities"), ["WAKE_ALARM"])
    expect("socket", "/dev/socket/" + service.one("socket")[0], config["socket"])
    folders = [words for s in sections if s.kind == "on" for words in s.all("mkdir")]
    expect("the folder that is made", folders, [[config["data_dir"], "0700", *users[:1] * 2]])
    return wrong


def check_policy(compiled, file_contexts, sections, config):
    """Labels and capabilities of the policy against the service."""
    wrong = policy.wrong_attributes(compiled, file_contexts)
    service = next(s for s in sections if s.kind == "service")
    name = service.args[0]
    for path, label in {
        service.args[1]: f"{name}_exec",
        config["data_dir"]: f"{name}_data_file",
        config["data_dir"] + "/twine.db": f"{name}_data_file",
        config["socket"]: f"{name}_socket",
    }.items():
        found = compiled.label(file_contexts, path)
        if found != label:
            wrong.append(f"file_contexts: {path} gets {found}, and {label} is expected")
    named = {word.lower() for word in service.one("capabilities")}
    granted = compiled.allowed(name, "self", "capability") | compiled.allowed(name, "self", "capability2")
    if granted != named:
        wrong.append(f"sepolicy grants {sorted(granted)}, twined.rc has {sorted(named)}")
    return wrong


def check_makefile(aosp, modules):
    """twine.mk in all its settings; returns (destinations of copied files,
    problems)."""
    wrong, copied = [], set()
    names = {module.name for module in modules}
    example = f"{aosp}/config/overlay.example.toml"
    needed = {"TWINE_AOSP": aosp, "TWINE_OVERLAY": example, "TWINE_ROOTS": example}
    switches = {
        f"{m.props['config_namespace']}.{variable}"
        for m in modules if m.kind == "soong_config_module_type"
        for variable in m.props.get("bool_variables", [])
    }
    for name in ("TWINE_OVERLAY", "TWINE_ROOTS"):
        try:
            makefile.evaluate(f"{aosp}/twine.mk", **{k: v for k, v in needed.items() if k != name})
            wrong.append(f"twine.mk: goes on without {name}")
        except makefile.MakeError as error:
            if f"set {name} to" not in str(error):
                wrong.append(f"twine.mk: without {name}: {error}")
    for choice in ("", "true"):
        try:
            found = makefile.evaluate(f"{aosp}/twine.mk", **needed,
                                      TWINE_BRIDGE_IN_PHONE_PROCESS=choice, TWINE_SAMPLE=choice)
        except makefile.MakeError as error:
            return copied, [*wrong, f"twine.mk: {error}"]
        wrong += [f"twine.mk: no module {n}" for n in found["PRODUCT_PACKAGES"] if n not in names]
        for pair in found["PRODUCT_COPY_FILES"]:
            source, destination = pair.split(":")
            copied.add(destination)
            if not Path(source).exists():
                wrong.append(f"twine.mk: no file {source}")
        for name in ("TARGET_FS_CONFIG_GEN", "SYSTEM_EXT_PUBLIC_SEPOLICY_DIRS", "SYSTEM_EXT_PRIVATE_SEPOLICY_DIRS"):
            if not found[name]:
                wrong.append(f"twine.mk: {name} is empty")
            wrong += [f"twine.mk: {name}: {p} does not exist" for p in found[name] if not Path(p).exists()]
        wanted = {f"{switch}={'true' if choice else 'false'}" for switch in switches}
        if set(found["SOONG_SET"]) != wanted:
            wrong.append(f"twine.mk sets {found['SOONG_SET']}, Android.bp reads {sorted(wanted)}")
    return copied, wrong


def check_test_mapping(text, modules):
    """TEST_MAPPING: groups that exist, tests that we have."""
    tests = {m.name for m in modules if "test" in m.kind}
    wrong = []
    for group, entries in json.loads(text).items():
        if group not in ("presubmit", "postsubmit", "presubmit-large"):
            wrong.append(f"TEST_MAPPING: no group {group}")
        wrong += [f"TEST_MAPPING: no test {e['name']}" for e in entries if e["name"] not in tests]
    return wrong


def check_prebuilts(modules, listed):
    """What Android.bp takes from prebuilts/ is what package-android makes."""
    named = set()
    for module in modules:
        named |= set(re.findall(r"prebuilts/[\w./-]+", json.dumps(module.props)))
    made = set(listed)
    return [f"Android.bp names {n}, tools/package-android does not make it" for n in sorted(named - made)] + \
        [f"tools/package-android makes {n}, Android.bp does not use it" for n in sorted(made - named)]
