# A device of others' making that calls home: opens TCP to the manager and lets OpenSSH's sshd serve it (RFC 8071 section
# 3.1, the way of inetd). Calls again when it is over.
# usage: call-home-openssh.py PORT SSHD CONFIG

import socket
import subprocess
import sys
import time

PORT, SSHD, CONFIG = sys.argv[1:4]

while True:
    try:
        stream = socket.create_connection(("127.0.0.1", int(PORT)), timeout=5)
    except OSError:
        time.sleep(0.2)
        continue
    stream.settimeout(None)
    subprocess.run([SSHD, "-i", "-e", "-f", CONFIG], stdin=stream, stdout=stream, check=False)
    stream.close()
    time.sleep(0.2)
