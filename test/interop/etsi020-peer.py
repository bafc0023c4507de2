"""A key manager of another domain on Python's standard library: it speaks ETSI GS QKD 020 as client and as server.
Driven line by line: a command as JSON on standard input, its outcome as JSON on standard output.

ask     a request to the node: who (certificate), method, target, body, headers
behave  how the server acts from now on: on_keys, on_void
seen    requests that came so far, and forgets them
key     the value it holds for a key id, which goes out with that: as if its SAE fetched it
"""

import http.client
import http.server
import json
import ssl
import sys
import threading
import time

folder, server_port = sys.argv[1], int(sys.argv[2])
lock = threading.Lock()
state = {"on_keys": "relayed", "on_void": "honest", "synchronous": True}
keys, voided, fetched, seen = {}, set(), set(), []


def context_for(who):
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    context.check_hostname = True
    if who is not None:
        context.load_cert_chain(f"{folder}/{who}.pem", f"{folder}/{who}.key")
    return context


def request(port, method, target, body=None, who="peer", headers=None, tls12=False):
    context = context_for(who)
    if tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    link = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    try:
        data = None if body is None else body.encode("utf-8", "surrogateescape")
        link.request(method, target, body=data, headers=headers or {})
        answer = link.getresponse()
        text = answer.read().decode("utf-8")
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return {"status": answer.status, "headers": headers, "body": text, "tls": link.sock.version() if link.sock else ""}
    except (ssl.SSLError, OSError, http.client.HTTPException) as fault:
        return {"status": 0, "headers": {}, "body": "", "fault": type(fault).__name__}
    finally:
        link.close()


def acknowledge(url, acks):
    rest = url.split("://", 1)[1]
    place, path = rest.split("/", 1)
    port = int(place.rsplit(":", 1)[1])
    with lock:
        dropped = state.get("drop_acks", 0)
        state["drop_acks"] = max(0, dropped - 1)
    if not dropped:
        request(port, "POST", "/" + path, json.dumps(acks), headers={"content-type": "application/json"})


def acks_of(body, ids, status):
    return [
        {
            "key_id_container": [{"key_id": key_id}],
            "ack_status": status,
            "initiator_sae_id": body["initiator_sae_id"],
            "target_sae_ids": body["target_sae_ids"],
        }
        for key_id in ids
    ]


def void(body):
    acks = []
    for key_id in body["key_ids"]:
        if key_id in fetched or state["on_void"] == "late":
            acks += acks_of(body, [key_id], "failed to void")
        elif keys.pop(key_id, None) is not None:
            acks += acks_of(body, [key_id], "voided")
        else:
            acks += acks_of(body, [key_id], "key not present")
        voided.add(key_id)
    return acks


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(200, {"versions": ["v1"], "capabilities": ["synchronous_mode"] if state["synchronous"] else []})

    def do_POST(self):
        text = self.rfile.read(int(self.headers["content-length"]))
        body = json.loads(text)
        with lock:
            seen.append({"path": self.path, "body": body})
        if self.path.endswith("/ack"):
            with lock:
                refused = state.get("refuse_acks", 0)
                state["refuse_acks"] = max(0, refused - 1)
            self.answer(503 if refused else 200)
            return
        url = body.get("ack_callback_url")
        if self.path.endswith("/void"):
            if isinstance(state["on_void"], int):
                self.answer(state["on_void"])
                return
            with lock:
                acks = void(body)
        else:
            act = state["on_keys"]
            if isinstance(act, list):
                act = state["on_keys"].pop(0) if len(act) > 1 else act[0]
            if isinstance(act, int):
                self.answer(act, {"type": "about:blank"})
                return
            with lock:
                for key in body["keys"]:
                    if act == "relayed" and key["key_id"] not in voided:
                        keys[key["key_id"]] = key["value"]
            acks = [] if act == "mute" else acks_of(body, [key["key_id"] for key in body["keys"]], act)
        if url is None:
            self.answer(200, acks)
            return
        self.answer(202)
        if acks:
            threading.Thread(target=acknowledge, args=(url, acks), daemon=True).start()


server = http.server.ThreadingHTTPServer(("127.0.0.1", server_port), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.minimum_version = ssl.TLSVersion.TLSv1_3
tls.load_cert_chain(f"{folder}/peer.pem", f"{folder}/peer.key")
tls.load_verify_locations(f"{folder}/ca.pem")
tls.verify_mode = ssl.CERT_REQUIRED
server.socket = tls.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"port": server.server_address[1]}), flush=True)

for line in sys.stdin:
    command = json.loads(line)
    what = command.pop("do")
    if what == "ask":
        told = request(**command)
    elif what == "behave":
        state.update(command)
        told = {}
    elif what == "seen":
        with lock:
            told = {"seen": list(seen)}
            seen.clear()
    elif what == "key":
        with lock:
            value = keys.pop(command["key_id"], None)
            if value is not None:
                fetched.add(command["key_id"])
        told = {"value": value}
    else:
        told = {"fault": "unknown command"}
    print(json.dumps(told), flush=True)
