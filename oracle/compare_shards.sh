#!/usr/bin/env bash
# Reads what `onto corpus shards` wrote with the peers' own readers (megatron-core 0.16.1, datatrove 0.10.1, numpy as dolma
# does) and compares every document with what the tokenizers library gives for it.
#
#   oracle/compare_shards.sh TEXT.jsonl TOKENIZER_FOLDER      ONTO=target/release/onto PYTHON=oracle/.venv/bin/python
#
# Needs in PYTHON: pip install datatrove==0.10.1 tokenizers; pip install --no-deps megatron-core==0.16.1
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
if [ "$#" -lt 2 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
onto="${ONTO:-$here/../target/release/onto}"
python="${PYTHON:-$here/.venv/bin/python}"
out="$here/out/shards"
rm -rf "$out"
mkdir -p "$out"
for format in megatron ds npy; do
    "$onto" corpus shards "$1" --tokenizer "$2" --format "$format" --seed 3 --out "$out/$format" --quiet >/dev/null
done
# What readers clean (white space at the ends, control characters) is not what is compared here.
"$onto" corpus convert "$1" --to jsonl --out "$out/texts" --quiet >/dev/null
"$python" "$here/compare_shards.py" "$out/texts/documents.jsonl" "$2" "$out"
