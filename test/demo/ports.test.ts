// Ports are chosen before their users listen: none may be given out twice, by this demo or by another.

import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { HeldPorts, listen, LOOPBACK } from "../../src/demo/ports.js"

describe("ports of the demo", () => {
  const held: HeldPorts[] = []
  const ports = (): HeldPorts => {
    const made = new HeldPorts()
    held.push(made)
    return made
  }
  afterEach(async () => {
    await Promise.all(held.splice(0).map((one) => one.release()))
  })

  it("step over what is taken, and over what is held though nobody listens there yet", async () => {
    const [one, other] = [ports(), ports()]
    const server = createServer()
    const taken = await listen(server, await one.hold(0))
    await one.release()
    assert.equal(await one.hold(taken + 1), taken + 1)
    const got = await other.holdFrom(taken)
    assert(got > taken + 1 && got < taken + 200)
    assert.notEqual(await other.hold(taken), taken)
    server.close()
    await once(server, "close")
    assert.equal(await other.holdFrom(taken), taken)
    // Its user listens there all the same.
    const user = createServer()
    assert.equal(await listen(user, taken), taken)
    user.close()
  })

  it("are each another's, however many demos choose at the same time, and none that outgoing connections take", async () => {
    const demos = Array.from({ length: 8 }, ports)
    const chosen = await Promise.all(
      demos.flatMap((demo) => Array.from({ length: 20 }, () => demo.hold(0))),
    )
    assert.equal(new Set(chosen).size, 160)
    assert(chosen.every((port) => port >= 12_000 && port < 32_000))
  })

  it("are free again when who held them is killed", async () => {
    const wanted = await ports().hold(0)
    await held[0]?.release()
    const script = `const s = require("dgram").createSocket("udp4"); s.bind({ address: "${LOOPBACK}", port: ${wanted}, exclusive: true }, () => console.log("held"))`
    const child: ChildProcess = spawn(process.execPath, ["-e", script])
    if (child.stdout === null) assert.fail()
    await once(child.stdout, "data")
    assert.notEqual(await ports().hold(wanted), wanted)
    child.kill("SIGKILL")
    await once(child, "exit")
    assert.equal(await ports().hold(wanted), wanted)
  })

  it("are refused by name when a listener holds them", async () => {
    const [first, second] = [createServer(), createServer()]
    const port = await listen(first, await ports().hold(0))
    await assert.rejects(listen(second, port), { code: "EADDRINUSE" })
    assert.deepEqual(first.address(), { address: LOOPBACK, family: "IPv4", port })
    first.close()
    await once(first, "close")
  })
})
