// The configuration of access control (RFC 8341 section 3.5, container `nacm`) as native types. Decides nothing.

import { QkdError } from "../errors.js"
import { parseInstanceId, quoteValue, type InstanceStep } from "../yang/instance-id.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"

export const NACM_MODULE = "ietf-netconf-acm"
/** The member of a datastore that all of this stands in. */
export const NACM = `${NACM_MODULE}:nacm`

/** Kinds of access, as bits of a mask. */
export const CREATE = 1
export const READ = 2
export const UPDATE = 4
export const DELETE = 8
export const EXEC = 16
export const ALL_ACCESS = CREATE | READ | UPDATE | DELETE | EXEC
const BITS: Readonly<Record<string, number>> = {
  create: CREATE,
  read: READ,
  update: UPDATE,
  delete: DELETE,
  exec: EXEC,
}

/** What stands for the user's name in a path until the user is known. No value of YANG can hold it. */
const USER = "\u0000USER"

export interface NacmRule {
  /** Absent: of every module. */
  readonly module?: string
  /** `any`: no rule-type was given, so it speaks of operations, notifications and data alike. */
  readonly about: "any" | "rpc" | "notification" | "data"
  /** Name of the operation or notification; absent: every one. */
  readonly name?: string
  /** Steps of the path; none for `/`. `broken`: cannot be understood. */
  readonly path?: readonly InstanceStep[] | "broken"
  /** Mask of the kinds of access it speaks of. */
  readonly access: number
  readonly permit: boolean
}

export interface NacmRuleList {
  /** `*` among them stands for every group. */
  readonly groups: ReadonlySet<string>
  readonly rules: readonly NacmRule[]
}

export interface NacmConfig {
  readonly enabled: boolean
  readonly readDefault: boolean
  readonly writeDefault: boolean
  readonly execDefault: boolean
  readonly externalGroups: boolean
  /** Group to its configured members. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>
  readonly ruleLists: readonly NacmRuleList[]
}

/** The configuration in a datastore; the defaults of the module where it is silent. */
export function readNacm(running: JsonObject): NacmConfig {
  const nacm = objectOf(running[NACM])
  return {
    enabled: nacm["enable-nacm"] !== false,
    readDefault: nacm["read-default"] !== "deny",
    writeDefault: nacm["write-default"] === "permit",
    execDefault: nacm["exec-default"] !== "deny",
    externalGroups: nacm["enable-external-groups"] !== false,
    groups: new Map(
      entriesOf(objectOf(nacm["groups"])["group"]).map((group) => [
        textOf(group["name"]),
        new Set(listOf(group["user-name"]).map(textOf)),
      ]),
    ),
    ruleLists: entriesOf(nacm["rule-list"]).map((list) => ({
      groups: new Set(listOf(list["group"]).map(textOf)),
      rules: entriesOf(list["rule"]).map(readRule),
    })),
  }
}

/** @throws QkdError `invalid-value` for a rule whose path is no instance path: it would match nothing, or all. */
export function checkNacm(running: JsonObject): void {
  for (const list of entriesOf(objectOf(running[NACM])["rule-list"]))
    for (const rule of entriesOf(list["rule"]))
      if (readRule(rule).path === "broken")
        throw new QkdError("invalid-value", "this is not an instance path", {
          path: `/${NACM}/rule-list[name=${quoted(list)}]/rule[name=${quoted(rule)}]/path`,
        })
}

/** All groups of a user (RFC 8341 section 3.4.4, step 4). */
export function groupsOf(
  config: NacmConfig,
  username: string,
  reported: readonly string[],
): ReadonlySet<string> {
  const groups = new Set(config.externalGroups ? reported : [])
  for (const [group, members] of config.groups) if (members.has(username)) groups.add(group)
  return groups
}

/** The rules that speak of a user in these groups, in order. Without any group none does (section 3.4.4, step 5). */
export function rulesFor(config: NacmConfig, groups: ReadonlySet<string>): readonly NacmRule[] {
  if (groups.size === 0) return []
  return config.ruleLists
    .filter((list) => list.groups.has("*") || [...list.groups].some((group) => groups.has(group)))
    .flatMap((list) => list.rules)
}

/** A value of a path's predicate, for this user. */
export function valueFor(value: string, username: string): string {
  return value === USER ? username : value
}

function readRule(rule: JsonObject): NacmRule {
  const module = rule["module-name"]
  const name = rule["rpc-name"] ?? rule["notification-name"]
  const path = rule["path"]
  return {
    ...(typeof module === "string" && module !== "*" && { module }),
    about:
      path !== undefined
        ? "data"
        : rule["rpc-name"] !== undefined
          ? "rpc"
          : rule["notification-name"] !== undefined
            ? "notification"
            : "any",
    ...(typeof name === "string" && name !== "*" && { name }),
    ...(path !== undefined && { path: readPath(textOf(path)) }),
    access: readAccess(rule["access-operations"]),
    permit: rule["action"] === "permit",
  }
}

function readPath(text: string): readonly InstanceStep[] | "broken" {
  if (text.trim() === "/") return []
  const named = text.replace(/=\s*\$USER\s*\]/g, `="${USER}"]`)
  const steps = parseInstanceId(named, (name) => (name === "" ? undefined : name))
  // Entries are told by keys: a position means another entry after every change.
  const counted = steps?.some((step) => step.predicates.some((p) => p.key === undefined)) ?? true
  return steps === undefined || counted ? "broken" : steps
}

function readAccess(value: JsonValue | undefined): number {
  if (typeof value !== "string" || value === "*") return ALL_ACCESS
  return value.split(" ").reduce((mask, bit) => mask | (BITS[bit] ?? 0), 0)
}

function quoted(entry: JsonObject): string {
  return quoteValue(textOf(entry["name"]))
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {}
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return isArray(value) ? value : []
}

function entriesOf(value: JsonValue | undefined): readonly JsonObject[] {
  return listOf(value).filter(isObject)
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : ""
}
