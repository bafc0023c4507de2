// What a compiled schema is made of: nodes, types, modules. Types only, no behaviour.

import type { XPathExpression } from "./xpath-ast.js"
import type { JsonValue } from "./json-text.js"

export type BuiltinType =
  | "binary"
  | "bits"
  | "boolean"
  | "decimal64"
  | "empty"
  | "enumeration"
  | "identityref"
  | "instance-identifier"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "leafref"
  | "string"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "union"

/** Closed interval. Integers as they are; decimal64 times 10^fraction-digits. */
export interface Interval {
  readonly min: bigint
  readonly max: bigint
}

export interface Restriction {
  readonly errorAppTag?: string
  readonly errorMessage?: string
}

export interface PatternRestriction extends Restriction {
  /** As written in the module: an XSD regular expression. */
  readonly source: string
  readonly invert: boolean
  /** True if the whole text matches. Bounded in time (see xsd-regex). */
  readonly matches: (text: string) => boolean
  /** The same for JSON Schema: anchored, for the `u` flag. */
  readonly js: string
}

export interface Identity {
  readonly module: string
  readonly name: string
  readonly bases: readonly Identity[]
  /** Everything derived from this identity, at any depth, without itself. */
  readonly derived: ReadonlySet<Identity>
  readonly description?: string
}

/** A value as a module writes it. */
export interface WrittenValue {
  readonly text: string
  /** Prefix to module name. */
  readonly prefixes: ReadonlyMap<string, string>
  readonly module: string
}

export interface ResolvedType {
  readonly base: BuiltinType
  /** As written: `uint32` or `module:typedef`. */
  readonly name: string
  readonly ranges?: readonly Interval[]
  readonly rangeError?: Restriction
  /** Characters; octets for binary. */
  readonly lengths?: readonly Interval[]
  readonly lengthError?: Restriction
  readonly patterns: readonly PatternRestriction[]
  readonly fractionDigits?: number
  readonly enums?: ReadonlyMap<string, number>
  readonly bits?: ReadonlyMap<string, number>
  readonly bases?: readonly Identity[]
  /** identityref: `module:name` of every value allowed by the implemented modules. */
  readonly identities?: ReadonlyMap<string, Identity>
  readonly members?: readonly ResolvedType[]
  readonly path?: XPathExpression
  readonly requireInstance?: boolean
  /** Derived from `yang:xpath1.0`: prefixes in the text mean something (see xpath-prefixes). */
  readonly xpath?: true
  /** `nacm:node-instance-identifier`: an XPath that is an instance path, keys left out or not. */
  readonly instancePath?: true
  /** leafref: the leaf it points to, known once the tree stands. */
  readonly target?: SchemaNode
  /** The module whose text wrote the type. */
  readonly module: string
  /** A typedef's default, with the prefixes it was written under. */
  readonly default?: WrittenValue
  readonly units?: string
}

export interface WhenCondition {
  readonly expression: XPathExpression
  /** `self`: on the node itself. `parent`: came from uses, augment, choice or case (RFC 7950 7.21.5). */
  readonly context: "self" | "parent"
}

export interface MustCondition extends Restriction {
  readonly expression: XPathExpression
}

export interface UniqueConstraint {
  /** As written. */
  readonly text: string
  /** Each a path of data nodes below the list. */
  readonly paths: readonly (readonly SchemaNode[])[]
}

export interface ExtensionUse {
  readonly module: string
  readonly name: string
  readonly argument?: string
}

/** RFC 7950 section 7.21.2. */
export type Status = "current" | "deprecated" | "obsolete"

export type NodeKind =
  | "root"
  | "container"
  | "list"
  | "leaf"
  | "leaf-list"
  | "choice"
  | "case"
  | "anydata"
  | "anyxml"
  | "rpc"
  | "input"
  | "output"
  | "notification"
  | "action"

export interface SchemaNode {
  readonly kind: NodeKind
  readonly name: string
  /** Module whose namespace the node is in; `""` for a root. */
  readonly module: string
  readonly namespace: string
  readonly config: boolean
  readonly parent?: SchemaNode
  /** Schema children by `module:name`, in schema order; choices, cases, actions and notifications included. */
  readonly children: ReadonlyMap<string, SchemaNode>
  /** Data children by RFC 7951 member name (qualified only where the module changes), choices and cases seen through. */
  readonly members: ReadonlyMap<string, SchemaNode>
  /** The member name of this node in its parent's object. */
  readonly member: string
  readonly keys?: readonly string[]
  readonly type?: ResolvedType
  /** Default values, lexical; one for a leaf, several for a leaf-list; the case's name for a choice. */
  readonly defaults: readonly string[]
  /** The same as RFC 7951 values. */
  readonly defaultValues: readonly JsonValue[]
  readonly mandatory: boolean
  readonly presence: boolean
  readonly orderedByUser: boolean
  readonly minElements: number
  readonly maxElements: number
  readonly unique: readonly UniqueConstraint[]
  /** All conditions that must hold for the node to exist, those of enclosing choices and cases included. */
  readonly whens: readonly WhenCondition[]
  readonly musts: readonly MustCondition[]
  readonly units?: string
  readonly status: Status
  readonly description?: string
  readonly reference?: string
  readonly extensions: readonly ExtensionUse[]
  /** Schema path such as `/etsi-qkd-sdn-node:qkd_node/qkd_links`, choices and cases left out. */
  readonly path: string
}

export interface ModuleInfo {
  readonly name: string
  readonly revision: string
  readonly namespace: string
  readonly prefix: string
  readonly yangVersion: "1" | "1.1"
  /** Features in force. */
  readonly features: readonly string[]
  /** Names of the modules that deviate from this one. */
  readonly deviations: readonly string[]
  readonly submodules: readonly {
    readonly name: string
    readonly revision: string
    readonly text: string
  }[]
  /** False: only its typedefs and groupings are used. */
  readonly implemented: boolean
  readonly text: string
}

/** How far a `when` may be from RFC 7950 (docs/decisions/0001-when-conditions-of-015.md). */
export type WhenProfile = "lenient" | "strict"

export interface Schema {
  readonly modules: readonly ModuleInfo[]
  readonly root: SchemaNode
  /** A root whose members are the top-level notifications. */
  readonly notificationRoot: SchemaNode
  readonly rpcs: ReadonlyMap<string, SchemaNode>
  readonly notifications: ReadonlyMap<string, SchemaNode>
  /** By `module:name`. */
  readonly identities: ReadonlyMap<string, Identity>
  readonly whenProfile: WhenProfile
  moduleByNamespace(namespace: string): ModuleInfo | undefined
  moduleByName(name: string): ModuleInfo | undefined
}
