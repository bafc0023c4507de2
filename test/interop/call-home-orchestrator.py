# An orchestrator that a controller calls: ncclient listens, logs in, orders a service, and when the controller calls
# again reads it. Says "good" when all went well.
# usage: call-home-orchestrator.py PORT USER KEYFILE FROM TO

import socket
import sys
import warnings

warnings.filterwarnings("ignore")

from ncclient import manager

PORT, USER, KEY, FROM, TO = sys.argv[1:6]
NETWORK = "urn:keyloom:yang:keyloom-network"
CONNECTIVITY = "urn:keyloom:yang:keyloom-connectivity"
ID = "0f8f2d3c-5a0e-4a53-9a52-0e5f1c7c7d01"


# ncclient's own call_home listens for one call only, and not twice at the same port.
listener = socket.create_server(("127.0.0.1", int(PORT)))
listener.settimeout(30)


def called():
    stream, _ = listener.accept()
    stream.settimeout(None)
    return manager.connect_ssh(
        host="127.0.0.1",
        sock=stream,
        username=USER,
        key_filename=KEY,
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        timeout=30,
    )


m = called()
m.edit_config(
    target="running",
    config="""
<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_network xmlns="%s"><qkd_apps xmlns="%s"><qkd_app>
  <app_id>%s</app_id><server_app_id>%s</server_app_id><client_app_id>%s</client_app_id>
  <app_qos><min_bandwidth>64</min_bandwidth></app_qos>
</qkd_app></qkd_apps></qkd_network></config>"""
    % (NETWORK, CONNECTIVITY, ID, FROM, TO),
)
m.close_session()
m = called()
apps = m.get_config("running", filter=("subtree", '<qkd_network xmlns="%s"/>' % NETWORK)).data_xml
assert ID in apps, apps
m.close_session()
print("good")
