"""Merging keys into files that strangers wrote: what is not ours stays, to the byte."""

import ast
import codecs
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import daemon_json
from components.daemon_json import DaemonJsonError, contradictions, merge, read, splice
from components.docker_engine import BASE_KEYS

CASES = json.loads((Path(__file__).parent / "data" / "daemon_json.json").read_text(encoding="utf-8"))["cases"]
ACCEPTED = [case for case in CASES if case["validate_26_1_5"]["ok"]]
REFUSED = [case for case in CASES if not case["validate_26_1_5"]["ok"]]

GPU_WISHES: Mapping[str, Any] = {
    **BASE_KEYS,
    "runtimes": {"nvidia": {"args": [], "path": "nvidia-container-runtime"}},
    "features": {"cdi": True},
    "default-ulimits": {"memlock": {"Name": "memlock", "Soft": -1, "Hard": -1}},
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
}


def id_of(case: dict[str, Any]) -> str:
    return str(case["id"])


def removes_only(wish: Any) -> bool:
    return wish is None or (
        isinstance(wish, Mapping) and wish != {} and all(removes_only(item) for item in wish.values())
    )


def deep(old: Any, wishes: Mapping[str, Any]) -> dict[str, Any]:
    """What a merge means, on values. Lists of named entries are another test's."""
    new = deepcopy(old) if isinstance(old, dict) else {}
    for key, wish in wishes.items():
        if wish is None:
            new.pop(key, None)
        elif isinstance(wish, Mapping) and removes_only(wish):
            if isinstance(new.get(key), dict):
                new[key] = deep(new[key], wish)
        elif isinstance(wish, Mapping):
            new[key] = deep(new.get(key), wish)
        else:
            new[key] = wish
    return new


def foreign(text: str, wishes: Mapping[str, Any]) -> list[str]:
    """The text of every member at the top whose key is not wished, in order."""
    return [text[m.start : m.node.end] for m in read(text.lstrip("\ufeff")).members if m.key not in wishes]


# ---------------------------------------------------------------- published files


@pytest.mark.parametrize("wishes", [BASE_KEYS, GPU_WISHES], ids=["base", "gpu"])
@pytest.mark.parametrize("case", ACCEPTED, ids=id_of)
def test_a_published_file_keeps_all_that_is_not_ours(case: dict[str, Any], wishes: Mapping[str, Any]) -> None:
    text = case["text"]
    merged = merge(text, wishes)
    old, new = json.loads(text), json.loads(merged)
    entries = [entry for entry in old.get("exec-opts", []) if not entry.startswith("native.cgroupdriver=")]
    wished = {key: wish for key, wish in wishes.items() if key != "exec-opts"}
    expected = deep(old, wished)
    if "exec-opts" in wishes:
        assert sorted(new.pop("exec-opts")) == sorted([*entries, *wishes["exec-opts"]])
        expected.pop("exec-opts", None)
    assert new == expected
    assert foreign(merged, wishes) == foreign(text, wishes)
    assert [key for key in new if key in old] == [key for key in old if key in new]
    assert merge(merged, wishes) == merged


@pytest.mark.parametrize("case", ACCEPTED, ids=id_of)
def test_what_stands_around_the_entries_stays(case: dict[str, Any]) -> None:
    text = case["text"]
    merged = merge(text, {"default-shm-size": "2g", "shutdown-timeout": 60})
    last = read(text).members[-1].node.end
    assert merged.startswith(text[:last])
    assert merged.endswith(text[last:])
    assert ("\r\n" in merged) == ("\r\n" in text)
    if "\r\n" in text:
        assert merged.count("\r\n") == merged.count("\n")
    if "\n" not in text.strip():
        assert "\n" not in merged.strip()


@pytest.mark.parametrize("case", ACCEPTED, ids=id_of)
def test_a_file_that_has_what_we_wish_comes_back_as_it_is(case: dict[str, Any]) -> None:
    assert merge(case["text"], json.loads(case["text"])) == case["text"]
    assert merge(case["text"], {}) == case["text"]


