"""Small templates, one for each thing that chat templates of published models do, rendered by oracle/chat.py."""

import re

CONTEXT = {
    "messages": [
        {"role": "system", "content": " Be brief.\n"},
        {"role": "user", "content": "How many <boats> & \"lanterns\"? 灯笼\n"},
        {
            "role": "assistant",
            "content": "<think>\ncount them\n</think>\n\n Two. ",
            "tool_calls": [
                {
                    "type": "function",
                    "id": "abc123456",
                    "function": {
                        "name": "count",
                        "arguments": {"what": "灯笼", "n": 3, "deep": {"a": [1, 2.5, None, True], "b": {}}, "empty": []},
                    },
                }
            ],
        },
        {"role": "tool", "name": "count", "content": "{\"count\": 2}"},
        {"role": "user", "content": [{"type": "text", "text": "first"}, {"type": "image"}, {"type": "text", "text": "second"}]},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "count",
                "description": "Count things.\nSecond line & <tag>",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "what": {"type": "string", "description": "a thing", "enum": ["boats", "灯笼"]},
                        "n": {"type": ["integer", "null"], "default": 1},
                    },
                    "required": ["what"],
                },
            },
        }
    ],
    "documents": [{"title": "T1", "text": "Text one."}, {"title": "T2", "text": "文本二。"}],
    "bos_token": "<s>",
    "eos_token": "</s>",
    "add_generation_prompt": True,
}

