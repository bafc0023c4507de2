// The commands of the people who sign site policies.

import { InvalidArgumentError, type Command } from "commander"

function count(text: string): number {
  if (!/^[1-9][0-9]?$/.test(text)) throw new InvalidArgumentError("not a number of signers")
  return Number(text)
}

export function addPolicyCommands(program: Command): void {
  const policy = program
    .command("policy")
    .description("make, read and sign site policies: it takes several people")

  policy
    .command("keygen")
    .description("make a signer's key; prints the line that goes into nodes' configurations")
    .requiredOption("--out <file>", "the private key, for this person alone")
    .option("--passphrase-file <file>", "encrypts it")
    .action(async (options: { out: string; passphraseFile?: string }) => {
      const { makeSigner } = await import("./policy.js")
      makeSigner(options)
    })

  policy
    .command("show <file>")
    .description("what a policy says, its fingerprint and who has signed it")
    .option("--previous <file>", "the policy in force: what is changed")
    .action(async (file: string, options: { previous?: string }) => {
      const { showPolicy } = await import("./policy.js")
      showPolicy(file, options)
    })

  policy
    .command("sign <file>")
    .description("add a signature to a policy, in its file")
    .requiredOption("--key <file>", "the signer's private key")
    .requiredOption("--sha256 <hex>", "fingerprint of what was read, as `show` prints it")
    .option("--passphrase-file <file>", "opens the key")
    .action(
      async (file: string, options: { key: string; sha256: string; passphraseFile?: string }) => {
        const { signPolicyFile } = await import("./policy.js")
        signPolicyFile(file, options)
      },
    )

  policy
    .command("verify <file>")
    .description("whether a node with these signers would take it")
    .requiredOption("--signer <key...>", "as in the node's configuration")
    .requiredOption("--threshold <n>", "how many of them it takes", count)
    .action(async (file: string, options: { signer: string[]; threshold: number }) => {
      const { verifyPolicy } = await import("./policy.js")
      verifyPolicy(file, options)
    })
}
