// Rate profiles of links through the YANG tree: set, changed pass by pass, forgotten and read over NETCONF, with the checks and
// effects that they have over REST.

import assert from "node:assert/strict"
import { NetworkConfig } from "../../src/model/keyloom-network.js"
import { childrenOf, textOf } from "../../src/yang/xml-tree.js"
import { refused } from "../errors-helper.js"
import { all, linkId, linksXml, Site, text } from "./network-site.js"
import { MAINTENANCE_NS, profileXml } from "./network-windows.js"

const MINUTE = 60_000
const LINKS =
  "/keyloom-network:qkd_network/keyloom-network:qkd_links/keyloom-network:qkd_phys_links"
const LINK = `${LINKS}/keyloom-network:phys_link[keyloom-network:phys_link_id='${linkId("ab")}']`
const PROFILE = `${LINK}/keyloom-maintenance:rate_profile`
const REMOVE = `xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"`

describe("rates that are known beforehand in the YANG tree", () => {
  let site: Site
  let client: Awaited<ReturnType<Site["login"]>>

  beforeEach(async () => {
    site = await Site.open()
    client = await site.login()
  })

  const at = (minutes: number): string => new Date(site.bench.now + minutes * MINUTE).toISOString()
  const known = (): unknown => site.bench.controller.network().links.get(linkId("ab"))?.rateProfile
  const edit = (inner: string): Promise<unknown> =>
    client.editConfig("running", linksXml(profileXml("ab", inner)))
  const rate = (minutes: number, skr: number, attributes = ""): string =>
    `<rate ${attributes}><at>${at(minutes)}</at><skr>${skr}</skr></rate>`
  const assertOneTruth = (): void => {
    const { ["ietf-netconf-acm:nacm"]: _rules, ...running } = site.netconf.server.datastore.running
    assert.deepEqual(running, new NetworkConfig(site.bench.controller.network()).data())
  }

  it("are set pass by pass, in any order, and stand in order of time", async () => {
    await edit(`${rate(20, 0)}${rate(10, 40_000)}<repeat>86400</repeat>`)
    assertOneTruth()
    const first = [
      { at: at(10), skrBps: 40_000 },
      { at: at(20), skrBps: 0 },
    ]
    assert.deepEqual(known(), { profile: first, repeatS: 86_400 })
    await edit(`${rate(5, 7)}${rate(20, 9)}`)
    assertOneTruth()
    assert.deepEqual(known(), {
      profile: [{ at: at(5), skrBps: 7 }, first[0], { at: at(20), skrBps: 9 }],
      repeatS: 86_400,
    })
    await edit(rate(5, 7, REMOVE))
    const [profile] = all("rate_profile", await client.getConfig("running"))
    assert.deepEqual(
      childrenOf(profile ?? assert.fail()).map(
        (one) => childrenOf(one).map(textOf).join(" ") || textOf(one),
      ),
      [`${at(10)} 40000`, `${at(20)} 9`, "86400"],
    )
  })

  it("put a link to rest as they do over REST, are told by its state, and are forgotten", async () => {
    await edit(`${rate(0, 0)}${rate(10, 40_000)}`)
    await site.status("ab", "OFF")
    const data = await client.get()
    const [rests] = all("rests", data)
    assert.equal(text("until", [rests ?? assert.fail()]), at(10))
    assert.deepEqual(all("alarm", data), [])
    await client.editConfig(
      "running",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ab")}</phys_link_id><rate_profile xmlns="${MAINTENANCE_NS}" ${REMOVE}/></phys_link>`,
      ),
    )
    assert.equal(known(), undefined)
    assert.equal(text("alarm_type", await client.get()), "link-down")
    assertOneTruth()
  })

  it("are one order with what else is said of the link, and leave the rest of it alone", async () => {
    const before = site.bench.controller.network().links.get(linkId("ab")) ?? assert.fail()
    await client.editConfig(
      "running",
      linksXml(
        profileXml("ab", rate(10, 5)).replace("<rate_profile", "<name>pass</name><rate_profile"),
      ),
    )
    const { rateProfile, name, ...rest } =
      site.bench.controller.network().links.get(linkId("ab")) ?? assert.fail()
    const { name: _name, ...old } = before
    assert.deepEqual([name, rest], ["pass", old])
    assert.deepEqual(rateProfile, { profile: [{ at: at(10), skrBps: 5 }] })
    assertOneTruth()
  })

  it("that come over REST show in the form of the tree, and stay as they were written", async () => {
    const profile = { profile: [{ at: "2026-12-01t21:00:00z", skrBps: 5 }], repeatS: 60 }
    const qkdlId = linkId("ab")
    await site.gate.submit({ kind: "rate-profile-set", qkdlId, profile })
    const shown = await client.getConfig("running")
    assert.deepEqual([text("at", shown), text("skr", shown)], ["2026-12-01T21:00:00.000Z", "5"])
    await client.editConfig(
      "running",
      linksXml(`<phys_link><phys_link_id>${qkdlId}</phys_link_id><name>east</name></phys_link>`),
    )
    assert.deepEqual(known(), profile, "a change of the name is none of the rates")
    assertOneTruth()
  })

  it("that cannot be are refused with their place", async () => {
    const twice = `<rate><at>${at(10).replace("Z", "+00:00")}</at><skr>1</skr></rate>${rate(10, 2)}`
    for (const [inner, tag, path] of [
      [
        twice,
        "invalid-value",
        `${PROFILE}/keyloom-maintenance:rate[keyloom-maintenance:at='${at(10)}']/keyloom-maintenance:at`,
      ],
      [
        `${rate(0, 1)}${rate(9, 2)}<repeat>540</repeat>`,
        "invalid-value",
        `${PROFILE}/keyloom-maintenance:repeat`,
      ],
      [`${rate(0, 1)}<repeat>59</repeat>`, "invalid-value", "/keyloom-network:qkd_network"],
      ["<repeat>86400</repeat>", "operation-failed", "/keyloom-network:qkd_network"],
      ["<rate><at>noon</at><skr>1</skr></rate>", "invalid-value", "/keyloom-network:qkd_network"],
      [`<rate><at>${at(1)}</at></rate>`, "data-missing", "/keyloom-network:qkd_network"],
    ] as const) {
      const error = await refused(edit(inner))
      assert.equal(error.tag, tag, `${inner}: ${error.message}`)
      assert.ok(error.path?.startsWith(path), `${error.path} is not ${path}`)
      assert.equal(known(), undefined)
    }
  })
})
