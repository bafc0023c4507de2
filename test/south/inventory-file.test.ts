// How an inventory file says that a node is reached: called or calling, over SSH or TLS.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { readInventory } from "../../src/cli/inventory.js"
import { QkdError } from "../../src/errors.js"
import { Reader } from "../../src/model/etsi015-values.js"
import type { NodeTarget } from "../../src/model/network.js"
import { targetFromData, targetToData } from "../../src/model/node-target.js"
import { SELF } from "../node/agent-fixtures.js"

const FINGERPRINT = `SHA256:${"A".repeat(43)}`
const ssh = { username: "u", private_key_file: "/k", host_key_fingerprint: FINGERPRINT }
const key = { server_key_sha256: "ab".repeat(32) }
const files = { cert_file: "/c", key_file: "/k", ca_file: "/a" }

describe("a node in the inventory", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-inventory-"))
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  function target(how: object): NodeTarget {
    const file = path.join(dir, "inventory.json")
    const node = [{ qkdn_id: SELF, name: "a", ...how }]
    writeFileSync(file, JSON.stringify({ "keyloom-controller-config:inventory": { node } }))
    const [found] = readInventory(file).nodes
    assert(found)
    return found.target
  }

  const ways: readonly (readonly [string, object, Partial<NodeTarget>])[] = [
    ["is called over SSH", { host: "h", ...ssh }, { host: "h", port: 830, username: "u" }],
    ["calls home over SSH", { call_home: true, ...ssh }, { host: "", callHome: true }],
    [
      "is called over TLS",
      { host: "h", port: 6513, tls: { ...files, ...key } },
      {
        host: "h",
        username: "",
        tls: {
          certFile: "/c",
          keyFile: "/k",
          caFile: "/a",
          serverKeySha256: key.server_key_sha256,
        },
      },
    ],
    [
      "calls home over TLS",
      { call_home: true, tls: key },
      {
        callHome: true,
        tls: { certFile: "", keyFile: "", caFile: "", serverKeySha256: key.server_key_sha256 },
      },
    ],
  ]
  for (const [what, how, expected] of ways)
    it(`${what}, and the network's own model says the same`, () => {
      const found = target(how)
      for (const [name, value] of Object.entries(expected))
        assert.deepEqual(Reflect.get(found, name), value, name)
      const back = targetFromData(new Reader(targetToData(found), "/", "keyloom-network"))
      assert.deepEqual(back, found)
    })

  it("is refused when it says too little", () => {
    for (const how of [
      { ...ssh },
      { host: "h" },
      { host: "h", username: "u", private_key_file: "/k" },
      { host: "h", tls: key },
      { call_home: true, tls: files },
    ])
      assert.throws(() => target(how), QkdError, JSON.stringify(how))
  })
})
