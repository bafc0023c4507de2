// The key plane under chaos: SAEs fetch keys at both ends all the while, nodes are killed, links cut, clocks moved,
// a disk filled, an old copy of a store put back. An outside ledger watches (`key-ledger.ts`). Used by the test in
// the suite (short) and by the bench (long). Throws when a promise is broken.

import assert from "node:assert/strict"
import { setTimeout as pause } from "node:timers/promises"
import type { Dice } from "../core/dice.js"
import { KeyLedger } from "./key-ledger.js"
import { GROUPS, NAMES, OUTLET_NAMES, PAIRS } from "./key-square.js"
import type { Group, Name, Pair } from "./key-square.js"
import { KeyWorld } from "./key-world.js"

export interface ChaosReport {
  kills: number
  outletsKilled: number
  connectionsCut: number
  fibresCut: number
  clockJumps: number
  disksFull: number
  backupsRestored: number
  /** Calls that got no keys, and those whose answer was lost. */
  refusedCalls: number
  lostCalls: number
}

export type Disturbance = "kill" | "outlet" | "connection" | "fibre" | "clock" | "disk" | "restore"
const KEYS_PER_CALL = 128
const HOUR_MS = 3_600_000
const PATIENCE_MS = 120_000
/** Time for a node to find out that its store is an old copy, and for far ends to hear of it. */
const HEARD_MS = 10_000

export class KeyChaos {
  readonly ledger: KeyLedger
  readonly report: ChaosReport = {
    kills: 0,
    outletsKilled: 0,
    connectionsCut: 0,
    fibresCut: 0,
    clockJumps: 0,
    disksFull: 0,
    backupsRestored: 0,
    refusedCalls: 0,
    lostCalls: 0,
  }
  /** Of refused calls for keys, by reason. */
  readonly reasons: Record<string, number> = {}
  readonly #dice: Dice
  readonly #world: KeyWorld
  readonly #faults: unknown[]
  /** Keys that waited at a node when its store was replaced: by key and SAE, since other members of a group have theirs. */
  readonly #void = new Set<string>()
  /** SAEs whose node's store was replaced, and until when keys may be promised that are void there. */
  readonly #restored = new Map<string, number>()
  /** Calls whose answer was lost: they took all of their keys, or none. */
  readonly #lost: { master: Name; slave: Name; ids: string[] }[] = []
  readonly #workers: Promise<void>[] = []
  #running = true

  static async start(dice: Dice, rateBps: number): Promise<KeyChaos> {
    const faults: unknown[] = []
    const ledger = new KeyLedger()
    const world = await KeyWorld.open(ledger, rateBps, (fault) => faults.push(fault))
    const chaos = new KeyChaos(dice, world, ledger, faults)
    try {
      await world.start()
      return chaos
    } catch (cause) {
      await world.close()
      throw cause
    }
  }

  private constructor(dice: Dice, world: KeyWorld, ledger: KeyLedger, faults: unknown[]) {
    this.#dice = dice
    this.#world = world
    this.ledger = ledger
    this.#faults = faults
  }

  get meddled(): object {
    return this.#world.meddler.report
  }

  get hasSmallDisk(): boolean {
    return this.#world.hasSmallDisk
  }

