// When a tunnel gets a new key and what is done about it when it does not, as a pure function of what happened and
// the time. Make before break: the old key goes in the last step, after both ends have seen the new one carry the
// tunnel. Whatever fails before that leaves the old one alone. The end that starts rotations runs this; the
// other answers (responder.ts).

import type { MessageKind } from "./id-message.js"

/**
 * What to do when there is no key. `required`: a tunnel that stands is left alone, none is made without a new key.
 * `hold-last`: a tunnel that fell may be made again with the last key. `preferred`: it may be made on ML-KEM
 * alone, or on nothing but IKE's or WireGuard's own exchange, under an alarm until a key comes.
 */
export type Policy = "required" | "preferred" | "hold-last"

/** The steps of a rotation in their order; then those that mend. */
export const ROTATION_STEPS = [
  "ready",
  "take",
  "offer",
  "install",
  "arm",
  "switch",
  "verify",
  "retire",
] as const
export type RotationStep = (typeof ROTATION_STEPS)[number]
export type Step = RotationStep | "abandon" | "reuse" | "bare"

export type Alarm =
  /** The key manager gives none, or cannot be reached. */
  | "no-key"
  /** Both ends fetched a key of the same id, and the keys differ. */
  | "wrong-key"
  | "peer-unreachable"
  | "peer-refused"
  /** charon or the WireGuard device does not answer; or did not do what it was asked, and has made no session since. */
  | "tunnel-fault"
  /** As the other end says of its own. */
  | "peer-fault"
  | "tunnel-down"
  /** The tunnel's key is older than two intervals. */
  | "key-overdue"
  /** An old key or session could not be removed. */
  | "old-key-kept"
  /** The tunnel runs on ML-KEM alone, without QKD. */
  | "pqc-only"
  /** The tunnel runs without any key of ours. */
  | "unprotected"

export interface RotationSettings {
  readonly policy: Policy
  readonly hybrid: boolean
  readonly intervalMs: number
  /**
   * After a failure: so long at first, twice as long each time, up to `retryMaxMs`; up to `intervalMs` where the tunnel
   * stands and the try has used up a key, so that a lasting fault takes no more keys than the rotation does.
   */
  readonly retryMinMs: number
  readonly retryMaxMs: number
}

export interface Generation {
  readonly generation: number
  readonly kind: MessageKind
}

export interface RotationState {
  readonly step: Step | "idle"
  /** Of the rotation that runs, once the other end was ready. */
  readonly attempt?: Generation
  readonly startedAtMs: number
  /** The highest generation either end has begun. */
  readonly highest: number
  /** What the tunnel runs on; absent while that is not known, as after a start. */
  readonly current?: Generation & { readonly sinceMs: number }
  readonly up: boolean
  /** charon or the WireGuard device answered the last look. Nothing is begun while it does not, or was not asked. */
  readonly reachable: boolean
  /** The peer was heard last, and said the same of its own. */
  readonly peerReady: boolean
  /** What a step found wrong with the tunnel: until a switch succeeds. */
  readonly fault?: string
  readonly failures: number
  readonly dueAtMs: number
  readonly alarms: ReadonlyMap<Alarm, { readonly sinceMs: number; readonly detail: string }>
}

export type RotationEvent =
  | { readonly type: "tick" }
  /** A look at the tunnel, from both ends where the peer answers. */
  | { readonly type: "seen"; readonly up: boolean }
  /** charon or the WireGuard device could not be asked. */
  | { readonly type: "unreachable"; readonly detail: string }
  /** The peer knows of this generation; its charon or WireGuard device answers it, or does not. */
  | { readonly type: "heard"; readonly highest: number; readonly ready: boolean }
  | { readonly type: "unheard"; readonly detail: string }
  | { readonly type: "done"; readonly step: Step }
  | { readonly type: "failed"; readonly step: Step; readonly alarm: Alarm; readonly detail: string }

/** The state after an event, and the step to run now, if any. */
export interface Advance {
  readonly state: RotationState
  readonly run?: Step
}

/** Due as soon as the tunnel was looked at. */
export function startRotation(highest: number, nowMs: number): RotationState {
  return {
    step: "idle",
    startedAtMs: nowMs,
    highest,
    up: false,
    reachable: false,
    peerReady: false,
    failures: 0,
    dueAtMs: nowMs,
    alarms: new Map(),
  }
}

