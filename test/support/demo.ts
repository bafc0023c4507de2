// A running demo for tests: the real program started as a user would, its `demo.json` read, driven with curl.
// Nothing of Keyloom's own code is on the client side.

import { type ChildProcess, execFile, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

export const root = fileURLToPath(new URL("../..", import.meta.url))
const run = promisify(execFile)

export interface DemoFile {
  pid: number
  controller: {
    url: string
    token: string
    restconf: string
    netconf: {
      host: string
      port: number
      username: string
      privateKeyFile: string
      hostKeyFingerprint: string
    }
  }
  nodes: {
    qkdnId: string
    name: string
    etsi014: string
    etsi004?: { host: string; port: number }
    netconf: {
      host: string
      port: number
      username: string
      privateKeyFile: string
      hostKeyFingerprint: string
    }
  }[]
  links: { qkdlId: string; a: string; b: string }[]
  saes: { saeId: string; node: string; certFile: string; keyFile: string; caFile: string }[]
}

export interface Demo {
  readonly dir: string
  readonly file: DemoFile
  readonly process: ChildProcess
  /** Everything it printed. */
  output(): string
  /** @returns its status; null when it had to be killed, after a minute */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null }>
}

export function freshDir(): string {
  return mkdtempSync(path.join(tmpdir(), "keyloom-test-"))
}

export function writeTopology(dir: string, topology: object): string {
  const file = path.join(dir, "topology.json")
  writeFileSync(file, JSON.stringify(topology))
  return file
}

/** Four nodes A, B, C, D, each joined to the next by a link that is so. @returns the file */
export function ringOfFour(dir: string, link: object): string {
  const joined = (a: string, b: string): object => ({ a, b, ...link })
  return writeTopology(dir, {
    name: "ring of four",
    nodes: ["A", "B", "C", "D"].map((name) => ({ name })),
    links: [joined("A", "B"), joined("B", "C"), joined("C", "D"), joined("D", "A")],
  })
}

/** Starts `keyloom demo` and waits for its ready line. */
export async function startDemo(options: {
  dir: string
  topology?: string
  readyMs?: number
  args?: readonly string[]
}): Promise<Demo> {
  const args = ["bin/keyloom.js", "demo", "--dir", options.dir, "--port", "0"]
  if (options.topology !== undefined) args.push("--topology", options.topology)
  args.push(...(options.args ?? []))
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      reject(new Error(`the demo was not ready in time:\n${output}\n${logsOf(options.dir)}`))
    }, options.readyMs ?? 60_000)
    const hear = (chunk: Buffer): void => {
      output += chunk.toString("utf8")
      if (/demo ready/.test(output)) {
        clearTimeout(timer)
        resolve()
      }
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    child.once("exit", (code) => {
      clearTimeout(timer)
      reject(new Error(`the demo ended with status ${code}:\n${output}\n${logsOf(options.dir)}`))
    })
  })
  child.removeAllListeners("exit")
  const file = JSON.parse(readFileSync(path.join(options.dir, "demo.json"), "utf8")) as DemoFile
  return {
    dir: options.dir,
    file,
    process: child,
    output: () => output,
    stop: async (signal = "SIGTERM") => {
      if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode }
      const code = await new Promise<number | null>((resolve) => {
        const hard = setTimeout(() => child.kill("SIGKILL"), 60_000)
        child.once("exit", (status) => {
          clearTimeout(hard)
          resolve(status)
        })
        child.kill(signal)
      })
      return { code }
    },
  }
}

function logsOf(dir: string): string {
  const logs = path.join(dir, "logs")
  if (!existsSync(logs)) return ""
  return ["controller", "nodes-1", "nodes-2", "nodes-3", "nodes-4"]
    .map((name) => path.join(logs, `${name}.log`))
    .filter((f) => existsSync(f))
    .map((f) => `--- ${path.basename(f)}\n${readFileSync(f, "utf8").slice(-1500)}`)
    .join("\n")
}

export function removeDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** One HTTPS request with an SAE's certificate, by curl. */
export async function curl(
  sae: DemoFile["saes"][number],
  url: string,
  post?: object | string,
): Promise<Answer> {
  const args = [
    "-sS",
    "--max-time",
    "60",
    "--cert",
    sae.certFile,
    "--key",
    sae.keyFile,
    "--cacert",
    sae.caFile,
  ]
  args.push("-w", "\n%{http_code}", url)
  if (post !== undefined) {
    args.push(
      "-H",
      "content-type: application/json",
      "-d",
      typeof post === "string" ? post : JSON.stringify(post),
    )
  }
  const { stdout } = await run("curl", args, { maxBuffer: 16 * 1024 * 1024 })
  const cut = stdout.lastIndexOf("\n")
  return { status: Number(stdout.slice(cut + 1)), body: stdout.slice(0, cut) }
}

export interface KeyContainer {
  keys: { key_ID: string; key: string }[]
}

export function saeNamed(demo: Demo, saeId: string): DemoFile["saes"][number] {
  const sae = demo.file.saes.find((s) => s.saeId === saeId)
  if (sae === undefined) throw new Error(`no SAE ${saeId}`)
  return sae
}

function keysUrl(demo: Demo, sae: DemoFile["saes"][number], peer: string, method: string): string {
  const node = demo.file.nodes.find((n) => n.name === sae.node)
  if (node === undefined) throw new Error(`no node ${sae.node}`)
  return `${node.etsi014}/api/v1/keys/${encodeURIComponent(peer)}/${method}`
}

/** Get key: `master` asks for keys to share with `slave`. */
export function encKeys(
  demo: Demo,
  master: string,
  slave: string,
  request: object = {},
): Promise<Answer> {
  const sae = saeNamed(demo, master)
  return curl(sae, keysUrl(demo, sae, slave, "enc_keys"), request)
}

/** Get key with key IDs: `slave` fetches what `master` got. */
export function decKeys(
  demo: Demo,
  slave: string,
  master: string,
  keyIds: readonly string[],
): Promise<Answer> {
  const sae = saeNamed(demo, slave)
  return curl(sae, keysUrl(demo, sae, master, "dec_keys"), {
    key_IDs: keyIds.map((id) => ({ key_ID: id })),
  })
}

/** A REST request to the controller with the operator's token. */
export async function rest(
  demo: Demo,
  method: string,
  resource: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${demo.file.controller.url}/api/v1${resource}`, {
    method,
    headers: {
      authorization: `Bearer ${demo.file.controller.token}`,
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "idempotency-key": crypto.randomUUID() }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) }
}

/** `keyloom demo cut|mend A B`, as typed. */
export async function fibre(
  demo: Demo,
  verb: "cut" | "mend",
  a: string,
  b: string,
): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    ["bin/keyloom.js", "demo", verb, a, b, "--dir", demo.dir],
    { cwd: root },
  )
  return stdout
}

/** Asks until `met` answers something, or throws with what was last seen. */
export async function eventually<T>(
  ask: () => Promise<T | undefined>,
  what: string,
  withinMs = 60_000,
): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}
