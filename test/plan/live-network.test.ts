// Planning on the running network: the command reads a real controller's REST face over TLS, and asks about its services on
// the paths they stand on.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Access, hashToken } from "../../src/north/access.js"
import { type RunningHttp, startHttp } from "../../src/north/http.js"
import { createAuthority, issueServerCertificate, validFor } from "../../src/transport/pki.js"
import { liveNetwork } from "../../src/plan/live-network.js"
import { Bench } from "../controller/fakes.js"
import { OBSERVER } from "../north/harness.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

describe("keyloom plan on a running network", function () {
  this.timeout(180_000)
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-live-"))
  let bench: Bench
  let http: RunningHttp
  let where: string[]

  before(async () => {
    bench = await Bench.open()
    await bench.chain()
    bench.south.submit = (event) => bench.submit(event)
    const terms = { minRateBps: 300, priority: 2, avoidNodes: [] }
    await bench.submit({ kind: "service-ordered", aSaeId: "sae-a", bSaeId: "sae-c", terms })
    await bench.settle()
    const authority = createAuthority("test", validFor(1))
    const identity = issueServerCertificate(authority, "controller", ["127.0.0.1"], validFor(1))
    http = await startHttp({
      host: "127.0.0.1",
      port: 0,
      controller: bench.controller,
      access: new Access([{ name: "eyes", role: "observer", sha256: hashToken(OBSERVER) }]),
      tls: { identity, authorities: [] },
    })
    writeFileSync(path.join(dir, "token"), `${OBSERVER}\n`)
    writeFileSync(path.join(dir, "wrong"), "another-token")
    writeFileSync(path.join(dir, "ca.pem"), authority.certificatePem)
    where = ["--controller", http.url, "--ca-file", path.join(dir, "ca.pem")]
  })
  after(async () => {
    await http.close()
    await bench.controller.stop()
    rmSync(dir, { recursive: true })
  })

  function plan(...args: string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ["bin/keyloom.js", "plan", ...args],
        { cwd: root },
        (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : error.code, stdout, stderr })
        },
      )
    })
  }

  it("asks what failures break of the services that stand there", async () => {
    const token = ["--token-file", path.join(dir, "token")]
    const { status, stdout, stderr } = await plan("survive", ...where, ...token, "--json")
    assert.equal(status, 0, stderr)
    const survival = JSON.parse(stdout) as {
      carriedBps: number
      failures: { kind: string; id: string; lostBps: number; endingThereBps: number }[]
      fragile: { by: string[] }[]
    }
    assert.equal(survival.carriedBps, 300)
    assert.deepEqual(
      survival.fragile.map(({ by }) => by),
      [["link a-b", "link b-c", "node b"]],
    )
    assert.equal(survival.failures.length, 5)
  })

  it("adds a link to it on paper, and draws that", async () => {
    const token = ["--token-file", path.join(dir, "token")]
    const svg = path.join(dir, "live.svg")
    const change = ["--without", "b", "--add", "a,c,skrBps=500", "--svg", svg]
    const { stdout, stderr } = await plan("what-if", ...where, ...token, ...change)
    assert.match(stdout, /from {2}a - b - c\n {4}to {4}a - c\n/, stderr)
    assert.match(readFileSync(svg, "utf8"), /without node b, with a - c/)
  })

  it("looks for paths on it, and plans its services anew, saying how far it is", async () => {
    const token = ["--token-file", path.join(dir, "token")]
    const requests = path.join(dir, "requests.json")
    writeFileSync(requests, JSON.stringify([{ id: "q", from: "a", to: "c", requireNodes: ["b"] }]))
    const asked = ["--requests", requests, "--progress"]
    const paths = await plan("paths", ...where, ...token, ...asked, "--json")
    assert.deepEqual(
      (JSON.parse(paths.stdout) as { paths: { nodes: string[] }[] }[]).map((one) =>
        one.paths.map(({ nodes }) => nodes.join(" ")),
      ),
      [["a b c"]],
      paths.stderr,
    )
    assert.match(paths.stderr, /keyloom: request 1 of 1\n/)
    const services = await plan("services", ...where, ...token, "--progress", "--json")
    const { carriedBps, admitted } = JSON.parse(services.stdout) as {
      carriedBps: number
      admitted: { paths: { nodes: string[] }[] }[]
    }
    assert.equal(carriedBps, 300)
    assert.deepEqual(admitted[0]?.paths[0]?.nodes, ["a", "b", "c"])
    assert.match(services.stderr, /keyloom: part \d+ of 1/)
  })

  it("asks for the stock that links report", async () => {
    const performance = { skrBps: 1000, stockBits: 9000 }
    const reports = [{ qkdnId: "a", qkdlId: "a-b", performance }]
    await bench.submit({ kind: "performance", reports })
    const token = ["--token-file", path.join(dir, "token")]
    const requests = path.join(dir, "stock.json")
    const ask = (to: string): object => ({ id: to, from: "a", to, minStockBits: 8000 })
    writeFileSync(requests, JSON.stringify([ask("b"), ask("c")]))
    const { stdout, stderr } = await plan("paths", ...where, ...token, "--requests", requests)
    assert.match(stdout, /a - b {2}cost 1, .*, stock 9000 bit\n/, stderr)
    assert.match(stdout, /no path with stock >= 8000 bit: best is 0 via b/)
  })

  it("says when it may not read, and when nobody is there", async () => {
    const wrong = ["--token-file", path.join(dir, "wrong")]
    const refused = await plan("survive", ...where, ...wrong)
    assert.deepEqual([refused.status, refused.stdout], [1, ""])
    assert.match(refused.stderr, /answers 401: the token is not good/)
    const stranger = await plan("survive", "--controller", http.url, ...wrong)
    assert.deepEqual([stranger.status, stranger.stdout], [1, ""])
    assert.match(stranger.stderr, /certificate/)
  })

  it("refuses an answer that is no network", () => {
    assert.throws(() => liveNetwork({ nodes: [] }, "n"), /network \/: must have required property/)
  })
})
