"""Merges keys of ours into a daemon.json and leaves everything else as it is, to the byte.

    python -m components.daemon_json merge WISHES.json [--engine VERSION] < daemon.json
    python -m components.daemon_json check WISHES.json < merged.json

`merge` prints the merged file (exit 0), or says in one sentence on standard error what is wrong where and
what would be right (exit 2, nothing on standard output). `check` names a contradiction between our keys and
the others with which dockerd would validate the file and then not start (exit 2).

How a wish is merged: an object key by key, at every depth; `exec-opts`, `storage-opts` and `labels` entry by
entry, by the name before `=`; any other value as a whole; null takes the key away. A value that already is
what we wish is not touched, so a second merge changes nothing. Nothing that is not ours is ever removed.

This file stands alone: it is also sent to the host and run there, with Python 3.8 or newer.
"""

from __future__ import annotations

import argparse
import codecs
import difflib
import ipaddress
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

ENGINE = "26.1"  # the release whose keys and types the tables below are

# ---------------------------------------------------------------- what dockerd knows
# Read from daemon/config and cmd/dockerd of 26.1.5. A key passes where it is the name of a flag or of a named
# option; its value must fit the field of that JSON name. Names inside a struct are matched in any case.

_KEYS_BY_TYPE = """
bool: cri-containerd debug experimental icc init ip-forward ip-masq ip6tables iptables ipv6 live-restore
bool: no-new-privileges raw-logs rootless selinux-enabled tls tlsverify userland-proxy
string: api-cors-header bip bridge cgroup-parent containerd containerd-namespace data-root default-cgroupns-mode
string: default-ipc-mode default-runtime exec-root fixed-cidr fixed-cidr-v6 group init-path
string: log-driver log-format log-level metrics-addr pidfile seccomp-profile storage-driver
string: swarm-default-advertise-addr tlscacert tlscert tlskey userland-proxy-path userns-remap
int64: cpu-rt-period cpu-rt-runtime max-concurrent-downloads max-concurrent-uploads max-download-attempts mtu
int64: network-control-plane-mtu network-diagnostic-port shutdown-timeout
list of string: allow-nondistributable-artifacts authorization-plugins cdi-spec-dirs dns-opts dns-search exec-opts
list of string: hosts insecure-registries labels node-generic-resources registry-mirrors storage-opts
ip: default-gateway default-gateway-v6 host-gateway-ip ip
list of ip: dns
size: default-shm-size
map of string: log-opts
map of bool: features
map of map of string: default-network-opts
list of pool: default-address-pools
map of ulimit: default-ulimits
map of runtime: runtimes
builder: builder
proxies: proxies
"""
KEYS = {
    name: spec for spec, names in re.findall(r"^(.+?): (.+)$", _KEYS_BY_TYPE, re.MULTILINE) for name in names.split()
}
STRUCTS: dict[str, dict[str, str]] = {
    "pool": {"base": "string", "size": "int64"},
    "ulimit": {"name": "string", "hard": "int64", "soft": "int64"},
    "runtime": {
        "path": "string",
        "runtimeargs": "list of string",
        "runtimetype": "string",
        "options": "map of any",
    },
    "builder": {"gc": "gc", "entitlements": "entitlements", "history": "history"},
    "gc": {"enabled": "bool", "policy": "list of gc rule", "defaultkeepstorage": "string"},
    "gc rule": {"all": "bool", "filter": "filter", "keepstorage": "string"},
    "entitlements": {"network-host": "bool", "security-insecure": "bool"},
    "history": {"maxage": "duration", "maxentries": "int64"},
    "proxies": {"http-proxy": "string", "https-proxy": "string", "no-proxy": "string"},
}
# Names that are flags only: dockerd lets them pass in the file and pays no attention. -> the key of the file.
FLAGS: dict[str, str] = {
    "add-runtime": "runtimes",
    "authorization-plugin": "authorization-plugins",
    "cdi-spec-dir": "cdi-spec-dirs",
    "containerd-plugins-namespace": "",
    "default-address-pool": "default-address-pools",
    "default-network-opt": "default-network-opts",
    "default-ulimit": "default-ulimits",
    "deprecated-key-path": "",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "help": "",
    "host": "hosts",
    "http-proxy": "proxies",
    "https-proxy": "proxies",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "node-generic-resource": "node-generic-resources",
    "no-proxy": "proxies",
    "registry-mirror": "registry-mirrors",
    "restart": "",
    "storage-opt": "storage-opts",
    "version": "",
}
# Keys whose objects dockerd takes as they are; of every other object it takes the inner names for keys.
FLAT = {"default-network-opts", "log-opts", "runtimes", "default-ulimits", "features", "builder", "cluster-store-opts"}
GONE: dict[str, str] = {
    "graph": "its name is 'data-root'",
    "disable-legacy-registry": "remove it, registries of the first protocol are gone since 17.12",
    "cluster-store": "remove it, swarm mode replaced external stores",
    "cluster-store-opts": "remove it, swarm mode replaced external stores",
    "cluster-advertise": "remove it, swarm mode replaced external stores",
    "oom-score-adjust": "remove it and set OOMScoreAdjust= in the unit",
    "kernel-memory": "remove it",
    "userns": "its name is 'userns-remap'",
    "firewall-backend": "it needs Docker 29 or newer: remove it or upgrade",
    "allow-direct-routing": "it needs Docker 28 or newer: remove it or upgrade",
    "bridge-accept-fwmark": "it needs Docker 28 or newer: remove it or upgrade",
    "default-network-opt": "its name is 'default-network-opts'",
    "min-api-version": "it needs Docker 28 or newer: remove it or upgrade",
    "bip6": "it needs Docker 27 or newer: remove it or upgrade",
    "default-init": "its name is 'init-path'",
}
TYPES = {
    "bool": "true or false, without quotes",
    "string": "a text in double quotes",
    "int64": "a whole number without quotes",
    "ip": 'an IP address in double quotes, such as "10.0.0.1"',
    "size": 'a size in double quotes, such as "64m"',
    "duration": 'a time in double quotes, such as "48h"',
}

