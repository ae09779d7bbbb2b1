#!/usr/bin/env bash
# Goes the way of a new user on a fresh clone, from nothing to a number in
# Prometheus, and prints what is docs/start.md. Nothing is shown that was not run.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
export PATH=$PATH:$repo/.tools/bin
# The commands say where everybody clones from; this clone is of the tree at hand.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.$repo.insteadOf GIT_CONFIG_VALUE_0=https://github.com/flowlog-exporter/flowlog-exporter
trap 'jobs -p | xargs -r kill 2>/dev/null || :; wait; rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n%s\n' "$*"; }

# show prints commands as they are typed, and runs them.
show() {
  printf '\n```console\n'
  local command
  for command in "$@"; do
    printf '$ %s\n' "$command"
    eval "$command"
  done
  printf '```\n'
}

# await waits for what others do, and gives up when it does not come.
await() {
  local begun=$SECONDS
  until eval "$1" >/dev/null 2>&1; do
    [ $((SECONDS - begun)) -lt 600 ] || { echo "waited in vain for: $1" >&2; exit 1; }
    sleep 0.2
  done
}

cat <<'END'
# From nothing to a number in Prometheus

What follows was run, on a fresh clone, by a script of the tests (`test/start.sh`); numbers differ from run to run.

## On synthetic traffic

The demo is the product itself, reading the flow logs of a VPC that does not exist. It needs Go and nothing else.
END
show 'git clone -q https://github.com/flowlog-exporter/flowlog-exporter && cd flowlog-exporter' \
  'make demo > demo.log 2>&1 &'
await 'curl -sf localhost:8080/-/ready'
await "curl -s localhost:8080/metrics | grep -q '^flowlog_denied_flows_total.* [1-9]'"
await "[ \$(curl -s localhost:8080/metrics | grep -c '^flowlog_received_bytes_total.* [1-9]') = 6 ]"
show 'curl -s localhost:8080/-/ready' \
  "curl -s localhost:8080/metrics | grep '^flowlog_received_bytes_total'"
say 'A Prometheus, with the rules that come along:'
show 'prometheus --config.file=monitoring/prometheus.yaml --storage.tsdb.path=data 2> prometheus.log &'
await 'curl -sf localhost:9090/-/ready'
query() { curl -s localhost:9090/api/v1/query --data-urlencode "query=$1"; }
await "query 'count(count_over_time(flowlog_received_bytes_total[1m]) >= 3)' | grep -q '\"6\"'"
say 'What enters each subnet, in bytes a second, and where most is refused:'
show "promtool query instant http://localhost:9090 'sum by (subnet) (rate(flowlog_received_bytes_total[1m]))'" \
  "promtool query instant http://localhost:9090 'topk(1, sum by (subnet) (rate(flowlog_denied_flows_total[1m])))'" \
  'kill %1 %2'
cat <<'END'

The demo's flow logs come every few seconds, those of AWS every few minutes: there, use ranges of 15 minutes and more.

## On your own traffic

[aws.md](aws.md) makes a flow log, its delivery and a role, by CloudFormation, by Terraform or by hand. Then:

1. `flowlog-exporter doctor` with your flags looks at each link of the chain and says what to mend ([doctor.md](doctor.md)).
2. `flowlog-exporter` with the same flags, in a container ([deployment.md](deployment.md)), in Kubernetes ([kubernetes.md](kubernetes.md)), or as a service of systemd.
3. `flowlog-exporter dashboard overview` prints a dashboard for Grafana, `flowlog-exporter alerts` the rules; [queries.md](queries.md) has what to ask.
4. `--state.path` with a directory that stays, so that nothing is lost or counted twice over restarts ([configuration.md](configuration.md)).
END
