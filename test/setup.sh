#!/usr/bin/env bash
# Brings what the end-to-end test needs and passes over what is there already:
#   .venv                          Python with moto, the server that answers in AWS's place, pyarrow, cfn-lint and the AWS CLI
#   .tools/bin/prometheus promtool of the PATH, else out of Debian's package
#   zsh fish mandoc groff          for the completions and the manual page, out of Debian's packages
# Nothing is started, and nothing outside the project is changed but for these and
# python3-venv, where they are missing. `test/setup.sh deploy` brings what the tests
# of the deployment need instead: Debian's buildah and systemd, which only work
# installed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else fail "this needs root or sudo: $*"
  fi
}

python_with_venv() {
  python3 -c 'import ensurepip' 2>/dev/null && return
  say "python3 has no venv module: installing Debian's python3-venv"
  command -v apt-get >/dev/null || fail "install Python 3.11 or newer with its venv module"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3-venv >/dev/null
}

moto() {
  cmp -s test/requirements.txt .venv/requirements.txt && return
  python_with_venv
  say "installing moto, pyarrow, cfn-lint and the AWS CLI into .venv"
  rm -rf .venv
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r test/requirements.txt
  cp test/requirements.txt .venv/requirements.txt
}

prometheus() {
  [ -x .tools/bin/prometheus ] && [ -x .tools/bin/promtool ] && return
  mkdir -p .tools/bin
  local found=$PWD/.tools/prometheus/usr/bin
  if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    found=$(dirname "$(command -v prometheus)")
  else
    unpack_prometheus
  fi
  ln -sf "$found/prometheus" "$found/promtool" .tools/bin/
}

# unpack_prometheus takes the package apart instead of installing it: that needs
# no root, adds no user and starts no service. The package lists are our own too.
unpack_prometheus() {
  command -v apt-get >/dev/null || fail "install Prometheus 2.42 or newer, so that prometheus and promtool are in the PATH"
  say "unpacking Debian's prometheus into .tools"
  local apt=$PWD/.tools/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  local options=(-qq -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)" -o Acquire::Retries=3)
  apt-get "${options[@]}" update
  (cd "$apt" && rm -f prometheus_*.deb && apt-get "${options[@]}" download prometheus)
  rm -rf .tools/prometheus
  dpkg-deb -x "$apt"/prometheus_*.deb .tools/prometheus
  rm -rf "$apt"
}

# shells brings what reads the completions and the manual page.
shells() {
  local missing=
  for program in zsh fish mandoc groff; do command -v "$program" >/dev/null || missing=$program; done
  [ -z "$missing" ] && return
  say "installing Debian's zsh, fish, mandoc and groff"
  command -v apt-get >/dev/null || fail "install zsh, fish, mandoc and groff"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends zsh fish mandoc groff >/dev/null
}

deployment() {
  local missing=()
  command -v buildah >/dev/null || missing+=(buildah)
  command -v systemd-analyze >/dev/null && command -v systemd-socket-activate >/dev/null || missing+=(systemd)
  [ "${#missing[@]}" != 0 ] || return 0
  say "installing Debian's ${missing[*]}"
  command -v apt-get >/dev/null || fail "install ${missing[*]}"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

if [ "${1:-}" = deploy ]; then deployment; exit; fi
moto
prometheus
shells
