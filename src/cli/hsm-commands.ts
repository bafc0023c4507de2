// The commands under `keyloom consumer hsm`.

import type { Command } from "commander"

export function addHsmCommands(consumer: Command): void {
  const hsm = consumer
    .command("hsm")
    .description("keep a PKCS#11 token filled with QKD keys shared with other sites")
    .requiredOption("--config <file>", "its configuration")
    .action(async (options: { config: string }) => {
      const { runHsm } = await import("./consumer-hsm.js")
      await runHsm(options)
    })
  const config = (): { config: string } => hsm.opts<{ config: string }>()

  hsm
    .command("seal <file>")
    .description("encrypt a file in the token, under the next unused key")
    .option("--peer <site>", "who may open it; needed where there are several")
    .option("--output <file>", "FILE.sealed where absent")
    .action(async (file: string, options: { peer?: string; output?: string }) => {
      const { hsmSeal } = await import("./consumer-hsm.js")
      await hsmSeal(file, { ...config(), ...options })
    })

  hsm
    .command("open <file>")
    .description("decrypt a sealed file in the token")
    .option("--output <file>", "the name without .sealed where absent")
    .action(async (file: string, options: { output?: string }) => {
      const { hsmOpen } = await import("./consumer-hsm.js")
      await hsmOpen(file, { ...config(), ...options })
    })

  hsm
    .command("status")
    .description("keys by peer, direction and state, and what went wrong last")
    .option("--json", "print one JSON document")
    .action(async (options: { json?: boolean }) => {
      const { hsmStatus } = await import("./consumer-hsm.js")
      await hsmStatus({ ...config(), ...options })
    })

  hsm
    .command("destroy <keyId...>")
    .description("have keys of this site destroyed, here and at the peer")
    .action(async (keyIds: string[]) => {
      const { hsmDestroy } = await import("./consumer-hsm.js")
      await hsmDestroy(keyIds, config())
    })
}
