// The plugin `simulated`: a QKD module without quantum optics, for demonstrations and tests. See
// docs/KEY-RATES.md for its rates and docs/PLUGINS.md for how to write a real one.

import { readFile } from "node:fs/promises"
import {
  type Host,
  type ModuleTarget,
  QkdError,
  type QkdModuleDriver,
  reachDb,
  Secret,
  setForLink,
} from "../../src/plugin/index.js"
import { MIN_SEED_BYTES } from "./key-session.js"
import { SimulatedModule } from "./module.js"
import { parseOptions } from "./options.js"

async function readSeed(file: string): Promise<Secret> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (cause) {
    throw new QkdError("data-missing", "the link's seed file cannot be read", {
      path: "/options/seedFile",
      cause,
    })
  }
  const seed = Secret.take(bytes)
  if (seed.lengthBytes >= MIN_SEED_BYTES) return seed
  seed.wipe()
  throw new QkdError("invalid-value", `a seed has at least ${MIN_SEED_BYTES} bytes`, {
    path: "/options/seedFile",
  })
}

const driver: QkdModuleDriver = {
  name: "simulated",
  contract: 1,
  async open(target: ModuleTarget, host: Host) {
    const options = parseOptions(target.options)
    const seed = await readSeed(options.seedFile)
    const set = setForLink(options.module, options.lossDb ?? (options.lengthKm ?? 0) * 0.2)
    const description = {
      model: options.module ?? `simulated ${set.name}`,
      technology: set.technology,
      role: "TRANSCEIVER" as const,
      wavelengthRange: "1-80",
      maxAbsorptionDb: reachDb(set.name),
    }
    return new SimulatedModule(options, seed, description, host)
  },
}

export default driver
