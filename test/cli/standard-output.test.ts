// The log of a role, whether somebody reads it or not.

import assert from "node:assert/strict"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(new URL("./standard-output-child.ts", import.meta.url))

function startRole(lines: number): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ["--import", "tsx", script, String(lines)])
}

async function exitOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  const kill = setTimeout(() => child.kill("SIGKILL"), 60_000)
  const [code] = (await once(child, "exit")) as [number | null]
  clearTimeout(kill)
  return code
}

describe("a role that exits", function () {
  this.timeout(120_000)

  it("has written its last lines, in order", async () => {
    const child = startRole(1000)
    let text = ""
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")))
    await once(child.stdout, "data")
    child.stdin.end("\n")
    const closed = once(child, "close")
    assert.equal(await exitOf(child), 7)
    await closed
    const entries = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { line?: number })
    assert.deepEqual(
      entries.flatMap(({ line }) => line ?? []),
      Array.from({ length: 1000 }, (_, line) => line),
    )
  })

  it("does not wait for a reader of its log that is gone", async () => {
    const child = startRole(3)
    await once(child.stdout, "data")
    child.stdout.destroy()
    child.stdin.end("\n")
    assert.equal(await exitOf(child), 7)
  })
})
