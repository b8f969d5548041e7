"""Golden numbers for crates/lang: tokenizer and chat templates against Hugging Face.

    oracle/setup.sh                                     # once: makes oracle/.venv
    oracle/.venv/bin/python oracle/tokenizer.py golden  # writes crates/lang/tests/data/tokenizer_golden.json
    oracle/.venv/bin/python oracle/tokenizer.py compare DIR TEXT...

`compare` reads a tokenizer folder written by this project, loads it with tokenizers and transformers, trains Hugging
Face's BpeTrainer on the TEXT files (each line a text, as the folder must have been) and says whether vocabulary and
merges are equal.
"""

import hashlib
import json
import pathlib
import random
import sys

import tokenizers
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/lang/tests/data/tokenizer_golden.json"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
START = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
END = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {"single_digits": START + r"\p{N}" + END, "digit_triples": START + r"\p{N}{1,3}" + END}
HAN = r"\p{Han}"

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Written for this test: trimming, raised exceptions, named tokens, methods of Python texts, blocks on their own lines.
TRIMMING = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set opening = messages[0]['content'].strip() + '\\n\\n' %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set opening = '' %}
    {%- set turns = messages %}
{%- endif %}
{%- for message in turns %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate') }}
    {%- endif %}
    {%- if loop.first and opening %}{{ '<|im_start|>system\\n' + opening + '<|im_end|>' }}{% endif %}
    {{- '<|im_start|>' + message.role.upper() + ':\\n' }}
    {{- message.content | trim }} <|im_end|>
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>ASSISTANT:
{% endif %}
"""

TEXTS = [
    "The small boat crossed the wide river before the storm came down from the hills.",
    "She said that the harbour wasn't far, and that they'd reach it before the evening bells.",
    "We'll count the lanterns: 1, 2, 3, 10, 200, 3000. There are more lanterns than boats.",
    "A miller, a baker and a weaver walked along the river; the weaver carried the lanterns.",
    "    indented line\n\tand a tabbed line\n\n\nthree newlines, then   three spaces.",
    "abcabcabcabc bcabcabca aaaaaaaa aaaa aaa abab ababab bcbc cabcab",
    "小船在暴风雨来临之前渡过了宽阔的河流。",
    "磨坊主、面包师和织工沿着河流行走，织工提着灯笼。",
    "我们数一数灯笼：一、二、三、十、二百、三千。灯笼比小船多。",
    "Le meunier a traversé la rivière; naïve façade, œuvre, coöperate, Übergröße.",
    "Emoji: 🙂🙂 👩‍👩‍👧 🇨🇳 — “quotes” … and ½ of ² and ⅻ.",
]

STRINGS = [
    "",
    " ",
    "a",
    " a",
    "  a  b   ",
    "\n",
    "\r\n \r\n\t x",
    "It's I'M we'LL they'Ve 'tis 'ſo 'ſ o'clock ''s 'l 'r",
    "1 12 123 1234 12345 3.14 1,000,000 ½²ⅻ٣٤५六",
    "the river\u00a0bank\u3000灯笼\u2028line\u0085next",
    "小船，灯笼！3个「织工」……好的。",
    "👩‍👩‍👧🇨🇳🙂 e\u0301 e\u0301e Ⓐx ª º ʰ ﬁ ǅ",
    "!?!?\n\n\n  -- (a) [b] {c} <d> x_y #tag @name $5 50%",
    "<|im_end|> <|endoftext|><|im_start|>user\n<|im_start|><|im_sta<|im_end|>rt|>",
    "Ａｂｃ１２３ \ufeffbom \u200bzero \u0000nul \x7f",
    "العربية עברית ไทย हिन्दी 한국어 にほんご Ελληνικά",
    "\U00010330\U0001D400\U0001F9FF\U0002A700\U000E0100\U0010FFFD",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]
# For the vocabulary that cuts Han characters out: what stands before and after them, and which characters they are.
HAN_STRINGS = [
    "a  河 b   灯",
    " 灯 \n 灯\t\n",
    "…\n河！\r\n灯'灯s 's灯's",
    "１灯12灯345 六七",
    "々〇〡〢〹〻⺀⼀㐀豈並𖿢𠀀𪜀𰀀灯",
    "、〄〆〒・ー㆐㊀㋿⿰かカㄅ한𛀀",
    "灯\u0301灯\ufe0f\U000E0100\u200d灯",
    "小船<|im_end|>灯 <|im_start|> 河",
]
POOL = list("aebcstrmld'ſ  \t\n\r19½٣.,!-_中河灯，。éßÜ\u0301\u00a0\u3000🙂\u200dⒶⅻ")
POOL += ["'s", "'LL", " the", "\n\n", "<|im_end|>"]

CONVERSATIONS = [
    [("user", "How many lanterns are there?"), ("assistant", "Three.")],
    [("system", "Answer briefly."), ("user", "灯笼有多少？"), ("assistant", "三个。"), ("user", "And boats?")],
    [
        ("user", "  text with <|im_end|> inside \n"),
        ("assistant", " spaced answer "),
        ("user", "\n\nmore"),
        ("assistant", "x"),
    ],
]


def cuts(pattern, split_han):
    expressions = [HAN, PATTERNS[pattern]] if split_han else [PATTERNS[pattern]]
    return [pre_tokenizers.Split(Regex(expression), behavior="isolated") for expression in expressions]


def pre_tokenizer(pattern, split_han):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*cuts(pattern, split_han), byte_level])


def train(texts, vocab_size, min_frequency, pattern, split_han=False):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer(pattern, split_han)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def splits(pattern, text, split_han=False):
    if pattern == "gpt2":
        cut = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    else:
        cut = pre_tokenizers.Sequence(cuts(pattern, split_han))
    # ByteLevel gives spellings: the offsets give the text.
    return [text[start:end] for _, (start, end) in cut.pre_tokenize_str(text)]


def ids(tokenizer, text, parse_special):
    tokenizer.encode_special_tokens = not parse_special
    found = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = False
    return found


def chats(tokenizer):
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=SPECIAL[0])
    cases = []
    for template in (CHATML, TRIMMING):
        for conversation in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in conversation]
            for prompt in (False, True):
                options = dict(chat_template=template, add_generation_prompt=prompt)
                case = {
                    "template": template,
                    "messages": messages,
                    "add_generation_prompt": prompt,
                    "text": fast.apply_chat_template(messages, tokenize=False, **options),
                }
                if not any("<|" in message["content"] for message in messages):
                    case["ids"] = fast.apply_chat_template(messages, tokenize=True, return_dict=False, **options)
                cases.append(case)
    return cases


def golden():
    draw = random.Random(20)
    strings = STRINGS + ["".join(draw.choices(POOL, k=draw.randint(2, 24))) for _ in range(90)]
    # A few strings are enough where the pattern is that of another vocabulary.
    han_strings = HAN_STRINGS + STRINGS[:10] + strings[len(STRINGS) :: 8]
    trained = {}
    for name, pattern, split_han, vocab_size, min_frequency, encoded in (
        ("single_digits", "single_digits", False, 480, 2, strings),
        ("digit_triples", "digit_triples", False, 400, 3, strings),
        ("han_single_digits", "single_digits", True, 440, 2, han_strings),
        ("han_digit_triples", "digit_triples", True, 300, 1, han_strings),
    ):
        tokenizer = train(TEXTS, vocab_size, min_frequency, pattern, split_han)
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        trained[name] = {
            "vocab_size": vocab_size,
            "min_frequency": min_frequency,
            "size": tokenizer.get_vocab_size(),
            "file_sha256": hashlib.sha256(tokenizer.to_str(pretty=True).encode()).hexdigest(),
            "merges": [" ".join(merge) for merge in merges],
            "ids": [ids(tokenizer, text, True) for text in encoded],
            "ids_special_as_text": [ids(tokenizer, text, False) for text in encoded if "<|" in text],
        }
        if name == "single_digits":
            chat = chats(tokenizer)
    split = {pattern: [splits(pattern, text) for text in strings] for pattern in [*PATTERNS, "gpt2"]}
    split |= {f"han_{pattern}": [splits(pattern, text, True) for text in han_strings] for pattern in PATTERNS}
    out = {
        "made_by": "oracle/tokenizer.py",
        "versions": {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__},
        "texts": TEXTS,
        "strings": strings,
        "han_strings": han_strings,
        "trained": trained,
        "splits": split,
        "chat": chat,
    }
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, GOLDEN.stat().st_size, "bytes")


def compare(directory, files):
    ours = Tokenizer.from_file(f"{directory}/tokenizer.json")
    fast = AutoTokenizer.from_pretrained(directory)
    written = json.loads(pathlib.Path(directory, "tokenizer.json").read_text(encoding="utf-8"))
    *before, regex = (cut["pattern"]["Regex"] for cut in written["pre_tokenizer"]["pretokenizers"][:-1])
    pattern = next(name for name, known in PATTERNS.items() if known == regex)
    # Bytes, because reading text would turn \r\n into \n.
    texts = [line for file in files for line in pathlib.Path(file).read_bytes().decode().split("\n")]
    theirs = train(texts, ours.get_vocab_size(), 2, pattern, before == [HAN])
    expected = json.loads(theirs.to_str())
    result = {
        "vocab_equal": written["model"]["vocab"] == expected["model"]["vocab"],
        "merges_equal": written["model"]["merges"] == expected["model"]["merges"],
        "file_equal": pathlib.Path(directory, "tokenizer.json").read_text() == theirs.to_str(pretty=True),
        "transformers_ids_equal": all(
            fast.encode(text, add_special_tokens=False) == ids(theirs, text, True)
            for text in STRINGS + HAN_STRINGS + texts[:1000]
        ),
        "tokens": sum(len(found.ids) for found in theirs.encode_batch(texts, add_special_tokens=False)),
    }
    print(json.dumps(result))
    sys.exit(0 if all(result.values()) else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["golden"]:
        golden()
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) > 3:
        compare(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)
