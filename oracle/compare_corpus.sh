#!/usr/bin/env bash
# Finds duplicates in the same documents with `onto bench corpus dedup` and with datatrove, rensa and datasketch, on one core
# each, in turn, and prints bytes of text a second and their ratios.
#
#   python3 -m venv VENV; VENV/bin/pip install datatrove==0.10.1 "xxhash<3.6" spacy tokenizers rensa datasketch==2.0.0
#   PYTHON=VENV/bin/python oracle/compare_corpus.sh FILE.jsonl       ROUNDS=2 PRESETS="default datatrove fineweb"
#
# Every line goes to oracle/out/compare_corpus.jsonl too; the file starts afresh.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

if [ "$#" -ne 1 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
onto="${ONTO:-$here/../target/release/onto}"
python="${PYTHON:-$here/.venv/bin/python}"
results="$here/out/compare_corpus.jsonl"
mkdir -p "$here/out"
: >"$results"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
for round in $(seq "${ROUNDS:-2}"); do
    printf 'round %s\n' "$round" >&2
    for preset in ${PRESETS:-default datatrove fineweb}; do
        "$onto" bench corpus dedup --preset "$preset" --threads 1 --json "$1" |
            "$python" -c 'import json, sys; print(json.dumps({"engine": "onto", **json.load(sys.stdin)}))' >>"$results"
    done
    "$python" "$here/compare_corpus.py" dedup "$1" 2>>"$here/out/compare_corpus.log" >>"$results"
done
"$python" "$here/compare_corpus.py" table "$results"
