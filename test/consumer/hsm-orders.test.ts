// Fillings of a token announced to a controller as bulk orders: over REST, to the real deciding loop.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { orderDeskAt } from "../../src/cli/hsm-order-desk.js"
import { HSM_CONFIG_MODULES, readHsmConfig } from "../../src/consumer/hsm-config.js"
import { HsmOrders, type OrderStatus } from "../../src/consumer/hsm-orders.js"
import type { OrderDesk } from "../../src/consumer/hsm-ports.js"
import { Access, hashToken } from "../../src/north/access.js"
import { type RunningHttp, startHttp } from "../../src/north/http.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { Bench } from "../controller/fakes.js"
import { isQkdError } from "../errors-helper.js"
import { OPERATOR } from "../north/harness.js"

describe("a filling ordered at the controller", () => {
  let bench: Bench
  let http: RunningHttp
  let dir: string
  let desk: OrderDesk
  const told: string[] = []

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-hsm-orders-"))
    const tokenFile = path.join(dir, "token")
    writeFileSync(tokenFile, `${OPERATOR}\n`)
    bench = await Bench.open()
    await bench.chain()
    bench.south.submit = (event) => bench.submit(event)
    http = await startHttp({
      host: "127.0.0.1",
      port: 0,
      controller: bench.controller,
      access: new Access([{ name: "ops", role: "operator", sha256: hashToken(OPERATOR) }]),
      now: () => bench.now,
    })
    desk = orderDeskAt({ url: http.url, tokenFile, fillWithinMs: 1 })
    told.length = 0
  })
  afterEach(async () => {
    await http.close()
    await bench.controller.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  function ordersWith(fillWithinMs: number, toSaeId = "sae-c"): HsmOrders {
    return new HsmOrders(
      { peer: "omega", fromSaeId: "sae-a", toSaeId, keySizeBits: 256, fillWithinMs },
      {
        desk,
        watch: { alarm: (event) => told.push(event), note: (event) => told.push(event) },
        now: () => bench.now,
      },
    )
  }

  function shown(orders: HsmOrders): OrderStatus {
    return orders.status ?? {}
  }

  /** The node of the order's master has given all of it out. */
  async function completed(): Promise<void> {
    for (const { serviceId = "", volumeBits } of bench.controller.network().orders.values()) {
      const supply = { suppliedBits: volumeBits, readyBits: 0 }
      const event = { kind: "app-supply", appId: serviceId, supply } as const
      await bench.submit({ kind: "node-event", qkdnId: "a", atMs: bench.now, event })
    }
  }

  it("is one order for what is lacking, looked at until it is over, then the next", async () => {
    const orders = ordersWith(3_600_000)
    await orders.tend(0)
    assert.deepEqual(shown(orders), {})
    assert.equal(bench.controller.network().orders.size, 0, "nothing is lacking")
    await orders.tend(100)
    await orders.tend(60)
    const [order] = bench.controller.network().orders.values()
    assert.deepEqual([order?.volumeBits, order?.bestEffort], [25_600, true])
    const { state, keys, deliveredKeys, late } = shown(orders)
    assert.deepEqual([state, keys, deliveredKeys, late], ["inProgress", 100, 0, false])
    await completed()
    await orders.tend(0)
    assert.deepEqual([shown(orders).state, shown(orders).deliveredKeys], ["completed", 100])
    await orders.tend(50)
    assert.equal(shown(orders).keys, 50)
    assert.deepEqual(told, ["order-placed", "order-over", "order-placed"])
  })

  it("goes on after a restart of the program with what was ordered before", async () => {
    await ordersWith(3_600_000).tend(100)
    const again = ordersWith(3_600_000)
    await again.tend(40)
    assert.equal(bench.controller.network().orders.size, 1)
    assert.equal(shown(again).keys, 100)
  })

  it("is told late when it will not be there in time, and taken on all the same", async () => {
    const orders = ordersWith(1000)
    await orders.tend(1000)
    assert.equal(orders.status?.late, true)
    assert.deepEqual(told, ["order-placed", "order-late"])
  })

  it("that the controller refuses, or cannot be asked for, is said once and tried again", async () => {
    const unknown = ordersWith(1000, "sae-x")
    await unknown.tend(1)
    await unknown.tend(1)
    assert.match(unknown.status?.fault ?? "", /peer SAE sae-x is not registered/)
    assert.deepEqual(told, ["order-failed"])
    const orders = ordersWith(3_600_000)
    await orders.tend(100)
    await http.close()
    await orders.tend(100)
    assert.match(orders.status?.fault ?? "", /http:/)
    assert.equal(orders.status?.state, "inProgress", "what was known last")
  })

  it("is a container of the configuration, with a deadline of a day unless told", () => {
    const files = { cert_file: "c.pem", key_file: "k.pem", ca_file: "a.pem" }
    const base = {
      site: "alpha",
      sae_id: "vault-alpha",
      dir: "state",
      token: { library: "/lib/p11.so", label: "alpha", pin_file: "pin" },
      kme: { host: "kme", port: 1, ...files },
      line: { host: "0.0.0.0", port: 2, ...files },
      peer: [
        {
          name: "omega",
          sae_id: "vault-omega",
          common_name: "omega",
          host: "o",
          port: 3,
          count: 9,
        },
      ],
    }
    const read = (controller?: object): unknown =>
      readHsmConfig(
        loadYangFiles(HSM_CONFIG_MODULES),
        JSON.stringify({ hsm: { ...base, ...(controller && { controller }) } }),
        "/etc",
      ).controller
    assert.equal(read(), undefined)
    assert.deepEqual(read({ url: "https://c.example", token_file: "t", ca_file: "ca.pem" }), {
      url: "https://c.example",
      tokenFile: "/etc/t",
      caFile: "/etc/ca.pem",
      fillWithinMs: 86_400_000,
    })
    assert.throws(() => read({ url: "https://c.example" }), /token_file/)
  })

  it("takes no token over the network in clear", async () => {
    const far = orderDeskAt({ url: "http://controller.example", tokenFile: "t", fillWithinMs: 1 })
    await assert.rejects(far.look("x"), isQkdError("invalid-value"))
  })
})
