"""What an administrator puts into a phone, by vendor. Pure.

Only variables and settings that the vendors' own guides name. Where a guide could not be had for a setting's name, the
text says where it is in the phone's web page instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from connectors.phone.settings import Vendor

MOST_CHARACTERS = 511
"Of an address, at Yealink's; others take no fewer."


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a configuration."""

    file_name: str
    text: str
    how: str
    "Where it goes, in a sentence."


def provision(vendor: Vendor, base: str, keys: Mapping[str, str]) -> Snippet:
    """``base``: the address with the phone's token in it. ``keys``: label -> what the key says (`lunch 45m`)."""
    return _WRITERS[vendor](base.rstrip("/"), keys)


def _yealink(base: str, keys: Mapping[str, str]) -> Snippet:
    about = "mac=$mac&remote=$remote&cid=$call_id"
    lines = [
        f"action_url.{name} = {base}/{event}?{about}" for name, event in _YEALINK.items() if "call" in name
    ]
    lines += [f"action_url.{name} = {base}/{event}" for name, event in _YEALINK.items() if "call" not in name]
    for number, (label, text) in enumerate(keys.items(), start=2):
        # 17: a key of the type URL, whose answer is shown.
        lines += [
            f"linekey.{number}.type = 17",
            f"linekey.{number}.value = {_key(base, text)}",
            f"linekey.{number}.label = {label}",
        ]
    return Snippet("lamplighter-yealink.cfg", _lines(lines), "Add it to the phone's <MAC>.cfg.")


_YEALINK = {
    "incoming_call": "incoming",
    "outgoing_call": "outgoing",
    "call_established": "established",
    "call_terminated": "terminated",
    "missed_call": "missed",
    "hold": "hold",
    "unhold": "unhold",
    "off_hook": "offhook",
    "on_hook": "onhook",
    "idle_to_busy": "busy",
    "busy_to_idle": "idle",
    "dnd_on": "dnd_on",
    "dnd_off": "dnd_off",
    "registered": "registered",
    "unregistered": "unregistered",
}


def _snom(base: str, keys: Mapping[str, str]) -> Snippet:
    about = "local=$local&remote=$remote&cid=$call-id&n=$nr_ongoing_calls"
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<settings>", "  <phone-settings>"]
    for name, event in _SNOM.items():
        address = f"{base}/{event}?{about}" if event in _WITH_CALL else f"{base}/{event}"
        lines.append(f'    <action_{name}_url perm="R">{escape(address)}</action_{name}_url>')
    lines.append("  </phone-settings>")
    if keys:
        lines.append("  <functionKeys>")
        lines += [
            f'    <fkey idx="{number}" context="active" label={quoteattr(label)} perm="R">'
            f"url {escape(_key(base, text))}</fkey>"
            for number, (label, text) in enumerate(keys.items())
        ]
        lines.append("  </functionKeys>")
    return Snippet(
        "lamplighter-snom.xml", _lines([*lines, "</settings>"]), "Name it in setting_server's file list."
    )


_SNOM = {
    "incoming": "incoming",
    "outgoing": "outgoing",
    "connected": "established",
    "disconnected": "terminated",
    "missed": "missed",
    "offhook": "offhook",
    "onhook": "onhook",
    "dnd_on": "dnd_on",
    "dnd_off": "dnd_off",
}
_WITH_CALL = frozenset({"incoming", "outgoing", "established", "terminated", "missed"})


def _mitel(base: str, keys: Mapping[str, str]) -> Snippet:
    lines = [
        f"action uri {name}: {base}/{event}" + ("?remote=$$REMOTENUMBER$$" if event in _WITH_CALL else "")
        for name, event in (
            ("incoming", "incoming"),
            ("outgoing", "outgoing"),
            ("connected", "established"),
            ("disconnected", "terminated"),
            ("offhook", "offhook"),
            ("onhook", "onhook"),
            ("registered", "registered"),
        )
    ]
    for number, (label, text) in enumerate(keys.items(), start=1):
        lines += [
            f"softkey{number} type: xml",
            f"softkey{number} label: {label}",
            f"softkey{number} value: {_key(base, text)}",
        ]
    return Snippet("lamplighter-mitel.cfg", _lines(lines), "Add it to <MAC>.cfg or aastra.cfg.")