@pytest.mark.parametrize("case", REFUSED, ids=id_of)
def test_a_published_file_that_dockerd_refuses_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(DaemonJsonError, match=r"^line \d+, column \d+: .*\w.*$"):
        merge(case["text"], BASE_KEYS)


def test_there_are_published_files_of_both_kinds() -> None:
    assert len(ACCEPTED) > 50
    assert len(REFUSED) > 10


# ---------------------------------------------------------------- what is wrong, and where


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "icc": true,\n}', "line 2, column 14: no comma may follow the last entry of the object; remove it"),
        ('{"dns": ["1.1.1.1",]}', "line 1, column 19: no comma may follow the last entry of the list"),
        ('{"icc": true,, "ipv6": true}', "line 1, column 14: a comma too many"),
        ('{\r\n  "icc": true\r\n  "ipv6": true\r\n}', "line 2, column 14: a comma is missing here"),
        ('{"dns": ["1.1.1.1" "8.8.8.8"]}', "line 1, column 19: a comma is missing here"),
        ('{"icc" true}', 'line 1, column 8: a colon is expected after the key "icc"'),
        ('{"icc"= true}', 'line 1, column 7: a colon is expected after the key "icc"'),
        ('{"icc": }', "line 1, column 9: '}' cannot stand here; a value is expected"),
        ("{icc: true}", "line 1, column 2: 'icc' is neither in double quotes"),
        ("{'icc': true}", "line 1, column 2: ' is no quote of JSON; use double quotes"),
        ("{\u201cicc\u201d: true}", "line 1, column 2: \u201c is a typographic quote"),
        ('{"icc"\uff1a true}', "line 1, column 7: \uff1a is a full-width sign"),
        ('{\u00a0"icc": true}', "line 1, column 2: a space that is not the plain one"),
        ('{"icc": True}', "line 1, column 9: True must be written in small letters"),
        ('{"icc": None}', "line 1, column 9: JSON has no None"),
        ('{"icc": yes}', "line 1, column 9: yes is no value in JSON; write true or false"),
        ('{"mtu": NaN}', "line 1, column 9: NaN is no number in JSON"),
        ('{"mtu": -Infinity}', "line 1, column 9: -Infinity is no number in JSON"),
        ('{"mtu": 01500}', "line 1, column 9: 01500 is no number in JSON"),
        ('{"mtu": 1500.}', "line 1, column 9: 1500. is no number in JSON"),
        ('{"default-shm-size": 64m}', 'line 1, column 22: 64m needs double quotes: "64m"'),
        ('{"bip": 172.17.0.1/16}', 'line 1, column 9: 172.17.0.1/16 needs double quotes: "172.17.0.1/16"'),
        ('{\n  // rotation\n  "icc": true\n}', "line 2, column 3: '//' starts a comment"),
        ('{"icc": true /* x */}', "line 1, column 14: '/*' starts a comment"),
        ("# ours\n{}", "line 1, column 1: '#' starts a comment"),
        ('{"icc": true}\n{"ipv6": true}', "line 2, column 1: a second object starts"),
        ('{"icc": true}}', "line 1, column 14: one '}' too many"),
        ('{"dns": ["1.1.1.1"}', "line 1, column 19: '}' cannot close the '[' of line 1, column 9; put ']' before it"),
        ('{\n"dns": ["1.1.1.1"]\n', "line 3, column 1: the file ends too early: the '{' of line 1, column 1"),
        ('"icc": false,\n"ipv6": true', "line 1, column 1: the file starts with a key; put all of it between { and }"),
        ("icc: true\n", "line 1, column 1: the file starts with 'icc:'; it must be one object"),
        ("[1]", "line 1, column 1: the file holds a list; it must be one object"),
        ('{"group": "a\nb"}', "line 1, column 11: the text that starts here has no closing double quote"),
        ('{"group": "a\tb"}', "line 1, column 13: the character U+0009 may not stand in a text"),
        ('{"data-root": "C:\\docker"}', "line 1, column 18: '\\d' is no escape of JSON"),
        ("<<<<<<< HEAD\n{}", "line 1, column 1: '<<<<<<<' is left over from a merge conflict"),
        ("```json\n{}\n```", "line 1, column 1: '```' is a mark of a document around the file"),
        ('{"a":' * 200 + "1" + "}" * 200, "values are nested deeper than 100"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong_where(text: str, sentence: str) -> None:
    with pytest.raises(DaemonJsonError) as refused:
        merge(text, BASE_KEYS)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("text", "place", "expression"),
    [
        ('{\n  "mtu": {{ mtu }}\n}', "line 2, column 10", "{{ mtu }}"),
        ('{"group": "{{ docker_group }}"}', "line 1, column 12", "{{ docker_group }}"),
        ('{\n  {% if gpu %}\n  "icc": true\n  {% endif %}\n}', "line 2, column 3", "{% if gpu %}"),
        ('{"group": <%= @group %>}', "line 1, column 11", "<%= @group %>"),
        ('{"data-root": "${ROOT}/docker"}', "line 1, column 16", "${ROOT}"),
        ('{"log-opts": {"tag": "{{ log_tag }}"}}', "line 1, column 23", "{{ log_tag }}"),
        ('{"group": "{{ .Values.group }}"}', "line 1, column 12", "{{ .Values.group }}"),
        ('{"mtu": $MTU}', "line 1, column 9", "$MTU"),
        ('{"mtu": @MTU@}', "line 1, column 9", "@MTU@"),
    ],
)
def test_a_template_is_refused(text: str, place: str, expression: str) -> None:
    with pytest.raises(DaemonJsonError) as refused:
        merge(text, BASE_KEYS)
    assert str(refused.value).startswith(f"{place}: '{expression}' is ")


