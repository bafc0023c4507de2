// The node's own configuration: complete, strict, frozen.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { readConfig } from "../../src/config.js"
import { NODE_CONFIG_MODULES, readNodeConfig } from "../../src/node/config.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { SELF } from "./agent-fixtures.js"

const sources = loadYangFiles(NODE_CONFIG_MODULES)

const file = {
  qkdn_id: SELF,
  name: "Site A",
  dir: "state",
  sealing_key_file: "/media/usb/sealing.key",
  policy: { file: "policy.json", signer: ["MCowBQ=="], threshold: 1 },
  netconf: {
    port: 0,
    host_key_file: "host.ssh",
    user: [
      { name: "controller", public_key: ["ssh-ed25519 AAAA"] },
      { name: "ada", public_key: ["ssh-ed25519 BBBB"], group: ["observer", "admin"] },
    ],
  },
  etsi014: { host: "10.0.0.1", port: 443, cert_file: "c", key_file: "k", ca_file: "ca" },
  relay: {
    port: 7000,
    cert_file: "c",
    key_file: "k",
    signing_key_file: "s",
    advertised_host: "a.example",
  },
  module: [{ qkdi_id: 3, driver: "simulated", options: { fibreId: "f1", plantPort: 4000 } }],
}

function read(members: object): ReturnType<typeof readNodeConfig> {
  return readNodeConfig(
    sources,
    JSON.stringify({ "keyloom-node-config:node": members }),
    "/etc/keyloom",
  )
}

const { sealing_key_file: _, ...sealless } = file

function refused(members: object): QkdError {
  try {
    read(members)
  } catch (error) {
    assert.ok(error instanceof QkdError, String(error))
    return error
  }
  return assert.fail("it was accepted")
}

