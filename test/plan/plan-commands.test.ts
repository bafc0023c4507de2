// `keyloom plan` as a user runs it: one JSON document or readable lines on standard output, pictures where asked; and every
// bad file or flag refused with status 2, the place of the fault, and nothing on standard output.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { SaxesParser } from "saxes"

const root = fileURLToPath(new URL("../..", import.meta.url))
const region = path.join(root, "examples/greater-region")
const topology = ["--topology", path.join(region, "topology.json")]
const demands = ["--demands", path.join(region, "demands.json")]

describe("keyloom plan", function () {
  this.timeout(180_000)
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-plan-"))
  after(() => {
    rmSync(dir, { recursive: true })
  })

  function plan(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const options = { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 } as const
    return spawnSync(process.execPath, ["bin/keyloom.js", "plan", ...args], options)
  }

  function json(...args: string[]): unknown {
    const { status, stdout, stderr } = plan(...args, "--json")
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout)
  }

  function file(name: string, content: unknown): string {
    const full = path.join(dir, name)
    writeFileSync(full, typeof content === "string" ? content : JSON.stringify(content))
    return full
  }

  /** Well-formed, with the network's nodes in it. */
  function assertPicture(name: string): string {
    const svg = readFileSync(path.join(dir, name), "utf8")
    const parser = new SaxesParser()
    let elements = 0
    parser.on("opentag", () => (elements += 1))
    parser.on("error", (error) => assert.fail(error.message))
    parser.write(svg).close()
    assert(elements > 50, `only ${elements} elements`)
    for (const name of ["Clervaux", "Saarbruecken", "prefers-color-scheme"])
      assert(svg.includes(name), `${name} is missing`)
    return svg
  }

  it("draws paths and services, the same picture every time", () => {
    const requests = file("r.json", [{ id: "bank", from: "Esch", to: "Trier", k: 3 }])
    const draw = (name: string): void => {
      json("paths", ...topology, "--requests", requests, "--svg", path.join(dir, name))
    }
    draw("paths.svg")
    draw("again.svg")
    assert.equal(assertPicture("paths.svg"), assertPicture("again.svg"))
    json("services", ...topology, ...demands, "--svg", path.join(dir, "services.svg"))
    assert.match(assertPicture("services.svg"), /of 63 services/)
  })

  it("answers what-if in JSON, in lines and as a picture", () => {
    const args = [
      "what-if",
      ...topology,
      ...demands,
      "--without",
      "Mersch",
      "--add",
      "Luxembourg,Bissen",
    ]
    const answer = json(...args, "--svg", path.join(dir, "what-if.svg")) as {
      removed: unknown
      before: { carriedBps: number }
      after: { carriedBps: number }
      lost: { id: string }[]
    }
    assert.deepEqual(answer.removed, [{ kind: "node", id: "Mersch" }])
    assert(answer.after.carriedBps < answer.before.carriedBps)
    assert(answer.lost.every(({ id }) => id.includes("mersch")))
    assert.match(assertPicture("what-if.svg"), /without node Mersch/)
    assert.match(
      plan(...args).stdout,
      /^without node Mersch\nwith a new link .*\n.*carried bit\/s/s,
    )
  })

  it("answers survive, and tells how far it is where that is asked for, on standard error", () => {
    const { stdout, stderr } = plan("survive", ...topology, ...demands, "--progress")
    assert.match(stdout, /50 single failures looked at/)
    assert.match(stderr, /failure 5 of 50\n.*failure 50 of 50\n/s)
    const quiet = plan(
      "survive",
      ...topology,
      ...demands,
      "--json",
      "--svg",
      path.join(dir, "s.svg"),
    )
    assert.equal(quiet.stderr, "")
    const { failures } = JSON.parse(quiet.stdout) as { failures: { lostBps: number }[] }
    assert.equal(failures.length, 50)
    assert(failures.every((one, i) => i === 0 || one.lostBps <= (failures[i - 1]?.lostBps ?? 0)))
    assertPicture("s.svg")
  })

  it("answers grow with the links to build, in order, and draws them", () => {
    const grown = ["--demands", path.join(region, "demands-grown.json")]
    const args = ["grow", ...topology, ...grown, "--budget", "2", "--svg", path.join(dir, "g.svg")]
    const { steps, carriedBps } = json(...args) as {
      carriedBps: number
      steps: { kind: string; gainBps: number; carriedBps: number }[]
    }
    assert.equal(steps.length, 2)
    assert((steps[1]?.carriedBps ?? 0) > carriedBps + 50_000)
    assert.match(assertPicture("g.svg"), /grown by 2 links/)
  })

  it("answers bulk with every order's schedule and forecast, and draws it", () => {
    const orders = ["--orders", path.join(region, "orders.json")]
    const answer = json("bulk", ...topology, ...orders, "--svg", path.join(dir, "b.svg")) as {
      orders: { id: string; met: boolean; reason?: string; schedule: object[] }[]
    }
    assert.deepEqual(
      answer.orders.map(({ id, met }) => `${id} ${met}`),
      ["data centre true", "archive false", "backup true", "elections true", "vault false"],
    )
    for (const { met, reason, schedule } of answer.orders) {
      assert.equal(reason === undefined, met)
      assert(schedule.length > 0)
    }
    assert.match(readFileSync(path.join(dir, "b.svg"), "utf8"), /3 of 5 orders in time/)
  })

  const bad: readonly (readonly [string, () => string[], RegExp])[] = [
    ["no network", () => ["survive", ...demands], /either --topology or --controller/],
    [
      "two networks",
      () => ["survive", ...topology, "--controller", "https://x"],
      /either --topology/,
    ],
    ["no demands", () => ["survive", ...topology], /--demands is needed/],
    ["services without demands", () => ["services", ...topology], /--demands is needed/],
    [
      "paths on no network",
      () => ["paths", "--requests", file("none.json", [])],
      /either --topology or --controller/,
    ],
    [
      "a path over a link that is not there",
      () => [
        "paths",
        ...topology,
        "--requests",
        file("l.json", [{ id: "1", from: "Esch", to: "Trier", requireLinks: ["x"] }]),
      ],
      /\/0\/requireLinks\/0: no link is called "x"/,
    ],
    [
      "no change",
      () => ["what-if", ...topology, ...demands],
      /--without or --add says what changes/,
    ],
    [
      "a node that is not there",
      () => ["what-if", ...topology, ...demands, "--without", "Atlantis"],
      /--without "Atlantis": no link, node/,
    ],
    [
      "a file that is not there",
      () => ["survive", ...topology, "--demands", "/nowhere.json"],
      /cannot read \/nowhere.json: ENOENT/,
    ],
    [
      "a demand of an unknown node",
      () => [
        "survive",
        ...topology,
        "--demands",
        file("d.json", [{ id: "1", from: "Esch", to: "Atlantis", rateBps: 1 }]),
      ],
      /\/0\/to: no node is called "Atlantis"/,
    ],
    [
      "text that is no JSON",
      () => ["survive", ...topology, "--demands", file("x.json", "[\n{")],
      /x\.json.*line 2/,
    ],
    [
      "a picture that cannot be written",
      () => ["survive", ...topology, ...demands, "--svg", "/nowhere/p.svg"],
      /cannot write \/nowhere\/p.svg: ENOENT/,
    ],
    [
      "an unknown module",
      () => ["grow", ...topology, ...demands, "--module", "flux"],
      /--module "flux": no key rate set/,
    ],
    [
      "a controller without a token",
      () => ["survive", "--controller", "https://127.0.0.1:1"],
      /--controller needs --token-file/,
    ],
    [
      "a token in clear",
      () => ["survive", "--controller", "http://192.0.2.1", "--token-file", file("t", "secret")],
      /over https only/,
    ],
    [
      "a token file of two lines",
      () => ["survive", "--controller", "https://127.0.0.1:1", "--token-file", file("t2", "a\nb")],
      /does not hold one token/,
    ],
  ]
  for (const [what, args, message] of bad)
    it(`refuses ${what}, and prints no answer`, () => {
      const { status, stdout, stderr } = plan(...args())
      assert.match(stderr, message)
      assert.equal(stdout, "")
      assert.equal(status, 2)
    })
})
