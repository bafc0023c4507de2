// Device profiles: what they are found by, what they change in what is written, and what a node teaches.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import etsi015 from "../../../plugins/etsi015/index.js"
import { profileFor, SHIPPED } from "../../../plugins/etsi015/profile.js"
import { QKDN } from "./scripted.js"
import { QkdError } from "../../../src/plugin/index.js"
import { loadNodeDriver } from "../../../src/plugin/load.js"
import {
  benchOf,
  closeBenches,
  driverWith,
  EVENTS,
  INTERLEAVE,
  LINK,
  NEIGHBOUR,
  phys,
  relay,
  ROLLBACK,
  RUNNING,
  wanted,
} from "./bench.js"

const capabilities = [RUNNING, ROLLBACK]
const heldLink = (status: string): string =>
  `<qkd_links><qkd_link><qkdl_id>${LINK}</qkdl_id><qkdl_status>${status}</qkdl_status>
   <qkdl_type>PHYS</qkdl_type></qkd_link></qkd_links>`

describe("a device profile", () => {
  afterEach(closeBenches)

  it("ships valid, under its file's name, with words for people", () => {
    assert.deepEqual([...SHIPPED.keys()].sort(), [
      "corrected",
      "keyloom",
      "netconfd",
      "official-lenient",
      "official-strict",
      "teraflow",
    ])
  })

  it("is found by what the node says of itself, and is the plain one where it says nothing", () => {
    const found = (capability: string): string => profileFor([RUNNING, capability]).name
    assert.equal(found("http://yuma123.org/ns/yuma123-system?module=yuma123-system"), "netconfd")
    assert.equal(found("urn:keyloom:yang:keyloom-node?module=keyloom-node&revision=1"), "keyloom")
    assert.equal(found("http://www.sysrepo.org/yang/sysrepo?module=sysrepo"), "official-strict")
    assert.equal(found("urn:acme:node?module=acme"), "official-lenient")
  })

  it("is named in the inventory with the driver, or lies in a file of the site", async () => {
    assert.equal((await loadNodeDriver("etsi015:teraflow")).name, "etsi015:teraflow")
    await assert.rejects(loadNodeDriver("etsi015:unheard-of"), { tag: "data-missing" })
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-profile-"))
    try {
      const file = path.join(dir, "acme.json")
      writeFileSync(file, JSON.stringify({ name: "acme-q7", omit: ["phys_wavelength"] }))
      assert.equal((await loadNodeDriver(`etsi015:${file}`)).name, `etsi015:${file}`)
      writeFileSync(file, JSON.stringify({ colour: "blue" }))
      await assert.rejects(loadNodeDriver(`etsi015:${file}`), { path: "/profile/colour" })
      writeFileSync(file, "{")
      await assert.rejects(loadNodeDriver(`etsi015:${file}`), { tag: "data-missing" })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it("keeps a node of another revision from being driven blindly", async () => {
    const announced = "urn:etsi:qkd:yang:etsi-qkd-node?module=etsi-qkd-sdn-node&revision=2020-09-30"
    await assert.rejects(benchOf({ capabilities: [...capabilities, announced] }, etsi015), {
      tag: "operation-not-supported",
    })
    const { connection } = await benchOf(
      { capabilities: [...capabilities, announced.replace("2020-09-30", "2022-01-30")] },
      etsi015,
    )
    assert.equal((await connection.read()).driven?.profile, "official-lenient")
  })

  it("leaves out at a strict server what no condition of the standard lets in, and refuses to relay there", async () => {
    const strict = driverWith({ when: "strict" })
    const { connection, edits } = await benchOf({ capabilities }, strict)
    await connection.apply(wanted)
    assert.match(edits[0] ?? "", /qkdl_type/)
    assert.doesNotMatch(edits[0] ?? "", /phys_/)
    await assert.rejects(connection.apply({ ...wanted, links: [phys, relay] }), {
      tag: "operation-not-supported",
    })
    assert.equal(edits.length, 1)
  })

  it("writes identities with the prefix that the node's conditions compare with, or bare", async () => {
    const written = async (profile: Readonly<Record<string, unknown>>): Promise<string> => {
      const { connection, edits } = await benchOf({ capabilities }, driverWith(profile))
      await connection.apply(wanted)
      return edits[0] ?? ""
    }
    assert.match(await written({}), /<qkdl_type>etsi-qkdn-types:PHYS</)
    assert.match(await written({ identityPrefix: "" }), /<qkdl_type>PHYS</)
    const module = await written({ identityPrefix: "etsi-qkd-node-types" })
    assert.match(module, /<phys_qkd_role>etsi-qkd-node-types:TRANSMITTER</)
    assert.match(module, /xmlns:etsi-qkd-node-types="urn:etsi:qkd:yang:etsi-qkd-node-types"/)
  })

  it("writes qkdl_status only where it says so: into new entries, or as it is held", async () => {
    let data = ""
    const script = { capabilities, data: () => data }
    const profile = { linkStatus: { onCreate: "OFF", keep: true } }
    const told = await benchOf(script, driverWith(profile))
    await told.connection.apply(wanted)
    assert.match(told.edits[0] ?? "", /<qkdl_status>etsi-qkdn-types:OFF</)
    data = heldLink("ACTIVE")
    const later = await benchOf(script, driverWith(profile))
    await later.connection.apply(wanted)
    assert.match(later.edits[0] ?? "", /operation="replace".*<qkdl_status>etsi-qkdn-types:ACTIVE</)
    const plain = await benchOf(script)
    await plain.connection.apply(wanted)
    assert.doesNotMatch(plain.edits[0] ?? "", /qkdl_status/)
  })

  it("has a node read again and again that never tells anything", async () => {
    const { connection, session } = await benchOf(
      { capabilities: [...capabilities, EVENTS, INTERLEAVE] },
      driverWith({ pollS: 1, notifications: false }),
    )
    assert.ok(!session.calls.includes("subscribe"))
    for await (const event of connection.events) {
      assert.deepEqual(event, { kind: "resync" })
      break
    }
  })

  it("narrows reads by subtree, by XPath or not at all", async () => {
    for (const [filter, expected] of [
      ["subtree", "get"],
      ["xpath", "get /n:qkd_node"],
      ["none", "get everything"],
    ] as const) {
      const { connection, session } = await benchOf({ capabilities }, driverWith({ filter }))
      await connection.read()
      assert.equal(session.calls.at(-1), expected)
    }
  })
})

describe("a node that refuses a leaf", () => {
  afterEach(closeBenches)

  const refusing = (
    leaf: string,
    tag: "unknown-element" | "invalid-value" = "unknown-element",
  ) => ({
    capabilities,
    edit: (_target: string, xml: string) => {
      if (!xml.includes(`<${leaf}`)) return
      throw new QkdError(tag, "no such leaf", { info: { "bad-element": leaf } })
    },
  })

  it("is written without it from then on where the leaf only describes, which is logged and shown", async () => {
    const { connection, edits, log } = await benchOf(refusing("phys_wavelength"))
    await connection.apply(wanted)
    assert.equal(edits.length, 2)
    assert.doesNotMatch(edits[1] ?? "", /phys_wavelength/)
    assert.match(edits[1] ?? "", /phys_qkd_role/)
    assert.ok(log.some((line) => line.includes("phys_wavelength")))
    assert.deepEqual((await connection.read()).driven?.leftOut, ["phys_wavelength", "keyloom-node"])
    await connection.apply({ ...wanted, links: [] })
    await connection.apply(wanted)
    assert.doesNotMatch(edits.at(-1) ?? "", /phys_wavelength/)
  })

  it("is not, where the leaf makes the path or sets a limit, whatever the profile says", async () => {
    const config = {
      ...wanted,
      links: [phys, relay],
    }
    for (const leaf of ["virt_next_hop", "qkdl_type", "qkdl_enable", "qkdl_remote"]) {
      const { connection, edits } = await benchOf(refusing(leaf))
      await assert.rejects(connection.apply(config), { tag: "unknown-element" })
      assert.equal(edits.length, 1, leaf)
    }
  })

  it("is not, where it refuses the value and not the leaf, or where the profile forbids to learn", async () => {
    const value = await benchOf(refusing("phys_wavelength", "invalid-value"))
    await assert.rejects(value.connection.apply(wanted), { tag: "invalid-value" })
    const firm = await benchOf(refusing("phys_wavelength"), driverWith({ learn: false }))
    await assert.rejects(firm.connection.apply(wanted), { tag: "unknown-element" })
    assert.equal(firm.edits.length, 1)
  })
})

describe("a node that says ok and does something else", () => {
  afterEach(closeBenches)

  const linkXml = (inside: string): string =>
    `<qkd_links><qkd_link><qkdl_id>${LINK}</qkdl_id><qkdl_local><qkdn_id>${QKDN}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_local>
     <qkdl_remote><qkdn_id>${NEIGHBOUR}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_remote><qkdl_type>PHYS</qkdl_type>${inside}</qkd_link></qkd_links>`
  const role = "<phys_qkd_role>TRANSMITTER</phys_qkd_role>"

  it("is caught by reading back, put back as it was, and not taken for done", async () => {
    let data = ""
    const { connection, edits } = await benchOf(
      {
        capabilities,
        data: () => data,
        edit: (_target, xml) => {
          data = xml.includes("delete") ? "" : linkXml(role).replace(NEIGHBOUR, QKDN)
        },
      },
      etsi015,
    )
    await assert.rejects(connection.apply(wanted), { tag: "operation-failed" })
    assert.match(edits[1] ?? "", /operation="delete"/)
    assert.equal(data, "")
  })

  it("is left alone where it drops a leaf that only describes, which is written no more", async () => {
    let data = ""
    const { connection, edits } = await benchOf(
      {
        capabilities,
        data: () => data,
        edit: () => {
          data = linkXml(role)
        },
      },
      etsi015,
    )
    await connection.apply(wanted)
    assert.deepEqual((await connection.read()).driven?.leftOut, ["phys_wavelength", "keyloom-node"])
    await connection.apply(wanted)
    assert.equal(edits.length, 1)
  })
})
