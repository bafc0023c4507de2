// A pattern as a tree, however it is matched. Type only.

export type Regex =
  /** One character out of a set, as a JS fragment for the `u` flag. */
  | { readonly kind: "set"; readonly js: string }
  | { readonly kind: "sequence"; readonly items: readonly Regex[] }
  | { readonly kind: "choice"; readonly items: readonly Regex[] }
  | { readonly kind: "repeat"; readonly item: Regex; readonly min: number; readonly max: number }
