import type { KeyFileCode } from './error';
import type { Vault } from './vault';

/** One call to the worker and its answer, matched by id. */
export interface Call {
  id: number;
  operation: keyof Vault;
  values: unknown[];
}

export type Answer =
  | { id: number; value: unknown }
  | { id: number; code: KeyFileCode; detail: string };
