// Re-optimisation as `keyloom controller` runs it: planned on a thread of its own, ordered through the gate of the
// datastore, so that a session's lock holds for it too.

import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Controller } from "../controller/controller.js"
import type { ControllerPort } from "../controller/ports.js"
import { Reoptimiser } from "../controller/reoptimiser.js"
import { ReoptimiserRounds } from "../controller/reoptimiser-rounds.js"
import type { Schedule } from "../controller/wakes.js"
import { WorkerPlanner } from "../controller/worker-planner.js"
import type { Settings } from "../core/settings.js"
import type { NorthLog } from "../north/ports.js"
import type { ReoptimiseSetting } from "./controller-config.js"

export interface ReoptimiseSide {
  readonly controller: Controller
  readonly gate: Pick<ControllerPort, "submit">
  readonly setting: ReoptimiseSetting
  /** The controller's own: what a link may promise is the same for both. */
  readonly settings: Settings
  readonly schedule: Schedule
  readonly log: NorthLog
}

export interface RunningReoptimise {
  readonly rounds: ReoptimiserRounds
  /** Ends the thread, if there is one. */
  close(): Promise<void>
}

export function reoptimiseRounds(side: ReoptimiseSide): RunningReoptimise {
  const { controller, gate, setting, settings, schedule, log } = side
  const planner = new WorkerPlanner(moveWorker())
  const reoptimiser = new Reoptimiser(
    {
      network: () => controller.network(),
      onNotice: (listener) => controller.onNotice(listener),
      reservedBps: (qkdlId) => controller.reservedBps(qkdlId),
      backupBps: (qkdlId) => controller.backupBps(qkdlId),
      moveChoices: (serviceId) => controller.moveChoices(serviceId),
      submit: (event) => gate.submit(event),
    },
    planner,
    settings,
    setting.terms,
  )
  const { enabled, periodS, holdOffS } = setting
  const rounds = new ReoptimiserRounds({
    reoptimiser,
    controller,
    now: () => performance.now(),
    schedule,
    ...(enabled && { beat: { periodMs: periodS * 1000, holdOffMs: holdOffS * 1000 } }),
    log,
  })
  return {
    rounds,
    close: async () => {
      rounds.stop()
      await planner.close()
    },
  }
}

/** The built program of the thread, also when this one runs from its sources: a thread has no loader for those. */
export function moveWorker(): URL {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const built = here.includes(`${path.sep}dist${path.sep}`)
    ? here
    : path.resolve(here, "../../dist/src/cli")
  return pathToFileURL(path.join(built, "move-worker.js"))
}
