// A maker's two key managers that serve ETSI 004 and are not ours (etsi004_server.py), as a link for module tests.

import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import type { TestLink } from "../../../src/plugin/index.js"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../../../src/transport/pki.js"

export class MakersLink implements TestLink {
  readonly dir = mkdtempSync(path.join(tmpdir(), "keyloom-004-"))
  readonly #child: ChildProcess
  readonly #said: AsyncIterator<string>
  #ports: readonly number[] = []
  readonly #linkId = randomUUID()

  private constructor() {
    const authority = createAuthority("a maker", validFor(1))
    const server = issueServerCertificate(authority, "kme", ["127.0.0.1"], validFor(1))
    const client = issueSaeCertificate(authority, "module", validFor(1))
    this.#write("ca", authority.certificatePem)
    for (const [name, pair] of Object.entries({ server, client })) {
      this.#write(`${name}.pem`, pair.certificatePem)
      this.#write(`${name}.key`, pair.privateKeyPem)
    }
    const script = path.join(import.meta.dirname, "../../support/etsi004_server.py")
    const files = ["--ca", this.#file("ca"), "--cert", this.#file("server.pem")]
    this.#child = spawn("/usr/bin/python3", [script, ...files, "--key", this.#file("server.key")], {
      stdio: ["pipe", "pipe", "inherit"],
    })
    const { stdout } = this.#child
    if (stdout === null) throw new Error("no output")
    this.#said = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  static async start(): Promise<MakersLink> {
    const link = new MakersLink()
    link.#ports = JSON.parse(String((await link.#said.next()).value)) as number[]
    return link
  }

  get a(): TestLink["a"] {
    return this.#target("a")
  }

  get b(): TestLink["b"] {
    return this.#target("b")
  }

  cut(): void {
    this.#child.stdin?.write("cut\n")
  }

  mend(): void {
    this.#child.stdin?.write("mend\n")
  }

  /** That site of the maker's forgets all its streams. */
  lose(end: "a" | "b"): void {
    this.#child.stdin?.write(`lose ${end}\n`)
  }

  async close(): Promise<void> {
    const gone = once(this.#child, "exit")
    this.#child.kill("SIGKILL")
    await gone
    rmSync(this.dir, { recursive: true })
  }

  #target(end: "a" | "b"): TestLink["a"] {
    const far = end === "a" ? "b" : "a"
    return {
      qkdiId: 1,
      options: {
        host: "127.0.0.1",
        port: this.#ports[end === "a" ? 0 : 1],
        certFile: this.#file("client.pem"),
        keyFile: this.#file("client.key"),
        caFile: this.#file("ca"),
        source: `module-${end}`,
        destination: `module-${far}`,
        linkId: this.#linkId,
        end,
        stateFile: this.#file(`state-${end}.json`),
        silentMs: 2000,
      },
    }
  }

  #file(name: string): string {
    return path.join(this.dir, name)
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#file(name), text, { mode: 0o600 })
  }
}
