// NACM, RFC 8341: who may read, write, call and hear what. Reads its rules from the running configuration it guards,
// each time they have changed. Keeps nothing but what it has worked out and three counters.

import { QkdError } from "../errors.js"
import { parseInstanceId, quoteValue, type InstanceStep } from "../yang/instance-id.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { pathOf } from "../yang/trail.js"
import type { AccessControl, CalledOperation, ToldEvent } from "./access-control.js"
import type { Caller } from "./backend.js"
import {
  checkNacm,
  EXEC,
  groupsOf,
  NACM,
  READ,
  readNacm,
  rulesFor,
  type NacmConfig,
} from "./nacm-config.js"
import { readablePart } from "./nacm-read.js"
import { isDeniedByDefault, UserRules, type Place } from "./nacm-rules.js"
import { forbiddenPart } from "./nacm-write.js"
import { errorsOf, severalErrors } from "./rpc-error.js"

export interface NacmOptions {
  readonly schema: Schema
  /** The running configuration now: its rules are in force, whatever datastore is asked about. */
  readonly running: () => JsonObject
}

/** Users whose rules are kept worked out. */
const MAX_USERS = 256
/** RFC 8341 section 3.4.4, step 11. */
const DENIED_OPERATIONS = new Set(["kill-session", "delete-config"])
const MAX_COUNT = 0xffffffff

export class Nacm implements AccessControl {
  readonly #options: NacmOptions
  #source: JsonValue | undefined
  #config: NacmConfig
  readonly #users = new Map<string, UserRules>()
  #deniedOperations = 0
  #deniedWrites = 0
  #deniedNotifications = 0

  constructor(options: NacmOptions) {
    this.#options = options
    this.#source = options.running()[NACM]
    this.#config = readNacm(options.running())
  }

