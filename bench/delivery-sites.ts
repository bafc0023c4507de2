// What bench/delivery.ts measures, each in a process of its own: a site with a real key manager (sealed store on disk),
// a real audit trail and ETSI 014 in front; the far site that it relays to; and two bare node:https servers: one sends the
// same bytes again and again, the other draws ids and keys for each answer, stores nothing and tells nobody.

import { createCipheriv, createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto"
import https from "node:https"
import path from "node:path"
import { uuidFrom, uuidsFrom } from "../src/keys/bytes.js"
import { parsePolicy } from "../src/keys/policy-document.js"
import type { PolicyView } from "../src/keys/policy-view.js"
import { Secret } from "../src/keys/secret.js"
import type { AppConfig } from "../src/model/app.js"
import type { LinkConfig } from "../src/model/link.js"
import { AuditTrail } from "../src/node/audit.js"
import { deliveryText } from "../src/node/delivery-record.js"
import { listenEtsi014 } from "../src/node/etsi014.js"
import type { Etsi014Options } from "../src/node/etsi014.js"
import { DeliveryMethods } from "../src/node/etsi014-methods.js"
import { createKeyManager } from "../src/node/key-manager.js"
import type { RunningKeyManager } from "../src/node/key-manager.js"
import { SILENT } from "../src/node/log.js"
import { OutletLotDesk } from "../src/node/outlet-lot-desk.js"
import { Outlets } from "../src/node/outlets.js"
import {
  createAuthority,
  issueRelayCertificate,
  spkiSha256,
  validFor,
} from "../src/transport/pki.js"
import type { CertifiedKey } from "../src/transport/pki.js"
import { listen, serverTlsOptions } from "../src/transport/tls.js"

export interface SiteSetup {
  readonly qkdnId: string
  readonly tls: CertifiedKey
  readonly signKeyPem: string
  /** Raw Ed25519, base64. */
  readonly signPublic: string
}

export function siteSetup(index: number): SiteSetup {
  const qkdnId = `0000000${index}-0000-4000-8000-000000000000`
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const authority = createAuthority("key managers", validFor(1))
  return {
    qkdnId,
    tls: issueRelayCertificate(authority, qkdnId, ["127.0.0.1"], validFor(1)),
    signKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    signPublic: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString(
      "base64",
    ),
  }
}

export interface Setup {
  readonly kind: "014" | "far" | "bare" | "fresh"
  readonly folder: string
  readonly sites: readonly [SiteSetup, SiteSetup]
  readonly linkId: string
  readonly appId: string
  /** Both modules of the link make the same blocks from it. */
  readonly seed: string
  readonly server: CertifiedKey
  readonly sae: CertifiedKey
  readonly authority: string
  /** Of the bare server: keys in an answer, by the query. */
  readonly relayPort?: number
}

export const [MASTER, SLAVE] = ["alice", "bob"]
const KEY_BYTES = 32
const BLOCK_BYTES = 65_536

/** Serves, and gives the port to connect to (of the relay at the far site). */
export async function serve(setup: Setup): Promise<number> {
  if (setup.kind === "bare") return serveBare(setup, sameBodies())
  if (setup.kind === "fresh") return serveBare(setup, freshBody)
  const far = setup.kind === "far"
  if (far) return (await keyManager(setup, 1)).relayPort
  const parts = await siteParts(setup)
  const { port } = await listenEtsi014({ ...parts, host: "127.0.0.1", port: 0 })
  return port
}

/** The same site, its keys delivered at outlets. @param command what an outlet is started as */
export async function serveOutlets(
  setup: Setup,
  count: number,
  command: readonly string[],
): Promise<Outlets> {
  const parts = await siteParts(setup)
  const { policy, desk, log, manager } = parts
  return Outlets.open({
    ...{ count, command, host: "127.0.0.1", port: 0, tls: parts, policy, log },
    ...{ saeIdentity: "common-name", maxSaeIdCount: 16 },
    auditFile: path.join(setup.folder, "audit.log"),
    methods: new DeliveryMethods(parts),
    lots: new OutletLotDesk({ lots: manager.lots, policy, desk, livesHere: () => false }),
  })
}

type SiteParts = Omit<Etsi014Options, "host" | "port"> & { readonly manager: RunningKeyManager }

async function siteParts(setup: Setup): Promise<SiteParts> {
  const manager = await keyManager(setup, 0)
  const policy = parsePolicy({
    version: 1,
    qkdnId: setup.sites[0].qkdnId,
    saes: [{ saeId: MASTER, spkiSha256: [spkiSha256(setup.sae.certificatePem)] }],
    peers: [],
    relay: { allowed: false, maxHops: 1 },
    limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
  })
  const app = appOf(setup, 0)
  const audit = await AuditTrail.open(path.join(setup.folder, "audit.log"), () => Date.now())
  return {
    manager,
    identity: setup.server,
    callerAuthorities: [setup.authority],
    policy: () => policy,
    keyManager: manager,
    desk: { find: () => app, request: () => Promise.resolve(app) },
    audit: (record) => audit.appendText(deliveryText(record)),
    log: SILENT,
  }
}

async function keyManager(setup: Setup, index: 0 | 1): Promise<RunningKeyManager> {
  const own = setup.sites[index]
  const peer = setup.sites[index === 0 ? 1 : 0]
  const identity = {
    qkdnId: peer.qkdnId,
    spkiSha256: spkiSha256(peer.tls.certificatePem),
    signPublicKey: Buffer.from(peer.signPublic, "base64"),
  }
  const policy: PolicyView = {
    qkdnId: own.qkdnId,
    maxHops: 4,
    peer: (id) => (id === peer.qkdnId ? identity : undefined),
    peerByPin: (pin) => (pin === identity.spkiSha256 ? identity : undefined),
    allowsNeighbour: () => true,
    allowsEnd: () => true,
    ownsSae: (id) => id === (index === 0 ? MASTER : SLAVE),
    refusesPath: () => undefined,
  }
  const manager = await createKeyManager({
    qkdnId: own.qkdnId,
    dir: path.join(setup.folder, `keys-${index}`),
    sealingKey: Secret.take(randomBytes(32)),
    identity: { tls: own.tls, signKey: createPrivateKey(own.signKeyPem) },
    listen: { host: "127.0.0.1", port: 0 },
    policy,
    limits: { stock: { maxKeys: 4096 }, sweepMs: 100 },
  })
  const local = { qkdnId: own.qkdnId }
  const remote = { qkdnId: peer.qkdnId }
  const link: LinkConfig = { type: "PHYS", qkdlId: setup.linkId, enabled: true, local, remote }
  const { relayPort } = setup
  const peers =
    relayPort === undefined ? [] : [{ qkdnId: peer.qkdnId, host: "127.0.0.1", port: relayPort }]
  manager.configure({ links: [link], apps: [appOf(setup, index)], peers })
  void feed(manager, setup)
  return manager
}

/** A module that is never short: the pool holds it back. */
async function feed(manager: RunningKeyManager, { linkId, seed }: Setup): Promise<void> {
  const stream = createCipheriv("aes-256-ctr", Buffer.from(seed, "hex"), Buffer.alloc(16))
  for (;;) {
    const id = uuidFrom(stream.update(Buffer.alloc(16)))
    const block = Secret.take(stream.update(Buffer.alloc(BLOCK_BYTES)))
    await manager.addLinkKey(linkId, id, block)
  }
}

/** Keys that nobody fetches expire at once: the far site has room for a hundred thousand. */
function appOf({ appId, linkId, sites }: Setup, index: 0 | 1): AppConfig {
  return {
    appId,
    type: "CLIENT",
    serverAppId: MASTER,
    clientAppIds: [SLAVE],
    priority: 0,
    qos: { ttlS: 1 },
    backingQkdlIds: [linkId],
    localQkdnId: sites[index].qkdnId,
    remoteQkdnId: sites[index === 0 ? 1 : 0].qkdnId,
  }
}

const COUNTS: ReadonlyMap<string, number> = new Map(
  [1, 128].map((count) => [targetOf(count), count]),
)

/** By what is asked for. */
type Bodies = (target: string) => Buffer | undefined

export function sameBodies(): Bodies {
  const bodies = new Map(Array.from(COUNTS.keys(), (target) => [target, freshBody(target)]))
  return (target) => bodies.get(target)
}

/** What drawing and writing alone cost: the floor under every server that gives no key twice. */
function freshBody(target: string): Buffer | undefined {
  const count = COUNTS.get(target)
  if (count === undefined) return undefined
  const drawn = randomBytes(count * (16 + KEY_BYTES))
  const keys = uuidsFrom(drawn.subarray(0, 16 * count), count).map((key_ID, nth) => {
    const at = 16 * count + nth * KEY_BYTES
    return { key_ID, key: drawn.toString("base64", at, at + KEY_BYTES) }
  })
  const told = { keyloom_path_links: 1, keyloom_disjoint_paths: 1 }
  return Buffer.from(JSON.stringify({ keys, key_container_extension: told }))
}

export function serveBare({ server, authority }: Setup, bodies: Bodies): Promise<number> {
  const bare = https.createServer(
    serverTlsOptions({ identity: server, authorities: [authority] }),
    (request, response) => {
      const body = bodies(request.url ?? "")
      response.writeHead(body === undefined ? 404 : 200, {
        "cache-control": "no-store",
        "content-length": body?.length ?? 0,
        "content-type": "application/json",
      })
      response.end(body)
    },
  )
  return listen(bare, "127.0.0.1", 0)
}

export function targetOf(count: number): string {
  return `/api/v1/keys/${SLAVE}/enc_keys${count === 1 ? "" : `?number=${count}`}`
}
