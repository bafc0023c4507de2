// Instances of the 015 model for the yanglint comparison: valid ones, drawn at random, and one instance broken in many
// ways. Text only; the comparison is in oracle-instances.test.ts.

import fc from "fast-check"
import { NODE_NS, TYPES_NS } from "./fixture.js"

const uuid = fc.uuid()
const bool = fc.boolean()
const uint32 = fc.oneof(fc.nat(5000), fc.constantFrom(0, 2 ** 32 - 1))
const text = fc.string({
  unit: fc.constantFrom("a", "Z", "ü", "<", "&", '"', "'", " ", "]]>"),
  maxLength: 8,
})
const uri = fc.constantFrom("sae-1", "urn:x:y", "https://a.example/b?c=d&e=f", "")
const decimal = fc.constantFrom("0.0", "1.5", "-3.25", "12.125", "0.021", "9223372036854775.807")
const time = fc.constantFrom("2026-01-01T00:00:00Z", "2026-06-30T23:59:59.123+02:00")
const identity = (...names: string[]): fc.Arbitrary<string> =>
  fc.constantFrom(...names.map((n) => `etsi-qkd-node-types:${n}`))

const linkStatus = identity("ACTIVE", "PASSIVE", "PENDING", "OFF")
const role = identity("TRANSMITTER", "RECEIVER", "TRANSCEIVER")

/** An object with any of the members, and all of the required ones. */
function some<T extends Record<string, fc.Arbitrary<unknown>>>(
  members: T,
  required: (keyof T & string)[] = [],
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(members, { requiredKeys: required, noNullPrototype: true })
}

function list(
  entry: fc.Arbitrary<Record<string, unknown>>,
  key: string,
): fc.Arbitrary<Record<string, unknown>[]> {
  return fc.uniqueArray(entry, { selector: (e) => e[key], minLength: 1, maxLength: 3 })
}

const uuids = fc.uniqueArray(uuid, { minLength: 1, maxLength: 3 })

const app = some(
  {
    app_id: uuid,
    app_type: identity("CLIENT", "INTERNAL"),
    app_status: identity("ON", "DISCONNECTED", "OUT-OF-TIME", "ZOMBIE"),
    server_app_id: uri,
    client_app_id: fc.uniqueArray(uri, { minLength: 1, maxLength: 3 }),
    app_priority: uint32,
    creation_time: time,
    expiration_time: time,
    app_statistics: some({
      statistics: list(
        some({ end_time: time, start_time: time, consumed_bits: uint32 }, ["end_time"]),
        "end_time",
      ),
    }),
    app_qos: some({
      max_bandwidth: uint32,
      ttl: uint32,
      clients_shared_path_enable: bool,
      clients_shared_keys_required: bool,
    }),
    backing_qkdl_id: uuids,
    local_qkdn_id: uuid,
    remote_qkdn_id: uuid,
  },
  ["app_id"],
)

const qkdInterface = some(
  {
    qkdi_id: uint32,
    qkdi_model: text,
    qkdi_type: identity("CV-QKD", "DV-QKD", "DV-QKD-COW", "DV-QKD-2Ws"),
    qkdi_status: identity("ENABLED", "DISABLED", "FAILED"),
    qkdi_att_point: some({ device: text, port: uint32 }),
    qkdi_capabilities: some({
      role_support: role,
      wavelength_range: fc.constantFrom("1", "1,12-20,40", "9999-1"),
      max_absorption: decimal,
    }),
  },
  ["qkdi_id"],
)

const end = some({ qkdn_id: uuid, qkdi_id: uint32 })
const rates = { expected_consumption: uint32, skr: uint32, eskr: uint32 }
const linkBase = {
  qkdl_id: uuid,
  qkdl_status: linkStatus,
  qkdl_enable: bool,
  qkdl_local: end,
  qkdl_remote: end,
  qkdl_applications: uuids,
}
const physLink = some(
  {
    ...linkBase,
    qkdl_type: identity("PHYS"),
    phys_channel_att: decimal,
    phys_wavelength: fc.constantFrom("1", "1550", "9999"),
    phys_qkd_role: role,
    qkdl_performance: some({
      ...rates,
      phys_perf: list(
        some({ perf_type: identity("QBER", "SNR"), value: decimal }, ["perf_type"]),
        "perf_type",
      ),
    }),
  },
  ["qkdl_id", "qkdl_type"],
)
const virtLink = some(
  {
    ...linkBase,
    qkdl_type: identity("VIRT"),
    virt_prev_hop: uuid,
    virt_next_hop: uuids,
    virt_bandwidth: uint32,
    qkdl_performance: some(rates),
  },
  ["qkdl_id", "qkdl_type"],
)

