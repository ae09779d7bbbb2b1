"""What the metrics must be, worked out from the lines that were put.

    truth.py DIR      reads DIR/world.json and DIR/put.jsonl, prints JSON

Slow and plain on purpose, and of one mind with nobody: it shares no code with the
exporter, nor with the author of the lines. A record counts once, at the interface
that recorded it: for that interface's subnet, in that direction.
"""

import ipaddress
import json
import pathlib
import re
import sys
from collections import Counter

WHOLE_NUMBER = re.compile(r"\d{1,19}")
NUMBERS = ("srcport", "dstport", "protocol", "packets", "bytes", "start", "end")
REASONS = ("nodata", "skipdata", "malformed", "duplicate", "too_old", "control", "format", "other_eni")


class World:
    def __init__(self, world):
        self.fields = {group: f["fields"].split() for group, f in world["formats"].items()}
        self.subnets = {s["id"]: s for s in world["subnets"]}
        for s in self.subnets.values():
            s["networks"] = [ipaddress.ip_network(p) for p in s["prefixes"]]
            s["label"] = (s["vpc"], s["prefixes"][0])
        self.interfaces = {i["id"]: i for i in world["interfaces"]}
        for i in self.interfaces.values():
            i["addresses"] = {ipaddress.ip_address(a) for a in i["addresses"]}

    def subnet_of(self, address):
        found = [s for s in self.subnets.values() for n in s["networks"] if address in n]
        assert len(found) <= 1, f"{address} is in several subnets; the test must not ask for that"
        return found[0] if found else None


def read(world, body):
    """Yields (skip reason, None) or (None, record) of each line."""
    fields = world.fields[body["group"]]
    for line in body["lines"]:
        words = line.split()
        if len(words) != len(fields):
            yield "format", None
            continue
        record = dict(zip(fields, words))
        if record["log-status"] != "OK":
            yield record["log-status"].lower(), None
        elif not all(WHOLE_NUMBER.fullmatch(record[f]) for f in NUMBERS):
            yield "malformed", None
        else:
            record["ends"] = ipaddress.ip_address(record["srcaddr"]), ipaddress.ip_address(record["dstaddr"])
            yield None, record


def place(world, record, neighbours):
    """Returns the subnet and direction of a record, and whether it had to be guessed."""
    source, destination = record["ends"]
    interface = world.interfaces.get(record["interface-id"])
    if interface:
        subnet = world.subnets[interface["subnet"]]
        leaves = source in interface["addresses"]
        assert leaves != (destination in interface["addresses"]), record
        said = record.get("flow-direction")
        assert said in (None, "egress" if leaves else "ingress"), record
        return subnet, "egress" if leaves else "ingress", False
    here, there = world.subnet_of(source), world.subnet_of(destination)
    if not (here and there):
        return here or there, "egress" if here else "ingress", False
    own = set.intersection(*(set(n["ends"]) for n in neighbours))
    if own == {source}:
        return here, "egress", False
    if own == {destination}:
        return there, "ingress", False
    return here, "egress", True


def count(world, bodies):
    traffic, skipped, other = Counter(), Counter(), Counter()
    for body in bodies:
        skipped["control"] += body.get("control", 0)
        other["undecodable"] += body.get("undecodable", 0)
        if "lines" not in body:
            continue
        other["lines"] += len(body["lines"])
        records = []
        for reason, record in read(world, body):
            if reason:
                skipped[reason] += 1
            else:
                records.append(record)
        for record in records:
            neighbours = [r for r in records if r["interface-id"] == record["interface-id"]]
            subnet, direction, guessed = place(world, record, neighbours)
            other["rejected"] += record["action"] == "REJECT"
            other["ambiguous"] += guessed
            if subnet is None:
                other["unmatched"] += 1
                continue
            key = subnet["label"] + (direction, record["action"])
            traffic[key + ("bytes",)] += int(record["bytes"])
            traffic[key + ("packets",)] += int(record["packets"])
            traffic[key + ("flows",)] += 1
    return traffic, skipped, other


def metrics(world, traffic, skipped, other):
    """The answer in the words of the metric catalogue: every series of every subnet, also those at 0."""
    answer = {}
    labels = sorted(s["label"] for s in world.subnets.values())
    for unit in ("bytes", "packets", "flows"):
        for word, direction in (("received", "ingress"), ("sent", "egress")):
            values = {label: traffic[label + (direction, "ACCEPT", unit)] for label in labels}
            answer[f"flowlog_{word}_{unit}_total"] = series(["vpc_id", "subnet"], values)
        values = {
            label + (direction,): traffic[label + (direction, "REJECT", unit)]
            for label in labels
            for direction in ("ingress", "egress")
        }
        answer[f"flowlog_denied_{unit}_total"] = series(["vpc_id", "subnet", "direction"], values)
    answer["flowlog_records_skipped_total"] = series(["reason"], {(r,): skipped[r] for r in REASONS})
    totals = {
        "flowlog_records_total": other["lines"] + skipped["control"],
        "flowlog_records_unmatched_total": other["unmatched"],
        "flowlog_records_ambiguous_total": other["ambiguous"],
        "flowlog_decode_failures_total": other["undecodable"],
    }
    for name, value in totals.items():
        answer[name] = series([], {(): value})
    return answer


def series(by, values):
    return {"by": by, "series": [{"labels": labels, "value": value} for labels, value in values.items()]}


def main(directory):
    world = World(json.loads((directory / "world.json").read_text()))
    bodies = [json.loads(line) for line in (directory / "put.jsonl").read_text().splitlines()]
    traffic, skipped, other = count(world, bodies)
    return {
        "metrics": metrics(world, traffic, skipped, other),
        "subnets": len(world.subnets),
        "bodies": len(bodies),
        "lines": other["lines"],
        "rejected": other["rejected"],
    }


if __name__ == "__main__":
    print(json.dumps(main(pathlib.Path(sys.argv[1]))))
