// Rotating a tunnel's key, from the decision until traffic is protected by the new one: keyloom consumer, which
// fetches the key at both ends, proves it equal and has both ends see the result, beside `swanctl` and `wg` doing the
// local part only, with keys that are at both ends already. Interleaved rounds, medians. Needs root.
//
//   node --import tsx bench/rotation.ts [ROUNDS]

import { randomBytes } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { ConsumerProcess } from "../examples/lab/consumer-process.js"
import { IpsecLab } from "../examples/lab/ipsec-lab.js"
import type { Gateway } from "../examples/lab/namespaces.js"
import { WireguardLab } from "../examples/lab/wireguard-lab.js"
import { IndependentKme } from "../test/support/independent-kme.js"

const rounds = Number(process.argv[2] ?? 20)
const root = mkdtempSync(path.join(tmpdir(), "keyloom-bench-"))

function folder(name: string): string {
  const dir = path.join(root, name)
  mkdirSync(dir)
  return dir
}

/** The plain way: secret and connection in swanctl.conf at both ends, then initiate, as an administrator types it. */
async function swanctlRound(lab: IpsecLab, round: number): Promise<number> {
  const key = randomBytes(32).toString("hex")
  const conf = (here: Gateway, there: Gateway): string => {
    const file = path.join(root, `swanctl-${here.name}.conf`)
    writeFileSync(
      file,
      `connections { lab { version = 2
  local_addrs = ${here.address}
  remote_addrs = ${there.address}
  unique = never
  encap = yes
  proposals = aes256-sha256-x25519
  ppk_id = plain-${round}
  ppk_required = yes
  local { auth = psk
    id = gateway-${here.name} }
  remote { auth = psk
    id = gateway-${there.name} }
  children { net { local_ts = ${here.network}
    remote_ts = ${there.network}
    esp_proposals = aes256-sha256 } } } }
secrets { ike-lab { secret = "bench" }
  ppk-1 { id = plain-${round}
    secret = 0x${key} } }
`,
      { mode: 0o600 },
    )
    return file
  }
  const files = {
    a: conf(lab.namespaces.a, lab.namespaces.b),
    b: conf(lab.namespaces.b, lab.namespaces.a),
  }
  const before = [
    ...(await lab.charon.a.swanctl("--list-sas", "--raw")).matchAll(/ uniqueid=(\d+) version/g),
  ]
  const startedAt = performance.now()
  await lab.charon.b.swanctl("--load-all", "--file", files.b)
  await lab.charon.a.swanctl("--load-all", "--file", files.a)
  await lab.charon.a.swanctl("--initiate", "--child", "net", "--ike", "lab")
  const tookMs = performance.now() - startedAt
  for (const [, id = ""] of before) await lab.charon.a.swanctl("--terminate", "--ike-id", id)
  return tookMs
}

/** The plain way: `wg set` at both ends, the second one so that a handshake follows; until wg shows it. */
async function wgRound(lab: WireguardLab): Promise<number> {
  const { a, b } = lab.device
  const file = path.join(root, "psk")
  writeFileSync(file, randomBytes(32).toString("base64"), { mode: 0o600 })
  const startedAt = performance.now()
  await b.wg(
    ...["set", b.name, "peer", a.publicKey, "preshared-key", file],
    ...["allowed-ips", lab.namespaces.a.network],
  )
  await a.wg(
    ...["set", a.name, "peer", b.publicKey, "remove", "peer", b.publicKey, "preshared-key", file],
    ...["endpoint", `${lab.namespaces.b.address}:51820`, "allowed-ips", lab.namespaces.b.network],
    ...["persistent-keepalive", "5"],
  )
  while ((await a.wg("show", a.name, "latest-handshakes")).trim().endsWith("\t0")) continue
  return performance.now() - startedAt
}

/** The next rotation of a running consumer, as its log tells it. */
async function consumerRound(consumer: ConsumerProcess): Promise<number> {
  const from = (await consumer.status())?.rotations ?? 0
  await consumer.is((status) => status.rotations > from, "another rotation", 60_000)
  const told = [...consumer.log.matchAll(/"protectedMs":(\d+)/g)]
  return Number(told.at(-1)?.[1])
}

function figures(name: string, values: number[]): number {
  const sorted = values.sort((x, y) => x - y)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
  process.stdout.write(
    `${name.padEnd(58)} median ${at(0.5).toFixed(0).padStart(5)} ms   p90 ${at(0.9).toFixed(0).padStart(5)} ms\n`,
  )
  return at(0.5)
}

const kme = await IndependentKme.start(folder("kme"), ["gate-a", "gate-b"])
const stops: (() => Promise<void>)[] = [() => kme.stop()]
try {
  const terms = { interval_s: 1 }
  const lab = { access: kme.access }
  const ipsec = await IpsecLab.start({ ...lab, dir: folder("ipsec"), terms })
  stops.push(() => ipsec.stop())
  const hybrid = await IpsecLab.start({
    ...lab,
    dir: folder("hybrid"),
    terms: { ...terms, hybrid: true },
  })
  stops.push(() => hybrid.stop())
  const plain = await IpsecLab.start({ ...lab, dir: folder("plain") })
  stops.push(() => plain.stop())
  const wireguard = await WireguardLab.start({ ...lab, dir: folder("wireguard"), terms })
  stops.push(() => wireguard.stop())
  const plainWireguard = await WireguardLab.start({ ...lab, dir: folder("plain-wireguard") })
  stops.push(() => plainWireguard.stop())
  for (const { consumer } of [ipsec, hybrid, wireguard]) {
    consumer.b.start()
    consumer.a.start()
    await consumer.a.is((status) => status.rotations > 0, "the first key", 60_000)
  }
  const all: Record<"ours" | "mixed" | "swanctl" | "wg" | "ourWg", number[]> = {
    ours: [],
    mixed: [],
    swanctl: [],
    wg: [],
    ourWg: [],
  }
  for (let round = 0; round < rounds; round += 1) {
    all.ours.push(await consumerRound(ipsec.consumer.a))
    all.swanctl.push(await swanctlRound(plain, round))
    all.mixed.push(await consumerRound(hybrid.consumer.a))
    all.ourWg.push(await consumerRound(wireguard.consumer.a))
    all.wg.push(await wgRound(plainWireguard))
  }
  process.stdout.write(`${rounds} rounds each, key managers in Python, no network between\n`)
  const ours = figures("IPsec: keyloom consumer, decision to both ends' assent", all.ours)
  figures("IPsec: the same with ML-KEM-768", all.mixed)
  const swanctl = figures("IPsec: swanctl, local part only", all.swanctl)
  const ourWg = figures("WireGuard: keyloom consumer, to both ends' assent", all.ourWg)
  const wg = figures("WireGuard: wg, local part only", all.wg)
  process.stdout.write(
    `rotation: IPsec ${(ours / swanctl).toFixed(2)} times swanctl's local part, WireGuard ${(ourWg / wg).toFixed(2)} times wg's\n`,
  )
} finally {
  for (const stop of stops.reverse()) await stop().catch(() => undefined)
  rmSync(root, { recursive: true, force: true })
}
