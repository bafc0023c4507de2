"""An ETSI GS QKD 004 client on Python's standard library (ssl, json), driven line by line: a call as JSON on standard
input, what came back as JSON on standard output, in whatever order. Each name of a connection is one TLS connection
with a thread of its own, so that calls may wait beside one another."""

import json
import queue
import socket
import ssl
import sys
import threading

folder = sys.argv[1]
lines = threading.Lock()
connections = {}


def tell(answer):
    with lines:
        print(json.dumps(answer), flush=True)


def connect(call):
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    if call.get("tls12"):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if call["who"] is not None:
        context.load_cert_chain(f"{folder}/{call['who']}.pem", f"{folder}/{call['who']}.key")
    raw = socket.create_connection(("127.0.0.1", call["port"]), timeout=20)
    return context.wrap_socket(raw, server_hostname="127.0.0.1")


def serve(calls):
    link = reader = None
    while True:
        call = calls.get()
        if call is None:
            break
        try:
            if link is None:
                link = connect(call)
                reader = link.makefile("rb")
            data = call["text"].encode("utf-8", "surrogateescape")
            if not call.get("raw"):
                data += b"\n"
            size = call.get("pieces", len(data))
            for at in range(0, len(data), size):
                link.sendall(data[at:at + size])
            answers = [reader.readline() for _ in range(call.get("answers", 1))]
            if not all(answers):
                raise OSError("the connection ended")
            ended = reader.read(1) == b"" if call.get("ends") else None
            tell({
                "id": call["id"],
                "answers": [json.loads(answer) for answer in answers],
                "tls": link.version(),
                "ended": ended,
            })
        except (ssl.SSLError, OSError, ValueError) as fault:
            link = reader = None
            tell({"id": call["id"], "answers": [], "tls": "", "fault": type(fault).__name__})


for line in sys.stdin:
    call = json.loads(line)
    name = call["connection"]
    if name not in connections:
        connections[name] = queue.Queue()
        threading.Thread(target=serve, args=(connections[name],), daemon=True).start()
    connections[name].put(call)
