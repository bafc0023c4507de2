// Waits for a demo to come up, by asking its controller over REST as anybody would.

import type { Plan } from "./plan.js"

export interface Progress {
  readonly nodesConnected: number
  readonly nodes: number
  readonly linksActive: number
  readonly links: number
  /** Links that are not generating, by name, with what is known of the reason. */
  readonly waitingFor: readonly string[]
}

interface NetworkAnswer {
  readonly nodes: readonly { readonly reach: string }[]
  readonly links: readonly {
    readonly name?: string
    readonly qkdlId: string
    readonly status: string
    readonly enabled: boolean
    readonly reason?: string
  }[]
}

const POLL_MS = 150

/**
 * Polls until every node is connected and every link generates, or until `deadlineMs` after the nodes were.
 *
 * @param linkPatienceMs how long links may take once all nodes are connected: one without enough signal never will
 */
export async function waitUntilUp(
  url: string,
  plan: Plan,
  options: { deadlineMs: number; linkPatienceMs: number; signal: AbortSignal },
): Promise<Progress> {
  const startedAt = Date.now()
  let connectedAt: number | undefined
  let last: Progress = {
    nodesConnected: 0,
    nodes: plan.nodes.length,
    linksActive: 0,
    links: plan.links.length,
    waitingFor: [],
  }
  for (;;) {
    options.signal.throwIfAborted()
    last = (await progressOf(url, plan)) ?? last
    const now = Date.now()
    if (last.nodesConnected === last.nodes) connectedAt ??= now
    if (connectedAt !== undefined && last.waitingFor.length === 0) return last
    if (connectedAt !== undefined && now - connectedAt > options.linkPatienceMs) return last
    if (now - startedAt > options.deadlineMs) return last
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

async function progressOf(url: string, plan: Plan): Promise<Progress | undefined> {
  try {
    const response = await fetch(`${url}/api/v1/network`, {
      headers: { authorization: `Bearer ${plan.token}` },
      signal: AbortSignal.timeout(5000),
    })
    if (!response.ok) return undefined
    const network = (await response.json()) as NetworkAnswer
    const active = network.links.filter((link) => link.status === "ACTIVE")
    // What an operator has switched off is not waited for.
    const waiting = network.links.filter((link) => link.enabled && link.status !== "ACTIVE")
    return {
      nodesConnected: network.nodes.filter((node) => node.reach === "connected").length,
      nodes: network.nodes.length,
      linksActive: active.length,
      links: network.links.length,
      waitingFor: waiting.map(
        (link) =>
          `${link.name ?? link.qkdlId}${link.reason === undefined ? "" : ` (${link.reason})`}`,
      ),
    }
  } catch {
    return undefined // not listening yet
  }
}
