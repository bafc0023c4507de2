// Who may do what at a node to begin with (RFC 8341): four groups, and the rules a node starts with when it has none.
// From then on the rules are part of its configuration, and only the group `admin` may read or change them. Who is in
// which group stands in the node's configuration file, and in the rules' own groups. Above all of it, and out of
// reach of all of them, stands the site policy.

import type { Caller } from "../netconf/backend.js"
import type { SessionOpener } from "../transport/ssh-server.js"
import { isArray, isObject, type JsonObject } from "../yang/json-text.js"

/** As the node's configuration file names them. */
export const ACCESS_GROUPS = ["admin", "operator", "controller", "observer"] as const
export type AccessGroup = (typeof ACCESS_GROUPS)[number]

const NACM = "ietf-netconf-acm:nacm"

/** What reads and waits: by module, operations. */
const LOOK: Readonly<Record<string, readonly string[]>> = {
  "ietf-netconf": ["get", "get-config"],
  "ietf-netconf-nmda": ["get-data"],
  "ietf-netconf-monitoring": ["get-schema"],
  notifications: ["create-subscription"],
  "ietf-subscribed-notifications": [
    "establish-subscription",
    "modify-subscription",
    "delete-subscription",
  ],
  "ietf-yang-push": ["resync-subscription"],
}

/** What configures. Ending other sessions and deleting configurations is not among it. */
const CONFIGURE: Readonly<Record<string, readonly string[]>> = {
  "ietf-netconf": [
    "edit-config",
    "lock",
    "unlock",
    "validate",
    "commit",
    "discard-changes",
    "cancel-commit",
  ],
  "ietf-netconf-nmda": ["edit-data"],
  "keyloom-node": ["lead", "refuse-application"],
}

/** The whole 015 tree, keyloom-node's additions in it: what only the node knows it guards by itself. */
const NODE_TREE = "/etsi-qkd-sdn-node:qkd_node"

/** The running configuration with access rules: its own, or those a node begins with. */
export function withAccessRules(running: JsonObject): JsonObject {
  const rules = running[NACM]
  if (rules === undefined) return { ...running, [NACM]: initialRules() }
  return isObject(rules) ? { ...running, [NACM]: withLead(rules) } : running
}

/** Rules from before controllers said their term: who may answer for the network may say it. */
function withLead(rules: JsonObject): JsonObject {
  const lists = rules["rule-list"]
  if (!isArray(lists)) return rules
  const [lead] = calls({ "keyloom-node": ["lead"] })
  const rewritten = lists.map((entry) => {
    if (!isObject(entry) || entry["name"] !== "controller" || !isArray(entry["rule"])) return entry
    const names = entry["rule"].map((one) => (isObject(one) ? one["name"] : undefined))
    const place = names.indexOf("keyloom-node refuse-application")
    if (lead === undefined || place < 0 || names.includes(lead["name"])) return entry
    return { ...entry, rule: entry["rule"].toSpliced(place, 0, lead) }
  })
  return { ...rules, "rule-list": rewritten }
}

/** Without any: the next start gives it those a node begins with. */
export function withoutAccessRules(running: JsonObject): JsonObject {
  const { [NACM]: _, ...rest } = running
  return rest
}

/** Nobody waits for what an observer might answer. */
export function onlyWatches(caller: Pick<Caller, "groups">): boolean {
  return caller.groups?.every((group) => group === "observer") ?? false
}

/** A NETCONF server that is told each user's groups. */
export function withGroups(
  server: SessionOpener,
  groupsOf: (username: string) => readonly AccessGroup[],
): SessionOpener {
  return {
    open: (pipe, who) => server.open(pipe, { ...who, groups: groupsOf(who.username) }),
  }
}

/** THREATS T6: what no rule permits is denied, reading and calling as well. */
function initialRules(): JsonObject {
  const hidden = rule("the rules are the admins'", {
    "module-name": "ietf-netconf-acm",
    action: "deny",
  })
  const seen = rule("everything else may be seen", {
    "access-operations": "read",
    action: "permit",
  })
  const written = rule("the node may be configured", {
    path: NODE_TREE,
    "access-operations": "create update delete",
    action: "permit",
  })
  const called = rule("everything may be called", {
    "access-operations": "exec",
    action: "permit",
  })
  return {
    "read-default": "deny",
    "write-default": "deny",
    "exec-default": "deny",
    "rule-list": [
      list("admin", [rule("everything", { action: "permit" })]),
      list("operator", [hidden, seen, written, called]),
      list("controller", [hidden, seen, written, ...calls(LOOK), ...calls(CONFIGURE)]),
      list("observer", [hidden, seen, ...calls(LOOK)]),
    ],
  }
}

function list(group: AccessGroup, rules: readonly JsonObject[]): JsonObject {
  return { name: group, group: [group], rule: rules }
}

function rule(name: string, content: JsonObject): JsonObject {
  return { name, ...content }
}

function calls(operations: Readonly<Record<string, readonly string[]>>): JsonObject[] {
  return Object.entries(operations).flatMap(([module, names]) =>
    names.map((name) =>
      rule(`${module} ${name}`, {
        "module-name": module,
        "rpc-name": name,
        "access-operations": "exec",
        action: "permit",
      }),
    ),
  )
}
