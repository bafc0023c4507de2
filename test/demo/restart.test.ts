// A demo stopped and started again in the same folder is the same network; whatever cannot run there is refused, in
// words, and leaves nothing behind.

import assert from "node:assert/strict"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import path from "node:path"
import {
  decKeys,
  type Demo,
  encKeys,
  eventually,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  root,
  startDemo,
} from "../support/demo.js"
import { exchangeKey } from "../support/hostile-bystander.js"
import { processOf } from "../support/joined-demos.js"

const LUXEMBOURG = path.join(root, "examples/luxembourg/topology.json")

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** A demo that is expected to end by itself. */
function attempt(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["bin/keyloom.js", "demo", ...args], { cwd: root })
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")))
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")))
  const hard = setTimeout(() => child.kill("SIGKILL"), 30_000)
  return new Promise((resolve) => {
    child.once("close", (status) => {
      clearTimeout(hard)
      resolve({ status, out, err })
    })
  })
}

/** Processes that work for the demo in `dir`: its folder is on their command lines. */
function workingIn(dir: string): string[] {
  return execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes("keyloom") || line.includes("main.js"))
    .filter((line) => line.includes(dir))
}

/** Resolves when `pattern` was printed. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let said = ""
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString("utf8")
      if (pattern.test(said)) resolve(said)
    }
    child.stdout?.on("data", hear)
    child.stderr?.on("data", hear)
    child.once("exit", () => {
      reject(new Error(`it ended: ${said}`))
    })
  })
}

interface Service {
  serviceId: string
  state: string
  path?: { nodes: string[] }
}

async function services(demo: Demo): Promise<string[]> {
  const { body } = await rest(demo, "GET", "/services")
  return (body as { items: Service[] }).items
    .map((s) => `${s.serviceId} ${s.state} ${s.path?.nodes.join(" ") ?? ""}`)
    .sort()
}

async function settledServices(demo: Demo): Promise<string[]> {
  return eventually(async () => {
    const now = await services(demo)
    return now.length > 0 && now.every((s) => s.includes(" active ")) ? now : undefined
  }, "every service is active")
}

/** Nodes that have just begun may still be on their way to each other. */
function keysGoOn(demo: Demo): Promise<true> {
  return eventually(
    () =>
      exchangeKey(demo, "sae-Windhof", "sae-Betzdorf").then(
        () => true as const,
        () => undefined,
      ),
    "keys go on",
  )
}

