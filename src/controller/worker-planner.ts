// A planner of moves on a thread of its own, so that the deciding loop never waits for it. The thread is started with the
// first question and ends when it is closed; one that dies takes its questions with it, and the next starts another.

import { Worker } from "node:worker_threads"
import type { MovePlan } from "../engine/reoptimise.js"
import { QkdError } from "../errors.js"
import type { MoveQuestion } from "./move-question.js"
import type { MovePlanner } from "./reoptimiser.js"

/** What goes to the thread, and what comes back. */
export interface Asked {
  readonly number: number
  readonly question: MoveQuestion
}

export type Answered =
  | { readonly number: number; readonly plan: MovePlan }
  | { readonly number: number; readonly fault: string }

interface Waiting {
  readonly resolve: (plan: MovePlan) => void
  readonly reject: (error: QkdError) => void
}

export class WorkerPlanner implements MovePlanner {
  readonly #program: URL
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #last = 0
  #closed = false

  /** @param program what the thread runs: it answers `Asked` with `Answered`. */
  constructor(program: URL) {
    this.#program = program
  }

  plan(question: MoveQuestion): Promise<MovePlan> {
    if (this.#closed) return Promise.reject(closed())
    this.#last += 1
    const number = this.#last
    const answer = new Promise<MovePlan>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject })
    })
    const worker = (this.#worker ??= this.#start())
    worker.postMessage({ number, question } satisfies Asked)
    return answer
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#fail(closed())
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(this.#program)
    // It must not keep a controller alive that has ended otherwise.
    worker.unref()
    const over = (why: string, cause?: unknown): void => {
      if (this.#worker === worker) this.#worker = undefined
      this.#fail(new QkdError("operation-failed", `the planner of moves ended: ${why}`, { cause }))
    }
    worker.on("message", (answered: Answered) => {
      this.#answer(answered)
    })
    worker.on("error", (error: unknown) => {
      over("it failed", error)
    })
    worker.on("exit", (code) => {
      over(`exit code ${code}`)
    })
    return worker
  }

  #answer(answered: Answered): void {
    const waiting = this.#waiting.get(answered.number)
    this.#waiting.delete(answered.number)
    if ("plan" in answered) waiting?.resolve(answered.plan)
    else waiting?.reject(new QkdError("operation-failed", `no moves planned: ${answered.fault}`))
  }

  #fail(error: QkdError): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiting of all) waiting.reject(error)
  }
}

function closed(): QkdError {
  return new QkdError("operation-failed", "the planner of moves is closed", { appTag: "closed" })
}
