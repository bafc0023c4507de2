// One user's access rules as a machine that walks down the data: at every node it knows which paths cover it, which may
// still come to match below, and so what is permitted there. Places that the same paths can still match are one state;
// what a state permits at a schema node is worked out once.
//
//   start ──enter(container)──▶ place ──enter(list entry: do its keys fit?)──▶ place ──▶ permits(node)
//                                                                                   └▶ permitsAllBelow(node)
//
// Knows nothing of datastores, changes or sessions.

import type { InstancePredicate, InstanceStep } from "../yang/instance-id.js"
import { isObject, type JsonValue } from "../yang/json-text.js"
import type { SchemaNode } from "../yang/schema.js"
import { lexicalOf, Misfit, parseLexical } from "../yang/values.js"
import {
  ALL_ACCESS,
  CREATE,
  DELETE,
  EXEC,
  NACM_MODULE,
  READ,
  UPDATE,
  valueFor,
  type NacmConfig,
  type NacmRule,
} from "./nacm-config.js"

const WRITE = CREATE | UPDATE | DELETE

/** A path that has matched so far, and how many of its steps. */
interface Partial {
  readonly rule: number
  readonly step: number
}

/** A path's next step asks for values here. */
interface Test extends Partial {
  readonly predicates: readonly InstancePredicate[]
}

/** What entering one schema node from one place does. */
interface Door {
  readonly covering: readonly number[]
  readonly partial: readonly Partial[]
  readonly tests: readonly Test[]
  /** By the tests that held. */
  readonly places: Map<string, Place>
}

/** Where in the data one is, as far as the rules can tell. Made by `UserRules` only. */
export class Place {
  readonly doors = new Map<SchemaNode, Door>()
  readonly permitted = new Map<SchemaNode, number>()
  readonly permittedBelow = new Map<SchemaNode, number>()

  constructor(
    /** Indexes of the path rules that speak of this node and all below it. */
    readonly covering: ReadonlySet<number>,
    readonly partial: readonly Partial[],
  ) {}
}

export class UserRules {
  readonly start: Place
  readonly #rules: readonly NacmRule[]
  readonly #defaults: number
  readonly #username: string
  readonly #places = new Map<string, Place>()

  constructor(rules: readonly NacmRule[], config: NacmConfig, username: string) {
    this.#rules = rules
    this.#username = username
    this.#defaults =
      (config.readDefault ? READ : 0) |
      (config.writeDefault ? WRITE : 0) |
      (config.execDefault ? EXEC : 0)
    const covering: number[] = []
    const partial: Partial[] = []
    rules.forEach(({ about, path, permit }, rule) => {
      if (about !== "data" || path === undefined) return
      // A path that cannot be understood permits nothing and denies all.
      if (path === "broken") {
        if (!permit) covering.push(rule)
      } else if (path.length === 0) covering.push(rule)
      else partial.push({ rule, step: 0 })
    })
    this.start = this.#place(covering, partial)
  }

