// Roles as access rules of RFC 8341: who is operator and who is observer, on every face of the YANG tree alike. The
// rules come from the controller's configuration file and are the same after every start; edits of them are refused.

import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import { NACM } from "../netconf/nacm-config.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Role } from "./access.js"

export interface RoleHolder {
  readonly name: string
  readonly role: Role
}

/**
 * Operators may do everything. Observers read what is no credential, hear everything and compute paths; they change
 * nothing and hold up nobody: no lock, no killed session. Whoever has no role may do as little as an observer.
 */
export function accessRules(holders: readonly RoleHolder[]): JsonObject {
  const members = (role: Role): string[] => [
    ...new Set(holders.filter((one) => one.role === role).map((one) => one.name)),
  ]
  const group = (name: Role): JsonObject[] => {
    const names = members(name)
    return names.length === 0 ? [] : [{ name, "user-name": names }]
  }
  const noOperation = (name: string): JsonObject => ({
    name: `no-${name}`,
    "module-name": "ietf-netconf",
    "rpc-name": name,
    "access-operations": "exec",
    action: "deny",
  })
  return {
    [NACM]: {
      "enable-nacm": true,
      "read-default": "permit",
      "write-default": "deny",
      "exec-default": "permit",
      "enable-external-groups": false,
      groups: { group: [...group("operator"), ...group("observer")] },
      "rule-list": [
        {
          name: "operators",
          group: ["operator"],
          rule: [
            { name: "everything", "module-name": "*", "access-operations": "*", action: "permit" },
          ],
        },
        {
          name: "all-others",
          group: ["*"],
          rule: ["lock", "unlock", "kill-session", "delete-config"].map(noOperation),
        },
      ],
    },
  }
}

/** @throws QkdError `operation-not-supported` when an edit touches the rules. */
export function assertSameRules(previous: JsonObject, next: JsonObject): void {
  if (isDeepStrictEqual(previous[NACM], next[NACM])) return
  throw new QkdError(
    "operation-not-supported",
    "roles are given in the controller's configuration file",
    { path: `/${NACM}` },
  )
}
