"""Golden prompts for crates/corpus: a library of templates of our own in the shape of promptsource, filled by jinja2.

    oracle/.venv/bin/python oracle/prompts.py          # writes crates/corpus/tests/data/prompts_golden.json
    oracle/.venv/bin/python oracle/prompts.py compare ARCHIVE.tar.zst ONTO

`compare` fills every template of a published library with records that have all the names it asks for, and says how many
`onto instances template` fills the same; templates that choose by chance are left out. It needs PyYAML and zstd.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
from collections import Counter

import jinja2
from jinja2 import meta

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/corpus/tests/data/prompts_golden.json"
PROTECTED = "3ed2dface8203c4c9dfb1a5dc58e41e0"

YAML = r"""dataset: own
subset: part
templates:
  a1: !Template
    answer_choices: dark ||| lit ||| 不知道
    id: a1
    jinja: "Is the lantern of this text {{answer_choices[0]}}, {{ answer_choices[1] }}\
      \ or {{answer_choices[2]}}?\n\n{{ text }} ||| \n{{answer_choices[label] }}"
    metadata: !TemplateMetadata
      choices_in_prompt: true
      languages:
      - en
      metrics:
      - Accuracy
      original_task: true
    name: label
    reference: ''
  a2: !Template
    answer_choices: null
    jinja: '{% if answers.text | length > 0 %}

      {{ question | trim }} ({{ answers["text"] | join(" / ") }})

      |||

      {{ answers.text[0] | upper }}

      {% endif %}'
    name: question
  a3: !Template
    answer_choices: '{{ options | join("|||") }}'
    jinja: "{% set kept = [] %}{% for option in options %}{% if 'a' in option %}{{ kept.append(option) | default('', True)\
      \ }}{% endif %}{% endfor %}Kept: {{ kept | join(', ') }}{% for k in kept %}\n- {{ loop.index }}. {{ k[0] | upper\
      \ }}{{ k[1:] }}{% endfor %} ||| {{ kept | most_frequent | choice }} ||| {{ options | unique | list | length }}"
    name: lists
  a4: !Template
    jinja: |
      {%- set words = text.split(" ") -%}
      {% for word in words[:3] %}
        {{ word | replace(".", "") | lower }}{{ "," if not loop.last }}
      {% endfor %}
      |||
      {{ words | length }} {{ label + 1 }} {{ ["no", "yes"][label == 1] if label < 2 else "?" }}
    name: words
  a5: !Template
    jinja: '{{ text }} {{ missing }} ||| {{ "" if label == 2 else "%d" | format(label) }}'
    name: empty
  a6: !Template
    jinja: '{{ missing.inner }}'
    name: fails
  a7: !Template
    jinja: "{% set counts = namespace(map={}) %}{% for o in options %}{% set _dummy = counts.map.update({o: loop.index0})\
      \ %}{% endfor %}{{ counts.map }} {{ counts.map.items() | list | length }} {{ options.index(options[-1])\
      \ }} ||| {{ counts.map.keys() | join(';') }}"
    name: maps
