#!/usr/bin/env bash
# Encodes the same texts with `onto bench tokenizer` and with the reference programs (tokenizers, tiktoken,
# sentencepiece, and gigatoken where it is installed) on one thread, in turn, and prints bytes a second and their ratios.
#
#   oracle/setup.sh                                      once: makes oracle/.venv
#   oracle/compare_tokenizer.sh TOKENIZER TEXT...        SECONDS_EACH=1 ROUNDS=2
#   oracle/compare_tokenizer.sh train MODEL MB TEXT...   VOCAB=32768 PEERS="tokenizers sentencepiece"
#
# Text that spells an added token is taken out first, because not all sides take it for text; copies are under oracle/out/texts.
#
# `train` trains a vocabulary (bpe, wordpiece or unigram) on MB million bytes of the texts, again and again, with all sides on all
# threads, and prints seconds and peak memory. Every line goes to oracle/out/compare_tokenizer.jsonl (or compare_training.jsonl) too; the
# file starts afresh.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

if [ "$#" -lt 2 ]; then
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
seconds="${SECONDS_EACH:-1}"
rounds="${ROUNDS:-2}"
onto="${ONTO:-$here/../target/release/onto}"
python="${PYTHON:-$here/.venv/bin/python}"
if [ "$1" = train ] && [ "$#" -ge 4 ]; then
    model="$2" size="$(($3 * 1000000))" vocab="${VOCAB:-32768}"
    shift 3
    mkdir -p "$here/out"
    results="$here/out/compare_training.jsonl"
    "$onto" bench tokenizer --train "$model" --size "$size" --vocab-size "$vocab" --json --no-progress "$@" |
        "$python" -c 'import json, sys; print(json.dumps({"engine": "onto", **json.load(sys.stdin)}))' >"$results"
    for peer in ${PEERS:-$([ "$model" = unigram ] && echo sentencepiece || echo tokenizers)}; do
        "$python" "$here/compare_training.py" measure "$peer" "$model" "$size" "$vocab" "$@" >>"$results"
    done
    exec "$python" "$here/compare_training.py" table "$results"
fi
tokenizer="$1"
shift

mkdir -p "$here/out"
mapfile -t texts < <("$python" "$here/compare_tokenizer.py" texts "$tokenizer" "$here/out/texts" "$@")
set -- "${texts[@]}"
results="$here/out/compare_tokenizer.jsonl"
: >"$results"
export RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
for round in $(seq "$rounds"); do
    printf 'round %s of %s\n' "$round" "$rounds" >&2
    "$onto" bench tokenizer -t "$tokenizer" --seconds "$seconds" --threads 1 --json "$@" |
        "$python" -c 'import json, sys; print(json.dumps({"engine": "onto", **json.load(sys.stdin)}))' >>"$results"
    "$python" "$here/compare_tokenizer.py" measure "$tokenizer" "$seconds" "$@" >>"$results"
done
"$python" "$here/compare_tokenizer.py" table "$results"
