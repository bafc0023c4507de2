// What the controller needs from outside, as interfaces; `main` hands the implementations in.

import type { CandidateAsk, Candidates } from "../core/candidates.js"
import type { Event, Reply, SouthEvent } from "../core/event.js"
import type { MoveChoice } from "../core/move-choices.js"
import type { BulkOrder } from "../model/bulk-order.js"
import type { Change, Network, NodeTarget } from "../model/network.js"
import type { RehearsedOrder } from "../core/rehearse.js"
import type { NodeConfig, NodePlan } from "../model/node.js"

export type { Reply, SouthEvent } from "../core/event.js"

/**
 * Where the Network survives. One writer at a time; every implementation passes
 * `test/store/conformance.ts`.
 */
export interface Store {
  /**
   * Begins a term, durably: greater than all before it, and at least `atLeast`. From now on commits of whoever began an
   * earlier one are refused, even if nobody has written meanwhile.
   *
   * @param above the term of another controller that nodes obey
   * @throws QkdError `resource-denied` when there is no greater one left, `in-use` app-tag `stale-leader` when the one to
   * come is not above `above`: then none has begun.
   */
  lead(atLeast?: number, above?: number): Promise<number>
  /** Everything committed, or an empty network with revision 0. */
  load(): Promise<{ revision: number; changes: readonly Change[] }>
  /**
   * Writes all changes or none, durably, and moves the revision from `expectedRevision` to the next.
   *
   * @throws QkdError `in-use` when the stored revision is not `expectedRevision`, or a later term has begun: another
   * controller leads.
   */
  commit(expectedRevision: number, changes: readonly Change[]): Promise<number>
  close(): Promise<void>
}

/** The southbound side as the controller sees it: one node at a time is told what it should be. */
export interface SouthPort {
  /** Start keeping a connection to this node; what happens comes back as controller events. */
  manage(qkdnId: string, driver: string, target: NodeTarget): void
  forget(qkdnId: string): Promise<void>
  /**
   * Make the node so; with `holdS`, where it can, only until it is told for good or so many seconds are over. Outcomes come back as `node-synced` or `node-sync-failed` with the same `revision`.
   */
  sync(qkdnId: string, desired: NodeConfig, revision: number, holdS?: number): void
  /** What would be written to make the node so; undefined where its driver cannot say, rejects without a session. */
  plan?(qkdnId: string, desired: NodeConfig): Promise<NodePlan | undefined>
  /** Tell a node that a request it raised is refused; ignored for nodes that cannot be told. */
  refuse(
    qkdnId: string,
    request: {
      serverAppId: string
      clientAppIds: readonly string[]
      appTag: string
      reason: string
    },
  ): void
}

/** A committed change as subscribers get it. `seq` has no gaps within an `epoch`. */
export interface Notice {
  readonly seq: number
  /** RFC 3339. */
  readonly time: string
  /** `node`, `link`, `service`, `order` (bulk), `maintenance`, or `log` for what is worth telling but changes nothing. */
  readonly topic: "node" | "link" | "service" | "order" | "maintenance" | "log"
  /** For example `link.down`, `service.moved`, `node.unreachable`. */
  readonly type: string
  readonly id: string
  /** The thing as it now is, or null when it is gone. */
  readonly value: unknown
  readonly message?: string
}

/** Where the southbound side puts what happened. Rejects with `resource-denied` when the queue is full. */
export type SubmitSouth = (event: SouthEvent) => Promise<unknown>

/** An order tried without consequences. */
export interface Rehearsal extends Omit<RehearsedOrder, "desired"> {
  /** From end to end of the path. */
  readonly nodes: readonly {
    readonly qkdnId: string
    /** Absent where the node's driver cannot tell beforehand. */
    readonly plan?: NodePlan
    /** Why nothing can be said of this node, or why it would refuse. */
    readonly fault?: string
  }[]
}

export type OrderEvent = Extract<Event, { readonly kind: "service-ordered" }>

/** What the north faces use. Reads are snapshots; `submit` goes through the deciding loop. */
export interface ControllerPort {
  network(): Network
  /**
   * Decides on `event` and resolves once the decision is durable.
   *
   * @throws QkdError `resource-denied` when the queue is full, `in-use` when another controller leads. What
   * the decision itself refuses comes back as a `Reply` with `ok: false`.
   */
  submit(event: Event): Promise<Reply>
  /** Optional ability: a bulk order as it would be, or its refusal. Nothing changes. */
  judgeBulk?(order: BulkOrderEvent): BulkVerdict
  /** Optional ability: what an order would come to, down to each node's exact edit. Nothing changes. */
  rehearse?(order: OrderEvent): Promise<Rehearsal>
  readonly epoch: string
  /** The number of the last notice. */
  lastSeq(): number
  /** Notices after `seq`, or null when they are no longer held (the subscriber needs a snapshot). */
  noticesSince(seq: number): readonly Notice[] | null
  /** Called for every notice, in order, synchronously after the commit. Returns the way to stop. */
  onNotice(listener: (notice: Notice) => void): () => void
}

export type BulkOrderEvent = Extract<Event, { readonly kind: "bulk-ordered" }>

/** An order that would be taken on, as it would be; or the refusal. */
export interface BulkVerdict {
  readonly reply: Reply
  readonly order?: BulkOrder
}

/** Questions to the committed network; nothing changes by them. */
export interface InsightPort {
  /** @returns undefined when the service that is asked about is not there. */
  candidatePaths(ask: CandidateAsk): Candidates
  /** Where else a service could stand by its terms, room aside; cheapest first. */
  moveChoices(serviceId: string): readonly MoveChoice[]
  /** What would be decided on this event now. */
  judge(event: Event): Reply
  /** Bits per second promised on a link. */
  reservedBps(qkdlId: string): number
  /** Bits per second kept on a link for services that would move there. */
  backupBps(qkdlId: string): number
}
