# ncclient subscribes to a node's state by raw rpcs, and prints what it heard as JSON lines. Judges nothing: the test does.
# usage: agent-push-ncclient.py PORT KEYFILE

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

PORT, KEY = sys.argv[1:3]
SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
YP = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
DS = "urn:ietf:params:xml:ns:yang:ietf-datastores"
NODE = "urn:etsi:qkd:yang:etsi-qkd-node"


def tell(**what):
    print(json.dumps(what), flush=True)


def establish(m, filter, trigger):
    return m.dispatch(
        to_ele(
            '<establish-subscription xmlns="%s" xmlns:yp="%s"><yp:datastore xmlns:ds="%s">ds:operational</yp:datastore>%s%s</establish-subscription>'
            % (SN, YP, DS, filter, trigger)
        )
    ).xml


def take(m):
    n = m.take_notification(timeout=30)
    return None if n is None else n.notification_xml


with manager.connect(
    host="127.0.0.1",
    port=int(PORT),
    username="controller",
    key_filename=KEY,
    hostkey_verify=False,
    allow_agent=False,
    look_for_keys=False,
    timeout=30,
) as m:
    tell(push=any(c.startswith(YP + "?") for c in m.server_capabilities))
    status = '<yp:datastore-xpath-filter xmlns:n="%s">/n:qkd_node/n:qkd_links/n:qkd_link/n:qkdl_status</yp:datastore-xpath-filter>' % NODE
    tell(established=establish(m, status, "<yp:on-change/>"))
    tell(whole=take(m))
    sys.stdin.readline()
    tell(change=take(m))
    try:
        establish(m, status, "<yp:periodic><yp:period>1</yp:period></yp:periodic>")
    except RPCError as e:
        tell(tag=e.tag, appTag=e.app_tag, info=e.info)
    version = '<yp:datastore-subtree-filter><qkd_node xmlns="%s"><qkdn_status/></qkd_node></yp:datastore-subtree-filter>' % NODE
    tell(established=establish(m, version, "<yp:periodic><yp:period>20</yp:period></yp:periodic>"))
    tell(periodic=[take(m), take(m), take(m)])
