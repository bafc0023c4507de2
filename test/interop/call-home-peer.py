# Lets a device call home to ncclient and speaks to it. Says "good" when all went well.
# usage: call-home-peer.py PORT USER KEYFILE

import sys
import warnings

warnings.filterwarnings("ignore")

from ncclient import manager
from ncclient.xml_ import to_ele

PORT, USER, KEY = sys.argv[1:4]
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"

m = manager.call_home(
    host="127.0.0.1",
    port=int(PORT),
    username=USER,
    key_filename=KEY,
    hostkey_verify=False,
    allow_agent=False,
    look_for_keys=False,
    timeout=30,
)
assert "urn:ietf:params:netconf:base:1.1" in m.server_capabilities
for _ in range(3):
    assert "ok" in m.dispatch(to_ele('<get xmlns="%s"/>' % NC)).xml
m.close_session()
print("good")
