// Writes what the controller of a demo is started with: its configuration file, its SSH host key, its inventory.

import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { sshFingerprint } from "../transport/ssh-keys.js"
import { type DemoFiles, sshKeyIn } from "./files.js"
import type { Plan } from "./plan.js"
import { LOOPBACK } from "./ports.js"
import { writeFileDurably } from "./write-file.js"

export interface ControllerFiles {
  readonly configFile: string
  readonly netconfPort: number
  readonly hostKeyFingerprint: string
}

/** Writes the controller's configuration and inventory. */
export function writeControllerFiles(
  dir: string,
  plan: Plan,
  files: DemoFiles,
  httpPort: number,
): ControllerFiles {
  const home = path.join(dir, "controller")
  const hostKey = sshKeyIn(home, "host")
  const netconfPort = plan.controllerPort ?? 0
  const inventoryFile = path.join(home, "inventory.json")
  writeFileDurably(
    inventoryFile,
    JSON.stringify({ "keyloom-controller-config:inventory": inventoryOf(plan, files) }, null, 2),
    0o600,
  )
  const configFile = path.join(home, "controller.json")
  const config = {
    store_dir: path.join(home, "store"),
    http: { host: LOOPBACK, port: httpPort },
    token: [
      {
        name: "demo",
        sha256: createHash("sha256").update(plan.token).digest("hex"),
        role: "operator",
      },
    ],
    netconf: {
      host: LOOPBACK,
      port: netconfPort,
      host_key_file: hostKey.file,
      user: [
        {
          name: files.operatorUser,
          public_key: [readFileSync(`${files.operatorKeyFile}.pub`, "utf8").trim()],
          role: "operator",
        },
      ],
    },
    inventory_file: inventoryFile,
  }
  writeFileDurably(
    configFile,
    JSON.stringify({ "keyloom-controller-config:controller": config }, null, 2),
    0o600,
  )
  return { configFile, netconfPort, hostKeyFingerprint: sshFingerprint(hostKey.publicKey) }
}

/** RFC 7951: decimal64 travels as text. */
function decimal(value: number, digits: number): string {
  return value.toFixed(digits)
}

function inventoryOf(plan: Plan, files: DemoFiles): object {
  const idOf = new Map(plan.nodes.map((n) => [n.name, n.qkdnId]))
  return {
    node: plan.nodes.map((node, i) => {
      const drawn = plan.topology.nodes.find((n) => n.name === node.name)
      return {
        qkdn_id: node.qkdnId,
        name: node.name,
        ...(drawn?.place === undefined ? {} : { place: drawn.place }),
        ...(drawn?.lat === undefined ? {} : { lat: decimal(drawn.lat, 6) }),
        ...(drawn?.lon === undefined ? {} : { lon: decimal(drawn.lon, 6) }),
        ...(drawn?.operator === undefined ? {} : { operator: drawn.operator }),
        relay: drawn?.relay ?? true,
        host: LOOPBACK,
        port: node.ports.netconf,
        username: files.netconfUser,
        private_key_file: files.netconfKeyFile,
        host_key_fingerprint: files.nodes[i]?.hostKeyFingerprint,
      }
    }),
    link: plan.links.map((link) => {
      const drawn = plan.topology.links.find((l) => l.id === link.id)
      return {
        qkdl_id: link.qkdlId,
        name: link.id,
        a: { qkdn_id: idOf.get(link.a.node), qkdi_id: link.a.qkdiId },
        b: { qkdn_id: idOf.get(link.b.node), qkdi_id: link.b.qkdiId },
        ...(drawn?.lengthKm === undefined ? {} : { length_km: decimal(drawn.lengthKm, 3) }),
        ...(drawn?.lossDb === undefined ? {} : { loss_db: decimal(drawn.lossDb, 3) }),
        ...(drawn?.module === undefined ? {} : { module: drawn.module }),
        ...(drawn?.epsilon === undefined ? {} : { epsilon: String(drawn.epsilon) }),
        ...(drawn?.latencyMs === undefined ? {} : { latency_ms: decimal(drawn.latencyMs, 3) }),
        ...(drawn !== undefined && drawn.srlg.length > 0 ? { srlg: drawn.srlg } : {}),
      }
    }),
  }
}
