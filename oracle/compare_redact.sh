#!/usr/bin/env bash
# Precision and recall of `onto corpus redact` beside presidio-analyzer's pattern recognizers (it has no spaCy model here, so
# no names), datatrove's and dolma's rules, on presidio-research's generated sentences (odd ones; the rules were looked at
# on the even ones) and on a generated set in four languages with near misses.
#
#   oracle/compare_redact.sh SYNTH_DATASET_V2.json        ONTO=target/release/onto PYTHON=oracle/.venv/bin/python
#
# Needs in PYTHON: pip install presidio-analyzer==2.2.362 faker==40.63.0
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
if [ "$#" -lt 1 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
onto="${ONTO:-$here/../target/release/onto}"
python="${PYTHON:-$here/.venv/bin/python}"
out="$here/out/redact"
mkdir -p "$out"
"$python" "$here/compare_redact.py" convert "$1" "$out/presidio.jsonl" 1
"$python" "$here/compare_redact.py" generate "$out/generated.jsonl" "${SEED:-7}" "${DOCUMENTS:-2000}"
for set in presidio generated; do
    echo "== $set"
    "$onto" corpus redact "$out/$set.jsonl" --quiet >"$out/$set.onto.jsonl"
    "$python" "$here/compare_redact.py" score "$out/$set.jsonl" "$out/$set.onto.jsonl" onto
    for preset in datatrove dolma; do
        "$onto" corpus redact "$out/$set.jsonl" --preset "$preset" --quiet >"$out/$set.$preset.jsonl"
        "$python" "$here/compare_redact.py" score "$out/$set.jsonl" "$out/$set.$preset.jsonl" "$preset"
    done
    "$python" "$here/compare_redact.py" presidio "$out/$set.jsonl" >"$out/$set.presidio.jsonl"
    "$python" "$here/compare_redact.py" score "$out/$set.jsonl" "$out/$set.presidio.jsonl" presidio
done
