// Roles as access rules of RFC 8341: what operators and observers may do on every face of the YANG tree alike. Who has
// which role the transports know (the controller's configuration file) and tell as a group. The rules are the same after
// every start, and edits of them are refused.

import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import { CONNECTIVITY_MODULE, ROOT } from "../model/keyloom-values.js"
import { NACM } from "../netconf/nacm-config.js"
import type { JsonObject } from "../yang/json-text.js"

/** What an observer calls: by module, operations. */
const LOOK: Readonly<Record<string, readonly string[]>> = {
  "ietf-netconf": ["get", "get-config", "validate"],
  "ietf-netconf-nmda": ["get-data"],
  "ietf-netconf-monitoring": ["get-schema"],
  notifications: ["create-subscription"],
  "ietf-subscribed-notifications": [
    "establish-subscription",
    "modify-subscription",
    "delete-subscription",
  ],
  "ietf-yang-push": ["resync-subscription"],
  [CONNECTIVITY_MODULE]: ["compute-candidate-paths"],
}

/** How the controller logs in to its nodes. Every step carries its module: these are XPaths, in XML too. */
const CREDENTIALS = ["username", "private_key_file", "tls/cert_file", "tls/key_file"].map((leaf) =>
  ["qkd_nodes", "qkd_node", "management", ...leaf.split("/")].reduce(
    (path, name) => `${path}/${ROOT.replace(/:.*/, `:${name}`)}`,
    `/${ROOT}`,
  ),
)

/**
 * Operators may do everything. Observers read what is no credential, hear everything and compute paths; they change
 * nothing and hold up nobody: no lock, no killed session. Whoever has no role may do nothing (THREATS T6).
 */
export function accessRules(): JsonObject {
  return {
    [NACM]: {
      "enable-nacm": true,
      "read-default": "deny",
      "write-default": "deny",
      "exec-default": "deny",
      "enable-external-groups": true,
      "rule-list": [
        { name: "operator", group: ["operator"], rule: [{ name: "everything", action: "permit" }] },
        {
          name: "observer",
          group: ["observer"],
          rule: [
            ...CREDENTIALS.map((path) => ({
              name: `not ${path.replace(/.*:/, "")}`,
              path,
              action: "deny",
            })),
            { name: "all else is seen", "access-operations": "read", action: "permit" },
            ...Object.entries(LOOK).flatMap(([module, names]) =>
              names.map((name) => ({
                name: `${module} ${name}`,
                "module-name": module,
                "rpc-name": name,
                "access-operations": "exec",
                action: "permit",
              })),
            ),
          ],
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