/** Any valid node, configuration and state. */
export const anyNode: fc.Arbitrary<Record<string, unknown>> = some(
  {
    qkdn_id: uuid,
    qkdn_status: identity("NEW", "OPERATING", "DOWN", "FAILURE", "OUT"),
    qkdn_version: text,
    qkdn_location_id: text,
    qkdn_capabilities: some({ link_stats_support: bool, key_relay_mode_enable: bool }),
    qkd_applications: some({ qkd_app: list(app, "app_id") }),
    qkd_interfaces: some({ qkd_interface: list(qkdInterface, "qkdi_id") }),
    qkd_links: some({ qkd_link: list(fc.oneof(physLink, virtLink), "qkdl_id") }),
  },
  ["qkdn_id"],
).map((node) => ({ "etsi-qkd-sdn-node:qkd_node": node }))

const A = "aaaaaaaa-0000-4000-8000-000000000001"
const B = "bbbbbbbb-0000-4000-8000-000000000002"
const T = "etsi-qkd-node-types:"

/** A valid JSON instance in which each `from` below occurs exactly once. */
export const BASE_JSON = JSON.stringify({
  "etsi-qkd-sdn-node:qkd_node": {
    qkdn_id: "11111111-1111-4111-8111-111111111111",
    qkdn_version: "v1",
    qkdn_capabilities: { link_stats_support: true },
    qkd_applications: {
      qkd_app: [
        {
          app_id: "cccccccc-0000-4000-8000-000000000003",
          client_app_id: ["sae-1", "sae-2"],
          app_priority: 7,
          expiration_time: "2026-01-01T00:00:00Z",
        },
      ],
    },
    qkd_interfaces: {
      qkd_interface: [
        { qkdi_id: 3, qkdi_capabilities: { wavelength_range: "1,12-20", max_absorption: "1.5" } },
      ],
    },
    qkd_links: {
      qkd_link: [
        { qkdl_id: A, qkdl_type: `${T}PHYS`, phys_wavelength: "1550", phys_channel_att: "0.25" },
        { qkdl_id: B, qkdl_type: `${T}VIRT`, virt_bandwidth: 99 },
      ],
    },
  },
})

/** What is done to it: from, to. */
export const BROKEN_JSON: readonly (readonly [string, string])[] = [
  ['"qkdn_id":"11111111-1111-4111-8111-111111111111",', ""],
  ['"11111111-1111-4111-8111-111111111111"', '"11111111-1111-4111-8111-11111111111"'],
  ['"11111111-1111-4111-8111-111111111111"', "1"],
  ['"qkdn_version":"v1"', '"qkdn_version":1'],
  ['"qkdn_version":"v1"', '"qkdn_version":null'],
  ['"qkdn_version":"v1"', '"qkdn_version":["v1"]'],
  ['"qkdn_version":"v1"', '"qkdn_verson":"v1"'],
  ['"qkdn_version":"v1"', '"other:qkdn_version":"v1"'],
  ['"link_stats_support":true', '"link_stats_support":"true"'],
  ['"link_stats_support":true', '"link_stats_support":1'],
  ['"app_priority":7', '"app_priority":"7"'],
  ['"app_priority":7', '"app_priority":-1'],
  ['"app_priority":7', '"app_priority":4294967296'],
  ['"app_priority":7', '"app_priority":7.5'],
  ['"app_priority":7', '"app_priority":true'],
  ['["sae-1","sae-2"]', '["sae-1","sae-1"]'],
  ['["sae-1","sae-2"]', '["sae-1",2]'],
  ['["sae-1","sae-2"]', '{"a":1}'],
  ['"2026-01-01T00:00:00Z"', '"2026-01-01"'],
  ['"2026-01-01T00:00:00Z"', '"yesterday"'],
  ['"qkdi_id":3', '"qkdi_id":"3"'],
  ['"qkdi_id":3,', ""],
  ['"1,12-20"', '"1,12-20,"'],
  ['"1,12-20"', '"0"'],
  ['"1.5"', "1.5"],
  ['"1.5"', '"1.5555"'],
  ['"1.5"', '"one"'],
  ['"1.5"', '"92233720368547758.08"'],
  [`"${T}PHYS"`, '"PHYS"'],
  [`"${T}PHYS"`, `"${T}CLIENT"`],
  [`"${T}PHYS"`, '"t:PHYS"'],
  [`"${T}PHYS"`, `"${T}VIRT"`],
  [`"${T}VIRT"`, `"${T}PHYS"`],
  [`,"qkdl_type":"${T}PHYS"`, ""],
  ['"1550"', '"15500"'],
  [`"${B}"`, `"${A}"`],
  ['"qkd_link":[', '"qkd_link":{"x":['],
  ['"virt_bandwidth":99', '"virt_bandwidth":99,"phys_qkd_role":"etsi-qkd-node-types:RECEIVER"'],
  ['"virt_bandwidth":99', '"virt_bandwidth":99,"qkdl_performance":{"skr":1}'],
]

