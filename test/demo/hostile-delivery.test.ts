// Whoever is no SAE of the site asks its ETSI 014 face for keys, and SAEs of the site send it what is no request
// (THREATS N3, N4, T1). By curl and openssl; nothing of ours on the asking side.

import assert from "node:assert/strict"
import { execFile, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import path from "node:path"
import {
  type Answer,
  decKeys,
  type Demo,
  encKeys,
  freshDir,
  type KeyContainer,
  removeDir,
  root,
  saeNamed,
  startDemo,
} from "../support/demo.js"
import { Witness } from "../support/hostile-bystander.js"
import { foreign, selfSigned, type Shown } from "../support/hostile-certificates.js"

interface Curled extends Answer {
  /** curl's own status: 0 when there was an HTTP answer. */
  readonly curl: number
}

/** curl with whatever it is given; an answer that never came has status 0. */
function curlWith(args: readonly string[]): Promise<Curled> {
  return new Promise((resolve) => {
    const all = ["-sS", "--max-time", "20", "-w", "\n%{http_code}", ...args]
    execFile("curl", all, { maxBuffer: 4 * 1024 * 1024 }, (error, stdout) => {
      const cut = stdout.lastIndexOf("\n")
      resolve({
        status: Number(stdout.slice(cut + 1)),
        body: stdout.slice(0, cut),
        curl: error === null ? 0 : Number(error.code),
      })
    })
  })
}

describe("hostile ETSI 014", function () {
  this.timeout(180_000)
  let demo: Demo
  let witness: Witness
  const dir = freshDir()

  const url = (site: string, peer: string, method: string): string => {
    const node = demo.file.nodes.find((n) => n.name === site) ?? assert.fail()
    return `${node.etsi014}/api/v1/keys/${peer}/${method}`
  }
  const shown = ({ certFile, keyFile }: Shown): string[] => ["--cert", certFile, "--key", keyFile]
  const trusting = (): string[] => ["--cacert", saeNamed(demo, "sae-Windhof").caFile]
  /** As the site's own SAE. */
  const asSae = (...args: string[]): Promise<Curled> =>
    curlWith([...shown(saeNamed(demo, "sae-Windhof")), ...trusting(), ...args])

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    witness = await Witness.of(demo, [["sae-Windhof", "sae-Betzdorf"]])
  })
  after(async () => {
    await witness.close()
    await demo.stop()
    removeDir(dir)
  })

  describe("from whoever is no SAE of the site", () => {
    const ask = (args: readonly string[]): Promise<Curled> =>
      curlWith([...trusting(), ...args, url("Windhof", "sae-Betzdorf", "enc_keys")])

    it("answers the right certificate, or nothing below would mean anything", async () => {
      const { status, curl } = await ask(shown(saeNamed(demo, "sae-Windhof")))
      assert.deepEqual([curl, status], [0, 200])
    })

    const strangers: [string, () => readonly string[]][] = [
      ["no certificate", () => []],
      ["a self-signed certificate of the right name", () => shown(selfSigned(dir, "sae-Windhof"))],
      [
        "the right name from a foreign authority",
        () => shown(foreign(dir, "sae-Windhof", "urn:keyloom:sae:sae-Windhof")),
      ],
      [
        "the certificate of the node itself",
        () => {
          const home = path.join(dir, "nodes/windhof")
          return shown({
            certFile: path.join(home, "etsi014-cert.pem"),
            keyFile: path.join(home, "etsi014-key.pem"),
          })
        },
      ],
      [
        "a key manager's certificate",
        () => {
          const home = path.join(dir, "nodes/windhof")
          return shown({
            certFile: path.join(home, "relay-cert.pem"),
            keyFile: path.join(home, "relay-key.pem"),
          })
        },
      ],
    ]
    for (const [what, args] of strangers) {
      it(`refuses the handshake: ${what}`, async () => {
        const { status, body, curl } = await ask(args())
        assert.equal(status, 0)
        assert.equal(body, "")
        assert.notEqual(curl, 0)
      })
    }

    it("answers 401 and no word to an SAE of another site", async () => {
      for (const other of ["sae-Betzdorf", "sae-Kirchberg"]) {
        for (const [peer, method] of [
          ["sae-Betzdorf", "enc_keys"],
          ["sae-Windhof", "status"],
          ["sae-Windhof", `dec_keys?key_ID=${randomUUID()}`],
        ] as const) {
          const { status, body } = await curlWith([
            ...shown(saeNamed(demo, other)),
            ...trusting(),
            url("Windhof", peer, method),
          ])
          assert.deepEqual([status, body], [401, ""], `${other} ${method}`)
        }
      }
    })

    it("does not speak TLS 1.0 to 1.2, nor in the clear", async () => {
      const port = new URL(url("Windhof", "x", "status")).port
      const { certFile, keyFile } = saeNamed(demo, "sae-Windhof")
      for (const version of ["-tls1", "-tls1_1", "-tls1_2"]) {
        const { status, stdout, stderr } = spawnSync(
          "openssl",
          [
            "s_client",
            "-connect",
            `127.0.0.1:${port}`,
            version,
            // OpenSSL's own ban on old versions off: it must be the node that refuses.
            "-cipher",
            "ALL:@SECLEVEL=0",
            "-cert",
            certFile,
            "-key",
            keyFile,
          ],
          { input: "", encoding: "utf8", timeout: 10_000 },
        )
        assert.notEqual(status, 0, version)
        assert.match(stdout + stderr, /alert protocol version/, version)
      }
      const clear = await curlWith([
        url("Windhof", "sae-Betzdorf", "status").replace("https", "http"),
      ])
      assert.notEqual(clear.status, 200)
      assert(!clear.body.includes("KME"))
    })

    it("gives one SAE's key to no other, whoever knows its id", async () => {
      const enc = await encKeys(demo, "sae-Windhof", "sae-Betzdorf")
      const { keys } = JSON.parse(enc.body) as KeyContainer
      const ids = keys.map((k) => k.key_ID)
      for (const [thief, master] of [
        ["sae-Kirchberg", "sae-Windhof"],
        ["sae-Kirchberg", "sae-Betzdorf"],
        ["sae-Betzdorf", "sae-Kirchberg"],
      ] as const) {
        const { status, body } = await decKeys(demo, thief, master, ids)
        assert([400, 401].includes(status), body)
        assert(!body.includes(keys[0]?.key ?? "-"), "no key byte")
      }
      const rightful = await decKeys(demo, "sae-Betzdorf", "sae-Windhof", ids)
      assert.deepEqual((JSON.parse(rightful.body) as KeyContainer).keys, keys)
    })

    it("harms nobody", () => witness.unharmed())
  })

  describe("from an SAE of the site", () => {
    const post = (body: string | Buffer, method = "enc_keys", type = "application/json") => {
      const file = path.join(dir, "body")
      writeFileSync(file, body)
      return asSae(
        "-H",
        `content-type: ${type}`,
        "-H",
        "expect:",
        "--data-binary",
        `@${file}`,
        url("Windhof", "sae-Betzdorf", method),
      )
    }
    const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels)

    const bodies: [string, string | Buffer, string, RegExp][] = [
      ["no JSON", "number=1", "enc_keys", /"path":"\/"/],
      ["JSON cut short", '{"number":', "enc_keys", /"path":"\/"/],
      ["two values", '{"number":1}{"number":1}', "enc_keys", /"path":"\/"/],
      ["a member twice", '{"number":1,"number":128}', "enc_keys", /number/],
      ["an escaped member twice", '{"size":64,"\\u0073ize":256}', "enc_keys", /size/],
      ["a member nobody knows", '{"numbers":1}', "enc_keys", /\/numbers/],
      ["__proto__", '{"__proto__":{"number":1}}', "enc_keys", /__proto__/],
      ["an array", "[1]", "enc_keys", /object/],
      ["null", "null", "enc_keys", /object/],
      ["a huge number", '{"number":1e400}', "enc_keys", /number/],
      ["a number of many digits", `{"number":${"9".repeat(30_000)}}`, "enc_keys", /number/],
      ["more than the policy allows", '{"number":4096}', "enc_keys", /"path":"\/number"/],
      ["a negative number", '{"number":-1}', "enc_keys", /"path":"\/number"/],
      ["a broken number", '{"number":1.5}', "enc_keys", /"path":"\/number"/],
      ["a number as text", '{"number":"1"}', "enc_keys", /"path":"\/number"/],
      ["no bytes of key", '{"size":0}', "enc_keys", /"path":"\/size"/],
      ["a size of no whole byte", '{"size":129}', "enc_keys", /multiple of 8/],
      ["a size beyond the policy", '{"size":1048576}', "enc_keys", /"path":"\/size"/],
      ["deep nesting", `{"extension_optional":${nested(10_000)}}`, "enc_keys", /"path":"\/"/],
      ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "enc_keys", /UTF-8/],
      ["no key id", '{"key_IDs":[]}', "dec_keys", /"path":"\/key_IDs"/],
      [
        "a key id that is none",
        '{"key_IDs":[{"key_ID":"../x"}]}',
        "dec_keys",
        /key_IDs\/0\/key_ID/,
      ],
      [
        "the same key id twice",
        JSON.stringify({ key_IDs: Array(2).fill({ key_ID: randomUUID() }) }),
        "dec_keys",
        /key_IDs\/1\/key_ID/,
      ],
      [
        "a thousand key ids",
        JSON.stringify({ key_IDs: Array.from({ length: 1000 }, () => ({ key_ID: randomUUID() })) }),
        "dec_keys",
        /"path":"\/key_IDs"/,
      ],
    ]
    for (const [what, body, method, says] of bodies) {
      it(`answers 400 and says where: ${what}`, async () => {
        const answer = await post(body, method)
        assert.equal(answer.status, 400, answer.body)
        const { message } = JSON.parse(answer.body) as { message?: unknown }
        assert(typeof message === "string" && message.length > 5, answer.body)
        assert.match(answer.body, says)
        assert.doesNotMatch(answer.body, /node_modules|\.[jt]s:\d/)
      })
    }

    it("answers 400 to another content type", async () => {
      for (const type of ["text/plain", "application/xml", "application/json; charset=utf-16"]) {
        const answer = await post('{"number":1}', "enc_keys", type)
        assert.equal(answer.status, 400, type)
        assert.match(answer.body, /content type/)
      }
    })

    it("answers 413 to 10 MB, whether the length was announced or not", async () => {
      const big = Buffer.alloc(10 * 1024 * 1024, 0x20)
      assert.equal((await post(big)).status, 413)
      const file = path.join(dir, "body")
      const { status } = await asSae(
        "-H",
        "content-type: application/json",
        "-H",
        "transfer-encoding: chunked",
        "-H",
        "expect:",
        "--data-binary",
        `@${file}`,
        url("Windhof", "sae-Betzdorf", "enc_keys"),
      )
      assert.equal(status, 413)
    })

    it("answers 400 to a query that is none", async () => {
      for (const query of ["number=x", "number=1&number=2", "colour=red", "size=%zz", "number"]) {
        const { status } = await asSae(`${url("Windhof", "sae-Betzdorf", "enc_keys")}?${query}`)
        assert.equal(status, 400, query)
      }
    })

    it("knows no other resource and no other method", async () => {
      const base = url("Windhof", "sae-Betzdorf", "enc_keys")
      for (const [args, expected] of [
        [[base.replace("enc_keys", "all_keys")], 404],
        [[base.replace("/api/v1", "/api/v2")], 404],
        [["--path-as-is", base.replace("sae-Betzdorf/enc_keys", "../../../etc/passwd")], 404],
        [["--path-as-is", base.replace("sae-Betzdorf", "%00")], 400],
        [["--path-as-is", base.replace("sae-Betzdorf", "x".repeat(5000))], 400],
        [["-X", "DELETE", base], 405],
        [["-X", "PUT", "-d", "{}", base], 405],
        [["-H", `x: ${"y".repeat(20_000)}`, base], 431],
      ] as [string[], number][]) {
        const { status } = await asSae(...args)
        assert.equal(status, expected, args.join(" ").slice(0, 200))
      }
    })

    it("harms nobody", () => witness.unharmed())
  })
})