FEATURES = r"""
{{ messages | tojson }}
{{ tools | tojson(indent=2) }}
{{ tools[0] | tojson(indent=4) }}
{{ tools | tojson(ensure_ascii=True) }}
{{ "é\n\t\"\\/\u007f\u2028😀\x00\x1f" | tojson }}
{{ "é\u007f\u2028😀" | tojson(ensure_ascii=True) }}
{{ tools | tojson(separators=(',', ':')) }}
{{ tools | tojson(separators=(',', ': '), indent=2) }}
{{ {'b': 1, 'a': [3, 2], 'c': {'z': none, 'y': true}} | tojson(sort_keys=true) }}
{{ {'b': 1, 'a': 2} | tojson(indent=0) }}
{{ [] | tojson(indent=2) }}{{ {} | tojson(indent=2) }}{{ [[], {}] | tojson(indent=1) }}
{{ [1.0, 2.5, 1e20, 1e-7, 0.1, 100000000000000000000.0, 1e16, 123456789012345680.0, -0.0] | tojson }}
{{ (1, 2) | tojson }}{{ 'x' | tojson }}{{ 3 | tojson }}{{ none | tojson }}{{ true | tojson }}
{{ {1: 'a', 'k': 2} | tojson }}
{{ {1: 'one', none: 'n', true: 't'} }}
{{ messages[2].tool_calls[0].function.arguments }}
{{ [1, 2.0, 'a', "it's", none, true, {'k': 'v'}, ('t',), (1, 2)] }}
{{ ["tab\tnl\nquote\"apos'", 'é灯', 'back\\slash'] }}
{{ none }}{{ true }}{{ false }}{{ 1.0 }}{{ 1e16 }}{{ 1e15 }}{{ 0.00001 }}{{ 1/3 }}{{ 4/2 }}{{ 7//2 }}{{ -7//2 }}{{ 7%3 }}{{ -7%3 }}{{ 2**10 }}{{ 2**-1 }}
{{ 'a' ~ 1 ~ true ~ none ~ 1.5 ~ [1, 'x'] }}
{{ 'a' + 'b' }}{{ 'ab' * 3 }}{{ [1] + [2] }}{{ [0] * 2 }}
{{ 'a' + 1 }}
{{ undefined_name }}|{{ messages[0].nothing }}|{{ messages[99] }}
{{ messages[0].nothing.more }}
{{ undefined_name + 'x' }}
{{ undefined_name ~ 'x' }}
{{ undefined_name is defined }}{{ messages is defined }}{{ undefined_name is none }}{{ none is none }}{{ undefined_name == none }}
{{ 'a' is string }}{{ [] is string }}{{ 'a' is iterable }}{{ {} is iterable }}{{ 1 is iterable }}{{ 'a' is sequence }}{{ {} is sequence }}{{ [] is sequence }}{{ 1 is sequence }}{{ {} is mapping }}{{ [] is mapping }}
{{ 1 is number }}{{ 1.5 is number }}{{ true is number }}{{ 1 is integer }}{{ true is integer }}{{ 1.0 is float }}{{ true is boolean }}{{ 1 is boolean }}{{ raise_exception is callable }}{{ 'x' is callable }}
{{ 3 is odd }}{{ 3 is even }}{{ 4 is divisibleby 2 }}{{ 1 is eq 1 }}{{ 1 is equalto(2) }}{{ 1 is in [1, 2] }}{{ 'a' is in 'abc' }}{{ 'A' is upper }}{{ 'a' is lower }}{{ true is true }}{{ 1 is true }}{{ false is false }}{{ 1 is not none }}{{ none is not none }}
{{ 'b' in 'abc' }}{{ 'x' not in 'abc' }}{{ 1 in [1] }}{{ 'k' in {'k': 1} }}{{ 'role' in messages[0] }}
{{ 'x' in none }}
{{ messages | length }}{{ 'añ灯😀' | length }}{{ {} | length }}{{ messages | count }}
{{ messages | map(attribute='role') | join(', ') }}
{{ messages | selectattr('role', 'equalto', 'user') | list | length }}
{{ messages | rejectattr('role', 'equalto', 'user') | map(attribute='role') | list }}
{{ messages | selectattr('tool_calls', 'defined') | list | length }}{{ messages | selectattr('tool_calls') | list | length }}
{{ messages | selectattr('role', 'in', ['user', 'tool']) | map(attribute='role') | list }}
{{ [1, 2, 3, 4] | select('odd') | list }}{{ [1, none, 2] | reject('none') | list }}{{ ['', 'a', 0] | select | list }}
{{ ['b', 'A', 'c'] | sort }}{{ ['b', 'A', 'c'] | sort(case_sensitive=true) }}{{ [3, 1, 2] | sort(reverse=true) }}{{ [{'a': 2}, {'a': 1}] | sort(attribute='a') }}
{{ {'b': 1, 'A': 2} | dictsort }}{{ {'b': 1, 'a': 2} | items | list }}{{ {'b': 1, 'a': 2}.items() | list }}
{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}={{ v }};{% endfor %}
{% for k, v in tools[0].function.parameters.properties.items() %}{{ k }}:{{ v.type }}{% if not loop.last %}, {% endif %}{% endfor %}
{% for k in {'b': 1, 'a': 2} %}{{ k }}{% endfor %}{% for k in {'b': 1, 'a': 2}.keys() %}{{ k }}{% endfor %}{% for k in {'b': 1, 'a': 2}.values() %}{{ k }}{% endfor %}
{{ {'a': 1}.get('a') }}{{ {'a': 1}.get('b') }}{{ {'a': 1}.get('b', 'd') }}{{ {'a': 1}.keys() | list }}
{{ {'a': 1}.a }}{{ {'a': 1}['a'] }}{{ {'items': 1}['items'] }}
{{ messages[0]['content'] | trim }}|{{ messages[0].content.strip() }}|{{ 'xxaxx' | trim('x') }}|{{ 'xyaxy'.strip('xy') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|{{ '\u00a0a\u3000\x1c'.strip() }}|{{ '\u200ba\x85'.strip() }}
{{ 'a b  c'.split() }}{{ ' a b '.split(' ') }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'abc'.split('') if false }}{{ ''.split() }}{{ ''.split(',') }}{{ 'a b'.split(none) }}{{ 'a  b c'.split(none, 1) }}
{{ messages[2].content.split('</think>')[-1].lstrip('\n') }}|{{ messages[2].content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') }}
{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}{{ 'abc'.partition('-') }}
{{ 'abc'.startswith('a') }}{{ 'abc'.endswith('c') }}{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.startswith('b', 1) }}{{ 'abc'.endswith('b', 0, 2) }}
{{ 'abcabc'.replace('b', 'X') }}{{ 'abcabc'.replace('b', 'X', 1) }}{{ 'abcabc' | replace('b', 'X') }}{{ 'abcabc' | replace('b', 'X', 1) }}{{ 'abc'.replace('', '-') }}
{{ 'aBc'.upper() }}{{ 'aBc'.lower() }}{{ 'hello wORLD'.title() }}{{ 'hello wORLD'.capitalize() }}{{ 'aBc'.swapcase() }}{{ 'hello world' | title }}{{ 'hELLO' | capitalize }}{{ 'a' | upper }}{{ 'A' | lower }}{{ "it's o'clock" | title }}{{ "it's x-y".title() }}{{ 'ß'.upper() }}{{ 'ǆ'.title() }}{{ 'ẞ'.casefold() }}
{{ 'abcabc'.find('c') }}{{ 'abc'.find('x') }}{{ 'abcabc'.rfind('c') }}{{ 'abcabc'.index('b') }}{{ 'abcabc'.count('b') }}{{ '灯笼灯'.rfind('灯') }}{{ 'abcabc'.find('c', 3) }}
{{ 'abc'.index('x') }}
{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'abc'.removeprefix('x') }}
{{ 'a\nb\r\nc\x0bd\u2028e'.splitlines() }}{{ 'a\n\nb\n'.splitlines(true) }}
{{ '12'.isdigit() }}{{ 'a1'.isalnum() }}{{ 'a'.isalpha() }}{{ ' '.isspace() }}{{ ''.isdigit() }}{{ 'A'.isupper() }}{{ 'a'.islower() }}{{ '½'.isnumeric() }}{{ '½'.isdigit() }}{{ '²'.isdigit() }}{{ '1'.isdecimal() }}{{ 'Ab Cd'.istitle() }}{{ 'a_b'.isidentifier() }}{{ 'é'.isascii() }}
{{ ', '.join(['a', 'b']) }}{{ ['a', 'b'] | join }}{{ [1, 2] | join('-') }}{{ 'abc' | join('-') }}{{ ['a', 'b'] | join(',') }}
{{ 'x'.center(5) }}|{{ 'x'.ljust(3) }}|{{ 'x'.rjust(3, '.') }}|{{ '7'.zfill(3) }}|{{ 'x' | center(5) }}|
{{ '{} and {}'.format(1, 'b') }}{{ '{0}-{name}'.format('x', name='y') }}{{ '%s=%s' | format('a', 1) }}{{ '{:>5}|{:.2f}|{:03d}'.format('x', 1.5, 7) }}
{{ 'a\nb\nc' | indent }}|{{ 'a\nb\n\nc' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\nb' | indent(width=2, first=true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}
{{ none | default('d') }}{{ undefined_name | default('d') }}{{ '' | default('d', true) }}{{ undefined_name | d('e') }}{{ false | default('x', boolean=true) }}
{{ [1, 2, 3] | first }}{{ [1, 2, 3] | last }}{{ 'abc' | first }}{{ 'abc' | last }}{{ [] | first }}{{ [1, 2, 3] | sum }}{{ [1, 5, 2] | max }}{{ [1, 5, 2] | min }}{{ [1, 1, 2] | unique | list }}{{ [{'a': 1}, {'a': 2}] | sum(attribute='a') }}
{{ 'abc' | list }}{{ 'abc' | reverse }}{{ [1, 2] | reverse | list }}{{ {'a': 1} | list }}{{ (1, 2) | list }}{{ range(3) | list }}{{ range(1, 7, 2) | list }}{{ range(3, 0, -1) | list }}
{{ '5' | int + 1 }}{{ 'x' | int }}{{ 'x' | int(7) }}{{ '2.5' | float }}{{ 2.7 | int }}{{ 5 | string + 'a' }}{{ -3 | abs }}{{ 2.567 | round(2) }}{{ 2.5 | round }}{{ 3.2 | round(method='ceil') }}{{ '0x1F' | int(base=16) }}{{ true | int }}
{{ [1, 2, 3, 4, 5] | batch(2) | list }}{{ [1, 2, 3, 4, 5] | slice(2) | list }}{{ [1, 2, 3] | batch(2, 'x') | list }}
{{ '<a & "b">' | escape }}|{{ '<a>' | e }}|{{ '<a>' | safe }}|{{ '<b>x</b> y' | striptags }}
{{ messages | groupby('role') | map(attribute='grouper') | list }}{{ messages | map('length') | list }}{{ ['a', 'B'] | map('upper') | list }}{{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }}{{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }}
{{ 'one two three' | wordcount }}{{ 'abcdefghij klm' | truncate(9) }}{{ 'abcdefghij' | truncate(5, true, '') }}{{ 'hello world' | truncate(8, false, '...', 0) }}
{{ messages[1:] | length }}{{ messages[-1].role }}{{ messages[:-1] | length }}{{ messages[::-1][0].role }}{{ 'abcdef'[1:3] }}{{ 'abcdef'[::-1] }}{{ 'abcdef'[-2:] }}{{ 'abcdef'[::2] }}{{ '灯笼船'[1] }}{{ [1, 2, 3][1:][0] }}{{ (1, 2, 3)[1:] }}
{{ 'a' if true else 'b' }}{{ 'a' if false }}{{ 'x' if undefined_name else 'y' }}
{{ 1 == 1.0 }}{{ 1 == true }}{{ '1' == 1 }}{{ [1] == [1] }}{{ {'a': 1} == {'a': 1} }}{{ 1 < 2 <= 2 }}{{ 'a' < 'b' }}{{ 1 != 2 }}{{ not 1 }}{{ 1 and 2 }}{{ 0 or 'x' }}{{ '' or none }}{{ not '' }}{{ [] and 1 }}
{% if messages[0].nothing %}a{% elif messages[0].role == 'system' %}b{% else %}c{% endif %}
{% if messages %}a{% endif %}{% if [] %}b{% endif %}{% if {} %}c{% endif %}{% if '' %}d{% endif %}{% if 0 %}e{% endif %}{% if ' ' %}f{% endif %}{% if 0.0 %}g{% endif %}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(n=0, found=false) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% if m.role == 'user' %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}
{% set a, b = (1, 2) %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c }}{{ d }}
{% set text %}one {{ 1 + 1 }} three{% endset %}{{ text }}{{ text | length }}{{ text | upper }}
{% set text | upper %}abc{% endset %}{{ text }}
{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ loop.last }};{% else %}none{% endfor %}
{% for m in [] %}x{% else %}none{% endfor %}
{% for m in messages %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem.role if loop.previtem is defined }}>{{ loop.nextitem.role if not loop.last }};{% endfor %}
{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.depth }}{{ loop.index }}{% endfor %}{{ loop.cycle('x', 'y') }}{% endfor %}
{% for a in [1, 1, 2] %}{{ loop.changed(a) }}{% endfor %}
{% for m in messages %}{% if loop.index == 2 %}{% continue %}{% endif %}{% if loop.index == 4 %}{% break %}{% endif %}{{ loop.index }}{% endfor %}
{% for item in [1, [2, [3]]] recursive %}{% if item is iterable %}{{ loop(item) }}{% else %}{{ item }}{% endif %}{% endfor %}
{% macro f(a, b='x', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, 'y') }}{{ f(1, c=3) }}{{ f('a')|upper }}{{ f() }}
{%- macro render(x) -%}  {%- if x is mapping -%}{ {%- for k in x -%}{{ k }}:{{ render(x[k]) }}{%- endfor -%} }{%- else -%}{{ x }}{%- endif -%}{%- endmacro -%}{{ render({'a': {'b': 1}}) }}
{% macro f(x) %}{{ caller(x) }}{% endmacro %}{% call(y) f(3) %}<{{ y }}>{% endcall %}
{% filter upper %}abc{{ 'd' }}{% endfilter %}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}
{% raw %}{{ not }} {% this %}{% endraw %}
{# a comment #}a{#- another -#} b
a {#- trimmed -#} b
{{ dict(a=1, b='x') }}{{ dict([['k', 'v']]) if false }}{{ dict({'a': 1}, b=2) }}
{{ 'adjacent ' 'strings' }}
{{ "a\"b\'c\\n\n\x41\u706f" }}
{{ 'single \'quoted\'' }}
{{ 1_000 }}{{ 0x1f }}{{ 0b11 }}{{ 0o17 }}{{ 1e3 }}
{{ [1, 2,] }}{{ {'a': 1,} }}{{ (1,) }}{{ () }}
{{ raise_exception('No ' + messages[0].role + ' here') }}
{{- '<|im_start|>' + messages[0]['role'] + '\n' + messages[0]['content'] | trim + '<|im_end|>' }}
{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ add_generation_prompt }}
{% for document in documents %}{{ document.title }}: {{ document['text'] }}{% if not loop.last %}
{% endif %}{% endfor %}
{% if tools is defined and tools is not none and tools | length > 0 %}tools{% endif %}
{{ messages[4].content[0].type }}{{ messages[4].content | selectattr('type', 'equalto', 'text') | map(attribute='text') | join('') }}
{% for c in messages[4]['content'] %}{% if c.type == 'image' or 'image' in c %}<img>{% elif 'text' in c %}{{ c.text }}{% endif %}{% endfor %}
{{ (messages | first).role }}{{ (messages | last).content | length }}
{{ ['a', 'b'] is not string }}{{ messages[4].content is not string and messages[4].content is iterable }}
{% set _ = messages.append({'role': 'x'}) %}
{% do messages.append(1) %}
{{ loop }}
{{ '\\n' }}{{ '\n' | replace('\n', '\\n') }}
{{ cycler('a', 'b').next() }}{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b
{{ messages[1].content | urlencode }}
{{ [3, 1, 2].index(1) }}{{ [1, 1].count(1) }}
{{ 3 ~ '' == '3' }}{{ 1 if 1 is not defined else 2 }}{{ (1 > 0) | string }}
{% if x is not defined %}{% set x = 'late' %}{% endif %}{{ x }}
{% if true %}{% set inside = 1 %}{% endif %}{{ inside }}
{%- for m in messages %}
    {%- if m.role == 'user' %}
        {{- 'U' }}
    {%- else %}
        O
    {%- endif %}
  x
{%- endfor %}
{% if true %}
  kept indentation
    {% if true %}
inner
    {% endif %}
{% endif %}
end
a{% if true %} b {% endif %} c
{%+ if true %}x{% endif +%}
  {%+ if true %}y{%- endif %}

line one
  {{ 1 }}
  {# comment line #}
line two
{{ true and 'yes' }}{{ true|string|lower }}{{ none|string }}{{ 1.50|string }}{{ [none]|string }}
{{ {'a': none}['a'] is none }}{{ {'a': none}.b is defined }}{{ {} == {} }}
{{ 'x' * 0 }}|{{ -1 }}|{{ (-1) | abs }}|{{ 1 - -1 }}
{{ tools[0].function | items | list | length }}{{ tools[0]['function'].parameters.properties | dictsort | map('first') | list }}
{{ messages[2].tool_calls[0].function.arguments | items | map('first') | join(',') }}
{{ strftime_now is defined }}{{ strftime_now('%%') }}
{{ 'A' ~ ('b' if false else 'c') ~ 'D' }}{{ ('a', 'b') | join }}
{{ messages[2]['content'].split('<think>')[1].split('</think>')[0].strip() if '<think>' in messages[2]['content'] else '' }}
{{ 'é'.encode('utf-8') | length }}
{{ 'a.b'.split('.')|last }}{{ 'abc'[0] | upper }}{{ 'abc'[10:] }}|{{ 'abc'[-10:2] }}
{{ 'abc'[10] }}
{{ messages.__class__ }}
{{ 10 | string | length }}{{ [1,2,3] | string }}{{ {'a':1} | string | length }}
{{ 'x\ty'.expandtabs(4) }}{{ 'aXbX'.translate({88: 'y'}) if false }}
{{ not messages[0].role == 'user' }}{{ messages[0].role in ['user', 'system'] and not false }}
{{ tools | map(attribute='function') | map(attribute='name') | list | tojson }}
{{ 'yes' if 'a' in ['a'] else 'no' }}{{ ['a', 'b', 'c'][-1] }}{{ ['a','b'] | join(' and ') | capitalize }}
"""


def features():
    """The templates: a line each; one that does not begin one, or follows an open block, belongs to the one before."""
    out, depth = [], 0
    for line in FEATURES.strip("\n").split("\n"):
        goes_on = depth > 0 or line == "" or line.startswith(" ") or not re.search(r"\{[{%#]", line)
        if out and goes_on:
            out[-1] += "\n" + line
        else:
            out.append(line)
        for word in ("for", "if", "macro", "filter"):
            depth += len(re.findall(r"\{%[-+]?\s*" + word + r"\b", line))
            depth -= len(re.findall(r"\{%[-+]?\s*end" + word + r"\b", line))
    return out
