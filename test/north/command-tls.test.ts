// `keyloom controller` over HTTPS, as its configuration file says: curl with client certificates and with a token, and
// a certificate that is revoked while the command runs.

import assert from "node:assert/strict"
import { execFile, spawn, type ChildProcess } from "node:child_process"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { certificateFingerprint } from "../../src/transport/certificate-names.js"
import { generateSshKey } from "../../src/transport/ssh-keys.js"
import { root } from "../support/demo.js"
import { CertificateFolder } from "../transport/tls-fixture.js"

const run = promisify(execFile)
const TOKEN = "a-token-of-thirty-two-characters"
const NODE = "aaaaaaaa-0000-4000-8000-000000000001"

describe("the controller's command over HTTPS", function () {
  this.timeout(180_000)
  const folder = new CertificateFolder()
  let child: ChildProcess | undefined
  let said = ""
  let url = ""

  async function heard(what: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + 60_000
    for (;;) {
      const found = what.exec(said)
      if (found !== null) return found
      assert(Date.now() < deadline && child?.exitCode === null, `${String(what)} in: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  before(async () => {
    for (const name of ["operators", "nodes"]) folder.authority(name)
    folder.certificate("server", "nodes", "/CN=controller", "IP:127.0.0.1")
    for (const name of ["ada", "vera", "nobody"])
      folder.certificate(name, "operators", `/CN=${name}`)
    folder.revoke("operators", [])
    writeFileSync(folder.file("host.ssh"), generateSshKey().privateKey, { mode: 0o600 })
    const fingerprint = certificateFingerprint(folder.pem("operators.pem"))
    const entry = { id: 1, fingerprint, "map-type": "ietf-x509-cert-to-name:common-name" }
    const tls = { cert_file: "server.pem", key_file: "server.key", ca_file: "operators.pem" }
    const controller = {
      store_dir: "store",
      http: { port: 0, tls: { ...tls, crl_file: "operators.crl", "cert-to-name": [entry] } },
      token: [
        { name: "t", sha256: createHash("sha256").update(TOKEN).digest("hex"), role: "observer" },
      ],
      reoptimise: { enabled: true, period_s: 10, hold_off_s: 0, max_moves: 5, least_gain: "0.5" },
      netconf: {
        ...{ port: 0, host_key_file: "host.ssh" },
        user: [
          { name: "ada", role: "operator", public_key: [generateSshKey().publicKey] },
          { name: "vera", role: "observer", public_key: [generateSshKey().publicKey] },
        ],
      },
    }
    writeFileSync(folder.file("controller.json"), JSON.stringify({ controller }))
    child = spawn(
      process.execPath,
      ["--import=tsx", "src/main.ts", "controller", "--config", folder.file("controller.json")],
      { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
    )
    child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")))
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")))
    url = (await heard(/https:\/\/127\.0\.0\.1:\d+/))[0]
  })
  after(async () => {
    if (child?.exitCode === null) {
      const ended = new Promise((resolve) => child?.once("close", resolve))
      child.kill("SIGTERM")
      await ended
    }
    folder.remove()
  })

  /** The status of a request, asked as the user of a certificate. */
  async function status(name: string | undefined, ...words: readonly string[]): Promise<number> {
    const certificate =
      name === undefined
        ? []
        : ["--cert", folder.file(`${name}.pem`), "--key", folder.file(`${name}.key`)]
    const fixed = ["-sS", "-m", "30", "-o", path.join(folder.dir, "body"), "-w", "%{http_code}"]
    const server = ["--cacert", folder.file("nodes.pem")]
    return Number((await run("curl", [...fixed, ...server, ...certificate, ...words])).stdout)
  }

  const data = (): string => `${url}/restconf/data/keyloom-network:qkd_network`
  const order = (): string[] => [
    ...["-X", "PUT", "-H", "Content-Type: application/yang-data+json"],
    ...["-d", JSON.stringify({ "keyloom-network:qkd_node": [NEW_NODE] })],
    `${data()}/qkd_nodes/qkd_node=${NODE}`,
  ]
  const NEW_NODE = {
    qkdn_id: NODE,
    name: "Esch",
    enabled: false,
    management: {
      host: "192.0.2.1",
      username: "controller",
      private_key_file: "/etc/keyloom/esch.ssh",
      host_key_fingerprint: `SHA256:${"A".repeat(43)}`,
    },
  }

  it("makes the bearer of a certificate the user of that name, in his role, and others nobody", async () => {
    assert.equal(await status("vera", data()), 200)
    assert.equal(await status("vera", ...order()), 403)
    assert.equal(await status("ada", ...order()), 201, folder.pem("body"))
    assert.equal(await status("vera", `${data()}/qkd_nodes/qkd_node=${NODE}/name`), 200)
    assert.match(folder.pem("body"), /Esch/)
    for (const name of ["nobody", undefined]) assert.equal(await status(name, data()), 401)
  })

  it("takes tokens too, here and for REST, which takes no certificate", async () => {
    const bearer = ["-H", `Authorization: Bearer ${TOKEN}`]
    assert.equal(await status(undefined, ...bearer, data()), 200)
    assert.equal(await status(undefined, ...bearer, `${url}/api/v1/network`), 200)
    assert.equal(await status("ada", `${url}/api/v1/network`), 401)
  })

  it("shows an observer what its thread would move, and lets him move nothing", async () => {
    const ask = (dryRun: boolean): string[] => [
      ...["-H", `Authorization: Bearer ${TOKEN}`, "-H", "Content-Type: application/json"],
      ...["-d", JSON.stringify({ dryRun }), `${url}/api/v1/reoptimisation`],
    ]
    assert.equal(await status(undefined, ...ask(true)), 200, folder.pem("body"))
    assert.match(folder.pem("body"), /"moves":\[\].*"0 moves, 0 services come in"/)
    assert.equal(await status(undefined, ...ask(false)), 403)
  })

  it("reads revocation lists again on SIGHUP", async () => {
    folder.revoke("operators", ["vera"])
    assert.equal(await status("vera", data()), 200, "not before")
    child?.kill("SIGHUP")
    await heard(/TLS files are read again/)
    assert.equal(await status("vera", data()), 401)
    assert.equal(await status("ada", data()), 200)
  })
})
