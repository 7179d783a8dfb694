"""Many edited versions at once answer what a literal loop of hooks over single whole sentences does."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
import torch

from neurosieve.errors import ModelError
from neurosieve.experiments.interventions.pairs import log_odds
from neurosieve.models.edits import Add, Edit, FromPaired, Resampled, Scale, SetTo
from neurosieve.models.huggingface import answers, layouts
from neurosieve.models.load import load_model

CAUSAL = ["gpt2", "llama", "opt", "gpt_neox"]
MASKED = ["bert", "roberta", "modernbert", "albert"]
TOLERANCE = 1e-5
"""Float32 rounding of logits of order 1 in batches of other shapes."""

PAIRS = [
    (["The", "cat", "sat", "on", "the", "mat", "."], ["The", "cat", "sat", "on", "the", "map", "."]),
    (["The", "cat", "sat", "on", "a", "mat", "."], ["The", "cat", "sat", "near", "a", "mat", "."]),
    (["The", "dog", "ran", "."], ["The", "dog", "run", "."]),
    (["She", "sells", "shells"], ["She", "sell", "shells"]),
]

MLP_IN = {
    "gpt2": lambda n, i: n.transformer.h[i].mlp.c_proj,
    "llama": lambda n, i: n.model.layers[i].mlp.down_proj,
    "qwen2": lambda n, i: n.model.layers[i].mlp.down_proj,
    "opt": lambda n, i: n.model.decoder.layers[i].fc2,
    "gpt_neox": lambda n, i: n.gpt_neox.layers[i].mlp.dense_4h_to_h,
    "bert": lambda n, i: n.bert.encoder.layer[i].output.dense,
    "roberta": lambda n, i: n.roberta.encoder.layer[i].output.dense,
    "modernbert": lambda n, i: n.model.layers[i].mlp.Wo,
}
"""The module that hidden units of a block enter, by the names that transformers gives: nothing of ours."""


def literal(name, model, asked, changes):
    """Logits of one text in one pass of its own, with a hook for each change of the hidden units of a block."""
    network = model._head.network

    def hook(neurons, new):
        def before(_, args):
            values = args[0].clone()
            values[..., neurons] = new(values[..., neurons])
            return (values, *args[1:])

        return before

    with ExitStack() as stack, torch.inference_mode():
        for block, neurons, new in changes:
            module = MLP_IN[name](network, block)
            stack.callback(module.register_forward_pre_hook(hook(neurons, new)).remove)
        logits = network(input_ids=torch.from_numpy(asked.ids)[None]).logits[0].float()
    return logits.log_softmax(-1)[asked.places, asked.tokens].numpy()


@pytest.mark.parametrize("name", [*CAUSAL, "bert", "roberta", "modernbert"])
def test_answers_are_those_of_literal_hooks(headed_model, name):
    model = load_model(headed_model(name), head=True)
    texts = [text for text in model.ask_texts([words for pair in PAIRS for words in pair]) if not isinstance(text, str)]
    variants = [
        [Edit("L1.mlp", [3, 7], SetTo(0.5)), Edit("L3.mlp", [1], Add(2.0))],
        [Edit("L2.mlp", [0, 9, 11], Scale(-1.5))],
        [],
        [Edit("L3.mlp", [4], SetTo(0.0))],
    ]
    changes = [
        [(0, [3, 7], lambda x: torch.full_like(x, 0.5)), (2, [1], lambda x: x + 2)],
        [(1, [0, 9, 11], lambda x: x * -1.5)],
        [],
        [(2, [4], torch.zeros_like)],
    ]
    found = model.answers(texts, variants)
    for text, answer in zip(texts, found, strict=True):
        np.testing.assert_allclose(answer[0], literal(name, model, text, []), atol=TOLERANCE)
        for row, change in zip(answer[1:], changes, strict=True):
            np.testing.assert_allclose(row, literal(name, model, text, change), atol=TOLERANCE)
        np.testing.assert_array_equal(answer[3], answer[0])  # an edit of nothing, to the bit


@pytest.mark.parametrize("name", CAUSAL)
def test_shortcuts_are_taken_where_they_can_be(headed_model, name):
    model = load_model(headed_model(name), head=True)
    model.answers(model.ask_texts([words for pair in PAIRS for words in pair]))
    assert model._answerer._way == answers._Way(tree=True, skip=True)


def test_a_network_whose_blocks_are_one_module_is_computed_whole(headed_model):
    model = load_model(headed_model("albert"), head=True)
    texts = model.ask_texts([good for good, _ in PAIRS])
    edit = [Edit("L2", [5], SetTo(1.0))]
    after = model.answers(texts, [edit])
    assert model._answerer._blocks is None
    edited = model.edited(edit).logits([good for good, _ in PAIRS])
    for text, answer, logits in zip(texts, after, edited, strict=True):
        expected = torch.from_numpy(logits.values).log_softmax(-1)[text.places, text.tokens]
        np.testing.assert_allclose(answer[1], expected, atol=TOLERANCE)


@pytest.mark.parametrize("site", ["residual", "mlp", "attention", "heads"])
@pytest.mark.parametrize("name", ["llama", "opt", "gpt2"])
@pytest.mark.parametrize(("words", "positions"), [(None, 1), ([-1], 1), ([0, 2], 4096)])
def test_answers_are_those_of_an_edited_model(headed_model, monkeypatch, name, site, words, positions):
    """Another way through our own code: one edited model after the other, whole sentences; here alone, and together."""
    monkeypatch.setattr(answers, "BATCH_POSITIONS", positions)
    model = load_model(headed_model(name), head=True)
    suffix = "" if site == "residual" else f".{site}"
    depths = range(4) if site == "residual" else range(1, 4)
    variants = [[Edit(f"L{depth}{suffix}", [2, 5], SetTo(0.7), words=words)] for depth in depths]
    sentences = [good for good, _ in PAIRS]
    texts = model.ask_texts(sentences)
    found = model.answers(texts, variants)
    for number, variant in enumerate(variants, start=1):
        for text, answer, logits in zip(texts, found, model.edited(variant).logits(sentences), strict=True):
            expected = torch.from_numpy(logits.values).log_softmax(-1)[text.places, text.tokens]
            np.testing.assert_allclose(answer[number], expected, atol=TOLERANCE)


def test_the_order_of_variants_and_the_size_of_batches_change_nothing(headed_model, monkeypatch):
    model = load_model(headed_model("llama"), head=True)
    texts = model.ask_texts([words for pair in PAIRS for words in pair])
    variants = [[Edit(f"L{depth}.mlp", [depth], SetTo(1.0))] for depth in (3, 1, 2, 3, 1)]
    whole = model.answers(texts, variants)
    monkeypatch.setattr(answers, "BATCH_POSITIONS", 20)
    monkeypatch.setattr(layouts, "TREE_POSITIONS", 12)
    for one, other in zip(whole, model.answers(texts, variants), strict=True):
        np.testing.assert_allclose(one, other, atol=TOLERANCE)


def test_divergence_is_that_of_the_whole_distribution(headed_model):
    model = load_model(headed_model("gpt2"), head=True)
    sentences = [good for good, _ in PAIRS]
    texts = model.ask_texts(sentences)
    edit = [Edit("L1", [3], Add(3.0))]
    found = model.answers(texts, [edit, []], measure="divergence")
    for text, answer, p, q in zip(
        texts, found, model.logits(sentences), model.edited(edit).logits(sentences), strict=True
    ):
        before, after = (torch.from_numpy(x.values).log_softmax(-1) for x in (p, q))
        expected = (before.exp() * (before - after)).sum(-1)[text.places]
        np.testing.assert_allclose(answer[1], expected, atol=TOLERANCE)
        np.testing.assert_array_equal(answer[2], 0)
        assert (answer[1] > 0).all()


def test_several_measures_come_from_one_pass(headed_model, monkeypatch):
    model = load_model(headed_model("llama"), head=True)
    texts = model.ask_texts([good for good, _ in PAIRS])
    variants = [[Edit("L1", [3], Add(3.0))], []]
    model.answers(texts)
    passes = []
    plain = answers.Answerer._pass
    monkeypatch.setattr(
        answers.Answerer, "_pass", lambda self, *given, **named: passes.append(1) or plain(self, *given, **named)
    )
    alone = {name: model.answers(texts, variants, measure=name) for name in answers.MEASURES}
    n_passes = len(passes)
    both = model.answers(texts, variants, measure=("divergence", "log_probability"))
    assert len(passes) == n_passes + n_passes // 3
    for one, of_divergence, of_logs in zip(both, alone["divergence"], alone["log_probability"], strict=True):
        np.testing.assert_array_equal(one, [of_divergence, of_logs])


@pytest.mark.parametrize("name", CAUSAL)
def test_pairs_are_cut_where_they_differ(headed_model, name):
    """The log-odds of the deciding sub-word are those in the whole sentences, good and bad, apart."""
    model = load_model(headed_model(name), head=True)
    for asked, (good, bad) in zip(model.ask_pairs(PAIRS), PAIRS, strict=True):
        (answer,) = model.answers([asked.good], measure="logit")
        one, other = model.logits([good, bad])
        at = len(asked.good.ids)
        first, second = (torch.from_numpy(x.values).log_softmax(-1)[at - 1, x.ids[at]] for x in (one, other))
        assert answer[0, 0] - answer[0, 1] == pytest.approx(float(first - second), abs=TOLERANCE)
        assert asked.good is asked.bad
        assert (one.ids[:at] == other.ids[:at]).all()
        assert one.ids[at] != other.ids[at]


def test_other_readings(headed_model):
    model = load_model(headed_model("gpt2"), head=True)
    pair = (["The", "cat", "had", "not", "ever", "run"], ["The", "cat", "had", "now", "ever", "run"])
    each = []
    for logits in model.logits(list(pair)):
        scores = torch.from_numpy(logits.values[:-1]).log_softmax(-1)[range(len(logits.ids) - 1), logits.ids[1:]]
        each.append((scores.numpy(), logits.ids))
    shared = next(n for n in range(1, 99) if each[0][1][-1 - n] != each[1][1][-1 - n])  # sub-words of the same end
    for reading, terms in (("sentence", [each[0][0], each[1][0]]), ("rest", [s[-shared:] for s, _ in each])):
        (asked,) = model.ask_pairs([pair], reading=reading)
        answer = model.answers([asked.good, asked.bad])
        odds = answer[0][0, asked.of_good].sum() - answer[1][0, asked.of_bad].sum()
        assert odds == pytest.approx(terms[0].sum() - terms[1].sum(), abs=1e-4)  # sums of a dozen terms


def test_masked_words_are_hidden(headed_model):
    model = load_model(headed_model("bert"), head=True)
    good, bad = ["The", "cat", "sat", "."], ["The", "dog", "sat", "."]
    (asked,) = model.ask_pairs([(good, bad)])
    answer = model.answers([asked.good, asked.bad])
    for number, (words, of) in enumerate(((good, asked.of_good), (bad, asked.of_bad))):
        (logits,) = model.logits([words], masked=[[1]])
        here = logits.words == 1
        expected = torch.from_numpy(logits.values).log_softmax(-1)[here, logits.ids[here]].sum()
        assert answer[number][0, of].sum() == pytest.approx(float(expected), abs=TOLERANCE)


def test_the_pseudo_log_likelihood_hides_every_sub_word_in_turn(headed_model):
    model = load_model(headed_model("bert"), head=True)
    pair = (["The", "cat", "was", "sitting", "."], ["The", "dogs", "was", "sitting", "."])
    network, mask = model._head.network, model._head.mask_id
    expected = []
    for words in pair:
        (plain,) = model.ask_texts([words])
        total = 0.0
        for place, token in zip(plain.places, plain.tokens, strict=True):
            ids = torch.from_numpy(plain.ids.copy())[None]
            ids[0, place] = mask
            with torch.inference_mode():
                total += float(network(input_ids=ids).logits[0, place].log_softmax(-1)[token])
        expected.append(total)
    (asked,) = model.ask_pairs([pair], reading="pseudo")
    assert log_odds(model, [asked])[0, 0] == pytest.approx(expected[0] - expected[1], abs=1e-4)


def test_values_come_from_the_paired_text(headed_model):
    model = load_model(headed_model("llama"), head=True)
    pair = (["The", "cat", "sat", "on"], ["The", "cat", "sat", "in"])
    (own,) = model.ask_pairs([pair], paired=[["The", "dog", "sat", "on"]])
    (other,) = model.ask_pairs([(["The", "dog", "sat", "on"], ["The", "dog", "sat", "in"])])
    assert len(own.good.ids) == len(other.good.ids)
    everything = [Edit("L1", None, FromPaired())]
    (found,) = model.answers([own.good], [everything], measure="logit")
    (expected,) = model.answers([other.good], measure="logit")
    np.testing.assert_allclose(found[1], expected[0], atol=TOLERANCE)
    assert np.abs(found[0] - expected[0]).max() > 1e-3
    with pytest.raises(ModelError, match="some texts have none"):
        model.answers([other.good], [everything])


def test_resampled_values_are_those_of_one_word(headed_model):
    pool = np.arange(12, dtype=np.float32).reshape(6, 2)
    values = torch.zeros((5, 2))
    drawn = Resampled(pool, seed=0)(values).numpy()
    assert (drawn[:, 1] - drawn[:, 0] == 1).all()
    np.testing.assert_array_equal(drawn, Resampled(pool, seed=0)(values))
    model = load_model(headed_model("llama"), head=True)
    texts = model.ask_texts([good for good, _ in PAIRS])
    found = model.answers(texts, [[Edit("L1", [3, 4], Resampled(pool, seed=0))]])
    assert all(np.abs(f[1] - f[0]).max() > 1e-4 for f in found)


def test_what_cannot_be_asked_is_said(tiny_model, headed_model):
    model = load_model(headed_model("gpt2"), head=True)
    asked = model.ask_pairs([(["a", "b"], ["a", "b"]), (["x"], ["y"]), ([], ["a"]), (["a", "b"], ["a", "b", "c"])])
    assert asked[0] == "its sentences do not differ"
    assert "differ at the first sub-word" in asked[1]
    assert asked[2] == "a sentence has no words"
    assert "begins with all of the other" in asked[3]
    with pytest.raises(ModelError, match="cannot read pairs as 'masked'; choose next or sentence or rest"):
        model.ask_pairs([], reading="masked")
    texts = model.ask_texts([["The", "cat"]])
    with pytest.raises(ModelError, match=r"no layer 'L9\.mlp'"):
        model.answers(texts, [[Edit("L9.mlp", [0], SetTo(0.0))]])
    with pytest.raises(ModelError, match=r"the edit of L1 gives logits that are not finite"):
        model.answers(texts, [[Edit("L1", [0], SetTo(float("nan")))]])
    with pytest.raises(ModelError, match="expected one of logit, log_probability, divergence"):
        model.answers(texts, measure="loss")
    with pytest.raises(ModelError, match="without its language-model head"):
        load_model(tiny_model("gpt2")).ask_pairs([])
    with pytest.raises(ModelError, match="seq2seq head"):
        load_model(headed_model("t5"), head=True).ask_texts([["a"]])
