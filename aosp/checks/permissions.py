"""Permissions: what Java uses, what the manifests request, what the image
grants. The three must agree: one too few fails on the phone (a missing
privileged one keeps it from booting), one too many is a hole.
"""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

ANDROID = "{http://schemas.android.com/apk/res/android}"
PREFIX = "android.permission."
OURS = "org.twine.permission.USE_TWINE"


class Kind:
    def __init__(self, protection, used_by):
        self.protection, self.used_by = protection, re.compile(used_by)


def table(text):
    """permissions.txt: name to kind."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, protection, used_by = line.split(None, 2)
            found[PREFIX + name] = Kind(protection, used_by.strip())
    return found


def without_comments(java):
    """Java without comments; what only a comment names is not used."""
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", java, flags=re.S)


def requested(manifest):
    """What a manifest asks for."""
    return {
        element.get(ANDROID + "name")
        for tag in ("uses-permission", "uses-permission-sdk-23")
        for element in manifest.iter(tag)
    }


def granted(file, package, tag):
    """What an XML file of the image gives to a package."""
    root = ET.parse(file).getroot()
    return [
        permission.get("name")
        for element in root.iter(tag)
        if element.get("package") == package
        for permission in element.iter("permission")
    ]


def compare(what, have, want):
    """Both sides' surplus, one line each."""
    for name in sorted(want - have):
        yield f"{what}: {name} is missing"
    for name in sorted(have - want):
        yield f"{what}: {name} is too much"


def check_bridge(manifest, java, kinds, privileged, runtime):
    """One app: its parsed manifest, its Java and manifest as one text, and the
    two sets that the image grants."""
    wants = {name for name in requested(manifest) if name.startswith(PREFIX)}
    wrong = [f"{name}: not in checks/permissions.txt" for name in sorted(wants - set(kinds))]
    known = wants & set(kinds)
    used = {name for name, kind in kinds.items() if kind.used_by.search(java)}
    wrong += compare("requested by the manifest, against use in Java", known, used)
    wrong += compare("privapp-permissions, against the manifest", privileged,
                     {n for n in known if "privileged" in kinds[n].protection})
    wrong += compare("default-permissions, against the manifest", runtime,
                     {n for n in known if kinds[n].protection == "dangerous"})
    return wrong


def check_protection(manifest):
    """The bridge declares the one permission for its clients, for the
    platform's signature, and every way in from outside demands it or one of
    the system's."""
    wrong = []
    declared = [p for p in manifest.iter("permission") if p.get(ANDROID + "name") == OURS]
    if [p.get(ANDROID + "protectionLevel") for p in declared] != ["signature"]:
        wrong.append(f"the bridge's manifest declares {OURS} once, with protectionLevel signature")
    for tag in ("service", "receiver", "provider", "activity"):
        for part in manifest.iter(tag):
            if part.get(ANDROID + "exported") == "true" and not part.get(ANDROID + "permission"):
                # A receiver of protected broadcasts hears only the system.
                actions = {a.get(ANDROID + "name") for a in part.iter("action")}
                if tag != "receiver" or not actions <= PROTECTED:
                    wrong.append(f"{tag} {part.get(ANDROID + 'name')} is exported without a permission")
    return wrong


# What the framework demands of a default SMS app (SmsApplication.java), each with
# the permission that keeps others out: kind of component, action, permission.
SMS_ROLE = (
    ("receiver", "android.provider.Telephony.SMS_DELIVER", PREFIX + "BROADCAST_SMS"),
    ("receiver", "android.provider.Telephony.WAP_PUSH_DELIVER", PREFIX + "BROADCAST_WAP_PUSH"),
    ("service", "android.intent.action.RESPOND_VIA_MESSAGE", PREFIX + "SEND_RESPOND_VIA_MESSAGE"),
    ("activity", "android.intent.action.SENDTO", None),
)


def check_sms_role(manifest):
    """A messaging app can be made the default one: others are refused by the bridge."""
    return [
        f"no {tag} for {action}{' that demands ' + permission if permission else ''}: no default SMS app"
        for tag, action, permission in SMS_ROLE
        if not any(part.get(ANDROID + "permission") == permission
                   for part in manifest.iter(tag)
                   for found in part.iter("action") if found.get(ANDROID + "name") == action)
    ]


