// What charon says of its SAs (vici's list-sa events), as far as rotation needs it. Pure.

import { isSection, viciSection, viciText, type ViciMessage } from "./vici-packet.js"

export interface IkeSa {
  readonly uniqueId: string
  /** Both SPIs: the same at both ends. */
  readonly session: string
  readonly established: boolean
  /** The PPK entered its keys (RFC 8784). */
  readonly ppk: boolean
  /** Established, and with every child installed. */
  readonly complete: boolean
}

/** @param children names of those that must be there */
export function readIkeSas(
  events: readonly ViciMessage[],
  name: string,
  children: readonly string[],
): IkeSa[] {
  return events
    .map((event) => event[name])
    .filter(isSection)
    .map((sa) => {
      const installed = new Set(
        Object.values(viciSection(sa, "child-sas"))
          .filter(isSection)
          .filter((child) => viciText(child, "state") === "INSTALLED")
          .map((child) => viciText(child, "name")),
      )
      const established = viciText(sa, "state") === "ESTABLISHED"
      return {
        uniqueId: viciText(sa, "uniqueid"),
        session: `${viciText(sa, "initiator-spi")}.${viciText(sa, "responder-spi")}`,
        established,
        ppk: viciText(sa, "ppk") === "yes",
        complete: established && children.every((child) => installed.has(child)),
      }
    })
}

export function findSa(sas: readonly IkeSa[], session: string): IkeSa | undefined {
  return sas.find((sa) => sa.session === session)
}