@pytest.mark.parametrize("tag", ["{{.Name}}", "{{ .ImageName }}/{{.ID}}", "{{with .ExtraAttributes nil}}{{.}}{{end}}"])
def test_a_log_tag_is_no_template_of_the_file(tag: str) -> None:
    text = json.dumps({"log-opts": {"tag": tag}})
    assert json.loads(merge(text, BASE_KEYS))["log-opts"]["tag"] == tag


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"graph": "/data"}', "line 1, column 2: dockerd does not know the key 'graph'; its name is 'data-root'"),
        ('{"live_restore": true}', "does not know the key 'live_restore'; did you mean 'live-restore'?"),
        ('{"Debug": true}', "does not know the key 'Debug'; did you mean 'debug'?"),
        ('{"_comment": "x"}', "does not know the key '_comment'; remove it"),
        (
            '{"proxies": {"ftp-proxy": "x"}}',
            "line 1, column 14: dockerd does not know the key 'ftp-proxy' in 'proxies'",
        ),
        ('{"firewall-backend": "nftables"}', "it needs Docker 29 or newer"),
        ('{"live-restore": "true"}', """line 1, column 18: 'live-restore' is "true"; right is true or false"""),
        ('{"log-opts": {"max-file": 3}}', "column 27: 'log-opts.max-file' is 3; right is a text in double quotes"),
        ('{"dns": "1.1.1.1"}', "right is a list [...] of IP addresses"),
        ('{"dns": ["dns.example"]}', "'dns' is \"dns.example\"; right is an IP address"),
        ('{"mtu": 1500.0}', "'mtu' is 1500.0; right is a whole number"),
        ('{"mtu": -1}', "'mtu' cannot be -1; right is 0 or more"),
        ('{"features": {"cdi": "on"}}', "'features.cdi' is \"on\"; right is true or false"),
        ('{"runtimes": ["nvidia"]}', "'runtimes' is a list; right is an object"),
        ('{"default-ulimits": {"nofile": {"soft": "1024"}}}', "'default-ulimits.nofile.soft' is \"1024\""),
        ('{"log-level": "warning"}', "'log-level' cannot be \"warning\""),
        ('{"labels": ["gpu"]}', '\'labels\' cannot be "gpu"; right is "key=value"'),
        ('{"labels": ["a=1", "a=2"]}', "'labels' has 'a' with different values"),
        ('{"hosts": ["http://0.0.0.0"]}', "'hosts' cannot be"),
        ('{"icc": "no", "icc": true}', "line 1, column 9: 'icc' is \"no\""),
    ],
)
def test_what_dockerd_refuses_is_named_with_what_would_be_right(text: str, sentence: str) -> None:
    with pytest.raises(DaemonJsonError) as refused:
        merge(text, BASE_KEYS)
    assert sentence in str(refused.value)


