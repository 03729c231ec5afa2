#!/usr/bin/env python3
"""Loads an exported model with `transformers`, without a network, and compares its logits with ours.

  check_transformers.py FOLDER --tokens TOKENS.json --logits LOGITS.bin
  check_transformers.py FOLDER                 loads and tokenises only
  check_transformers.py --example FOLDER       writes a folder with random weights: what an exporter has to write
  check_transformers.py --self-test

TOKENS.json is a list of token ids, or a list of such lists (each on its own, from position 0). LOGITS.bin holds f32,
little-endian: for each list, in order, a row of `vocab_size` logits for each token, or only the row after the last token.
They must agree to 1e-4 of max(1, |logit|). Ends with a RESULT line and exit code 0 or 1. Run it with the interpreter that
scripts/torch/setup installs.

What a folder needs, for a byte-level model of 256 tokens (offchain-worker/src/engine/export has each file; "{name}" with its quotes stands for the
JSON value of a field of `ModelSpec`):

model.safetensors
    Every parameter in f32 under its own name, and metadata {"format": "pt"}, without which old versions refuse to load. With a
    tied embedding there is no `lm_head.weight`. `Checkpoint::to_blob` makes just this.

config.json
    architectures, model_type      what AutoModel and AutoConfig choose the class by.
    vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads
    num_key_value_heads            equal to the heads: no grouped queries.
    head_dim                       width / heads.
    max_position_embeddings        the context.
    rms_norm_eps                   inside the root, as here. Write the decimal number that the specification has (1e-5):
                                   it becomes the same f32.
    rope_theta, rope_parameters    the same base twice: version 5 reads the second, version 4 and converters the first only.
    tie_word_embeddings            always write it: the class and its base class have different defaults.
    attention_bias, mlp_bias       false.
    bos_token_id, eos_token_id     0, which ends documents in packed streams, so it also stands before the first token of
                                   one. Always write them: the defaults are 1 and 2, bytes like any other.
    pad_token_id                   null: a padding index would cut off a token's gradient in further training.
    torch_dtype, dtype             float32, under the old and the new name.
    The rest repeats defaults, so that a later version's defaults cannot change the model.

generation_config.json
    bos_token_id, eos_token_id     0. pad_token_id: 0 as well, or each generation warns.

tokenizer.json
    BPE without merges over the 256 byte tokens, after a ByteLevel pre-tokeniser with `use_regex` and `add_prefix_space` false
    and before a ByteLevel decoder; no normaliser, no added tokens, no post-processor. ByteLevel writes byte b as one character:
    bytes 33 to 126, 161 to 172 and 174 to 255 as the character of that number, all others in rising order as the characters
    from 256 (byte 0 is U+0100, the space U+0120). The vocabulary maps these characters to b, so that a token's id is its byte.
    Any text comes back as it was. A sequence that is no UTF-8 decodes to replacement characters.

tokenizer_config.json
    tokenizer_class                PreTrainedTokenizerFast: it takes tokenizer.json as it is. Without it version 4 chooses a class
                                   by the model's type, which puts a token 256 before each text.
    bos_token, eos_token, …        null. A special token is looked for in the text by its characters, so naming byte 0's would
                                   turn every letter U+0100 of a text into the end of the document.
    model_max_length               the context.
    clean_up_tokenization_spaces   false: where it is true, decoding removes spaces before punctuation.
    model_input_names              without token_type_ids, which the model does not take.

Such folders load in versions 5.24 and 4.57. `transformers` computes angles in f32, we in f64: theirs are off by
some 1e-7 of the position, which shows in long contexts of models with large weights. RESULT says what remains with our angles.
"""

import argparse
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
# Before the imports, which read them.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TRANSFORMERS_VERBOSITY="error")
import numpy as np
import safetensors.torch
import torch
from transformers import AutoTokenizer, LlamaForCausalLM
from transformers.utils import logging

from model import Decoder, Shape

logging.disable_progress_bar()
TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../offchain-worker/src/engine/export")
TOLERANCE = 1e-4
# Several scripts, spaces before punctuation, the letters that stand for byte 0 and for a space in tokenizer.json, an end of a
# document, both line ends, a combining mark, everything of one byte and some of two.
TEXTS = ["mañana ✓", "", " a  b , c .", "नमस्ते दुनिया", "Āda Ġ", "x\x00y\r\n\tz", "é e\u0301 \U0001f600",
         "".join(map(chr, range(300)))]


