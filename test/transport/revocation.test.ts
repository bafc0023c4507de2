// Revoked certificates (RFC 5280 section 5), with lists that OpenSSL makes: at NETCONF over TLS, at HTTPS asked by
// curl, before and after newer lists are read; and lists that cannot be used.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { promisify } from "node:util"
import { listenHttps } from "../../src/transport/https.js"
import { readRevocationLists } from "../../src/transport/revocation.js"
import { connectNetconfTls } from "../../src/transport/tls-client.js"
import { readTlsFiles } from "../../src/transport/tls-files.js"
import { NetconfTlsServer, type TlsRefusal } from "../../src/transport/tls-server.js"
import type { MutualTls } from "../../src/transport/tls.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { isQkdError } from "../errors-helper.js"
import { OkServer } from "./ssh-fixture.js"
import { entriesFor, makeCertificates, type CertificateFolder } from "./tls-fixture.js"

const run = promisify(execFile)

describe("revoked certificates", function () {
  this.timeout(180_000)
  let folder: CertificateFolder
  const closers: (() => Promise<void> | void)[] = []

  beforeEach(() => {
    folder = makeCertificates()
  })
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
    folder.remove()
  })

  const files = () => ({
    certFile: folder.file("node.pem"),
    keyFile: folder.file("node.key"),
    caFile: folder.file("operators.pem"),
    crlFile: folder.file("operators.crl"),
  })

  async function netconf(tls: MutualTls) {
    const ok = new OkServer()
    const refusals: TlsRefusal[] = []
    const server = new NetconfTlsServer({
      ...{ server: ok, tls, certToName: entriesFor(folder) },
      onRefused: (refusal) => refusals.push(refusal),
    })
    closers.push(() => server.close())
    const port = await server.listen("127.0.0.1", 0)
    const open = (name: string) =>
      connectNetconfTls({
        ...{ host: "127.0.0.1", port },
        certFile: folder.file(`${name}.pem`),
        keyFile: folder.file(`${name}.key`),
        caFile: folder.file("nodes.pem"),
        serverKeySha256: spkiSha256(folder.pem("node.pem")),
      })
    return { ok, server, refusals, open }
  }

  it("open no NETCONF session, and the log says why", async () => {
    folder.revoke("operators", ["ada"])
    const { ok, refusals, open } = await netconf(await readTlsFiles(files()))
    await assert.rejects(open("ada"), isQkdError("operation-failed", "node-unreachable"))
    const mail = await open("mail")
    await mail.rpc("<get/>")
    assert.equal(ok.who.length, 1)
    const address = "127.0.0.1"
    assert.deepEqual(refusals, [{ address, why: "certificate", fault: "CERT_REVOKED" }])
    await mail.close()
  })

  it("end the session they stand for when newer lists name them, and no other session", async () => {
    folder.revoke("operators", [])
    const { server, open } = await netconf(await readTlsFiles(files()))
    const [ada, mail] = [await open("ada"), await open("mail")]
    folder.revoke("operators", ["ada"])
    assert.equal(server.renew(await readTlsFiles(files())), 1)
    await ada.closedReason
    await assert.rejects(open("ada"))
    await mail.rpc("<get/>")
    await mail.close()
  })

  it("are refused by HTTPS too, as curl finds, once newer lists name them", async () => {
    folder.revoke("operators", [])
    const server = await listenHttps({
      ...{ host: "127.0.0.1", port: 0, tls: await readTlsFiles(files()) },
      handler: (_request, response, { commonName }) => response.end(commonName),
    })
    closers.push(() => server.close())
    folder.certificate("vera", "operators", "/CN=vera")
    const ask = async (name: string): Promise<string> => {
      const certificate = [
        "--cert",
        folder.file(`${name}.pem`),
        "--key",
        folder.file(`${name}.key`),
      ]
      // The name in the server's certificate is another matter.
      const to = [
        "--cacert",
        folder.file("nodes.pem"),
        "--resolve",
        `node.example:${server.port}:127.0.0.1`,
      ]
      const url = `https://node.example:${server.port}/`
      return (await run("curl", ["-sS", "-m", "20", ...certificate, ...to, url])).stdout
    }
    assert.deepEqual([await ask("ada"), await ask("vera")], ["ada", "vera"])
    folder.revoke("operators", ["ada"])
    server.renew(await readTlsFiles(files()))
    await assert.rejects(ask("ada"), /alert|reset|Empty reply/i)
    assert.equal(await ask("vera"), "vera")
  })

  it("N3: cannot be told by an old list: then nobody of that authority comes in", async () => {
    folder.revoke("operators", [], { from: "20200101000000Z", until: "20200102000000Z" })
    const tls = await readTlsFiles(files())
    assert.equal(tls.revocation?.nextUpdateMs, Date.UTC(2020, 0, 2))
    const { refusals, open } = await netconf(tls)
    await assert.rejects(open("mail"))
    assert.equal(refusals[0]?.fault, "CRL_HAS_EXPIRED")
  })

  it("are not looked for in what is no list, nor in lists of other authorities: the old ones stay", async () => {
    const lists = folder.revoke("operators", ["ada"])
    const { server, open } = await netconf(await readTlsFiles(files()))
    for (const text of ["", "revoked: ada", lists.replace(/^M.{20}/m, "MIIB")]) {
      writeFileSync(folder.file("operators.crl"), text)
      await assert.rejects(readTlsFiles(files()), isQkdError("invalid-value"))
    }
    writeFileSync(folder.file("operators.crl"), folder.revoke("strangers", []))
    await assert.rejects(
      readTlsFiles(files()),
      /operators\.crl: no revocation list of CN=operators/,
    )
    const other = { certificatePem: folder.pem("node.pem"), privateKeyPem: folder.pem("ada.key") }
    const good = readRevocationLists(lists, [folder.pem("operators.pem")])
    assert.equal(good.count, 1)
    assert.throws(
      () => server.renew({ identity: other, authorities: [folder.pem("operators.pem")] }),
      isQkdError("invalid-value"),
    )
    await assert.rejects(open("ada"))
    await (await open("mail")).close()
  })

  it("may be thousands", () => {
    folder.revoke("operators", [])
    const index = Array.from(
      { length: 5000 },
      (_, n) =>
        `R\t301231000000Z\t250101000000Z\t${(0x100000 + n).toString(16)}\tunknown\t/CN=gone ${n}\n`,
    )
    writeFileSync(folder.file("operators.index"), index.join(""))
    const lists = readRevocationLists(folder.revoke("operators", []), [folder.pem("operators.pem")])
    assert.equal(lists.count, 5000)
  })
})