  /**
   * Until so many keys were handed out and each of `disturbances` has happened.
   *
   * @param restMs between two disturbances
   */
  async run(keys: number, disturbances: readonly Disturbance[], restMs: number): Promise<void> {
    const { meddler } = this.#world
    this.#work()
    await this.#until("keys flow", () => this.ledger.report.handedOut > 0)
    meddler.repeatShare = 0.02
    meddler.delayShare = 0.002
    meddler.swapShare = 0.002
    for (let round = 0; ; round++) {
      const what = disturbances[round % disturbances.length]
      if (this.#faults.length > 0) break
      if (this.ledger.report.handedOut >= keys && round >= disturbances.length) break
      if (what !== undefined) await this.#disturb(what)
      const before = this.ledger.report.handedOut
      await this.#until("keys flow again", () => this.ledger.report.handedOut > before)
      await pause(restMs * (0.5 + this.#dice.below(1000) / 1000))
    }
    meddler.repeatShare = 0
    meddler.delayShare = 0
    meddler.swapShare = 0
    // Where the machine is slow, groups may have had none between the disturbances.
    await this.#until("a group has keys", () => this.ledger.report.groupKeys > 0)
  }

  /** Nothing is disturbed any more: what was promised and not fetched is there, once. */
  async settle(): Promise<void> {
    this.#running = false
    for (const name of NAMES) this.#world.moveClock(name, 0)
    await pause(4500)
    await Promise.all(this.#workers)
    this.#throwFaults()
    for (const { master, slave } of PAIRS) {
      const end = Date.now() + PATIENCE_MS
      while (this.ledger.waitingFor(`sae-${slave}`).length > 0 && Date.now() < end) {
        if (this.#faults.length > 0 || !(await this.#fetch({ master, slave }))) break
      }
    }
    for (const { master, slave, ids } of this.#lost) {
      const body = { key_IDs: ids.map((key_ID) => ({ key_ID })) }
      const answer = await this.#world.call(slave, `sae-${master}/dec_keys`, body)
      if (answer?.status !== 200) continue
      this.#watch(() => {
        for (const [id, key] of keysOf(answer.body)) this.ledger.fetch(id, key, `sae-${slave}`)
      })
    }
    this.#throwFaults()
    for (const name of NAMES)
      assert.deepEqual(this.ledger.waitingFor(`sae-${name}`), [], `keys for ${name} are left`)
    const rolledBack = this.#inLogs('"kind":"store-rolled-back"')
    assert.ok(
      rolledBack >= this.report.backupsRestored,
      `${this.report.backupsRestored} old copies were put back, ${rolledBack} were found out`,
    )
  }

  /** How often nodes said that they erased link key for its age. */
  get erasures(): number {
    return this.#inLogs("link key was erased unused")
  }

  #inLogs(words: string): number {
    return NAMES.reduce((sum, name) => sum + this.#world.logOf(name).split(words).length - 1, 0)
  }

  async close(): Promise<void> {
    this.#running = false
    await this.#world.close()
  }

  #work(): void {
    for (const group of GROUPS)
      this.#workers.push(this.#askForGroup(group), this.#askForGroup(group))
    for (const pair of PAIRS) {
      this.#workers.push(this.#ask(pair), this.#ask(pair), this.#fetchOn(pair))
    }
  }

  async #ask(pair: Pair): Promise<void> {
    const { master, slave } = pair
    const body = { number: KEYS_PER_CALL, size: 256 }
    while (this.#goesOn()) {
      // Do not run ahead of those who fetch.
      if (this.ledger.waitingFor(`sae-${slave}`).length > 4000) {
        await pause(20)
        continue
      }
      const answer = await this.#world.call(master, `sae-${slave}/enc_keys`, body)
      if (answer?.status !== 200) {
        this.#refused(answer)
        await pause(100)
        continue
      }
      this.#watch(() => {
        const isVoid = Date.now() < (this.#restored.get(`sae-${slave}`) ?? 0)
        for (const [id, key] of keysOf(answer.body)) {
          this.ledger.handOut(id, key, `sae-${master}`, `sae-${slave}`)
          if (isVoid) this.#void.add(heldBy(id, slave))
        }
      })
    }
  }

