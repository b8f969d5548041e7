# Sourced by compare_train.sh and compare_products.sh, from the project's root: who is compared, on how many threads and
# how often, as the environment says. Builds our side where nobody gave one.
preset="${PRESET:-small}"
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
export OMP_NUM_THREADS="$threads" MKL_NUM_THREADS="$threads"
