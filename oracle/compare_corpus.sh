#!/usr/bin/env bash
# Works on the same documents with `onto bench corpus` and with the peers, on one core each, in turn: duplicates (beside datatrove, rensa,
# datasketch), all signals of documents, decisions over JSON lines, and a whole build from WET (beside datatrove). Prints bytes a second and
# their ratios.
#
#   python3 -m venv VENV; VENV/bin/pip install datatrove==0.10.1 "xxhash<3.6" spacy tokenizers rensa datasketch==2.0.0 \
#       warcio faust-cchardet python-magic orjson nltk
#   python3 oracle/corpus_texts.py ../shared/data texts.jsonl 10; python3 oracle/corpus_texts.py ../shared/data texts.wet.gz 10
#   PYTHON=VENV/bin/python oracle/compare_corpus.sh texts.jsonl texts.wet.gz
#
# ROUNDS=2 rounds; PRESETS="default datatrove fineweb" of duplicates; WORK="dedup tag decide build". Every line goes to
# oracle/out/compare_corpus.jsonl too; the file starts afresh.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

if [ "$#" -ne 2 ]; then
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
onto="${ONTO:-$here/../target/release/onto}"
python="${PYTHON:-$here/.venv/bin/python}"
results="$here/out/compare_corpus.jsonl"
mkdir -p "$here/out"
: >"$results"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
ours() {
    work="$1"
    shift
    "$onto" bench corpus "$work" --threads 1 --json "$@" |
        "$python" -c 'import json, sys; print(json.dumps({"work": sys.argv[1], "engine": "onto", **json.load(sys.stdin)}))' "$work" >>"$results"
}
for round in $(seq "${ROUNDS:-2}"); do
    printf 'round %s\n' "$round" >&2
    for work in ${WORK:-dedup tag decide build}; do
        file="$1"
        case "$work" in
        dedup) for preset in ${PRESETS:-default datatrove fineweb}; do ours dedup --preset "$preset" "$file"; done ;;
        build) file="$2" && ours build "$file" ;;
        *) ours "$work" "$file" ;;
        esac
        "$python" "$here/compare_corpus.py" "$work" "$file" 2>>"$here/out/compare_corpus.log" >>"$results"
    done
done
"$python" "$here/compare_corpus.py" table "$results"
