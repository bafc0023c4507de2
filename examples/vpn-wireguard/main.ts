// A WireGuard VPN on QKD keys, on one machine: `npm run example:vpn-wireguard [-- --rotations 50]`. The demo network
// makes the keys; two gateways in network namespaces of their own use them.

import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { DemoNetwork } from "../lab/key-managers.js"
import { KeyTap } from "../lab/key-tap.js"
import { whyNoLab } from "../lab/namespaces.js"
import { until } from "../lab/processes.js"
import { readArguments, runExample, say } from "../lab/tell.js"
import { Capture, keysFound, mayLose, Pings, reaches, sendInClear } from "../lab/traffic.js"
import { WireguardLab } from "../lab/wireguard-lab.js"

const SAES = ["sae-Windhof", "sae-Betzdorf"] as const
const { rotations, hybrid } = readArguments()

await runExample(whyNoLab(["wireguard-go", "wg"]), async (dir, later) => {
  say("1. A QKD network of three sites starts on this machine (simulated QKD modules).")
  const demo = await DemoNetwork.start(path.join(dir, "demo"))
  later(() => demo.stop())
  const tap = {
    a: await KeyTap.start(path.join(dir, "tap-a"), demo.access(SAES[0])),
    b: await KeyTap.start(path.join(dir, "tap-b"), demo.access(SAES[1])),
  }
  later(() => tap.a.stop())
  later(() => tap.b.stop())

  say("2. Two gateways: network namespaces, joined by one wire, WireGuard in each, no peer yet.")
  const lab = await WireguardLab.start({
    dir,
    access: [tap.a.access, tap.b.access],
    terms: { interval_s: 1, policy: "required", hybrid },
  })
  later(() => lab.stop())
  const { a, b } = lab.namespaces
  say(`   Before there is a key: ${(await reaches(a, b)) ? "traffic passes!" : "nothing passes."}`)

  say(
    `3. keyloom consumer wireguard starts at both: a QKD key${hybrid ? ", mixed with ML-KEM-768," : ""} becomes the preshared key.`,
  )
  const capture = await Capture.start(a, path.join(dir, "wire.pcap"))
  lab.consumer.b.start()
  lab.consumer.a.start()
  await lab.consumer.a.is((status) => status.rotations >= 1, "the first key", 60_000)
  say(`   With the first key: ${(await reaches(a, b)) ? "traffic passes." : "nothing passes!"}`)

  say(
    `4. ${rotations} more keys, one a second, each proved by a handshake made at once; pings run 200 times a second.`,
  )
  const pings = new Pings(a, b, 5)
  // Every preshared key that either interface had.
  const shown = new Set<string>()
  const look = async (): Promise<string[]> => {
    const both = await Promise.all(
      [lab.device.a, lab.device.b].map((device) =>
        device.wg("show", device.name, "preshared-keys"),
      ),
    )
    const keys = both.map((line) => line.split("\t")[1]?.trim() ?? "")
    for (const key of keys) if (key !== "" && key !== "(none)") shown.add(key)
    return keys
  }
  const from = (await lab.consumer.a.status())?.rotations ?? 0
  await until(
    async () => {
      await look()
      return ((await lab.consumer.a.status())?.rotations ?? 0) >= from + rotations
    },
    `${rotations} rotations`,
    60_000 + 5000 * rotations,
  )
  await until(async () => new Set(await look()).size === 1, "the ends have the same key")
  const { sent, lost } = await pings.stop()
  const delivered = tap.a.keys
  const planted = randomBytes(32)
  await sendInClear(a, b, planted)
  await until(
    () => keysFound(readFileSync(capture.file), [planted]) === 1,
    "the control is captured",
  )
  const wire = await capture.stop()
  const took = [...lab.consumer.a.log.matchAll(/"tookMs":(\d+)/g)]
    .map(([, ms]) => Number(ms))
    .sort((x, y) => x - y)
  const mismatches = lab.device.a.refused.unequalKeys + lab.device.b.refused.unequalKeys
  // The planted key, and the far end's word that nobody listens there, aside.
  const all = await capture.count("not (arp or udp port 9 or icmp[0] == 3)")
  const own = await capture.count("udp port 51820")
  const preshared = [...shown].map((key) => Buffer.from(key, "base64"))
  const found = keysFound(wire, [...delivered, ...preshared])
  say(
    `5. On the wire: ${all} packets, ${own} of them WireGuard. Of ${delivered.length} keys delivered and ${preshared.length} preshared keys made of ` +
      `them, ${found} were found; a key sent in clear was.`,
  )
  if (delivered.length <= rotations || preshared.length <= rotations)
    throw new Error("not all keys were seen: the search proves nothing")
  if (keysFound(wire, [planted]) !== 1) throw new Error("the search finds nothing")
  if (own !== all || found > 0) throw new Error("something else than WireGuard was on the wire")
  if (mismatches > 0) throw new Error(`${mismatches} handshakes had different keys`)
  if (lost > mayLose(sent, rotations, 0.01)) throw new Error(`${lost} of ${sent} pings were lost`)
  say(
    `vpn-wireguard: ${rotations} rotations, ${lost} of ${sent} pings lost (${((100 * lost) / sent).toFixed(3)} %), ` +
      `median ${took[took.length >> 1] ?? 0} ms a rotation, ${mismatches} handshakes with different keys`,
  )
})
