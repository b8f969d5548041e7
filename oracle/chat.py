"""Golden texts and masks of chat templates for crates/lang, made by transformers.

    oracle/setup.sh                                # once: makes oracle/.venv
    oracle/.venv/bin/python oracle/chat.py golden  # writes crates/lang/tests/data/chat_golden.json
    cargo build -p lang --example chat_render && oracle/.venv/bin/python oracle/chat.py compare FILE.jinja...

`compare` renders templates of any origin over the same conversations with transformers and with this project, and says
whether texts, `{% generation %}` blocks and refusals are equal.
"""

import json
import pathlib
import re
import subprocess
import sys

import jinja2
import transformers
from chat_features import CONTEXT, features
from chat_templates import TAGGED_NAMES, TEMPLATES
from tokenizer import SPECIAL, TEXTS, train
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

ROOT = pathlib.Path(__file__).parent.parent
GOLDEN = ROOT / "crates/lang/tests/data/chat_golden.json"
EXAMPLE = ROOT / "target/debug/examples/chat_render"

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "count",
            "description": "Counts.\nAnything <é>",
            "parameters": {
                "type": "object",
                "properties": {
                    "what": {"type": "string", "description": "which & what", "enum": ["boats", "灯笼"]},
                    "n": {"type": ["integer", "null"], "default": 1},
                },
                "required": ["what"],
            },
        },
    }
]
DOCUMENTS = [{"title": "one", "text": "First line.\nSecond line."}, {"title": "两", "text": "文本"}]


def call(name, arguments, identity="abcdefghi"):
    return {"type": "function", "id": identity, "function": {"name": name, "arguments": arguments}}


CONVERSATIONS = {
    "plain": [("user", " How many boats?\n"), ("assistant", "Two. ")],
    "system": [
        ("system", "Be brief. \n"),
        ("user", "灯笼有多少？"),
        ("assistant", "三个"),
        ("user", "and boats?"),
        ("assistant", "  Two\n\nindeed"),
    ],
    "open": [("system", "S"), ("user", "q")],
    "think": [
        ("user", "q1"),
        ("assistant", "<think>\nhm\n</think>\n\na1"),
        ("user", "q2"),
        ("assistant", "<think>\nhm two\n</think>\n\na2"),
    ],
    "reason": [
        ("user", "q1"),
        ("assistant", "a1", {"reasoning_content": "\nbecause "}),
        ("user", "q2"),
        ("assistant", "a2", {"thinking": "so"}),
    ],
    "tools": [
        ("user", "how many?"),
        ("assistant", "", {"tool_calls": [call("count", {"what": '灯笼 "x"', "n": None, "deep": {"b": [1.5, True], "a": {}}})]}),
        ("tool", '{"count": 2}', {"name": "count", "tool_call_id": "abcdefghi"}),
        ("assistant", "Two lanterns."),
        ("user", "thanks"),
        ("assistant", "ok"),
    ],
    "two calls": [
        ("system", "Use tools"),
        ("user", "w?"),
        ("assistant", "Let me count.", {"tool_calls": [call("count", {"what": "boats"}, "a"), call("count", {}, "b")]}),
        ("tool", "1", {"name": "count"}),
        ("tool", "2", {"name": "count"}),
    ],
    "parts": [
        ("user", [{"type": "text", "text": "look "}, {"type": "image", "image": "x.png"}, {"type": "text", "text": "here"}]),
        ("assistant", [{"type": "text", "text": " I see."}]),
    ],
    "out of turn": [("assistant", "first"), ("user", "q"), ("user", "q")],
    "nulls": [("user", "q", {"name": None}), ("assistant", None, {"tool_calls": [call("f", '{"a": 1}')]})],
}


def messages(name):
    return [{"role": role, "content": content, **(more[0] if more else {})} for role, content, *more in CONVERSATIONS[name]]


def options():
    for prompt in (False, True):
        for tools in (None, TOOLS):
            for variables in ({}, {"enable_thinking": False}):
                if prompt or not variables:
                    yield {"add_generation_prompt": prompt, "tools": tools, "variables": variables}


NAMED = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "date_string": "26 Jul 2024"}


