// A node driver over nothing: each node is an object whose connection can be made to fail, break, refuse or be slow.

import type { NodeConfig, NodeEvent, NodeState } from "../../src/model/node.js"
import type { NodeConnection, NodeDriver } from "../../src/plugin/contract.js"
import { Channel } from "../../src/plugin/channel.js"
import { QkdError } from "../../src/errors.js"

export class FakeNode {
  connects = 0
  reads = 0
  readonly applied: NodeConfig[] = []
  readonly refusals: string[] = []
  /** Thrown at the next connect, read or apply. */
  failConnect: Error | undefined
  failApply: Error | undefined
  /** Reads never answer. */
  mute = false
  /** Reads take their picture at once and answer when this is done. */
  readGate: Promise<void> | undefined
  /** Links as the next read shows them. */
  links: NodeState["links"] = []
  /** Offers the small round trip; whether it answers. */
  ping: "absent" | "answers" | "mute" = "absent"
  pings = 0
  /** Applies never answer, not even when the connection ends. */
  stuckApply = false
  applyMs = 0
  /** Offers provisional changes. */
  holds = false
  readonly held: { desired: NodeConfig; timeoutS: number }[] = []
  #events: Channel<NodeEvent> | undefined

  constructor(
    readonly qkdnId: string,
    private readonly claims = qkdnId,
  ) {}

  say(event: NodeEvent): void {
    this.#events?.push(event)
  }

  drop(): void {
    this.#events?.end()
  }

  state(): NodeState {
    return {
      qkdnId: this.claims,
      capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
      interfaces: [],
      links: this.links,
      apps: [],
      peers: [],
    }
  }

  connect(): Promise<NodeConnection> {
    this.connects += 1
    if (this.failConnect !== undefined) return Promise.reject(this.failConnect)
    const events = new Channel<NodeEvent>()
    this.#events = events
    return Promise.resolve({
      events,
      read: () => {
        this.reads += 1
        if (this.mute) return new Promise(() => undefined)
        const state = this.state()
        return (this.readGate ?? Promise.resolve()).then(() => state)
      },
      ...(this.ping === "absent"
        ? {}
        : {
            ping: () => {
              this.pings += 1
              return this.ping === "mute" ? new Promise<void>(() => undefined) : Promise.resolve()
            },
          }),
      apply: async (desired) => {
        if (this.stuckApply) await new Promise(() => undefined)
        if (this.applyMs > 0) await new Promise((done) => setTimeout(done, this.applyMs))
        if (this.failApply !== undefined) throw this.failApply
        this.applied.push(desired)
      },
      ...(this.holds && {
        hold: (desired: NodeConfig, timeoutS: number) => {
          this.held.push({ desired, timeoutS })
          return Promise.resolve(true)
        },
        plan: (desired: NodeConfig) =>
          Promise.resolve({ way: "fake", edits: [], payload: desired.qkdnId }),
      }),
      refuse: (request) => {
        this.refusals.push(request.reason)
        return Promise.resolve()
      },
      close: () => {
        events.end()
        return Promise.resolve()
      },
    })
  }
}

export function fakeDriver(nodes: readonly FakeNode[]): NodeDriver {
  return {
    name: "fake",
    contract: 1,
    connect: (target) => {
      const node = nodes.find((n) => n.qkdnId === target.username)
      if (node === undefined) throw new QkdError("data-missing", "no such node")
      return node.connect()
    },
  }
}