def check_start(manifest):
    """The bridge runs from the boot on, before the first unlock, also where its
    process is started for another package."""
    wrong = []
    application = manifest.find("application")
    if application.get(ANDROID + "directBootAware") != "true":
        wrong.append("the bridge's application is not directBootAware")
    actions = {action.get(ANDROID + "name")
               for receiver in application.iter("receiver")
               if receiver.get(ANDROID + "directBootAware") != "false"
               for action in receiver.iter("action")}
    if LOCKED_BOOT not in actions:
        wrong.append(f"no receiver of {LOCKED_BOOT} starts the bridge")
    return wrong


LOCKED_BOOT = "android.intent.action.LOCKED_BOOT_COMPLETED"
PROTECTED = {
    "android.intent.action." + name for name in ("BOOT_COMPLETED", "LOCKED_BOOT_COMPLETED", "MY_PACKAGE_REPLACED")
} | {"android.telephony.action." + name for name in ("SIM_CARD_STATE_CHANGED",)}


def check(aosp):
    """Everything in this folder."""
    aosp = Path(aosp)
    bridge = aosp / "java/TwineBridge"
    kinds = table(Path(__file__).with_name("permissions.txt").read_text())
    manifest_file = bridge / "AndroidManifest.xml"
    manifest = ET.parse(manifest_file).getroot()
    package = manifest.get("package")
    java = "\n".join(without_comments(f.read_text()) for f in sorted(bridge.rglob("*.java"))
                     if "/test" not in str(f.relative_to(bridge)))
    xml = {}
    wrong = []
    for kind, tag in (("privapp", "privapp-permissions"), ("default", "exception")):
        file = aosp / f"permissions/{kind}-permissions-{package}.xml"
        names = granted(file, package, tag) if file.exists() else []
        if len(set(names)) != len(names):
            wrong.append(f"{file.name}: a permission is there twice")
        xml[kind] = set(names)
    filters = " ".join(a.get(ANDROID + "name", "") for a in manifest.iter("action"))
    wrong += check_bridge(manifest, java + "\n" + filters, kinds, xml["privapp"], xml["default"])
    wrong += check_protection(manifest)
    wrong += check_start(manifest)
    overlay = ET.parse(bridge / "in-phone-process/AndroidManifest.xml").getroot()
    if overlay.get("package") != package or requested(overlay):
        wrong.append(f"in-phone-process: is to move {package}, and nothing else")
    for sample in sorted((aosp / "sample").rglob("AndroidManifest.xml")):
        root = ET.parse(sample).getroot()
        where = sample.relative_to(aosp)
        if OURS not in requested(root):
            wrong.append(f"{where}: does not request {OURS}")
        wrong += [f"{where}: {what}" for what in check_sms_role(root)]
    return wrong


# Root element and, below it, what may stand there, of each kind of file.
SHAPES = {
    "privapp-permissions": ("permissions", {"privapp-permissions": {"permission", "deny-permission"}}),
    "default-permissions": ("exceptions", {"exception": {"permission"}}),
    "sysconfig": ("config", {"allow-in-power-save": set()}),
}


def check_shape(file):
    """A file of permissions/: well-formed, and of its kind's structure."""
    file = Path(file)
    kind = next((k for k in SHAPES if file.name.startswith(k + "-")), None)
    if kind is None:
        return [f"{file.name}: not a kind that the platform reads"]
    try:
        root = ET.parse(file).getroot()
    except ET.ParseError as error:
        return [f"{file.name}: {error}"]
    top, shape = SHAPES[kind]
    wrong = [] if root.tag == top else [f"{file.name}: the root is <{root.tag}>, not <{top}>"]
    package = file.stem.removeprefix(kind + "-")
    for element in root:
        if element.tag not in shape:
            wrong.append(f"{file.name}: <{element.tag}> has no place in <{root.tag}>")
            continue
        if element.get("package") != package:
            wrong.append(f"{file.name}: is about {element.get('package')}, and named for {package}")
        for inner in element:
            if inner.tag not in shape[element.tag]:
                wrong.append(f"{file.name}: <{inner.tag}> has no place in <{element.tag}>")
            elif not inner.get("name"):
                wrong.append(f"{file.name}: a <{inner.tag}> without a name")
    return wrong
