#!/usr/bin/env bash
# Brings what the end-to-end tests need as well, of which pyarrow writes Parquet here.
# Brings valgrind, which counts instructions where the processor may not be
# asked: that of the PATH, else out of Debian's package into .tools/valgrind.
# Without it `make bench` says that nothing was counted.
set -euo pipefail
cd "$(dirname "$0")/.."

test/setup.sh

say() { printf 'bench: %s\n' "$*"; }

command -v valgrind >/dev/null && exit 0
[ -x .tools/valgrind/usr/bin/valgrind ] && exit 0
command -v apt-get >/dev/null || { say "no valgrind in the PATH, and no apt-get to bring it"; exit 0; }

say "unpacking Debian's valgrind into .tools"
apt=$PWD/.tools/apt-bench
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
options=(-qq -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)" -o Acquire::Retries=3)
if apt-get "${options[@]}" update && (cd "$apt" && apt-get "${options[@]}" download valgrind); then
  rm -rf .tools/valgrind
  dpkg-deb -x "$apt"/valgrind_*.deb .tools/valgrind
else
  say "Debian's valgrind is not to be had"
fi
rm -rf "$apt"
