// `keyloom node` and the commands under it.

import type { Command } from "commander"

export function addNodeCommands(program: Command): void {
  const node = program
    .command("node")
    .description("run a trusted site: the ETSI 015 agent and the key manager")
    .requiredOption("--config <file...>", "its configuration; several share the process")
    .action(async (options: { config: string[] }) => {
      const { runNodes } = await import("./node.js")
      await runNodes(options.config)
    })
  const files = (): string[] => node.opts<{ config: string[] }>().config

  const sealKey = node
    .command("seal-key")
    .description("the sealing key that is wrapped under a key in a PKCS#11 token")

  sealKey
    .command("create")
    .description("make the key in the token, and a sealing key under it")
    .option("--import <file>", "take over the 32 bytes that the stores are sealed under now")
    .action(async (options: { import?: string }) => {
      const { createSealKey } = await import("./node-seal-key.js")
      await createSealKey(files(), options.import)
    })

  sealKey
    .command("rotate")
    .description("new keys for the former ones, which open nothing afterwards; the node is stopped")
    .action(async () => {
      const { rotateSealKey } = await import("./node-seal-key.js")
      await rotateSealKey(files())
    })

  sealKey
    .command("show")
    .description("which key of the token it is, and whether that opens it")
    .action(async () => {
      const { showSealKey } = await import("./node-seal-key.js")
      await showSealKey(files())
    })
}
