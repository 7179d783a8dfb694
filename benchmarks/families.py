"""Random models of every family, of about one shape: width 384, 6 layers, inner width 1,536, 30,522 sub-words.

They are made of a configuration and the small real model's tokenizer, without weights (those are drawn when the model is
loaded), so that the Hugging Face families read the same sub-words; but Qwen2 is always read by byte-level rules, so its
tokenizer is trained on the corpus. Both kinds of ELMo are built in memory.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import data
import neurosieve as ns

WIDTH, LAYERS, HEADS, INNER = 384, 6, 12, 1536
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": 512,
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
USUAL = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "max_position_embeddings": 514,  # room for 512 where the first two are reserved
}
ENDS = {"pad_token_id": 0, "bos_token_id": 101, "eos_token_id": 102}
GATED = {**USUAL, "num_key_value_heads": HEADS, **ENDS}

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "BERT": ("BertConfig", USUAL),
    "RoBERTa": ("RobertaConfig", {**USUAL, **ENDS, "type_vocab_size": 1}),
    "DistilBERT": (
        "DistilBertConfig",
        {"dim": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": INNER, "max_position_embeddings": 512},
    ),
    "ALBERT": ("AlbertConfig", {**USUAL, "embedding_size": 128}),
    "ELECTRA": ("ElectraConfig", {**USUAL, "embedding_size": 128}),
    "DeBERTa-v2": (
        "DebertaV2Config",
        {
            **USUAL,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 256,
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
    ),
    "MPNet": ("MPNetConfig", {**USUAL, "pad_token_id": 0}),
    "ModernBERT": ("ModernBertConfig", {**USUAL, **ENDS, "cls_token_id": 101, "sep_token_id": 102}),
    "XLNet": (
        "XLNetConfig",
        {"d_model": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "d_inner": INNER, "pad_token_id": 0},
    ),
    "GPT-2": ("GPT2Config", {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, **ENDS}),
    "GPT-NeoX": ("GPTNeoXConfig", {**USUAL, **ENDS}),
    "Llama": ("LlamaConfig", GATED),
    "Qwen2": ("Qwen2Config", GATED),
    "OPT": (
        "OPTConfig",
        {
            "hidden_size": WIDTH,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "ffn_dim": INNER,
            "word_embed_proj_dim": WIDTH,
            "max_position_embeddings": 512,
            **ENDS,
        },
    ),
    "T5": (
        "T5Config",
        {
            "d_model": WIDTH,
            "d_kv": WIDTH // HEADS,
            "d_ff": INNER,
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "decoder_start_token_id": 0,
            **ENDS,
        },
    ),
    "BART": (
        "BartConfig",
        {
            "d_model": WIDTH,
            "encoder_layers": LAYERS,
            "decoder_layers": LAYERS,
            "encoder_attention_heads": HEADS,
            "decoder_attention_heads": HEADS,
            "encoder_ffn_dim": INNER,
            "decoder_ffn_dim": INNER,
            "max_position_embeddings": 512,
            "decoder_start_token_id": 102,
            **ENDS,
        },
    ),
}
"""For each family the class of its configuration and what differs from its defaults. T5 and BART have 6 layers on each side."""

ELMOS = ("ELMo", "transformer-ELMo")
RELEASED_FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))


def load(family: str) -> ns.LanguageModel:
    """A model of random weights of one of `FAMILIES` or `ELMOS`."""
    if family in ELMOS:
        return _elmo(family)
    import transformers

    source, folder = data.model_folder(), data.WORK / "families" / family
    if source is None:
        raise SystemExit(f"the package {data.MODEL_PACKAGE} is not installed; run `make setup`")
    folder.mkdir(parents=True, exist_ok=True)
    if family == "Qwen2":
        _train_byte_level().save_pretrained(folder)
    else:
        shutil.copy(source / "tokenizer.json", folder / "tokenizer.json")
        (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER), encoding="utf-8")
    config_class, options = FAMILIES[family]
    getattr(transformers, config_class)(vocab_size=30_522, **options).save_pretrained(folder)
    return ns.load_model(Path(folder), untrained=0)


def _train_byte_level() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    rules = Tokenizer(models.BPE())
    rules.pre_tokenizer, rules.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=30_522, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    text = (" ".join(sentence.words) for sentence in data.corpus().split("train").sentences)
    rules.train_from_iterator(text, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=rules, eos_token="<|endoftext|>", pad_token="<|endoftext|>")


def _elmo(family: str) -> ns.LanguageModel:
    """The character network as released; each direction has half of the width, the LSTM two layers of 1,536 cells."""
    from neurosieve.models.elmo.characters import CharacterOptions
    from neurosieve.models.elmo.loading import draw_afresh
    from neurosieve.models.elmo.lstm import ElmoNetwork
    from neurosieve.models.elmo.model import CharacterModel
    from neurosieve.models.elmo.transformer import MAX_POSITIONS, TransformerElmoNetwork
    from neurosieve.models.language_model import ModelInfo
    from neurosieve.models.options import CPU_BATCH_TOKENS

    characters = CharacterOptions(16, RELEASED_FILTERS, n_highway=2, projection=WIDTH // 2)
    network: ElmoNetwork | TransformerElmoNetwork
    if family == "ELMo":
        network = ElmoNetwork(characters, n_layers=2, n_cells=INNER, skip=True, cell_clip=3.0, projection_clip=3.0)
    else:
        network = TransformerElmoNetwork(characters, n_hidden=INNER, n_layers=LAYERS)
    draw_afresh(network, seed=0)
    return CharacterModel(
        info=ModelInfo(family, family, type(network).__name__, "", ""),
        network=network.eval(),
        window=None if family == "ELMo" else MAX_POSITIONS,
        batch_tokens=CPU_BATCH_TOKENS,
    )