def template(name, values):
    """A template with the fields filled in."""
    with open(os.path.join(TEMPLATES, name)) as file:
        text = file.read()
    for field, value in values.items():
        text = text.replace(f'"{{{field}}}"', json.dumps(value))
    return text


def write_folder(folder, shape, tensors):
    """Writes an exported model: `tensors` is {name: tensor}."""
    if shape.vocabulary != 256:
        raise ValueError("the tokeniser is one of bytes: vocabulary must be 256")
    # The shortest decimal number that is this f32.
    real = lambda value: float(str(np.float32(value)))
    fields = ["vocabulary", "width", "layers", "heads", "head_width", "feed_forward", "context", "tied_embedding"]
    values = {field: getattr(shape, field) for field in fields}
    values |= {field: real(getattr(shape, field)) for field in ("rope_base", "norm_epsilon")}
    os.makedirs(folder, exist_ok=True)
    for name in sorted(os.listdir(TEMPLATES)):
        with open(os.path.join(folder, name), "w") as file:
            file.write(template(name, values))
    safetensors.torch.save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})


def write_example_folder(folder, shape=Shape(256, 48, 2, 4, 80, 64), seed=1):
    """A folder with random weights, and the decoder that has them."""
    generator = torch.Generator().manual_seed(seed)
    values = [torch.randn(size, generator=generator) * (0.3 if len(size) == 2 else 0.1) + (len(size) == 1)
              for _, size in shape.parameters()]
    decoder = Decoder(shape).load(values)
    write_folder(folder, shape, {name: p.detach().contiguous() for name, p in decoder.named_parameters()})
    return decoder


def load(folder):
    """The model and its tokeniser; what is wrong with them, as a list of texts."""
    problems = []
    model, info = LlamaForCausalLM.from_pretrained(folder, output_loading_info=True, local_files_only=True)
    for kind, names in info.items():
        if names:
            problems.append(f"{kind}: {names}")
    if model.dtype != torch.float32:
        problems.append(f"the model was loaded as {model.dtype}")
    if model.generation_config.eos_token_id != 0:
        problems.append(f"generation ends at token {model.generation_config.eos_token_id}")
    tokeniser = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for text in TEXTS:
        found = tokeniser(text)
        if found["input_ids"] != list(text.encode()) or set(found) != {"input_ids", "attention_mask"}:
            problems.append(f"{text!r} is tokenised as {dict(found)}")
        for skip in (False, True):
            back = tokeniser.decode(found["input_ids"], skip_special_tokens=skip)
            if back != text:
                problems.append(f"{text!r} comes back as {back!r}")
    if len(tokeniser) != model.config.vocab_size:
        problems.append(f"the tokeniser has {len(tokeniser)} tokens, the model {model.config.vocab_size}")
    return model.eval(), tokeniser, problems


@torch.no_grad()
def theirs(model, tokens):
    """[len(tokens), vocabulary] of logits."""
    return model(torch.tensor([tokens])).logits[0].numpy()


def compare(model, lists, ours):
    """Largest difference relative to max(1, |logit|), number of rows; `ours` is flat."""
    vocabulary = model.config.vocab_size
    every, last = sum(map(len, lists)) * vocabulary, len(lists) * vocabulary
    if ours.size not in (every, last):
        sys.exit(f"check_transformers.py: {ours.size} logits, not {every} (all positions) or {last} (last positions)")
    if not np.isfinite(ours).all():
        sys.exit("check_transformers.py: our logits are not finite")
    expected = np.concatenate([theirs(model, tokens)[0 if ours.size == every else -1 :] for tokens in lists])
    ours = ours.reshape(-1, vocabulary)
    return float((np.abs(ours - expected) / np.maximum(1, np.abs(expected))).max()), len(ours)


class Positions(torch.nn.Module):
    """Our tables of angles, in place of the model's own."""

    def __init__(self, model):
        super().__init__()
        c = model.config
        shape = Shape(c.vocab_size, c.hidden_size, 1, c.num_attention_heads, 1, c.max_position_embeddings,
                      rope_base=c.rope_parameters["rope_theta"])
        stack = Decoder(shape).model
        self.cosines, self.sines = stack.cosines, stack.sines

    def forward(self, x, *_, **__):
        return self.cosines[None, : x.shape[1]], self.sines[None, : x.shape[1]]


def finish(problems, **fields):
    for problem in problems:
        print(f"check_transformers.py: {problem}", file=sys.stderr)
    print("RESULT " + " ".join(f"{name}={value}" for name, value in fields.items()) + f" problems={len(problems)}")
    sys.exit(bool(problems))


