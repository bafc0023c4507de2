"""An ETSI GS QKD 014 client on Python's standard library, driven line by line: a request as JSON on standard input, its
answer as JSON on standard output. One kept connection for each certificate and server."""

import http.client
import json
import ssl
import sys

folder = sys.argv[1]
kept = {}


def connection(who, port, tls12):
    key = (who, port, tls12)
    if key not in kept:
        context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if who is not None:
            context.load_cert_chain(f"{folder}/{who}.pem", f"{folder}/{who}.key")
        kept[key] = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    return kept[key]


def ask(request):
    who, port = request["who"], request["port"]
    body = request.get("body")
    headers = dict(request.get("headers", {}))
    link = connection(who, port, request.get("tls12", False))
    try:
        link.request(
            request["method"],
            request["target"],
            body=None if body is None else body.encode("utf-8", "surrogateescape"),
            headers=headers,
        )
        answer = link.getresponse()
        text = answer.read().decode("utf-8")
        return {
            "status": answer.status,
            "headers": {name.lower(): value for name, value in answer.getheaders()},
            "body": text,
            "tls": link.sock.version() if link.sock is not None else "",
        }
    except (ssl.SSLError, OSError, http.client.HTTPException) as fault:
        link.close()
        kept.pop((who, port, request.get("tls12", False)), None)
        return {"status": 0, "headers": {}, "body": "", "fault": type(fault).__name__}


for line in sys.stdin:
    print(json.dumps(ask(json.loads(line))), flush=True)
