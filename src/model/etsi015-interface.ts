// `qkd_interface` (a QKD module) of ETSI GS QKD 015 V2.1.1 to and from native types.

import type { JsonObject } from "../yang/json-text.js"
import { ROLES } from "./etsi015-link.js"
import {
  compact,
  compactOrNone,
  decimal3,
  identity,
  type Reader,
  uint32,
} from "./etsi015-values.js"
import { type InterfaceStatus, type QkdInterface, TECHNOLOGIES } from "./node.js"

export const INTERFACE_STATUSES: readonly InterfaceStatus[] = ["ENABLED", "DISABLED", "FAILED"]

export function interfaceFromData(reader: Reader): QkdInterface {
  const model = reader.string("qkdi_model")
  const technology = reader.identity("qkdi_type", TECHNOLOGIES)
  const point = reader.child("qkdi_att_point")
  const device = point.string("device")
  const port = point.number("port")
  const capabilities = reader.child("qkdi_capabilities")
  const role = capabilities.identity("role_support", ROLES)
  const wavelengthRange = capabilities.string("wavelength_range")
  const maxAbsorptionDb = capabilities.number("max_absorption")
  const status = reader.identity("qkdi_status", INTERFACE_STATUSES)
  const attachment = {
    ...(device !== undefined && { device }),
    ...(port !== undefined && { port }),
  }
  return {
    qkdiId: reader.number("qkdi_id") ?? 0,
    ...(model !== undefined && { model }),
    ...(technology !== undefined && { technology }),
    ...(Object.keys(attachment).length > 0 && { attachment }),
    ...(role !== undefined && { role }),
    ...(wavelengthRange !== undefined && { wavelengthRange }),
    ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb }),
    ...(status !== undefined && { status }),
  }
}

/** One `qkd_interface` entry without its status, as configuration and `sdqkdn_interface_new` have it. */
export function interfaceToData(item: QkdInterface): JsonObject {
  const path = `/qkd_node/qkd_interfaces/qkd_interface[qkdi_id='${item.qkdiId}']`
  return compact({
    qkdi_id: uint32(item.qkdiId, `${path}/qkdi_id`),
    qkdi_model: item.model,
    qkdi_type: identity(item.technology),
    qkdi_att_point: compactOrNone({
      device: item.attachment?.device,
      port: uint32(item.attachment?.port, `${path}/qkdi_att_point/port`),
    }),
    qkdi_capabilities: compactOrNone({
      role_support: identity(item.role),
      wavelength_range: item.wavelengthRange,
      max_absorption: decimal3(item.maxAbsorptionDb),
    }),
  })
}
