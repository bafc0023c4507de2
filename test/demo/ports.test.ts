// Ports are chosen before their users listen: none may be given out twice.

import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:net"
import { choosePort, listen, listenAnywhere, LOOPBACK } from "../../src/demo/ports.js"

describe("ports of the demo", () => {
  it("step over what is taken, and over what is planned though nobody listens there yet", async () => {
    const server = createServer()
    const taken = await listenAnywhere(server)
    const got = await choosePort(taken, new Set([taken + 1, taken + 2]))
    assert(got > taken + 2 && got < taken + 100)
    server.close()
    await once(server, "close")
    assert.equal(await choosePort(taken, new Set()), taken)
  })

  it("are never planned ones when any will do, nor those that outgoing connections take", async () => {
    const all = new Set(Array.from({ length: 20_000 }, (_, i) => 12_000 + i))
    await assert.rejects(choosePort(0, all), { tag: "resource-denied" })
    for (let i = 0; i < 20; i += 1) assert((await choosePort(0, new Set())) < 32_000)
  })

  it("are refused by name when a listener holds them", async () => {
    const [first, second] = [createServer(), createServer()]
    const port = await listenAnywhere(first)
    await assert.rejects(listen(second, port), { code: "EADDRINUSE" })
    assert.deepEqual(first.address(), { address: LOOPBACK, family: "IPv4", port })
    first.close()
    await once(first, "close")
  })
})
