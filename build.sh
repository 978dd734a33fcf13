#!/usr/bin/env bash
# Everything one does with this repository, on Debian or Ubuntu; `./build.sh help` lists it. On other systems install
# the .NET 10 SDK and, if you like, cmake, a C++ compiler, GoogleTest, FreeType and libtorch, and run the same verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export DOTNET_CLI_UI_LANGUAGE=en

readonly results=artifacts/test-results
readonly native_packages=(g++ make cmake)
readonly test_packages=(
  libgtest-dev libfreetype6 libtorch-dev wamerican
  fonts-dejavu-core fonts-freefont-ttf fonts-lato fonts-liberation2 fonts-linuxlibertine fonts-open-sans fonts-urw-base35)

say() { printf '%s\n' "$*" >&2; }
fail() { say "build.sh: $*"; exit 1; }

usage() {
  cat <<'TEXT'
Usage: ./build.sh VERB [ARGUMENTS]

  demo [PICTURE]      encode a picture at three qualities, decode and read it back, and write demo.html
  test                build everything and run all tests
  fuzz --minutes N    feed damaged files to every reader and decoder for N processor minutes (fuzz --help)
  golden              write the golden streams of the shipped models anew
  bench [FILTER]      run the benchmarks (those whose name matches) into benchmarks/results
  train [ARGUMENTS]   install what training needs and run `tfic train ARGUMENTS`
  capi [CODEC-FILE]   publish the C library into artifacts/capi, compile and run native/capi/example.c with it
  format [--check]    format the code, or only say whether it is formatted (--check-spaces: spaces only, in seconds)

Missing packages are installed with apt, as root or through sudo. TFIC_INSTALL=no leaves the machine as it is.
TEXT
}

# The given packages that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
  done
}

# The given packages that the system's package lists hold, one a line.
offered_packages() {
  local package
  for package in "$@"; do
    [ -z "$(apt-cache madison "$package" 2>/dev/null)" ] || printf '%s\n' "$package"
  done
}

