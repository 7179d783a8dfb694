"""Small random models of many architectures, with tokenizers trained here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, and he doesn't mind at all!
In 1998, about 3,500 people lived in the old town; today there are fewer. "Why," asked the teacher, "did you run?"
It was a bright cold day in April, and the clocks were striking thirteen. Unbelievable, uncharacteristically so.
Naïve café owners charge £5 for a croissant. Stop! The cat sat on the mat. I can't, won't, and shouldn't go there.
We light the light lamp and run the long run, that is, the run that that man ran. Please read the instructions first.
Mix two cups of flour with a spoon of salt; let it rest, then bake it at 200 degrees until it is golden brown.
Scientists have found that the river's water level rises each spring, when snow melts in the mountains to the north.
""".splitlines()

SENTENCES: list[list[str]] = [
    ["The", "cat", "sat", "."],
    ["Unbelievable", ",", "uncharacteristically", "so", "!"],
    ["£5", "for", "a", "naïve", "café", "owner", "?", "I", "ca", "n't", "."],
    ["Yes"],
    ["In", "1998", ",", "3,500", "people", "ran", "to", "the", "river", "'s", "old", "town", ";", "why", "?", '"'],
    ["New York", "has", "\u2603", "snow", "(", "mountains", ")", "zzzqqq"],
]
"""Of different lengths, with punctuation, accents, a word with a blank, an unknown sign and long words."""


def _train_wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _train_byte_bpe(*, single: str = "$A") -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=single, special_tokens=[("<s>", 0), ("</s>", 2)]),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _train_unigram(*, single: str = "$A </s>") -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>", "<sep>", "<cls>", "<s>"]
    trainer = trainers.UnigramTrainer(vocab_size=250, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[(name, special.index(name)) for name in ("</s>", "<sep>", "<cls>", "<s>")]
    )
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


