// Preloading two tokens, from the first key asked for to the last proven equal at both ends, beside the same two tokens taking
// as many keys by bare C_CreateObject: both at once, as preloading does, on the same cores (what preloading costs), and one
// alone with the machine to itself (what a site would see whose token, consumer and key manager share no core with the other
// site's; here they do). Logging in (and, for wrapped keys, making an RSA pair) comes before either clock starts,
// and is told aside. Both in one run, in turn; SoftHSM. `node --import tsx bench/hsm-preload.ts [KEYS [ROUNDS]]`

import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { HSM_CONFIG_MODULES, readHsmConfig } from "../src/consumer/hsm-config.js"
import { HsmService } from "../src/consumer/hsm-service.js"
import { loadYangFiles } from "../src/transport/yang-files.js"
import { makeHsmSites } from "../examples/lab/hsm-sites.js"
import { makeTokens, noSoftHsm, SOFTHSM } from "../examples/lab/softhsm.js"
import { IndependentKme } from "../test/support/independent-kme.js"

const keys = Number(process.argv[2] ?? 256)
const rounds = Number(process.argv[3] ?? 3)
const run = promisify(execFile)

/** Of the slowest of the tokens, which all take their keys at once. */
async function bareSeconds(dir: string, tokens: readonly string[]): Promise<number> {
  const soft = makeTokens(mkdtempSync(path.join(dir, "bare-")), tokens)
  const one = async (label: string): Promise<number> => {
    const args = ["--import", "tsx", "bench/hsm-bare.ts", SOFTHSM, label, soft.pinFile, `${keys}`]
    const env = { ...process.env, SOFTHSM2_CONF: soft.conf }
    return Number((await run(process.execPath, args, { env })).stdout)
  }
  return Math.max(...(await Promise.all(tokens.map(one))))
}

interface Preloaded {
  readonly seconds: number
  /** Until alpha was logged in. */
  readonly openSeconds: number
}

async function preload(dir: string, mode: string): Promise<Preloaded> {
  const home = mkdtempSync(path.join(dir, "sites-"))
  const kme = await IndependentKme.start(path.join(home, "kme"), ["vault-a", "vault-o"])
  const sites = await makeHsmSites(home, kme.access, {
    count: { alpha: keys, omega: 0 },
    import: mode,
    maxKeys: keys,
  })
  const sources = loadYangFiles(HSM_CONFIG_MODULES)
  let [openAt, readyAt] = [0n, 0n]
  let ready = 0
  let resolveReady: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    resolveReady = resolve
  })
  const start = async (name: "alpha" | "omega"): Promise<HsmService> => {
    const { configFile, soft } = sites[name]
    process.env["SOFTHSM2_CONF"] = soft.conf
    const text = readFileSync(configFile, "utf8")
    return HsmService.start(readHsmConfig(sources, text, path.dirname(configFile)), {
      alarm: (event, detail) => {
        process.stderr.write(`${name}: ${event} ${JSON.stringify(detail)}\n`)
      },
      note: (event, { count }) => {
        if (name === "alpha" && event === "token-open") openAt = process.hrtime.bigint()
        if (name === "alpha" && event === "keys-ready") ready += Number(count)
        if (ready < keys || readyAt > 0n) return
        readyAt = process.hrtime.bigint()
        resolveReady()
      },
    })
  }
  const omega = await start("omega")
  const startedAt = process.hrtime.bigint()
  const alpha = await start("alpha")
  await done
  await alpha.stop()
  await omega.stop()
  await kme.stop()
  return { seconds: secondsOf(readyAt - openAt), openSeconds: secondsOf(openAt - startedAt) }
}

function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

const reason = noSoftHsm()
if (reason !== undefined) {
  process.stdout.write(`skipped: ${reason}\n`)
  process.exit(0)
}
const dir = mkdtempSync(path.join(tmpdir(), "keyloom-hsm-bench-"))
const modes = ["plain", "aes-key-wrap"]
const bare: number[] = []
const alone: number[] = []
const ours = new Map<string, Preloaded[]>(modes.map((mode) => [mode, []]))
try {
  for (let i = 0; i < rounds; i++) {
    alone.push(await bareSeconds(dir, ["one"]))
    bare.push(await bareSeconds(dir, ["one", "other"]))
    for (const mode of modes) ours.get(mode)?.push(await preload(dir, mode))
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}
// Round by round: what else the machine does hits both of a pair.
process.stdout.write(`${keys} keys into two tokens at once, medians of ${rounds} rounds\n`)
process.stdout.write(
  `bare C_CreateObject: both at once ${rateOf(bare)} keys/s each, one alone ${rateOf(alone)} keys/s\n`,
)
for (const [mode, all] of ours) {
  const share = (of: readonly number[]): string =>
    median(all.map(({ seconds }, round) => (of[round] ?? NaN) / seconds)).toFixed(2)
  const open = median(all.map(({ openSeconds }) => openSeconds))
  process.stdout.write(
    `preloaded, proven, ${mode.padEnd(12)} ${rateOf(all.map(({ seconds }) => seconds))} keys/s: ` +
      `${share(bare)} of bare in both at once, ${share(alone)} of bare in one alone; logged in after ${open.toFixed(2)} s\n`,
  )
}

function rateOf(seconds: readonly number[]): string {
  return (keys / median(seconds)).toFixed(0)
}
