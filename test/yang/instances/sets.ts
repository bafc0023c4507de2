// The modules whose instances are compared: what of the corpus holds data worth having, and one module of our own with
// every constraint there is.

import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { YangSearch } from "../../../src/cli/yang-search.js"
import { compileSchema } from "../../../src/yang/schema.js"
import type { Schema } from "../../../src/yang/schema.js"
import { LIBYANG } from "../corpus.js"
import { official } from "../fixture.js"

export interface InstanceSet {
  readonly modules: readonly string[]
  readonly folders: readonly string[]
}

const IETF = "/usr/share/yuma/modules/ietf"
const DRAFT = "/usr/share/yuma/modules/ietf-draft"
const SHIPPED = path.resolve(import.meta.dirname, "../../../yang")
const shipped = ["own", "etsi", "ietf"].map((group) => path.join(SHIPPED, group))

const CONSTRAINTS = `module constraints { yang-version 1.1; namespace "urn:constraints"; prefix c;
  identity animal; identity cat { base animal; } identity dog { base animal; }
  typedef percent { type uint8 { range 0..100; } }
  container zoo {
    must "count(cage) < 4 or rich" { error-message "too many cages"; }
    leaf rich { type empty; }
    leaf area { type decimal64 { fraction-digits 2; range "1..99.5 | 200"; } default 10; }
    leaf big { type uint64; } leaf small { type int64; }
    leaf kind { type identityref { base animal; } mandatory true; }
    leaf cat-name { when "derived-from-or-self(../kind, 'c:cat')"; type string { length 1..4; } }
    leaf code { type string { pattern '[a-c]+' ; pattern 'b*' { modifier invert-match; } } }
    leaf days { type bits { bit mon; bit tue; bit wed { position 9; } } }
    leaf raw { type binary { length 0..4; } }
    leaf share { type union { type percent; type enumeration { enum all; enum none; } } }
    leaf-list tag { type string { length 1..3; } max-elements 3; }
    leaf-list rank { type uint8; ordered-by user; min-elements 1; }
    list cage { key "row number"; unique "door/key"; unique "label size"; max-elements 5;
      leaf row { type string { length 1; } } leaf number { type uint8 { range 1..3; } }
      leaf label { type string; } leaf size { type uint8 { range 1..2; } default 1; }
      container door { leaf key { type uint8 { range 1..3; } } }
      list food { key name; min-elements 1; leaf name { type string; } leaf grams { type uint16; mandatory true; } }
      leaf next { type leafref { path "../../cage/number"; } }
      leaf neighbour { type leafref { path "../../cage[row = current()/../row]/number"; require-instance true; } }
      action open { input { leaf x { type string; } } } }
    choice visit { mandatory true;
      case day { leaf opens { type string; mandatory true; } leaf closes { type string; must ". != ../opens"; } }
      case night { container lamps { presence p; leaf count { type uint8; mandatory true; } } }
      leaf never { type empty; } }
    container closed { presence "closed"; leaf why { type string; mandatory true; } }
    container staff { leaf head { type string; } leaf-list hand { type string; must "../head"; } }
    leaf star { type leafref { path "../cage/row"; } }
    leaf visits { config false; type uint32; }
    list event { config false; max-elements 4; leaf text { type string; mandatory true; } leaf-list who { type string; } }
  } }`

/** Those whose files are there; the constraints module is put into `folder`. */
export function instanceSets(folder: string): readonly InstanceSet[] {
  const own = path.join(folder, "modules")
  mkdirSync(own, { recursive: true })
  writeFileSync(path.join(own, "constraints.yang"), CONSTRAINTS)
  const ietf = [IETF, LIBYANG]
  const sets: InstanceSet[] = [
    { modules: ["constraints"], folders: [own] },
    {
      // By file: the folder beside has the module as ETSI published it.
      modules: [
        path.join(official, "etsi-qkd-node-types@2022-01-30.yang"),
        path.join(official, "variants/when-corrected/etsi-qkd-sdn-node@2022-01-30.yang"),
      ],
      folders: [path.join(official, "deps")],
    },
    { modules: ["keyloom-node", "etsi-qkd-sdn-node", "etsi-qkd-node-types"], folders: shipped },
    { modules: ["keyloom-node-config"], folders: shipped },
    {
      modules: ["keyloom-maintenance", "keyloom-network", "etsi-qkd-node-types"],
      folders: shipped,
    },
    { modules: ["ietf-interfaces", "ietf-ip", "iana-if-type"], folders: ietf },
    { modules: ["ietf-system", "iana-crypt-hash"], folders: ietf },
    { modules: ["ietf-hardware", "iana-hardware"], folders: ietf },
    { modules: ["ietf-alarms"], folders: ietf },
    { modules: ["ietf-network-topology", "ietf-network"], folders: ietf },
    { modules: ["ietf-netconf-acm"], folders: ietf },
    {
      modules: ["ietf-routing", "ietf-ipv4-unicast-routing", "ietf-interfaces", "iana-if-type"],
      folders: ietf,
    },
    { modules: ["ietf-yang-library"], folders: [LIBYANG] },
    { modules: ["ietf-netconf-monitoring"], folders: ietf },
    { modules: ["ietf-keystore"], folders: [DRAFT, ...ietf] },
    { modules: ["ietf-truststore"], folders: [DRAFT, ...ietf] },
  ]
  return sets.filter(({ folders }) => folders.every((f) => existsSync(f)))
}

/** Modules that have operations and notifications worth drawing. */
export function operationSets(): readonly InstanceSet[] {
  const ietf = [IETF, LIBYANG]
  const sets: InstanceSet[] = [
    {
      modules: [
        "keyloom-connectivity",
        "keyloom-maintenance",
        "keyloom-network",
        "keyloom-node",
        "etsi-qkd-sdn-node",
        "etsi-qkd-node-types",
      ],
      folders: shipped,
    },
    { modules: ["ietf-alarms"], folders: ietf },
    { modules: ["ietf-system", "iana-crypt-hash"], folders: ietf },
    { modules: ["ietf-netconf-notifications"], folders: ietf },
    { modules: ["ietf-netconf-partial-lock"], folders: ietf },
    { modules: ["ietf-subscribed-notifications"], folders: shipped },
  ]
  return sets.filter(({ folders }) => folders.every((f) => existsSync(f)))
}

/** As yanglint has them: named modules implemented, and what those augment or point to. */
export function schemaOfSet({ modules, folders }: InstanceSet): Schema {
  const search = new YangSearch(folders)
  const names = modules.map((module) => search.take(module).outline.name)
  return compileSchema(
    search.modules.map(({ file, text }) => ({ name: file, text })),
    { implement: names, implementReferenced: true, whenProfile: "strict" },
  )
}
