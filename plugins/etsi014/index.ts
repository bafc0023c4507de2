// The plugin `etsi014`: link keys from a maker's modules that hand them out over ETSI GS QKD 014 V1.1.1, as most
// commercial ones do. One end is the master SAE of the link, the other its slave. See docs/PLUGINS.md.

import {
  Etsi014Client,
  type Host,
  type ModuleTarget,
  type QkdModuleDriver,
  readOptionFile,
} from "../../src/plugin/index.js"
import { parseOptions } from "./options.js"
import { Etsi014Source } from "./source.js"

const TIMEOUT_MS = 10_000

const driver: QkdModuleDriver = {
  name: "etsi014",
  contract: 1,
  async open(target: ModuleTarget, host: Host) {
    const options = parseOptions(target.options)
    const identity = {
      certificatePem: await readOptionFile("certFile", options.certFile),
      privateKeyPem: await readOptionFile("keyFile", options.keyFile),
    }
    const authorities = [await readOptionFile("caFile", options.caFile)]
    const client = new Etsi014Client({
      host: options.host,
      port: options.port,
      tls: { identity, authorities },
      timeoutMs: TIMEOUT_MS,
    })
    return new Etsi014Source(options, client, host)
  },
}

export default driver
