// Two whole nodes whose link keys come from a maker's key managers over ETSI GS QKD 014, each module in a process of its
// own. The maker's key managers are not ours.

import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { type Answer, appAt, Line, linksOf } from "./node-line.js"
import type { ModuleSetting } from "../../src/node/config.js"
import { IndependentKme } from "../support/independent-kme.js"

const APP = "cccccccc-0000-4000-8000-000000000001"
const MAKERS = { a: "maker-a", b: "maker-b" } as const
type Name = keyof typeof MAKERS

describe("two nodes on link keys that come over ETSI 014", function () {
  this.timeout(180_000)
  let line: Line
  let kme: IndependentKme

  before(async () => {
    line = await Line.open(["a", "b"])
    kme = await IndependentKme.start(`${line.dir}/maker`, [MAKERS.a, MAKERS.b])
    for (const name of ["a", "b"] as const) await line.start(name, [moduleOf(name)])
    for (const name of ["a", "b"] as const) await configure(name)
    await stocked()
  })
  after(async () => {
    await line.close()
    await kme.stop()
  })

  const moduleOf = (name: Name): ModuleSetting => {
    const { saeId: _own, ...access } = kme.access[name === "a" ? 0 : 1]
    const far = MAKERS[name === "a" ? "b" : "a"]
    const side = name === "a" ? "master" : "slave"
    const options = { ...access, side, peerSaeId: far, pollMs: 100, keySizeBits: 2048 }
    const [here] = line.plan.links
    return { qkdiId: here?.[name].qkdiId ?? 0, driver: "etsi014", process: "own", options }
  }

  const configure = async (name: Name): Promise<void> => {
    const base = linksOf(line, name)
    const far = name === "a" ? "b" : "a"
    const apps = [appAt(line, name, far, APP, base.links[0]?.qkdlId ?? "")]
    await line.configure(name, { ...base, apps })
  }

  const stocked = async (): Promise<void> => {
    for (const name of ["a", "b"])
      await line.until(`${name} makes and stores key`, async () =>
        (await line.state(name)).links.every(
          ({ status, performance: { stockBits, skrBps } }) =>
            status === "ACTIVE" && (stockBits ?? 0) > 20_000 && (skrBps ?? 0) > 0,
        ),
      )
  }

  const keysOf = ({ status, body }: Answer): Map<string, string> => {
    assert.equal(status, 200, JSON.stringify(body))
    const { keys } = body as { keys: { key_ID: string; key: string }[] }
    return new Map(keys.map(({ key_ID, key }) => [key_ID, key]))
  }

  const exchange = async (): Promise<void> => {
    const made = keysOf(await line.call("a", "sae-b/enc_keys", { number: 3, size: 256 }))
    const key_IDs = [...made.keys()].map((key_ID) => ({ key_ID }))
    const taken = keysOf(await line.call("b", "sae-a/dec_keys", { key_IDs }))
    assert.deepEqual(taken, made)
    const maker = [...kme.delivered().values()].map((key) => key.toString("base64"))
    for (const key of made.values()) assert(!maker.some((each) => each.includes(key)))
  }

  it("deliver the same keys at both ends, none of them a key of the maker's", exchange)

  it("go on when a module's process dies", async () => {
    for (const pid of moduleProcesses()) process.kill(pid, "SIGKILL")
    await stocked()
    await exchange()
  })

  it("go on when the node that fetches was away", async () => {
    await line.node("b").stop()
    await line.start("b", [moduleOf("b")])
    await stocked()
    await line.until("keys are made again", async () => {
      const answer = await line.call("a", "sae-b/enc_keys", { number: 1, size: 256 })
      return answer.status === 200
    })
    await exchange()
  })

  it("say that the link is dark when the maker has no more keys, and that it is not when it has", async () => {
    await kme.order("empty")
    await line.until("the link no longer makes key", async () =>
      (await line.state("a")).links.every(({ status }) => status !== "ACTIVE"),
    )
    await kme.order("fill")
    await stocked()
  })
})

/** Children of this process that run a module. */
function moduleProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
        const command = readFileSync(`/proc/${pid}/cmdline`, "latin1")
        return Number(parent) === process.pid && command.includes("module-child")
      } catch {
        return false
      }
    })
    .map(Number)
}
