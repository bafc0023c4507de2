// Writes what the nodes of a demo are started with: certificates, keys, signed site policies, configuration files.
// Identities are made once; configuration is written at every start, since ports may have moved, beside what its user added.

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { signPolicy } from "../keys/policy-signature.js"
import type { PolicyDocument, PolicyPeer } from "../keys/policy.js"
import {
  createAuthority,
  issueRelayCertificate,
  issueSaeCertificate,
  issueServerCertificate,
  spkiSha256,
  validFor,
} from "../transport/pki.js"
import { generateSshKey, sshFingerprint } from "../transport/ssh-keys.js"
import { QkdError } from "../errors.js"
import { isObject, type JsonObject, parseJson } from "../yang/json-text.js"
import { type Fibres } from "./fibres.js"
import { keepAdditions } from "./keep-additions.js"
import type { Plan, PlannedLink, PlannedNode } from "./plan.js"
import { LOOPBACK } from "./ports.js"
import { writeFileDurably } from "./write-file.js"

export interface NodeFiles {
  readonly configFile: string
  readonly hostKeyFingerprint: string
}

export interface SaeFiles {
  readonly saeId: string
  readonly node: string
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export interface DemoFiles {
  /** In the order of the plan. */
  readonly nodes: readonly NodeFiles[]
  readonly saes: readonly SaeFiles[]
  /** The controller's login at the nodes. */
  readonly netconfUser: string
  readonly netconfKeyFile: string
  /** What people and tools are given: it may end others' sessions too. */
  readonly operatorUser: string
  readonly operatorKeyFile: string
}

/** Users at the nodes, each in the group of access that bears its name; its key lies in the folder of its name. */
const NETCONF_USER = "controller"
const OPERATOR_USER = "operator"
const USERS = [NETCONF_USER, OPERATOR_USER, "admin", "observer"]
const NODE_CONFIG = "keyloom-node-config:node"
const CERTIFICATE_DAYS = 825
const OFFICERS = ["officer-1", "officer-2"]
/** Longest relay path a demo site takes part in. Real sites set this by trust; fifty nodes need some. */
const MAX_HOPS = 24

/** Makes what is missing, and writes every node's configuration for the ports of `plan`. */
export async function writeNodeFiles(dir: string, plan: Plan, fibres: Fibres): Promise<DemoFiles> {
  makeIdentities(dir, plan)
  writePolicies(dir, plan)
  const keyOf = (user: string): ReturnType<typeof sshKeyIn> => sshKeyIn(path.join(dir, user), user)
  const users = USERS.map((user) => ({
    name: user,
    public_key: [keyOf(user).publicKey],
    group: [user],
  }))
  const nodes = plan.nodes.map((node) => writeNodeConfig(dir, plan, node, fibres, users))
  await Promise.resolve()
  return {
    nodes,
    saes: plan.topology.saes.map((sae) => ({
      saeId: sae.id,
      node: sae.node,
      ...saeFiles(dir, plan, sae.id),
    })),
    netconfUser: NETCONF_USER,
    netconfKeyFile: keyOf(NETCONF_USER).file,
    operatorUser: OPERATOR_USER,
    operatorKeyFile: keyOf(OPERATOR_USER).file,
  }
}

function nodeHome(dir: string, node: PlannedNode): string {
  return path.join(dir, "nodes", node.slug)
}

function saeFiles(
  dir: string,
  plan: Plan,
  saeId: string,
): { certFile: string; keyFile: string; caFile: string } {
  // SAE ids are free text; their place in the plan is a safe file name.
  const index = plan.topology.saes.findIndex((sae) => sae.id === saeId)
  const home = path.join(
    dir,
    "saes",
    `${index + 1}-${saeId.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 60)}`,
  )
  return {
    certFile: path.join(home, "cert.pem"),
    keyFile: path.join(home, "key.pem"),
    caFile: path.join(home, "ca.pem"),
  }
}

function writePair(
  home: string,
  name: string,
  pair: { certificatePem: string; privateKeyPem: string },
): void {
  writeFileDurably(path.join(home, `${name}-key.pem`), pair.privateKeyPem, 0o600)
  writeFileDurably(path.join(home, `${name}-cert.pem`), pair.certificatePem, 0o644)
}

/** Certificates of all nodes and SAEs. A marker written last says that the set is whole. */
function makeIdentities(dir: string, plan: Plan): void {
  const marker = path.join(dir, "identities.json")
  if (existsSync(marker)) return
  const validity = validFor(CERTIFICATE_DAYS)
  const delivery = createAuthority("Keyloom demo key delivery", validity)
  const clients = createAuthority("Keyloom demo SAEs", validity)
  const relays = createAuthority("Keyloom demo key managers", validity)
  for (const node of plan.nodes) {
    const home = nodeHome(dir, node)
    writePair(
      home,
      "etsi014",
      issueServerCertificate(delivery, node.qkdnId, [LOOPBACK, "localhost"], validity),
    )
    writePair(home, "relay", issueRelayCertificate(relays, node.qkdnId, [LOOPBACK], validity))
    writeFileDurably(path.join(home, "sae-ca.pem"), clients.certificatePem, 0o644)
    const signing = generateKeyPairSync("ed25519").privateKey.export({
      type: "pkcs8",
      format: "pem",
    })
    writeFileDurably(path.join(home, "signing-key.pem"), signing, 0o600)
    writeFileDurably(path.join(home, "sealing.key"), randomBytes(32), 0o600)
    sshKeyIn(home, "host")
  }
  for (const sae of plan.topology.saes) {
    const { certFile, keyFile, caFile } = saeFiles(dir, plan, sae.id)
    const pair = issueSaeCertificate(clients, sae.id, validity)
    writeFileDurably(keyFile, pair.privateKeyPem, 0o600)
    writeFileDurably(certFile, pair.certificatePem, 0o644)
    writeFileDurably(caFile, delivery.certificatePem, 0o644)
  }
  for (const link of plan.links)
    writeFileDurably(seedFile(dir, plan, link, "a"), randomBytes(32), 0o600)
  for (const link of plan.links)
    writeFileDurably(
      seedFile(dir, plan, link, "b"),
      readFileSync(seedFile(dir, plan, link, "a")),
      0o600,
    )
  for (const officer of OFFICERS) {
    const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })
    writeFileDurably(path.join(dir, "officers", `${officer}.pem`), key, 0o600)
  }
  writeFileDurably(marker, JSON.stringify({ madeAt: new Date().toISOString() }), 0o600)
}