def test_keys_of_another_engine_are_left_to_it() -> None:
    text = '{"firewall-backend": "nftables"}'
    assert merge(text, {"icc": False}, "29.0.1") == '{"firewall-backend": "nftables", "icc": false}'
    with pytest.raises(DaemonJsonError):
        merge(text, {"icc": False}, "26.1.5+dfsg1")


@pytest.mark.parametrize("wishes", [{"live-restore": "yes"}, {"liverestore": True}, {"log-opts": {"max-file": 3}}])
def test_a_wish_that_dockerd_would_refuse_is_refused(wishes: dict[str, Any]) -> None:
    with pytest.raises(DaemonJsonError, match="our own keys are wrong"):
        merge("{}", wishes)


# ---------------------------------------------------------------- in the file's own hand


@pytest.mark.parametrize(
    ("text", "wishes", "expected"),
    [
        ("", {"icc": False, "log-opts": {"tag": "x"}}, '{\n  "icc": false,\n  "log-opts": {\n    "tag": "x"\n  }\n}\n'),
        (" \r\n", {"icc": False}, '{\r\n  "icc": false\r\n}\r\n'),
        ("\ufeff", {"icc": False}, '\ufeff{\n  "icc": false\n}\n'),
        ("null\n", {"icc": False}, '{\n  "icc": false\n}\n'),
        ("{}\n", {"icc": False}, '{\n  "icc": false\n}\n'),
        ("{\n}", {"icc": False}, '{\n  "icc": false\n}'),
        ("", {}, ""),
        ('{"ipv6":true}', {"icc": False, "dns": ["::1", "::2"]}, '{"ipv6":true,"icc":false,"dns":["::1","::2"]}'),
        ('{ "ipv6": true }\n', {"features": {"cdi": True}}, '{ "ipv6": true, "features": { "cdi": true } }\n'),
        ('{\n\t"ipv6" : true\n}', {"features": {"cdi": True}},
         '{\n\t"ipv6" : true,\n\t"features" : {\n\t\t"cdi" : true\n\t}\n}'),
        ('\ufeff{\r\n   "ipv6": true\r\n}\r\n', {"icc": False},
         '\ufeff{\r\n   "ipv6": true,\r\n   "icc": false\r\n}\r\n'),
        ('{\r "ipv6": true\r}', {"icc": False}, '{\r "ipv6": true,\r "icc": false\r}'),
        ('{\n  "ipv6": true\n, "init": true\n}', {"icc": False},
         '{\n  "ipv6": true\n, "init": true\n, "icc": false\n}'),
        ('{\n  "log-opts": { "tag": "x" }\n}', {"log-opts": {"env": "A"}},
         '{\n  "log-opts": { "tag": "x", "env": "A" }\n}'),
        ('{\n    "runtimes": {}\n}', {"runtimes": {"a": {"path": "b"}}},
         '{\n    "runtimes": {\n        "a": {\n            "path": "b"\n        }\n    }\n}'),
        ('{\n  "dns": [\n    "::1"\n  ]\n}', {"dns": ["::2", "::3"]}, '{\n  "dns": [\n    "::2",\n    "::3"\n  ]\n}'),
        ('{\n  "icc": true,\n\n  "ipv6": true\n\n}', {"icc": False}, '{\n  "icc": false,\n\n  "ipv6": true\n\n}'),
        ('{"icc": true, "icc": true}', {"icc": False}, '{"icc": true, "icc": false}'),
        ('{"icc": true, "ipv6": true, "icc": true}', {"icc": None}, '{"ipv6": true}'),
        ('{\n  "icc": true\n}', {"icc": None}, "{}"),
        ('{"log-opts": {"env": "A", "tag": "x"}}', {"log-opts": {"env": None}}, '{"log-opts": {"tag": "x"}}'),
        ('{"ipv6": true}', {"icc": None, "log-opts": {"env": None}}, '{"ipv6": true}'),
        ('{"mtu": null}', {"mtu": 1400}, '{"mtu": 1400}'),
        ('{"labels": ["b=\\u00e9"]}', {"icc": False}, '{"labels": ["b=\\u00e9"], "icc": false}'),
    ],
)  # fmt: skip
def test_new_text_looks_like_the_rest(text: str, wishes: dict[str, Any], expected: str) -> None:
    merged = merge(text, wishes)
    assert merged == expected
    assert merge(merged, wishes) == merged