/** A valid XML instance in which each `from` below occurs exactly once. */
export const BASE_XML =
  `<qkd_node xmlns="${NODE_NS}" xmlns:t="${TYPES_NS}">` +
  "<qkdn_id>11111111-1111-4111-8111-111111111111</qkdn_id><qkdn_version>v1</qkdn_version>" +
  "<qkdn_capabilities><link_stats_support>true</link_stats_support></qkdn_capabilities>" +
  "<qkd_applications><qkd_app><app_id>cccccccc-0000-4000-8000-000000000003</app_id>" +
  "<client_app_id>sae-1</client_app_id><client_app_id>sae-2</client_app_id>" +
  "<app_priority>7</app_priority></qkd_app></qkd_applications>" +
  "<qkd_interfaces><qkd_interface><qkdi_id>3</qkdi_id>" +
  "<qkdi_capabilities><max_absorption>1.5</max_absorption></qkdi_capabilities>" +
  "</qkd_interface></qkd_interfaces><qkd_links>" +
  `<qkd_link><qkdl_id>${A}</qkdl_id><qkdl_type>t:PHYS</qkdl_type><phys_wavelength>1550</phys_wavelength></qkd_link>` +
  `<qkd_link><qkdl_id>${B}</qkdl_id><qkdl_type>t:VIRT</qkdl_type><virt_bandwidth>99</virt_bandwidth></qkd_link>` +
  "</qkd_links></qkd_node>"

export const BROKEN_XML: readonly (readonly [string, string])[] = [
  ["<qkdn_id>11111111-1111-4111-8111-111111111111</qkdn_id>", ""],
  [
    "<qkdn_version>v1</qkdn_version>",
    "<qkdn_version>v1</qkdn_version><qkdn_version>v2</qkdn_version>",
  ],
  ["<qkdn_version>v1</qkdn_version>", "<qkdn_verson>v1</qkdn_verson>"],
  ["<qkdn_version>v1</qkdn_version>", "<qkdn_version><b/></qkdn_version>"],
  ["<qkdn_version>v1</qkdn_version>", '<qkdn_version xmlns="urn:x">v1</qkdn_version>'],
  ["<qkdn_version>v1</qkdn_version>", `<qkdn_version xmlns="${TYPES_NS}">v1</qkdn_version>`],
  ["<link_stats_support>true<", "<link_stats_support>True<"],
  ["<link_stats_support>true<", "<link_stats_support>1<"],
  ["<link_stats_support>true<", "<link_stats_support><"],
  ["<qkd_applications>", "<qkd_applications>text"],
  ["<app_priority>7<", "<app_priority>seven<"],
  ["<app_priority>7<", "<app_priority>-7<"],
  ["<app_priority>7<", "<app_priority>4294967296<"],
  ["<app_priority>7<", "<app_priority>0x7<"],
  ["<app_priority>7<", "<app_priority> 7 <"],
  ["<app_priority>7<", "<app_priority><"],
  ["<client_app_id>sae-2<", "<client_app_id>sae-1<"],
  ["<app_id>cccccccc-0000-4000-8000-000000000003</app_id>", ""],
  ["<qkdi_id>3<", "<qkdi_id>three<"],
  ["<max_absorption>1.5<", "<max_absorption>1,5<"],
  ["<max_absorption>1.5<", "<max_absorption>1.5555<"],
  ["<max_absorption>1.5<", "<max_absorption>.5<"],
  ["<max_absorption>1.5<", "<max_absorption>1.<"],
  ["<max_absorption>1.5<", "<max_absorption>1.5000<"],
  ["<max_absorption>1.5<", "<max_absorption>1e1<"],
  ["t:PHYS", "PHYS"],
  ["t:PHYS", "u:PHYS"],
  ["t:PHYS", "t:CLIENT"],
  ["t:PHYS", "t:VIRT"],
  ["t:PHYS", " t:PHYS"],
  ["t:VIRT", "t:PHYS"],
  ["<phys_wavelength>1550<", "<phys_wavelength>0<"],
  [`<qkdl_id>${B}<`, `<qkdl_id>${A}<`],
  [
    "<virt_bandwidth>99</virt_bandwidth>",
    "<virt_bandwidth>99</virt_bandwidth><phys_wavelength>1</phys_wavelength>",
  ],
  ["<qkd_links>", "<qkd_links><unknown/>"],
  ["</qkd_node>", '</qkd_node><other xmlns="urn:other"/>'],
]
