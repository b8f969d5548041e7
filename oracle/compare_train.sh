#!/usr/bin/env bash
# Trains the same model with `onto bench train` and with PyTorch (f32 eager, bf16 autocast, and both through
# torch.compile where that works), in turn on the same threads, and prints tokens/s, peak memory and their ratios as a
# table and as JSON lines. Runs of one round stand next to each other and rounds are repeated, because on a shared machine
# only neighbours can be compared.
#
#   oracle/setup.sh                  once: makes oracle/.venv
#   oracle/compare_train.sh          PRESET=small FAMILY=gpt2 THREADS=all STEPS=10 ROUNDS=3
#   PRESET=gpt2 STEPS=4 ROUNDS=2 oracle/compare_train.sh
#   PRESET=lstm oracle/compare_train.sh        FAMILY does not count here, nor for bert: it is for decoders
#
# Every line goes to oracle/out/compare_train-PRESET.jsonl too; the file starts afresh.
set -euo pipefail
cd "$(dirname "$0")/.."

. oracle/beside.sh
family=(--family "${FAMILY:-gpt2}")
if [ "$preset" = lstm ] || [ "$preset" = bert ]; then
    family=()
fi
steps="${STEPS:-10}"
warmup="${WARMUP:-2}"

results="oracle/out/compare_train-$preset.jsonl"
report="oracle/out/compare_train-$preset.report.json"
log="oracle/out/compare_train-$preset.log"
: >"$results"
: >"$log"

# What failed is named, and the comparison goes on without it.
theirs() {
    local mode="$1"
    printf '  pytorch %s\n' "$mode" >&2
    if ! "$python" oracle/compare_train.py step "$mode" "$report" >>"$results" 2>>"$log"; then
        printf '  pytorch %s did not run: see %s\n' "$mode" "$log" >&2
    fi
}

ours() {
    local dtype="$1"
    printf '  onto %s\n' "$dtype" >&2
    "$onto" bench train --preset "$preset" "${family[@]}" --dtype "$dtype" --steps "$steps" --warmup "$warmup" \
        --threads "$threads" --json --quiet >"$report"
    # One line with who it is in front.
    "$python" -c 'import json, sys; print(json.dumps({"engine": "onto", **json.load(sys.stdin)}))' \
        <"$report" >>"$results"
}

for round in $(seq "$rounds"); do
    printf 'round %s of %s\n' "$round" "$rounds" >&2
    for dtype in f32 bf16; do
        ours "$dtype"
        theirs "$dtype"
        theirs "$dtype-compile"
    done
done

"$python" oracle/compare_train.py table "$results"
printf '\nraw lines: %s\n' "$results" >&2
