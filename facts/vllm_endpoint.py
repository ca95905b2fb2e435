"""The server as a client sees it, over HTTP from wherever this runs."""

import json
import urllib.request
from functools import cached_property
from typing import Any
from urllib.error import HTTPError

from prometheus_client.parser import text_string_to_metric_families

_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class VllmEndpoint:
    """One vLLM server by its URL; `api_key` is sent along where the server asks for one.

    Example: `VllmEndpoint("http://127.0.0.1:8000").cache_config["kv_cache_size_tokens"] == "131072"`
    """

    def __init__(self, url: str, api_key: str = "", timeout_s: float = 30) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_s = timeout_s

    def _get(self, path: str) -> str:
        request = urllib.request.Request(self.url + path, headers=self._headers)  # noqa: S310 - the endpoint's own
        with _OPEN(request, timeout=self._timeout_s) as answer:
            return str(answer.read().decode())

    def status(self, path: str) -> int:
        """The HTTP status of a GET; OSError where nothing answers."""
        try:
            self._get(path)
        except HTTPError as error:
            return error.code
        return 200

    @property
    def is_healthy(self) -> bool:
        """Whether /health answers 200; OSError where nothing answers."""
        try:
            with _OPEN(self.url + "/health", timeout=self._timeout_s) as answer:
                return bool(answer.status == 200)
        except HTTPError:
            return False

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        """/v1/models by id."""
        return {entry["id"]: entry for entry in json.loads(self._get("/v1/models"))["data"]}

    @cached_property
    def version(self) -> str:
        """What /version says, without a build suffix such as '+cpu'."""
        return str(json.loads(self._get("/version"))["version"]).split("+", 1)[0]

    @cached_property
    def cache_config(self) -> dict[str, str]:
        """Labels of `vllm:cache_config_info`: the numbers the engine runs on.

        AssertionError where the server exports no such metric (`--disable-log-stats` removes them all).
        """
        for family in text_string_to_metric_families(self._get("/metrics")):
            if family.name == "vllm:cache_config_info":
                return dict(family.samples[0].labels)
        raise AssertionError("the server exports no vllm:cache_config_info; is --disable-log-stats set?")

    def complete(self, prompt: str, max_tokens: int = 16) -> str:
        """A chat completion's text from the first model served."""
        body = {
            "model": next(iter(self.models)),
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        request = urllib.request.Request(  # noqa: S310 - the scheme is the endpoint's own
            self.url + "/v1/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self._headers},
        )
        with _OPEN(request, timeout=self._timeout_s) as answer:
            return str(json.load(answer)["choices"][0]["message"]["content"])