describe("a node's configuration file", () => {
  it("has as many outlets as it says, none where it says nothing", () => {
    assert.equal(read(file).etsi014.outlets, 0)
    assert.equal(read({ ...file, etsi014: { ...file.etsi014, outlets: 2 } }).etsi014.outlets, 2)
    for (const outlets of [-1, 65, 1.5, "2", null]) {
      const fault = refused({ ...file, etsi014: { ...file.etsi014, outlets } })
      assert.match(fault.path ?? "", /etsi014\/outlets/)
    }
  })

  it("N8: names the site's networks, and lets no face listen outside them", () => {
    assert.equal(read(file).siteNetworks, undefined)
    const networks = { site_networks: ["10.0.0.0/24", "2001:db8::/32"] }
    const { siteNetworks } = read({ ...file, ...networks })
    assert.deepEqual(
      ["10.0.0.200", "10.0.1.1", "127.0.0.1"].map((address) => siteNetworks?.has(address)),
      [true, false, true],
    )
    for (const host of ["192.0.2.1", "2001:db9::1"]) {
      const error = refused({ ...file, ...networks, etsi014: { ...file.etsi014, host } })
      assert.match(error.message, /outside site_networks/)
      assert.equal(error.path, "/keyloom-node-config:node/etsi014/host")
      const streams = { ...file.etsi014, host }
      assert.equal(
        refused({ ...file, ...networks, etsi004: streams }).path,
        "/keyloom-node-config:node/etsi004/host",
      )
    }
    // All of the host's addresses: callers are judged one by one.
    read({ ...file, ...networks, etsi014: { ...file.etsi014, host: "0.0.0.0" } })
    assert.equal(refused({ ...file, site_networks: ["10.0.0.0/33"] }).tag, "invalid-value")
  })

  it("names one place for the sealing key: a file, a credential, a variable or a token", () => {
    assert.deepEqual(read({ ...sealless, sealing_key_credential: "keyloom-seal" }).sealingKey, {
      kind: "credential",
      name: "keyloom-seal",
    })
    assert.deepEqual(read({ ...sealless, sealing_key_variable: "SEAL" }).sealingKey, {
      kind: "variable",
      name: "SEAL",
    })
    const token = { library: "/usr/lib/p11.so", label: "vault", pin_file: "pin" }
    assert.deepEqual(read({ ...sealless, sealing_key_token: token }).sealingKey, {
      ...{ kind: "token", qkdnId: SELF, library: "/usr/lib/p11.so", label: "vault" },
      pin: { kind: "file", file: "/etc/keyloom/pin" },
      keyFile: "/etc/keyloom/state/sealing-key.json",
    })
    const { pin_file: __, ...pinless } = token
    const other = { ...pinless, pin_credential: "token-pin", key_file: "/mnt/key.json" }
    assert.deepEqual(read({ ...sealless, sealing_key_token: other }).sealingKey, {
      ...{ kind: "token", qkdnId: SELF, library: "/usr/lib/p11.so", label: "vault" },
      pin: { kind: "credential", name: "token-pin" },
      keyFile: "/mnt/key.json",
    })
    for (const wrong of [pinless, { ...other, pin_file: "pin" }, { ...token, label: "" }, {}])
      refused({ ...sealless, sealing_key_token: wrong })
    refused({ ...file, sealing_key_token: token })
    refused(sealless)
    refused({ ...file, sealing_key_variable: "SEAL" })
    // Not out of the folder that systemd made for it.
    for (const name of ["..", ".", "../other", "a/b", ""])
      refused({ ...sealless, sealing_key_credential: name })
  })

  it("becomes native settings: defaults filled in, files found from its folder", () => {
    const settings = read(file)
    assert.equal(settings.qkdnId, SELF)
    assert.equal(settings.dir, "/etc/keyloom/state")
    assert.deepEqual(settings.sealingKey, { kind: "file", file: "/media/usb/sealing.key" })
    assert.equal(settings.auditFile, "/etc/keyloom/state/audit.log")
    assert.equal(settings.statisticsPeriodS, 60)
    assert.equal(settings.requestTimeoutMs, 5000)
    assert.deepEqual(settings.policy, {
      file: "/etc/keyloom/policy.json",
      signers: ["MCowBQ=="],
      threshold: 1,
    })
    assert.equal(settings.netconf.host, "127.0.0.1")
    assert.deepEqual(settings.netconf.users, [
      { name: "controller", publicKeys: ["ssh-ed25519 AAAA"], groups: ["controller"] },
      { name: "ada", publicKeys: ["ssh-ed25519 BBBB"], groups: ["admin", "observer"] },
    ])
    assert.equal(settings.etsi014.host, "10.0.0.1")
    assert.equal(settings.relay.advertisedHost, "a.example")
    assert.deepEqual(settings.modules, [
      {
        qkdiId: 3,
        driver: "simulated",
        process: "own",
        options: { fibreId: "f1", plantPort: 4000 },
      },
    ])
  })

  it("lets link key become as old as it says, on single links otherwise, and however old where it says nothing", () => {
    assert.deepEqual(read(file).linkKey, { maxAgeMs: Infinity, linkMaxAgeMs: new Map() })
    const link = { qkdl_id: SELF, max_age_s: 60 }
    assert.deepEqual(read({ ...file, link_key: { max_age_s: 3600, link: [link] } }).linkKey, {
      maxAgeMs: 3_600_000,
      linkMaxAgeMs: new Map([[SELF, 60_000]]),
    })
    for (const wrong of [{ max_age_s: 9 }, { max_age_s: "soon" }, { max_age: 60 }])
      refused({ ...file, link_key: wrong })
    refused({ ...file, link_key: { link: [{ qkdl_id: SELF }] } })
  })

  it("serves SKIP only where it is asked for, to any system where none is named", () => {
    assert.equal(read(file).skip, undefined)
    const skip = { port: 9443, cert_file: "c", key_file: "k", ca_file: "ca" }
    assert.deepEqual(read({ ...file, skip }).skip, {
      host: "127.0.0.1",
      port: 9443,
      certFile: "/etc/keyloom/c",
      keyFile: "/etc/keyloom/k",
      caFile: "/etc/keyloom/ca",
      remoteSystems: ["*"],
    })
    const named = { ...skip, remote_system: ["branch-*", "hq"] }
    assert.deepEqual(read({ ...file, skip: named }).skip?.remoteSystems, ["branch-*", "hq"])
    const psk = { ...skip, psk_file: "psk.txt" }
    assert.equal(read({ ...file, skip: psk }).skip?.pskFile, "/etc/keyloom/psk.txt")
    refused({ ...file, skip: { port: 9443 } })
  })

  it("delivers key streams where the file says where, and not else", () => {
    assert.equal(read(file).etsi004, undefined)
    const etsi004 = { port: 8004, cert_file: "c", key_file: "k", ca_file: "ca", crl_file: "crl" }
    assert.deepEqual(read({ ...file, etsi004 }).etsi004, {
      host: "127.0.0.1",
      port: 8004,
      certFile: "/etc/keyloom/c",
      keyFile: "/etc/keyloom/k",
      caFile: "/etc/keyloom/ca",
      crlFile: "/etc/keyloom/crl",
    })
    refused({ ...file, etsi004: { port: 8004 } })
    refused({ ...file, etsi004: { ...etsi004, streams: 1 } })
  })

  it("deals with neighbouring domains only where it is asked to", () => {
    assert.equal(read(file).etsi020, undefined)
    const etsi020 = { port: 8443, cert_file: "c", key_file: "k", ca_file: "ca" }
    const settings = read({ ...file, etsi020 }).etsi020
    assert.deepEqual([settings?.mode, settings?.timeoutMs], ["asynchronous", 2500])
    assert.equal(settings?.certFile, "/etc/keyloom/c")
    const more = { ...etsi020, mode: "synchronous", url: "https://a.example", timeout_ms: 500 }
    const other = read({ ...file, etsi020: more }).etsi020
    assert.deepEqual(
      [other?.mode, other?.url, other?.timeoutMs],
      ["synchronous", "https://a.example", 500],
    )
    refused({ ...file, etsi020: { ...etsi020, mode: "both" } })
  })

  it("says how NETCONF is served over TLS, and which managers are called", () => {
    const fingerprint = `04:${"ab:".repeat(31)}ab`
    const tls = {
      ...{ port: 6513, cert_file: "c", key_file: "k", ca_file: "/ca", crl_file: "revoked" },
      "cert-to-name": [
        { id: 2, fingerprint, "map-type": "ietf-x509-cert-to-name:specified", name: "ada" },
        { id: 7, fingerprint, "map-type": "ietf-x509-cert-to-name:san-any" },
      ],
    }
    const call_home = [
      { name: "first", host: "manager.example" },
      { name: "second", host: "192.0.2.1", transport: "tls", port: 9, period_s: 60, idle_s: 30 },
    ]
    const { netconf } = read({ ...file, netconf: { ...file.netconf, tls, call_home } })
    assert.deepEqual(netconf.tls, {
      ...{ host: "127.0.0.1", port: 6513, tls12: false },
      ...{ certFile: "/etc/keyloom/c", keyFile: "/etc/keyloom/k", caFile: "/ca" },
      crlFile: "/etc/keyloom/revoked",
      certToName: [
        { id: 2, fingerprint, mapType: "specified", name: "ada" },
        { id: 7, fingerprint, mapType: "san-any" },
      ],
    })
    assert.deepEqual(netconf.callHome, [
      { name: "first", transport: "ssh", host: "manager.example", port: 4334 },
      {
        ...{ name: "second", transport: "tls", host: "192.0.2.1", port: 9 },
        ...{ periodMs: 60_000, idleMs: 30_000 },
      },
    ])
    const sha1 = {
      ...tls,
      "cert-to-name": [
        {
          id: 1,
          fingerprint: `02:${"ab:".repeat(19)}ab`,
          "map-type": "ietf-x509-cert-to-name:san-any",
        },
      ],
    }
    assert.equal(refused({ ...file, netconf: { ...file.netconf, tls: sha1 } }).tag, "invalid-value")
    const alone = refused({ ...file, netconf: { ...file.netconf, call_home } })
    assert.match(alone.message, /takes the tls container/)
  })

  it("is frozen once read", () => {
    const data = readConfig(sources, "keyloom-node-config:node", JSON.stringify({ node: file }))
    assert.ok(Object.isFrozen(data) && Object.isFrozen(data["policy"]))
  })

  it("is refused with its path when something is unknown, missing, wrong or broken", () => {
    assert.match(refused({ ...file, colour: "red" }).path ?? "", /colour/)
    assert.equal(refused({ ...file, colour: "red" }).tag, "unknown-element")
    assert.match(refused({ ...file, qkdn_id: "seven" }).path ?? "", /qkdn_id/)
    const { dir: _, ...noDir } = file
    const missing = refused(noDir)
    assert.match(missing.message + (missing.path ?? ""), /dir/)
    assert.match(
      refused({ ...file, netconf: { ...file.netconf, port: 70_000 } }).path ?? "",
      /port/,
    )
    assert.match(
      refused({ ...file, policy: { ...file.policy, threshold: 0 } }).path ?? "",
      /threshold/,
    )
    assert.throws(() => readNodeConfig(sources, "{", "/"), QkdError)
    assert.throws(() => readNodeConfig(sources, "{}", "/"), QkdError)
    assert.throws(() => readNodeConfig(sources, '{"node":{},"node":{}}', "/"), QkdError)
  })
})
