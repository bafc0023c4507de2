// Joins running demos to neighbouring domains by ETSI 020, as docs/INTERDOMAIN.md tells an operator to: the site policies
// of a demo are written anew and signed by its officers, its border node gets an interface and is started again.

import { execFileSync } from "node:child_process"
import { createPrivateKey } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { signPolicy } from "../../src/keys/policy-signature.js"
import type { PolicyDocument, PolicyDomain } from "../../src/keys/policy.js"
import type { CertifiedKey } from "../../src/transport/pki.js"
import type { Demo } from "./demo.js"

interface SignedPolicy {
  readonly policy: PolicyDocument
}

export interface BorderSetting {
  /** Name of the border node in its demo. */
  readonly node: string
  readonly port: number
  readonly identity: CertifiedKey
  /** PEM of who issues the domains' certificates. */
  readonly authority: string
  readonly domains: readonly PolicyDomain[]
}

/** Every site lets the border node claim the domains' SAEs; the border node opens its interface. */
export function joinDemo(demo: Demo, border: BorderSetting): void {
  const borderId = demo.file.nodes.find(({ name }) => name === border.node)?.qkdnId ?? ""
  const beyond = border.domains.flatMap(({ saes }) => saes)
  for (const { name } of demo.file.nodes) {
    const isBorder = name === border.node
    changePolicy(demo, name, (policy) => ({
      ...policy,
      version: policy.version + 1,
      ...(isBorder && { domains: border.domains }),
      peers: policy.peers.map((peer) =>
        peer.qkdnId === borderId ? { ...peer, saes: [...(peer.saes ?? []), ...beyond] } : peer,
      ),
    }))
  }
  const home = homeOf(demo, border.node)
  mkdirSync(path.join(home, "020"))
  const file = (name: string, text: string): string => {
    const full = path.join(home, "020", name)
    writeFileSync(full, text, { mode: 0o600 })
    return full
  }
  const configFile = path.join(home, "node.json")
  const config = JSON.parse(readFileSync(configFile, "utf8")) as Record<string, object>
  const node = {
    ...config["keyloom-node-config:node"],
    etsi020: {
      ...{ host: "127.0.0.1", port: border.port },
      cert_file: file("cert.pem", border.identity.certificatePem),
      key_file: file("key.pem", border.identity.privateKeyPem),
      ca_file: file("ca.pem", border.authority),
    },
  }
  writeFileSync(configFile, JSON.stringify({ "keyloom-node-config:node": node }), { mode: 0o600 })
  for (const { name } of demo.file.nodes)
    if (name !== border.node) process.kill(processOf(demo, name), "SIGHUP")
  process.kill(processOf(demo, border.node), "SIGKILL")
}

/** The process that runs this node; a demo of up to four nodes has one for each. */
export function processOf(demo: Demo, name: string): number {
  const config = path.join(homeOf(demo, name), "node.json")
  const lines = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(demo.file.pid)], {
    encoding: "utf8",
  }).split("\n")
  const line = lines.find((one) => one.includes(config))
  if (line === undefined) throw new Error(`${name} is not running`)
  return Number(line.trim().split(/\s+/)[0])
}

function homeOf(demo: Demo, name: string): string {
  return path.join(demo.dir, "nodes", name.toLowerCase())
}

function changePolicy(
  demo: Demo,
  name: string,
  change: (policy: PolicyDocument) => PolicyDocument,
): void {
  const file = path.join(homeOf(demo, name), "policy.json")
  const policy = change((JSON.parse(readFileSync(file, "utf8")) as SignedPolicy).policy)
  const keys = ["officer-1", "officer-2"].map((officer) =>
    createPrivateKey(readFileSync(path.join(demo.dir, "officers", `${officer}.pem`), "utf8")),
  )
  const signatures = keys.map((key) => signPolicy(policy, key))
  writeFileSync(file, JSON.stringify({ policy, signatures }))
}
