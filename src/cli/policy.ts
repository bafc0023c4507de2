// `keyloom policy`: keys of the people who sign site policies, and a policy's way from one of them to the next. Nobody
// signs blindly: whoever signs gives the fingerprint of what was read.

import { createPrivateKey, generateKeyPairSync } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { QkdError } from "../errors.js"
import { policyChanges } from "../keys/policy-changes.js"
import { readEnvelope, withSignature } from "../keys/policy-envelope.js"
import type { PolicyEnvelope } from "../keys/policy-envelope.js"
import { openSignedPolicy, policyMark } from "../keys/policy-signature.js"
import { parseJson } from "../yang/json-text.js"

const LEAST_FINGERPRINT = 16

/** Makes a signer's key. The file is for that person alone; the line it prints goes into every node's configuration. */
export function makeSigner(options: {
  readonly out: string
  readonly passphraseFile?: string
}): void {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const phrase = passphrase(options.passphraseFile)
  const pem = privateKey.export({
    type: "pkcs8",
    format: "pem",
    ...(phrase !== undefined && { cipher: "aes-256-cbc", passphrase: phrase }),
  })
  try {
    writeFileSync(options.out, pem, { mode: 0o600, flag: "wx" })
  } catch (cause) {
    throw new QkdError("data-exists", `${options.out} cannot be made, or is there already`, {
      cause,
    })
  }
  print(publicKey.export({ type: "spki", format: "der" }).toString("base64"))
}

/** Prints what a policy says, its fingerprint, who has signed, and what it changes. */
export function showPolicy(file: string, options: { readonly previous?: string }): void {
  const envelope = envelopeIn(file)
  for (const line of wordsOf(envelope)) print(line)
  if (options.previous === undefined) return
  const before = envelopeIn(options.previous).policy
  const { policy } = envelope
  if (before.qkdnId !== policy.qkdnId)
    throw new QkdError("invalid-value", `${options.previous} is of another node`)
  print(`against version ${before.version}:`)
  const changes = policyChanges(before.document, policy.document)
  for (const line of changes) print(`  ${line}`)
  if (before.version >= policy.version)
    print("  WARNING: the version does not grow, nodes that had the other one will refuse it")
}

/** Adds one signature, in the file itself. */
export function signPolicyFile(
  file: string,
  options: { readonly key: string; readonly sha256: string; readonly passphraseFile?: string },
): void {
  const envelope = envelopeIn(file)
  const { sha256 } = policyMark(envelope.policy)
  const given = options.sha256.toLowerCase()
  if (given.length < LEAST_FINGERPRINT || !sha256.startsWith(given))
    throw new QkdError(
      "invalid-value",
      `--sha256 is not the fingerprint of this policy (at least ${LEAST_FINGERPRINT} digits): see keyloom policy show`,
    )
  const signed = withSignature(envelope, privateKeyIn(options.key, options.passphraseFile))
  const text = `${JSON.stringify(signed, undefined, 2)}\n`
  writeFileSync(`${file}.new`, text, { mode: 0o644 })
  renameSync(`${file}.new`, file)
  const count = signed.signatures.length
  print(`${file}: ${count} ${count === 1 ? "signature" : "signatures"}`)
}

/** @throws QkdError `access-denied` as a node would refuse it */
export function verifyPolicy(
  file: string,
  options: { readonly signer: readonly string[]; readonly threshold: number },
): void {
  const { signer: signers, threshold } = options
  const policy = openSignedPolicy(parseJson(textOf(file)), { signers, threshold })
  print(
    `version ${policy.version} of ${policy.qkdnId}: signed by ${threshold} or more of those named`,
  )
}

function wordsOf({ policy, signatures }: PolicyEnvelope): string[] {
  const { saes, peers, relay, limits, minimum, domains = [] } = policy.document
  return [
    `site policy of node ${policy.qkdnId}, version ${policy.version}`,
    `sha256 ${policyMark(policy).sha256}`,
    ...saes.map(({ saeId, spkiSha256 }) => `SAE ${saeId}: ${spkiSha256.join(" ")}`),
    ...peers.map(({ qkdnId, roles, saes: theirs }) => {
      const whose = theirs === undefined ? "" : `, SAEs ${theirs.join(" ")}`
      return `peer ${qkdnId}: ${roles.join(" and ")}${whose}`
    }),
    ...domains.map(
      ({ name, url, saes: theirs }) => `domain ${name} at ${url}: ${theirs.join(" ")}`,
    ),
    `relays for others: ${relay.allowed ? "yes" : "no"}; at most ${relay.maxHops} links`,
    `keys of ${limits.minKeySizeBits} to ${limits.maxKeySizeBits} bits, ${limits.maxKeysPerRequest} at once`,
    ...(minimum === undefined ? [] : [`at least ${JSON.stringify(minimum)}`]),
    ...signatures.map(({ signer }) => `signed by ${signer}`),
    ...(signatures.length === 0 ? ["signed by nobody"] : []),
  ]
}

function envelopeIn(file: string): PolicyEnvelope {
  return readEnvelope(parseJson(textOf(file)))
}

function privateKeyIn(file: string, passphraseFile: string | undefined): KeyObject {
  const phrase = passphrase(passphraseFile)
  try {
    return createPrivateKey({
      key: textOf(file),
      ...(phrase !== undefined && { passphrase: phrase }),
    })
  } catch {
    throw new QkdError("invalid-value", `${file} is no private key, or its passphrase is another`)
  }
}

function passphrase(file: string | undefined): string | undefined {
  return file === undefined ? undefined : textOf(file).replace(/\r?\n$/, "")
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new QkdError("data-missing", `${file} cannot be read`, { cause })
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
