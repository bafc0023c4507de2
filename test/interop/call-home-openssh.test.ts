// A device of which nothing is ours calls home: netconfd behind OpenSSH's sshd, fed by a small Python dialler. Our
// listener knows it by its host key, logs in, and has a session.

import assert from "node:assert/strict"
import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { userInfo } from "node:os"
import path from "node:path"
import { NodeSessions } from "../../src/south/node-sessions.js"
import { generateSshKey, sshFingerprint } from "../../src/transport/ssh-keys.js"
import { root } from "../support/demo.js"
import { Netconfd, netconfdIsThere } from "../support/netconfd.js"

const SSHD = "/usr/sbin/sshd"
const SUBSYSTEM = "/usr/sbin/netconf-subsystem"

describe("netconfd behind OpenSSH, calling home", function () {
  this.timeout(180_000)
  let netconfd: Netconfd | undefined
  let device: ChildProcess | undefined
  const sessions = new NodeSessions({ log: (_level, message) => said.push(message) })
  const said: string[] = []
  let errors = ""

  before(async function () {
    if (!existsSync(SSHD) || !netconfdIsThere() || userInfo().uid !== 0) {
      console.log("      sshd or netconfd is not here, or this is not root: skipped")
      this.skip()
    }
    netconfd = await Netconfd.start()
  })
  after(async () => {
    device?.kill("SIGKILL")
    await sessions.close()
    await netconfd?.close()
  })

  it("is taken by its key, and answers", async () => {
    assert(netconfd)
    const { dir } = netconfd
    const file = (name: string): string => path.join(dir, name)
    const [host, user] = [generateSshKey("host"), generateSshKey("user")]
    const { username } = userInfo()
    writeFileSync(file("host"), host.privateKey, { mode: 0o600 })
    writeFileSync(file("user"), user.privateKey, { mode: 0o600 })
    writeFileSync(file("authorized"), `${user.publicKey}\n`, { mode: 0o600 })
    // netconfd takes sessions of port 830 only; with call home the device's port is any.
    writeFileSync(
      file("subsystem"),
      `#!/bin/sh\nexport SSH_CONNECTION="127.0.0.1 50000 127.0.0.1 830" USER=controller\ncd ${dir}\nexec ${SUBSYSTEM} --ncxserver-sockname=830@${file("netconfd.sock")}\n`,
    )
    chmodSync(file("subsystem"), 0o755)
    writeFileSync(
      file("sshd_config"),
      [
        `HostKey ${file("host")}`,
        `AuthorizedKeysFile ${file("authorized")}`,
        `Subsystem netconf ${file("subsystem")}`,
        "UsePAM no",
        "StrictModes no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        `PidFile ${file("sshd.pid")}`,
        "",
      ].join("\n"),
    )
    mkdirSync("/run/sshd", { recursive: true })
    const port = await sessions.listenSsh({ host: "127.0.0.1", port: 0 })
    const target = {
      ...{ host: "", port: 830, username, privateKeyFile: file("user"), callHome: true as const },
      hostKeyFingerprint: sshFingerprint(host.publicKey),
    }
    const abort = new AbortController()
    const arrival = sessions.arrival("netconfd", target, abort.signal)
    const dialler = path.join(root, "test/interop/call-home-openssh.py")
    device = spawn("/usr/bin/python3", [dialler, String(port), SSHD, file("sshd_config")])
    device.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")))
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => {
        reject(new Error(`no call: ${said.join()}\n${errors}`))
      }, 60_000).unref(),
    )
    await Promise.race([arrival, late])
    const session = await sessions.open("netconfd", target, abort.signal)
    assert(session.capabilities.some((c) => c.includes("etsi-qkd-sdn-node")))
    assert(Array.isArray(await session.getConfig("running")))
    await session.close()
    // It is persistent: the next one comes by itself.
    await Promise.race([sessions.arrival("netconfd", target, abort.signal), late])
    abort.abort()
    assert.equal(spawnSync(SSHD, ["-t", "-f", file("sshd_config")]).status, 0)
  })
})