def render(template, chat, add_generation_prompt, tools, variables, documents=None, continue_final_message=False):
    """What transformers makes of it: text and blocks, or the error."""
    chat = [{key: value for key, value in message.items() if value is not None} for message in chat]
    tagged = re.search(r"\{%-?\s*generation\s*-?%\}", template) is not None
    try:
        texts, blocks = render_jinja_template(
            [chat],
            tools=tools,
            documents=documents,
            chat_template=template,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=continue_final_message,
            return_assistant_tokens_mask=tagged and not continue_final_message,
            **NAMED,
            **variables,
        )
    except jinja2.exceptions.TemplateError as error:
        return {"refused": error.message} if type(error) is jinja2.exceptions.TemplateError else {"fails": str(error)}
    except (TypeError, ValueError) as error:
        return {"fails": str(error)}
    found = {"text": texts[0]}
    if tagged and blocks:
        found["generation"] = [texts[0][start:end] for start, end in blocks[0]]
    return found


def golden():
    small = []
    for template in features():
        try:
            small.append({"template": template, "text": _compile_jinja_template(template).render(**CONTEXT)})
        except Exception as error:
            small.append({"template": template, "fails": str(error)})
    cases = []
    for name, template in TEMPLATES.items():
        for conversation in CONVERSATIONS:
            for choice in options():
                documents = DOCUMENTS if name == "documents" else None
                found = render(template, messages(conversation), documents=documents, **choice)
                case = {"template": name, "conversation": conversation, "tools": choice["tools"] is not None}
                case |= {"prompt": choice["add_generation_prompt"], "variables": choice["variables"], **found}
                # A choice that the template does not look at is asked for once.
                known = [found == {key: other.get(key) for key in found} for other in cases if
                         (other["template"], other["conversation"], other["prompt"]) == (name, conversation, case["prompt"])]
                if not any(known):
                    cases.append(case)
    continued = []
    for name, template in TEMPLATES.items():
        for conversation in ("plain", "system", "open", "parts", "nulls"):
            found = render(template, messages(conversation), False, None, {}, continue_final_message=True)
            continued.append({"template": name, "conversation": conversation, **found})
    tokenizer = train(TEXTS, 480, 2, "single_digits")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=SPECIAL[2])
    masks = []
    for name in TAGGED_NAMES:
        for conversation in ("plain", "system", "think", "tools", "two calls"):
            chat = messages(conversation)
            found = fast.apply_chat_template(
                chat, chat_template=TEMPLATES[name], return_dict=True, return_assistant_tokens_mask=True
            )
            masks.append(
                {
                    "template": name,
                    "conversation": conversation,
                    "ids": found["input_ids"],
                    "mask": found["assistant_masks"],
                }
            )
    out = {
        "made_by": "oracle/chat.py",
        "versions": {"transformers": transformers.__version__, "jinja2": jinja2.__version__},
        "context": CONTEXT,
        "features": small,
        "templates": TEMPLATES,
        "conversations": {name: messages(name) for name in CONVERSATIONS},
        "tools": TOOLS,
        "documents": DOCUMENTS,
        "named": NAMED,
        "cases": cases,
        "continued": continued,
        "masks": masks,
    }
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, GOLDEN.stat().st_size, "bytes,", len(cases), "cases")


def compare(paths):
    cases = []
    for path in paths:
        template = pathlib.Path(path).read_text(encoding="utf-8")
        for conversation in CONVERSATIONS:
            for choice in options():
                chat = messages(conversation)
                asked = {"template": template, "messages": chat, **choice, "variables": NAMED | choice["variables"]}
                cases.append((path, conversation, choice, asked, render(template, chat, **choice)))
    lines = "".join(json.dumps(case[3]) + "\n" for case in cases)
    found = subprocess.run([EXAMPLE], input=lines, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    unequal, unplaced = 0, 0
    for (path, conversation, choice, _, expected), line in zip(cases, found, strict=True):
        ours = json.loads(line)
        if "text" not in expected:
            equal = "error" in ours
        else:
            equal = ours.get("text") == expected["text"]
            blocks = [block for block in expected.get("generation", []) if block]
            equal = equal and [block for block in ours["placed"].get("generation", []) if block] == blocks
            unplaced += bool(ours.get("placed", {}).get("unplaced"))
        if not equal:
            unequal += 1
            print("UNEQUAL", path, conversation, {key: bool(value) for key, value in choice.items()})
    print(json.dumps({"templates": len(paths), "cases": len(cases), "unequal": unequal, "not_all_placed": unplaced}))
    sys.exit(1 if unequal else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["golden"]:
        golden()
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) > 2:
        compare(sys.argv[2:])
    else:
        sys.exit(__doc__)
