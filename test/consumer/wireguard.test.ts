// WireGuard tunnels on QKD keys: two wireguard-go in two network namespaces, two `keyloom consumer wireguard`
// processes, and key managers that are not ours. The first-handshake race is provoked on purpose.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { WireguardLab } from "../../examples/lab/wireguard-lab.js"
import { whyNoLab } from "../../examples/lab/namespaces.js"
import { until } from "../../examples/lab/processes.js"
import { Pings } from "../../examples/lab/traffic.js"
import { UapiDevice } from "../../src/consumer/wireguard-uapi.js"
import { Secret } from "../../src/keys/secret.js"
import type { IndependentKme } from "../support/independent-kme.js"
import { TunnelWorld } from "./tunnel-world.js"

const why = whyNoLab(["wireguard-go", "wg", "python3"])

describe("a WireGuard tunnel on QKD keys", function () {
  this.timeout(180_000)
  let world: TunnelWorld<WireguardLab>
  let kme: IndependentKme
  let lab: WireguardLab

  before(function () {
    if (why === undefined) return
    console.log(`      skipped: ${why}`)
    this.skip()
  })

  async function prepare(terms: object): Promise<void> {
    world = await TunnelWorld.prepare(WireguardLab, terms)
    ;({ kme, lab } = world)
  }

  async function start(terms: object): Promise<void> {
    world = await TunnelWorld.start(WireguardLab, terms)
    ;({ kme, lab } = world)
  }

  async function stop(): Promise<void> {
    if (why === undefined) await world.stop()
  }

  const works = (): Promise<boolean> => world.works()
  const rotated = (): Promise<void> => world.rotated()
  const tried = (): Promise<void> => world.tried()
  const alarmed = (...at: Parameters<typeof world.alarmed>): Promise<void> => world.alarmed(...at)
  const mismatches = (): number =>
    lab.device.a.refused.unequalKeys + lab.device.b.refused.unequalKeys
  const crossings = (): number => lab.device.a.refused.crossed + lab.device.b.refused.crossed
  /** As the administrator sees it: equal text, equal keys. */
  const key = async (end: "a" | "b"): Promise<string> =>
    (await lab.device[end].wg("show", lab.device[end].name, "preshared-keys")).split("\t")[1] ?? ""
  describe("where a key is required", () => {
    before(() => start({ interval_s: 1, policy: "required", hybrid: true }))
    after(stop)

    it("has the same key at both ends after each rotation, and another one than before", async () => {
      const seen = new Set<string>()
      for (let i = 0; i < 3; i += 1) {
        await rotated()
        await until(async () => (await key("a")) === (await key("b")), "the same key at both ends")
        seen.add(await key("a"))
      }
      assert.ok(seen.size >= 3)
      assert.ok(![...seen].some((one) => one.includes("none")))
      assert.ok(await works())
    })

    it("loses hardly a ping in either direction, and has no handshake with different keys", async () => {
      const { a, b } = lab.namespaces
      const pings = [new Pings(a, b, 5), new Pings(b, a, 5)]
      for (let i = 0; i < 4; i += 1) await rotated()
      for (const { sent, lost } of await Promise.all(pings.map((one) => one.stop()))) {
        assert.ok(sent > 300, `${sent} sent`)
        assert.ok(lost <= 0.02 * sent, `${lost} of ${sent} pings lost`)
      }
      assert.equal(mismatches(), 0)
    })

    it("keeps its key while a key manager is away at either end, or gives different keys", async () => {
      for (const [order, alarm] of [
        ["stop kme-a", "no-key"],
        ["stop kme-b", "peer-refused"],
      ] as const) {
        await kme.order(order)
        await alarmed(alarm)
        const before = await key("a")
        await tried()
        assert.equal(await key("a"), before)
        assert.ok(await works())
        await kme.order(order.replace("stop", "start"))
        await rotated()
      }
      await kme.order("wrong 1")
      await alarmed("wrong-key")
      assert.ok(await works())
      await rotated()
      assert.equal(mismatches(), 0)
    })

    it("keeps its key while the id channel is cut, and goes on when it is mended", async () => {
      lab.idRelay.cut()
      await alarmed("peer-unreachable")
      const before = await key("b")
      await world.takesNoKey()
      assert.equal(await key("b"), before)
      assert.ok(await works())
      lab.idRelay.mend()
      await rotated()
    })

    it("has nothing passing while the fibre is cut, says so, and goes on when it is mended", async () => {
      await world.cutAndMended()
    })

    it("comes back by itself when another key was forced into either interface", async () => {
      for (const [end, other] of [
        ["a", "b"],
        ["b", "a"],
      ] as const) {
        const device = new UapiDevice(lab.device[end].socket)
        await device.setPresharedKey(lab.device[other].publicKey, Secret.take(randomBytes(32)))
        await rotated()
        await until(works, "traffic passes")
        await until(async () => (await key("a")) === (await key("b")), "the same key at both ends")
      }
    })

    it("comes back by itself when either gateway's WireGuard was killed", async () => {
      await world.gatewaysKilled()
    })

    it("does not come back without a key, takes a peer without key out, and comes back with one", async () => {
      await kme.order("empty")
      await alarmed("no-key")
      await lab.killGateway("b")
      await lab.startGateway("b")
      await alarmed("tunnel-down", "b")
      await lab.device.b.wg(
        ...["set", lab.device.b.name, "peer", lab.device.a.publicKey],
        ...["allowed-ips", lab.namespaces.a.network],
      )
      await until(async () => (await key("b")) === "", "the bare peer is taken out")
      await tried()
      assert.equal(await works(), false)
      await kme.order("fill")
      await rotated()
      await until(works, "traffic passes again")
    })

    it("leaves the tunnel standing when it is asked to stop, with status 0", async () => {
      await lab.consumer.a.stop()
      assert.equal(lab.consumer.a.exitCode, 0)
      assert.ok(await works())
    })
  })

  describe("at its first handshake", () => {
    beforeEach(() => prepare({ interval_s: 100, policy: "required" }))
    afterEach(stop)

    it("would meet another key if the ends changed one after the other under traffic (control)", async () => {
      const { a, b } = lab.device
      const peers = { a: b.publicKey, b: a.publicKey }
      for (const end of ["a", "b"] as const)
        await new UapiDevice(lab.device[end].socket).renew(
          {
            publicKey: peers[end],
            endpoint: `${lab.namespaces[end === "a" ? "b" : "a"].address}:51820`,
            allowedIps: [lab.namespaces[end === "a" ? "b" : "a"].network],
            keepaliveS: 0,
          },
          end === "b" ? Secret.take(randomBytes(32)) : undefined,
        )
      const pings = new Pings(lab.namespaces.a, lab.namespaces.b, 50)
      await until(() => mismatches() > 0, "a handshake with different keys")
      await pings.stop()
    })

    it("would be refused, whatever the key, if both ends began one at once (control)", async () => {
      // Entries are made anew so fast that an answer to the one before may come in: those count as nothing here.
      const key = randomBytes(32)
      const entry = (end: "a" | "b"): Promise<void> => {
        const other = end === "a" ? "b" : "a"
        return new UapiDevice(lab.device[end].socket).renew(
          {
            publicKey: lab.device[other].publicKey,
            endpoint: `${lab.namespaces[other].address}:51820`,
            allowedIps: [lab.namespaces[other].network],
            keepaliveS: 5,
          },
          Secret.take(Uint8Array.from(key)),
        )
      }
      await until(async () => {
        await Promise.all([entry("a"), entry("b")])
        return crossings() > 0
      }, "two handshakes cross")
    })

    it("meets the same key, though both ends push traffic all the while", async () => {
      const { a, b } = lab.namespaces
      const pings = [new Pings(a, b, 20), new Pings(b, a, 20)]
      lab.consumer.b.start()
      await lab.consumer.b.is((s) => !s.up, "the responder runs")
      lab.consumer.a.start()
      await rotated()
      await Promise.all(pings.map((one) => one.stop()))
      assert.equal(mismatches(), 0)
      assert.equal(crossings(), 0)
      assert.ok(await works())
    })

    it("meets it too when the responder is slow and an old session has just died", async () => {
      await kme.order("delay 400")
      const { a, b } = lab.namespaces
      const pings = [new Pings(a, b, 20), new Pings(b, a, 20)]
      // An entry of before, with a key that the other end has no longer.
      const stale = Secret.take(randomBytes(32))
      await new UapiDevice(lab.device.a.socket).renew(
        {
          publicKey: lab.device.b.publicKey,
          endpoint: `${b.address}:51820`,
          allowedIps: [b.network],
          keepaliveS: 0,
        },
        stale,
      )
      lab.consumer.b.start()
      lab.consumer.a.start()
      await rotated()
      await Promise.all(pings.map((one) => one.stop()))
      assert.equal(mismatches(), 0)
      assert.equal(crossings(), 0)
    })
  })

  describe("that goes without a key where there is none, through the program wg", () => {
    before(() => prepare({ interval_s: 2, policy: "preferred", device: "wg" }))
    after(stop)

    it("says so loudly, and gets a key as soon as there is one", async () => {
      await kme.order("empty")
      lab.consumer.b.start()
      lab.consumer.a.start()
      await alarmed("unprotected")
      await alarmed("unprotected", "b")
      await until(works, "traffic passes")
      assert.match(await key("a"), /none/)
      await kme.order("fill")
      await rotated()
      assert.ok(await works())
      assert.doesNotMatch(await key("b"), /none/)
    })
  })
})
