// `keyloom demo env`: what `demo.json` says, as shell variables, for trying things by hand.

import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"

interface DemoFile {
  readonly controller: {
    readonly url: string
    readonly token: string
    readonly restconf: string
    readonly netconf: {
      readonly host: string
      readonly port: number
      readonly username: string
      readonly privateKeyFile: string
    }
  }
  readonly nodes: readonly {
    readonly name: string
    readonly etsi014: string
    readonly etsi004?: { readonly host: string; readonly port: number }
  }[]
  readonly saes: readonly {
    readonly saeId: string
    readonly certFile: string
    readonly keyFile: string
    readonly caFile: string
  }[]
}

/** @throws QkdError `data-missing` when no demo is ready in `dir`. */
export function demoVariables(dir: string): string {
  const file = path.join(dir, "demo.json")
  if (!existsSync(file)) throw new QkdError("data-missing", `no demo is running in ${dir}`)
  const demo = JSON.parse(readFileSync(file, "utf8")) as DemoFile
  const lines = [
    assign("URL", demo.controller.url),
    assign("TOKEN", demo.controller.token),
    assign("RESTCONF", demo.controller.restconf),
    assign("NETCONF_HOST", demo.controller.netconf.host),
    assign("NETCONF_PORT", String(demo.controller.netconf.port)),
    assign("NETCONF_USER", demo.controller.netconf.username),
    assign("NETCONF_KEY", demo.controller.netconf.privateKeyFile),
    ...demo.nodes.map((node) => assign(`NODE_${node.name}`, node.etsi014)),
    ...demo.nodes.flatMap(({ name, etsi004 }) =>
      etsi004 === undefined ? [] : assign(`STREAMS_${name}`, `${etsi004.host}:${etsi004.port}`),
    ),
    ...demo.saes.flatMap((sae) => [
      assign(`CERT_${sae.saeId}`, sae.certFile),
      assign(`KEY_${sae.saeId}`, sae.keyFile),
      assign(`CA_${sae.saeId}`, sae.caFile),
    ]),
  ]
  return `${lines.join("\n")}\n`
}

function assign(name: string, value: string): string {
  const variable = name
    .normalize("NFKD")
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, "_")
  return `${variable}='${value.replace(/'/g, `'\\''`)}'`
}
