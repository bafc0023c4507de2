#!/usr/bin/env python3
"""A key manager of ETSI GS QKD 014 V1.1.1 that owes nothing to Keyloom: Python's standard library only.

One process plays the two key managers of a pair of sites, each behind its own TLS port, over one store in memory.
Keys come from the operating system's random source: no QKD here, this is a test peer.

  etsi014_server.py --ca SAE-CA.pem --kme NAME,HOST,PORT,CERT.pem,KEY.pem [--kme ...] [--size BITS]

SAEs are known by the common name of their certificate. Once it listens it prints one line, `ready NAME PORT ...`.
Faults are ordered on standard input, one a line, each answered with a line `ok ...` or `no ...`:

  stop NAME | start NAME   a key manager goes away (its connections too), and comes back at the same port
  empty | fill             no keys to give: 503; and again as ever
  wrong N                  the next N keys fetched by id have other bytes than the master's
  lose N                   the next N answers with keys are not sent: the connection ends, the keys are gone
  delay MS                 every answer waits so long from now on
  most N                   a request may have so many keys, by number or by id, from now on
  count                    ok DELIVERED_AS_MASTER DELIVERED_AS_SLAVE

With --tap FILE every key given to a master is written there in hexadecimal behind its id: for tests that look for
keys where they must not be. The process ends with its standard input.
"""

import argparse
import base64
import json
import secrets
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_PER_REQUEST = 128
MIN_BITS, MAX_BITS = 64, 4096
MAX_BODY_BYTES = 65536
NOT_FOUND = "one or more keys specified are not found on KME"


