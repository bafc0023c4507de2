// yangcli of yuma123 as a peer: one process, a script of commands, everything it printed.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { USER, type SshFixture } from "../transport/ssh-fixture.js"

export async function runYangcli(
  fixture: SshFixture,
  commands: readonly string[],
): Promise<string> {
  const { dir, listener, target, userKey } = fixture
  const script = path.join(dir, "script")
  writeFileSync(script, `${commands.join("\n")}\n`)
  writeFileSync(`${target.privateKeyFile}.pub`, `${userKey.publicKey}\n`)
  const args = [
    ...["--server=127.0.0.1", `--ncport=${listener.port}`, `--user=${USER}`, "--password=unused"],
    ...[`--private-key=${target.privateKeyFile}`, `--public-key=${target.privateKeyFile}.pub`],
    ...["--batch-mode", `--run-script=${script}`],
  ]
  // It keeps what it learns below HOME.
  const child = spawn("yangcli", args, { env: { ...process.env, HOME: dir }, timeout: 40_000 })
  let out = ""
  child.stdout.on("data", (b: Buffer) => (out += b.toString()))
  child.stderr.on("data", (b: Buffer) => (out += b.toString()))
  child.stdin.end()
  await once(child, "close")
  return out
}
