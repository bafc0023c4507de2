// NETCONF over SSH: who gets in, who does not, and what strangers can hold open.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import ssh2, { type Algorithms } from "ssh2"
import { generateSshKey, readSshKey, sshFingerprint } from "../../src/transport/ssh-keys.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { faultOf } from "../netconf/fixture.js"
import { OkServer, USER, sshFixture, type SshFixture } from "./ssh-fixture.js"

/** How a plain ssh2 client with these algorithms fares: "ready" or why not. */
function tryAlgorithms(fixture: SshFixture, algorithms: Algorithms): Promise<string> {
  return new Promise((resolve) => {
    const client = new ssh2.Client()
    client.on("ready", () => {
      resolve("ready")
      client.end()
    })
    client.on("error", (error) => {
      resolve(error.message)
    })
    client.connect({
      host: "127.0.0.1",
      port: fixture.listener.port,
      username: USER,
      privateKey: fixture.userKey.privateKey,
      algorithms,
    })
  })
}

describe("NETCONF over SSH", () => {
  let server: OkServer
  let fixture: SshFixture
  beforeEach(async () => {
    server = new OkServer()
    fixture = await sshFixture(server)
  })
  afterEach(() => fixture.close())

  it("carries a session from hello to close, with the identity from the login", async () => {
    const session = await connectNetconfSsh(fixture.target)
    assert.equal(session.sessionId, 1)
    await session.lock("running")
    const many = await Promise.all(Array.from({ length: 200 }, () => session.rpc("<get/>")))
    assert.equal(many.length, 200)
    await session.close()
    assert.deepEqual(server.who, [{ username: USER, address: "127.0.0.1" }])
    assert.equal((await session.closedReason).appTag, "closed")
  })

  it("carries a reply that is larger than the SSH window", async () => {
    const big = new OkServer(() => `<data>${"<a/>".repeat(1_000_000)}</data>`)
    const other = await sshFixture(big)
    try {
      const session = await connectNetconfSsh(other.target)
      assert.equal((await session.get()).length, 1_000_000)
      await session.close()
    } finally {
      await other.close()
    }
  })

  it("refuses a host key that is not the pinned one, and sends it no login", async () => {
    const wrong = {
      ...fixture.target,
      hostKeyFingerprint: sshFingerprint(generateSshKey().publicKey),
    }
    assert.equal(await faultOf(connectNetconfSsh(wrong)), "access-denied")
    assert.deepEqual(server.who, [])
  })

  it("refuses a stranger's key, an unknown name and a foreign signature", async () => {
    const file = path.join(fixture.dir, "stranger")
    writeFileSync(file, generateSshKey().privateKey, { mode: 0o600 })
    assert.equal(
      await faultOf(connectNetconfSsh({ ...fixture.target, privateKeyFile: file })),
      "access-denied",
    )
    assert.equal(
      await faultOf(connectNetconfSsh({ ...fixture.target, username: "root" })),
      "access-denied",
    )
    assert.deepEqual(server.who, [])
    assert.deepEqual(
      new Set(fixture.refusals.map((r) => `${r.why} of ${r.username ?? "nobody"}`)),
      new Set(["login of controller", "login of root"]),
    )
  })

  it("refuses passwords and no authentication at all", async () => {
    for (const auth of [{ password: "secret" }, {}]) {
      const client = new ssh2.Client()
      client.connect({ host: "127.0.0.1", port: fixture.listener.port, username: USER, ...auth })
      client.on("error", () => undefined)
      const [error] = (await once(client, "error")) as [Error & { level?: string }]
      assert.equal(error.level, "client-authentication")
    }
  })

  it("refuses peers that have ChaCha20, CBC or encrypt-then-MAC only, SHA-1 or RSA host keys only (N1)", async () => {
    const gcm: Algorithms = { cipher: ["aes256-gcm@openssh.com"] }
    const ctr = (hmac: "hmac-sha2-256" | "hmac-sha2-256-etm@openssh.com"): Algorithms => ({
      cipher: ["aes256-ctr"],
      hmac: [hmac],
    })
    assert.equal(await tryAlgorithms(fixture, gcm), "ready")
    assert.equal(await tryAlgorithms(fixture, ctr("hmac-sha2-256")), "ready")
    const refused: [Algorithms, RegExp][] = [
      [{ cipher: ["chacha20-poly1305@openssh.com"] }, /no matching C->S cipher/],
      [{ cipher: ["aes256-cbc"] }, /no matching C->S cipher/],
      [ctr("hmac-sha2-256-etm@openssh.com"), /no matching C->S MAC/],
      [{ kex: ["diffie-hellman-group14-sha1"] }, /no matching key exchange/],
      [{ serverHostKey: ["rsa-sha2-512"] }, /no matching host key/],
    ]
    for (const [algorithms, why] of refused)
      assert.match(await tryAlgorithms(fixture, algorithms), why)
    const strict = await sshFixture(server, {}, "gcm")
    assert.equal(await tryAlgorithms(strict, gcm), "ready")
    assert.match(await tryAlgorithms(strict, ctr("hmac-sha2-256")), /no matching C->S cipher/)
    await strict.close()
  })

  it("as a client refuses a server that has ChaCha20 only (N1)", async () => {
    const hostKey = generateSshKey()
    const chacha = new ssh2.Server({
      hostKeys: [hostKey.privateKey],
      algorithms: { cipher: ["chacha20-poly1305@openssh.com"] },
    })
    chacha.on("connection", (c) => c.on("error", () => undefined))
    await new Promise<void>((resolve) => {
      chacha.listen(0, "127.0.0.1", resolve)
    })
    const { port } = chacha.address() as { port: number }
    const target = {
      ...fixture.target,
      port,
      hostKeyFingerprint: sshFingerprint(hostKey.publicKey),
    }
    assert.equal(await faultOf(connectNetconfSsh(target)), "operation-failed node-unreachable")
    await new Promise((resolve) => chacha.close(resolve))
  })

  it("lets OpenSSH in, but not with ChaCha20 alone, and gives it no shell", function () {
    if (spawnSync("ssh", ["-V"]).error !== undefined) {
      console.log("      skipped: ssh is not here")
      this.skip()
    }
    const ssh = (
      ...extra: string[]
    ): Promise<{ status: number | null; stderr: string; stdout: string }> => runSsh(fixture, extra)
    return (async () => {
      const hello =
        '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities/></hello>]]>]]>'
      const good = await runSsh(fixture, ["-s", "netconf"], hello)
      assert.match(good.stdout, /<hello .*<session-id>1<\/session-id><\/hello>]]>]]>/)
      assert.match(
        (await ssh("-c", "chacha20-poly1305@openssh.com", "-s", "netconf")).stderr,
        /no matching cipher/,
      )
      assert.notEqual((await ssh("-s", "sftp")).status, 0)
      const command = await ssh("id")
      assert.notEqual(command.status, 0)
      assert.equal(command.stdout, "")
      assert.equal(server.who.length, 1)
    })()
  })

  it("shows no version in its SSH banner", async () => {
    const socket = connect(fixture.listener.port, "127.0.0.1")
    const [banner] = (await once(socket, "data")) as [Buffer]
    socket.destroy()
    assert.equal(banner.toString("latin1").split("\r\n")[0], "SSH-2.0-keyloom")
  })
})

