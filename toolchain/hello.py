"""Ask each host of the selected stack one question, and show its URL, its answer and its plan.

Usage: hello.py OUTPUTS_FILE, where the file (or - for standard input) is what `pulumi stack output --json`
prints. A server that asks for an API key gets the one in GPUHOST_API_KEY. Exits with 1 if a host does not answer
with text.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import requests

QUESTION = "Who are you?"
MAX_TOKENS = 32
TIMEOUT_S = 120  # a CPU that serves its first request compiles on the way


def ask(endpoint: str, model: str) -> str:
    """The model's answer to one chat request; raises ``requests.RequestException`` if there is none."""
    response = requests.post(
        f"{endpoint}/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}"} if (key := os.environ.get("GPUHOST_API_KEY")) else {},
        json={
            "model": model,
            "messages": [{"role": "user", "content": QUESTION}],
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
        },
        timeout=TIMEOUT_S,
    )
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"])


def show_plan(plan: dict[str, Any]) -> None:
    """One line for each planned value: name, value with unit, reason."""
    for name, sized in plan.items():
        if isinstance(sized, dict) and "value" in sized:
            value = f"{sized['value']} {sized.get('unit') or ''}".strip()
            print(f"    {name:<28} {value:<20} {sized.get('reason', '')}")


def show(name: str, host: dict[str, Any]) -> bool:
    """Print one host; true if it answered."""
    endpoint, model = host["endpoint"], host["model"]
    print(f"{name}: {endpoint}")
    show_plan(host.get("plan", {}))
    try:
        answer = ask(endpoint, model)
    except requests.RequestException as error:
        print(f"    no answer: {error}")
        return False
    print(f"    {model} is asked {QUESTION!r} and says: {answer!r}")
    return bool(answer.strip())


def main(source: str) -> int:
    text = sys.stdin.read() if source == "-" else Path(source).read_text()
    hosts: dict[str, dict[str, Any]] = json.loads(text)["hosts"]
    answered = [show(name, host) for name, host in hosts.items()]
    return 0 if all(answered) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
