// IPsec tunnels on QKD keys: two real charons in two network namespaces, two `keyloom consumer ipsec` processes,
// and key managers that are not ours. Everything that can go wrong is made to, and the tunnel is looked at by
// ping and by swanctl. Nobody helps it back.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { IpsecLab } from "../../examples/lab/ipsec-lab.js"
import { whyNoLab } from "../../examples/lab/namespaces.js"
import { until } from "../../examples/lab/processes.js"
import { Capture, keysFound, Pings, sendInClear } from "../../examples/lab/traffic.js"
import { combineKeys } from "../../src/consumer/combine-keys.js"
import { IpsecTunnel } from "../../src/consumer/ipsec-tunnel.js"
import type { Policy } from "../../src/consumer/rotation.js"
import { ViciClient } from "../../src/consumer/vici-client.js"
import { Secret } from "../../src/keys/secret.js"
import { SILENT } from "../../src/node/log.js"
import type { IndependentKme } from "../support/independent-kme.js"
import { TunnelWorld } from "./tunnel-world.js"

/** More by `KEYLOOM_ROTATIONS=100`. */
const ROTATIONS = Number(process.env["KEYLOOM_ROTATIONS"] ?? 4)
const why = whyNoLab(["charon-systemd", "swanctl", "python3"])

/** The PPK that both consumers made of a delivered key: to look for it. */
function ppkOf(generation: number, keyId: string, key: Buffer | undefined): Buffer {
  const made = combineKeys(
    { qkd: Secret.take(Buffer.from(key ?? assert.fail(`key ${keyId} was never delivered`))) },
    {
      purpose: "ipsec",
      tunnel: "lab",
      initiator: "gate-a",
      responder: "gate-b",
      generation,
      kind: "qkd",
      keyId,
      kemTranscript: new Uint8Array(),
    },
    "sha256",
  )
  return made.key.use((bytes) => Buffer.from(bytes))
}

