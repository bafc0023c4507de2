// The fibres of a demo: one plant for all, with what was cut remembered over a restart.

import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { randomBytes } from "node:crypto"
import { FibrePlant } from "../../plugins/simulated/fibre.js"
import { LOOPBACK } from "./ports.js"
import { writeFileDurably } from "./write-file.js"

export type FibreState = "whole" | "cut"

export interface Fibres {
  readonly host: string
  readonly port: number
  /** What a module must show to be let onto the plant. */
  readonly token: string
  set(id: string, state: FibreState): void
  close(): Promise<void>
}

interface Kept {
  readonly port: number
  readonly token: string
  readonly cut: readonly string[]
}

/** Opens the plant with the fibres named; its port and token stay the same for modules that outlive it. */
export async function openFibres(
  dir: string,
  fibres: readonly { id: string; lossDb: number }[],
): Promise<Fibres> {
  const file = path.join(dir, "fibres.json")
  const kept: Kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Kept)
    : { port: 0, token: randomBytes(24).toString("base64url"), cut: [] }
  const cut = new Set(kept.cut)
  const plant = new FibrePlant({ token: kept.token })
  for (const fibre of fibres) {
    plant.add(fibre)
    if (cut.has(fibre.id)) plant.cut(fibre.id)
  }
  const { port } = await plant.listen(kept.port).catch(() => plant.listen(0))
  const keep = (): void => {
    writeFileDurably(
      file,
      JSON.stringify({ port, token: kept.token, cut: [...cut] }, null, 2),
      0o600,
    )
  }
  keep()
  return {
    host: LOOPBACK,
    port,
    token: kept.token,
    set: (id, state) => {
      if (state === "cut") {
        cut.add(id)
        plant.cut(id)
      } else {
        cut.delete(id)
        plant.mend(id)
      }
      keep()
    },
    close: () => plant.close(),
  }
}
