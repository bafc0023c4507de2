// The published plugin entry: all that a plugin may import, and the only file that gathers others. What is not
// here is no part of the contract and may change without a word.

export type { ErrorTag, AppTag, QkdErrorOptions } from "../errors.js"
export { ERROR_TAGS, QkdError, asQkdError } from "../errors.js"
export { Secret } from "../keys/secret.js"
export { readBase64 } from "../keys/base64.js"
export { unmovedBuffer, unmovedBytes } from "../unmoved.js"

export type {
  DriverHost,
  Host,
  KeyBlock,
  LinkMeasurement,
  ModuleConfig,
  ModuleDescription,
  ModuleTarget,
  NodeConnection,
  NodeDriver,
  QkdModule,
  QkdModuleDriver,
} from "./contract.js"
export { Channel } from "./channel.js"
export { OptionReader, optionFault, readOptionFile } from "./options.js"

// Conformance suites: named checks for any test runner, and what they run against.
export type { Check, CheckResult } from "./check.js"
export { runChecks } from "./check.js"
export type { FakeNode, FakeNodeOptions, MakeFakeNode } from "./conformance.js"
export { conformance, driverChecks } from "./conformance.js"
export { startFakeNode } from "./fake-node.js"
export type { MakeTestLink, TestLink } from "./module-bench.js"
export { moduleChecks, moduleConformance } from "./module-conformance.js"

// Hosts, for a plugin's own tests.
export type { DriverHostOptions } from "./driver-host.js"
export { lendDriverHost } from "./driver-host.js"
export type { HostOptions, LentHost } from "./host.js"
export { lendHost } from "./host.js"

// The model in native types.
export type { AppConfig, AppQos, AppState, AppStatistics, AppStatus } from "../model/app.js"
export type {
  LinkConfig,
  LinkEnd,
  LinkPerformance,
  LinkState,
  LinkStatus,
  LinkType,
  ModuleRole,
  PhysLinkConfig,
  VirtLinkConfig,
} from "../model/link.js"
export type { NodeTarget, NodeTlsTarget } from "../model/network.js"
export type {
  AlarmBody,
  InterfaceStatus,
  KeyManagerInfo,
  NodeCapabilities,
  NodeConfig,
  NodeEvent,
  NodePlan,
  NodeState,
  NodeStatus,
  PeerAddress,
  QkdInterface,
  Severity,
  Technology,
} from "../model/node.js"

// What a link of given modules and loss yields.
export type { RateAnswer, RateQuestion } from "../model/key-rate.js"
export { keyRateSet, rateModel, reachDb, setForLink } from "../model/key-rate.js"
export type { KeyRateSet } from "../model/key-rate-set.js"

// What a maker's module with an ETSI GS QKD 014 interface is asked with.
export type { KmeStatus } from "../etsi014/client.js"
export { Etsi014Client } from "../etsi014/client.js"
export type { DeliveredKey } from "../etsi014/key-container.js"

// ETSI GS QKD 015 data (RFC 7951) to and from the native types, and the XML it travels in.
export type { JsonObject, JsonValue } from "../yang/json-text.js"
export { isArray, isObject } from "../yang/json-text.js"
export type { XmlAttribute, XmlElement } from "../yang/xml-tree.js"
export { attributeOf, childrenOf, escapeAttr, escapeText, textOf } from "../yang/xml-tree.js"
export { appConfigToData } from "../model/etsi015-app.js"
export type { WriteProfile } from "../model/etsi015-link.js"
export { linkConfigToData, REFERENCE_PROFILE } from "../model/etsi015-link.js"
export type { NotificationData } from "../model/etsi015-notify.js"
export { nodeEventFromNotification, notificationFromNodeEvent } from "../model/etsi015-notify.js"
export { KEYLOOM_MODULE, NODE_MODULE, TYPES_MODULE } from "../model/etsi015-values.js"
export {
  nodeConfigFromData,
  nodeConfigToData,
  nodeStateFromData,
  peerToData,
} from "../model/etsi015.js"

// The NETCONF session a driver is lent.
export type {
  CommitOptions,
  EditConfigOptions,
  GetDataOptions,
  NetconfClientSession,
  NetconfNotification,
  ReadOptions,
  RpcOptions,
  SubscriptionOptions,
  WithDefaults,
  XPathFilter,
} from "../netconf/client.js"

// Subscriptions over such a session (RFC 8639, RFC 8641).
export type {
  ChangeEdit,
  ClientSubscription,
  PushRequest,
  SelectionXml,
  StreamRequest,
  SubscriptionNote,
  SubscriptionOffer,
} from "../netconf/client-subscriptions.js"
export { SubscriptionClient, subscriptionOffer } from "../netconf/client-subscriptions.js"
