// Modules of `wasm-code` brought to life, where the engine has WebAssembly and is not told to do without.

/** What is used of the engine's `WebAssembly`. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

export interface WasmInstance {
  /** Its functions by their names. */
  readonly steps: object
  readonly memory: Uint8Array
}

/** @returns undefined without WebAssembly */
export function instanceOf(code: () => Uint8Array): WasmInstance | undefined {
  const engine = (globalThis as { readonly WebAssembly?: Engine }).WebAssembly
  if (engine === undefined) return undefined
  const { exports: steps } = new engine.Instance(new engine.Module(code()))
  const { memory } = steps as { readonly memory: { readonly buffer: ArrayBuffer } }
  return { steps, memory: new Uint8Array(memory.buffer) }
}
