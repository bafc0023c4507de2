// Five thousand strangers who open a socket and say nothing, at every door of one node at once (THREATS N5).

import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Line } from "./node-line.js"

const CROWD = 5000
/** From fifty addresses, so that no share of one address keeps most of them out. */
const PROGRAM = `
import socket, sys
ports = [int(p) for p in sys.argv[2:]]
crowd = []
for n in range(int(sys.argv[1])):
    s = socket.socket()
    s.settimeout(5)
    s.bind(("127.0.1." + str(1 + n % 50), 0))
    try:
        s.connect(("127.0.0.1", ports[n % len(ports)]))
    except OSError:
        pass
    crowd.append(s)
print("here", flush=True)
sys.stdin.read()
`

function heapBytes(): number {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  collect()
  return process.memoryUsage().heapUsed
}

describe("a node with five thousand mute sockets at its doors (N5)", function () {
  this.timeout(180_000)
  let line: Line
  let crowd: ChildProcess | undefined

  before(async () => {
    line = await Line.open(["a", "b"])
    await line.start("a")
  })
  after(async () => {
    crowd?.kill("SIGKILL")
    await line.close()
  })

  it("N5: answers its SAE and its controller, holds little for them, and forgets them", async () => {
    const status = async (): Promise<void> => {
      assert.equal((await line.call("a", "sae-b/status")).status, 200)
      assert.equal((await line.state("a")).qkdnId, line.id("a"))
    }
    await status()
    const before = heapBytes()
    const { netconf, etsi014, relay } = line.node("a").addresses()
    const ports = [netconf.port, etsi014.port, relay.port].map(String)
    const stdio = ["pipe", "pipe", "inherit"] as const
    crowd = spawn("/usr/bin/python3", ["-c", PROGRAM, String(CROWD), ...ports], {
      stdio: [...stdio],
    })
    assert(crowd.stdout !== null)
    const here = once(createInterface({ input: crowd.stdout }), "line")
    // Asked while they come.
    await status()
    await here
    await status()
    const heldMiB = (heapBytes() - before) / 2 ** 20
    assert(heldMiB < 64, `${heldMiB.toFixed(1)} MiB for the crowd`)
    const gone = once(crowd, "exit")
    crowd.kill("SIGKILL")
    await gone
    await status()
  })
})
