// `keyloom audit`: for whoever audits a node, on a machine of his own.

import { InvalidArgumentError, type Command } from "commander"

function sha256(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError("not 64 digits of hexadecimal")
  return text
}

export function addAuditCommands(program: Command): void {
  const audit = program.command("audit").description("read the trails of nodes' deliveries")

  audit
    .command("verify <file...>")
    .description("whether each line follows the one before: none changed, removed or added")
    .option("--head <sha256>", "a head noted earlier: the line must still be there", sha256)
    .action(async (files: string[], options: { head?: string }) => {
      const { verifyAudit } = await import("./audit.js")
      await verifyAudit(files, options)
    })
}
