#!/bin/sh
# Runs every fuzzing target for a long time, with another seed each round, until one fails. What has crashed a target remains in
# the directory, in the file of that target; GSC_FUZZ_SEED repeats a round.
#
#   scripts/fuzz.sh [seconds of each target in a round] [name of a suite, such as FuzzWireTests]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
filter=${2:-Fuzz}
GSC_FUZZ_DIRECTORY=${GSC_FUZZ_DIRECTORY:-$(mktemp -d)}
GSC_FUZZ_SECONDS=$seconds
export GSC_FUZZ_DIRECTORY GSC_FUZZ_SECONDS
swift build --build-tests
seed=${GSC_FUZZ_SEED:-$(date +%s)}
while :; do
    echo "seed $seed, inputs in $GSC_FUZZ_DIRECTORY"
    GSC_FUZZ_SEED=$seed swift test --skip-build --no-parallel --filter "$filter"
    seed=$((seed + 1))
done
