// REST on a real deciding loop that can re-optimise.

import { Reoptimiser, type MovePlanner } from "../../src/controller/reoptimiser.js"
import { ReoptimiserRounds } from "../../src/controller/reoptimiser-rounds.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { REOPTIMISE_TERMS } from "../../src/engine/reoptimise.js"
import { Access, hashToken } from "../../src/north/access.js"
import { type RunningHttp, startHttp } from "../../src/north/http.js"
import type { Bench } from "../controller/fakes.js"
import { OBSERVER, OPERATOR } from "./harness.js"

export function serveReoptimising(bench: Bench, planner: MovePlanner): Promise<RunningHttp> {
  const { controller } = bench
  return startHttp({
    host: "127.0.0.1",
    port: 0,
    controller,
    reoptimise: new ReoptimiserRounds({
      reoptimiser: new Reoptimiser(controller, planner, DEFAULT_SETTINGS, REOPTIMISE_TERMS),
      controller,
      now: () => bench.now,
      schedule: (delayMs, run) => bench.schedule(delayMs, run),
      log: () => undefined,
    }),
    access: new Access([
      { name: "ops", role: "operator", sha256: hashToken(OPERATOR) },
      { name: "eye", role: "observer", sha256: hashToken(OBSERVER) },
    ]),
  })
}
