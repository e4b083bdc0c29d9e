#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""api_object.py SWEEP [PATH=JSON]...: a sweep file as `kubectl get sweep -o json` gives it back.

Keys sorted, no comments, numbers as an API server prints them, metadata and status that nobody
wrote. PATH=JSON sets one value: spec.deckFrom='{"configMap":"x"}'; PATH= removes it.
"""
import json
import re
import sys

import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.1 as sigs.k8s.io/yaml reads it: 50e3 is a number, a date is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, rx) for tag, rx in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+0123456789."))


def number(x):
    """float64 as Go's encoding/json writes it."""
    if isinstance(x, float) and x == int(x) and abs(x) < 1e21:
        return int(x)
    return x


def walk(x):
    if isinstance(x, dict):
        return {str(k): walk(v) for k, v in x.items()}
    if isinstance(x, list):
        return [walk(v) for v in x]
    return number(x) if isinstance(x, float) else x


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        sweep = walk(yaml.load(f, Loader))
    meta = sweep["metadata"]
    meta.update(uid="7f0c0f4e-9d0f-4f5d-8a35-2c6f3a2a6a11", resourceVersion="4711", generation=3,
                creationTimestamp="2026-11-21T09:10:11Z", namespace="reservoir")
    meta.setdefault("annotations", {})["kubectl.kubernetes.io/last-applied-configuration"] = (
        json.dumps(sweep) + "\n")
    meta["managedFields"] = [{
        "apiVersion": "decksweep.io/v1alpha1", "fieldsType": "FieldsV1", "manager": "kubectl",
        "operation": "Apply", "time": "2026-11-21T09:10:11Z",
        "fieldsV1": {"f:spec": {"f:parameters": {".": {}, "f:PORO": {"f:uniform": {"f:min": {}}}}},
                     "f:metadata": {"f:ownerReferences": {'k:{"uid":"x"}': {}}}}}]
    sweep["status"] = {"phase": "Running", "conditions": [{"type": "Complete", "status": "False"}]}
    for change in sys.argv[2:]:
        path, _, value = change.partition("=")
        *folders, last = path.split(".")
        at = sweep
        for folder in folders:
            at = at.setdefault(folder, {})
        if value:
            at[last] = json.loads(value)
        else:
            at.pop(last, None)
    json.dump(sweep, sys.stdout, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    print()


main()
