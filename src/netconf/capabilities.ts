// What a server says in its hello (RFC 6241 section 8.1, RFC 7950 section 5.6.4). Nothing is named here that is not done.

import type { ModuleInfo, Schema } from "../yang/schema.js"
import { featuresOf, type Library, type OfferedStores } from "./library.js"
import {
  CANDIDATE,
  CAPABILITY,
  CONFIRMED_COMMIT,
  SERVER_CAPABILITIES,
  STARTUP,
  WITH_DEFAULTS_CAPABILITY,
  WITH_OPERATIONAL_DEFAULTS,
} from "./names.js"
import {
  LIBRARY_MODULE,
  NMDA_MODULE,
  WITH_DEFAULTS_MODULE,
  implementsModule,
} from "./protocol-modules.js"

/**
 * The capabilities of a server of this schema. YANG 1.1 modules are named too, beside the library: most
 * clients in the field know a server by its hello alone.
 */
export function serverCapabilities(
  schema: Schema,
  stores: OfferedStores,
  library: Library,
): string[] {
  const offered: string[] = [...SERVER_CAPABILITIES]
  if (stores.names.includes("candidate")) offered.push(CANDIDATE)
  if (stores.canConfirm) offered.push(CONFIRMED_COMMIT)
  if (stores.names.includes("startup")) offered.push(STARTUP)
  if (implementsModule(schema, WITH_DEFAULTS_MODULE)) {
    offered.push(WITH_DEFAULTS_CAPABILITY)
    if (implementsModule(schema, NMDA_MODULE)) offered.push(WITH_OPERATIONAL_DEFAULTS)
  }
  if (implementsModule(schema, LIBRARY_MODULE)) {
    const { revision = "" } = schema.moduleByName(LIBRARY_MODULE) ?? {}
    // RFC 7950 section 5.6.4, for clients that know no other; RFC 8526 section 2.
    offered.push(
      `${CAPABILITY}yang-library:1.0?revision=${revision}&module-set-id=${library.moduleSetId}`,
      `${CAPABILITY}yang-library:1.1?revision=${revision}&content-id=${library.contentId}`,
    )
  }
  const modules = schema.modules.filter((m) => m.implemented)
  return [...new Set([...offered, ...modules.map((m) => moduleCapability(m, stores))])]
}

function moduleCapability(module: ModuleInfo, stores: OfferedStores): string {
  const parameters = [`module=${module.name}`]
  const features = featuresOf(module, stores)
  if (module.revision !== "") parameters.push(`revision=${module.revision}`)
  if (features.length > 0) parameters.push(`features=${features.join(",")}`)
  if (module.deviations.length > 0) parameters.push(`deviations=${module.deviations.join(",")}`)
  return `${module.namespace}?${parameters.join("&")}`
}