JSON_FILE_OPTIONS = {"compress", "env", "env-regex", "labels", "labels-regex", "max-file", "max-size", "tag"}
LOG_OPTIONS = {"json-file": JSON_FILE_OPTIONS, "local": {"compress", "max-file", "max-size"}}
EVERY_DRIVERS_OPTIONS = {
    "mode",
    "max-buffer-size",
    "cache-disabled",
    "cache-max-size",
    "cache-max-file",
    "cache-compress",
}
NAMED_ENTRIES = {"exec-opts", "storage-opts", "labels"}


class DaemonJsonError(ValueError):
    """A daemon.json, or a wish, that cannot be merged: what is wrong, where, and what would be right."""


# ---------------------------------------------------------------- reading, with positions


@dataclass
class Node:
    """A value and where it stands: text[start:end]. `value` is what Python makes of it, the last of a key wins."""

    start: int
    end: int
    value: Any
    members: list[Member] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)

    def spans(self) -> list[tuple[int, int]]:
        """Where each entry of an object or a list stands."""
        if self.members:
            return [(member.start, member.node.end) for member in self.members]
        return [(item.start, item.end) for item in self.items]

    def last(self, key: str) -> Member | None:
        """The member dockerd heeds where a key is repeated."""
        return next((member for member in reversed(self.members) if member.key == key), None)


@dataclass
class Member:
    start: int
    key: str
    key_end: int
    node: Node


def place(text: str, at: int) -> str:
    """Line and column of a position, from 1; a tab is one column."""
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    return f"line {before.count(chr(10)) + 1}, column {len(before) - (before.rfind(chr(10)) + 1) + 1}"


def wrong(text: str, at: int, what: str) -> DaemonJsonError:
    return DaemonJsonError(f"{place(text, at)}: {what}")


_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_STRING_SO_FAR = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_DEEPEST = 100
# What Go takes for white space around the whole file, beyond JSON's own.
_AROUND = " \t\r\n\v\f\u0085\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

