#!/usr/bin/env bash
# Times the matrix products of a preset's linear layers (forward, by input, by weight) in `onto bench ops` and in PyTorch, in
# turn on the same threads, and prints their ratios.
#
#   oracle/setup.sh                     once: makes oracle/.venv
#   oracle/compare_products.sh          PRESET=small DTYPES="f32 bf16" THREADS=all ROUNDS=3
set -euo pipefail
cd "$(dirname "$0")/.."

. oracle/beside.sh
dtypes="${DTYPES:-f32 bf16}"

results="oracle/out/compare_products-$preset.jsonl"
report="oracle/out/compare_products-$preset.report.json"
: >"$results"
for round in $(seq "$rounds"); do
    printf 'round %s of %s\n' "$round" "$rounds" >&2
    for dtype in $dtypes; do
        "$onto" bench ops --preset "$preset" --dtype "$dtype" --threads "$threads" --json --quiet | tee "$report" >>"$results"
        "$python" oracle/compare_products.py time "$report" >>"$results"
    done
done
"$python" oracle/compare_products.py table "$results"
printf '\nraw lines: %s\n' "$results" >&2
