# A NETCONF 1.1 client over TLS with nothing but Python's standard library. Says "good" when all went well.
# With "listen" it waits there to be called (RFC 8071); above TCP it is the client as ever.
# usage: tls-peer.py HOST PORT CERT KEY CA [listen]

import socket
import ssl
import sys

HOST, PORT, CERT, KEY, CA = sys.argv[1:6]
CALLED = sys.argv[6:] == ["listen"]
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.check_hostname = False
context.load_verify_locations(CA)
context.load_cert_chain(CERT, KEY)

if CALLED:
    with socket.create_server((HOST, int(PORT))) as listener:
        listener.settimeout(20)
        plain, _ = listener.accept()
else:
    plain = socket.create_connection((HOST, int(PORT)), timeout=20)
plain.settimeout(20)
stream = context.wrap_socket(plain)
held = b""


def more():
    global held
    data = stream.recv(65536)
    if not data:
        raise SystemExit("the server ended the connection")
    held += data


def take(count):
    global held
    while len(held) < count:
        more()
    data, held = held[:count], held[count:]
    return data


def line():
    global held
    while b"\n" not in held[1:]:
        more()
    end = held.index(b"\n", 1)
    data, held = held[: end + 1], held[end + 1 :]
    return data


def chunked():
    message = b""
    while True:
        header = line()
        assert header.startswith(b"\n#"), header
        if header == b"\n##\n":
            return message.decode()
        message += take(int(header[2:-1]))


def send(text):
    data = text.encode()
    # Two chunks, the second of one octet: borders may be anywhere.
    head, tail = data[:-1], data[-1:]
    stream.sendall(b"\n#%d\n%s\n#1\n%s\n##\n" % (len(head), head, tail))


while b"]]>]]>" not in held:
    more()
hello, held = held.split(b"]]>]]>", 1)
assert b"urn:ietf:params:netconf:base:1.1" in hello, hello
capability = "<capability>urn:ietf:params:netconf:base:1.1</capability>"
stream.sendall(
    ('<hello xmlns="%s"><capabilities>%s</capabilities></hello>]]>]]>' % (NC, capability)).encode()
)
for number in range(1, 4):
    send('<rpc xmlns="%s" message-id="%d"><validate><source><running/></source></validate></rpc>' % (NC, number))
for number in range(1, 4):
    reply = chunked()
    assert 'message-id="%d"' % number in reply and "<ok/>" in reply, reply
print("%s %s" % (stream.version(), "good"))
