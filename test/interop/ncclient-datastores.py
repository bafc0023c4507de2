# Drives the datastores of a NETCONF server with ncclient and prints what it saw as one JSON object. Judges nothing.
# usage: ncclient-datastores.py SETTINGS_JSON
#   host port user key hostkey; ns: of the data; edit: an edit with {} for a value; leaf: of that value;
#   bad: an edit that a candidate takes and a commit refuses; xpath: of the value, with prefix d

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

S = json.loads(sys.argv[1])
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
DS = "urn:ietf:params:xml:ns:yang:ietf-datastores"
seen = {}


def connect():
    return manager.connect_ssh(
        host=S["host"],
        port=S["port"],
        username=S["user"],
        key_filename=S["key"],
        hostkey_b64=S["hostkey"],
        allow_agent=False,
        look_for_keys=False,
        timeout=30,
    )


def config(inner):
    return '<config xmlns="%s">%s</config>' % (NC, inner)


def edit(m, value, target="candidate"):
    return m.edit_config(target=target, config=config(S["edit"].format(value))).ok


def value(m, source="running"):
    found = m.get_config(source=source, filter=("xpath", ({"d": S["ns"]}, S["xpath"])))
    texts = found.data_ele.xpath("//d:" + S["leaf"], namespaces={"d": S["ns"]})
    return [t.text for t in texts]


def fault(call):
    try:
        call()
    except RPCError as e:
        return {"type": e.type, "tag": e.tag, "appTag": e.app_tag, "path": e.path, "info": e.info}
    return None


def get_data(m, store, inner=""):
    return m.dispatch(
        to_ele(
            '<get-data xmlns="%s" xmlns:ds="%s"><datastore>ds:%s</datastore>%s</get-data>'
            % (NMDA, DS, store, inner)
        )
    ).xml


m = connect()
other = connect()
seen["capabilities"] = list(m.server_capabilities)

# candidate
seen["edit"] = edit(m, "one")
seen["candidate"] = value(m, "candidate")
seen["notYet"] = value(m)
seen["lockDenied"] = fault(lambda: other.lock("candidate"))
seen["discard"] = m.discard_changes().ok
seen["discarded"] = value(m, "candidate") == value(m)
with m.locked("candidate"):
    edit(m, "one")
    seen["inUse"] = fault(lambda: edit(other, "two"))
    seen["validate"] = m.validate(source="candidate").ok
    seen["commit"] = m.commit().ok
seen["committed"] = value(m)
m.edit_config(target="candidate", config=config(S["bad"]))
seen["badValidate"] = fault(lambda: m.validate(source="candidate"))
seen["badCommit"] = fault(lambda: m.commit())
m.discard_changes()

# confirmed commit
edit(m, "two")
seen["confirmed"] = m.commit(confirmed=True, timeout="120").ok
seen["meanwhile"] = value(m)
seen["otherCommit"] = fault(lambda: other.commit())
seen["runningLocked"] = fault(lambda: other.lock("running"))
seen["cancel"] = m.cancel_commit().ok
seen["cancelled"] = value(m)
m.discard_changes()
edit(m, "two")
m.commit(confirmed=True, timeout="120")
seen["confirm"] = m.commit().ok
seen["kept"] = value(m)

# persistent, confirmed and cancelled by another session
third = connect()
edit(third, "three")
seen["persist"] = third.commit(confirmed=True, persist="token").ok
third.close_session()
seen["outlived"] = value(m)
seen["wrongToken"] = fault(lambda: m.commit(persist_id="guess"))
seen["noToken"] = fault(lambda: m.cancel_commit())
seen["confirmByToken"] = m.commit(persist_id="token").ok
edit(m, "four")
m.commit(confirmed=True, persist="token")
seen["cancelByToken"] = other.cancel_commit(persist_id="token").ok
seen["back"] = value(m)
m.discard_changes()

# orphaned: the session that did not persist ends
fourth = connect()
edit(fourth, "five")
fourth.commit(confirmed=True, timeout="600")
seen["orphan"] = value(m)
fourth.close_session()
seen["orphanGone"] = value(m)
m.discard_changes()

# whole configurations
whole = m.get_config(source="running").data_ele
source = etree.Element("{%s}source" % NC)
inline = etree.SubElement(source, "{%s}config" % NC)
for child in whole:
    inline.append(child)
for leaf in inline.iter("{%s}%s" % (S["ns"], S["leaf"])):
    leaf.text = "whole"
seen["copyInline"] = m.copy_config(source=source, target="candidate").ok
seen["copied"] = value(m, "candidate")
seen["copyBack"] = m.copy_config(source="running", target="candidate").ok
seen["copiedBack"] = value(m, "candidate") == value(m)
seen["deleteRunning"] = fault(lambda: m.delete_config("running"))
seen["validateRunning"] = m.validate(source="running").ok
if any(c.endswith(":startup:1.0") for c in m.server_capabilities):
    seen["copyStartup"] = m.copy_config(source="running", target="startup").ok
    seen["startup"] = value(m, "startup")
    seen["deleteStartup"] = m.delete_config("startup").ok
    seen["noStartup"] = value(m, "startup")

# reading
seen["xpath"] = m.get(filter=("xpath", ({"d": S["ns"]}, S["xpath"]))).data_xml
seen["badXPath"] = fault(lambda: m.get(filter=("xpath", "/d:[")))
for mode in ("report-all", "report-all-tagged", "trim", "explicit"):
    seen[mode] = m.get_config(source="running", with_defaults=mode).data_xml
seen["getAll"] = m.get(with_defaults="report-all").ok
seen["getData"] = get_data(m, "operational", "<with-origin/>")
seen["getDataRunning"] = get_data(m, "running", "<max-depth>1</max-depth>")
seen["getDataStartup"] = fault(lambda: get_data(m, "dynamic"))
seen["editData"] = m.dispatch(
    to_ele(
        '<edit-data xmlns="%s" xmlns:ds="%s"><datastore>ds:running</datastore><config>%s</config></edit-data>'
        % (NMDA, DS, S["edit"].format("six"))
    )
).ok
seen["editedData"] = value(m)
seen["schema"] = m.get_schema("ietf-netconf-monitoring", "2010-10-04", "yang").data
seen["noSchema"] = fault(lambda: m.get_schema("nobody"))
seen["monitoring"] = m.get(
    filter=(
        "subtree",
        '<netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><sessions/><statistics/></netconf-state>',
    )
).data_xml
other.close_session()
seen["closed"] = m.close_session().ok

print(json.dumps(seen))
