// The plugin `etsi004`: link keys from a maker's modules that hand them out as a stream over ETSI GS QKD 004 V2.1.1,
// carried as decision 0057 has it. See docs/PLUGINS.md.

import { readFile } from "node:fs/promises"
import {
  type Host,
  type ModuleTarget,
  QkdError,
  type QkdModuleDriver,
} from "../../src/plugin/index.js"
import { parseOptions } from "./options.js"
import { Etsi004Source } from "./source.js"
import { StreamClient } from "./stream-client.js"

const TIMEOUT_MS = 8000

async function readOption(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw new QkdError("data-missing", `${file} cannot be read`, {
      path: `/options/${name}`,
      cause,
    })
  }
}

const driver: QkdModuleDriver = {
  name: "etsi004",
  contract: 1,
  async open(target: ModuleTarget, host: Host) {
    const options = parseOptions(target.options)
    const client = new StreamClient({
      host: options.host,
      port: options.port,
      certificatePem: await readOption("certFile", options.certFile),
      privateKeyPem: await readOption("keyFile", options.keyFile),
      authorityPem: await readOption("caFile", options.caFile),
      timeoutMs: TIMEOUT_MS,
    })
    return new Etsi004Source(options, client, host)
  },
}

export default driver