@pytest.mark.parametrize(
    ("old", "wish", "new"),
    [
        (
            ["native.cgroupdriver=systemd", "a=1"],
            ["native.cgroupdriver=cgroupfs"],
            ["native.cgroupdriver=cgroupfs", "a=1"],
        ),
        (["a=1"], ["native.cgroupdriver=cgroupfs"], ["a=1", "native.cgroupdriver=cgroupfs"]),
        (["b=1", "a=1", "b=2"], ["b=3"], ["b=3", "a=1"]),
        (["b=3"], [], ["b=3"]),
    ],
)
@pytest.mark.parametrize("indent", [None, 4])
def test_named_entries_replace_their_namesake_alone(
    old: list[str], wish: list[str], new: list[str], indent: int | None
) -> None:
    text = json.dumps({"exec-opts": old}, indent=indent)
    merged = merge(text, {"exec-opts": wish})
    assert merged == json.dumps({"exec-opts": new}, indent=indent)


def test_an_empty_list_of_named_entries_is_filled_where_it_stands() -> None:
    assert merge('{\n  "labels": []\n}', {"labels": ["b=3"]}) == '{\n  "labels": ["b=3"]\n}'


def test_true_is_not_one() -> None:
    assert splice('{"a": 1, "b": [true]}', {"a": True, "b": [1]}) == '{"a": true, "b": [1]}'


def test_other_lists_are_replaced_as_a_whole() -> None:
    assert merge('{"dns": ["1.1.1.1", "8.8.8.8"]}', {"dns": ["9.9.9.9"]}) == '{"dns": ["9.9.9.9"]}'


# ---------------------------------------------------------------- what validates and would not start


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"iptables": false}', "iptables"),
        ('{"log-driver": "fluentd", "log-opts": {"fluentd-address": "a:1"}}', "log-opts.fluentd-address"),
        ('{"runtimes": {"nvidia": {"runtimeType": "io.containerd.runc.v2"}}}', "runtimes.nvidia"),
    ],
)
def test_a_contradiction_with_our_keys_is_named(text: str, named: str) -> None:
    (sentence,) = contradictions(merge(text, GPU_WISHES), GPU_WISHES)
    assert sentence.startswith(f"'{named}'") or f"'{named}'" in sentence


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"log-opts": {"tag": "{{.Name}}", "mode": "non-blocking"}}', '{"bip": "10.0.0.1/24", "bridge": "br0"}'],
)
def test_no_contradiction_where_ours_take_no_part(text: str) -> None:
    assert contradictions(merge(text, GPU_WISHES), GPU_WISHES) == []


# ---------------------------------------------------------------- any object, in any hand

