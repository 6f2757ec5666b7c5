#!/bin/sh
# Runs every fuzzing target for a long time, with another seed each round, until one fails. What has crashed a target remains in
# the directory, in the file of that target; GSC_FUZZ_SEED repeats a round.
#
#   scripts/fuzz.sh [seconds of each target in a round] [name of a suite, such as FuzzWireTests]
#
# With --libfuzzer, libFuzzer chooses the inputs of one target by the code that earlier ones have reached. The build is separate
# (.build/libfuzzer), because all code is instrumented. The seeds and what libFuzzer adds to them are kept in
# .build/libfuzzer/corpora, and inputs that crash or hang in .build/libfuzzer/crashes. At the end, all inputs of the corpus are used
# once more, which fails if an expectation does.
#
#   scripts/fuzz.sh --libfuzzer FuzzWireTests/messages [seconds]
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = --libfuzzer ]; then
    target=${2:?name a test, such as FuzzWireTests/messages}
    seconds=${3:-60}
    build=.build/libfuzzer
    name=$(echo "$target" | tr / -)
    corpus=$PWD/$build/corpora/$name crashes=$PWD/$build/crashes/$name
    mkdir -p "$corpus" "$crashes"
    toolchain=$(dirname "$(command -v swiftc)")/..
    runtime=$(ls "$toolchain"/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-"$(uname -m)".a)
    # The tests have a main function of their own, so -sanitize=fuzzer is not given to the linker.
    swift build --build-tests --scratch-path "$build" --disable-index-store -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer \
        -Xlinker -u -Xlinker LLVMFuzzerRunDriver -Xlinker --export-dynamic -Xlinker "$runtime" -Xlinker -lstdc++ -Xlinker -lm
    run() {
        "$build/debug/gscoordinatorPackageTests.xctest" --testing-library swift-testing --filter "$target\\("
    }
    GSC_LIBFUZZER="-max_total_time=$seconds
-timeout=60
-max_len=65536
-print_final_stats=1
-artifact_prefix=$crashes/
$corpus" run
    echo "every input of $corpus once more"
    GSC_FUZZ_INPUTS=$corpus run
    exit
fi

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