describe("a demo stopped and started again in its folder", function () {
  this.timeout(180_000)
  const dir = freshDir()
  let demo: Demo | undefined
  const running = (): Demo => demo ?? assert.fail("no demo runs")

  before(async () => {
    demo = await startDemo({ dir, topology: LUXEMBOURG })
  })
  after(async () => {
    await demo?.stop()
    removeDir(dir)
  })

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends at ${signal} and is whole afterwards: ids, addresses, services, undelivered keys`, async () => {
      const first = running()
      await exchangeKey(first, "sae-Kirchberg", "sae-Betzdorf")
      const enc = await encKeys(first, "sae-Windhof", "sae-Betzdorf", { number: 2 })
      assert.equal(enc.status, 200, enc.body)
      const { keys } = JSON.parse(enc.body) as KeyContainer
      const ordered = await settledServices(first)

      assert.equal((await first.stop(signal)).code, 0)
      assert.deepEqual(workingIn(dir), [], "nothing runs on")
      assert(!existsSync(path.join(dir, "demo.json")), "demo.json is of a running demo only")

      // Without a topology: the folder says what it is.
      demo = await startDemo({ dir })
      const second = running()
      const { pid: _pid, controller, ...network } = first.file
      const { pid: _again, controller: later, ...networkLater } = second.file
      assert.deepEqual(networkLater, network)
      assert.equal(later.token, controller.token)
      assert.deepEqual(await settledServices(second), ordered)
      for (const { key_ID, key } of keys) {
        const dec = await eventually(async () => {
          const answer = await decKeys(second, "sae-Betzdorf", "sae-Windhof", [key_ID])
          return answer.status === 503 ? undefined : answer
        }, "both ends agree after the start")
        assert.equal(dec.status, 200, dec.body)
        assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, [{ key_ID, key }])
        const twice = await decKeys(second, "sae-Betzdorf", "sae-Windhof", [key_ID])
        assert.equal(twice.status, 400, "a key is given once")
      }
      await exchangeKey(second, "sae-Windhof", "sae-Betzdorf")
    })
  }

  it("ends though one of its processes hears nothing, and is whole afterwards", async () => {
    const first = running()
    await keysGoOn(first)
    const ordered = await settledServices(first)
    process.kill(processOf(first, "Kirchberg"), "SIGSTOP")
    assert.equal((await first.stop()).code, 0)
    assert.deepEqual(workingIn(dir), [], "nothing runs on")
    demo = await startDemo({ dir })
    assert.deepEqual(await settledServices(running()), ordered)
    await keysGoOn(running())
  })

  it("keeps a cut fibre cut", async () => {
    const cut = (verb: string): Promise<Ended> =>
      attempt(verb, "Kirchberg", "Betzdorf", "--dir", dir)
    assert.equal((await cut("cut")).status, 0)
    await running().stop()
    const child = spawn(process.execPath, ["bin/keyloom.js", "demo", "--dir", dir, "--port", "0"], {
      cwd: root,
    })
    try {
      // It waits for the link, says so, and needs no patience here: the control channel is up before.
      await eventually(
        () => Promise.resolve(existsSync(path.join(dir, "control.json")) ? true : undefined),
        "it listens",
      )
      const { links } = JSON.parse(readFileSync(path.join(dir, "plan.json"), "utf8")) as {
        links: { id: string }[]
      }
      const { cut: kept } = JSON.parse(readFileSync(path.join(dir, "fibres.json"), "utf8")) as {
        cut: string[]
      }
      assert.deepEqual(kept, [links[1]?.id])
      const mended = await cut("mend")
      assert.deepEqual([mended.status, mended.err], [0, ""])
      assert.match(await printed(child, /demo ready/), /2\/2 links active/)
    } finally {
      await new Promise((resolve) => {
        child.once("exit", resolve)
        child.kill("SIGTERM")
      })
      demo = undefined
    }
    demo = await startDemo({ dir })
    await exchangeKey(running(), "sae-Windhof", "sae-Betzdorf")
  })

  it("is not disturbed by a second one, which is refused", async () => {
    const before_ = readFileSync(path.join(dir, "demo.json"), "utf8")
    for (const topology of [[], ["--topology", LUXEMBOURG]]) {
      const { status, err } = await attempt("--dir", dir, "--port", "0", ...topology)
      assert.equal(status, 1)
      assert.match(
        err,
        new RegExp(`^keyloom: a demo already runs in ${dir} \\(process \\d+\\)\\n$`),
      )
    }
    assert.equal(readFileSync(path.join(dir, "demo.json"), "utf8"), before_)
    await exchangeKey(running(), "sae-Windhof", "sae-Betzdorf")
  })

  it("runs once when it is started twice at the same moment", async () => {
    await running().stop()
    demo = undefined
    const args = ["bin/keyloom.js", "demo", "--dir", dir, "--port", "0"]
    const children = [0, 1].map(() => spawn(process.execPath, args, { cwd: root }))
    const ends = children.map((child) => printed(child, /demo ready/).catch(String))
    try {
      const said = await Promise.all(ends)
      const ready = said.filter((text) => text.includes("demo ready"))
      assert.equal(ready.length, 1, said.join("\n"))
      const other = said.find((text) => !text.includes("demo ready"))
      assert.match(other ?? "", /keyloom: a demo already runs in/)
    } finally {
      await Promise.all(
        children.map(
          (child) =>
            new Promise((resolve) => {
              if (child.exitCode !== null) resolve(0)
              child.once("exit", resolve)
              child.kill("SIGTERM")
            }),
        ),
      )
    }
    demo = await startDemo({ dir })
    await exchangeKey(running(), "sae-Windhof", "sae-Betzdorf")
  })

  it("does not become another network", async () => {
    await running().stop()
    demo = undefined
    const other = path.join(dir, "other.json")
    const topology = JSON.parse(readFileSync(LUXEMBOURG, "utf8")) as { links: object[] }
    writeFileSync(other, JSON.stringify({ ...topology, links: topology.links.slice(1) }))
    const { status, err } = await attempt("--dir", dir, "--port", "0", "--topology", other)
    assert.equal(status, 1)
    assert.match(err, /holds the demo of "Luxembourg laboratory".*another --dir/)
    assert.deepEqual(workingIn(dir), [])
    demo = await startDemo({ dir, topology: LUXEMBOURG })
    await exchangeKey(running(), "sae-Windhof", "sae-Betzdorf")
  })
})

describe("a topology file that is broken", function () {
  this.timeout(180_000)
  const dir = freshDir()
  after(() => {
    removeDir(dir)
  })

  const graphml = (edge: string): string =>
    `<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n<key id="d0" for="node" attr.name="label"/>\n<graph>\n<node id="0"/><node id="1"/>\n${edge}\n</graph></graphml>`
  const node = (name: string): object => ({ name })
  const files: [string, string, string, RegExp][] = [
    ["JSON syntax", "a.json", '{\n  "name": "x",\n  "nodes": [,]\n}', /JSON line 3 column \d+/],
    ["JSON cut short", "b.json", '{"name": "x", "nodes": [', /JSON line 1 column \d+/],
    ["a member twice", "c.json", '{"name": "x",\n"name": "y"}', /JSON line 2 .*name/],
    ["an empty file", "d.json", "", /empty/],
    [
      "an unknown field",
      "e.json",
      JSON.stringify({
        name: "x",
        nodes: [node("A"), { name: "B", colour: "red" }],
        links: [{ a: "A", b: "B" }],
      }),
      /topology \/nodes\/1: unknown field "colour"/,
    ],
    [
      "a wrong type",
      "f.json",
      JSON.stringify({
        name: "x",
        nodes: [node("A"), node("B")],
        links: [{ a: "A", b: "B", lengthKm: "far" }],
      }),
      /\/links\/0\/lengthKm/,
    ],
    [
      "a link to nowhere",
      "g.json",
      JSON.stringify({ name: "x", nodes: [node("A")], links: [{ a: "A", b: "B" }] }),
      /\/links\/0/,
    ],
    [
      "an SAE at no node",
      "h.json",
      JSON.stringify({
        name: "x",
        nodes: [node("A"), node("B")],
        links: [{ a: "A", b: "B" }],
        saes: [{ id: "s", node: "C" }],
      }),
      /\/saes\/0/,
    ],
    [
      "GraphML syntax",
      "i.graphml",
      graphml('<edge source="0" target="1">'),
      /XML line 6 column \d+/,
    ],
    [
      "GraphML without its node",
      "j.graphml",
      graphml('<edge source="0" target="7"/>'),
      /edge\[1\]/,
    ],
    [
      "GraphML with a DOCTYPE",
      "k.graphml",
      `<!DOCTYPE graphml [<!ENTITY x SYSTEM "file:///etc/passwd">]>${graphml("")}`,
      /line 1/,
    ],
  ]
  for (const [what, name, text, message] of files) {
    it(`is refused with its place and status 2: ${what}`, async () => {
      const file = path.join(dir, name)
      writeFileSync(file, text)
      const home = path.join(dir, `${name}.demo`)
      const { status, err } = await attempt("--dir", home, "--port", "0", "--topology", file)
      assert.equal(status, 2, err)
      assert.match(err, message)
      assert(err.includes(name), `the file is named: ${err}`)
      assert.equal(err.trim().split("\n").length, 1, err)
      assert.deepEqual(workingIn(home), [])
      assert(!existsSync(home) || readdirSync(home).length === 0, "nothing is left")
    })
  }

  it("is refused with status 2: it is not there", async () => {
    const file = path.join(dir, "nowhere.json")
    const { status, err } = await attempt("--dir", path.join(dir, "x"), "--topology", file)
    assert.equal(status, 2)
    assert.match(err, /cannot read .*nowhere\.json/)
  })
})

describe("a port that is taken", function () {
  this.timeout(180_000)

  it("is stepped over, which is said", async () => {
    const dir = freshDir()
    const holder: Server = createServer()
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve))
    const address = holder.address()
    const taken = typeof address === "object" && address !== null ? address.port : assert.fail()
    const args = ["bin/keyloom.js", "demo", "--dir", dir, "--port", String(taken)]
    const child = spawn(process.execPath, args, { cwd: root })
    try {
      const said = await printed(child, /demo ready/)
      const next = Number(/port \d+ is taken, using (\d+)/.exec(said)?.[1])
      assert(said.includes(`port ${taken} is taken`), said)
      assert(next > taken && next <= taken + 100, said)
      const { controller } = JSON.parse(readFileSync(path.join(dir, "demo.json"), "utf8")) as {
        controller: { url: string }
      }
      assert.equal(controller.url, `http://127.0.0.1:${next}`)
      assert.equal((await fetch(controller.url)).status, 200)
    } finally {
      await new Promise((resolve) => {
        child.once("exit", resolve)
        child.kill("SIGTERM")
      })
      holder.close()
      removeDir(dir)
    }
  })
})
