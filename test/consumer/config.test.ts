// The consumers' configuration files: what an administrator writes, and what he is told when it is wrong.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import {
  CONSUMER_CONFIG_MODULES,
  readIpsecConfig,
  readWireguardConfig,
} from "../../src/consumer/config.js"
import { QkdError } from "../../src/errors.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { freshDir, removeDir, root } from "../support/demo.js"

const sources = loadYangFiles(CONSUMER_CONFIG_MODULES)
const files = { cert_file: "c.pem", key_file: "/etc/k.pem", ca_file: "ca.pem" }
const tunnel = {
  name: "lab",
  role: "initiator",
  dir: "state",
  sae_id: "gate-a",
  peer_sae_id: "gate-b",
  kme: { host: "kme.example", ...files },
  id_channel: { host: "192.0.2.2", port: 7443, ...files },
}
const ipsec = {
  ...tunnel,
  connection: {
    local_address: ["192.0.2.1"],
    remote_address: ["192.0.2.2"],
    local: { id: "a" },
    remote: { id: "b" },
    child: [{ name: "net", local_ts: ["10.1.0.0/16"], remote_ts: ["10.2.0.0/16"] }],
  },
}
const wireguard = {
  ...tunnel,
  interface: "wg0",
  peer: {
    public_key: "whCMtGjkqv2OUuswjKBWFTYDlyhIi1l+wO39PKwy/Gs=",
    endpoint: "192.0.2.2:51820",
    allowed_ip: ["10.2.0.0/16"],
  },
}

function told(error: unknown): string {
  assert.ok(error instanceof QkdError)
  return `${error.path ?? ""} ${error.message}`
}

describe("a consumer's configuration", () => {
  it("is safe where nothing is said: a key is required, and the peer's name is its SAE id", () => {
    const read = readIpsecConfig(sources, JSON.stringify({ ipsec }), "/etc/keyloom")
    assert.equal(read.tunnel.policy, "required")
    assert.equal(read.tunnel.intervalMs, 100_000)
    assert.equal(read.tunnel.idChannel.peerName, "gate-b")
    assert.equal(read.tunnel.kme.certFile, "/etc/keyloom/c.pem")
    assert.equal(read.tunnel.kme.keyFile, "/etc/k.pem")
    assert.equal(read.tunnel.kme.crlFile, undefined)
    const revoking = { ...ipsec, kme: { ...ipsec.kme, crl_file: "revoked.pem" } }
    assert.equal(
      readIpsecConfig(sources, JSON.stringify({ ipsec: revoking }), "/etc/keyloom").tunnel.kme
        .crlFile,
      "/etc/keyloom/revoked.pem",
    )
    assert.equal(read.tunnel.kme.port, 443)
    assert.equal(read.viciSocket, "/var/run/charon.vici")
    assert.equal(read.connection.local.auth, "pubkey")
    const other = readWireguardConfig(sources, JSON.stringify({ wireguard }), "/etc/keyloom")
    assert.deepEqual(other.device, { kind: "wg" })
    assert.equal(other.peer.keepaliveS, 25)
  })

  const faults: [string, object, RegExp][] = [
    ["an unknown member", { ...ipsec, colour: "red" }, /colour/],
    ["an unknown policy", { ...ipsec, policy: "maybe" }, /policy/],
    ["no other end", { ...ipsec, peer_sae_id: undefined }, /peer_sae_id/],
    ["itself as the other end", { ...ipsec, peer_sae_id: "gate-a" }, /another SAE/],
    ["no children", { ...ipsec, connection: { ...ipsec.connection, child: [] } }, /child/],
    ["a name that charon's ids cannot have", { ...ipsec, name: "a b" }, /name/],
    ["an interval of nothing", { ...ipsec, interval_s: 0 }, /interval_s/],
  ]
  for (const [what, members, words] of faults)
    it(`is refused with ${what}, by its path`, () => {
      assert.throws(
        () => readIpsecConfig(sources, JSON.stringify({ ipsec: members }), "/"),
        (error: unknown) => words.test(told(error)),
      )
    })

  it("is refused with a WireGuard key that is none", () => {
    const peer = { ...wireguard.peer, public_key: "abc" }
    assert.throws(
      () =>
        readWireguardConfig(sources, JSON.stringify({ wireguard: { ...wireguard, peer } }), "/"),
      (error: unknown) => told(error).includes("public_key"),
    )
  })

  it("ends the program with status 2 and one line that names file and fault", async () => {
    const dir = freshDir()
    const file = path.join(dir, "vpn.json")
    writeFileSync(file, JSON.stringify({ ipsec: { ...ipsec, policy: "maybe" } }))
    const args = ["--import", "tsx", "src/main.ts", "consumer", "ipsec", "--config", file]
    await assert.rejects(
      promisify(execFile)(process.execPath, args, { cwd: root }),
      (error: unknown) => {
        const { code, stderr } = error as { code: number; stderr: string }
        assert.equal(code, 2)
        assert.match(stderr, /^keyloom: .*vpn\.json: .*policy.*\n$/)
        return true
      },
    )
    removeDir(dir)
  })
})
