// The module suite finds what it is for: modules that repeat, differ, leak, cheat or come late (THREATS.md P2, P3).

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import {
  Channel,
  type CheckResult,
  type Host,
  type KeyBlock,
  type LinkMeasurement,
  type ModuleConfig,
  moduleChecks,
  type ModuleTarget,
  QkdError,
  type QkdModule,
  type QkdModuleDriver,
  runChecks,
  Secret,
  type TestLink,
} from "../../src/plugin/index.js"

/** What a module does wrong; without any it is honest. */
interface Vices {
  readonly repeatsIds?: boolean
  readonly repeatsBytes?: boolean
  readonly differs?: boolean
  readonly biased?: boolean
  readonly logsKeys?: boolean
  readonly talksAfterClose?: boolean
  readonly swallowsOptions?: boolean
  readonly blindToCuts?: boolean
  readonly givesText?: boolean
  readonly percent?: boolean
}

/** Both ends in one place: an obviously right module, but for its vices. */
class SharedFibre {
  readonly ends = new Map<string, ToyModule>()
  whole = true
  #timer: NodeJS.Timeout | undefined
  #count = 0

  start(): void {
    this.#timer = setInterval(() => {
      this.#tick()
    }, 100)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const [a, b] = [this.ends.get("a"), this.ends.get("b")]
    const on = this.whole && a?.on === true && b?.on === true
    for (const end of [a, b]) end?.report(on)
    if (!on || a.keys.length > 20 || b.keys.length > 20) return
    this.#count += 1
    const bytes = randomBytes(2048)
    for (const end of [a, b]) end.give(this.#count, bytes)
  }
}

class ToyModule implements QkdModule {
  readonly description = { model: "toy", technology: "DV-QKD", role: "TRANSCEIVER" } as const
  readonly keys = new Channel<KeyBlock>()
  readonly measurements = new Channel<LinkMeasurement>()
  on = false
  closed = false

  constructor(
    readonly vices: Vices,
    readonly host: Host,
    readonly end: string,
  ) {
    host.signal.addEventListener("abort", () => void this.close())
  }

  give(n: number, shared: Uint8Array): void {
    const bytes = new Uint8Array(shared)
    if (this.vices.repeatsBytes === true) bytes.fill(7)
    if (this.vices.biased === true) for (let i = 0; i < 400; i += 1) bytes[i] = 255
    if (this.vices.differs === true && this.end === "b") bytes.fill(1, 0, 1)
    if (this.vices.logsKeys === true)
      this.host.log("debug", `key ${Buffer.from(bytes).toString("hex").slice(0, 64)}`)
    const id = this.vices.repeatsIds === true ? "block" : `block-${n}-${process.hrtime.bigint()}`
    const own = this.vices.repeatsIds === true ? id : `block-${n}-${hash(shared)}`
    this.keys.push({
      id: own,
      key: this.vices.givesText === true ? fakeSecret() : Secret.take(bytes),
    })
  }

  report(on: boolean): void {
    const generating = this.vices.blindToCuts === true ? this.on : on
    const qber = this.vices.percent === true ? 2.5 : 0.025
    this.measurements.pushLatest(
      generating ? { generating, skrBps: 1e5, qber } : { generating, skrBps: 0, reason: "dark" },
      50,
    )
  }

  configure(desired: ModuleConfig | null): Promise<void> {
    if (this.closed) return Promise.reject(new QkdError("operation-failed", "closed"))
    this.on = desired?.enabled === true
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve()
    this.closed = true
    if (this.vices.talksAfterClose === true) return Promise.resolve()
    this.on = false
    for (const block of this.keys.abandon()) block.key.wipe()
    this.measurements.abandon()
    return Promise.resolve()
  }
}

function hash(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(1000, 1008)).toString("hex")
}

/** What untyped code would hand over: text where a Secret belongs. */
function fakeSecret(): Secret {
  const text: unknown = "6b6579"
  const lie = (value: unknown): value is Secret => value !== null
  if (lie(text)) return text
  throw new Error("unreachable")
}

function toy(vices: Vices): { driver: QkdModuleDriver; makeLink: () => Promise<TestLink> } {
  let fibre = new SharedFibre()
  const driver: QkdModuleDriver = {
    name: "toy",
    contract: 1,
    open: (target: ModuleTarget, host: Host) => {
      const { end, ...rest } = target.options
      if (Object.keys(rest).length > 0 && vices.swallowsOptions !== true)
        return Promise.reject(new QkdError("unknown-element", "unknown option"))
      const module = new ToyModule(vices, host, String(end))
      fibre.ends.set(String(end), module)
      return Promise.resolve(module)
    },
  }
  const makeLink = (): Promise<TestLink> => {
    const own = new SharedFibre()
    fibre = own
    own.start()
    return Promise.resolve({
      a: { qkdiId: 1, options: { end: "a" } },
      b: { qkdiId: 1, options: { end: "b" } },
      cut: () => (own.whole = false),
      mend: () => (own.whole = true),
      close: () => {
        own.stop()
        return Promise.resolve()
      },
    })
  }
  return { driver, makeLink }
}

/** Runs the checks whose name matches. */
function checked(vices: Vices, names: RegExp): Promise<CheckResult[]> {
  const { driver, makeLink } = toy(vices)
  const checks = moduleChecks(driver, makeLink).filter(({ name }) => names.test(name))
  assert.ok(checks.length > 0)
  return runChecks(checks)
}

describe("the module conformance suite", () => {
  it("passes an honest module", async () => {
    const results = await checked({}, /./)
    assert.deepEqual(
      results.filter(({ outcome }) => outcome === "failed"),
      [],
    )
  }).timeout(60_000)

  const hostile: [string, Vices, RegExp, RegExp][] = [
    ["repeats ids", { repeatsIds: true }, /same blocks/, /different ids/],
    ["repeats its bytes under new ids", { repeatsBytes: true }, /same blocks/, /different blocks/],
    [
      "gives its ends different bytes",
      { differs: true },
      /same blocks/,
      /differs between the ends/,
    ],
    ["gives biased bytes", { biased: true }, /pass for random/, /bits are one|pieces of 16 bytes/],
    ["gives text instead of a Secret", { givesText: true }, /same blocks/, /no Secret/],
    ["logs its keys", { logsKeys: true }, /logs no key/, /show in the log/],
    ["goes on after close", { talksAfterClose: true }, /after close/, /end of keys/],
    ["takes options it does not know", { swallowsOptions: true }, /does not know/, /it succeeded/],
    ["does not see a cut", { blindToCuts: true }, /fibre is cut/, /notice of the cut/],
    ["reports errors in percent", { percent: true }, /every second/, /no ratio/],
  ]
  for (const [what, vices, check, reason] of hostile) {
    it(`catches a module that ${what}`, async () => {
      const [result] = await checked(vices, check)
      assert.equal(result?.outcome, "failed")
      assert.match(result.reason ?? "", reason)
    }).timeout(60_000)
  }
})
