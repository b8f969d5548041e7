#!/usr/bin/env bash
# Runs fuzz targets: run.sh [SECONDS [TARGET...]]; without a target all of them, without seconds a minute each.
# Stops at the first finding; the input that shows it lies under fuzz/artifacts/TARGET.
set -euo pipefail
cd "$(dirname "$0")"
[ -d seeds ] || python3 ../oracle/fuzz_seeds.py
seconds="${1:-60}"
shift || true
if [ "$#" -gt 0 ]; then
    targets=("$@")
else
    mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | grep -v '^fuzz$')
fi
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    mkdir -p "corpus/$target" "seeds/$target"
    cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1
done
