// The controller calls orchestrators that are not ours (RFC 8071): ncclient and OpenSSH's client listening for SSH, a
// plain Python client for TLS.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import path from "node:path"
import type { CallHomeManager } from "../../src/transport/call-home.js"
import { root } from "../support/demo.js"
import { freePort } from "../support/free-port.js"
import { listening, type Listening } from "./network-listening.js"

const QUICK = { backoffFirstMs: 50, backoffMaxMs: 200 }
const NC = "urn:ietf:params:xml:ns:netconf:base:1.0"

describe("the controller calls its orchestrator", function () {
  this.timeout(180_000)
  let site: Listening | undefined
  afterEach(async () => {
    await site?.close()
  })

  async function calling(transport: CallHomeManager["transport"]): Promise<[Listening, string]> {
    const port = await freePort()
    const manager = { ...{ name: "nms", transport }, ...{ host: "127.0.0.1", port } }
    site = await listening({ callHome: [manager], callHomeTimings: QUICK })
    return [site, String(port)]
  }

  it("over SSH: ncclient, called, orders a service, and sees it when it is called again", async () => {
    const [{ folder, said }, port] = await calling("ssh")
    const ends = ["sae-a", "sae-c"]
    const script = path.join(root, "test/interop/call-home-orchestrator.py")
    const out = await run("/usr/bin/python3", [
      script,
      port,
      "ada",
      folder.file("ada.ssh"),
      ...ends,
    ])
    assert.match(out, /^good$/m, out)
    const calls = said.filter(({ message }) => message === "call home")
    assert(calls.some(({ facts }) => "manager" in facts && facts.manager === "nms"))
    const sessions = said.filter(({ message }) => message === "NETCONF session opened")
    assert.equal(sessions.length, 2)
  })

  it("over SSH: OpenSSH's client, called, logs in to the subsystem netconf", async () => {
    const [{ folder }, port] = await calling("ssh")
    const accept = path.join(root, "test/interop/call-home-accept.py")
    const out = await run(
      "ssh",
      [
        ...["-F", "none", "-o", `ProxyCommand=/usr/bin/python3 ${accept} ${port}`],
        ...["-o", "StrictHostKeyChecking=no", "-o", `UserKnownHostsFile=${folder.file("known")}`],
        ...["-i", folder.file("ada.ssh"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
        ...["-s", "ada@controller.example", "netconf"],
      ],
      [
        `<hello xmlns="${NC}"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>`,
        `<rpc xmlns="${NC}" message-id="1"><get-config><source><running/></source></get-config></rpc>`,
        `<rpc xmlns="${NC}" message-id="2"><close-session/></rpc>`,
      ].join("]]>]]>") + "]]>]]>",
    )
    assert.match(out, /message-id="1".*qkd_network/s, out)
    assert.match(out, /message-id="2".*<ok\/>/s, out)
  })

  it("over TLS: a Python client, called, is the user its certificate maps to", async () => {
    const [{ folder, said }, port] = await calling("tls")
    const files = ["vera.pem", "vera.key", "nodes.pem"].map((name) => folder.file(name))
    const script = path.join(root, "test/interop/tls-peer.py")
    const out = await run("/usr/bin/python3", [script, "127.0.0.1", port, ...files, "listen"])
    assert.match(out, /^TLSv1.3 good$/m, out)
    const opened = said.find(({ message }) => message === "NETCONF session opened")
    assert.equal(opened && "username" in opened.facts && opened.facts.username, "vera")
  })

  it("and stops calling when it is stopped", async () => {
    const [{ face, said }] = await calling("ssh")
    await face.close()
    const calls = said.length
    await new Promise((resolve) => setTimeout(resolve, 4 * QUICK.backoffMaxMs))
    assert.equal(said.length, calls)
  })
})

async function run(command: string, args: readonly string[], input = ""): Promise<string> {
  const child = spawn(command, args)
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")))
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")))
  child.stdin.on("error", () => undefined)
  child.stdin.end(input)
  await new Promise((resolve) => child.once("close", resolve))
  return said
}