"""

RECORDS = [
    {
        "text": " The lantern shines over the river. ",
        "label": 1,
        "question": " Who lit it?\n",
        "answers": {"text": ["Mira", "the miller"], "start": [3]},
        "options": ["oar", "boat", "pier", "oar"],
    },
    {
        "text": "灯笼 ||| 很亮。",
        "label": 2,
        "question": "谁？",
        "answers": {"text": []},
        "options": ["河 a", "x ||| y"],
    },
    {"text": "One. Two", "label": 0, "question": "q", "answers": {"text": ["a b"]}, "options": ["banana"]},
    {"text": None, "label": 0, "question": "q", "answers": {"text": ["a"]}, "options": []},
]


def most_frequent(items):
    """The items that come up most often."""
    counts = Counter(items).most_common()
    return [item for item, count in counts if count == counts[0][1]] if counts else None


def environment(choose):
    found = jinja2.Environment()
    found.filters |= {"most_frequent": most_frequent, "choice": choose, "highlight": lambda text: text}
    return found


def protect(value, back=False):
    if isinstance(value, str):
        return value.replace(PROTECTED, "|||") if back else value.replace("|||", PROTECTED)
    if isinstance(value, dict):
        return {key: protect(item, back) for key, item in value.items()}
    if isinstance(value, list):
        return [protect(item, back) for item in value]
    return value


def parts(text):
    return [protect(part.strip(), back=True) for part in text.split("|||")]


def fill(templates, record, choose):
    values = protect(record)
    env = environment(choose)
    choices = None
    if templates.get("answer_choices"):
        choices = parts(env.from_string(templates["answer_choices"]).render(**values))
    text = env.from_string(templates["jinja"]).render(**values, answer_choices=choices)
    return ([""] if not text.strip() else parts(text)), (choices if text.strip() else None)


def load(text):
    import yaml

    class Loader(yaml.SafeLoader):
        """Tags are passed over."""

    for tag in ("!Template", "!TemplateMetadata"):
        Loader.add_constructor(tag, lambda loader, node: loader.construct_mapping(node, deep=True))
    return yaml.load(text, Loader)


def only(items):
    """The one item there is to choose."""
    if len(set(items)) != 1:
        raise LookupError("a choice by chance")
    return items[0]


def golden():
    cases = []
    for template in load(YAML)["templates"].values():
        for number, record in enumerate(RECORDS):
            case = {"name": template["name"], "record": number}
            try:
                case["parts"], case["choices"] = fill(template, record, only)
            except LookupError as error:
                if str(error) == "a choice by chance":
                    continue
                case["fails"] = str(error)
            except Exception as error:
                case["fails"] = str(error)
            cases.append(case)
    out = {"made_by": "oracle/prompts.py", "versions": {"jinja2": jinja2.__version__}, "yaml": YAML, "records": RECORDS, "cases": cases}
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, len(cases), "cases,", sum("parts" in case for case in cases), "filled")


def compare(archive, onto):
    """Every template over one record that has a text, a list or a number under each name it asks for."""
    files = subprocess.run(["zstd", "-dc", archive], capture_output=True, check=True).stdout
    import io
    import tarfile

    same, other, left_out, refused = 0, [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for member in tarfile.open(fileobj=io.BytesIO(files)):
            if not member.name.endswith("templates.yaml"):
                continue
            text = tarfile.open(fileobj=io.BytesIO(files)).extractfile(member).read().decode()
            expected, names = {}, set()
            templates = [template for template in load(text)["templates"].values() if template.get("jinja")]
            for template in templates:
                for source in (template["jinja"], template.get("answer_choices") or ""):
                    try:
                        names |= meta.find_undeclared_variables(environment(only).parse(source))
                    except jinja2.TemplateSyntaxError:
                        pass
            lists = set(re.findall(r"(\w+)\s*\|\s*(?:join|length|unique)|in (\w+) *%", text))
            lists = {name for pair in lists for name in pair}
            record = {name: (["first", "second a"] if name in lists else 1 if "label" in name or "id" in name else f"Text of {name}.") for name in sorted(names - {"answer_choices", "range", "namespace", "dict"})}
            for template in templates:
                try:
                    expected[template["name"]] = fill(template, record, only)[0]
                except LookupError as error:
                    left_out += str(error) == "a choice by chance"
                except Exception:
                    left_out += 1
            (folder / "t.yaml").write_text(text)
            (folder / "r.jsonl").write_text(json.dumps(record) + "\n")
            out = folder / "out"
            ran = subprocess.run([onto, "instances", "template", "--data", folder / "r.jsonl", "--templates", folder / "t.yaml", "--out", out, "--quiet"], capture_output=True, text=True)
            found = {}
            if ran.returncode == 0:
                pairs = zip((out / "conversations.jsonl").read_text().splitlines(), (out / "details.jsonl").read_text().splitlines())
                for conversation, details in pairs:
                    details = json.loads(details)
                    found[details["template"]] = [json.loads(conversation)["messages"][0]["content"], *details["targets"]]
                subprocess.run(["rm", "-r", out], check=True)
            for name, wanted in expected.items():
                if name in found:
                    if found[name] == wanted:
                        same += 1
                    else:
                        other.append((member.name, name, wanted, found[name]))
                elif len(wanted) > 1 and wanted[0] and wanted[1]:
                    refused += 1
                    other.append((member.name, name, wanted, ran.stderr[-300:]))
    for one in other[:20]:
        print(*one, sep="\n  ")
    print(json.dumps({"same": same, "other": len(other), "refused": refused, "left_out": left_out}))
    sys.exit(1 if other else 0)


if __name__ == "__main__":
    compare(*sys.argv[2:]) if sys.argv[1:2] == ["compare"] else golden()
