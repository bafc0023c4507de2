# A NETCONF session by hand: OpenSSH, chunked framing, no library. Runs the rpcs it is given one after the other, and
# prints every message of the server as a JSON line. usage: agent-push-raw.py PORT KEYFILE; rpcs as lines on stdin, `-` ends.

import json
import subprocess
import sys
import threading

PORT, KEY = sys.argv[1:3]
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
ssh = subprocess.Popen(
    ["ssh", "-p", PORT, "-i", KEY, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    + ["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-s", "admin@127.0.0.1", "netconf"],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
)


def exactly(count):
    data = b""
    while len(data) < count:
        more = ssh.stdout.read(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def line():
    data = b""
    while not data.endswith(b"\n"):
        data += exactly(1)
    return data[:-1]


def message():
    whole = b""
    assert exactly(1) == b"\n"
    while True:
        head = line()
        assert head.startswith(b"#"), head
        if head == b"##":
            return whole.decode()
        whole += exactly(int(head[1:]))
        assert exactly(1) == b"\n"


def send(xml):
    data = xml.encode()
    ssh.stdin.write(b"\n#%d\n%s\n##\n" % (len(data), data))
    ssh.stdin.flush()


hello = b""
while not hello.endswith(b"]]>]]>"):
    hello += exactly(1)
ssh.stdin.write(
    ('<hello xmlns="%s"><capabilities><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>]]>]]>' % NC).encode()
)
ssh.stdin.flush()


def listen():
    try:
        while True:
            print(json.dumps(message()), flush=True)
    except EOFError:
        pass


threading.Thread(target=listen, daemon=True).start()
number = 0
for xml in sys.stdin:
    if xml.strip() == "-":
        break
    number += 1
    send('<rpc xmlns="%s" message-id="%d">%s</rpc>' % (NC, number, xml.strip()))
ssh.stdin.close()
ssh.wait(10)
