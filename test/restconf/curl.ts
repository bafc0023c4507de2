// curl as a foreign RESTCONF client: over TLS with a client certificate, or on loopback with a token. Knows nothing of
// what it asks.

import { execFile, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { Access, hashToken } from "../../src/north/access.js"
import { anyOf, byCertificate, byToken } from "../../src/north/restconf-identity.js"
import { startRestconf, type RunningRestconf } from "../../src/north/restconf-server.js"
import type { StreamLimits } from "../../src/north/restconf-streams.js"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../../src/transport/pki.js"
import { certificateFingerprint } from "../../src/transport/certificate-names.js"
import { jukebox, type Jukebox, type JukeboxOptions } from "./jukebox.js"
import type { JsonObject } from "../../src/yang/json.js"

export const TOKEN = "operator-token-0123456789"
export const READER = "observer-token-0123456789"

export function needCurl(test: Mocha.Context): void {
  if (spawnSync("curl", ["--version"]).status === 0) return
  console.error("      skipped: curl is not installed")
  test.skip()
}

export interface CurlAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface CurlHouse {
  readonly box: Jukebox
  readonly running: RunningRestconf
  readonly log: string[]
  /** @param target path and query, or a whole URL. */
  readonly curl: (method: string, target: string, ...more: readonly string[]) => Promise<CurlAnswer>
  /** The words that prove who asks. */
  readonly proof: readonly string[]
  readonly origin: string
  readonly close: () => Promise<void>
}

export async function curlHouse(
  kind: "tls" | "loopback",
  initial: JsonObject,
  options: JukeboxOptions = {},
  streamLimits: Partial<StreamLimits> = {},
): Promise<CurlHouse> {
  const box = jukebox(initial, options)
  const log: string[] = []
  const access = new Access([
    { name: "ops", role: "operator", sha256: hashToken(TOKEN) },
    { name: "eye", role: "observer", sha256: hashToken(READER) },
  ])
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-restconf-"))
  const authority = createAuthority("operators", validFor(1))
  const file = (name: string, text: string): string => {
    const full = path.join(folder, name)
    writeFileSync(full, text, { mode: 0o600 })
    return full
  }
  const mine = issueSaeCertificate(authority, "carol", validFor(1))
  const certificate = [
    ...["--cert", file("client.pem", mine.certificatePem)],
    ...["--key", file("client.key", mine.privateKeyPem)],
  ]
  const running = await startRestconf({
    restconf: box.restconf,
    identify: anyOf(
      byToken(access),
      byCertificate([
        {
          id: 1,
          fingerprint: certificateFingerprint(authority.certificatePem),
          mapType: "common-name",
        },
      ]),
    ),
    log: (level, message, facts) => log.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`),
    streamLimits,
    host: "127.0.0.1",
    port: 0,
    ...(kind === "loopback"
      ? {}
      : {
          tls: {
            identity: issueServerCertificate(authority, "controller", ["127.0.0.1"], validFor(1)),
            authorities: [authority.certificatePem],
          },
        }),
  })
  const trust = ["--cacert", file("ca.pem", authority.certificatePem)]
  const origin = running.url.slice(0, -"/restconf".length)
  const server = kind === "tls" ? trust : []
  const proof = kind === "tls" ? certificate : ["-H", `Authorization: Bearer ${TOKEN}`]
  return {
    box,
    running,
    log,
    proof: [...server, ...proof],
    origin,
    curl: (method, target, ...more) => {
      const others = more.some((m) => /authorization|--cert/i.test(m))
      return ask([
        ...(method === "HEAD" ? ["--head"] : ["-X", method]),
        ...server,
        ...(others ? [] : proof),
        ...more,
        target.startsWith("http") ? target : `${origin}${target}`,
      ])
    },
    close: async () => {
      await running.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ask(words: readonly string[]): Promise<CurlAnswer> {
  return new Promise((resolve, reject) => {
    const fixed = ["--silent", "--show-error", "--include", "--max-time", "120", "--path-as-is"]
    execFile("curl", [...fixed, ...words], { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`curl ${words.join(" ")}: ${stderr}`))
      else resolve(parseAnswer(stdout))
    })
  })
}

export interface CurlListener {
  /** Resolves once all that was heard so far is as wanted. */
  readonly until: (wanted: (text: string) => boolean) => Promise<void>
  readonly pause: () => void
  readonly resume: () => void
  /** The connection has ended. */
  readonly over: Promise<void>
}

/** curl at an event stream; it runs until the server ends it. */
export function listenWithCurl({ proof, origin }: CurlHouse, target: string): CurlListener {
  const words = ["--silent", "--no-buffer", "--include", "-H", "Accept: text/event-stream"]
  const child = spawn("curl", [...words, ...proof, `${origin}${target}`], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  let text = ""
  let look: () => void = () => undefined
  child.stdout.setEncoding("utf8")
  child.stdout.on("data", (piece: string) => {
    // Long events are waited for one by one: what is far back is of no use.
    text = (text + piece).slice(-1_000_000)
    look()
  })
  const over = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve()
      look()
    })
  })
  return {
    until: (wanted) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (wanted(text)) resolve()
          else if (child.exitCode !== null) reject(new Error(`curl ended: ${text.slice(-500)}`))
        }
        look()
      }),
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    over,
  }
}

function parseAnswer(text: string): CurlAnswer {
  let rest = text
  for (;;) {
    const end = rest.indexOf("\r\n\r\n")
    const head = rest.slice(0, end).split("\r\n")
    const status = Number(head[0]?.split(" ")[1])
    rest = rest.slice(end + 4)
    // 100 Continue comes before the answer.
    if (status < 200) continue
    const headers = head.slice(1).map((line): [string, string] => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    return { status, headers: Object.fromEntries(headers), body: rest }
  }
}
