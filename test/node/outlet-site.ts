// One node's 014 at outlets, in front of a key manager in memory: certificates by OpenSSL, callers on kept connections, one
// connection each, so that callers that come one after the other are at different outlets.

import https from "node:https"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { SitePolicy } from "../../src/keys/policy.js"
import { DeliveryMethods } from "../../src/node/etsi014-methods.js"
import type { FaceTls } from "../../src/node/http-face.js"
import { SILENT } from "../../src/node/log.js"
import { Outlets } from "../../src/node/outlets.js"
import type { OutletsOptions } from "../../src/node/outlets.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { readRevocationLists } from "../../src/transport/revocation.js"
import { node } from "../keys/policy-fixture.js"
import { CertificateFolder } from "../transport/tls-fixture.js"
import { FakeDesk, FakeKeyManager } from "./fakes-014.js"

export class Caller {
  readonly #agent: https.Agent
  readonly #port: number

  constructor(folder: CertificateFolder, name: string, port: number) {
    this.#port = port
    this.#agent = new https.Agent({
      cert: folder.pem(`${name}.pem`),
      key: folder.pem(`${name}.key`),
      ca: folder.pem("kme.pem"),
      keepAlive: true,
      maxSockets: 1,
    })
  }

  /** Status and body; 0 when the connection ended instead. */
  ask(target = "bob/enc_keys"): Promise<readonly [number, string]> {
    return new Promise((resolve) => {
      const where = { agent: this.#agent, host: "127.0.0.1", port: this.#port }
      https
        .get({ ...where, path: `/api/v1/keys/${target}` }, (incoming) => {
          let body = ""
          incoming.setEncoding("utf8")
          incoming.on("data", (text: string) => (body += text))
          incoming.once("end", () => {
            resolve([incoming.statusCode ?? 0, body])
          })
          incoming.once("error", () => {
            resolve([0, ""])
          })
        })
        .once("error", () => {
          resolve([0, ""])
        })
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

export class OutletSite {
  readonly dir = mkdtempSync(path.join(tmpdir(), "keyloom-outlets-"))
  readonly folder = new CertificateFolder()
  readonly keyManager = new FakeKeyManager()
  readonly desk = new FakeDesk()
  readonly auditFile = path.join(this.dir, "audit.log")
  policy: SitePolicy
  #outlets: Outlets | undefined
  readonly #callers: Caller[] = []

  constructor() {
    const { folder } = this
    folder.authority("kme")
    folder.authority("sae")
    folder.certificate("server", "kme", "/CN=kme", "IP:127.0.0.1")
    for (const name of ["alice", "amy"]) folder.certificate(name, "sae", `/CN=${name}`, "")
    this.policy = this.policyOf(1, ["alice", "amy"])
  }

  /** @param certificateOf whose key is pinned for an SAE, where it is not its own */
  policyOf(
    version: number,
    saeIds: readonly string[],
    certificateOf: Readonly<Record<string, string>> = {},
  ): SitePolicy {
    return parsePolicy({
      ...{ version, qkdnId: node(1), peers: [], relay: { allowed: false, maxHops: 1 } },
      saes: saeIds.map((saeId) => ({
        saeId,
        spkiSha256: [spkiSha256(this.folder.pem(`${certificateOf[saeId] ?? saeId}.pem`))],
      })),
      limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
    })
  }

  /** @param revoked certificates that are, where there are lists */
  tls(revoked?: readonly string[]): FaceTls {
    const { folder } = this
    const revocation =
      revoked && readRevocationLists(folder.revoke("sae", revoked), [folder.pem("sae.pem")])
    return {
      identity: {
        certificatePem: folder.pem("server.pem"),
        privateKeyPem: folder.pem("server.key"),
      },
      callerAuthorities: [folder.pem("sae.pem")],
      ...(revocation && { revocation }),
    }
  }

  async open(over: Partial<OutletsOptions> = {}): Promise<void> {
    const policy = (): SitePolicy => this.policy
    const { keyManager, desk, auditFile } = this
    const methods = new DeliveryMethods({
      ...{ policy, keyManager, desk, audit: () => undefined, log: SILENT },
    })
    this.#outlets = await Outlets.open({
      ...{ count: 2, host: "127.0.0.1", port: 0, tls: this.tls(), policy, methods },
      ...{ saeIdentity: "common-name", maxSaeIdCount: 16, auditFile, log: SILENT },
      ...over,
    })
  }

  get outlets(): Outlets {
    if (this.#outlets === undefined) throw new Error("no outlets")
    return this.#outlets
  }

  caller(name: string): Caller {
    const caller = new Caller(this.folder, name, this.outlets.port)
    this.#callers.push(caller)
    return caller
  }

  /** All that run; the node has seen that they are gone. */
  async killOutlets(): Promise<void> {
    const before = this.outlets.pids
    for (const pid of before) process.kill(pid, "SIGKILL")
    await this.until(() => !this.outlets.pids.some((pid) => before.includes(pid)))
  }

  /** Asks until it is so, within a minute. */
  async until(so: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + 60_000
    while (!(await so())) {
      if (Date.now() > end) throw new Error("not so within a minute")
      await new Promise((done) => setTimeout(done, 20))
    }
  }

  async close(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.close()
    await this.#outlets?.close()
    this.#outlets = undefined
  }

  remove(): void {
    this.folder.remove()
    rmSync(this.dir, { recursive: true })
  }
}

/** Of the process that this one started, while it runs. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1])
}
