// A tunnel under test, of either kind: its lab, its key managers (which are not ours), and what is waited for and looked at.

import assert from "node:assert/strict"
import type { LabOptions, TunnelLab } from "../../examples/lab/consumer-pair.js"
import { until } from "../../examples/lab/processes.js"
import { reaches } from "../../examples/lab/traffic.js"
import type { Alarm } from "../../src/consumer/rotation.js"
import { freshDir, removeDir } from "../support/demo.js"
import { IndependentKme } from "../support/independent-kme.js"

export class TunnelWorld<L extends TunnelLab> {
  readonly dir: string
  readonly kme: IndependentKme
  readonly lab: L

  private constructor(dir: string, kme: IndependentKme, lab: L) {
    this.dir = dir
    this.kme = kme
    this.lab = lab
  }

  /** Gateways and key managers; no consumer runs. */
  static async prepare<L extends TunnelLab>(
    kind: { start(options: LabOptions): Promise<L> },
    terms: object = {},
  ): Promise<TunnelWorld<L>> {
    const dir = freshDir()
    const kme = await IndependentKme.start(`${dir}/kme`, ["gate-a", "gate-b"])
    return new TunnelWorld(dir, kme, await kind.start({ dir, access: kme.access, terms }))
  }

  /** The first key is in use. */
  static async start<L extends TunnelLab>(
    kind: { start(options: LabOptions): Promise<L> },
    terms: object,
  ): Promise<TunnelWorld<L>> {
    const world = await TunnelWorld.prepare(kind, terms)
    world.lab.consumer.b.start()
    world.lab.consumer.a.start()
    await world.rotated()
    return world
  }

  async stop(): Promise<void> {
    await this.lab.stop()
    await this.kme.stop()
    removeDir(this.dir)
  }

  works(): Promise<boolean> {
    return reaches(this.lab.namespaces.a, this.lab.namespaces.b)
  }

  /** The highest that was begun. */
  async generation(): Promise<number> {
    return (await this.lab.consumer.a.status())?.highestGeneration ?? 0
  }

  /** That the initiator was given, whatever became of them. */
  async keysTaken(): Promise<number> {
    return Number((await this.kme.order("count")).split(" ")[0])
  }

  /** While the initiator asks again and again whether it may begin, and may not, it takes no key and begins nothing. */
  async takesNoKey(): Promise<void> {
    const before = [await this.generation(), await this.keysTaken()]
    const from = this.#turnedDown
    await until(() => this.#turnedDown > from + 1, "the other end is asked again", 60_000)
    assert.deepEqual([await this.generation(), await this.keysTaken()], before)
  }

  get #turnedDown(): number {
    return this.lab.consumer.a.log.split("ready failed: ").length
  }

  /** What the tunnel runs on. */
  async current(): Promise<number | undefined> {
    return (await this.lab.consumer.a.status())?.current?.generation
  }

  /** A rotation is finished at both ends that was not begun before, and nothing is left to complain of. */
  async rotated(): Promise<void> {
    const from = await this.generation()
    await this.lab.consumer.a.is(
      (s) => s.step === "idle" && s.alarms.length === 0 && (s.current?.generation ?? 0) > from,
      "another rotation",
      60_000,
    )
    await this.lab.consumer.b.is(
      (s) => s.up && s.alarms.length === 0,
      "the responder is content",
      60_000,
    )
  }

  /** Another rotation was tried, whatever came of it. */
  async tried(): Promise<void> {
    const from = await this.generation()
    await this.lab.consumer.a.is((s) => s.highestGeneration > from + 1, "another try", 60_000)
  }

  async alarmed(alarm: Alarm, end: "a" | "b" = "a"): Promise<void> {
    await this.lab.consumer[end].is(
      (s) => s.alarms.some((one) => one.alarm === alarm),
      `${alarm} at ${end}`,
      60_000,
    )
  }

  /** Nothing passes while the fibre is cut, which is said; it goes on when it is mended. */
  async cutAndMended(): Promise<void> {
    await this.lab.namespaces.wire("down")
    await this.alarmed("tunnel-fault")
    assert.equal(await this.works(), false)
    await this.lab.namespaces.wire("up")
    await this.rotated()
    await until(() => this.works(), "traffic passes again")
  }

  /** Either gateway is killed and started again: the tunnel comes back by itself, and no key is used up meanwhile. */
  async gatewaysKilled(): Promise<void> {
    for (const end of ["a", "b"] as const) {
      await this.lab.killGateway(end)
      await this.alarmed("tunnel-fault", end)
      if (end === "a") {
        const begun = await this.generation()
        await this.alarmed("key-overdue", "b")
        assert.equal(await this.generation(), begun, "no key is used up meanwhile")
      } else {
        await this.alarmed("peer-fault")
        await this.takesNoKey()
      }
      assert.equal(await this.works(), false, "nothing passes without the tunnel")
      await this.lab.startGateway(end)
      await this.rotated()
      await until(() => this.works(), "traffic passes again")
    }
  }
}
