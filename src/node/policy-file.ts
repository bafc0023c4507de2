// The signed policy as a file, and the highest version this node has obeyed, kept beside its other state.
// Loads at start and on demand; does not watch the file, and nothing here is reachable over NETCONF.

import { asQkdError, QkdError } from "../errors.js"
import { members } from "../keys/policy-document.js"
import { openSignedPolicy, policyMark, refuseRollback } from "../keys/policy-signature.js"
import type { PolicyMark, PolicyTrust } from "../keys/policy-signature.js"
import { sitePolicyView } from "../keys/policy-site.js"
import type { PolicyView } from "../keys/policy-view.js"
import type { SitePolicy } from "../keys/policy.js"
import { parseJson } from "../yang/json-text.js"
import type { SitePolicyGuard } from "./agent-policy.js"
import { readMarkFile, writeMarkFile } from "./mark-file.js"
import { sitePolicyGuard } from "./policy-guard.js"

const MAX_FILE_BYTES = 16_777_216

export interface PolicyFileOptions {
  /** The node this is: a policy for another is refused. */
  readonly qkdnId: string
  readonly policyFile: string
  /** Where the highest version seen is kept. Losing it lets an older signed policy back in. */
  readonly markFile: string
  readonly trust: PolicyTrust
}

/** The policy in force. */
export class PolicyFile {
  readonly view: PolicyView
  readonly guard: SitePolicyGuard
  readonly #options: PolicyFileOptions
  #current: SitePolicy

  private constructor(options: PolicyFileOptions, current: SitePolicy) {
    this.#options = options
    this.#current = current
    this.view = sitePolicyView(() => this.#current)
    this.guard = sitePolicyGuard(() => this.#current)
  }

  /**
   * Loads, verifies, and remembers the version durably before the policy is in force.
   *
   * @throws QkdError `data-missing` without a file; `access-denied` app-tag `policy` for missing or wrong
   * signatures, another node's policy, or a version below the highest seen; `invalid-value` and the like
   * with the path for a malformed one, or for a damaged mark file.
   */
  static async open(options: PolicyFileOptions): Promise<PolicyFile> {
    return new PolicyFile(options, await load(options))
  }

  get current(): SitePolicy {
    return this.#current
  }

  /** Reads the file again. On any fault the policy in force stays. @returns whether it changed. */
  async reload(): Promise<boolean> {
    const before = policyMark(this.#current).sha256
    const next = await load(this.#options)
    this.#current = next
    return policyMark(next).sha256 !== before
  }
}

async function load(options: PolicyFileOptions): Promise<SitePolicy> {
  const text = await readMarkFile(options.policyFile, MAX_FILE_BYTES)
  if (text === undefined) {
    throw new QkdError("data-missing", `there is no site policy at ${options.policyFile}`)
  }
  const policy = openSignedPolicy(parseJson(text), options.trust)
  if (policy.qkdnId !== options.qkdnId) {
    throw new QkdError("access-denied", `this policy is for node ${policy.qkdnId}`, {
      appTag: "policy",
      path: "/policy/qkdnId",
    })
  }
  const highest = await readMark(options.markFile)
  refuseRollback(policy, highest)
  if (policy.version !== highest?.version)
    await writeMarkFile(options.markFile, `${JSON.stringify(policyMark(policy))}\n`)
  return policy
}

async function readMark(file: string): Promise<PolicyMark | undefined> {
  const text = await readMarkFile(file)
  if (text === undefined) return undefined
  try {
    const { version, sha256 } = members(parseJson(text), "", ["version", "sha256"])
    if (
      typeof version === "number" &&
      Number.isSafeInteger(version) &&
      typeof sha256 === "string"
    ) {
      return { version, sha256 }
    }
  } catch (cause) {
    throw damaged(file, cause)
  }
  throw damaged(file)
}

/** A mark that cannot be read must not count as none: that would let an older policy in. */
function damaged(file: string, cause?: unknown): QkdError {
  return new QkdError("invalid-value", `${file} does not hold the highest policy version`, {
    cause: cause === undefined ? undefined : asQkdError(cause),
  })
}
