// The HiGHS solver as the engine's linear program. Loads its code once.

import { createRequire } from "node:module"
import type { default as LoadHighs, Highs, Model } from "highs"
import { QkdError } from "../errors.js"
import type { LinearProgram, LinearSolution, MakeLinearProgram } from "../engine/linear-program.js"

/** By require: the package's types describe that form, and not the module that an import would give. */
const loadHighs = createRequire(import.meta.url)("highs") as typeof LoadHighs.default

/** @throws QkdError `operation-failed` when it cannot be loaded. */
export async function loadLinearPrograms(): Promise<MakeLinearProgram> {
  try {
    const highs = await loadHighs()
    return () => new HighsProgram(highs)
  } catch (cause) {
    throw new QkdError("operation-failed", "the LP solver could not be loaded", { cause })
  }
}

const INFINITE = 1e30
/** HiGHS's `kSimplexStrategyChoose`. */
const CHOOSE = 0

class HighsProgram implements LinearProgram {
  readonly #highs: Highs
  readonly #model: Model & Disposable
  #rows = 0
  #columns = 0

  constructor(highs: Highs) {
    this.#highs = highs
    this.#model = highs.createModel()
    this.#model.options.set("output_flag", false)
    // Solved again and again from where it stood: presolving would begin anew. After new columns the primal method is
    // the quick one, after new bounds the dual: the solver is to choose.
    this.#model.options.set("presolve", "off")
    this.#model.options.set("simplex_strategy", CHOOSE)
  }

  addRow(lower: number, upper: number): number {
    this.#model.addRow(finite(lower), finite(upper), { indices: [], values: [] })
    this.#rows += 1
    return this.#rows - 1
  }

  addColumn(objective: number, rows: readonly number[], factors?: readonly number[]): number {
    const values = factors ?? rows.map(() => 1)
    // It minimises: so the signs are turned.
    this.#model.addCol(-objective, 0, INFINITE, { indices: rows, values })
    this.#columns += 1
    return this.#columns - 1
  }

  setObjective(column: number, objective: number): void {
    this.#model.changeColCost(column, -objective)
  }

  setRowBounds(row: number, lower: number, upper: number): void {
    this.#model.changeRowBounds(row, finite(lower), finite(upper))
  }

  setColumnBounds(column: number, lower: number, upper: number): void {
    this.#model.changeColBounds(column, finite(lower), finite(upper))
  }

  startFrom(filled: readonly { readonly row: number; readonly column: number }[]): void {
    const { basic, lower, upper } = this.#highs.constants.basisStatus
    const colStatus = new Int32Array(this.#columns).fill(lower)
    const rowStatus = new Int32Array(this.#rows).fill(basic)
    for (const { row, column } of filled) {
      colStatus[column] = basic
      rowStatus[row] = upper
    }
    this.#model.setBasis({ colStatus, rowStatus })
  }

  solve(): LinearSolution | undefined {
    const { optimal, empty } = this.#highs.constants.modelStatus
    const { modelStatus } = this.#model.run()
    if (modelStatus === empty)
      return { objective: 0, values: new Float64Array(0), prices: new Float64Array(this.#rows) }
    if (modelStatus !== optimal) return undefined
    const { colValue, rowDual } = this.#model.getSolution()
    return {
      objective: -this.#model.getObjectiveValue(),
      values: colValue,
      prices: rowDual.map((dual) => -dual),
    }
  }

  close(): void {
    this.#model[Symbol.dispose]()
  }
}

function finite(bound: number): number {
  return Math.max(-INFINITE, Math.min(INFINITE, bound))
}
