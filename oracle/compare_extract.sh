#!/usr/bin/env bash
# Main text of pages: onto's extractors and the peers in one run, on the same pages, one process each, one core.
#   oracle/compare_extract.sh [DATA]     DATA holds html-extract and html-extract-multi (default ../shared/data)
# Scores: F1 over runs of four words of the article text (the scoring of Scrapinghub's article-extraction-benchmark: mean
# precision and mean recall over pages) and the share of segments that must (not) be in the text. The peers are installed
# into a virtual environment of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
data="${1:-../shared/data}"
venv="oracle/out/venv-extract"
mkdir -p oracle/out
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet trafilatura==2.3.1 resiliparse==2.0.1 justext==3.0.2 readability-lxml==0.9 \
        lxml_html_clean==0.4.6 html-text==0.7.1 boilerpy3==1.0.7
fi
cargo build --release --quiet -p corpus --example extract
"$venv/bin/python" oracle/compare_extract.py "$data" target/release/examples/extract
