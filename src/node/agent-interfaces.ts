// The agent's interfaces: what each open module is, and how it fares. Writes them into the configuration,
// where ETSI GS QKD 015 keeps them; says which notifications a change deserves.

import { isDeepStrictEqual } from "node:util"
import { interfaceToData } from "../model/etsi015-interface.js"
import type { InterfaceStatus, NodeEvent, QkdInterface } from "../model/node.js"
import type { ModuleDescription } from "../plugin/contract.js"
import type { JsonObject } from "../yang/json-text.js"
import { interfaceEntries, nodeOf, withNode } from "./agent-own.js"

export class AgentInterfaces {
  readonly ids: ReadonlySet<number>
  readonly #statuses = new Map<number, InterfaceStatus>()
  readonly #described = new Map<number, QkdInterface>()
  /** Entries as written, without the cabling. */
  #written = new Map<number, JsonObject>()

  constructor(qkdiIds: readonly number[]) {
    this.ids = new Set(qkdiIds)
    for (const qkdiId of qkdiIds) this.#statuses.set(qkdiId, "DISABLED")
  }

  get statuses(): ReadonlyMap<number, InterfaceStatus> {
    return this.#statuses
  }

  get allFailed(): boolean {
    const all = [...this.#statuses.values()]
    return all.length > 0 && all.every((status) => status === "FAILED")
  }

  /** Learns what was written earlier. @returns interfaces written once whose module is no more */
  load(running: JsonObject): { readonly gone: readonly number[] } {
    const gone: number[] = []
    for (const entry of interfaceEntries(running)) {
      const qkdiId = Number(entry["qkdi_id"])
      if (this.ids.has(qkdiId)) this.#written.set(qkdiId, described(entry))
      else gone.push(qkdiId)
    }
    return { gone }
  }

  /** A module is open. `changed`: the configuration has to be written. */
  opened(
    qkdiId: number,
    description: ModuleDescription,
  ): { readonly changed: boolean; readonly events: readonly NodeEvent[] } {
    const qkdInterface: QkdInterface = {
      qkdiId,
      model: description.model,
      technology: description.technology,
      role: description.role,
      ...(description.wavelengthRange !== undefined && {
        wavelengthRange: description.wavelengthRange,
      }),
      ...(description.maxAbsorptionDb !== undefined && {
        maxAbsorptionDb: description.maxAbsorptionDb,
      }),
    }
    const before = this.#statuses.get(qkdiId)
    this.#described.set(qkdiId, qkdInterface)
    this.#statuses.set(qkdiId, "ENABLED")
    const entry = interfaceToData(qkdInterface)
    const changed = !isDeepStrictEqual(this.#written.get(qkdiId), entry)
    if (changed) return { changed, events: [{ kind: "interface-new", qkdInterface }] }
    if (before === "ENABLED") return { changed, events: [] }
    return {
      changed,
      events: [
        {
          kind: "event",
          resource: { kind: "interface", qkdiId, status: "ENABLED" },
          message: "the module is up",
          severity: "MINOR",
        },
      ],
    }
  }

  /** A module failed or ended. Told once until it is up again. */
  failed(qkdiId: number, reason: string): NodeEvent[] {
    if (this.#statuses.get(qkdiId) === "FAILED") return []
    this.#statuses.set(qkdiId, "FAILED")
    return [
      { kind: "interface-down", qkdiId, reason },
      {
        kind: "alarm",
        resource: { kind: "interface", qkdiId, status: "FAILED" },
        message: reason,
        severity: "MAJOR",
      },
    ]
  }

  /** The running configuration with every described interface as it is; the cabling is kept. */
  write(running: JsonObject): JsonObject {
    const entries = new Map(
      interfaceEntries(running).map((entry) => [Number(entry["qkdi_id"]), entry]),
    )
    for (const [qkdiId, item] of this.#described) {
      const entry = interfaceToData(item)
      const cabling = entries.get(qkdiId)?.["qkdi_att_point"]
      entries.set(qkdiId, cabling === undefined ? entry : { ...entry, qkdi_att_point: cabling })
      this.#written.set(qkdiId, entry)
    }
    return withNode(running, {
      ...nodeOf(running),
      qkd_interfaces: { qkd_interface: [...entries.values()] },
    })
  }
}

function described(entry: JsonObject): JsonObject {
  const { qkdi_att_point: _, ...rest } = entry
  return rest
}