/** An event for a step that is not running changes nothing. */
export function advanceRotation(
  state: RotationState,
  event: RotationEvent,
  nowMs: number,
  settings: RotationSettings,
): Advance {
  switch (event.type) {
    case "heard":
      return { state: heard(state, event, nowMs) }
    case "unheard":
      return {
        state: raise({ ...state, peerReady: false }, "peer-unreachable", event.detail, nowMs),
      }
    case "seen":
      return { state: seen(found(state, nowMs), event.up, nowMs, settings) }
    case "unreachable":
      return { state: unreachable(state, event.detail, nowMs) }
    case "tick":
      return tick(state, nowMs, settings)
    case "done":
      return event.step === state.step ? done(state, event.step, nowMs, settings) : { state }
    case "failed":
      if (event.step !== state.step) return { state }
      return failed(complain(state, event, nowMs), event.step, nowMs, settings)
  }
}

const PEER_FAULT = "the gateway at the other end does not answer its consumer"

function heard(
  state: RotationState,
  { highest, ready }: { readonly highest: number; readonly ready: boolean },
  nowMs: number,
): RotationState {
  const known = clear(
    { ...state, highest: Math.max(state.highest, highest), peerReady: ready },
    "peer-unreachable",
  )
  if (!ready) return raise(known, "peer-fault", PEER_FAULT, nowMs)
  const well = clear(known, "peer-fault")
  return state.peerReady ? well : dueAgain(well, nowMs)
}

const NO_SESSION = "no session with the key asked for"

function seen(
  state: RotationState,
  up: boolean,
  nowMs: number,
  settings: RotationSettings,
): RotationState {
  if (up) return clear({ ...state, up }, "tunnel-down")
  const down = raise({ ...state, up }, "tunnel-down", NO_SESSION, nowMs)
  if (state.step !== "idle") return down
  // A tunnel that fell is not left to wait for its next turn; one that cannot be made waits for the next try, but no longer
  // for one that was put off because it stood.
  const { failures } = state
  const soonMs = failures === 0 ? 0 : waitMs(failures, settings.retryMaxMs, settings)
  return failures === 0 || state.up
    ? { ...down, dueAtMs: Math.min(state.dueAtMs, nowMs + soonMs) }
    : down
}

function unreachable(state: RotationState, detail: string, nowMs: number): RotationState {
  const down = raise({ ...state, up: false, reachable: false }, "tunnel-down", NO_SESSION, nowMs)
  return raise(down, "tunnel-fault", detail, nowMs)
}

function found(state: RotationState, nowMs: number): RotationState {
  if (state.reachable) return state
  const back = { ...state, reachable: true }
  // That it answers does not say that it does now what it did not do before.
  const told =
    state.fault === undefined
      ? clear(back, "tunnel-fault")
      : raise(back, "tunnel-fault", state.fault, nowMs)
  return dueAgain(told, nowMs)
}

/** What failed for want of what is there now is not waited for any longer. */
function dueAgain(state: RotationState, nowMs: number): RotationState {
  return state.failures > 0 && state.step === "idle"
    ? { ...state, failures: 0, dueAtMs: nowMs }
    : state
}

function tick(state: RotationState, nowMs: number, settings: RotationSettings): Advance {
  const since = state.current?.sinceMs
  const watched =
    since !== undefined && state.up && nowMs - since > 2 * settings.intervalMs
      ? raise(state, "key-overdue", "the tunnel's key is older than two intervals", nowMs)
      : state
  // A key fetched for a tunnel that cannot be reached would be used up for nothing: at this end, then at the other.
  if (state.step !== "idle" || !state.reachable || nowMs < state.dueAtMs) return { state: watched }
  return run({ ...watched, startedAtMs: nowMs }, "ready")
}

/** Both gateways answer: a generation is begun, and a key asked for. */
function begun(state: RotationState, settings: RotationSettings): Advance {
  const generation = state.highest + 1
  const attempt = { generation, kind: settings.hybrid ? "hybrid" : "qkd" } as const
  const well = clear(clear(state, "peer-fault"), "peer-unreachable")
  return run({ ...well, peerReady: true, attempt, highest: generation }, "take")
}

