// Values of the controller's own northbound modules (keyloom-network, keyloom-connectivity, keyloom-maintenance) as RFC 7951 writes them,
// and where their entries stand in the tree. Knows no entry from inside.

import { leafList, measured } from "./etsi015-values.js"
import type { JsonObject } from "../yang/json-text.js"

export const NETWORK_MODULE = "keyloom-network"
export const CONNECTIVITY_MODULE = "keyloom-connectivity"
export const MAINTENANCE_MODULE = "keyloom-maintenance"
export const ROOT = `${NETWORK_MODULE}:qkd_network`
export const APPS = `${CONNECTIVITY_MODULE}:qkd_apps`
export const WINDOWS = `${MAINTENANCE_MODULE}:maintenance_windows`
export const SERVICE_LINKS = `${CONNECTIVITY_MODULE}:qkd_svc_links`

export function nodePath(qkdnId: string): string {
  return `/${ROOT}/qkd_nodes/qkd_node[qkdn_id='${qkdnId}']`
}

export function linkPath(qkdlId: string): string {
  return `/${ROOT}/qkd_links/qkd_phys_links/phys_link[phys_link_id='${qkdlId}']`
}

export function appPath(serviceId: string): string {
  return `/${ROOT}/${APPS}/qkd_app[app_id='${serviceId}']`
}

export function windowPath(maintenanceId: string): string {
  return `/${ROOT}/${WINDOWS}/window[maintenance_id='${maintenanceId}']`
}

/** decimal64 in canonical form (RFC 7950 section 9.3.2): `49.6`, `12.0`. */
export function decimal(value: number | undefined, digits: number): string | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined
  const fixed = value.toFixed(digits).replace(/(\.[0-9]+?)0+$/, "$1")
  return /^-0\.0$/.test(fixed) ? "0.0" : fixed
}

/** An epsilon, which no decimal64 can say. */
export function epsilonText(value: number | undefined): string | undefined {
  return value === undefined || !Number.isFinite(value) ? undefined : String(value)
}

/** A rate, whole bit/s; -0 and negative ones are 0. */
export function bps(value: number | undefined): number | undefined {
  return measured(value)
}

/** RFC 3339, from milliseconds since the epoch. */
export function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

/** A time in the form of RFC 6991; as it is where it has that form. */
export function dateAndTime(text: string): string {
  const isSo = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text)
  return isSo ? text : (timeOf(Date.parse(text)) ?? text)
}

export function texts(values: readonly string[] | undefined): string[] | undefined {
  return leafList(values ?? [])
}

/** Undefined when there is nothing to list: an empty list is not there. */
export function entries(list: readonly JsonObject[]): JsonObject[] | undefined {
  return list.length === 0 ? undefined : [...list]
}
