// A small house of modules with access control, after the examples of RFC 8341 appendix A, and rules written short.

import type { Caller, NetconfBackend } from "../../src/netconf/backend.js"
import { Nacm } from "../../src/netconf/nacm.js"
import { NACM } from "../../src/netconf/nacm-config.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { isObject, type JsonObject } from "../../src/yang/json-text.js"
import { compileSchema, type Schema } from "../../src/yang/schema.js"

const ACME = `module acme {
  yang-version 1.1;
  namespace "urn:keyloom:test:acme";
  prefix acme;
  import ietf-netconf-acm { prefix nacm; }

  container acme-netconf {
    container config-parameters {
      leaf speed { type uint8; }
      leaf mode { type string; }
    }
    leaf other { type string; }
  }
  container interfaces {
    list interface {
      key "name";
      leaf name { type string; }
      leaf mtu { type uint16; }
      leaf hue { type string; default "grey"; }
      leaf seen { type uint32; config false; }
      container inner { leaf deep { type string; } }
      action reset;
    }
    list order { key "id"; ordered-by user; leaf id { type uint8; } leaf note { type string; } }
    leaf-list tag { type string; ordered-by user; }
  }
  container secrets {
    nacm:default-deny-all;
    leaf word { type string; }
    list box { key "id"; leaf id { type string; } leaf content { type string; } }
  }
  container guarded {
    presence "it is guarded";
    nacm:default-deny-write;
    leaf level { type uint8; }
  }
  leaf favourite { type leafref { path "/acme:secrets/acme:box/acme:id"; } }

  rpc polish { input { leaf what { type string; } } }
  rpc shut-down { nacm:default-deny-all; }
  notification config-change { leaf what { type string; } }
  notification alarm { leaf what { type string; } }
  notification secret-alarm { nacm:default-deny-all; }
}`

const OTHER = `module other {
  yang-version 1.1;
  namespace "urn:keyloom:test:other";
  prefix o;
  import acme { prefix acme; }
  container thing { leaf size { type uint8; } }
  augment "/acme:interfaces/acme:interface" { leaf colour { type string; } }
}`

let compiled: Schema | undefined

export function acmeSchema(): Schema {
  return (compiled ??= compileSchema(
    [
      { name: "acme", text: ACME },
      { name: "other", text: OTHER },
      ...loadYangFiles(["ietf-netconf-acm", "ietf-yang-types"]),
    ],
    { implement: ["acme", "other", "ietf-netconf-acm"] },
  ))
}

export interface ShortRule {
  readonly module?: string
  readonly rpc?: string
  readonly event?: string
  readonly path?: string
  /** `read update`, say. */
  readonly ops?: string
  readonly action: "permit" | "deny"
}

/** A rule list: for whom, then the rules. */
export type ShortList = readonly [groups: string, ...rules: ShortRule[]]

/** `{ "ietf-netconf-acm:nacm": ... }`. */
export function nacmOf(
  groups: Readonly<Record<string, readonly string[]>>,
  lists: readonly ShortList[],
  more: JsonObject = {},
): JsonObject {
  return {
    [NACM]: {
      ...more,
      groups: {
        group: Object.entries(groups).map(([name, users]) => ({ name, "user-name": [...users] })),
      },
      "rule-list": lists.map(([names, ...rules], i) => ({
        name: `list ${i}`,
        group: names.split(" "),
        rule: rules.map((rule, n) => ({
          name: `rule ${n}`,
          ...(rule.module !== undefined && { "module-name": rule.module }),
          ...(rule.rpc !== undefined && { "rpc-name": rule.rpc }),
          ...(rule.event !== undefined && { "notification-name": rule.event }),
          ...(rule.path !== undefined && { path: rule.path }),
          ...(rule.ops !== undefined && { "access-operations": rule.ops }),
          action: rule.action,
        })),
      })),
    },
  }
}

export const caller = (username: string, ...groups: readonly string[]): Caller => ({
  sessionId: 7,
  username,
  address: "192.0.2.7",
  groups,
})

/** NACM with these rules, and the way to put others in force. */
export function nacmWith(
  groups: Readonly<Record<string, readonly string[]>>,
  lists: readonly ShortList[],
  more: JsonObject = {},
): Nacm & { readonly rules: JsonObject } {
  const rules = nacmOf(groups, lists, more)
  return Object.assign(new Nacm({ schema: acmeSchema(), running: () => rules }), { rules })
}

/** Takes every change, knows no state. */
export class AcmeBackend implements NetconfBackend {
  readonly schema = acmeSchema()

  state(running: JsonObject): JsonObject {
    const interfaces = running["acme:interfaces"]
    const list = isObject(interfaces) ? interfaces["interface"] : undefined
    if (!Array.isArray(list)) return {}
    const entries = list.filter(isObject).map(({ name = "" }) => ({ name, seen: 5 }))
    return { "acme:interfaces": { interface: entries } }
  }

  prepareEdit(): Promise<{ commit(): Promise<void> }> {
    return Promise.resolve({ commit: () => Promise.resolve() })
  }

  rpc(): Promise<JsonObject> {
    return Promise.resolve({})
  }
}
