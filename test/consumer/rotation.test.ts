// When a tunnel gets a new key, and what each policy does when there is none: pure, with the time as an argument.

import assert from "node:assert/strict"
import { alarmOf } from "../../src/consumer/initiator.js"
import {
  advanceRotation,
  type Alarm,
  type Policy,
  ROTATION_STEPS,
  type RotationEvent,
  type RotationSettings,
  type RotationState,
  startRotation,
  type Step,
} from "../../src/consumer/rotation.js"
import { type AppTag, QkdError } from "../../src/errors.js"

/** A tunnel whose steps succeed unless they are told to fail. */
class Trial {
  readonly settings: RotationSettings
  state: RotationState
  now = 0
  readonly failing = new Map<Step, Alarm>()
  /** What was run, in order. */
  readonly ran: string[] = []
  up = true
  reachable = true
  /** The other end's charon or device answers it. */
  peerReady = true

  constructor(policy: Policy, more: Partial<RotationSettings> = {}) {
    this.settings = {
      policy,
      hybrid: false,
      intervalMs: 100_000,
      retryMinMs: 1000,
      retryMaxMs: 8000,
      ...more,
    }
    this.state = startRotation(0, 0)
  }

  event(event: RotationEvent): void {
    let next = advanceRotation(this.state, event, this.now, this.settings)
    this.state = next.state
    while (next.run !== undefined) {
      const step = next.run
      this.ran.push(step)
      const alarm = step === "ready" && !this.peerReady ? "peer-fault" : this.failing.get(step)
      const outcome: RotationEvent =
        alarm === undefined ? { type: "done", step } : { type: "failed", step, alarm, detail: "?" }
      next = advanceRotation(this.state, outcome, this.now, this.settings)
      this.state = next.state
    }
  }

  /** Looks and ticks at `now`; what ran is returned. */
  at(now: number): string[] {
    this.now = now
    this.ran.length = 0
    this.event({ type: "heard", highest: 0, ready: this.peerReady })
    if (this.reachable) this.event({ type: "seen", up: this.up })
    else this.event({ type: "unreachable", detail: "no charon answers" })
    this.event({ type: "tick" })
    return [...this.ran]
  }

  get alarms(): string[] {
    return [...this.state.alarms.keys()].sort()
  }
}

