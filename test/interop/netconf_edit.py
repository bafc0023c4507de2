"""Drives a node with ncclient, as somebody holding the controller's credentials would.

Reads one JSON object from standard input: {host, port, username, key, calls: [{op, ...}]} and prints one JSON
list of outcomes. Knows nothing of Keyloom but NETCONF.
"""

import json
import sys
import time

from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele


def outcome_of_error(error):
    errors = getattr(error, "errlist", None) or [error]
    first = errors[0]
    return {
        "error": {
            "tag": first.tag,
            "app_tag": first.app_tag,
            "path": (first.path or "").strip() or None,
            "message": first.message,
        }
    }


def perform(session, call):
    op = call["op"]
    if op == "edit":
        session.edit_config(target="running", config=call["config"], default_operation=call.get("default"))
        return {"ok": True}
    if op == "get-config":
        return {"data": session.get_config(source="running").data_xml}
    if op == "get":
        flt = ("subtree", call["filter"]) if "filter" in call else None
        return {"data": session.get(filter=flt).data_xml}
    if op == "rpc":
        return {"ok": True, "data": session.dispatch(to_ele(call["xml"])).xml}
    if op == "subscribe":
        session.create_subscription()
        return {"ok": True}
    if op == "notifications":
        wanted, until, got = call["count"], time.time() + call["seconds"], []
        while len(got) < wanted and time.time() < until:
            note = session.take_notification(timeout=1)
            if note is not None:
                got.append(note.notification_xml)
        return {"notifications": got}
    raise ValueError(op)


def main():
    order = json.load(sys.stdin)
    outcomes = []
    with manager.connect(
        host=order["host"],
        port=order["port"],
        username=order["username"],
        key_filename=order["key"],
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        timeout=20,
    ) as session:
        outcomes.append({"capabilities": list(session.server_capabilities)})
        for call in order["calls"]:
            try:
                outcomes.append(perform(session, call))
            except RPCError as error:
                outcomes.append(outcome_of_error(error))
    json.dump(outcomes, sys.stdout)


main()
