// What a stranger builds on: `demo.json`, the commands beside a running demo, the printed page address, NETCONF with
// OpenSSH's own client. Exactly so, and no field more.

import assert from "node:assert/strict"
import { execFile, execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { type Demo, freshDir, removeDir, rest, root, startDemo } from "../support/demo.js"
import { BASE, helloOf } from "../support/hostile-netconf.js"

const run = promisify(execFile)

interface Ended {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** `keyloom ...`, as typed. */
async function keyloom(...args: string[]): Promise<Ended> {
  try {
    const done = await run(process.execPath, ["bin/keyloom.js", ...args], { cwd: root })
    return { status: 0, out: done.stdout, err: done.stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { status: code, out: stdout, err: stderr }
  }
}

function modeOf(file: string): string {
  return (statSync(file).mode & 0o777).toString(8)
}

describe("what a running demo offers", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  describe("demo.json", () => {
    it("has exactly the promised fields", () => {
      const file = JSON.parse(readFileSync(path.join(dir, "demo.json"), "utf8")) as object
      const shapeOf = (value: unknown): unknown => {
        if (Array.isArray(value)) return [...new Set(value.map((v) => JSON.stringify(shapeOf(v))))]
        if (typeof value !== "object" || value === null) return typeof value
        return Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => a.localeCompare(b))
            .map(([name, v]) => [name, shapeOf(v)]),
        )
      }
      const one = (value: object): string[] => [JSON.stringify(shapeOf(value))]
      assert.deepEqual(shapeOf(file), {
        pid: "number",
        controller: {
          url: "string",
          token: "string",
          netconf: {
            host: "string",
            port: "number",
            username: "string",
            privateKeyFile: "string",
            hostKeyFingerprint: "string",
          },
          restconf: "string",
        },
        nodes: one({
          qkdnId: "",
          name: "",
          etsi014: "",
          netconf: {
            host: "",
            port: 0,
            username: "",
            privateKeyFile: "",
            hostKeyFingerprint: "",
          },
        }),
        links: one({ qkdlId: "", a: "", b: "" }),
        saes: one({ saeId: "", node: "", certFile: "", keyFile: "", caFile: "" }),
      })
    })

    it("names the process, the sites, the links and an SAE of every site", () => {
      const { file } = demo
      assert.equal(file.pid, demo.process.pid)
      const names = ["Windhof", "Kirchberg", "Betzdorf"]
      assert.deepEqual(
        file.nodes.map((n) => n.name),
        names,
      )
      assert.deepEqual(
        file.links.map(({ a, b }) => `${a} ${b}`),
        ["Windhof Kirchberg", "Kirchberg Betzdorf"],
      )
      assert.deepEqual(
        file.saes.map(({ saeId, node }) => [saeId, node]),
        names.map((name) => [`sae-${name}`, name]),
      )
      const ids = [...file.nodes.map((n) => n.qkdnId), ...file.links.map((l) => l.qkdlId)]
      assert.equal(new Set(ids).size, 5)
      for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    })

    it("speaks plain HTTP on loopback to its controller, HTTPS to its key managers", () => {
      const { hostname, protocol, pathname } = new URL(demo.file.controller.url)
      assert.deepEqual([protocol, hostname, pathname], ["http:", "127.0.0.1", "/"])
      for (const node of demo.file.nodes) {
        assert.match(node.etsi014, /^https:\/\/127\.0\.0\.1:\d+$/)
        assert.equal(node.netconf.host, "127.0.0.1")
      }
    })

    it("is for its owner only, as is every key it names and every secret beside it", () => {
      assert.equal(modeOf(path.join(dir, "demo.json")), "600")
      const named = [
        ...demo.file.nodes.map((n) => n.netconf.privateKeyFile),
        ...demo.file.saes.flatMap((s) => [s.keyFile, s.certFile, s.caFile]),
      ]
      for (const file of named) assert(existsSync(file), file)
      for (const file of [
        ...demo.file.nodes.map((n) => n.netconf.privateKeyFile),
        ...demo.file.saes.map((s) => s.keyFile),
      ])
        assert.equal(modeOf(file), "600", file)
      const open = execFileSync("find", [dir, "-type", "f", "-perm", "/077"], { encoding: "utf8" })
      for (const file of open.trim().split("\n"))
        assert.match(
          file,
          /cert\.pem$|\/(sae-)?ca\.pem$|\.ssh\.pub$|policy\.json$|\.mdb$/,
          `${file} is open to others`,
        )
      const folders = execFileSync("find", [dir, "-mindepth", "1", "-type", "d", "-perm", "/077"], {
        encoding: "utf8",
      })
      assert.equal(folders, "", "no folder is open to others")
    })
  })

  describe("REST", () => {
    it("wants the token", async () => {
      const url = `${demo.file.controller.url}/api/v1/network`
      assert.equal((await fetch(url)).status, 401)
      assert.equal(
        (await fetch(url, { headers: { authorization: "Bearer not-the-token" } })).status,
        401,
      )
      assert.equal((await rest(demo, "GET", "/network")).status, 200)
    })

    it("trades the printed login for a strict HttpOnly cookie, once", async () => {
      const { url } = demo.file.controller
      const page = new URL(/page (\S+)/.exec(demo.output())?.[1] ?? assert.fail("no page printed"))
      assert.equal(page.origin, url)
      const code = /^#login=([A-Za-z0-9_-]{20,})$/.exec(page.hash)?.[1] ?? assert.fail(page.hash)
      const login = (): Promise<Response> =>
        fetch(`${url}/api/v1/session`, {
          method: "POST",
          headers: { "content-type": "application/json", origin: url },
          body: JSON.stringify({ code }),
        })
      const first = await login()
      assert.equal(first.status, 201, await first.clone().text())
      const cookie = first.headers.get("set-cookie") ?? ""
      assert.match(cookie, /;\s*HttpOnly/i)
      assert.match(cookie, /;\s*SameSite=Strict/i)
      const [pair = ""] = cookie.split(";")
      const network = await fetch(`${url}/api/v1/network`, { headers: { cookie: pair } })
      assert.equal(network.status, 200)
      assert.equal((await login()).status, 401, "the code is used up")
    })

    it("serves the page without a login, for it holds nothing", async () => {
      const page = await fetch(`${demo.file.controller.url}/`)
      assert.equal(page.status, 200)
      assert.match(page.headers.get("content-type") ?? "", /html/)
      assert.doesNotMatch(await page.text(), /Windhof/)
    })
  })

  describe("NETCONF", () => {
    it("shows the host key whose fingerprint demo.json names", async () => {
      for (const { name, netconf } of demo.file.nodes) {
        const scan = await run("ssh-keyscan", ["-p", String(netconf.port), netconf.host])
        const file = path.join(dir, "scanned")
        writeFileSync(file, scan.stdout)
        const { stdout } = await run("ssh-keygen", ["-lf", file])
        assert.equal(stdout.split(" ")[1], netconf.hostKeyFingerprint, name)
      }
    })

    it("is spoken by OpenSSH's own client with the key file, the host key pinned", async () => {
      const { netconf } = demo.file.nodes[0] ?? assert.fail()
      const known = path.join(dir, "known_hosts")
      const scan = await run("ssh-keyscan", ["-p", String(netconf.port), netconf.host])
      writeFileSync(known, scan.stdout)
      const args = ["-F", "none", "-T", "-p", String(netconf.port), "-i", netconf.privateKeyFile]
      for (const option of [
        `UserKnownHostsFile=${known}`,
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "BatchMode=yes",
      ])
        args.push("-o", option)
      args.push("-s", `${netconf.username}@${netconf.host}`, "netconf")
      const child = execFile("ssh", args, { timeout: 20_000 })
      const { stdin, stdout } = child
      assert(stdin !== null && stdout !== null)
      let said = ""
      stdout.on("data", (text: string) => (said += text))
      const rpc = (id: number, operation: string): string =>
        `<rpc xmlns="${BASE}" message-id="${id}">${operation}</rpc>]]>]]>`
      stdin.write(helloOf("1.0") + rpc(1, "<get/>") + rpc(2, "<close-session/>"))
      await new Promise((resolve) => child.once("close", resolve))
      assert.match(said, /<hello .*<capability>urn:ietf:params:netconf:base:1\.1</)
      assert.match(said, /<rpc-reply [^>]*message-id="1"[^>]*><data>.*HITEC, Windhof/s)
      assert.match(said, /<rpc-reply [^>]*message-id="2"[^>]*><ok\/>/)
      assert.equal(child.exitCode, 0)
    })
  })

  describe("the commands", () => {
    it("env prints variables a shell can use", async () => {
      const { status, out } = await keyloom("demo", "env", "--dir", dir)
      assert.equal(status, 0)
      const script = `set -eu; ${out}
        curl -sS -o /dev/null -w '%{http_code} ' -H "authorization: Bearer $TOKEN" "$URL/api/v1/network"
        curl -sS -o /dev/null -w '%{http_code}' --cert "$CERT_SAE_WINDHOF" --key "$KEY_SAE_WINDHOF" \
          --cacert "$CA_SAE_WINDHOF" "$NODE_WINDHOF/api/v1/keys/sae-Kirchberg/status"`
      const { stdout } = await run("sh", ["-c", script], { env: { PATH: process.env["PATH"] } })
      assert.equal(stdout, "200 200")
    })

    it("url prints another address with a fresh login", async () => {
      const first = await keyloom("demo", "url", "--dir", dir)
      const second = await keyloom("demo", "url", "--dir", dir)
      for (const { status, out } of [first, second]) {
        assert.equal(status, 0)
        assert(out.startsWith(`${demo.file.controller.url}/#login=`), out)
      }
      assert.notEqual(first.out, second.out)
    })

    it("cut and mend say what they did, whichever way round and in whichever case", async () => {
      const cut = await keyloom("demo", "cut", "Windhof", "Kirchberg", "--dir", dir)
      assert.deepEqual([cut.status, cut.out.trim()], [0, "Cut: windhof-kirchberg"])
      const mend = await keyloom("demo", "mend", "kirchberg", "WINDHOF", "--dir", dir)
      assert.deepEqual([mend.status, mend.out.trim()], [0, "Mended: windhof-kirchberg"])
    })

    const wrong: [string, string[], RegExp][] = [
      ["an unknown site", ["cut", "Windhof", "Atlantis"], /Atlantis.*Windhof, Kirchberg, Betzdorf/],
      ["sites that no fibre joins", ["cut", "Windhof", "Betzdorf"], /no fibre joins/],
      ["a fibre of another name", ["mend", "Windhof", "Kirchberg", "--link", "x"], /no fibre "x"/],
    ]
    for (const [what, args, message] of wrong) {
      it(`refuse ${what}, in one line`, async () => {
        const { status, out, err } = await keyloom("demo", ...args, "--dir", dir)
        assert.equal(status, 1)
        assert.equal(out, "")
        assert.match(err, message)
        assert.equal(err.trim().split("\n").length, 1)
      })
    }

    it("say that no demo is running where none is", async () => {
      const empty = freshDir()
      try {
        for (const args of [["env"], ["url"], ["cut", "A", "B"], ["mend", "A", "B"]]) {
          const { status, out, err } = await keyloom("demo", ...args, "--dir", empty)
          assert.equal(status, 1, args[0])
          assert.equal(out, "")
          assert.match(err, /^keyloom: no demo is running in /)
        }
      } finally {
        removeDir(empty)
      }
    })

    it("refuse what is no command, site count or port", async () => {
      for (const args of [
        ["demo", "cut", "Windhof"],
        ["demo", "--port", "eighty"],
        ["demo", "--port", "65536"],
        ["demo", "--colour"],
        ["dance"],
      ]) {
        const { status, err } = await keyloom(
          ...args,
          ...(args[0] === "demo" ? ["--dir", dir] : []),
        )
        assert.notEqual(status, 0, args.join(" "))
        assert.match(err, /error: /, args.join(" "))
      }
    })
  })
})