def gradients(loss, parameters):
    parameters = list(parameters)
    return [g.double() for g in torch.autograd.grad(loss, parameters)]


def self_test():
    problems, worst, worst_gradient = [], 0.0, 0.0
    shapes = [Shape(256, 48, 2, 4, 80, 64), Shape(256, 36, 3, 3, 50, 33, rope_base=500.0, tied_embedding=True)]
    for shape in shapes:
        with tempfile.TemporaryDirectory() as folder:
            decoder = write_example_folder(folder, shape)
            model, tokeniser, found = load(folder)
            problems += found
            config = model.config
            base, epsilon = config.rope_parameters["rope_theta"], config.rms_norm_eps
            if base != shape.rope_base or np.float32(epsilon) != np.float32(shape.norm_epsilon):
                problems.append(f"base {base} and epsilon {epsilon} are not the shape's")
            parameters = dict(model.named_parameters())
            if {name: tuple(p.shape) for name, p in parameters.items()} != dict(shape.parameters()):
                problems.append("the parameters have other names or shapes")
                continue
            lists = [list("¿Qué tal, mañana?".encode()), [0], list(np.random.default_rng(1).integers(0, 256, shape.context))]
            lists = [list(map(int, tokens)) for tokens in lists]
            with torch.no_grad():
                ours = [decoder(torch.tensor([tokens]))[0].numpy() for tokens in lists]
            worst = max(worst, compare(model, lists, np.concatenate(ours).ravel())[0])
            worst = max(worst, compare(model, lists, np.concatenate([rows[-1] for rows in ours]))[0])
            # A wrong logit must be seen.
            bad = np.concatenate(ours).ravel()
            bad[7] += 1e-3 * max(1, abs(bad[7]))
            if compare(model, lists, bad)[0] <= TOLERANCE:
                problems.append("a wrong logit was not noticed")
            # Another implementation's gradients: `transformers` against our definition in double precision.
            double = Decoder(shape, torch.float64).load([p.detach().double() for p in decoder.parameters()])
            tokens = torch.tensor([lists[2]])
            reference = gradients(double.loss(tokens[:, :-1], tokens[:, 1:]), double.parameters())
            other = gradients(model(tokens, labels=tokens).loss, (parameters[name] for name, _ in shape.parameters()))
            worst_gradient = max([worst_gradient, *(float((a - b).norm() / b.norm()) for a, b in zip(other, reference))])
            out = model.generate(**tokeniser("a", return_tensors="pt"), max_new_tokens=3, do_sample=False)
            if out.shape[1] < 2:
                problems.append("nothing was generated")
    problems += [f"logits differ by {worst:.1e}"] * (worst > TOLERANCE)
    problems += [f"gradients differ by {worst_gradient:.1e}"] * (worst_gradient > TOLERANCE)
    finish(problems, shapes=len(shapes), logits=f"{worst:.1e}", gradients=f"{worst_gradient:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", metavar="FOLDER")
    parser.add_argument("--tokens", metavar="FILE")
    parser.add_argument("--logits", metavar="FILE")
    parser.add_argument("--example", metavar="FOLDER", help="write an example of a folder")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
    if options.example:
        write_example_folder(options.example)
        return
    if not options.folder or bool(options.tokens) != bool(options.logits):
        parser.error("a FOLDER is needed, and --tokens and --logits go together")
    if not os.path.isdir(options.folder):
        sys.exit(f"check_transformers.py: {options.folder} is not a folder")
    model, _, problems = load(options.folder)
    if not options.tokens:
        finish(problems, loaded="yes", parameters=sum(p.numel() for p in model.parameters()))
    with open(options.tokens) as file:
        lists = json.load(file)
    lists = lists if lists and isinstance(lists[0], list) else [lists]
    difference, rows = compare(model, lists, np.fromfile(options.logits, dtype="<f4"))
    problems += [f"logits differ by {difference:.1e} of max(1, |logit|)"] * (difference > TOLERANCE)
    # How much of it their way of computing angles explains: a remark, not the criterion.
    model.model.rotary_emb = Positions(model)
    same, _ = compare(model, lists, np.fromfile(options.logits, dtype="<f4"))
    finish(problems, rows=rows, difference=f"{difference:.1e}", with_our_positions=f"{same:.1e}")


if __name__ == "__main__":
    main()