# No template marks: those are refused. The rest of Unicode, quotes and escapes are in.
_TEXT = st.text(st.characters(exclude_characters="{<$", exclude_categories=["Cs"]), max_size=6)
_SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
)
_KEYS = st.sampled_from(["a", "b", "log-opts", "A"]) | _TEXT
_VALUES = st.recursive(
    _SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(_KEYS, v, max_size=4), max_leaves=12
)
_OBJECTS = st.dictionaries(_KEYS, _VALUES, max_size=5)


class Hand:
    """Writes JSON as someone might: any spaces and breaks, ASCII or not, keys repeated."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.newline = chance.choice(["\n", "\r\n", "\r"])
        self.steady = chance.random() < 0.5
        self.unit = chance.choice(["  ", "\t", "    ", " ", ""])

    def gap(self, depth: int) -> str:
        if self.steady:
            return self.newline + self.unit * depth
        return self.chance.choice(["", " ", self.newline, self.newline * 2 + self.unit * depth, "\t", "\r\n "])

    def write(self, value: Any, depth: int = 1) -> str:
        if not isinstance(value, (dict, list)):
            return json.dumps(value, ensure_ascii=self.chance.random() < 0.5)
        if isinstance(value, dict):
            parts = [self.member(key, item, depth) for key, item in value.items()]
            if parts and self.chance.random() < 0.2:  # a repeated key: this one comes first and does not count
                parts.insert(0, self.member(next(iter(value)), self.chance.choice([1, {}, [], "x"]), depth))
        else:
            parts = [self.write(item, depth + 1) for item in value]
        signs = "{}" if isinstance(value, dict) else "[]"
        inner = (("" if self.steady else self.gap(depth)) + ",").join(self.gap(depth) + part for part in parts)
        return signs[0] + inner + self.gap(depth - 1) + signs[1]

    def member(self, key: str, value: Any, depth: int) -> str:
        colon = ": " if self.steady else self.gap(0) + ":" + self.gap(depth)
        return json.dumps(key) + colon + self.write(value, depth + 1)


@settings(max_examples=400, deadline=None)
@given(
    _OBJECTS,
    _OBJECTS,
    st.randoms(use_true_random=False),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["", "\n", " \r\n"]),
)
def test_any_merge_means_what_it_should(
    data: dict[str, Any], wishes: dict[str, Any], chance: Random, mark: str, tail: str
) -> None:
    text = mark + Hand(chance).write(data) + tail
    merged = splice(text, wishes)
    assert json.loads(merged.lstrip("\ufeff")) == deep(data, wishes)
    assert foreign(merged, wishes) == foreign(text, wishes)
    assert merged.startswith(mark)
    assert merged.endswith(tail)
    assert splice(merged, wishes) == merged
    if "null" not in json.dumps(data):
        assert splice(text, data) == text


@settings(max_examples=200, deadline=None)
@given(_OBJECTS.filter(bool), _OBJECTS.filter(bool), st.randoms(use_true_random=False))
def test_new_keys_leave_every_old_byte_where_it_is(
    data: dict[str, Any], wishes: dict[str, Any], chance: Random
) -> None:
    text = Hand(chance).write(data)
    fresh = {key: wish for key, wish in wishes.items() if key not in data}
    merged = splice(text, fresh)
    last = read(text).members[-1].node.end
    assert merged.startswith(text[:last])
    assert merged.endswith(text[last:])


@settings(max_examples=300, deadline=None)
@given(_OBJECTS, st.randoms(use_true_random=False), st.data())
def test_any_damage_ends_in_the_sentence_or_in_json(data: dict[str, Any], chance: Random, draw: st.DataObject) -> None:
    """Whatever is cut out or put in: read by Python's parser and by ours, or by neither."""
    text = Hand(chance).write(data)
    at = draw.draw(st.integers(0, len(text)))
    damaged = (
        text[:at]
        + draw.draw(st.sampled_from(['"', ",", "}", "]", ":", "'", "#", "0", "\\", "x", "\n"]))
        + text[at + 1 :]
    )
    try:
        value = json.loads(damaged)
    except ValueError:
        value = None
    if isinstance(value, dict):
        assert json.loads(splice(damaged, {"zz": 1})) == {**value, "zz": 1}
    elif damaged.strip():
        with pytest.raises(DaemonJsonError, match=r"^line \d+, column \d+: "):
            splice(damaged, {"zz": 1})


