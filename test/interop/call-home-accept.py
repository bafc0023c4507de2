# Waits to be called once and joins the connection with its own input and output: ssh's ProxyCommand, so that OpenSSH's
# client is an orchestrator that listens (RFC 8071 section 2).
# usage: call-home-accept.py PORT

import os
import socket
import sys
import threading

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    listener.settimeout(30)
    stream, _ = listener.accept()
stream.settimeout(None)


def send():
    while data := os.read(0, 65536):
        stream.sendall(data)
    stream.shutdown(socket.SHUT_WR)


threading.Thread(target=send, daemon=True).start()
while data := stream.recv(65536):
    os.write(1, data)
