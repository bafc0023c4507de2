// What the engine needs of a solver of linear programs: rows with bounds, columns that come one by one, solved again
// from where it stood. Types only; the solver is an argument, since it must be loaded.

/** Maximises the sum of objective times value. Values are zero or more. */
export interface LinearProgram {
  /** @returns its number. */
  addRow(lower: number, upper: number): number
  /**
   * @param rows where it counts.
   * @param factors how often it counts in each of them; once where absent.
   * @returns its number.
   */
  addColumn(objective: number, rows: readonly number[], factors?: readonly number[]): number
  setObjective(column: number, objective: number): void
  setRowBounds(row: number, lower: number, upper: number): void
  setColumnBounds(column: number, lower: number, upper: number): void
  /**
   * The next solution is sought from here: these rows at their upper bound, each filled by the column beside it, all
   * other columns at zero. A start near the optimum saves most of the work; it need not keep the other rows' bounds.
   */
  startFrom(filled: readonly { readonly row: number; readonly column: number }[]): void
  /** @returns undefined when nothing keeps all bounds. */
  solve(): LinearSolution | undefined
  close(): void
}

export interface LinearSolution {
  readonly objective: number
  /** By column. */
  readonly values: Float64Array
  /** By row: what one more unit of its upper bound would gain. */
  readonly prices: Float64Array
}

export type MakeLinearProgram = () => LinearProgram