  /** The place of a child; `value` is a list entry or a leaf-list's value, where the node is one. */
  enter(from: Place, child: SchemaNode, value?: JsonValue): Place {
    const door = from.doors.get(child) ?? this.#door(from, child)
    const held = door.tests.filter((test) => this.#fits(child, test.predicates, value))
    return this.#through(door, held)
  }

  /** Whether all instances of this child are in one place, whatever their keys. */
  isOnePlace(from: Place, child: SchemaNode): boolean {
    return (from.doors.get(child) ?? this.#door(from, child)).tests.length === 0
  }

  /** Mask of what is permitted at a node in this place. */
  permits(place: Place, node: SchemaNode): number {
    const known = place.permitted.get(node)
    if (known !== undefined) return known
    const mask = this.#decide(node, (rule, index) => speaksOf(rule, index, place))
    place.permitted.set(node, mask)
    return mask
  }

  /** Mask of what is permitted at the node and at everything that can ever stand below it. */
  permitsAllBelow(place: Place, node: SchemaNode): number {
    const known = place.permittedBelow.get(node)
    if (known !== undefined) return known
    let mask = this.permits(place, node)
    for (const child of node.members.values()) {
      if (mask === 0) break
      const door = place.doors.get(child) ?? this.#door(place, child)
      // Whichever keys will fit, each way of fitting must permit it.
      for (const held of waysToFit(door.tests))
        mask &= held === undefined ? 0 : this.permitsAllBelow(this.#through(door, held), child)
    }
    place.permittedBelow.set(node, mask)
    return mask
  }

  /** An operation or a notification that is at no place in the data. */
  permitsNamed(about: "rpc" | "notification", module: string, name: string, deny: boolean): number {
    for (const rule of this.#rules) {
      if (rule.module !== undefined && rule.module !== module) continue
      if (rule.about !== "any" && rule.about !== about) continue
      if (rule.about === about && rule.name !== undefined && rule.name !== name) continue
      if ((rule.access & (about === "rpc" ? EXEC : READ)) !== 0) return rule.permit ? ALL_ACCESS : 0
    }
    return deny ? 0 : this.#defaults
  }

  /** A top-level node of a module that is not compiled: whoever may not read all of it reads nothing of it. */
  permitsTop(module: string, name: string): number {
    const covers = ({ path, permit }: NacmRule): boolean => {
      if (path === "broken" || path === undefined) return path === "broken"
      const [step] = path
      if (step === undefined) return true
      const above = path.length === 1 && step.predicates.length === 0
      return step.module === module && step.name === name && (above || !permit)
    }
    let open = ALL_ACCESS
    let mask = 0
    for (const rule of this.#rules) {
      if (rule.module !== undefined && rule.module !== module) continue
      if (rule.about !== "any" && !(rule.about === "data" && covers(rule))) continue
      if (rule.path === "broken" && rule.permit) continue
      if (rule.permit) mask |= open & rule.access
      open &= ~rule.access
    }
    return mask | (open & this.#defaults)
  }

  /** First match decides, for each kind of access by itself. */
  #decide(node: SchemaNode, speaks: (rule: NacmRule, index: number) => boolean): number {
    let open = ALL_ACCESS
    let mask = 0
    this.#rules.forEach((rule, index) => {
      if (open === 0 || !speaks(rule, index)) return
      if (rule.module !== undefined && rule.module !== node.module) return
      if (rule.permit) mask |= open & rule.access
      open &= ~rule.access
    })
    return mask | (open & this.#defaults & ~deniedByDefault(node))
  }

  #door(from: Place, child: SchemaNode): Door {
    const covering = [...from.covering]
    const partial: Partial[] = []
    const tests: Test[] = []
    for (const { rule, step } of from.partial) {
      const path = this.#pathOf(rule)
      const wanted = path[step]
      if (wanted?.module !== child.module || wanted.name !== child.name) continue
      if (wanted.predicates.length > 0)
        tests.push({ rule, step, predicates: this.#canonical(child, wanted) })
      else if (step + 1 === path.length) covering.push(rule)
      else partial.push({ rule, step: step + 1 })
    }
    const door: Door = { covering, partial, tests, places: new Map() }
    from.doors.set(child, door)
    return door
  }

  #through(door: Door, held: readonly Test[]): Place {
    const id = held.map((test) => `${test.rule}`).join()
    const known = door.places.get(id)
    if (known !== undefined) return known
    const covering = [...door.covering]
    const partial = [...door.partial]
    for (const { rule, step } of held)
      if (step + 1 === this.#pathOf(rule).length) covering.push(rule)
      else partial.push({ rule, step: step + 1 })
    const place = this.#place(covering, partial)
    door.places.set(id, place)
    return place
  }

  #place(covering: readonly number[], partial: readonly Partial[]): Place {
    const order = [...partial].sort((a, b) => a.rule - b.rule)
    const id = `${[...covering].sort((a, b) => a - b).join()}|${order.map((p) => `${p.rule}.${p.step}`).join()}`
    const known = this.#places.get(id)
    if (known !== undefined) return known
    const place = new Place(new Set(covering), order)
    this.#places.set(id, place)
    return place
  }

  #pathOf(rule: number): readonly InstanceStep[] {
    const path = this.#rules[rule]?.path
    return path === undefined || path === "broken" ? [] : path
  }

  /** Values as the data writes them: `[id='007']` of a number is 7. */
  #canonical(node: SchemaNode, step: InstanceStep): readonly InstancePredicate[] {
    return step.predicates.map((predicate) => {
      const value = valueFor(predicate.value, this.#username)
      const type = predicate.key === "." ? node.type : node.members.get(predicate.key ?? "")?.type
      const typed = type === undefined ? value : parseLexical(type, value, (name) => name)
      return { ...predicate, value: typed instanceof Misfit ? value : lexicalOf(typed) }
    })
  }

  #fits(
    node: SchemaNode,
    predicates: readonly InstancePredicate[],
    value: JsonValue | undefined,
  ): boolean {
    return predicates.every(({ key, value: wanted }) => {
      if (key === ".")
        return node.kind === "leaf-list" && value !== undefined && lexicalOf(value) === wanted
      const found = isObject(value) ? value[key ?? ""] : undefined
      return found !== undefined && lexicalOf(found) === wanted
    })
  }
}

function speaksOf(rule: NacmRule, index: number, place: Place): boolean {
  return rule.about === "any" || (rule.about === "data" && place.covering.has(index))
}

/** More keyed paths than this at one place, and its instances are looked at one by one. */
const MAX_TESTS = 8

/** Every subset of the tests; `undefined` when there are too many to try. */
function waysToFit(tests: readonly Test[]): readonly (readonly Test[] | undefined)[] {
  if (tests.length > MAX_TESTS) return [undefined]
  let ways: Test[][] = [[]]
  for (const test of tests) ways = ways.flatMap((way) => [way, [...way, test]])
  return ways
}

const denied = new WeakMap<SchemaNode, number>()

/** What the module itself denies where no rule speaks: the two extensions, which hold for all below as well. */
function deniedByDefault(node: SchemaNode): number {
  const known = denied.get(node)
  if (known !== undefined) return known
  let mask = node.parent === undefined ? 0 : deniedByDefault(node.parent)
  for (const extension of node.extensions) {
    if (extension.module !== NACM_MODULE) continue
    if (extension.name === "default-deny-all") mask |= ALL_ACCESS
    if (extension.name === "default-deny-write") mask |= WRITE
  }
  denied.set(node, mask)
  return mask
}

/** Whether an rpc or notification is denied where no rule speaks. */
export function isDeniedByDefault(node: SchemaNode | undefined): boolean {
  return node !== undefined && (deniedByDefault(node) & EXEC) !== 0
}