# What people write where JSON has no such thing: pattern -> what is wrong and what would be right.
_ODDITIES: list[tuple[str, str]] = [
    (r"---|\.{3}", "'{0}' has no place in JSON; remove it"),
    ("\x00", "the file has NUL bytes, as UTF-16 without a byte order mark; save it as UTF-8"),
    ("[\u00a0\u2007\u202f\u3000]", "a space that is not the plain one; replace it by a plain space"),
    ("[\u200b\u200c\u200d\u2060\ufeff]", "an invisible character; remove it"),
    (r"\$\w+|@\w+@|%\w+%|__\w+__|<[A-Za-z][\w .-]*>", "'{0}' is a placeholder; put the value in its place"),
    (r"//|/\*|#|<!--|--", "'{0}' starts a comment, which JSON does not have; remove it"),
    (r"<{7}|={7}|>{7}", "'{0}' is left over from a merge conflict; keep one side"),
    (r"```|~~~", "'{0}' is a mark of a document around the file; remove it"),
    (r"['`]", "{0} is no quote of JSON; use double quotes"),
    ("[\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb]", "{0} is a typographic quote; use plain double quotes"),
    ("[\uff0c\uff1a\uff5b\uff5d\uff1b\u3001]", "{0} is a full-width sign; use the plain ASCII one"),
    (r"NaN\b|-?Infinity\b|-?inf\b", "{0} is no number in JSON; write a plain number"),
    (r"True\b|False\b|TRUE\b|FALSE\b", "{0} must be written in small letters"),
    (r"None\b|nil\b|undefined\b|NULL\b|Null\b", "JSON has no {0}; write null or remove the key"),
    (r"(?:yes|no|on|off)\b", "{0} is no value in JSON; write true or false"),
    (
        r"[-+]?0[xX][0-9a-fA-F]+|[-+]?0[0-9]+|\+[0-9.]+|-?\.[0-9]+|-?[0-9]+\.(?![0-9.])",
        "{0} is no number in JSON; write it as a plain decimal number",
    ),
    (r"-?[0-9][0-9.]*[A-Za-z%][\w%]*|[0-9]+(?:\.[0-9]+){2,}(?::[0-9]+|/[0-9]+)?", '{0} needs double quotes: "{0}"'),
]
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<%.*?%>|\$\{\w*\}?|\{\{|\{%|<%|\{#", re.DOTALL)
_DOCKER_TAG = re.compile(r"\{\{[^}]*(?<![\w\])])\.[A-Z][^}]*\}\}")  # {{.Name}}: log-opts have templates of Docker's own


class _Reader:
    """Reads JSON as strictly as dockerd does, and knows what people do wrong."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> Node:
        self.at = len(self.text) - len(self.text.lstrip(_AROUND))
        if self.text[self.at : self.at + 1] == '"' and re.match(_STRING.pattern + r"\s*:", self.text[self.at :]):
            raise wrong(self.text, self.at, "the file starts with a key; put all of it between { and }")
        if self.text[self.at : self.at + 1] not in ("{", "["):
            start = self.text[self.at :].split(None, 1)[:1] or [""]
            odd = self.oddity() or f"the file starts with '{start[0][:20]}'; it must be one object and start with {{"
            raise wrong(self.text, self.at, odd)
        root = self.value(1)
        rest = self.text[self.at :].rstrip(_AROUND)
        if rest:
            self.space()
            sign = self.text[self.at]
            if sign in "}]":
                raise wrong(self.text, self.at, f"one '{sign}' too many: the file's object already ended; remove it")
            if sign == "{":
                raise wrong(self.text, self.at, "a second object starts after the first ended; join them into one")
            if sign == ",":
                raise wrong(
                    self.text, self.at, "the file's object ended before this comma; remove what follows, or the early }"
                )
            odd = self.oddity() or "nothing may follow the object of the file; remove it"
            raise wrong(self.text, self.at, odd)
        return root

    def value(self, depth: int) -> Node:
        self.space()
        start, sign = self.at, self.text[self.at : self.at + 1]
        if depth > _DEEPEST:
            raise wrong(self.text, start, f"values are nested deeper than {_DEEPEST}; dockerd has no such key")
        if sign == "{":
            return self.object(depth)
        if sign == "[":
            return self.array(depth)
        if sign == '"':
            value = self.string()
            return Node(start, self.at, value)
        number = _NUMBER.match(self.text, start)
        if number and not re.match(r"[\w.+%-]", self.text[number.end() : number.end() + 1] or " "):
            self.at = number.end()
            whole = number.group().lstrip("-").isdigit() and len(number.group()) < 400
            return Node(start, self.at, int(number.group()) if whole else float(number.group()))
        word = _WORD.match(self.text, start)
        if word and word.group() in _WORDS:
            self.at = word.end()
            return Node(start, self.at, _WORDS[word.group()])
        raise self.unexpected("a value is expected")

    def object(self, depth: int) -> Node:
        start = self.at
        members: list[Member] = []
        while self.more(start, "}", bool(members), "object"):
            key_start = self.at
            if self.text[self.at] != '"':
                raise self.unexpected("a key in double quotes is expected")
            key = self.string()
            key_end = self.at
            self.space()
            if self.text[self.at : self.at + 1] != ":":
                odd = self.oddity() or f'a colon is expected after the key "{key}"; add it'
                raise wrong(self.text, self.at, odd)
            self.at += 1
            members.append(Member(key_start, key, key_end, self.value(depth + 1)))
        return Node(start, self.at, {member.key: member.node.value for member in members}, members=members)

    def array(self, depth: int) -> Node:
        start = self.at
        items: list[Node] = []
        while self.more(start, "]", bool(items), "list"):
            items.append(self.value(depth + 1))
        return Node(start, self.at, [item.value for item in items], items=items)

    def more(self, start: int, close: str, any_yet: bool, what: str) -> bool:
        """Moves to the next entry of the object or list opened at start, or past its end."""
        ended = self.at
        if not any_yet:
            self.at += 1
        self.space()
        sign = self.text[self.at : self.at + 1]
        if sign == close:
            self.at += 1
            return False
        if any_yet and sign == ",":
            comma = self.at
            self.at += 1
            self.space()
            if self.text[self.at : self.at + 1] == ",":
                raise wrong(self.text, self.at, "a comma too many; remove it")
            if self.text[self.at : self.at + 1] in ("}", "]"):
                raise wrong(self.text, comma, f"no comma may follow the last entry of the {what}; remove it")
        elif any_yet and (sign in ('"', "{", "[") or re.match(r"[\w-]", sign)) and not self.oddity(template_only=True):
            raise wrong(self.text, ended, "a comma is missing here, between this entry and the next; add it")
        elif any_yet and sign and sign in "}]":
            what = (
                f"'{sign}' cannot close the '{self.text[start]}' of {place(self.text, start)}; put '{close}' before it"
            )
            raise wrong(self.text, self.at, what)
        elif any_yet:
            raise self.unexpected(f"a comma or {close} is expected", start)
        if self.at >= len(self.text):
            raise self.unexpected("", start)
        return True

    def string(self) -> str:
        whole = _STRING.match(self.text, self.at)
        if whole:
            self.at = whole.end()
            return str(json.loads(whole.group()))
        so_far = _STRING_SO_FAR.match(self.text, self.at)
        at = so_far.end() if so_far else self.at
        sign = self.text[at : at + 1]
        if sign == "\\":
            raise wrong(
                self.text, at, f"'{self.text[at : at + 2]}' is no escape of JSON; a backslash is written as \\\\"
            )
        if sign in ("", "\n", "\r"):
            raise wrong(self.text, self.at, "the text that starts here has no closing double quote in its line; add it")
        raise wrong(
            self.text, at, f"the character U+{ord(sign):04X} may not stand in a text; write it as \\u{ord(sign):04x}"
        )

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def oddity(self, template_only: bool = False) -> str | None:
        template = _TEMPLATE.match(self.text, self.at)
        if template:
            return _template_sentence(template.group())
        for pattern, sentence in [] if template_only else _ODDITIES:
            match = re.compile(pattern).match(self.text, self.at)
            if match:
                return sentence.format(match.group())
        return None

    def unexpected(self, expected: str, opened: int | None = None) -> DaemonJsonError:
        return wrong(self.text, self.at, self.why(expected, opened))

    def why(self, expected: str, opened: int | None) -> str:
        if self.at >= len(self.text):
            if opened is None:
                return f"the file ends too early; {expected}"
            sign, where = self.text[opened], place(self.text, opened)
            return f"the file ends too early: the '{sign}' of {where} is not closed; add its end"
        odd = self.oddity()
        if odd:
            return odd
        word = _WORD.match(self.text, self.at)
        if word:
            return f"'{word.group()}' is neither in double quotes nor true, false or null; {expected}"
        sign = self.text[self.at]
        shown = f"'{sign}'" if sign.isprintable() and sign.isascii() else f"the character U+{ord(sign):04X}"
        return f"{shown} cannot stand here; {expected}"


def _template_sentence(expression: str) -> str:
    shown = " ".join(expression.split())
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"'{shown}' is an expression of a template; fill the template in first"


def read(text: str) -> Node:
    """The file's object with positions; DaemonJsonError where dockerd could not read it, or it is a template."""
    try:
        root = _Reader(text).document()
    except DaemonJsonError:
        for match in _TEMPLATE.finditer(text):
            if not _DOCKER_TAG.match(text, match.start()):
                raise wrong(text, match.start(), _template_sentence(match.group())) from None
        raise
    if not isinstance(root.value, dict):
        raise wrong(text, root.start, "the file holds a list; it must be one object and start with {")
    for member in root.members:
        _refuse_templates(text, member.start, member.node.end, in_log_opts=member.key == "log-opts")
    return root


def _refuse_templates(text: str, start: int, end: int, in_log_opts: bool) -> None:
    for string in _STRING.finditer(text, start, end):
        match = _TEMPLATE.search(text, string.start(), string.end())
        if match and not (in_log_opts and _DOCKER_TAG.search(text, string.start(), string.end())):
            raise wrong(text, match.start(), _template_sentence(match.group()))


# ---------------------------------------------------------------- what dockerd refuses


def check_keys(text: str, root: Node) -> None:
    """DaemonJsonError for the first key or value that dockerd 26.1.5 refuses."""
    for member in root.members:
        if member.key in KEYS:
            _check_type(text, member.node, KEYS[member.key], member.key)
        if root.last(member.key) is member:
            _check_names(text, member)
        if member.node.value is not None:
            _check_rule(text, member)


def _check_names(text: str, member: Member) -> None:
    taken_apart = isinstance(member.node.value, dict) and member.key not in FLAT
    for name in member.node.members if taken_apart else [member]:
        known = name.key in FLAGS or (name.key in KEYS and name.key != "proxies")
        if not known:
            raise wrong(text, name.start, _unknown(name.key, member.key if taken_apart else None))


def _check_rule(text: str, member: Member) -> None:
    fits, right = RULES.get(member.key, (None, ""))
    for node in (member.node.items or [member.node]) if fits else []:
        if fits and not isinstance(node.value, list) and not fits(node.value):
            raise wrong(text, node.start, f"'{member.key}' cannot be {_shown(node.value)}; right is {right}")
    if member.key in ("labels", "node-generic-resources"):
        found: dict[str, set[str]] = {}
        for item in member.node.items:
            name, _, value = item.value.partition("=")
            values = found.setdefault(name, set())
            values.add(value)
            if len(values) > 1 and (member.key == "labels" or any(map(str.isdigit, values))):
                raise wrong(text, item.start, f"'{member.key}' has '{name}' with different values; keep one")


def _unknown(name: str, within: str | None) -> str:
    where = f"'{name}'" if within is None else f"'{name}' in '{within}'"
    hint = GONE.get(name)
    if hint is None:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), KEYS, n=1, cutoff=0.75)
        hint = f"did you mean '{near[0]}'?" if near else "remove it"
    return f"dockerd does not know the key {where}; {hint}"


def _check_type(text: str, node: Node, spec: str, path: str) -> None:
    if node.value is None and spec != "size":
        return
    if spec == "filter":
        spec = "map of map of bool" if isinstance(node.value, dict) else "list of string"
    if spec.startswith("list of "):
        if not isinstance(node.value, list):
            raise wrong(
                text, node.start, f"'{path}' is {_shown(node.value)}; right is a list [...] of {_plural(spec[8:])}"
            )
        for item in node.items:
            _check_type(text, item, spec[8:], path)
    elif spec.startswith("map of ") or spec in STRUCTS:
        if not isinstance(node.value, dict):
            raise wrong(text, node.start, f"'{path}' is {_shown(node.value)}; right is an object {{...}}")
        for member in node.members:
            inner = spec[7:] if spec.startswith("map of ") else STRUCTS[spec].get(member.key.lower(), "any")
            _check_type(text, member.node, inner, f"{path}.{member.key}")
    elif not _FITS[spec](text[node.start : node.end], node.value):
        raise wrong(text, node.start, f"'{path}' is {_shown(node.value)}; right is {TYPES[spec]}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value, ensure_ascii=False)


def _plural(spec: str) -> str:
    return {"string": "texts in double quotes", "ip": "IP addresses in double quotes"}.get(spec, "objects")


def _is_ip(value: Any) -> bool:
    try:
        return isinstance(value, str) and (value == "" or ("%" not in value and bool(ipaddress.ip_address(value))))
    except ValueError:
        return False


def _is_ipv6_network(value: Any) -> bool:
    try:
        if value == "":
            return True
        network = ipaddress.ip_network(value, strict=False)
        return "/" in value and "%" not in value and network.version == 6 and not network[0].ipv4_mapped
    except ValueError:
        return False


_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)? ?[kmgtpKMGTP]?(?:[iI]?[bB])?")
_DURATION = re.compile(r"(?:[0-9]+|(?:[0-9.]+(?:ns|us|\u00b5s|ms|s|m|h))+)?")
_FITS: dict[str, Callable[[str, Any], bool]] = {
    "any": lambda _raw, _value: True,
    "bool": lambda _raw, value: isinstance(value, bool),
    "string": lambda _raw, value: isinstance(value, str),
    "int64": lambda raw, value: bool(re.fullmatch(r"-?[0-9]+", raw)) and -(2**63) <= value < 2**63,
    "ip": lambda _raw, value: _is_ip(value),
    "size": lambda _raw, value: isinstance(value, str) and bool(_SIZE.fullmatch(value)),
    "duration": lambda _raw, value: isinstance(value, str) and bool(_DURATION.fullmatch(value)),
}


def _is_host(value: Any) -> bool:
    scheme, found, rest = value.strip().partition("://")
    if not found:
        scheme, rest = "tcp", scheme
    if scheme == "tcp":
        port = re.search(r":([^:\]/?#]*)(?:[?#].*)?$", rest)
        digits = port.group(1) if port else ""
        return not re.search(r"[\s/%{}<>\"\\^`|]", rest) and (digits == "" or (digits.isdigit() and int(digits) > 0))
    return scheme == "fd" or (scheme in ("unix", "npipe") and "://" not in rest)


_NAME = ":?[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"{_NAME}(?::?\.{_NAME})*\.?\s*")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")


def _not_negative(value: Any) -> bool:
    return bool(value >= 0)


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "log-level": (
        lambda v: v == "" or v.lower() in ("panic", "fatal", "error", "warn", "info", "debug", "trace"),
        '"debug", "info", "warn", "error" or "fatal"',
    ),
    "log-format": (lambda v: v in ("", "text", "json"), '"text" or "json"'),
    "default-ipc-mode": (lambda v: v in ("", "private", "shareable"), '"private" or "shareable"'),
    "default-cgroupns-mode": (lambda v: v in ("", "private", "host"), '"private" or "host"'),
    "fixed-cidr-v6": (_is_ipv6_network, 'an IPv6 network, such as "fd00:1::/64"'),
    "dns-search": (
        lambda v: (
            v is not None
            and (v.strip(" ") == "." or bool(_DOMAIN.fullmatch(v.strip(" ")) and re.search("[a-zA-Z]", v)))
        ),
        'a domain, such as "example.org"',
    ),
    "labels": (
        lambda v: v is not None and "=" in v and not v.lower().startswith(_RESERVED),
        '"key=value", outside the namespaces of Docker',
    ),
    "node-generic-resources": (
        lambda v: v is not None and v.count("=") == 1 and not re.search(r"=-[0-9]+$", v),
        '"name=value", the value a name or a number from 0',
    ),
    "hosts": (lambda v: not v or _is_host(v), '"unix:///PATH", "tcp://ADDRESS:PORT" or "fd://"'),
    "features": (lambda v: "windows-dns-proxy" not in v, "one without 'windows-dns-proxy', which is for Windows"),
    **dict.fromkeys(
        ("mtu", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"),
        (_not_negative, "0 or more"),
    ),
}


# ---------------------------------------------------------------- writing, in the file's own style


@dataclass(frozen=True)
class Style:
    newline: str
    unit: str
    colon: str
    comma: str
    pad: str
    tall_lists: bool


def _walk(node: Node) -> list[Node]:
    inner = [member.node for member in node.members] + node.items
    return [node] + [below for child in inner for below in _walk(child)]


def _most(found: Sequence[str], default: str) -> str:
    return Counter(found).most_common(1)[0][0] if found else default


def _indent_at(text: str, at: int) -> str:
    """The white space that the line of this position starts with."""
    line = text[max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _broken(piece: str) -> bool:
    return "\n" in piece or "\r" in piece


def _gaps(text: str, spans: list[tuple[int, int]]) -> list[str]:
    """What stands between each entry and the next."""
    return [text[spans[i - 1][1] : spans[i][0]] for i in range(1, len(spans))]


def style_of(text: str, root: Node) -> Style:
    """How this file is written: ends of lines, indentation, spaces at colons and commas."""
    units, colons, commas, pads, tall = [], [], [], [], []
    for node in _walk(root):
        colons += [text[m.key_end : m.node.start] for m in node.members if not _broken(text[m.key_end : m.node.start])]
        spans = node.spans()
        commas += [gap for gap in _gaps(text, spans) if not _broken(gap)]
        if not spans:
            continue
        lead = text[node.start + 1 : spans[0][0]]
        if _broken(lead):
            outer, inner = _indent_at(text, node.start), _indent_at(text, spans[0][0])
            if inner.startswith(outer) and inner != outer:
                units.append(inner[len(outer) :])
        elif node.members:
            pads.append(lead)
        if node.items and not any(isinstance(item, (dict, list)) for item in node.value):
            tall.append("yes" if _broken(lead) else "no")
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    if "\n" not in text and "\r" in text:
        newline = "\r"
    colon = _most(colons, ": ")
    return Style(
        newline, _most(units, "  "), colon, _most(commas, "," if colon == ":" else ", "), _most(pads, ""),
        tall_lists=_most(tall, "no") == "yes",
    )  # fmt: skip


def _scalar(value: Any) -> str:
    try:
        shown = json.dumps(value, ensure_ascii=False, allow_nan=False)
        shown.encode("utf-8")
    except UnicodeEncodeError:
        shown = json.dumps(value)
    return shown


def render(value: Any, style: Style, indent: str | None) -> str:
    """The value as JSON; over several lines where an indent is given, else on one."""
    if not isinstance(value, (dict, list)) or not value:
        return _scalar(value)
    if isinstance(value, list) and not style.tall_lists and not any(isinstance(item, (dict, list)) for item in value):
        indent = None
    inner = None if indent is None else indent + style.unit
    if isinstance(value, dict):
        parts = [_scalar(key) + style.colon + render(item, style, inner) for key, item in value.items()]
    else:
        parts = [render(item, style, inner) for item in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    if inner is None:
        pad = style.pad if isinstance(value, dict) else ""
        return opening + pad + style.comma.join(parts) + pad + closing
    start = style.newline + inner
    return opening + start + ("," + start).join(parts) + style.newline + str(indent) + closing


def _separator(text: str, node: Node, style: Style) -> str:
    """What stands between entries of this object or list: its most frequent way, without blank lines."""
    spans = node.spans()
    between = _gaps(text, spans)
    tall = [_one_break(piece, style.newline) for piece in between if _broken(piece)]
    lead = text[node.start + 1 : spans[0][0]]
    if _broken(lead) and (tall or not between):
        tall.insert(0, _one_break("," + lead, style.newline))
    comma_first = [piece for piece in tall if not piece.startswith(",")]
    return _most(comma_first or tall or between, style.comma)


def _one_break(separator: str, newline: str) -> str:
    """The separator with its comma, one line break, and the white space of its last line."""
    before, _, after = separator.partition(",")
    if _broken(after):
        return "," + newline + re.split(r"[\r\n]", after)[-1]
    return newline + re.split(r"[\r\n]", before)[-1] + "," + after


def _insert(text: str, node: Node, tall: bool, write: Callable[[str | None], str], style: Style) -> str:
    """Adds an entry at the end. `tall`: an empty object or list opens up over several lines."""
    spans = node.spans()
    if not spans:
        outer = _indent_at(text, node.start)
        if not tall:
            new = style.pad + write(None) + style.pad
        else:
            new = style.newline + outer + style.unit + write(outer + style.unit) + style.newline + outer
        return text[: node.start + 1] + new + text[node.end - 1 :]
    separator = _separator(text, node, style)
    indent = re.split(r"[\r\n]", separator)[-1].split(",")[0] if _broken(separator) else None
    return text[: spans[-1][1]] + separator + write(indent) + text[spans[-1][1] :]


def _remove(text: str, node: Node, index: int) -> str:
    spans = node.spans()
    if len(spans) == 1:
        return text[: node.start + 1] + text[node.end - 1 :]
    if index == 0:
        return text[: spans[0][0]] + text[spans[1][0] :]
    return text[: spans[index - 1][1]] + text[spans[index][1] :]


# ---------------------------------------------------------------- merging


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if not _only_removes(item)}


def _only_removes(wish: Any) -> bool:
    """Null, or an object of nothing else: there is nothing to write where nothing is."""
    return wish is None or (isinstance(wish, Mapping) and bool(wish) and all(map(_only_removes, wish.values())))


def _at(root: Node, path: Sequence[str]) -> Node:
    for key in path:
        member = root.last(key)
        if member is None:
            raise KeyError(key)
        root = member.node
    return root


def _set(text: str, path: tuple[str, ...], wish: Any) -> str:
    """The text with one wish merged in at this path, whose object is there."""
    root = _Reader(text).document()
    parent, key = _at(root, path[:-1]), path[-1]
    member = parent.last(key)
    if wish is None:
        while member is not None:
            text = _remove(text, parent, parent.members.index(member))
            parent = _at(_Reader(text).document(), path[:-1])
            member = parent.last(key)
        return text
    if _only_removes(wish) and not (member and isinstance(member.node.value, dict)):
        return text
    if member is None:
        value, style = _without_nulls(wish), style_of(text, root)
        tall = parent is root or _broken(text[root.start : parent.start]) or _broken(text[parent.start : parent.end])
        return _insert(text, parent, tall, lambda i: _scalar(key) + style.colon + render(value, style, i), style)
    if isinstance(wish, Mapping) and isinstance(member.node.value, dict):
        for inner, value in wish.items():
            text = _set(text, (*path, inner), value)
        return text
    if len(path) == 1 and key in NAMED_ENTRIES and isinstance(wish, list) and isinstance(member.node.value, list):
        for entry in wish:
            text = _set_entry(text, key, entry)
        return text
    value = _without_nulls(wish)
    if _same(member.node.value, value):
        return text
    node = member.node
    tall = _broken(text[parent.start : member.start]) and (not node.items or _broken(text[node.start : node.end]))
    new = render(value, style_of(text, root), _indent_at(text, member.start) if tall else None)
    return text[: node.start] + new + text[node.end :]


def _set_entry(text: str, key: str, entry: Any) -> str:
    """The text with one `name=value` in the list of this key; the first of that name gives the place."""
    root = _Reader(text).document()
    node = _at(root, [key])
    name = str(entry).partition("=")[0]
    mine = [i for i, item in enumerate(node.items) if str(item.value).partition("=")[0] == name]
    if not mine:
        style = style_of(text, root)
        return _insert(text, node, _broken(text[node.start : node.end]), lambda _: _scalar(entry), style)
    for index in reversed(mine[1:]):
        text = _remove(text, node, index)
        node = _at(_Reader(text).document(), [key])
    first = node.items[mine[0]]
    return text if _same(first.value, entry) else text[: first.start] + _scalar(entry) + text[first.end :]


def _split_mark(text: str) -> tuple[str, str]:
    """Byte order mark, or nothing, and the text behind it."""
    return ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)


def _is_empty(body: str) -> bool:
    """dockerd takes both for a file without keys."""
    return body.strip(_AROUND) in ("", "null")


def splice(text: str, wishes: Mapping[str, Any]) -> str:
    """The text with the wishes merged in, whatever the keys mean; DaemonJsonError where it cannot be read."""
    mark, body = _split_mark(text)
    if _is_empty(body):
        if not wishes:
            return text
        newline = "\r\n" if "\r\n" in body else "\n"
        style = Style(newline, "  ", ": ", ", ", "", tall_lists=False)
        return mark + render(_without_nulls(wishes), style, "") + newline
    read(body)
    for key, wish in wishes.items():
        body = _set(body, (key,), wish)
    return mark + body


def merge(text: str, wishes: Mapping[str, Any], engine: str = ENGINE) -> str:
    """The daemon.json `text` with our keys. Pure.

    `engine`: the version that will read it; unknown keys and wrong types are named for 26.1, the one the
    tables are of, and left to the engine's own validation for any other.

    Raises DaemonJsonError (a ValueError) with one sentence where the file cannot be read, is a template, or
    holds what dockerd refuses, and where the wishes do.
    """
    exact = (engine + ".").startswith(ENGINE + ".")
    body = _split_mark(text)[1]
    if exact and not _is_empty(body):
        check_keys(body, read(body))
    merged = splice(text, wishes)
    merged_body = _split_mark(merged)[1]
    if exact and not _is_empty(merged_body):
        try:
            check_keys(merged_body, read(merged_body))
        except DaemonJsonError as error:
            raise DaemonJsonError(f"our own keys are wrong, in the merged file: {error}") from None
    return merged


def contradictions(text: str, wishes: Mapping[str, Any]) -> list[str]:
    """What dockerd validates in a merged file and then does not start with, where one of our keys takes part."""
    body = _split_mark(text)[1]
    data = {} if _is_empty(body) else read(body).value
    found = []
    if data.get("icc") is False and data.get("iptables") is False and wishes.keys() & {"icc", "iptables"}:
        found.append("'icc' false needs iptables, and 'iptables' is false; remove 'iptables' from the file")
    driver, options = data.get("log-driver") or "json-file", data.get("log-opts") or {}
    known = LOG_OPTIONS.get(driver)
    strange = sorted(set(options) - known - EVERY_DRIVERS_OPTIONS) if known else []
    if strange and wishes.keys() & {"log-driver", "log-opts"}:
        found.append(f"'log-opts.{strange[0]}' is no option of the log driver '{driver}'; remove it from the file")
    if data.get("bridge") and data.get("bip") and wishes.keys() & {"bridge", "bip"}:
        found.append("'bridge' and 'bip' exclude each other; remove one from the file")
    for name in wishes.get("runtimes") or {}:
        entry = (data.get("runtimes") or {}).get(name) or {}
        if name == "runc":
            found.append("the runtime name 'runc' is reserved; use another")
        if entry.get("path") and (entry.get("runtimeType") or entry.get("options")):
            found.append(f"'runtimes.{name}' has 'path' and 'runtimeType' or 'options'; remove those from the file")
    default = data.get("default-runtime") or "runc"
    stock = {"runc", "io.containerd.runc.v2"}
    if "default-runtime" in wishes and default not in stock | set(data.get("runtimes") or {}) and "." not in default:
        found.append(f"'default-runtime' is '{default}', which 'runtimes' does not define; define it")
    return found


# ---------------------------------------------------------------- command line

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode(raw: bytes) -> tuple[str, str]:
    """Text, with its byte order mark, and encoding, as dockerd tells them: UTF-8, or by the mark."""
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding), encoding
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(encoding, "replace")
        raise DaemonJsonError(
            f"{place(before, len(before))}: the byte 0x{raw[error.start]:02x} is not {encoding.upper()}; "
            "save the file as UTF-8"
        ) from None


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _wishes(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - one line of plain Python on any host
            wishes = json.load(stream, parse_constant=_no_number)
    except (OSError, ValueError) as error:
        raise DaemonJsonError(f"the wishes in {path} cannot be read: {error}") from None
    if not isinstance(wishes, dict):
        raise DaemonJsonError(f"the wishes in {path} must be one object")
    return wishes


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Merges keys into a daemon.json read from standard input.")
    parser.add_argument("verb", choices=["merge", "check"])
    parser.add_argument("wishes", metavar="WISHES.json")
    parser.add_argument("--engine", default=ENGINE, metavar="VERSION", help="the Docker Engine that will read the file")
    asked = parser.parse_args(arguments)
    try:
        wishes = _wishes(asked.wishes)
        text, encoding = decode(sys.stdin.buffer.read())
        if asked.verb == "check":
            found = contradictions(text, wishes)
            sys.stderr.writelines(f"daemon.json: dockerd would not start: {sentence}\n" for sentence in found)
            return 2 if found else 0
        merged = merge(text, wishes, asked.engine)
    except DaemonJsonError as error:
        sys.stderr.write(f"daemon.json: {error}\n")
        return 2
    for name, key in FLAGS.items():
        if key and f'"{name}"' in text:
            sys.stderr.write(
                f"daemon.json: note: '{name}' is a flag, dockerd ignores it in the file; its key is '{key}'\n"
            )
    if "hosts" in wishes:
        sys.stderr.write("daemon.json: note: dockerd does not start where its unit also gives -H; see 'hosts'\n")
    sys.stdout.buffer.write(merged.encode(encoding))
    return 0


if __name__ == "__main__":
    sys.exit(main())
