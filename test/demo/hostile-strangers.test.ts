// Strangers at the doors of a running network (THREATS N1, N2, N5): wrong keys, wrong names, scanners, babblers, peers
// that open connections and say nothing. They get nothing, and nobody else notices.

import assert from "node:assert/strict"
import { execFile, execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import type { Socket } from "node:net"
import path from "node:path"
import ssh2, { type ConnectConfig } from "ssh2"
import { type Demo, freshDir, removeDir, root, startDemo } from "../support/demo.js"
import { Bystander, exchangeKey, Witness } from "../support/hostile-bystander.js"
import { babble, doorsOf, knock } from "../support/hostile-sockets.js"

describe("strangers at a running network", function () {
  this.timeout(180_000)
  let demo: Demo
  let witness: Witness
  const dir = freshDir()

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    witness = await Witness.of(demo, [["sae-Windhof", "sae-Betzdorf"]])
  })
  after(async () => {
    await witness.close()
    await demo.stop()
    removeDir(dir)
  })

  describe("at the NETCONF port", () => {
    const target = (): Demo["file"]["nodes"][number]["netconf"] =>
      (demo.file.nodes[1] ?? assert.fail()).netconf

    /** The client's words for how the login went. */
    const login = (who: Partial<ConnectConfig>): Promise<string> =>
      new Promise((resolve) => {
        const { host, port } = target()
        const client = new ssh2.Client()
        const done = (word: string): void => {
          client.destroy()
          resolve(word)
        }
        client.once("ready", () => {
          done("in")
        })
        client.on("error", (error) => {
          done(error.message)
        })
        client.once("close", () => {
          done("closed")
        })
        client.connect({ host, port, ...who })
      })
    const rightKey = (): Buffer => readFileSync(target().privateKeyFile)
    const madeKey = (kind: string, ...more: string[]): Buffer => {
      const file = path.join(dir, `stranger-${kind}`)
      execFileSync("ssh-keygen", ["-q", "-t", kind, "-N", "", "-f", file, ...more])
      return readFileSync(file)
    }

    it("the right key under the right name is let in, or nothing below would mean anything", async () => {
      assert.equal(await login({ username: target().username, privateKey: rightKey() }), "in")
    })

    const strangers: [string, () => Partial<ConnectConfig>][] = [
      ["another key", () => ({ username: "controller", privateKey: madeKey("ed25519") })],
      ["an RSA key", () => ({ username: "controller", privateKey: madeKey("rsa", "-b", "2048") })],
      ["the right key under another name", () => ({ username: "root", privateKey: rightKey() })],
      ["the right key under no name", () => ({ username: " ", privateKey: rightKey() })],
      [
        "the node's own host key",
        () => ({
          username: "controller",
          privateKey: readFileSync(path.join(dir, "nodes/kirchberg/host.ssh")),
        }),
      ],
      ["a password", () => ({ username: "controller", password: "controller" })],
      ["an empty password", () => ({ username: "controller", password: "" })],
      ["nothing", () => ({ username: "controller" })],
      ["a dialogue", () => ({ username: "controller", password: "controller", tryKeyboard: true })],
    ]
    for (const [what, who] of strangers) {
      it(`are refused with ${what}`, async () => {
        assert.match(await login(who()), /authentication methods failed|closed/)
      })
    }

    it("are refused with ciphers that a man in the middle can cut short", async () => {
      for (const cipher of ["chacha20-poly1305@openssh.com", "aes128-cbc"] as const)
        assert.match(
          await login({
            username: "controller",
            privateKey: rightKey(),
            algorithms: { cipher: [cipher] },
          }),
          /no matching/i,
          cipher,
        )
    })

    it("get no shell, no command, no file transfer and no forwarding, even with the key", async () => {
      const { host, port, username, privateKeyFile } = target()
      const base = ["-F", "none", "-p", String(port), "-i", privateKeyFile, "-o", "BatchMode=yes"]
      base.push("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
      for (const args of [
        [`${username}@${host}`, "id"],
        ["-T", `${username}@${host}`],
        ["-s", `${username}@${host}`, "sftp"],
        ["-W", `127.0.0.1:${port}`, `${username}@${host}`],
      ]) {
        const out = await new Promise<string>((resolve, reject) => {
          const child = execFile(
            "ssh",
            [...base, ...args],
            { timeout: 15_000 },
            (error, stdout) => {
              if (error === null || error.killed === true)
                reject(new Error(`${args.join(" ")} went on`))
              else resolve(stdout)
            },
          )
          child.stdin?.end()
        })
        assert.equal(out, "", args.join(" "))
      }
    })

    it("harm nobody", () => witness.unharmed())
  })

  describe("at every port", () => {
    it("hear nothing of use when they scan, babble or break off", async () => {
      const babbles: (string | Uint8Array)[] = [
        "GET / HTTP/1.0\r\n\r\n",
        "SSH-2.0-scanner\r\n",
        Buffer.from("160301020001000100", "hex"),
        Buffer.alloc(4096, 0xff),
        "\0".repeat(512),
      ]
      for (const { what, port } of doorsOf(demo)) {
        ;(await knock(port)).destroy()
        ;(await knock(port)).resetAndDestroy()
        const answers = await Promise.all(babbles.map((bytes) => babble(port, bytes, 300)))
        for (const { heard } of answers)
          assert.doesNotMatch(
            heard,
            /at .*\.[jt]s|node_modules|Error:/,
            `${what} shows its insides`,
          )
      }
      await witness.unharmed()
    })

    it("hold no place for others when they stay mute", async () => {
      const doors = doorsOf(demo)
      const held: Socket[] = []
      try {
        for (const { port } of doors)
          held.push(...(await Promise.all(Array.from({ length: 40 }, () => knock(port)))))
        await exchangeKey(demo, "sae-Windhof", "sae-Betzdorf")
        for (const { netconf } of demo.file.nodes) {
          const late = await Bystander.open(netconf)
          await late.config()
          await late.close()
        }
        await witness.unharmed()
      } finally {
        for (const socket of held) socket.destroy()
      }
    })

    it("are let go when they stay mute for long", async () => {
      // 014 and relay ports give a handshake 5 s, NETCONF and the controller 10 s.
      const doors = doorsOf(demo).filter(({ what }) => !/fibre/.test(what))
      const held = await Promise.all(
        doors.map(async ({ what, port }) => ({ what, socket: await knock(port) })),
      )
      try {
        const until = Date.now() + 60_000
        const open = (): string[] =>
          held.filter(({ socket }) => !socket.closed).map(({ what }) => what)
        while (open().length > 0 && Date.now() < until)
          await new Promise((done) => setTimeout(done, 200))
        assert.deepEqual(open(), [], "these doors keep a mute peer")
      } finally {
        for (const { socket } of held) socket.destroy()
      }
    })

    it("cannot take a port down by opening more than it holds", async () => {
      const doors = doorsOf(demo).filter(({ what }) => /Kirchberg|controller/.test(what))
      const held: Socket[] = []
      try {
        for (const { port } of doors)
          held.push(...(await Promise.all(Array.from({ length: 400 }, () => knock(port)))))
      } finally {
        for (const socket of held) socket.destroy()
      }
      await witness.unharmed()
      const late = await Bystander.open((demo.file.nodes[1] ?? assert.fail()).netconf)
      await late.close()
    })
  })
})