def _poly(base: str, keys: Mapping[str, str]) -> Snippet:
    events = ("incoming", "outgoing", "offhook", "onhook", "callStateChange", "lineRegistration")
    switches = "\n".join(f'  apps.telNotification.{name}Event="1"' for name in events)
    text = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<PHONE_CONFIG><ALL\n'
        f"{switches}\n  apps.telNotification.URL={quoteattr(base)}\n/></PHONE_CONFIG>\n"
    )
    how = "Name it in CONFIG_FILES of the phone's <MAC>.cfg; the names are those of UC Software 5."
    return Snippet("lamplighter-poly.cfg", text, how)


def _grandstream(base: str, keys: Mapping[str, str]) -> Snippet:
    names = {
        "Incoming Call (P8310)": "incoming",
        "Outgoing Call (P8311)": "outgoing",
        "Off Hook (P8308)": "offhook",
        "On Hook (P8309)": "onhook",
        "Established Call": "established",
        "Terminated Call": "terminated",
        "Missed Call": "missed",
        "Hold": "hold",
        "UnHold": "unhold",
        "DND On": "dnd_on",
        "DND Off": "dnd_off",
        "Registered": "registered",
        "Unregistered": "unregistered",
    }
    # COMPAT(Grandstream GXP/GRP): addresses are entered without a scheme.
    address = base.partition("://")[2]
    text = _listed(address, names, "?mac=$mac&remote=$remote", keys)
    return Snippet("lamplighter-grandstream.txt", text, "Settings > Outbound Notification > Action URL.")


def _fanvil(base: str, keys: Mapping[str, str]) -> Snippet:
    names = {
        "Incoming Call": "incoming",
        "Outgoing Call": "outgoing",
        "Call Established": "established",
        "Call Terminated": "terminated",
        "Missed Call": "missed",
        "Call Hold": "hold",
        "Call Resume": "unhold",
        "Off Hook": "offhook",
        "On Hook": "onhook",
        "DND Enabled": "dnd_on",
        "DND Disabled": "dnd_off",
        "Idle To Busy": "busy",
        "Busy To Idle": "idle",
        "Registration Succeeded": "registered",
        "Registration Disabled": "unregistered",
    }
    text = _listed(base, names, "?mac=$mac&remote=$remote&cid=$call_id", keys)
    return Snippet("lamplighter-fanvil.txt", text, "Phone settings > Action.")


def _gigaset(base: str, keys: Mapping[str, str]) -> Snippet:
    names = {
        "System.Events.IncomingCall": "incoming",
        "System.Events.OutgoingCall": "outgoing",
        "System.Events.ConnectionEstablished": "established",
        "System.Events.ConnectionTerminated": "terminated",
        "System.Events.OffHook": "offhook",
        "System.Events.OnHook": "onhook",
        "System.Events.RegistrationSucceeded": "registered",
        "System.Events.RegistrationFailed": "unregistered",
    }
    return Snippet(
        "lamplighter-gigaset.txt", _listed(base, names, "", keys), "Provisioning file or web page, Events."
    )


def _listed(base: str, names: Mapping[str, str], about: str, keys: Mapping[str, str]) -> str:
    """To type or paste, one address a line."""
    width = max(map(len, names))
    lines = [
        f"{name:<{width}}  {base}/{event}{about if event in _WITH_CALL else ''}"
        for name, event in names.items()
    ]
    return _lines([*lines, *(f"{label}: {_key(base, text)}" for label, text in keys.items())])


def _key(base: str, text: str) -> str:
    return f"{base}/choose?text={quote(text)}"


def _lines(lines: list[str]) -> str:
    return "\n".join([*lines, ""])


_WRITERS = {
    Vendor.YEALINK: _yealink,
    Vendor.GRANDSTREAM: _grandstream,
    Vendor.SNOM: _snom,
    Vendor.FANVIL: _fanvil,
    Vendor.MITEL: _mitel,
    Vendor.GIGASET: _gigaset,
    Vendor.POLY: _poly,
}
