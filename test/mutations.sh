#!/usr/bin/env bash
# Breaks the promises of the ledger on purpose, one at a time in a copy of the
# tree, and fails when the suite that guards the promise does not notice.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
survived=0

# mutation NAME FILE PERL PACKAGE TEST [FILE PERL]: changes the file by the Perl
# expression, and a second one likewise, and runs the test, which must fail.
mutation() {
  local name=$1 package=$4 test=$5
  rm -rf "$tree" && mkdir "$tree"
  git ls-files -z | xargs -0 cp --parents -t "$tree"
  change "$2" "$3"
  [ $# -lt 7 ] || change "$6" "$7"
  (cd "$tree" && go vet "$package") || { echo "mutation \"$name\" does not compile"; exit 1; }
  if (cd "$tree" && go test -count 1 -run "$test" "$package") >"$tree/log" 2>&1; then
    echo "SURVIVED  $name"
    survived=$((survived + 1))
  else
    echo "caught    $name ($package $(grep -o -m1 -- '--- FAIL: [A-Za-z0-9]*' "$tree/log"))"
  fi
}

change() {
  cp "$tree/$1" "$tree/before"
  perl -0pi -e "$2" "$tree/$1"
  ! cmp -s "$tree/$1" "$tree/before" || { echo "nothing to change in $1"; exit 1; }
}

# Unchanged, the suites pass.
git ls-files -z | xargs -0 cp --parents -t "$tree"
(cd "$tree" && go test -count 1 -run '^TestOnlyWhatIsDurableIsPublic$|^TestPowerLossAtEveryOperation$|^TestSimulation$' ./internal/ledger ./internal/source)

mutation "publish before committing" internal/ledger/commit.go \
  's/\tvar err error\n\tif l\.Store/\tpublish()\n\tvar err error\n\tif l.Store/' \
  ./internal/ledger '^TestOnlyWhatIsDurableIsPublic$'
mutation "publish what is not committed" internal/ledger/commit.go \
  's/if err == nil \{\n\t\tpublish/if err != nil || err == nil {\n\t\tpublish/' \
  ./internal/ledger '^TestOnlyWhatIsDurableIsPublic$'
mutation "rename a file that is not synced" internal/ledger/file.go \
  's/err = w\.Sync\(\)/err = nil/' \
  ./internal/ledger '^TestPowerLossAtEveryOperation$'
mutation "do not sync the directory" internal/ledger/file.go \
  's/err = f\.disk\.SyncDir\(f\.dir\)\n\tf\.whole/f.whole/' \
  ./internal/ledger '^TestPowerLossAtEveryOperation$'
mutation "resume at the place instead of after it" internal/source/kinesis_calls.go \
  's/ShardIteratorTypeAfterSequenceNumber/ShardIteratorTypeAtSequenceNumber/' \
  ./internal/source '^TestSimulation$' \
  internal/source/shard.go 's/sh\.handled != "" && !later/false && !later/'
mutation "forget the pinned time" internal/source/kinesis_remember.go \
  's/\ts\.pin\(id, p\)\n\treturn p/\treturn p/' \
  ./internal/source '^TestSimulation$'
mutation "begin children at the tip" internal/source/kinesis_remember.go \
  's/p := position\{seen: now\.at\}/p := position{seen: now.at, at: now.at}/' \
  ./internal/source '^TestSimulation$'

echo "$survived mutations survived"
[ "$survived" = 0 ]
