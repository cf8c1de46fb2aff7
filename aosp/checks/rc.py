"""Reads init's .rc files by init's own rules, more strictly: init logs a line
that it cannot use and goes on without it, here it is an error.

The keywords and the numbers of their arguments are those of Android 14 to 16
(system/core/init: service_parser.cpp, builtins.cpp, README.md).
"""

import re

MANY = 1000  # No upper bound.
# Option of a service -> least and most arguments.
OPTIONS = {
    "capabilities": (0, MANY), "class": (1, MANY), "console": (0, 1),
    "critical": (0, 2), "disabled": (0, 0), "enter_namespace": (2, 2),
    "file": (2, 2), "gentle_kill": (0, 0), "group": (1, 33), "interface": (2, 2),
    "ioprio": (2, 2), "keycodes": (1, MANY), "memcg.limit_in_bytes": (1, 1),
    "memcg.limit_percent": (1, 1), "memcg.limit_property": (1, 1),
    "memcg.soft_limit_in_bytes": (1, 1), "memcg.swappiness": (1, 1),
    "namespace": (1, 2), "oneshot": (0, 0), "onrestart": (1, MANY),
    "oom_score_adjust": (1, 1), "override": (0, 0), "priority": (1, 1),
    "reboot_on_failure": (1, 1), "restart_period": (1, 1), "rlimit": (3, 3),
    "seclabel": (1, 1), "setenv": (2, 2), "shutdown": (1, 1), "sigstop": (0, 0),
    "socket": (3, 6), "stdio_to_kmsg": (0, 0), "task_profiles": (1, MANY),
    "timeout_period": (1, 1), "updatable": (0, 0), "user": (1, 1),
    "writepid": (1, MANY),
}
# Those that make no sense twice; init would take the last.
ONCE = {
    "class", "group", "capabilities", "ioprio", "oom_score_adjust", "priority",
    "restart_period", "seclabel", "shutdown", "task_profiles", "timeout_period", "user",
}
# Command of an action -> least and most arguments. Those that a daemon's file
# has any use for.
COMMANDS = {
    "chmod": (2, 2), "chown": (2, 3), "class_restart": (1, 2), "class_start": (1, 1),
    "class_stop": (1, 1), "copy": (2, 2), "copy_per_line": (2, 2), "enable": (1, 1),
    "exec": (1, MANY), "exec_background": (1, MANY), "exec_start": (1, 1),
    "export": (2, 2), "hostname": (1, 1), "ifup": (1, 1), "interface_restart": (1, 1),
    "interface_start": (1, 1), "interface_stop": (1, 1), "loglevel": (1, 1),
    "mkdir": (1, 6), "mount": (3, MANY), "restart": (1, 2), "restorecon": (1, MANY),
    "restorecon_recursive": (1, MANY), "rm": (1, 1), "rmdir": (1, 1),
    "setprop": (2, 2), "setrlimit": (3, 3), "start": (1, 1), "stop": (1, 1),
    "symlink": (2, 2), "sysclktz": (1, 1), "trigger": (1, 1), "umount": (1, 1),
    "wait": (1, 2), "wait_for_prop": (2, 2), "write": (2, 2),
}
EVENTS = {
    "early-init", "init", "late-init", "early-fs", "fs", "post-fs", "late-fs",
    "post-fs-data", "zygote-start", "early-boot", "boot", "nonencrypted", "charger",
    "shutdown", "load-bpf-programs",
}
CLASSES = {"core", "main", "late_start", "hal", "early_hal", "charger", "animation"}
CAPABILITIES = set(
    """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
    LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK
    IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
    AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND
    AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
)
RLIMITS = set(
    """cpu fsize data stack core rss nproc nofile memlock as locks sigpending
    msgqueue nice rtprio rttime""".split()
)
# Of libprocessgroup's task_profiles.json; an unknown one is only logged on the
# phone, and the daemon runs where it was not meant to.
PROFILES = set(
    """HighEnergySaving NormalPerformance HighPerformance MaxPerformance
    ServicePerformance ServiceCapacityLow ServiceCapacityRestricted
    ProcessCapacityLow ProcessCapacityNormal ProcessCapacityHigh LowIoPriority
    NormalIoPriority HighIoPriority TimerSlackHigh TimerSlackNormal""".split()
)
# Users and groups of the platform that a daemon may want
# (android_filesystem_config.h).
USERS = set(
    """root system radio log shell net_bt net_bt_admin inet net_raw net_admin
    readproc wakelock misc nobody cache""".split()
)


class RcError(Exception):
    """What is wrong, with file and line."""


class Section:
    def __init__(self, kind, args, line):
        self.kind, self.args, self.line, self.lines = kind, args, line, []

    def all(self, keyword):
        """The arguments of each line with this keyword."""
        return [words[1:] for _, words in self.lines if words[0] == keyword]

    def one(self, keyword):
        found = self.all(keyword)
        return found[0] if found else None


def tokens(text):
    """(line number, words) of each logical line."""
    words, word, line, first, quoted = [], None, 1, 1, False
    at = 0
    while at < len(text):
        c = text[at]
        at += 1
        if c == "\n" and not quoted:
            if word is not None:
                words.append(word)
            if words:
                yield first, words
            words, word, line = [], None, line + 1
        elif c == "\\" and at < len(text):
            escaped = text[at]
            at += 1
            if escaped == "\n":
                line += 1
            else:
                word = (word or "") + {"n": "\n", "t": "\t", "r": "\r"}.get(escaped, escaped)
        elif c == '"':
            quoted, word = not quoted, word or ""
        elif c in " \t\r" and not quoted:
            if word is not None:
                words.append(word)
            word = None
        elif c == "#" and not quoted and word is None:
            while at < len(text) and text[at] != "\n":
                at += 1
        else:
            if not words and word is None:
                first = line
            if c == "\n":
                line += 1
            word = (word or "") + c
    if quoted:
        raise RcError(f"{line}: a quote is not closed")
    if word is not None:
        words.append(word)
    if words:
        yield first, words


def parse(text, file="x.rc", users=()):
    """The sections, or RcError with all that is wrong, one line each."""
    sections, wrong = [], []
    known = USERS | set(users)
    for line, words in tokens(text if text.endswith("\n") else text + "\n"):
        def bad(what):
            wrong.append(f"{file}:{line}: {what}")
        if words[0] in ("service", "on", "import"):
            sections.append(Section(words[0], words[1:], line))
            for what in head(sections[-1], sections[:-1]):
                bad(what)
        elif not sections:
            bad(f"{words[0]}: before the first section, init ignores it")
        else:
            section = sections[-1]
            table = {"service": OPTIONS, "on": COMMANDS}.get(section.kind, {})
            kind = {"service": "option", "on": "command"}.get(section.kind, "line")
            if section.kind == "service" and words[0] in ONCE and section.all(words[0]):
                bad(f"{words[0]}: is there twice")
            section.lines.append((line, words))
            if words[0] not in table:
                bad(f"{words[0]}: no such {kind}")
                continue
            least, most = table[words[0]]
            if not least <= len(words) - 1 <= most:
                bad(f"{words[0]}: {len(words) - 1} arguments, {least} to {most} are allowed")
                continue
            for what in values(section.kind, words, known):
                bad(what)
    for section in sections:
        if section.kind == "service" and not section.all("user"):
            wrong.append(f"{file}:{section.line}: {section.args[0]} has no user, so it would be root")
        if section.kind == "on" and not section.lines:
            wrong.append(f"{file}:{section.line}: an action without commands")
    if wrong:
        raise RcError("\n".join(wrong))
    return sections


def head(section, before):
    args = section.args
    if section.kind == "service":
        if len(args) < 2:
            yield "a service has a name and a program"
        elif not re.fullmatch(r"[A-Za-z0-9_@:.-]{1,80}", args[0]):
            yield f"{args[0]}: not a name for a service"
        elif not args[1].startswith("/"):
            yield f"{args[1]}: a program needs its whole path"
        elif any(s.kind == "service" and s.args[0] == args[0] for s in before):
            yield f"{args[0]}: is there twice, init ignores the second"
    elif section.kind == "on":
        triggers = " ".join(args).split(" && ")
        for trigger in triggers:
            if not trigger.startswith("property:") and trigger not in EVENTS:
                yield f"{trigger}: init has no such event"
            elif trigger.startswith("property:") and "=" not in trigger:
                yield f"{trigger}: a property trigger has a value"
        if sum(not t.startswith("property:") for t in triggers) > 1:
            yield "one event in a trigger, the rest has to be properties"
    elif len(args) != 1:
        yield "import takes one path"


def number(text, least, most):
    return re.fullmatch(r"-?\d+", text) and least <= int(text) <= most


def values(kind, words, users):
    """What is wrong with the arguments of one option or command."""
    word, args = words[0], words[1:]
    if kind == "service":
        if word in ("user", "group"):
            yield from (f"{word}: no user {arg}" for arg in args if arg not in users)
        elif word == "capabilities":
            yield from (f"no capability {arg}" for arg in args if arg not in CAPABILITIES)
        elif word == "class":
            yield from (f"no class {arg}" for arg in args if arg not in CLASSES)
        elif word == "task_profiles":
            yield from (f"no task profile {arg}" for arg in args if arg not in PROFILES)
        elif word == "oom_score_adjust" and not number(args[0], -1000, 1000):
            yield "oom_score_adjust is -1000 to 1000"
        elif word == "priority" and not number(args[0], -20, 19):
            yield "priority is -20 to 19"
        elif word == "restart_period" and not number(args[0], 5, 10**9):
            yield "restart_period is a number of seconds, at least 5"
        elif word == "ioprio" and not (args[0] in ("rt", "be", "idle") and number(args[1], 0, 7)):
            yield "ioprio is rt, be or idle, and 0 to 7"
        elif word == "shutdown" and args[0] != "critical":
            yield "shutdown takes critical"
        elif word == "rlimit":
            if args[0].lower().removeprefix("rlim_").removeprefix("rlimit_") not in RLIMITS:
                yield f"no resource {args[0]}"
            for limit in args[1:]:
                if limit != "unlimited" and not number(limit, -1, 2**63):
                    yield f"{limit}: a limit is a number or unlimited"
        elif word == "socket":
            yield from socket(args, users)
    elif word == "mkdir":
        if not args[0].startswith("/"):
            yield f"{args[0]}: a whole path is needed"
        if len(args) > 1 and not re.fullmatch(r"[01]?[0-7]{3}", args[1]):
            yield f"{args[1]}: a mode is three or four octal digits"
        yield from (f"no user {arg}" for arg in args[2:4] if arg not in users)
        for option in args[4:]:
            if not re.fullmatch(r"encryption=(None|Require|Attempt|DeleteIfNecessary)|key=\S+", option):
                yield f"{option}: mkdir has no such option"


def socket(args, users):
    kind, *flags = args[1].split("+")
    if kind not in ("stream", "dgram", "seqpacket") or set(flags) - {"passcred", "listen"}:
        yield f"{args[1]}: not a type of socket"
    if not re.fullmatch(r"0?[0-7]{3}", args[2]):
        yield f"{args[2]}: a mode is three or four octal digits"
    yield from (f"no user {arg}" for arg in args[3:5] if arg not in users)
