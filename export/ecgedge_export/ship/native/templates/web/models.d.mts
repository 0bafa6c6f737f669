import type { Source } from "./ecg_core.mjs";

/** Logits for a network's inputs, which are the `preprocessed` of its golden vectors. */
export interface Network {
  (values: Float32Array): Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** The networks of models.wasm by their names. */
export function loadModels(source: Source): Promise<Record<string, Network>>;
