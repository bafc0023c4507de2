// The options of a plugin's target, read with care: unknown ones are refused, each fault names the option's path. Opens
// nothing but the files it is told to.

import { readFile } from "node:fs/promises"
import { type ErrorTag, QkdError } from "../errors.js"
import { TECHNOLOGIES, type Technology } from "../model/node.js"

const TEXT_LENGTH = 1024

/** All readers throw QkdError `invalid-value` with the path `/options/NAME`. */
export class OptionReader {
  readonly #options: Readonly<Record<string, unknown>>

  /** @throws QkdError `unknown-element`, `missing-element` with the path of the first option at fault */
  constructor(
    options: Readonly<Record<string, unknown>>,
    required: readonly string[],
    optional: readonly string[],
  ) {
    for (const name of Object.keys(options))
      if (!required.includes(name) && !optional.includes(name))
        throw optionFault("unknown-element", name, "is no option of this module")
    for (const name of required)
      if (options[name] === undefined) throw optionFault("missing-element", name, "is missing")
    this.#options = options
  }

  /** Not empty, at most 1024 characters; `absent` where it is not given. */
  text(name: string, absent?: string): string {
    const { [name]: value = absent } = this.#options
    if (typeof value !== "string" || value === "" || value.length > TEXT_LENGTH)
      throw optionFault("invalid-value", name, "must be a text")
    return value
  }

  /** Undefined where it is not given. */
  number(name: string, least: number, most: number): number | undefined {
    const value = this.#options[name]
    if (value === undefined) return undefined
    if (typeof value !== "number" || !(value >= least && value <= most))
      throw optionFault("invalid-value", name, `must be a number from ${least} to ${most}`)
    return value
  }

  /** Undefined where it is not given. */
  whole(name: string, least: number, most: number): number | undefined {
    const value = this.number(name, least, most)
    if (value !== undefined && !Number.isInteger(value))
      throw optionFault("invalid-value", name, `must be a whole number from ${least} to ${most}`)
    return value
  }

  port(name: string): number {
    const port = this.whole(name, 1, 65_535)
    if (port === undefined) throw optionFault("missing-element", name, "is missing")
    return port
  }

  oneOf<T extends string>(name: string, values: readonly T[], absent?: T): T {
    const { [name]: value = absent } = this.#options
    const known = values.find((each) => each === value)
    if (known === undefined)
      throw optionFault("invalid-value", name, `must be one of ${values.join(", ")}`)
    return known
  }

  /** DV-QKD where it is not given. */
  technology(name: string): Technology {
    return this.oneOf(name, TECHNOLOGIES, "DV-QKD")
  }
}

export function optionFault(tag: ErrorTag, name: string, message: string): QkdError {
  return new QkdError(tag, `option ${name} ${message}`, { path: `/options/${name}` })
}

/** The text of the file that an option names. @throws QkdError `data-missing` with the option's path */
export async function readOptionFile(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw new QkdError("data-missing", `${file} cannot be read`, {
      path: `/options/${name}`,
      cause,
    })
  }
}
