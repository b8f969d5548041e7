//! Prompt templates by hand; chat templates are compared with transformers beside `chat`.

use serde_json::json;

use super::*;

fn render(source: &str, values: Json) -> Result<String, TemplateError> {
    PromptTemplate::new(source)?.render(values.as_object().unwrap(), &Rng::new(1))
}

#[test]
fn lists_and_dictionaries_grow() {
    let check = |source: &str, expected: &str| assert_eq!(render(source, json!({})).unwrap(), expected, "{source}");
    check(
        "{% set l = [] %}{% for i in range(3) %}{{ l.append(i) or '' }}{% endfor %}{{ l | join('-') }} {{ l }}",
        "0-1-2 [0, 1, 2]",
    );
    check(
        "{% set l = [] %}{{ l.append(1) }}{{ l.append(l) }}{{ l }}{{ l.pop() }}{{ l | length }}",
        "NoneNone[1, [1]][1]1",
    );
    check(
        "{% set d = namespace(v={}) %}{% set _ = d.v.update({'a': 1}) %}{% set _ = d.v.update({'b': 2, 'a': 3}) %}{{ d.v }}{{ d.v.items() | list }}{{ d.v['a'] }}",
        "{'a': 3, 'b': 2}[('a', 3), ('b', 2)]3",
    );
    check(
        "{% set l = [] %}{{ l.extend([3, 1, 2]) or '' }}{{ l | sort }}{{ l[1] }}{{ 3 in l }}{{ l | max }}",
        "[1, 2, 3]1True3",
    );
    check("{# {% set a = [] %} #}{% if [] %}x{% endif %}{{ [] }}", "[]");
    assert!(render("{% set l = [] %}{{ l.pop() }}", json!({})).is_err());
    let endless = "{% set l = [] %}{% for i in range(99999) %}{% for j in range(99999) %}{{ l.append('x' * 1000) }}{% endfor %}{% endfor %}";
    assert!(matches!(render(endless, json!({})), Err(TemplateError::OutOfFuel { .. } | TemplateError::Failed { .. })));
}

#[test]
fn choices_are_drawn_from_the_seed() {
    let template = PromptTemplate::new("{{ x | choice }}{{ x | choice }}{{ x | choice }}").unwrap();
    let values = json!({"x": ["a", "b", "c", "d"]});
    let draw = |seed| template.render(values.as_object().unwrap(), &Rng::new(seed)).unwrap();
    assert_eq!(draw(1), draw(1));
    assert!((0..9).any(|seed| draw(seed) != draw(1)));
    assert!((0..9).any(|seed| draw(seed).chars().collect::<std::collections::BTreeSet<_>>().len() > 1));
    let frequent = render("{{ x | most_frequent }}", json!({"x": ["b", "a", "c", "a", "b"]})).unwrap();
    assert_eq!(frequent, "['b', 'a']");
    assert!(render("{{ [] | choice }}", json!({})).is_err());
}

#[test]
fn fields_are_placed() {
    let values = json!({"text": " a ", "answers": {"text": ["b", "c"]}, "label": 1, "empty": ""});
    let place = |source: &str| {
        let placed = PromptTemplate::new(source).unwrap().place(values.as_object().unwrap(), &Rng::new(1)).unwrap();
        placed.fields.iter().map(|(range, name)| format!("{name}={}", &placed.text[range.clone()])).collect::<Vec<_>>()
    };
    assert_eq!(
        place("T: {{ text | trim }}{{ label }} ||| {{ answers.text | join('/') }}{{ empty }}"),
        ["text=a", "answers.text=b", "answers.text=c"]
    );
    assert_eq!(place("{{ 'x' if text == ' a ' else 'y' }}{{ answers.text[0] }}"), [""; 0]);
}

#[test]
fn white_space_is_jinja_s_own() {
    let source = "a\n{% if true %}\nb\n{% endif %}\n  {# c #}\nd\n";
    assert_eq!(render(source, json!({})).unwrap(), "a\n\nb\n\n  \nd");
    assert!(matches!(render("\n\n{{ x.", json!({})), Err(TemplateError::Failed { line: 3, .. })));
}

/// Mutated templates end in a text or an error, never in a panic.
#[test]
fn mutated_templates_do_not_panic() {
    let seeds = [
        "{% for m in messages if m %}{{ loop.index ~ m.content | trim }}{% else %}x{% endfor %}",
        "{%- set ns = namespace(a=[], b='x') -%}{% set ns.b = ns.b ~ messages[0]['content'].split('x', 1)[-1] %}{{ ns.b | tojson(indent=2) }}",
        "{% macro f(a, b=2) %}{{ a }}{{ b[1:-1] }}{% endmacro %}{{ f('abc', b='defg') | upper }}",
        "{% generation %}{{ 'a%sb' | format(1) }}{% endgeneration %}{# c #}{% raw %}{{{% endraw %}",
    ];
    let mut rng = Rng::new(7);
    let alphabet: Vec<char> = "{}%#-+|'\"[]().,:=~ \n\\abmx019é灯".chars().collect();
    let context = || vec![("messages".to_owned(), Value::from(Serde(json!([{"role": "user", "content": "axbx"}]))))];
    for round in 0..1200 {
        let mut source: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..1 + rng.index(4) {
            let at = rng.index(source.len());
            match rng.index(4) {
                0 => drop(source.remove(at)),
                1 => source.insert(at, alphabet[rng.index(alphabet.len())]),
                2 => source[at] = alphabet[rng.index(alphabet.len())],
                _ => source.truncate(at.max(1)),
            }
        }
        let source: String = source.into_iter().collect();
        if let Ok(engine) = chat_engine(&source, None) {
            drop(super::render(&engine, context()));
        }
        if let Ok(template) = PromptTemplate::new(&source) {
            drop(template.render(&Map::new(), &Rng::new(1)));
        }
    }
}

#[test]
fn deep_values_and_templates_are_bounded() {
    let deep = [
        "{% set ns = namespace(x=1) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}".to_owned(),
        "{% set ns = namespace(x=1) %}{% for i in range(50000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}".to_owned(),
        format!("{{% set x = 1 %}}{}", "{% set x = [x] %}".repeat(60_000)),
    ];
    for source in deep {
        let result = super::render(&chat_engine(&source, None).unwrap(), Vec::new());
        assert!(result.is_err_and(|error| error.to_string().contains("too deep")));
    }
    let grown = "{% set l = [] %}{% for i in range(50000) %}{{ l.append(l) }}{% endfor %}";
    assert!(render(grown, json!({})).is_err());
    let long = |open: &str, close: &str, count: usize| {
        let source = format!("{{{{ {}1{} }}}}", open.repeat(count), close.repeat(count));
        drop(chat_engine(&source, None).map(|engine| super::render(&engine, Vec::new())));
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("-", ""),
        ("not ", ""),
        ("1+", ""),
        ("", "|e"),
        ("", ".a"),
        ("", "|batch(1)|list"),
        ("", "[0]"),
    ] {
        for count in [300, 1000, 4000, 40_000] {
            long(open, close, count);
        }
    }
    let blocks = "{% if true %}".repeat(20_000) + &"{% endif %}".repeat(20_000);
    drop(chat_engine(&blocks, None).map(|engine| super::render(&engine, Vec::new())));
    let elses = "{% if false %}".to_owned() + &"{% elif false %}".repeat(19_000) + "{% endif %}";
    drop(chat_engine(&elses, None).map(|engine| super::render(&engine, Vec::new())));
    assert!(chat_engine(&"x".repeat(5 << 20), None).is_err());
}
