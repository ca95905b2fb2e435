"""A byte-level BPE tokenizer trained on the model's own text, with Mistral's control tokens and chat."""

import json
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from toolchain.tiny_model.text import ANSWER, CORPUS

VOCABULARY_SIZE = 896  # as much as the text fills, in whole blocks of 64
UNKNOWN, BEGIN, END, INSTRUCTION, END_INSTRUCTION = "<unk>", "<s>", "</s>", "[INST]", "[/INST]"
CONTROL_TOKENS = (UNKNOWN, BEGIN, END, INSTRUCTION, END_INSTRUCTION)  # ids 0 to 4, as in Mistral v3

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- set system = namespace(text='') -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{%- set system.text = message['content'] + '\\n\\n' -%}
{%- elif message['role'] == 'user' -%}
{{- '[INST] ' + (system.text if loop.last else '') + message['content'] + '[/INST]' -}}
{%- elif message['role'] == 'assistant' -%}
{{- message['content'] + eos_token -}}
{%- else -%}
{{- raise_exception('a message has the role system, user or assistant, not ' + message['role']) -}}
{%- endif -%}
{%- endfor -%}
"""


def train() -> Tokenizer:
    """Train the tokenizer; the same text and library version give the same tokenizer, byte for byte.

    Raises ValueError where the text is too short to fill the vocabulary.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=1,
        show_progress=False,
    )
    # The answer many times over: its words must become whole tokens before rarer ones use up the vocabulary.
    tokenizer.train_from_iterator([ANSWER] * 100 + [CORPUS], trainer=trainer)
    size = tokenizer.get_vocab_size()
    if size != VOCABULARY_SIZE:
        raise ValueError(f"CORPUS yields {size} tokens, the model has {VOCABULARY_SIZE}: lengthen it")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A $B", special_tokens=[(BEGIN, CONTROL_TOKENS.index(BEGIN))]
    )
    return tokenizer


def settings(max_tokens: int) -> dict[str, Any]:
    """tokenizer_config.json: what the serving side needs beside tokenizer.json."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "pad_token": END,
        "clean_up_tokenization_spaces": False,
        "model_max_length": max_tokens,
        "chat_template": CHAT_TEMPLATE,
    }


def canonical_json(tokenizer: Tokenizer) -> str:
    """tokenizer.json with a fixed layout, whatever the library's own printing does."""
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=1) + "\n"