describe("the rotation of a tunnel's key", () => {
  it("makes before it breaks: the old key goes last, after both ends have seen the new one", () => {
    const trial = new Trial("required")
    assert.deepEqual(trial.at(0), [...ROTATION_STEPS])
    assert.deepEqual(trial.at(99_999), [])
    assert.deepEqual(trial.at(100_000), [...ROTATION_STEPS])
    assert.deepEqual(trial.state.current, { generation: 2, kind: "qkd", sinceMs: 100_000 })
  })

  for (const step of ["ready", "take", "offer", "install", "arm", "switch", "verify"] as const)
    for (const policy of ["required", "hold-last", "preferred"] as const)
      it(`leaves a standing tunnel alone when ${step} fails, whatever the policy: ${policy}`, () => {
        const trial = new Trial(policy)
        trial.at(0)
        trial.failing.set(step, "peer-refused")
        const ran = trial.at(100_000)
        const until = [...ROTATION_STEPS.slice(0, ROTATION_STEPS.indexOf(step) + 1)]
        assert.deepEqual(ran, step === "ready" || step === "take" ? until : [...until, "abandon"])
        assert.equal(trial.state.current?.generation, 1)
        assert.equal(trial.state.up, true)
        assert.ok(trial.alarms.includes("peer-refused"))
      })

  it("tries again later and later with a new generation each time, and then keeps its interval", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.failing.set("take", "no-key")
    const tried: number[] = []
    for (let now = 100_000; now < 131_000; now += 500) if (trial.at(now).length > 0) tried.push(now)
    assert.deepEqual(tried, [100_000, 101_000, 103_000, 107_000, 115_000, 123_000])
    trial.failing.clear()
    assert.deepEqual(trial.at(131_000), [...ROTATION_STEPS])
    assert.equal(trial.state.current?.generation, 8)
    assert.deepEqual(trial.alarms, [])
    assert.deepEqual(trial.at(230_999), [])
    assert.deepEqual(trial.at(231_000), [...ROTATION_STEPS])
  })

  for (const step of ["offer", "install", "arm", "switch", "verify"] as const)
    it(`uses up no more keys than its interval has while a tunnel stands and ${step} keeps failing`, () => {
      const trial = new Trial("required")
      trial.at(0)
      trial.failing.set(step, "peer-refused")
      const tried: number[] = []
      for (let now = 100_000; now < 600_000; now += 500)
        if (trial.at(now).includes("take")) tried.push(now - 100_000)
      assert.deepEqual(
        tried,
        [0, 1, 3, 7, 15, 31, 63, 127, 227, 327, 427].map((seconds) => 1000 * seconds),
      )
      trial.failing.clear()
      assert.deepEqual(trial.at(627_000), [...ROTATION_STEPS])
      assert.deepEqual(trial.alarms, [])
    })

  it("tries again as soon as ever for a tunnel that fell, though it had been put off because it stood", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.failing.set("offer", "peer-refused")
    for (let now = 100_000; now <= 230_000; now += 500) trial.at(now)
    assert.equal(trial.state.dueAtMs, 327_000)
    trial.up = false
    const tried: number[] = []
    for (let now = 230_500; now < 260_000; now += 500)
      if (trial.at(now).includes("take")) tried.push(now)
    assert.deepEqual(tried, [238_500, 246_500, 254_500])
  })

  it("gives a tunnel that fell a new key at once", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.up = false
    assert.deepEqual(trial.at(5000), [...ROTATION_STEPS])
  })

  it("required: makes no tunnel without a key", () => {
    const trial = new Trial("required", { hybrid: true })
    trial.up = false
    trial.failing.set("take", "no-key")
    for (let now = 0; now < 60_000; now += 500) {
      for (const step of trial.at(now)) assert.ok(step === "ready" || step === "take")
    }
    assert.deepEqual(trial.alarms, ["no-key", "tunnel-down"])
  })

  it("hold-last: makes a tunnel that fell again with the last key, and none before there was one", () => {
    const trial = new Trial("hold-last")
    trial.up = false
    trial.failing.set("take", "no-key")
    assert.deepEqual(trial.at(0), ["ready", "take"])
    trial.failing.clear()
    trial.at(2000)
    trial.failing.set("take", "no-key")
    assert.deepEqual(trial.at(5000), ["ready", "take", "reuse"])
    assert.equal(trial.state.current?.generation, 2)
    assert.deepEqual(trial.alarms, ["no-key"])
  })

  it("preferred: makes it without a key, under an alarm until there is one", () => {
    const trial = new Trial("preferred")
    trial.up = false
    trial.failing.set("take", "no-key")
    assert.deepEqual(trial.at(0), ["ready", "take", "bare"])
    assert.deepEqual(trial.alarms, ["no-key", "unprotected"])
    trial.up = true
    trial.failing.clear()
    assert.deepEqual(trial.at(1000), [...ROTATION_STEPS])
    assert.deepEqual(trial.alarms, [])
  })

  it("preferred and hybrid: goes on with ML-KEM alone, under an alarm until there is a QKD key", () => {
    const trial = new Trial("preferred", { hybrid: true })
    trial.failing.set("take", "no-key")
    assert.deepEqual(trial.at(0), [...ROTATION_STEPS])
    assert.equal(trial.state.current?.kind, "pqc")
    assert.deepEqual(trial.alarms, ["no-key", "pqc-only"])
    trial.failing.clear()
    trial.at(100_000)
    assert.equal(trial.state.current.kind, "hybrid")
    assert.deepEqual(trial.alarms, [])
  })

  for (const policy of ["required", "hold-last", "preferred"] as const)
    it(`begins nothing while its own tunnel cannot be reached, and goes on at once when it can: ${policy}`, () => {
      const trial = new Trial(policy)
      trial.at(0)
      trial.reachable = false
      for (let now = 500; now < 250_000; now += 500) assert.deepEqual(trial.at(now), [])
      assert.equal(trial.state.highest, 1)
      assert.deepEqual(trial.alarms, ["tunnel-down", "tunnel-fault"])
      trial.reachable = true
      trial.up = false
      assert.deepEqual(trial.at(250_000), [...ROTATION_STEPS])
      assert.equal(trial.state.current?.generation, 2)
      assert.deepEqual(trial.alarms, [])
    })

  for (const policy of ["required", "hold-last", "preferred"] as const)
    it(`begins nothing while the other end's gateway does not answer there, and goes on at once when it does: ${policy}`, () => {
      const trial = new Trial(policy)
      trial.at(0)
      trial.peerReady = false
      const ran = new Set<string>()
      for (let now = 100_000; now < 150_000; now += 500)
        for (const step of trial.at(now)) ran.add(step)
      assert.deepEqual([...ran], ["ready"], "no key is asked for")
      assert.equal(trial.state.highest, 1)
      assert.deepEqual(trial.alarms, ["peer-fault"])
      trial.peerReady = true
      assert.deepEqual(trial.at(150_000), [...ROTATION_STEPS])
      assert.equal(trial.state.current?.generation, 2)
      assert.deepEqual(trial.alarms, [])
    })

  it("begins nothing while the other end is not heard, and does then what the policy says of a tunnel that fell", () => {
    for (const [policy, mends] of [
      ["required", []],
      ["hold-last", ["reuse"]],
      ["preferred", ["bare"]],
    ] as const) {
      const trial = new Trial(policy)
      trial.at(0)
      trial.failing.set("ready", "peer-unreachable")
      trial.up = false
      assert.deepEqual(trial.at(5000), ["ready", ...mends], policy)
      assert.equal(trial.state.highest, 1)
    }
  })

  it("waits out no failure of before once the other end is heard again, and every failure while it is", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.failing.set("switch", "tunnel-fault")
    for (let now = 100_000; now <= 115_000; now += 500) trial.at(now)
    assert.equal(trial.state.dueAtMs, 131_000)
    trial.event({ type: "unheard", detail: "no answer" })
    assert.ok(trial.alarms.includes("peer-unreachable"))
    trial.failing.clear()
    assert.deepEqual(trial.at(115_500), [...ROTATION_STEPS])
    assert.deepEqual(trial.alarms, [])
  })

  it("complains of a switch that failed until one succeeds, whatever is seen and whoever answers meanwhile", () => {
    const trial = new Trial("preferred")
    trial.at(0)
    trial.failing.set("switch", "tunnel-fault")
    trial.at(100_000)
    assert.deepEqual(trial.alarms, ["tunnel-fault"])
    assert.deepEqual(trial.at(100_500), [])
    assert.deepEqual(trial.alarms, ["tunnel-fault"], "a look that finds nothing wrong ends it not")
    // The gateway goes away and comes back.
    trial.failing.set("take", "no-key")
    trial.reachable = false
    trial.at(100_600)
    assert.equal(trial.state.alarms.get("tunnel-fault")?.detail, "no charon answers")
    trial.reachable = true
    trial.up = false
    assert.deepEqual(trial.at(100_700), ["ready", "take", "bare"])
    assert.deepEqual(trial.alarms, ["no-key", "tunnel-fault", "unprotected"])
    assert.equal(trial.state.alarms.get("tunnel-fault")?.detail, "?", "what is wrong is told again")
    trial.up = true
    trial.failing.clear()
    assert.deepEqual(trial.at(110_000), [...ROTATION_STEPS])
    assert.deepEqual(trial.alarms, [])
  })

  it("begins nothing before its tunnel was looked at", () => {
    const trial = new Trial("required")
    trial.event({ type: "tick" })
    assert.deepEqual(trial.ran, [])
    assert.deepEqual(trial.at(0), [...ROTATION_STEPS])
  })

  it("waits out no failure of before once its tunnel can be reached again", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.failing.set("switch", "tunnel-fault")
    for (let now = 100_000; now <= 115_000; now += 500) trial.at(now)
    assert.equal(trial.state.dueAtMs, 131_000)
    trial.reachable = false
    assert.deepEqual(trial.at(115_500), [])
    trial.reachable = true
    trial.failing.clear()
    assert.deepEqual(trial.at(116_000), [...ROTATION_STEPS])
    assert.deepEqual(trial.alarms, [])
  })

  it("keeps the turn of a tunnel that stands, though for a moment it could not be looked at", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.reachable = false
    assert.deepEqual(trial.at(5000), [])
    trial.reachable = true
    assert.deepEqual(trial.at(5500), [])
    assert.deepEqual(trial.alarms, [])
    assert.deepEqual(trial.at(100_000), [...ROTATION_STEPS])
  })

  it("says so when the old key could not be removed, and tries again soon", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.failing.set("retire", "old-key-kept")
    trial.at(100_000)
    assert.equal(trial.state.current?.generation, 2)
    assert.deepEqual(trial.alarms, ["old-key-kept"])
    trial.failing.clear()
    assert.deepEqual(trial.at(108_000), [...ROTATION_STEPS])
    assert.deepEqual(trial.alarms, [])
  })

  it("says so when a key is older than two intervals", () => {
    const trial = new Trial("required")
    trial.at(0)
    trial.failing.set("take", "no-key")
    for (let now = 100_000; now <= 200_500; now += 500) trial.at(now)
    assert.deepEqual(trial.alarms, ["key-overdue", "no-key"])
  })

  it("goes beyond any generation that the peer has heard of", () => {
    const trial = new Trial("required")
    trial.event({ type: "heard", highest: 41, ready: true })
    trial.at(0)
    assert.equal(trial.state.current?.generation, 42)
    trial.event({ type: "heard", highest: 7, ready: true })
    assert.equal(trial.state.highest, 42)
  })

  it("does not believe the end of a step that is not running", () => {
    const trial = new Trial("required")
    trial.at(0)
    const before = trial.state
    trial.event({ type: "done", step: "verify" })
    trial.event({ type: "failed", step: "switch", alarm: "tunnel-fault", detail: "?" })
    assert.deepEqual(trial.state, before)
  })

  it("blames the peer for what the peer did not answer, and the own tunnel for the rest", () => {
    const silent = (appTag: AppTag): QkdError =>
      new QkdError("operation-failed", "no answer", { appTag })
    for (const appTag of ["node-unreachable", "timeout"] as const) {
      for (const step of ["ready", "offer", "arm", "verify"] as const)
        assert.equal(alarmOf(step, silent(appTag)), "peer-unreachable")
      for (const step of ["install", "switch", "abandon", "reuse", "bare"] as const)
        assert.equal(alarmOf(step, silent(appTag)), "tunnel-fault")
    }
    const refused = new QkdError("operation-failed", "the peer refuses: no charon answers")
    assert.equal(alarmOf("ready", refused), "peer-fault")
    assert.equal(alarmOf("offer", refused), "peer-refused")
    assert.equal(alarmOf("ready", new QkdError("access-denied", "?")), "peer-unreachable")
  })
})