  readable(caller: Caller, data: JsonObject): JsonObject {
    const rules = this.#rulesOf(caller)
    if (rules === undefined) return data
    return readablePart(rules, rules.start, this.#options.schema.root, data)
  }

  mayReadTop(caller: Caller, module: string, name: string): boolean {
    const rules = this.#rulesOf(caller)
    if (rules === undefined) return true
    const node = this.#options.schema.root.members.get(`${module}:${name}`)
    const mask =
      node === undefined
        ? rules.permitsTop(module, name)
        : rules.permitsAllBelow(rules.enter(rules.start, node), node)
    return (mask & READ) !== 0
  }

  mayReadAt(caller: Caller, path: string): boolean {
    const rules = this.#rulesOf(caller)
    return rules === undefined || !this.#walk(rules, path, READ).hidden
  }

  checkWrite(caller: Caller, previous: JsonObject, next: JsonObject): void {
    const rules = this.#rulesOf(caller)
    if (rules !== undefined) {
      const { root } = this.#options.schema
      const forbidden = forbiddenPart(rules, root, previous, next)
      if (forbidden !== undefined) {
        this.#deniedWrites = counted(this.#deniedWrites)
        const path = this.#readablePrefix(rules, pathOf(forbidden))
        throw new QkdError("access-denied", `${caller.username} may not change this`, { path })
      }
    }
    if (next[NACM] !== previous[NACM]) checkNacm(next)
  }

  mayExec(caller: Caller, operation: CalledOperation): boolean {
    const { module, name, path } = operation
    // Section 3.2.4: whoever came in may go.
    if (module === "ietf-netconf" && name === "close-session") return true
    const rules = this.#rulesOf(caller)
    if (rules === undefined) return true
    const rpc = this.#options.schema.rpcs.get(`${module}:${name}`)
    const denied =
      isDeniedByDefault(rpc) || (module === "ietf-netconf" && DENIED_OPERATIONS.has(name))
    const mask =
      path === undefined
        ? rules.permitsNamed("rpc", module, name, denied)
        : this.#permittedAt(rules, path)
    if ((mask & EXEC) !== 0) return true
    this.#deniedOperations = counted(this.#deniedOperations)
    return false
  }

  mayHear(caller: Caller, event: ToldEvent): boolean {
    const { module, name, path } = event
    // Section 3.4.6: these two belong to the subscription, not to what it tells of.
    if (name === "replayComplete" || name === "notificationComplete") return true
    const rules = this.#rulesOf(caller)
    if (rules === undefined) return true
    const node = this.#options.schema.notifications.get(`${module}:${name}`)
    const mask =
      path === undefined
        ? rules.permitsNamed("notification", module, name, isDeniedByDefault(node))
        : this.#permittedAt(rules, path)
    if ((mask & READ) !== 0) return true
    this.#deniedNotifications = counted(this.#deniedNotifications)
    return false
  }

  concealed(caller: Caller, error: QkdError): QkdError {
    const rules = this.#rulesOf(caller)
    if (rules === undefined) return error
    const faults = errorsOf(error)
    const shown = faults.map((fault) => this.#concealedFault(rules, fault))
    return shown.every((fault, i) => fault === faults[i]) ? error : severalErrors(shown)
  }

  state(): JsonObject {
    return {
      [NACM]: {
        "denied-operations": this.#deniedOperations,
        "denied-data-writes": this.#deniedWrites,
        "denied-notifications": this.#deniedNotifications,
      },
    }
  }

  /** The caller's rules; undefined for whom none are in force: the owner of the data, and all while NACM is off. */
  #rulesOf(caller: Caller): UserRules | undefined {
    // The recovery session (section 3.4.2) is the owner of the datastore, in this process: nobody reaches it from afar.
    if (caller.sessionId === 0 && caller.username === "") return undefined
    const running = this.#options.running()
    if (running[NACM] !== this.#source) {
      this.#source = running[NACM]
      this.#config = readNacm(running)
      this.#users.clear()
    }
    if (!this.#config.enabled) return undefined
    const reported = caller.groups ?? []
    const id = JSON.stringify([caller.username, ...reported])
    const known = this.#users.get(id)
    if (known !== undefined) return known
    if (this.#users.size >= MAX_USERS) this.#users.clear()
    const groups = groupsOf(this.#config, caller.username, reported)
    const rules = new UserRules(rulesFor(this.#config, groups), this.#config, caller.username)
    this.#users.set(id, rules)
    return rules
  }

  /** What is permitted at an action or notification inside the data; whoever cannot see the way there may nothing. */
  #permittedAt(rules: UserRules, path: string): number {
    const walk = this.#walk(rules, path)
    return walk.hidden || walk.node === undefined ? 0 : rules.permits(walk.place, walk.node)
  }

  #concealedFault(rules: UserRules, fault: QkdError): QkdError {
    const { path } = fault
    if (path === undefined) return fault
    const visible = this.#readablePrefix(rules, path)
    if (visible === path) return fault
    // That it is there already, or is not, is what he may not know.
    const asked = fault.tag === "data-exists" || fault.tag === "data-missing"
    return new QkdError(asked ? "access-denied" : fault.tag, "refused", {
      path: visible,
      ...(fault.appTag !== undefined && !asked && { appTag: fault.appTag }),
    })
  }

  /** As much of an instance path as the user may read. */
  #readablePrefix(rules: UserRules, path: string): string {
    const walk = this.#walk(rules, path, READ)
    return walk.hidden ? walk.visible : path
  }

  /**
   * Goes down an instance path. `hidden`: a node on the way may not be read, the last one counting only when `last` asks
   * for it; `visible` is the way up to there.
   */
  #walk(
    rules: UserRules,
    path: string,
    last = 0,
  ): { place: Place; node: SchemaNode | undefined; hidden: boolean; visible: string } {
    const steps = parseInstanceId(path, (name) => (name === "" ? undefined : name)) ?? []
    let node: SchemaNode | undefined = this.#options.schema.root
    let place = rules.start
    let visible = ""
    for (const [i, step] of steps.entries()) {
      const child: SchemaNode | undefined =
        node.members.get(step.module === node.module ? step.name : `${step.module}:${step.name}`) ??
        insideNode(node, step)
      if (child === undefined) return { place, node: undefined, hidden: false, visible }
      place = rules.enter(place, child, valueOf(step))
      node = child
      const judged = i < steps.length - 1 ? READ : last
      if ((rules.permits(place, node) & judged) !== judged)
        return { place, node, hidden: true, visible: visible === "" ? "/" : visible }
      visible += written(step, steps[i - 1]?.module)
    }
    return { place, node, hidden: false, visible }
  }
}

/** Actions and notifications inside data: found through choices and cases, as data is. */
function insideNode(node: SchemaNode, step: InstanceStep): SchemaNode | undefined {
  for (const child of node.children.values()) {
    if (child.kind === "choice" || child.kind === "case") {
      const found = insideNode(child, step)
      if (found !== undefined) return found
    } else if (child.module === step.module && child.name === step.name) return child
  }
  return undefined
}

/** What a step's predicates say of the entry it means. */
function valueOf(step: InstanceStep): JsonValue {
  const own = step.predicates.find((p) => p.key === ".")
  if (own !== undefined) return own.value
  return Object.fromEntries(step.predicates.map((p) => [p.key ?? "", p.value]))
}

function written(step: InstanceStep, moduleBefore: string | undefined): string {
  const keys = step.predicates.map(({ key, value }) =>
    key === undefined ? `[${value}]` : `[${key}=${quoteValue(value)}]`,
  )
  const module = step.module === moduleBefore ? "" : `${step.module}:`
  return `/${module}${step.name}${keys.join("")}`
}

function counted(count: number): number {
  return count === MAX_COUNT ? 0 : count + 1
}