TOKENIZERS: dict[str, Callable[[], tuple[Tokenizer, dict[str, Any]]]] = {
    "wordpiece": lambda: (
        _train_wordpiece(),
        {
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        },
    ),
    "roberta": lambda: (
        _train_byte_bpe(single="<s> $A </s>"),
        {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>"},
    ),
    "byte-bpe": lambda: (_train_byte_bpe(), {"eos_token": "</s>"}),  # neither padding nor a maximum length
    "unigram": lambda: (_train_unigram(), {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"}),
    "unigram-bos": lambda: (
        _train_unigram(single="<s> $A"),
        {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    ),
    "xlnet": lambda: (
        _train_unigram(single="$A:0 <sep>:0 <cls>:2"),
        {
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "cls_token": "<cls>",
            "sep_token": "<sep>",
            "padding_side": "left",
        },
    ),
}
"""By name: a trained tokenizer, and the special tokens that its wrapper is told of."""


@pytest.fixture(scope="session")
def make_tokenizer() -> Callable[[str], Any]:
    """Make a transformers tokenizer by its name in `TOKENIZERS`; trained once."""
    from transformers import PreTrainedTokenizerFast

    made: dict[str, Any] = {}

    def make(kind: str, **options: Any) -> Any:
        if kind not in made:
            made[kind] = TOKENIZERS[kind]()
        rules, special = made[kind]
        return PreTrainedTokenizerFast(tokenizer_object=rules, **{**special, **options})

    return make


SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
NO_TYPES = {"model_input_names": ["input_ids", "attention_mask"]}
ENDS = {"bos_token_id": 2, "eos_token_id": 2}
T5_IDS = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}

ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "bert": ("BertConfig", "wordpiece", {**SMALL, "max_position_embeddings": 64}, {"model_max_length": 64}),
    "distilbert": (
        "DistilBertConfig",
        "wordpiece",
        {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": 64},
        NO_TYPES,
    ),
    "albert": ("AlbertConfig", "wordpiece", {**SMALL, "embedding_size": 16, "max_position_embeddings": 64}, {}),
    "electra": ("ElectraConfig", "wordpiece", {**SMALL, "embedding_size": 16, "max_position_embeddings": 64}, {}),
    "deberta-v2": (
        "DebertaV2Config",
        "wordpiece",
        {
            **SMALL,
            "max_position_embeddings": 64,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 16,
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
        {},
    ),
    "mpnet": ("MPNetConfig", "roberta", {**SMALL, "max_position_embeddings": 66, "pad_token_id": 1}, NO_TYPES),
    "modernbert": (
        "ModernBertConfig",
        "roberta",
        {
            **SMALL,
            "max_position_embeddings": 64,
            "pad_token_id": 1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "cls_token_id": 0,
            "sep_token_id": 2,
            "local_attention": 8,
            "global_attn_every_n_layers": 2,
        },
        NO_TYPES,
    ),
    "roberta": (
        "RobertaConfig",
        "roberta",
        {**SMALL, "max_position_embeddings": 66, "pad_token_id": 1, "type_vocab_size": 1},
        NO_TYPES,
    ),
    "xlnet": (
        "XLNetConfig",
        "xlnet",
        {"d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 48, "pad_token_id": 0},
        {"pad_token_type_id": 3},
    ),
    "gpt2": (
        "GPT2Config",
        "byte-bpe",
        {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64, **ENDS},
        NO_TYPES,
    ),
    "gpt_neox": ("GPTNeoXConfig", "byte-bpe", {**SMALL, "max_position_embeddings": 64, **ENDS}, NO_TYPES),
    "llama": (
        "LlamaConfig",
        "unigram-bos",
        {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 64, "bos_token_id": 5, "eos_token_id": 1},
        NO_TYPES,
    ),
    "qwen2": ("Qwen2Config", "byte-bpe", {**SMALL, "num_key_value_heads": 2, **ENDS}, NO_TYPES),
    "qwen3": ("Qwen3Config", "byte-bpe", {**SMALL, "num_key_value_heads": 2, "head_dim": 8, **ENDS}, NO_TYPES),
    "opt": (
        "OPTConfig",
        "byte-bpe",
        {
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "ffn_dim": 48,
            "max_position_embeddings": 64,
            "word_embed_proj_dim": 32,
            "pad_token_id": 1,
            **ENDS,
        },
        NO_TYPES,
    ),
    "t5": (
        "T5Config",
        "unigram",
        {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 3, "num_decoder_layers": 2, "num_heads": 4, **T5_IDS},
        NO_TYPES,
    ),
    "bart": (
        "BartConfig",
        "roberta",
        {
            "d_model": 32,
            "encoder_layers": 3,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 48,
            "decoder_ffn_dim": 40,
            "max_position_embeddings": 64,
            "decoder_start_token_id": 2,
        },
        NO_TYPES,
    ),
}
"""By name: configuration class, tokenizer, options of the configuration, options of the tokenizer's wrapper."""


def _make(name: str, class_name: str, folder: Path, make_tokenizer: Callable[..., Any]) -> Path:
    """Save a small random model of one of transformers' automatic classes, no parameter constant."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    config_class, kind, options, wrapper = ARCHITECTURES[name]
    tokenizer = make_tokenizer(kind, **wrapper)
    config = getattr(transformers, config_class)(vocab_size=len(tokenizer), **options)
    torch.manual_seed(0)
    network = getattr(transformers, class_name).from_config(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, make_tokenizer: Callable[..., Any]) -> Callable[[str], Path]:
    """Folder of a small random model by its name in `ARCHITECTURES`; made once, no parameter constant."""
    return cache(lambda name: _make(name, "AutoModel", tmp_path_factory.mktemp(name), make_tokenizer))


HEADS = {
    **dict.fromkeys(("bert", "distilbert", "albert", "deberta-v2", "modernbert", "roberta"), "AutoModelForMaskedLM"),
    **dict.fromkeys(("gpt2", "gpt_neox", "llama", "opt", "xlnet"), "AutoModelForCausalLM"),
    **dict.fromkeys(("t5", "bart"), "AutoModelForSeq2SeqLM"),
}


@pytest.fixture(scope="session")
def headed_model(tmp_path_factory: pytest.TempPathFactory, make_tokenizer: Callable[..., Any]) -> Callable[[str], Path]:
    """As `tiny_model`, with a language-model head, by its name in `HEADS`."""
    return cache(lambda name: _make(name, HEADS[name], tmp_path_factory.mktemp(f"{name}-lm"), make_tokenizer))


@pytest.fixture(scope="session")
def sentences() -> list[list[str]]:
    return SENTENCES


@cache
def by_transformers(folder):
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def sub_words_of(tokenizer, words):
    """Input, and for each word with sub-words their positions, by the offsets of the model's own tokenizer."""
    encoded = tokenizer(
        " ".join(words), return_tensors="pt", return_offsets_mapping=True, return_special_tokens_mask=True
    )
    offsets = encoded.pop("offset_mapping")[0].tolist()
    special = encoded.pop("special_tokens_mask")[0].tolist()
    blank = [token in ("▁", "Ġ") for token in tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])]
    start, found = 0, []
    for word in words:
        end = start + len(word)
        inside = [
            k for k, (a, b) in enumerate(offsets) if not special[k] and not blank[k] and max(a, start) < min(b, end)
        ]
        start = end + 1
        if inside:
            found.append(inside)
    return encoded, found


def forward_one(folder, words, pooling="last"):
    """Vectors of one sentence by transformers alone: its own tokenizer, one forward pass; one array a layer."""
    tokenizer, network = by_transformers(folder)
    encoded, positions = sub_words_of(tokenizer, words)
    if network.config.is_encoder_decoder:
        ids = encoded["input_ids"]
        start = torch.tensor([[network.config.decoder_start_token_id]])
        encoded["decoder_input_ids"] = torch.cat([start, ids[:, :-1]], dim=1)  # shifted right
    with torch.no_grad():
        out = network(**encoded, output_hidden_states=True)
    if network.config.is_encoder_decoder:  # the decoder reads a sub-word one position later than the encoder
        states = [*out.encoder_hidden_states, *(state[:, 1:] for state in out.decoder_hidden_states)]
    else:
        states = out.hidden_states
    pick = {"last": lambda inside: inside[-1:], "first": lambda inside: inside[:1], "mean": list}[pooling]
    return [np.array([state[0, pick(inside)].mean(0).numpy() for inside in positions]) for state in states]


@pytest.fixture(scope="session")
def plain_forward():
    """`forward_one`, with which every family is compared."""
    return forward_one
