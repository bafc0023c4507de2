// Whether what a plugin exports is what the contract asks for. Looks, calls nothing.

import { QkdError } from "../errors.js"
import type { NodeDriver, QkdModuleDriver } from "./contract.js"

/** The contract this program speaks. A misfit is never a matter of product versions. */
export const CONTRACT = 1

function shapeFault(plugin: string, what: string): QkdError {
  return new QkdError("operation-not-supported", `plugin ${plugin}: ${what}`)
}

/** The default export of a plugin's module, or a named export `driver`. */
function exported(plugin: string, module: unknown): object {
  const candidates =
    typeof module === "object" && module !== null
      ? [Reflect.get(module, "default"), Reflect.get(module, "driver")]
      : []
  for (const candidate of candidates as unknown[])
    if (typeof candidate === "object" && candidate !== null) return candidate
  throw shapeFault(plugin, "exports no driver (a default export, or one called driver)")
}

function checked(
  plugin: string,
  module: unknown,
  method: "connect" | "open",
  role: string,
): object {
  const driver = exported(plugin, module)
  const contract: unknown = Reflect.get(driver, "contract")
  if (contract !== CONTRACT)
    throw shapeFault(plugin, `speaks contract ${String(contract)}, this program ${CONTRACT}`)
  if (typeof Reflect.get(driver, "name") !== "string") throw shapeFault(plugin, "has no name")
  if (typeof Reflect.get(driver, method) !== "function")
    throw shapeFault(plugin, `is no ${role}: it has no method ${method}`)
  return driver
}

function isNodeDriver(driver: object): driver is NodeDriver {
  return "connect" in driver
}

function isModuleDriver(driver: object): driver is QkdModuleDriver {
  return "open" in driver
}

/** @throws QkdError `operation-not-supported` saying what is missing. */
export function asNodeDriver(plugin: string, module: unknown): NodeDriver {
  const driver = checked(plugin, module, "connect", "node driver")
  if (isNodeDriver(driver)) return driver
  throw shapeFault(plugin, "is no node driver")
}

/** @throws QkdError `operation-not-supported` saying what is missing. */
export function asModuleDriver(plugin: string, module: unknown): QkdModuleDriver {
  const driver = checked(plugin, module, "open", "QKD module driver")
  if (isModuleDriver(driver)) return driver
  throw shapeFault(plugin, "is no QKD module driver")
}