function done(
  state: RotationState,
  step: Step,
  nowMs: number,
  settings: RotationSettings,
): Advance {
  const { attempt } = state
  switch (step) {
    case "ready":
      return begun(state, settings)
    case "take":
      return run(clear(state, "no-key"), "offer")
    case "offer":
      return run(clear(clear(state, "wrong-key"), "peer-unreachable"), "install")
    case "install":
      return run(state, "arm")
    case "arm":
      return run(clear(state, "peer-refused"), "switch")
    case "switch":
      return run(mended(state), "verify")
    case "verify":
      return run(attempt ? nowOn(state, attempt, nowMs) : state, "retire")
    case "retire":
      return rest({
        ...clear(state, "old-key-kept"),
        failures: 0,
        dueAtMs: Math.max(nowMs, state.startedAtMs + settings.intervalMs),
      })
    case "abandon":
      return afterFailure(state, nowMs, settings)
    case "reuse":
      return rest(clear({ ...state, up: true }, "tunnel-down"))
    case "bare":
      return rest(nowOn(state, { generation: state.highest, kind: "none" }, nowMs))
  }
}

function failed(
  state: RotationState,
  step: Step,
  nowMs: number,
  settings: RotationSettings,
): Advance {
  switch (step) {
    case "ready":
      return afterFailure({ ...state, peerReady: false }, nowMs, settings)
    case "take":
      if (settings.policy === "preferred" && settings.hybrid && state.attempt)
        return run({ ...state, attempt: { ...state.attempt, kind: "pqc" } }, "offer")
      // Nothing was begun that would have to be taken back.
      return afterFailure(withoutAttempt(state), nowMs, settings)
    case "offer":
    case "install":
    case "arm":
    case "switch":
    case "verify":
      return run(state, "abandon")
    case "retire": {
      const again = Math.min(settings.intervalMs, settings.retryMaxMs)
      return rest({ ...state, failures: 0, dueAtMs: nowMs + again })
    }
    case "abandon":
      return afterFailure(state, nowMs, settings)
    case "reuse":
    case "bare":
      return rest(state)
  }
}

function afterFailure(state: RotationState, nowMs: number, settings: RotationSettings): Advance {
  const failures = state.failures + 1
  // A tunnel that fell is worth a key a try.
  const keyGone = state.attempt !== undefined && state.attempt.kind !== "pqc"
  const longestMs = state.up && keyGone ? settings.intervalMs : settings.retryMaxMs
  const next = { ...state, failures, dueAtMs: nowMs + waitMs(failures, longestMs, settings) }
  if (state.up) return rest(next)
  if (settings.policy === "hold-last" && state.current) return run(next, "reuse")
  if (settings.policy === "preferred") return run(next, "bare")
  return rest(next)
}

function waitMs(failures: number, longestMs: number, settings: RotationSettings): number {
  const { retryMinMs, intervalMs } = settings
  return Math.min(retryMinMs * 2 ** (failures - 1), longestMs, intervalMs)
}

/** The tunnel carries this now. */
function nowOn(state: RotationState, on: Generation, nowMs: number): RotationState {
  let next: RotationState = { ...state, up: true, current: { ...on, sinceMs: nowMs } }
  next = clear(clear(next, "tunnel-down"), "key-overdue")
  next =
    on.kind === "pqc"
      ? raise(next, "pqc-only", "no QKD key: the tunnel's key is of ML-KEM alone", nowMs)
      : clear(next, "pqc-only")
  return on.kind === "none"
    ? raise(
        next,
        "unprotected",
        "no key: the tunnel has the protection of its own exchange only",
        nowMs,
      )
    : clear(next, "unprotected")
}

function complain(
  state: RotationState,
  { alarm, detail }: { readonly alarm: Alarm; readonly detail: string },
  nowMs: number,
): RotationState {
  const raised = raise(state, alarm, detail, nowMs)
  return alarm === "tunnel-fault" ? { ...raised, fault: detail } : raised
}

/** A new session was made with a new key: nothing is wrong with the tunnel. */
function mended({ fault: _, ...state }: RotationState): RotationState {
  return clear(state, "tunnel-fault")
}

function run(state: RotationState, step: Step): Advance {
  return { state: { ...state, step }, run: step }
}

function rest(state: RotationState): Advance {
  return { state: { ...withoutAttempt(state), step: "idle" } }
}

function withoutAttempt({ attempt: _, ...state }: RotationState): RotationState {
  return state
}

function raise(state: RotationState, alarm: Alarm, detail: string, nowMs: number): RotationState {
  const alarms = new Map(state.alarms)
  alarms.set(alarm, { sinceMs: state.alarms.get(alarm)?.sinceMs ?? nowMs, detail })
  return { ...state, alarms }
}

function clear(state: RotationState, alarm: Alarm): RotationState {
  if (!state.alarms.has(alarm)) return state
  const alarms = new Map(state.alarms)
  alarms.delete(alarm)
  return { ...state, alarms }
}