function seedFile(dir: string, plan: Plan, link: PlannedLink, end: "a" | "b"): string {
  const node = plan.nodes.find((n) => n.name === link[end].node)
  if (node === undefined) throw new Error(`the plan has no node ${link[end].node}`)
  return path.join(nodeHome(dir, node), `fibre-${link[end].qkdiId}.seed`)
}

export function sshKeyIn(home: string, name: string): { file: string; publicKey: string } {
  const file = path.join(home, `${name}.ssh`)
  const publicFile = `${file}.pub`
  if (!existsSync(publicFile)) {
    const pair = generateSshKey(`keyloom-demo-${name}`)
    writeFileDurably(file, pair.privateKey, 0o600)
    writeFileDurably(publicFile, pair.publicKey, 0o644)
  }
  return { file, publicKey: readFileSync(publicFile, "utf8").trim() }
}

function officerKeys(dir: string): ReturnType<typeof createPrivateKey>[] {
  return OFFICERS.map((name) =>
    createPrivateKey(readFileSync(path.join(dir, "officers", `${name}.pem`), "utf8")),
  )
}

function spki(key: ReturnType<typeof createPrivateKey>): string {
  return createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64")
}

/** Every demo site trusts every other as far end and relay, and its neighbours as neighbours; both officers sign. */
function writePolicies(dir: string, plan: Plan): void {
  const officers = officerKeys(dir)
  for (const node of plan.nodes) {
    const file = path.join(nodeHome(dir, node), "policy.json")
    if (existsSync(file)) continue
    const policy = policyOf(dir, plan, node)
    writeFileDurably(
      file,
      JSON.stringify(
        { policy, signatures: officers.map((key) => signPolicy(policy, key)) },
        null,
        2,
      ),
      0o644,
    )
  }
}

