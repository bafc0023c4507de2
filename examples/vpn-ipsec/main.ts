// An IPsec VPN on QKD keys, on one machine: `npm run example:vpn-ipsec [-- --rotations 100]`. The demo network makes
// the keys; two strongSwan gateways in network namespaces of their own use them.

import path from "node:path"
import { IpsecLab } from "../lab/ipsec-lab.js"
import { DemoNetwork } from "../lab/key-managers.js"
import { whyNoLab } from "../lab/namespaces.js"
import { readArguments, runExample, say } from "../lab/tell.js"
import { Capture, mayLose, Pings, reaches } from "../lab/traffic.js"

const SAES = ["sae-Windhof", "sae-Betzdorf"] as const
const { rotations, hybrid } = readArguments()

await runExample(whyNoLab(["charon-systemd", "swanctl"]), async (dir, later) => {
  say("1. A QKD network of three sites starts on this machine (simulated QKD modules).")
  const demo = await DemoNetwork.start(path.join(dir, "demo"))
  later(() => demo.stop())

  say("2. Two gateways: network namespaces, joined by one wire, strongSwan in each.")
  say("   A rule at each drops whatever would leave for the other's network outside the tunnel.")
  const lab = await IpsecLab.start({
    dir,
    access: [demo.access(SAES[0]), demo.access(SAES[1])],
    terms: { interval_s: 1, policy: "required", hybrid },
  })
  later(() => lab.stop())
  const { a, b } = lab.namespaces
  say(`   Before there is a key: ${(await reaches(a, b)) ? "traffic passes!" : "nothing passes."}`)

  say(
    `3. keyloom consumer ipsec starts at both: a QKD key${hybrid ? ", mixed with ML-KEM-768," : ""} becomes the tunnel's PPK (RFC 8784).`,
  )
  const capture = await Capture.start(a, path.join(dir, "wire.pcap"))
  lab.consumer.b.start()
  lab.consumer.a.start()
  await lab.consumer.a.is((status) => status.rotations >= 1, "the first key", 60_000)
  say(`   With the first key: ${(await reaches(a, b)) ? "traffic passes." : "nothing passes!"}`)
  const listed = await lab.charon.b.swanctl("--list-sas")
  const suite = listed.split("\n").find((line) => line.includes("PPK"))
  if (suite === undefined) throw new Error(`no PPK in use:\n${listed}`)
  say(`   swanctl --list-sas at the far gateway: ${suite.trim()}`)

  say(`4. ${rotations} more keys, one a second, while pings run 200 times a second.`)
  const pings = new Pings(a, b, 5)
  const from = (await lab.consumer.a.status())?.rotations ?? 0
  await lab.consumer.a.is(
    (status) => status.rotations >= from + rotations,
    `${rotations} rotations`,
    60_000 + 5000 * rotations,
  )
  const { sent, lost } = await pings.stop()
  await capture.stop()
  const took = [...lab.consumer.a.log.matchAll(/"tookMs":(\d+)/g)]
    .map(([, ms]) => Number(ms))
    .sort((x, y) => x - y)
  const [ike, all, bare] = [
    await capture.count("udp port 500 or udp port 4500"),
    await capture.count("not arp"),
    await capture.count(`net ${a.network} or net ${b.network}`),
  ]
  say(
    `5. On the wire: ${all} packets, ${ike} of them IKE and ESP in UDP, ${bare} bare ones of the networks behind.`,
  )
  if (ike !== all || bare !== 0) throw new Error("something else than IKE and ESP was on the wire")
  if (lost > mayLose(sent, rotations, 0.005)) throw new Error(`${lost} of ${sent} pings were lost`)
  say(
    `vpn-ipsec: ${rotations} rotations, ${lost} of ${sent} pings lost (${((100 * lost) / sent).toFixed(3)} %), ` +
      `median ${took[took.length >> 1] ?? 0} ms a rotation, ${all - ike} packets outside the tunnel`,
  )
})
