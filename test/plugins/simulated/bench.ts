// Two simulated modules on one fibre, for tests.

import { randomBytes } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { FibrePlant } from "../../../plugins/simulated/fibre.js"
import simulated from "../../../plugins/simulated/index.js"
import type {
  Host,
  KeyBlock,
  LentHost,
  LinkMeasurement,
  QkdModule,
  TestLink,
} from "../../../src/plugin/index.js"
import { lendHost } from "../../../src/plugin/index.js"

export const FIBRE = "f1"
export const LINK = "11111111-2222-4333-8444-555555555555"
export const ON = { enabled: true, qkdlId: LINK }
const TOKEN = "plant-token"

export interface Laid {
  readonly plant: FibrePlant
  readonly port: number
  readonly folder: string
  options(end: "a" | "b", more?: Record<string, unknown>): Record<string, unknown>
  close(): Promise<void>
}

/** A plant with one fibre and a seed file. */
export async function layFibre(lossDb = 5.5): Promise<Laid> {
  const folder = await mkdtemp(path.join(tmpdir(), "keyloom-fibre-"))
  const seedFile = path.join(folder, "seed")
  await writeFile(seedFile, randomBytes(32), { mode: 0o600 })
  const plant = new FibrePlant({ token: TOKEN })
  plant.add({ id: FIBRE, lossDb })
  const { port } = await plant.listen(0)
  return {
    plant,
    port,
    folder,
    options: (end, more = {}) => ({
      plantPort: port,
      fibreId: FIBRE,
      end,
      token: TOKEN,
      seedFile,
      ...more,
    }),
    close: async () => {
      await plant.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The same as the conformance suite wants it. */
export async function makeTestLink(): Promise<TestLink> {
  const laid = await layFibre()
  return {
    a: { qkdiId: 1, options: laid.options("a") },
    b: { qkdiId: 1, options: laid.options("b") },
    cut: () => {
      laid.plant.cut(FIBRE)
    },
    mend: () => {
      laid.plant.mend(FIBRE)
    },
    close: () => laid.close(),
  }
}

/** One module with what it gave, bytes included: they are a test's own. */
export class End {
  readonly blocks: { readonly id: string; readonly hex: string }[] = []
  readonly reports: LinkMeasurement[] = []

  private constructor(
    readonly module: QkdModule,
    readonly lent: LentHost<Host>,
  ) {}

  static async open(options: Record<string, unknown>, readKeys = true): Promise<End> {
    const lent = lendHost({ log: () => undefined })
    const module = await simulated
      .open({ qkdiId: 1, options }, lent.host)
      .catch(async (e: unknown) => {
        await lent.close()
        throw e
      })
    const end = new End(module, lent)
    void end.#reports()
    if (readKeys) void end.readKeys()
    return end
  }

  get last(): LinkMeasurement | undefined {
    return this.reports.at(-1)
  }

  async readKeys(): Promise<void> {
    for await (const block of this.module.keys) this.blocks.push(plainBlock(block))
  }

  async close(): Promise<void> {
    await this.module.close()
    await this.lent.close()
  }

  async #reports(): Promise<void> {
    for await (const report of this.module.measurements) this.reports.push(report)
  }
}

function plainBlock({ id, key }: KeyBlock): { id: string; hex: string } {
  const hex = key.use((bytes) => Buffer.from(bytes).toString("hex"))
  key.wipe()
  return { id, hex }
}

/** Waits until `holds`; a minute is more than anything here needs, on a busy machine too. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