# ---------------------------------------------------------------- as a program


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The file alone, as a host gets it."""
    return Path(shutil.copy(str(daemon_json.__file__), tmp_path / "merge.py"))


def run(program: Path, verb: str, wishes: Any, given_bytes: bytes, *more: str) -> subprocess.CompletedProcess[bytes]:
    wishes_file = program.with_name("wishes.json")
    wishes_file.write_text(wishes if isinstance(wishes, str) else json.dumps(wishes), encoding="utf-8")
    command = [sys.executable, "-I", str(program), verb, str(wishes_file), *more]
    return subprocess.run(command, input=given_bytes, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_the_program_keeps_the_encoding(program: Path, mark: bytes, encoding: str) -> None:
    done = run(program, "merge", {"icc": False}, mark + '{"labels": ["ort=K\u00f6ln"]}\r\n'.encode(encoding))
    assert done.returncode == 0, done.stderr
    assert done.stdout == mark + '{"labels": ["ort=K\u00f6ln"], "icc": false}\r\n'.encode(encoding)
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("given_bytes", "sentence"),
    [
        (b'{\n  "group": "K\xf6ln"\n}', b"daemon.json: line 2, column 14: the byte 0xf6 is not UTF-8"),
        (b'{"icc": true,}', b"daemon.json: line 1, column 13: no comma may follow"),
        ('{"icc": true}'.encode("utf-16-le"), b"NUL bytes"),
    ],
)
def test_the_program_says_one_sentence_and_prints_nothing(program: Path, given_bytes: bytes, sentence: bytes) -> None:
    done = run(program, "merge", {"icc": False}, given_bytes)
    assert done.returncode == 2
    assert done.stdout == b""
    assert sentence in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("wishes", ["[]", "{", '{"mtu": NaN}', '{"nope": 1}'])
def test_the_program_refuses_bad_wishes(program: Path, wishes: str) -> None:
    done = run(program, "merge", wishes, b"{}")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1


def test_the_program_checks_for_contradictions(program: Path) -> None:
    clash = run(program, "check", {"icc": False}, b'{"iptables": false, "icc": false}')
    assert clash.returncode == 2
    assert b"dockerd would not start: 'icc' false needs iptables" in clash.stderr
    assert run(program, "check", {"icc": False}, b'{"icc": false}').returncode == 0


def test_the_program_notes_flags_in_the_file(program: Path) -> None:
    done = run(program, "merge", {"icc": False}, b'{"host": ["fd://"]}')
    assert (done.returncode, done.stdout) == (0, b'{"host": ["fd://"], "icc": false}')
    assert b"its key is 'hosts'" in done.stderr


def test_the_program_runs_as_a_module_and_for_another_engine(tmp_path: Path) -> None:
    wishes = tmp_path / "wishes.json"
    wishes.write_text('{"icc": false}')
    command = [sys.executable, "-m", "components.daemon_json", "merge", str(wishes), "--engine", "29.1.0"]
    given_text = '{"firewall-backend": "nftables"}'
    root = Path(__file__).parents[3]
    done = subprocess.run(command, input=given_text, capture_output=True, text=True, check=False, cwd=root)
    assert (done.returncode, done.stdout) == (0, '{"firewall-backend": "nftables", "icc": false}')


def test_the_program_is_python_3_8_and_stands_alone() -> None:
    tree = ast.parse(Path(str(daemon_json.__file__)).read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported <= set(sys.stdlib_module_names)
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named = {keyword.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords}
    assert not called & {"removeprefix", "removesuffix", "pairwise", "batched", "bit_count"}
    assert "from __future__ import annotations" in ast.unparse(tree)
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "zip"] == []
    assert "slots" not in named
    assert "kw_only" not in named
