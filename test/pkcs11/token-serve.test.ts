// The process that holds a token's session and the one that started it, without a token: what passes between them.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { TokenChild } from "../../src/pkcs11/token-child.js"
import { isQkdError } from "../errors-helper.js"
import { freshDir, removeDir } from "../support/demo.js"

describe("the process that holds a token's session", function () {
  this.timeout(60_000)
  let dir: string
  let child: TokenChild

  beforeEach(() => {
    dir = freshDir()
    const pinFile = path.join(dir, "pin")
    writeFileSync(pinFile, "1234567\n", { mode: 0o600 })
    child = new TokenChild(new URL("./served-child", import.meta.url), pinFile)
  })
  afterEach(async () => {
    await child.close()
    removeDir(dir)
  })

  it("reads the PIN from its descriptor, without the line's end, once", async () => {
    assert.equal((await child.ask({ op: "pin" })).header["result"], 7)
    await assert.rejects(child.ask({ op: "pin" }))
  })

  it("answers each of many questions asked in one go with its own bytes, in their order", async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) => child.ask({ op: "echo", n }, Buffer.from(`key ${n}`))),
    )
    answers.forEach(({ bytes }, n) => {
      assert.equal(bytes.toString(), `key ${n}`)
    })
    const { header } = await child.ask({ op: "served" })
    assert.deepEqual(
      (header["result"] as unknown[]).slice(0, 300),
      answers.map((_, n) => n),
    )
  })

  it("does not keep a quick answer back behind a slow question of another kind", async () => {
    const file = path.join(dir, "told")
    const [quick, slow] = [child.ask({ op: "echo" }), child.ask({ op: "wait", file })]
    await quick
    writeFileSync(file, "")
    await slow
  })

  it("tells a refusal with its tags, and goes on", async () => {
    await assert.rejects(child.ask({ op: "refuse" }), isQkdError("access-denied", "policy"))
    assert.equal((await child.ask({ op: "echo" }, Buffer.from("x"))).bytes.toString(), "x")
  })

  it("ends with its input, and refuses what is asked then", async () => {
    await child.ask({ op: "echo" })
    await child.close()
    await assert.rejects(
      child.ask({ op: "echo" }),
      isQkdError("operation-failed", "node-unreachable"),
    )
  })
})