  /** Keys that both members of a group may fetch, each once. */
  async #askForGroup({ master, slaves }: Group): Promise<void> {
    const [first, ...others] = slaves
    const body = {
      number: KEYS_PER_CALL,
      size: 256,
      additional_slave_SAE_IDs: others.map((name) => `sae-${name}`),
    }
    const names = slaves.map((name) => `sae-${name}`)
    while (this.#goesOn()) {
      if (names.some((sae) => this.ledger.waitingFor(sae).length > 4000)) {
        await pause(20)
        continue
      }
      const answer = await this.#world.call(master, `sae-${first}/enc_keys`, body)
      if (answer?.status !== 200) {
        this.#refused(answer)
        await pause(100)
        continue
      }
      this.#watch(() => {
        for (const [id, key] of keysOf(answer.body)) {
          this.ledger.handOut(id, key, `sae-${master}`, ...names)
          for (const slave of slaves)
            if (Date.now() < (this.#restored.get(`sae-${slave}`) ?? 0))
              this.#void.add(heldBy(id, slave))
        }
      })
    }
  }

  /** A call that got no keys, and why. */
  #refused(answer: { readonly body: unknown } | undefined): void {
    this.report[answer === undefined ? "lostCalls" : "refusedCalls"]++
    const reason = /"reason":"([a-z-]+)"/.exec(JSON.stringify(answer?.body ?? ""))?.[1] ?? "other"
    if (answer !== undefined) this.reasons[reason] = (this.reasons[reason] ?? 0) + 1
  }

  async #fetchOn(pair: Pair): Promise<void> {
    while (this.#goesOn()) {
      if (!(await this.#fetch(pair))) await pause(20)
    }
  }

  /** False when there was nothing to fetch, or it could not be had just now. */
  async #fetch({ master, slave }: Pair): Promise<boolean> {
    const ids = this.ledger.some(`sae-${slave}`, `sae-${master}`, KEYS_PER_CALL)
    if (ids.length === 0) return false
    const body = { key_IDs: ids.map((key_ID) => ({ key_ID })) }
    const answer = await this.#world.call(slave, `sae-${master}/dec_keys`, body)
    if (answer === undefined) {
      this.ledger.lost(ids, `sae-${slave}`)
      this.#lost.push({ master, slave, ids })
      this.report.lostCalls++
      return false
    }
    if (answer.status === 200) {
      this.#watch(() => {
        const keys = keysOf(answer.body)
        assert.deepEqual(
          keys.map(([id]) => id),
          ids,
        )
        for (const [id, key] of keys) this.ledger.fetch(id, key, `sae-${slave}`)
      })
      return true
    }
    this.report.refusedCalls++
    if (answer.status !== 400) {
      // Not now: closed, full, or no neighbour has confirmed the store yet.
      this.ledger.refused(ids, `sae-${slave}`)
      await pause(200)
      return true
    }
    // All or nothing: one that is void spoils the call for all. Those that are not must be there alone.
    const isVoid = (id: string): boolean => this.#void.has(heldBy(id, slave))
    const left = ids.filter((id) => !isVoid(id))
    this.#watch(() => {
      const gone = left.length === ids.length ? ids : ids.filter(isVoid)
      this.ledger.missing(gone, `sae-${slave}`, isVoid)
    })
    this.ledger.refused(left, `sae-${slave}`)
    return true
  }

  async #disturb(what: Disturbance): Promise<void> {
    const world = this.#world
    const name = this.#dice.of(NAMES)
    const link = this.#dice.below(world.linkCount)
    world.note(`${what} ${name} ${link}`)
    switch (what) {
      case "kill":
        await world.kill(name)
        this.report.kills++
        if (this.#dice.below(3) === 0) world.backUp(name)
        await world.startNode(name)
        return
      case "outlet":
        if (world.killOutlet(this.#dice.of(OUTLET_NAMES))) this.report.outletsKilled++
        return
      case "connection":
        world.cutConnections(link)
        this.report.connectionsCut++
        return
      case "fibre":
        await world.cutFibre(link, 1500)
        this.report.fibresCut++
        return
      case "clock": {
        const jumps = [HOUR_MS, -HOUR_MS, 365 * 24 * HOUR_MS, 0]
        world.moveClock(name, this.#dice.of(jumps))
        this.report.clockJumps++
        return
      }
      case "disk":
        if (!world.hasSmallDisk) return
        world.fillDisk()
        await pause(2500)
        world.freeDisk()
        await world.kill("b")
        await world.startNode("b")
        this.report.disksFull++
        return
      case "restore":
        await this.#restore(name)
    }
  }

  /** A copy is made, the node goes on and spends, and the copy is put back. */
  async #restore(name: Name): Promise<void> {
    const world = this.#world
    await world.kill(name)
    world.backUp(name)
    await world.startNode(name)
    const before = this.ledger.report.handedOut
    await this.#until("keys are spent", () => this.ledger.report.handedOut > before + 1000)
    // Marks are told to neighbours every two seconds; what came after the last one is let go here (decision 0002).
    await pause(5000)
    await world.kill(name)
    this.#voidFor(name)
    // Whoever keeps keys with it ready hands them out until he hears that they are void there.
    this.#restored.set(`sae-${name}`, Number.POSITIVE_INFINITY)
    world.restore(name)
    await world.startNode(name)
    this.#voidFor(name)
    this.#restored.set(`sae-${name}`, Date.now() + HEARD_MS)
    this.report.backupsRestored++
  }

  #voidFor(name: Name): void {
    for (const id of this.ledger.openFor(`sae-${name}`)) this.#void.add(heldBy(id, name))
  }

  #goesOn(): boolean {
    return this.#running && this.#faults.length === 0
  }

  #watch(look: () => void): void {
    try {
      look()
    } catch (fault) {
      this.#faults.push(fault)
    }
  }

  #throwFaults(): void {
    if (this.#faults.length > 0) throw this.#faults[0]
  }

  async #until(what: string, so: () => boolean): Promise<void> {
    const end = Date.now() + PATIENCE_MS
    while (!so() && this.#faults.length === 0) {
      if (Date.now() > end) throw new Error(`not so within ${PATIENCE_MS} ms: ${what}`)
      await pause(50)
    }
  }
}

const heldBy = (keyId: string, name: Name): string => `${keyId} ${name}`

function keysOf(body: unknown): [string, Buffer][] {
  const { keys } = body as { keys: { key_ID: string; key: string }[] }
  return keys.map(({ key_ID, key }) => [key_ID, Buffer.from(key, "base64")])
}
