// What a tunnel's policy promises when something breaks, drilled for both kinds of tunnel on the real programs: the fibre
// between the gateways, a key manager, a gateway, the id channel, a key. After each the tunnel comes back without help.
// Where a key is required: ipsec.test.ts and wireguard.test.ts.

import assert from "node:assert/strict"
import type { LabOptions, TunnelLab } from "../../examples/lab/consumer-pair.js"
import { IpsecLab } from "../../examples/lab/ipsec-lab.js"
import { whyNoLab } from "../../examples/lab/namespaces.js"
import { until } from "../../examples/lab/processes.js"
import { WireguardLab } from "../../examples/lab/wireguard-lab.js"
import type { Policy } from "../../src/consumer/rotation.js"
import { TunnelWorld } from "./tunnel-world.js"

type World = TunnelWorld<TunnelLab>

interface Tunnels {
  readonly kind: string
  readonly lab: { start(options: LabOptions): Promise<TunnelLab> }
  readonly programs: readonly string[]
  readonly terms: object
}

const TUNNELS: readonly Tunnels[] = [
  {
    kind: "WireGuard",
    lab: WireguardLab,
    programs: ["wireguard-go", "wg", "python3"],
    terms: { handshake_timeout_ms: 2000 },
  },
  {
    kind: "IPsec",
    lab: IpsecLab,
    programs: ["charon-systemd", "swanctl", "python3"],
    terms: { initiate_timeout_ms: 4000 },
  },
]

/** A tunnel that stands keeps its key, whatever the policy. */
async function keeps(world: World): Promise<void> {
  const before = await world.current()
  await world.tried()
  assert.equal(await world.current(), before)
  assert.ok(await world.works())
}

interface Drill {
  readonly fault: string
  /** Something breaks, and what was promised is seen. */
  readonly strike: (world: World, policy: Policy) => Promise<void>
  /** It is mended; nobody touches the tunnel. */
  readonly mend?: (world: World) => unknown
}

const DRILLS: readonly Drill[] = [
  {
    fault: "the key manager at the initiator's site stops: the tunnel stands on its key",
    strike: async (world) => {
      await world.kme.order("stop kme-a")
      await world.alarmed("no-key")
      await keeps(world)
    },
    mend: (world) => world.kme.order("start kme-a"),
  },
  {
    fault: "the key manager at the responder's site stops: the tunnel stands on its key",
    strike: async (world) => {
      await world.kme.order("stop kme-b")
      await world.alarmed("peer-refused")
      await world.alarmed("no-key", "b")
      await keeps(world)
    },
    mend: (world) => world.kme.order("start kme-b"),
  },
  {
    fault: "the ends are given different keys: refused before the tunnel is touched",
    strike: async (world) => {
      const before = await world.current()
      await world.kme.order("wrong 1")
      await world.alarmed("wrong-key")
      assert.equal(await world.current(), before)
      assert.ok(await world.works())
    },
  },
  {
    fault: "the id channel is cut: the tunnel stands on its key, and none is used up",
    strike: async (world) => {
      world.lab.idRelay.cut()
      await world.alarmed("peer-unreachable")
      const before = await world.current()
      await world.takesNoKey()
      assert.equal(await world.current(), before)
      assert.ok(await world.works())
    },
    mend: (world) => {
      world.lab.idRelay.mend()
    },
  },
  {
    fault: "the fibre between the gateways is cut: nothing passes, and it is said",
    strike: async (world) => {
      await world.lab.namespaces.wire("down")
      await world.alarmed("tunnel-fault")
      assert.equal(await world.works(), false)
    },
    mend: (world) => world.lab.namespaces.wire("up"),
  },
  {
    fault:
      "the responder's gateway is killed: no key is used up before it is back, then a new key and a new tunnel",
    strike: async (world) => {
      await world.lab.killGateway("b")
      await world.alarmed("tunnel-fault", "b")
      await world.alarmed("peer-fault")
      await world.takesNoKey()
      assert.equal(await world.works(), false)
    },
    mend: (world) => world.lab.startGateway("b"),
  },
  {
    fault: "a gateway is killed while there is no key: what the policy says",
    strike: async (world, policy) => {
      await world.kme.order("empty")
      await world.alarmed("no-key")
      const before = await world.current()
      await world.lab.killGateway("b")
      await world.lab.startGateway("b")
      await world.lab.consumer.b.is((s) => !s.up, "it fell")
      await until(() => world.works(), "traffic passes again", 60_000)
      const unprotected = (await world.lab.consumer.a.status())?.current?.kind === "none"
      assert.equal(unprotected, policy === "preferred")
      if (policy === "preferred") {
        await world.alarmed("unprotected")
        await world.alarmed("unprotected", "b")
      } else assert.equal(await world.current(), before)
      await world.alarmed("no-key")
    },
    mend: (world) => world.kme.order("fill"),
  },
]

for (const { kind, lab, programs, terms } of TUNNELS)
  for (const policy of ["hold-last", "preferred"] as const)
    describe(`${kind} under the policy ${policy}, when`, function () {
      this.timeout(180_000)
      let world: World

      before(async function () {
        const why = whyNoLab(programs)
        if (why !== undefined) {
          console.log(`      skipped: ${why}`)
          this.skip()
        }
        world = await TunnelWorld.start(lab, { interval_s: 1, retry_max_s: 2, policy, ...terms })
      })
      after(async () => {
        if (whyNoLab(programs) === undefined) await world.stop()
      })

      for (const { fault, strike, mend } of DRILLS)
        it(fault, async () => {
          await strike(world, policy)
          await mend?.(world)
          await world.rotated()
          await until(() => world.works(), "traffic passes", 60_000)
        })
    })