# install PACKAGE...: installs those that are missing and that this release of the system has.
install() {
  if [ "${TFIC_INSTALL:-yes}" = no ] || ! command -v apt-get >/dev/null; then
    return
  fi
  local missing wanted=() absent=() as_root=()
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0

  # What this release of the system does not have must not stop anyone, nor cost an update each time. A fresh machine
  # has no package lists at all, and nothing can be told before it has.
  mapfile -t wanted < <(offered_packages "${missing[@]}")
  if [ ${#wanted[@]} = 0 ] && [ -n "$(offered_packages bash)" ]; then
    say "Not in this system's packages, going on without: ${missing[*]}"
    return 0
  fi
  [ ${#wanted[@]} -gt 0 ] || wanted=("${missing[@]}")

  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      say "Packages are missing, and this user may not install them. Run this as root, then try again:"
      say ""
      say "    apt-get update && apt-get install --no-install-recommends ${wanted[*]}"
      say ""
      say "or go on without them: TFIC_INSTALL=no ./build.sh ..."
      exit 1
    fi
  fi

  # Old lists name files long gone.
  "${as_root[@]}" apt-get update -qq </dev/null || say "apt-get update failed; going on with the lists there are"
  mapfile -t wanted < <(offered_packages "${missing[@]}")
  mapfile -t absent < <(printf '%s\n' "${missing[@]}" | grep -vxF -f <(printf '%s\n' "${wanted[@]}"))
  [ ${#absent[@]} = 0 ] || say "Not in this system's packages, going on without: ${absent[*]}"
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "Installing ${wanted[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${wanted[@]}" </dev/null >&2 \
    || fail "apt could not install them; the messages above say why"
}

has_sdk() { command -v "$1" >/dev/null && "$1" --list-sdks 2>/dev/null | grep -q '^10\.'; }

# The .NET 10 SDK: the one on the path, one in ~/.dotnet, the system's package, or Microsoft's own installer.
find_dotnet() {
  local home="${DOTNET_INSTALL_DIR:-$HOME/.dotnet}"
  # Without the ICU libraries, which a bare machine lacks, dotnet starts in this mode only.
  if ! ls /usr/lib/*/libicuuc.so.* >/dev/null 2>&1; then export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1; fi
  has_sdk dotnet && return
  if ! has_sdk "$home/dotnet"; then
    [ "${TFIC_INSTALL:-yes}" != no ] || fail "the .NET 10 SDK is missing: see https://dot.net/download"
    if command -v apt-cache >/dev/null && [ -n "$(apt-cache madison dotnet-sdk-10.0 2>/dev/null)" ]; then
      install dotnet-sdk-10.0
      has_sdk dotnet && return
    fi
    install ca-certificates curl libstdc++6
    command -v curl >/dev/null || fail "curl is missing, and with it a way to get the .NET 10 SDK"
    say "Installing the .NET 10 SDK into $home"
    mkdir -p artifacts
    curl -fsSL https://dot.net/v1/dotnet-install.sh -o artifacts/dotnet-install.sh \
      && bash artifacts/dotnet-install.sh --channel 10.0 --install-dir "$home" >&2 \
      || fail "the .NET 10 SDK could not be downloaded; install it from https://dot.net/download and try again"
    has_sdk "$home/dotnet" || fail "the SDK in $home does not start"
  fi
  export DOTNET_ROOT="$home" PATH="$home:$PATH"
}

build_cli() {
  dotnet build src/Tfic.Cli -c Release -v quiet >&2
}

demo() {
  install "${native_packages[@]}"
  find_dotnet
  build_cli
  dotnet src/Tfic.Cli/bin/Release/net10.0/Tfic.Cli.dll demo "$@"
}

train() {
  local fonts
  mapfile -t fonts < <(grep -v '^#' .eng/fonts.txt)
  install "${native_packages[@]}" libfreetype6 libtorch-dev wamerican "${fonts[@]}"
  find_dotnet
  build_cli
  # A young generation of 1.5 GiB with the large arrays in it: nothing is then collected within a training step, where
  # TorchSharp may lose a Scalar that libtorch still reads (TrainingRun collects between steps). A run that fails all
  # the same goes on from its checkpoint when the command is given again.
  DOTNET_GCgen0size=0x60000000 DOTNET_GCLOHThreshold=0x8000000 DOTNET_gcConcurrent=0 \
    dotnet src/Tfic.Cli/bin/Release/net10.0/Tfic.Cli.dll train "$@"
}

bench() {
  # Peers to be measured beside. Without OpenBLAS Debian's libtorch multiplies small matrices by the reference BLAS, ten
  # times as slowly, which would flatter us.
  install "${native_packages[@]}" libtorch-dev libopenblas0-pthread libturbojpeg0
  find_dotnet
  dotnet build benchmarks/Tfic.Benchmarks -c Release -v quiet >&2
  dotnet benchmarks/Tfic.Benchmarks/bin/Release/net10.0/Tfic.Benchmarks.dll "$@"
}

fuzz() {
  install "${native_packages[@]}"
  find_dotnet
  dotnet build tests/Tfic.Fuzz -c Release -v quiet >&2
  dotnet tests/Tfic.Fuzz/bin/Release/net10.0/Tfic.Fuzz.dll "$@"
}

# Golden streams are what the shipped models write: made anew after new weights or a change of the format.
golden() {
  find_dotnet
  dotnet build tests/Tfic.Models.Tests -c Release -v quiet >&2
  dotnet tests/Tfic.Models.Tests/bin/Release/net10.0/Tfic.Models.Tests.dll "$PWD/tests/Tfic.Models.Tests/Golden"
}

# The C library for this machine. Its compiler comes from the package sources; clang or gcc links it.
capi() {
  local runtime
  case $(uname -m) in
    x86_64) runtime=linux-x64 ;;
    aarch64) runtime=linux-arm64 ;;
    *) fail "the C library can be published on x86-64 and Arm64 only" ;;
  esac
  install "${native_packages[@]}"
  find_dotnet
  dotnet publish src/Tfic.CApi -c Release -r "$runtime" -p:PublishAot=true -o artifacts/capi -v quiet >&2 \
    || fail "the C library could not be published; the messages above say why"
  cc -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -I native/include native/capi/example.c \
    -L artifacts/capi -ltfic_c -Wl,-rpath,'$ORIGIN' -o artifacts/capi/example
  artifacts/capi/example "$@"
  ls -l artifacts/capi/libtfic_c.*
}

format() {
  find_dotnet
  if [ "${1:-}" = --check-spaces ]; then
    # Without loading projects; what lies in the folders of builds is not ours.
    dotnet format whitespace . --folder --verify-no-changes --exclude artifacts
    return
  fi
  dotnet restore Core.sln -v quiet >&2
  local check=()
  if [ "${1:-}" = --check ]; then check=(--verify-no-changes); fi
  dotnet format Core.sln --no-restore "${check[@]}"
  if command -v clang-format >/dev/null; then
    if [ ${#check[@]} -gt 0 ]; then check=(--dry-run -Werror); else check=(-i); fi
    git ls-files -z 'native/*.cpp' 'native/*.h' | xargs -0 -r clang-format "${check[@]}"
  fi
}

# attribute NAME TEXT: the number in NAME="…", 0 if it is not there.
attribute() {
  local pattern="(^|[ <])$1=\"([0-9]+)\""
  if [[ $2 =~ $pattern ]]; then echo "${BASH_REMATCH[2]}"; else echo 0; fi
}

passed=0 failed=0 skipped=0

# Adds up what ctest wrote as JUnit and dotnet test as TRX, and names what failed.
count_results() {
  local file line total
  for file in "$results"/*.xml; do
    [ -e "$file" ] || continue
    # The head of the test suite is one element over several lines.
    line=$(tr '\n\t' '  ' <"$file" | grep -o '<testsuite [^>]*>' | head -n 1)
    local tests failures skips
    tests=$(attribute tests "$line") failures=$(attribute failures "$line")
    skips=$(($(attribute skipped "$line") + $(attribute disabled "$line")))
    passed=$((passed + tests - failures - skips)) failed=$((failed + failures)) skipped=$((skipped + skips))
    grep -o '<testcase name="[^"]*"[^>]*status="fail"' "$file" \
      | sed "s|.*name=\"\([^\"]*\)\".*|Failed: \1 (${file#"$results"/})|" || true
  done
  for file in "$results"/*.trx "$results"/*/*.trx; do
    [ -e "$file" ] || continue
    line=$(grep -o '<Counters [^>]*>' "$file" | head -n 1)
    total=$(attribute total "$line")
    passed=$((passed + $(attribute passed "$line")))
    # A runner that died while testing leaves tests that are neither passed nor failed; they count as failed.
    failed=$((failed + $(attribute executed "$line") - $(attribute passed "$line")))
    skipped=$((skipped + total - $(attribute executed "$line")))
    grep -o '<UnitTestResult [^>]*outcome="Failed"' "$file" \
      | sed "s|.*testName=\"\([^\"]*\)\".*|Failed: \1 (${file#"$results"/})|" || true
  done
}

# native_tests NAME [OPTION]...: configures, builds and tests the native part in artifacts/NAME.
native_tests() {
  local name=$1
  shift
  # Configured anew each time: what was installed since the last time is found.
  cmake -S . -B "artifacts/$name" "$@" && cmake --build "artifacts/$name" --parallel "$(nproc)" \
    && ctest --test-dir "artifacts/$name" --output-on-failure --output-junit "$PWD/$results/$name.xml"
}

# skip WHY: a part of the tests that cannot run here counts as one skipped test.
skip() {
  say "Skipped: $*"
  skipped=$((skipped + 1))
}

run_tests() {
  install "${native_packages[@]}" "${test_packages[@]}"
  find_dotnet
  rm -rf "$results"
  mkdir -p "$results"
  local broken=0 without project

  if command -v cmake >/dev/null && command -v c++ >/dev/null; then
    native_tests native || broken=1
    native_tests native-sanitized -DTFIC_SANITIZE=ON || broken=1
    if command -v aarch64-linux-gnu-g++ >/dev/null && command -v qemu-aarch64 >/dev/null; then
      native_tests native-aarch64 -DCMAKE_TOOLCHAIN_FILE=native/aarch64.cmake || broken=1
    else
      skip "the native part on Arm, which takes the packages g++-aarch64-linux-gnu and qemu-user"
    fi
  else
    skip "the native kernels and their tests: there is no cmake or no C++ compiler here"
  fi

  dotnet build Core.sln -c Release -v minimal
  dotnet test Core.sln -c Release --no-build -p:TficTestResults="$PWD/$results" \
    --blame-hang --blame-hang-timeout 10m --blame-hang-dump-type none || broken=1

  # What depends on instructions once more without some: the results must be the same.
  for without in EnableAVX512 EnableAVX2 EnableHWIntrinsic; do
    for project in Tfic.Tests Tfic.Models.Tests; do
      dotnet test "tests/$project" -c Release --no-build -p:TficTestResults="$PWD/$results/$without" \
        --environment "DOTNET_$without=0" --environment "TFIC_TEST_WITHOUT=$without" \
        --blame-hang --blame-hang-timeout 10m --blame-hang-dump-type none || broken=1
    done
  done

  count_results
  if [ $broken = 1 ] && [ $failed = 0 ]; then
    say "A test runner failed without saying which test did."
    failed=1
  fi
  [ $((passed + failed)) -gt 0 ] || say "No test ran."
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed = 0 ] && [ $passed -gt 0 ]
}

verb=${1:-help}
[ $# = 0 ] || shift
case $verb in
  demo) demo "$@" ;;
  test) run_tests ;;
  fuzz) fuzz "$@" ;;
  golden) golden "$@" ;;
  bench) bench "$@" ;;
  train) train "$@" ;;
  capi) capi "$@" ;;
  format) format "$@" ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    fail "there is no verb '$verb'"
    ;;
esac