function policyOf(dir: string, plan: Plan, node: PlannedNode): PolicyDocument {
  const neighbours = new Set(
    plan.links
      .filter((l) => l.a.node === node.name || l.b.node === node.name)
      .flatMap((l) => [l.a.node, l.b.node]),
  )
  const relays = new Map(plan.topology.nodes.map((n) => [n.name, n.relay]))
  const peers = plan.nodes
    .filter((other) => other !== node)
    .map((other): PolicyPeer => {
      const home = nodeHome(dir, other)
      const signing = createPrivateKey(readFileSync(path.join(home, "signing-key.pem"), "utf8"))
      return {
        qkdnId: other.qkdnId,
        relaySpkiSha256: spkiSha256(readFileSync(path.join(home, "relay-cert.pem"), "utf8")),
        ackPublicKey: spki(signing),
        roles: [
          "end" as const,
          ...(neighbours.has(other.name) ? (["neighbour"] as const) : []),
          ...(relays.get(other.name) === true ? (["relay"] as const) : []),
        ],
        saes: plan.topology.saes.filter((sae) => sae.node === other.name).map((sae) => sae.id),
      }
    })
  return {
    version: 1,
    qkdnId: node.qkdnId,
    saes: plan.topology.saes
      .filter((sae) => sae.node === node.name)
      .map((sae) => ({
        saeId: sae.id,
        spkiSha256: [spkiSha256(readFileSync(saeFiles(dir, plan, sae.id).certFile, "utf8"))],
      })),
    peers,
    relay: {
      allowed: relays.get(node.name) === true,
      maxHops: Math.min(MAX_HOPS, Math.max(1, plan.nodes.length - 1)),
    },
    limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
  }
}

function writeNodeConfig(
  dir: string,
  plan: Plan,
  node: PlannedNode,
  fibres: Fibres,
  users: readonly object[],
): NodeFiles {
  const home = nodeHome(dir, node)
  const place = plan.topology.nodes.find((n) => n.name === node.name)?.place
  const hostKey = sshKeyIn(home, "host")
  const tls = {
    cert_file: path.join(home, "etsi014-cert.pem"),
    key_file: path.join(home, "etsi014-key.pem"),
    ca_file: path.join(home, "sae-ca.pem"),
  }
  const config = {
    qkdn_id: node.qkdnId,
    name: node.name,
    ...(place === undefined ? {} : { location: place }),
    dir: path.join(home, "state"),
    sealing_key_file: path.join(home, "sealing.key"),
    policy: {
      file: path.join(home, "policy.json"),
      signer: officerKeys(dir).map(spki),
      threshold: OFFICERS.length,
    },
    netconf: {
      host: LOOPBACK,
      port: node.ports.netconf,
      host_key_file: hostKey.file,
      user: users,
    },
    etsi014: { host: LOOPBACK, port: node.ports.etsi014, ...tls },
    ...(node.ports.etsi004 !== undefined && {
      etsi004: { host: LOOPBACK, port: node.ports.etsi004, ...tls },
    }),
    relay: {
      host: LOOPBACK,
      port: node.ports.relay,
      cert_file: path.join(home, "relay-cert.pem"),
      key_file: path.join(home, "relay-key.pem"),
      signing_key_file: path.join(home, "signing-key.pem"),
    },
    module: modulesOf(dir, plan, node, fibres),
  }
  const configFile = path.join(home, "node.json")
  const whole = keepAdditions(parseJson(JSON.stringify(config)) as JsonObject, written(configFile))
  writeFileDurably(configFile, JSON.stringify({ [NODE_CONFIG]: whole }, null, 2), 0o600)
  return { configFile, hostKeyFingerprint: sshFingerprint(hostKey.publicKey) }
}

/** The file as it is, with what its user has added. @throws QkdError `invalid-value`: it is not written over unread. */
function written(configFile: string): JsonObject {
  if (!existsSync(configFile)) return {}
  let cause: unknown
  try {
    const value = parseJson(readFileSync(configFile, "utf8"))
    const node = isObject(value) ? value[NODE_CONFIG] : undefined
    if (isObject(node)) return node
  } catch (fault) {
    cause = fault
  }
  const message = `${configFile} is no node's configuration: mend it, or remove it and it is written anew`
  throw new QkdError("invalid-value", message, { path: `/${NODE_CONFIG}`, cause })
}

function modulesOf(dir: string, plan: Plan, node: PlannedNode, fibres: Fibres): object[] {
  return plan.links.flatMap((link) =>
    (["a", "b"] as const)
      .filter((end) => link[end].node === node.name)
      .map((end) => {
        const drawn = plan.topology.links.find((l) => l.id === link.id)
        return {
          qkdi_id: link[end].qkdiId,
          driver: "simulated",
          process: "node",
          options: {
            plantHost: fibres.host,
            plantPort: fibres.port,
            token: fibres.token,
            fibreId: link.id,
            end,
            seedFile: seedFile(dir, plan, link, end),
            ...(drawn?.module === undefined ? {} : { module: drawn.module }),
            ...(drawn?.skrBps === undefined ? {} : { rateBps: drawn.skrBps }),
            ...(drawn?.epsilon === undefined ? {} : { epsilon: drawn.epsilon }),
          },
        }
      }),
  )
}
