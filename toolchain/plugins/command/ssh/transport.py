"""A paramiko transport that keeps what its own loses.

paramiko closes a channel when any request on it is refused, forgets the order between stdout and stderr, drops
exit signals and the server's words when a channel is refused. Each is needed for the official plugin's behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any
from weakref import WeakKeyDictionary

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_REQUEST,
    cMSG_CHANNEL_REQUEST,
)

from toolchain.plugins.command.protocol.output import Stream

_REFUSALS = {
    1: "administratively prohibited",
    2: "connect failed",
    3: "unknown channel type",
    4: "resource shortage",
}


@dataclass
class Observed:
    """What a channel's server sent, in order: (stream, bytes) for output, None for its end."""

    arrivals: SimpleQueue[tuple[Stream, int] | None] = field(default_factory=SimpleQueue)
    signal: str = ""
    signal_message: str = ""
    refused: bool = False


class ChannelRefusedError(paramiko.ChannelException):
    """A channel that the server did not open, with its own words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(code, words)
        self.text = f"ssh: rejected: {_REFUSALS.get(code, f'unknown reason {code}')} ({words})"


class ObservingTransport(paramiko.Transport):
    """Records what arrives on each channel before paramiko handles it."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.observed: WeakKeyDictionary[paramiko.Channel, Observed] = WeakKeyDictionary()
        self.refusals: dict[int, ChannelRefusedError] = {}
        self.jump: paramiko.Transport | None = None
        self._handler_table: dict[int, Any]
        self._handler_table[MSG_CHANNEL_OPEN_FAILURE] = self._open_refused
        self._channel_handler_table = {
            **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
            MSG_CHANNEL_DATA: self._data,
            MSG_CHANNEL_EXTENDED_DATA: self._extended_data,
            MSG_CHANNEL_FAILURE: self._request_refused,
            MSG_CHANNEL_REQUEST: self._request,
            MSG_CHANNEL_EOF: self._eof,
            MSG_CHANNEL_CLOSE: self._close,
        }

    def observe(self, channel: paramiko.Channel) -> Observed:
        """Begins to record a channel; before its first request."""
        return self.observed.setdefault(channel, Observed())

    def _seen(self, channel: paramiko.Channel) -> Observed:
        return self.observed.get(channel) or Observed()

    def _data(self, channel: Any, message: paramiko.Message) -> None:
        chunk = message.get_binary()
        channel._feed(chunk)
        self._seen(channel).arrivals.put(("stdout", len(chunk)))

    def _extended_data(self, channel: Any, message: paramiko.Message) -> None:
        start = message.packet.tell()
        kind, chunk = message.get_int(), message.get_binary()
        message.packet.seek(start)
        channel._feed_extended(message)
        if kind == 1:
            self._seen(channel).arrivals.put(("stderr", len(chunk)))

    def _request_refused(self, channel: Any, message: paramiko.Message) -> None:
        if channel not in self.observed:
            channel._request_failed(message)
            return
        self._seen(channel).refused = True
        channel._request_success(message)

    def _request(self, channel: Any, message: paramiko.Message) -> None:
        start = message.packet.tell()
        if message.get_text() == "exit-signal":
            message.get_boolean()
            seen = self._seen(channel)
            seen.signal = message.get_text()
            message.get_boolean()
            seen.signal_message = message.get_text()
        message.packet.seek(start)
        channel._handle_request(message)

    def _eof(self, channel: Any, message: paramiko.Message) -> None:
        channel._handle_eof(message)
        self._seen(channel).arrivals.put(None)

    def _close(self, channel: Any, message: paramiko.Message) -> None:
        channel._handle_close(message)
        self._seen(channel).arrivals.put(None)

    def _open_refused(self, message: paramiko.Message) -> None:
        start = message.packet.tell()
        number, code, words = message.get_int(), message.get_int(), message.get_text()
        self.refusals[number] = ChannelRefusedError(code, words)
        message.packet.seek(start)
        self._parse_channel_open_failure(message)  # type: ignore[attr-defined]

    def refusal(self, error: paramiko.ChannelException) -> ChannelRefusedError:
        """The server's own words for a refusal that paramiko raised."""
        for number, refusal in list(self.refusals.items()):
            if refusal.code == error.code:
                return self.refusals.pop(number)
        return ChannelRefusedError(error.code, str(error))

    def ask(self, channel: Any, request: str, *strings: str) -> bool:
        """Sends a channel request and waits for the answer: whether the server granted it."""
        seen = self.observe(channel)
        seen.refused = False
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string(request)
        message.add_boolean(True)
        for text in strings:
            message.add_string(text)
        channel._event_pending()
        self._send_user_message(message)  # type: ignore[attr-defined]
        channel._wait_for_event()
        return not seen.refused
