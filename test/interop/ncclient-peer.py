# Drives a NETCONF server with ncclient and prints what it saw as one JSON object. Judges nothing: the test does.
# usage: ncclient-peer.py HOST PORT USER KEYFILE HOSTKEY_BASE64

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

HOST, PORT, USER, KEY, HOSTKEY = sys.argv[1:6]
NS = "urn:keyloom:test:depot"
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
seen = {}


def connect():
    return manager.connect_ssh(
        host=HOST,
        port=int(PORT),
        username=USER,
        key_filename=KEY,
        hostkey_b64=HOSTKEY,
        allow_agent=False,
        look_for_keys=False,
        timeout=20,
    )


def config(children):
    return (
        '<config xmlns="%s" xmlns:nc="%s"><depot xmlns="%s">%s</depot></config>'
        % (NC, NC, NS, children)
    )


def edit(m, children, **options):
    return m.edit_config(target="running", config=config(children), **options).ok


def fault(call):
    try:
        call()
    except RPCError as e:
        return {
            "type": e.type,
            "tag": e.tag,
            "appTag": e.app_tag,
            "path": e.path,
            "message": e.message,
            "info": e.info,
        }
    return None


m = connect()
seen["sessionId"] = int(m.session_id)
seen["capabilities"] = list(m.server_capabilities)

seen["merge"] = edit(m, "<name>north</name><shelf><id>a</id><colour>red</colour></shelf>")
seen["create"] = edit(m, '<shelf nc:operation="create"><id>b</id><place>2</place></shelf>')
seen["createAgain"] = fault(lambda: edit(m, '<shelf nc:operation="create"><id>b</id></shelf>'))
seen["replace"] = edit(m, '<shelf nc:operation="replace"><id>a</id><place>9</place></shelf>')
seen["delete"] = edit(m, '<shelf nc:operation="delete"><id>b</id></shelf>')
seen["deleteAgain"] = fault(lambda: edit(m, '<shelf nc:operation="delete"><id>b</id></shelf>'))
seen["remove"] = edit(m, '<shelf nc:operation="remove"><id>b</id></shelf>')
seen["none"] = edit(
    m, '<name nc:operation="merge">south</name>', default_operation="none", test_option="test-then-set"
)
seen["wrongType"] = fault(lambda: edit(m, "<limit>many</limit>"))
seen["testOnly"] = edit(m, "<name>never</name>", test_option="test-only")

seen["config"] = m.get_config(source="running").data_xml
seen["filtered"] = m.get(filter=("subtree", '<depot xmlns="%s"><shelf><id>a</id></shelf></depot>' % NS)).data_xml
seen["get"] = m.get().data_xml
seen["schema"] = m.get_schema("depot").data
seen["rpc"] = m.dispatch(to_ele('<empty-shelf xmlns="%s"><id>a</id></empty-shelf>' % NS)).xml
seen["commit"] = fault(lambda: m.dispatch(to_ele('<commit xmlns="%s"/>' % NC)))
seen["unknown"] = fault(lambda: m.dispatch(to_ele('<burn xmlns="%s"/>' % NS)))
seen["validate"] = m.validate(source="running").ok

other = connect()
with m.locked("running"):
    seen["lockDenied"] = fault(lambda: other.lock("running"))
    seen["inUse"] = fault(lambda: edit(other, "<name>x</name>"))
seen["lockAfter"] = other.lock("running").ok
seen["kill"] = m.kill_session(other.session_id).ok
seen["lockAfterKill"] = m.lock("running").ok
m.unlock("running")

seen["subscribed"] = m.create_subscription(
    stream_name="NETCONF", filter=("subtree", '<shelf-empty xmlns="%s"/>' % NS)
).ok
# The server raises one event for each call of this rpc.
m.dispatch(to_ele('<empty-shelf xmlns="%s"><id>k1</id></empty-shelf>' % NS))
m.dispatch(to_ele('<empty-shelf xmlns="%s"><id>k2</id></empty-shelf>' % NS))
seen["notifications"] = []
for _ in range(2):
    n = m.take_notification(block=True, timeout=10)
    seen["notifications"].append(None if n is None else n.notification_xml)
seen["closed"] = m.close_session().ok

print(json.dumps(seen))
