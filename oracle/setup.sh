#!/bin/sh
# Makes oracle/.venv with the reference programs our numbers are compared with. Only the scripts in this folder need
# it: building, running and testing the program do not.
set -eu
cd "$(dirname "$0")"
python="${PYTHON:-python3}"
"$python" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check \
    torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6 \
    sentencepiece==0.2.3 tiktoken==0.14.0
.venv/bin/python -c 'import torch, transformers; print("torch", torch.__version__, "transformers", transformers.__version__)'
