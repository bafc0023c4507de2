// A WireGuard VPN on QKD keys, on one machine: `npm run example:vpn-wireguard [-- --rotations 50]`. The demo network
// makes the keys; two gateways in network namespaces of their own use them.

import path from "node:path"
import { DemoNetwork } from "../lab/key-managers.js"
import { whyNoLab } from "../lab/namespaces.js"
import { readArguments, runExample, say } from "../lab/tell.js"
import { Capture, keysFound, Pings, reaches } from "../lab/traffic.js"
import { WireguardLab } from "../lab/wireguard-lab.js"

const SAES = ["sae-Windhof", "sae-Betzdorf"] as const
const { rotations, hybrid } = readArguments()

await runExample(whyNoLab(["wireguard-go", "wg"]), async (dir, later) => {
  say("1. A QKD network of three sites starts on this machine (simulated QKD modules).")
  const demo = await DemoNetwork.start(path.join(dir, "demo"))
  later(() => demo.stop())

  say("2. Two gateways: network namespaces, joined by one wire, WireGuard in each, no peer yet.")
  const lab = await WireguardLab.start({
    dir,
    access: [demo.access(SAES[0]), demo.access(SAES[1])],
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
  const keys = new Set<string>()
  const from = (await lab.consumer.a.status())?.rotations ?? 0
  await lab.consumer.a.is(
    (status) => status.rotations >= from + rotations,
    `${rotations} rotations`,
    60_000 + 5000 * rotations,
  )
  for (const end of ["a", "b"] as const) {
    const shown = await lab.device[end].wg("show", lab.device[end].name, "preshared-keys")
    keys.add(shown.split("\t")[1]?.trim() ?? "")
  }
  const { sent, lost } = await pings.stop()
  const wire = await capture.stop()
  if (keys.size > 2) throw new Error("the ends have different keys")
  const took = [...lab.consumer.a.log.matchAll(/"tookMs":(\d+)/g)]
    .map(([, ms]) => Number(ms))
    .sort((x, y) => x - y)
  const mismatches = [lab.device.a.log, lab.device.b.log]
    .map((log) => log.match(/Received invalid response message/g)?.length ?? 0)
    .reduce((sum, n) => sum + n, 0)
  const all = await capture.count("not arp")
  const own = await capture.count("udp port 51820")
  const found = keysFound(
    wire,
    [...keys].map((key) => Buffer.from(key, "base64")),
  )
  say(
    `5. On the wire: ${all} packets, ${own} of them WireGuard; ${found} of the keys that wg shows were found in them.`,
  )
  if (own !== all || found > 0) throw new Error("something else than WireGuard was on the wire")
  if (mismatches > 0) throw new Error(`${mismatches} handshakes had different keys`)
  // A few rotations are too few for a share.
  if (lost > Math.max(0.01 * sent, Math.min(3 * rotations, 30)))
    throw new Error(`${lost} of ${sent} pings were lost`)
  say(
    `vpn-wireguard: ${rotations} rotations, ${lost} of ${sent} pings lost (${((100 * lost) / sent).toFixed(3)} %), ` +
      `median ${took[took.length >> 1] ?? 0} ms a rotation, ${mismatches} handshakes with different keys`,
  )
})