class Fault(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Store:
    """Keys that a master has and its slave has not fetched yet: id -> (master, slave, bytes)."""

    def __init__(self, default_bits, tap):
        self.default_bits = default_bits
        self.tap = tap
        self.lock = threading.Lock()
        self.waiting = {}
        self.empty = False
        self.wrong = 0
        self.lose = 0
        self.delay_s = 0.0
        self.most = MAX_PER_REQUEST
        self.as_master = 0
        self.as_slave = 0

    def make(self, master, slave, number, bits):
        with self.lock:
            if self.empty:
                raise Fault(503, "no keys are available")
            made = []
            for _ in range(number):
                key_id = str(uuid.uuid4())
                key = secrets.token_bytes(bits // 8)
                self.waiting[key_id] = (master, slave, key)
                made.append((key_id, key))
                if self.tap:
                    print(key_id, key.hex(), file=self.tap, flush=True)
            self.as_master += number
            return made

    def fetch(self, slave, master, key_ids):
        with self.lock:
            found = [self.waiting.get(key_id) for key_id in key_ids]
            if None in found or len(set(key_ids)) != len(key_ids):
                raise Fault(400, NOT_FOUND)
            if any(entry[:2] != (master, slave) for entry in found):
                raise Fault(401, "")
            taken = []
            for key_id, (_, _, key) in zip(key_ids, found):
                del self.waiting[key_id]
                if self.wrong > 0:
                    self.wrong -= 1
                    key = secrets.token_bytes(len(key))
                taken.append((key_id, key))
            self.as_slave += len(taken)
            return taken

    def lost(self):
        with self.lock:
            if self.lose == 0:
                return False
            self.lose -= 1
            return True


def whole(value, name):
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault(400, name + " shall be an integer")
    return value


def key_request(fields, store):
    known = {"number", "size", "additional_slave_SAE_IDs", "extension_mandatory", "extension_optional"}
    if set(fields) - known:
        raise Fault(400, "unknown member in Key request")
    number = whole(fields.get("number", 1), "number")
    bits = whole(fields.get("size", store.default_bits), "size")
    if fields.get("additional_slave_SAE_IDs"):
        raise Fault(400, "no additional slaves are supported")
    if fields.get("extension_mandatory"):
        raise Fault(400, "not all extension_mandatory parameters are supported")
    if not 1 <= number <= store.most:
        raise Fault(400, "number is out of range")
    if bits % 8:
        raise Fault(400, "size shall be a multiple of 8")
    if not MIN_BITS <= bits <= MAX_BITS:
        raise Fault(400, "size is out of range")
    return number, bits


def key_ids(fields):
    try:
        ids = [str(uuid.UUID(entry["key_ID"])) for entry in fields["key_IDs"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Fault(400, "key_IDs shall be an array of objects with a key_ID each") from None
    if not ids:
        raise Fault(400, "no key_ID is given")
    return ids


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "independent-kme"
    sys_version = ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            self.send(400, {"message": "the body is too big"})
            return
        self.answer(self.rfile.read(length))

    def answer(self, body):
        store = self.server.store
        try:
            result = self.act(body)
        except Fault as fault:
            time.sleep(store.delay_s)
            self.send(fault.status, None if fault.status == 401 else {"message": fault.message})
            return
        time.sleep(store.delay_s)
        if "keys" in result and store.lost():
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send(200, result)

    def act(self, body):
        store = self.server.store
        caller = dict(pair[0] for pair in self.connection.getpeercert()["subject"]).get("commonName")
        if not caller:
            raise Fault(401, "")
        url = urllib.parse.urlsplit(self.path)
        parts = url.path.split("/")
        if len(parts) != 6 or parts[:4] != ["", "api", "v1", "keys"]:
            raise Fault(404, "no such resource")
        other, method = urllib.parse.unquote(parts[4]), parts[5]
        query = dict(urllib.parse.parse_qsl(url.query))
        if method == "status" and body is None:
            return self.status(caller, other)
        if method == "enc_keys":
            try:
                fields = {name: int(value) for name, value in query.items()} if body is None else self.fields(body)
            except ValueError:
                raise Fault(400, "the query is malformed") from None
            return container(store.make(caller, other, *key_request(fields, store)))
        if method == "dec_keys":
            fields = {"key_IDs": [query]} if body is None else self.fields(body)
            ids = key_ids(fields)
            if len(ids) > store.most:
                raise Fault(400, "too many key_IDs")
            return container(store.fetch(caller, other, ids))
        raise Fault(404, "no such resource")

    def fields(self, body):
        try:
            fields = json.loads(body.decode("utf-8")) if body else {}
        except ValueError:
            raise Fault(400, "the body is not JSON") from None
        if not isinstance(fields, dict):
            raise Fault(400, "the body is no object")
        return fields

    def status(self, caller, other):
        store = self.server.store
        with store.lock:
            stored = 0 if store.empty else 100000
        return {
            "source_KME_ID": self.server.kme_name,
            "target_KME_ID": "the-other-kme",
            "master_SAE_ID": caller,
            "slave_SAE_ID": other,
            "key_size": store.default_bits,
            "stored_key_count": stored,
            "max_key_count": 100000,
            "max_key_per_request": store.most,
            "max_key_size": MAX_BITS,
            "min_key_size": MIN_BITS,
            "max_SAE_ID_count": 0,
        }

    def send(self, status, value):
        data = b"" if value is None else json.dumps(value).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("cache-control", "no-store")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True


def container(keys):
    return {"keys": [{"key_ID": key_id, "key": base64.b64encode(key).decode()} for key_id, key in keys]}


class TlsServer(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, kme, store, context):
        self.store = store
        self.context = context
        self.kme_name = kme["name"]
        self.open = set()
        super().__init__((kme["host"], kme["port"]), Handler)

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's own thread: a mute client must not hold up the others.
        request.settimeout(60)
        try:
            with self.context.wrap_socket(request, server_side=True) as tls:
                self.open.add(tls)
                try:
                    self.RequestHandlerClass(tls, client_address, self)
                finally:
                    self.open.discard(tls)
        except OSError:
            pass

    def handle_error(self, *_):
        pass

    def end(self):
        self.shutdown()
        self.server_close()
        for tls in list(self.open):
            try:
                tls.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Kme:
    def __init__(self, text, store, ca):
        name, host, port, cert, key = text.split(",")
        self.options = {"name": name, "host": host, "port": int(port)}
        self.store = store
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(cert, key)
        self.context.load_verify_locations(ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.server = None

    def start(self):
        if self.server is None:
            self.server = TlsServer(self.options, self.store, self.context)
            self.options["port"] = self.server.server_address[1]
            threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.end()
            self.server = None


def order(words, store, kmes):
    verb, rest = words[0], words[1:]
    if verb in ("start", "stop"):
        getattr(kmes[rest[0]], verb)()
    elif verb in ("empty", "fill"):
        store.empty = verb == "empty"
    elif verb in ("wrong", "lose"):
        with store.lock:
            setattr(store, verb, int(rest[0]))
    elif verb == "most":
        store.most = int(rest[0])
    elif verb == "delay":
        store.delay_s = int(rest[0]) / 1000
    elif verb == "count":
        return f"{store.as_master} {store.as_slave}"
    else:
        raise KeyError(verb)
    return " ".join(words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca", required=True)
    parser.add_argument("--kme", action="append", required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--tap")
    args = parser.parse_args()
    store = Store(args.size, open(args.tap, "w", encoding="ascii") if args.tap else None)
    kmes = {}
    for text in args.kme:
        kme = Kme(text, store, args.ca)
        kme.start()
        kmes[kme.options["name"]] = kme
    print("ready", *(f"{name} {kme.options['port']}" for name, kme in kmes.items()), flush=True)
    for line in sys.stdin:
        try:
            print("ok", order(line.split(), store, kmes), flush=True)
        except (KeyError, IndexError, ValueError) as fault:
            print("no", repr(fault), flush=True)


if __name__ == "__main__":
    main()
