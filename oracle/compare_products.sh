#!/usr/bin/env bash
# Times the matrix products of a preset's linear layers (forward, by input, by weight) in `onto bench ops` and in PyTorch, in
# turn on the same threads, and prints their ratios.
#
#   oracle/setup.sh                     once: makes oracle/.venv
#   oracle/compare_products.sh          PRESET=small DTYPES="f32 bf16" THREADS=all ROUNDS=3
set -euo pipefail
cd "$(dirname "$0")/.."

preset="${PRESET:-small}"
dtypes="${DTYPES:-f32 bf16}"
threads="${THREADS:-$(nproc)}"
rounds="${ROUNDS:-3}"
onto="${ONTO:-target/release/onto}"
python="${PYTHON:-oracle/.venv/bin/python}"

if [ ! -x "$python" ]; then
    echo "there is no $python: oracle/setup.sh makes it" >&2
    exit 1
fi
if [ -z "${ONTO:-}" ]; then
    cargo build --release --quiet --locked
fi

mkdir -p oracle/out
results="oracle/out/compare_products-$preset.jsonl"
report="oracle/out/compare_products-$preset.report.json"
: >"$results"
export OMP_NUM_THREADS="$threads" MKL_NUM_THREADS="$threads"
for round in $(seq "$rounds"); do
    printf 'round %s of %s\n' "$round" "$rounds" >&2
    for dtype in $dtypes; do
        "$onto" bench ops --preset "$preset" --dtype "$dtype" --threads "$threads" --json --quiet | tee "$report" >>"$results"
        "$python" oracle/compare_products.py time "$report" >>"$results"
    done
done
"$python" oracle/compare_products.py table "$results"
printf '\nraw lines: %s\n' "$results" >&2