describe("an IPsec tunnel on QKD keys", function () {
  this.timeout(180_000)
  let world: TunnelWorld<IpsecLab>
  let dir: string
  let kme: IndependentKme
  let lab: IpsecLab

  before(function () {
    if (why === undefined) return
    console.log(`      skipped: ${why}`)
    this.skip()
  })

  async function start(terms: object): Promise<void> {
    world = await TunnelWorld.start(IpsecLab, terms)
    ;({ dir, kme, lab } = world)
  }

  async function stop(): Promise<void> {
    if (why === undefined) await world.stop()
  }

  const works = (): Promise<boolean> => world.works()
  const rotated = (): Promise<void> => world.rotated()
  const tried = (): Promise<void> => world.tried()
  const alarmed = (...at: Parameters<typeof world.alarmed>): Promise<void> => world.alarmed(...at)
  const sas = (end: "a" | "b"): Promise<string> => lab.charon[end].swanctl("--list-sas", "--raw")
  const spis = async (): Promise<string[]> =>
    [...(await sas("a")).matchAll(/initiator-spi=(\w+)/g)].map(([, spi]) => spi ?? "")

  describe("where a key is required", () => {
    before(() => start({ interval_s: 1, policy: "required" }))
    after(stop)

    it("has one IKE SA with a PPK at both ends after each rotation, and no key is left in charon", async () => {
      await rotated()
      for (const end of ["a", "b"] as const) {
        const listed = await sas(end)
        assert.equal(listed.match(/uniqueid=\d+ version=2/g)?.length, 1, listed)
        assert.match(listed, /ppk=yes/)
      }
      assert.ok(await works())
    })

    it("loses hardly a ping while its key is changed, and shows no byte of a key", async () => {
      const { a, b } = lab.namespaces
      const capture = await Capture.start(a, path.join(dir, "wire.pcap"))
      const pings = new Pings(a, b, 5)
      for (let i = 0; i < ROTATIONS; i += 1) await rotated()
      const { sent, lost } = await pings.stop()
      // The positive control: a key no one made, in clear.
      const control = randomBytes(32)
      await sendInClear(a, b, control)
      await until(() => readFileSync(capture.file).includes(control), "the planted key is captured")
      const heap = Buffer.concat([
        await capture.stop(),
        ...[lab.consumer.a, lab.consumer.b].map(({ log }) => Buffer.from(log)),
        ...["a", "b"].map((end) => readFileSync(path.join(dir, `consumer-${end}/state/lab.used`))),
        ...["a", "b"].map((end) => readFileSync(path.join(dir, `charon-${end}/charon.log`))),
      ])
      const made = kme.delivered()
      const derived = [
        ...lab.consumer.a.log.matchAll(/"generation":(\d+),"kind":"qkd","keyId":"([^"]+)"/g),
      ].map(([, generation = "", keyId = ""]) => ppkOf(Number(generation), keyId, made.get(keyId)))
      const others = await capture.count(
        // The planted key, and the far end's word that nobody listens there.
        "not (udp port 500 or udp port 4500 or arp or udp port 9 or icmp[0] == 3)",
      )
      console.log(
        `      ${ROTATIONS} rotations: ${lost} of ${sent} pings lost; ${made.size} keys and ${derived.length} PPKs looked for`,
      )
      assert.ok(sent > 100 * ROTATIONS, `${sent} sent`)
      // A few rotations are too few for a share; a switch that breaks before it makes loses many more than two.
      const allowed = ROTATIONS < 50 ? 2 * ROTATIONS : 0.005 * sent
      assert.ok(lost <= allowed, `${lost} of ${sent} pings lost`)
      assert.ok(derived.length > ROTATIONS)
      assert.equal(keysFound(heap, [control]), 1, "the planted key is found")
      assert.equal(keysFound(heap, [...made.values(), ...derived]), 0)
      assert.equal(others, 0, "there is nothing but IKE and ESP on the wire")
    }).timeout(60_000 + 3000 * ROTATIONS)

    it("keeps its SA while a key manager is away at either end, and goes on when it is back", async () => {
      for (const [name, alarm] of [
        ["kme-a", "no-key"],
        ["kme-b", "peer-refused"],
      ] as const) {
        await kme.order(`stop ${name}`)
        await alarmed(alarm)
        const before = await spis()
        await tried()
        assert.deepEqual(await spis(), before)
        assert.ok(await works())
        await kme.order(`start ${name}`)
        await rotated()
        assert.notDeepEqual(await spis(), before)
      }
    })

    it("keeps its SA when the ends are given different keys under one id, or an answer is lost", async () => {
      await kme.order("wrong 1")
      await alarmed("wrong-key")
      const before = await spis()
      assert.ok(await works())
      assert.equal(before.length, 1)
      await rotated()
      await kme.order("lose 1")
      await alarmed("no-key")
      assert.ok(await works())
      await rotated()
    })

    it("keeps its SA while the id channel is cut, and goes on when it is mended", async () => {
      lab.idRelay.cut()
      await alarmed("peer-unreachable")
      const before = await spis()
      await world.takesNoKey()
      await alarmed("key-overdue")
      assert.deepEqual(await spis(), before)
      assert.ok(await works())
      lab.idRelay.mend()
      await rotated()
    })

    it("keeps its SA over the death of either consumer, and goes on when it is started again", async () => {
      for (const end of ["a", "b"] as const) {
        await lab.consumer[end].stop("SIGKILL")
        assert.ok(await works())
        lab.consumer[end].start()
        await lab.consumer[end].is((s) => s.rotations > 0, `rotations at ${end} again`)
        await rotated()
        assert.equal((await spis()).length, 1)
      }
    })

    it("has nothing passing while the fibre is cut, says so, and goes on when it is mended", async () => {
      await world.cutAndMended()
    })

    it("comes back by itself when either gateway was killed", async () => {
      await world.gatewaysKilled()
    })

    it("does not come back without a key, and comes back with one", async () => {
      await kme.order("empty")
      await alarmed("no-key")
      await lab.killGateway("b")
      await lab.startGateway("b")
      await alarmed("tunnel-down")
      await lab.consumer.b.is((s) => !s.up, "the responder has no tunnel")
      await tried()
      assert.equal(await works(), false)
      assert.equal((await sas("b")).includes("ESTABLISHED"), false)
      await kme.order("fill")
      await rotated()
      await until(works, "traffic passes again")
    })

    it("ends an SA without PPK that somebody else made under its name", async () => {
      await lab.consumer.a.stop()
      await lab.charon.a.swanctl("--terminate", "--ike", "lab", "--force")
      // The responder still insists: nothing comes up.
      await assert.rejects(lab.charon.a.swanctl("--initiate", "--child", "net", "--timeout", "5"))
      assert.equal((await sas("b")).includes("ESTABLISHED"), false)
      lab.consumer.a.start()
      await rotated()
    })

    it("leaves the tunnel standing when it is asked to stop, with status 0", async () => {
      await lab.consumer.a.stop()
      assert.equal(lab.consumer.a.exitCode, 0)
      assert.ok(await works())
    })
  })

  describe("whose responder leaves the PPK out, as some do", () => {
    before(async () => {
      world = await TunnelWorld.prepare(IpsecLab)
      lab = world.lab
    })
    after(stop)

    it("is not made by an initiator that requires it, and its old SA stays", async () => {
      const { a, b } = lab.namespaces
      const end = { auth: "psk", certificates: [] } as const
      const tunnelAt = (at: "a" | "b", policy: Policy): IpsecTunnel => {
        const [here, there] = at === "a" ? [a, b] : [b, a]
        return new IpsecTunnel({
          name: "lab",
          role: at === "a" ? "initiator" : "responder",
          policy,
          connection: {
            localAddresses: [here.address],
            remoteAddresses: [there.address],
            local: { ...end, id: `gateway-${here.name}` },
            remote: { ...end, id: `gateway-${there.name}` },
            proposals: ["aes256-sha256-x25519"],
            encap: true,
            dpdDelayS: 10,
            children: [
              {
                name: "net",
                localTs: [here.network],
                remoteTs: [there.network],
                espProposals: ["aes256-sha256"],
              },
            ],
          },
          vici: new ViciClient({ socketFile: lab.charon[at].viciSocket, timeoutMs: 5000 }),
          log: SILENT,
          initiateMs: 5000,
        })
      }
      const initiator = tunnelAt("a", "required")
      // A responder that lets everything pass, and is not given the second key.
      const lax = tunnelAt("b", "preferred")
      await initiator.look()
      await lax.look()
      const [first, second] = [randomBytes(32), randomBytes(32)].map((bytes) => Secret.take(bytes))
      assert.ok(first && second)
      await lax.install(1, first)
      await initiator.install(1, first)
      const session = await initiator.switchTo(1)
      await lax.verify(1, session)
      await initiator.retire(1)
      const before = await spis()
      await initiator.install(2, second)
      await assert.rejects(initiator.switchTo(2))
      await initiator.abandon(2)
      assert.deepEqual(await spis(), before)
      assert.match(await sas("b"), /ppk=yes/)
      assert.ok(await works())
      // An SA without PPK that got made all the same does not live to be used.
      await lax.bare()
      const careless = tunnelAt("a", "preferred")
      await careless.bare()
      assert.match(await sas("a"), /ESTABLISHED/)
      assert.doesNotMatch(await sas("a"), /ppk=yes/)
      assert.equal((await initiator.look()).up, false)
      assert.doesNotMatch(await sas("a"), /ESTABLISHED/)
      assert.equal(await works(), false)
    })
  })

  describe("that may be made again with the last key", () => {
    before(() => start({ interval_s: 1, retry_max_s: 2, policy: "hold-last" }))
    after(stop)

    it("comes back with it though either gateway was made to forget it by its secrets' being loaded", async () => {
      await kme.order("empty")
      await alarmed("no-key")
      const before = await world.current()
      for (const end of ["a", "b"] as const) {
        await lab.charon[end].swanctl("--load-creds", "--file", `${dir}/charon-${end}/swanctl.conf`)
        const [fallen] = await spis()
        await lab.charon[end].swanctl("--terminate", "--ike", "lab", "--force")
        await until(async () => {
          const [spi] = await spis()
          return spi !== undefined && spi !== fallen && (await works())
        }, `traffic passes again after ${end}`)
        assert.equal(await world.current(), before)
      }
      await kme.order("fill")
      await rotated()
    })
  })
})
