// What a border node keeps of keys that cross to and from neighbouring domains: ids, who they are for, how far they are.
// No key byte. Encoded for the node's store.

import { ByteReader, ByteWriter } from "./bytes.js"
import { encodeConsignment, readConsignment, RELAY_LIMITS } from "./relay-header.js"
import type { Consignment } from "./relay-header.js"

/** The ack_status values of ETSI GS QKD 020. */
export const ACK_STATUSES = [
  "relayed",
  "failed",
  "voided",
  "failed to void",
  "key not present",
] as const
export type AckStatus = (typeof ACK_STATUSES)[number]

/** Master and slaves in the words of ETSI GS QKD 020. */
export interface Parties {
  readonly initiatorSaeId: string
  readonly targetSaeIds: readonly string[]
}

/** `offered`: the other domain may have them. `relayed`: it says its SAEs can fetch them. `voiding`: to be taken back. */
const HANDOVER_STATES = ["offered", "relayed", "voiding"] as const
export type HandoverState = (typeof HANDOVER_STATES)[number]

/** Keys that this node gave to a domain. */
export interface Handover extends Parties {
  readonly transferId: string
  readonly domain: string
  /** Whose keys they are: the node that relayed them here. */
  readonly source: string
  readonly keyIds: readonly string[]
  readonly expiresMs: number
  readonly state: HandoverState
}

/** `taken`: on their way. `relayed`, `failed`, `voided` are final, but for a void of relayed ones. */
const INTAKE_STATES = ["taken", "relayed", "failed", "voided"] as const
export type IntakeState = (typeof INTAKE_STATES)[number]

/** Keys that a domain gave to this node. */
export interface Intake extends Parties {
  readonly intakeId: string
  readonly domain: string
  readonly keyIds: readonly string[]
  readonly expiresMs: number
  readonly state: IntakeState
  /** Where they went from here; known once they are relayed. */
  readonly offers: readonly Consignment[]
  /** Where the domain still waits to hear of them. */
  readonly callbackUrl?: string
}

/** Keys of one message. */
export const BORDER_LIMITS = { keys: 1024, targets: RELAY_LIMITS.slaves, offers: 256 } as const

export function encodeHandover(handover: Handover): Buffer {
  return parties(handover, HANDOVER_STATES.indexOf(handover.state))
    .uuid(handover.transferId)
    .text(handover.source)
    .finish()
}

export function decodeHandover(bytes: Uint8Array): Handover {
  const reader = new ByteReader(bytes, "record of a hand-over")
  const { at, ...common } = readParties(reader)
  const state = HANDOVER_STATES[at] ?? reader.fail("unknown state")
  const handover = { ...common, state, transferId: reader.uuid(), source: reader.text() }
  reader.end()
  return handover
}

export function encodeIntake(intake: Intake): Buffer {
  const writer = parties(intake, INTAKE_STATES.indexOf(intake.state))
    .uuid(intake.intakeId)
    .text(intake.callbackUrl ?? "")
    .u16(intake.offers.length)
  for (const offer of intake.offers) writer.raw(encodeConsignment(offer))
  return writer.finish()
}

export function decodeIntake(bytes: Uint8Array): Intake {
  const reader = new ByteReader(bytes, "record of an intake")
  const { at, ...common } = readParties(reader)
  const state = INTAKE_STATES[at] ?? reader.fail("unknown state")
  const intakeId = reader.uuid()
  const callbackUrl = reader.text(1024)
  const count = reader.u16()
  const offers = Array.from({ length: count }, () => readConsignment(reader))
  reader.end()
  return { ...common, state, intakeId, offers, ...(callbackUrl !== "" && { callbackUrl }) }
}

/** Whether both name the same master and the same slaves, in any order. */
export function sameParties(one: Parties, two: Parties): boolean {
  const [a, b] = [new Set(one.targetSaeIds), new Set(two.targetSaeIds)]
  return (
    one.initiatorSaeId === two.initiatorSaeId &&
    a.size === b.size &&
    Array.from(a).every((saeId) => b.has(saeId))
  )
}

type Common = Pick<Intake, keyof Parties | "domain" | "keyIds" | "expiresMs">

function parties(common: Common, state: number): ByteWriter {
  return new ByteWriter(512)
    .u8(state)
    .text(common.domain)
    .text(common.initiatorSaeId)
    .texts(common.targetSaeIds)
    .uuids(common.keyIds)
    .u64(BigInt(Math.floor(common.expiresMs)))
}

function readParties(reader: ByteReader): Common & { readonly at: number } {
  return {
    at: reader.u8(),
    domain: reader.text(),
    initiatorSaeId: reader.text(),
    targetSaeIds: reader.texts(BORDER_LIMITS.targets),
    keyIds: reader.uuids(BORDER_LIMITS.keys),
    expiresMs: Number(reader.u64()),
  }
}
