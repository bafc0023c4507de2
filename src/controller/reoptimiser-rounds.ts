// When a running network is re-optimised: on a fixed beat where it is configured, and whenever somebody asks. Never two at
// a time, and by itself not before the network has been quiet for a while: after a cut or a mend everything is on the
// move anyway, and a plan would be old before it is carried out.

import { QkdError } from "../errors.js"
import type { ControllerPort, Notice } from "./ports.js"
import type { CarriedOut, Reoptimisation, Reoptimiser } from "./reoptimiser.js"
import type { Schedule } from "./wakes.js"

export interface Beat {
  readonly periodMs: number
  /** Nodes and links must have stayed as they are for so long. */
  readonly holdOffMs: number
}

export interface UnderWay {
  readonly plan: Reoptimisation
  readonly done: Promise<CarriedOut>
}

/** What the north faces use. */
export interface ReoptimisePort {
  /** What would be moved now; nothing changes. Those who ask while one is being planned get the same. */
  dryRun(): Promise<Reoptimisation>
  /**
   * Plans, begins to move, and tells how to wait for the end.
   *
   * @throws QkdError `in-use` while another is under way, `operation-failed` when nothing can be planned.
   */
  carryOut(): Promise<UnderWay>
}

export interface RoundsOptions {
  readonly reoptimiser: Pick<Reoptimiser, "dryRun" | "carryOut">
  readonly controller: Pick<ControllerPort, "onNotice">
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
  readonly schedule: Schedule
  /** Absent: only when somebody asks. */
  readonly beat?: Beat
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    facts: Readonly<Record<string, string | number>>,
  ) => void
}

export class ReoptimiserRounds implements ReoptimisePort {
  readonly #options: RoundsOptions
  #asked: Promise<Reoptimisation> | undefined
  #busy = false
  #quietSinceMs: number
  #dueMs = 0
  #cancel: (() => void) | undefined
  #stopListening: (() => void) | undefined

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#quietSinceMs = options.now()
  }

  /** Begins the beat, where there is one. */
  start(): void {
    const { beat, controller, now } = this.#options
    if (beat === undefined) return
    this.#stopListening = controller.onNotice((notice) => {
      if (isUnrest(notice)) this.#quietSinceMs = now()
    })
    this.#quietSinceMs = now()
    this.#dueMs = now() + beat.periodMs
    this.#arm(this.#dueMs, beat)
  }

  /** Begins nothing more. A move that has been ordered is the controller's. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#stopListening?.()
  }

  dryRun(): Promise<Reoptimisation> {
    this.#asked ??= this.#options.reoptimiser.dryRun().finally(() => {
      this.#asked = undefined
    })
    return this.#asked
  }

  async carryOut(): Promise<UnderWay> {
    const { reoptimiser } = this.#options
    if (this.#busy) throw new QkdError("in-use", "a re-optimisation is under way")
    this.#busy = true
    try {
      const plan = await reoptimiser.dryRun()
      const done = reoptimiser.carryOut(plan).finally(() => {
        this.#busy = false
      })
      // Whoever does not wait for the end must not be hit by it.
      done.then(
        (outcome) => {
          this.#tell(plan, outcome)
        },
        (error: unknown) => {
          this.#options.log("error", "a re-optimisation failed", { reason: messageOf(error) })
        },
      )
      return { plan, done }
    } catch (error) {
      this.#busy = false
      throw error
    }
  }

  #arm(atMs: number, beat: Beat): void {
    const { now, schedule } = this.#options
    this.#cancel = schedule(Math.max(0, atMs - now()), () => {
      this.#due(beat)
    })
  }

  #due(beat: Beat): void {
    const now = this.#options.now()
    const quietAtMs = this.#quietSinceMs + beat.holdOffMs
    if (now < quietAtMs) {
      this.#arm(quietAtMs, beat)
      return
    }
    // On the beat that it began with, however late this one came.
    const missed = Math.floor((now - this.#dueMs) / beat.periodMs)
    this.#dueMs += (missed + 1) * beat.periodMs
    this.#arm(this.#dueMs, beat)
    if (this.#busy) return
    this.carryOut().catch((error: unknown) => {
      this.#options.log("warn", "no re-optimisation", { reason: messageOf(error) })
    })
  }

  #tell({ steps, carriedBps }: Reoptimisation, { moved, ended }: CarriedOut): void {
    if (steps.length === 0) return
    this.#options.log("info", "services re-optimised", {
      steps: steps.length,
      done: moved,
      carriedBps: carriedBps.after,
      carriedBeforeBps: carriedBps.before,
      ...(ended === undefined ? {} : { ended }),
    })
  }
}

/** Nodes and links come, go or change. Figures, and when a node was last heard, are no news here. */
function isUnrest({ topic, type }: Notice): boolean {
  if (topic === "link") return type !== "link.performance"
  return topic === "node" && type !== "node.changed"
}

function messageOf(error: unknown): string {
  return error instanceof QkdError ? error.message : "internal error"
}
