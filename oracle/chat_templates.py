"""Chat templates in the manner of well-known families, written for oracle/chat.py: the same turns, marks, checks and ways to
say them as the published ones have, in words of our own."""

ALTERNATING = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set standing = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set standing = '' %}
    {%- set turns = messages %}
{%- endif %}
{%- for turn in turns %}
    {%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate: user, assistant, user, ...') }}
    {%- endif %}
    {%- if turn['role'] == 'user' %}
        {{- bos_token if not loop.first }}{{ '[INST] ' + (standing if loop.first else '') + turn['content'].strip() + ' [/INST]' }}
    {%- else %}
        {{- ' ' + turn['content'].strip() + ' ' + eos_token }}
    {%- endif %}
{%- endfor %}"""

HEADERS = """{{- bos_token }}
{%- if not date_string is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set standing = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set standing = "" %}
{%- endif %}
{{- "<|start|>system<|end|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: tools\\n" }}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- standing + "<|eot|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n' + message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One call at a time, please!") }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '<|start|>assistant<|end|>\\n\\n' -}}
        {{- '{"name": "' + call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot|>" }}
    {%- else %}
        {{- "<|start|>tool<|end|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\\n\\n' }}
{%- endif %}
"""

MODEL_ROLE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set before = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set before = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set before = "" -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for m in turns -%}
    {%- if (m['role'] == 'assistant') -%}{%- set role = "model" -%}{%- else -%}{%- set role = m['role'] -%}{%- endif -%}
    {{ '<turn>' + role + '\\n' + (before if loop.first else "") }}
    {%- if m['content'] is string -%}
        {{ m['content'] | trim }}
    {%- elif m['content'] is iterable -%}
        {%- for item in m['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<turn>model\\n'}}
{%- endif -%}
"""

THINKING = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(searching=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.searching and message.role == "user" and message.content is string and not(message.content.startswith('<result>') and message.content.endswith('</result>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content if message.content is string else '' %}
        {%- set thoughts = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thoughts = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or thoughts) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + thoughts.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- for call in message.tool_calls or [] %}
            {%- if (loop.first and content) or not loop.first %}{{- '\\n' }}{%- endif %}
            {%- if call.function %}{%- set call = call.function %}{%- endif %}
            {{- '<call>\\n{"name": "' + call.name + '", "arguments": ' }}
            {{- call.arguments if call.arguments is string else call.arguments | tojson }}
            {{- '}\\n</call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<result>\\n' + message.content + '\\n</result>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""

CHANNELS = """{%- macro schema(value, depth=0) -%}
{%- if value is mapping -%}
{ {%- for key, item in value|dictsort %}{{ '\\n' + '  ' * (depth + 1) + key + ': ' + schema(item, depth + 1) }}{{ ',' if not loop.last }}{%- endfor %}{{ '\\n' + '  ' * depth }} }
{%- elif value is string -%}"{{ value }}"
{%- elif value is sequence -%}[{% for item in value %}{{ schema(item, depth) }}{{ ' | ' if not loop.last }}{% endfor %}]
{%- else -%}{{ value }}
{%- endif -%}
{%- endmacro -%}
<|im_start|>system
{{ model_identity | default('You are a model.') }}
{% if tools %}# Functions
{% for tool in tools %}{{ tool.function.name }}({{ schema(tool.function.parameters.properties) }}){{ ' // ' ~ tool.function.description.split('\\n') | join(' ') }}
{% endfor %}{% endif -%}
<|im_end|>
{%- for message in messages -%}
    {%- if message.role in ['system', 'developer'] -%}
<|im_start|>developer{{ '\\n' ~ message.content }}<|im_end|>
    {%- elif message.role == 'assistant' -%}
        {%- if message.thinking %}<|im_start|>assistant [analysis] {{ message.thinking }}<|im_end|>{% endif -%}
        {%- for call in message.tool_calls or [] -%}
<|im_start|>assistant to={{ call.function.name }} {{ call.function.arguments|tojson(ensure_ascii=True, sort_keys=true, separators=(',', ':')) }}<|im_end|>
        {%- else -%}
<|im_start|>assistant [final] {{ message.content }}{{ '<|endoftext|>' if loop is not defined or messages[-1] == message else '<|im_end|>' }}
        {%- endfor -%}
    {%- else -%}
<|im_start|>{{ message.role ~ (' ' ~ message.name if message.name) }} {{ message.content if message.content is string else message.content | map(attribute='text') | select('defined') | join }}<|im_end|>
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant{% endif -%}"""

DOCUMENTS = """{% if documents %}{% for d in documents %}<doc {{ loop.index }}: {{ d.title | upper }}>
{{ d.text | indent(2) }}
{% endfor %}{% endif %}
{% for message in messages %}
  {% if message.role == 'tool' %}
    {% continue %}
  {% endif %}
  {% if message.content is none or not message.content %}
    {% break %}
  {% endif %}
<|im_start|>{{ message.role | capitalize }}: {{ message.content if message.content is string else '?' }}<|im_end|>
{% endfor %}
{% if add_generation_prompt %}<|im_start|>Assistant:{% endif %}
"""

# With blocks that say what is learnt.
TAGGED = """{% for message in messages %}
{% if message.role == 'assistant' %}
<|im_start|>assistant
{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}

{% else %}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' }}
{% endif %}
{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

TAGGED_TRIM = """{%- for m in messages -%}
    {%- if m.role == 'assistant' -%}
        {{- '<|im_start|>' }}{%- generation -%}  {{ m.content | trim }}
            {%- for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor -%}
        {{- '<|im_end|>' -}} {%- endgeneration -%}
    {%- else -%}
        {{- '<|im_start|>' ~ m.content ~ '<|im_end|>' -}}
    {%- endif -%}
{%- endfor -%}"""

TEMPLATES = {
    "alternating": ALTERNATING,
    "headers": HEADERS,
    "model_role": MODEL_ROLE,
    "thinking": THINKING,
    "channels": CHANNELS,
    "documents": DOCUMENTS,
    "tagged": TAGGED,
    "tagged_trim": TAGGED_TRIM,
}
TAGGED_NAMES = ["tagged", "tagged_trim"]
