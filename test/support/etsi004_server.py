"""Two key managers of a maker that is not ours, with a link between them, serving ETSI GS QKD 004 V2.1.1 on Python's
standard library: a line of JSON a call over mutual TLS. Prints its two ports, then obeys lines on standard input: cut,
mend, lose a|b (that site forgets all streams)."""

import argparse
import base64
import json
import os
import socketserver
import ssl
import sys
import threading
import time

parser = argparse.ArgumentParser()
for name in ("ca", "cert", "key"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--chunks-per-second", type=float, default=40)
options = parser.parse_args()

AHEAD = 6
state = threading.Condition()
cut = False
# Per site, the streams that are open there: id -> {"far": whether the peer was there, "read": set of indices}.
open_at = {"a": {}, "b": {}}
# The chunks of a stream, the same for both sites.
chunks = {}


def qos_of(asked):
    return {
        "key_chunk_size": asked.get("key_chunk_size", 32), "max_bps": 0, "min_bps": 0, "jitter": 0, "priority": 0,
        "timeout": asked.get("timeout", 1000), "ttl": asked.get("ttl", 3600), "metadata_mimetype": "",
    }


def open_connect(site, data):
    ksid, far = data["key_stream_id"], "b" if site == "a" else "a"
    with state:
        if ksid in open_at[site]:
            return {"status": 5}
        peer = open_at[far].get(ksid)
        if peer is not None and peer["met"]:
            return {"status": 5}
        mine = {"met": peer is not None, "closed": False, "read": set(), "qos": qos_of(data.get("qos", {}))}
        open_at[site][ksid] = mine
        if peer is None:
            return {"status": 1, "key_stream_id": ksid, "qos": mine["qos"]}
        peer["met"] = True
        chunks[ksid] = []
        state.notify_all()
        return {"status": 0, "key_stream_id": ksid, "qos": mine["qos"]}


def get_key(site, data):
    ksid = data["key_stream_id"]
    with state:
        mine = open_at[site].get(ksid)
        if mine is None:
            return {"error": {"message": "no such stream"}}
        deadline = time.monotonic() + mine["qos"]["timeout"] / 1000
        while True:
            if not mine["met"]:
                return {"status": 3}
            left = [at for at in range(len(chunks[ksid])) if at not in mine["read"]]
            if left:
                wanted = data.get("index", left[0])
                at = wanted if wanted in left else left[0]
                mine["read"].add(at)
                state.notify_all()
                return {"status": 0, "index": at, "key_buffer": base64.b64encode(chunks[ksid][at]).decode()}
            if mine["closed"]:
                return {"status": 3}
            wait = deadline - time.monotonic()
            if wait <= 0:
                return {"status": 2}
            state.wait(wait)


def close(site, data):
    ksid, far = data["key_stream_id"], "b" if site == "a" else "a"
    with state:
        if open_at[site].pop(ksid, None) is None:
            return {"error": {"message": "no such stream"}}
        if ksid in open_at[far]:
            open_at[far][ksid]["closed"] = True
        state.notify_all()
        return {"status": 0}


CALLS = {"OPEN_CONNECT": open_connect, "GET_KEY": get_key, "CLOSE": close}


class Calls(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            for line in self.rfile:
                call = json.loads(line)
                answer = CALLS[call["command"]](self.server.site, call["data"])
                self.wfile.write(json.dumps(answer).encode() + b"\n")
        except OSError:
            pass


class Site(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, site):
        self.site = site
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_cert_chain(options.cert, options.key)
        super().__init__(("127.0.0.1", 0), Calls)

    def get_request(self):
        raw, address = super().get_request()
        return self.context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass


def make():
    while True:
        time.sleep(1 / options.chunks_per_second)
        with state:
            for ksid, made in chunks.items():
                ends = [open_at[site].get(ksid) for site in "ab"]
                if cut or None in ends or any(end["closed"] for end in ends):
                    continue
                if len(made) - max(len(end["read"]) for end in ends) < AHEAD:
                    made.append(os.urandom(ends[0]["qos"]["key_chunk_size"]))
            state.notify_all()


sites = [Site("a"), Site("b")]
for site in sites:
    threading.Thread(target=site.serve_forever, daemon=True).start()
threading.Thread(target=make, daemon=True).start()
print(json.dumps([site.server_address[1] for site in sites]), flush=True)
for line in sys.stdin:
    word, *which = line.split()
    with state:
        if word in ("cut", "mend"):
            cut = word == "cut"
        elif word == "lose":
            far = "b" if which[0] == "a" else "a"
            for ksid in open_at[which[0]]:
                if ksid in open_at[far]:
                    open_at[far][ksid]["closed"] = True
            open_at[which[0]].clear()
        state.notify_all()
    print(word, flush=True)
