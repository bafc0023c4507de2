// The doors of Node.js itself into a program that holds keys (THREATS I1): real processes, real options and signals.

import assert from "node:assert/strict"
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { refuseMemoryDoors } from "../../src/cli/memory-doors.js"

const script = fileURLToPath(new URL("./memory-doors-child.ts", import.meta.url))
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const tsx = import.meta.resolve("tsx")

const OPEN = [
  "--inspect=127.0.0.1:0",
  "--inspect-port=0",
  "--heapsnapshot-signal=SIGUSR2",
  "--heapsnapshot_signal=SIGUSR2",
  "--heapsnapshot-near-heap-limit=1",
  "--heap-prof",
  "--report-on-signal",
  "--report-on-fatalerror",
  "--report-uncaught-exception",
]

describe("a program that holds keys", function () {
  this.timeout(180_000)
  let dir: string
  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-doors-"))
  })
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  function start(how: "guarded" | "bare", options: readonly string[] = []) {
    const child = spawn(process.execPath, [...options, "--import", tsx, script, how], { cwd: dir })
    const said = { text: "" }
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (said.text += chunk.toString("utf8")))
    return { child, said }
  }

  async function hears(
    child: ChildProcessWithoutNullStreams,
    said: { text: string },
    what: RegExp,
  ) {
    while (!what.test(said.text)) {
      assert.equal(child.exitCode, null, said.text)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function ends(child: ChildProcessWithoutNullStreams): Promise<void> {
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  }

  for (const option of OPEN) {
    it(`I1: does not start with ${option}, on the command line or in the environment`, () => {
      assert.throws(() => {
        refuseMemoryDoors(["--import", "x", option], "")
      }, /on the command line/)
      assert.throws(() => {
        refuseMemoryDoors([], `--no-warnings "${option}"`)
      }, /in NODE_OPTIONS/)
    })
  }

  it("starts with the options that give nothing away", () => {
    refuseMemoryDoors(
      ["--import", "x", "--max-old-space-size=64", "--no-warnings"],
      "--use-openssl-ca",
    )
  })

  for (const role of ["node", "consumer ipsec", "consumer wireguard", "consumer hsm"]) {
    it(`I1: says which door is open before it reads a file: keyloom ${role}`, () => {
      const args = ["--import", tsx, main, ...role.split(" "), "--config", path.join(dir, "none")]
      const env = { ...process.env, NODE_OPTIONS: "--report-on-signal" }
      const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" })
      assert.equal(status, 1, stderr)
      assert.match(stderr, /does not run with --report-on-signal in NODE_OPTIONS/)
    })
  }

  it("I1: opens no inspector when it is told to by SIGUSR1, and runs on", async () => {
    const { child, said } = start("guarded")
    await hears(child, said, /^running/m)
    child.kill("SIGUSR1")
    child.stdin.write("\n")
    await hears(child, said, /still running/)
    assert.doesNotMatch(said.text, /Debugger/)
    await ends(child)
  })

  it("would open it if nothing were done (control)", async () => {
    const { child, said } = start("bare")
    await hears(child, said, /^running/m)
    child.kill("SIGUSR1")
    await hears(child, said, /Debugger listening/)
    await ends(child)
  })

  it("would write its heap to a file if nothing were done (control)", async () => {
    const { child, said } = start("bare", ["--heapsnapshot-signal=SIGUSR2"])
    await hears(child, said, /^running/m)
    child.kill("SIGUSR2")
    while (!readdirSync(dir).some((name) => name.endsWith(".heapsnapshot"))) {
      assert.equal(child.exitCode, null, said.text)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await ends(child)
  })
})
