// The plugin `etsi004`: link keys from a maker's modules that hand them out as a stream over ETSI GS QKD 004 V2.1.1,
// carried as decision 0057 has it. See docs/PLUGINS.md.

import {
  type Host,
  type ModuleTarget,
  type QkdModuleDriver,
  readOptionFile,
} from "../../src/plugin/index.js"
import { parseOptions } from "./options.js"
import { Etsi004Source } from "./source.js"
import { StreamClient } from "./stream-client.js"

const TIMEOUT_MS = 8000

const driver: QkdModuleDriver = {
  name: "etsi004",
  contract: 1,
  async open(target: ModuleTarget, host: Host) {
    const options = parseOptions(target.options)
    const client = new StreamClient({
      host: options.host,
      port: options.port,
      certificatePem: await readOptionFile("certFile", options.certFile),
      privateKeyPem: await readOptionFile("keyFile", options.keyFile),
      authorityPem: await readOptionFile("caFile", options.caFile),
      timeoutMs: TIMEOUT_MS,
    })
    return new Etsi004Source(options, client, host)
  },
}

export default driver
