# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from an API server's audit log, a line each, by tabs:
    time  who  verb  resource[/subresource]  namespace/name  code
audit.py FOLDER [SINCE [UNTIL]]: times as in the log, in UTC; files FOLDER/audit*.jsonl. `who` is the id
of a service account's token (jti), else the pod it is bound to, else the user."""
import glob
import json
import sys

folder = sys.argv[1]
since = sys.argv[2] if len(sys.argv) > 2 else ""
until = sys.argv[3] if len(sys.argv) > 3 else "9"
AUTH = "authentication.kubernetes.io/"


def who(user):
    extra = user.get("extra", {})
    pod = extra.get(AUTH + "pod-name")
    token = extra.get(AUTH + "credential-id", [""])[0].removeprefix("JTI=")
    return pod[0] if pod else token or user.get("username", "?")


found = []
for name in glob.glob(folder + "/audit*.jsonl"):
    with open(name, encoding="utf-8") as log:
        for line in log:
            try:
                e = json.loads(line)
            except ValueError:  # the last line, half written
                continue
            code = e.get("responseStatus", {}).get("code", 0)
            # A watch is logged when it starts and when it ends, a refused login when it "starts" alone.
            if (e["stage"] == "ResponseStarted" and code != 401) or not since <= e["requestReceivedTimestamp"] < until:
                continue
            o = e.get("objectRef", {})
            what = o.get("resource", e["requestURI"].split("?")[0])
            if "subresource" in o:
                what += "/" + o["subresource"]
            found.append((e["requestReceivedTimestamp"], who(e.get("user", {})), e["verb"], what,
                          o.get("namespace", "") + "/" + o.get("name", ""), str(code)))
for line in sorted(found):
    print("\t".join(line))