function runSsh(
  fixture: SshFixture,
  args: readonly string[],
  input = "",
): Promise<{ status: number | null; stderr: string; stdout: string }> {
  const known = path.join(fixture.dir, "known_hosts")
  writeFileSync(known, `[127.0.0.1]:${fixture.listener.port} ${fixture.hostKey.publicKey.trim()}\n`)
  const options = [
    ...["-F", "none", "-i", fixture.target.privateKeyFile, "-p", String(fixture.listener.port)],
    ...["-o", `UserKnownHostsFile=${known}`, "-o", "StrictHostKeyChecking=yes"],
    ...["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-l", USER],
  ]
  // ssh: [options] [-c cipher] host [command], or -s host subsystem
  const at = args.indexOf("-s")
  const list =
    at === -1
      ? [...options, "127.0.0.1", ...args]
      : [...options, ...args.slice(0, at + 1), "127.0.0.1", ...args.slice(at + 1)]
  return spawnCollect("ssh", list, input)
}

async function spawnCollect(
  program: string,
  args: readonly string[],
  input: string,
): Promise<{ status: number | null; stderr: string; stdout: string }> {
  const { spawn } = await import("node:child_process")
  const child = spawn(program, args)
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (b: Buffer) => (stdout += b.toString()))
  child.stderr.on("data", (b: Buffer) => (stderr += b.toString()))
  child.stdin.end(input)
  const [status] = (await once(child, "close")) as [number | null]
  return { status, stdout, stderr }
}

describe("SSH keys", () => {
  it("are made in a form that OpenSSH and ssh2 read, with the fingerprint OpenSSH prints", function () {
    const message = Buffer.from("a message")
    // Enough for leading zero bytes in both halves, which ssh2's own generator spoils.
    for (let i = 0; i < 2000; i++) {
      const { privateKey, publicKey } = generateSshKey()
      assert.equal(sshFingerprint(privateKey), sshFingerprint(publicKey))
      const signature = readSshKey(privateKey).sign(message)
      assert.equal(readSshKey(publicKey).verify(message, signature), true)
    }
    const { privateKey, publicKey } = generateSshKey("somebody@somewhere")
    const shown = spawnSync("ssh-keygen", ["-l", "-f", "-"], { input: publicKey })
    if (shown.error !== undefined) {
      console.log("      skipped: ssh-keygen is not here")
      this.skip()
    }
    assert.equal(shown.stdout.toString().split(" ")[1], sshFingerprint(publicKey))
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-key-"))
    const file = path.join(dir, "id")
    writeFileSync(file, privateKey, { mode: 0o600 })
    const derived = spawnSync("ssh-keygen", ["-y", "-f", file])
    rmSync(dir, { recursive: true })
    assert.equal(derived.stdout.toString().trim(), publicKey)
  })

  it("of kinds that are too weak are refused", () => {
    const { public: rsa } = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 })
    assert.throws(() => sshFingerprint(rsa), /not accepted/)
    assert.throws(() => sshFingerprint("no key"), /not a usable SSH key/)
  })
})
